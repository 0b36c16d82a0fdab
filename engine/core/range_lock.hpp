// Which blocks of an object somebody is changing: overlapping ranges follow one another, others do not wait.
//
// Invariants
//   L1  Ranges that are held do not overlap.
//   L2  A range waits while it overlaps one that is held or one that has waited for longer; so none starves. How many
//       these are is kept with it, so that what goes looks at each that waits once.
//
// Not here: what is done under it (direct_writer); reads take none.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <cstdint>
#include <functional>
#include <vector>

namespace furrow::core {

class range_lock {
 public:
  /// To its user, a place in the order; stays where it is until released.
  struct ticket : boost::intrusive::set_base_hook<>, boost::intrusive::list_base_hook<> {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    bool held = false;
    bool waits = false;
    std::size_t before = 0;         ///< Overlapping ones that came before and are still there; 0: it is held.
    std::function<void()> granted;  ///< Called by nobody here: see release().
  };

  /// True: [first, end) is held now. Else it waits. The range is not empty.
  [[nodiscard]] bool acquire(ticket& t, std::uint64_t first, std::uint64_t end);
  /// Of a ticket that is held or waits. Those that are held now because of it are added to `now_held`.
  void release(ticket& t, std::vector<ticket*>& now_held);
  /// Whether a range up to `end` would have to wait.
  [[nodiscard]] bool is_free(std::uint64_t first, std::uint64_t end) const { return idle() || is_free_of(first, end); }
  [[nodiscard]] bool idle() const { return held_.empty() && waiting_.empty(); }

 private:
  struct by_first {
    using type = std::uint64_t;
    type operator()(const ticket& t) const { return t.first; }
  };
  [[nodiscard]] bool is_free_of(std::uint64_t first, std::uint64_t end) const;
  /// How many are held or wait that overlap it.
  [[nodiscard]] std::size_t overlapping(std::uint64_t first, std::uint64_t end) const;

  boost::intrusive::set<ticket, boost::intrusive::key_of_value<by_first>, boost::intrusive::constant_time_size<false>>
      held_;
  boost::intrusive::list<ticket, boost::intrusive::constant_time_size<false>> waiting_;  ///< In the order of coming.
};

}  // namespace furrow::core
