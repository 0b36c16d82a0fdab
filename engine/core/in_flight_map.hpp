// The blocks of one object that are being written at places of their own: its ordered extents in flight, each with its
// pinned map entry.
//
// Invariants
//   I1  Ordered by object block; no two overlap. Both ends are looked at when one enters.
//   I2  Who stands in it is referenced by it, until erase().
//   I3  A split of one that stands in it puts the parts beside it in the same step (splitter): blocks() stays, and
//       nothing is looked up.
//   I4  The list has all; the index has whoever came by insert(), and parts only in the place of one that has gone. So
//       what lies between two of the index are parts of these two, and a search walks back over no others.
//
// Not here: appends, which are ordered by their object's end (publisher's queue).
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <iterator>

#include "core/ordered_extent.hpp"

namespace furrow::core {

class in_flight_map {
 public:
  in_flight_map() = default;
  in_flight_map(const in_flight_map&) = delete;
  in_flight_map& operator=(const in_flight_map&) = delete;
  ~in_flight_map();

  /// False, and nothing has changed, if it is empty or some of its blocks are in flight already.
  [[nodiscard]] bool insert(ordered_extent& e);
  /// Its reference ends; the ordered extent may be gone then.
  void erase(ordered_extent& e);
  /// Who writes the block, or none. Counted: what goes on needs none.
  [[nodiscard]] ordered_extent* find(std::uint64_t object_block);

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] std::uint64_t blocks() const { return blocks_; }
  [[nodiscard]] std::uint64_t lookups() const { return lookups_; }
  [[nodiscard]] auto begin() const { return all_.begin(); }
  [[nodiscard]] auto end() const { return all_.end(); }

  /// For the splitter: parts of `e` come to stand before and behind it; the caller has shortened `e` already.
  void put_beside(ordered_extent& e, ordered_extent* before, ordered_extent* behind) noexcept {
    const auto at = all_.iterator_to(e);
    if (before != nullptr) {
      all_.insert(at, *before);
      enter(*before);
    }
    if (behind != nullptr) {
      all_.insert(std::next(at), *behind);
      enter(*behind);
    }
  }

 private:
  struct first_block {
    using type = std::uint64_t;
    std::uint64_t operator()(const ordered_extent& e) const { return e.object_block; }
  };
  using list = boost::intrusive::list<ordered_extent, boost::intrusive::base_hook<in_flight_hook>,
                                      boost::intrusive::constant_time_size<false>>;
  void enter(ordered_extent& e) noexcept {
    intrusive_ptr_add_ref(&e);
    e.in_flight = this;
    ++count_;
  }
  void leave_index(ordered_extent& e) noexcept;
  /// The first that begins at the block or behind it.
  [[nodiscard]] list::iterator first_from(std::uint64_t object_block);

  list all_;
  boost::intrusive::set<ordered_extent, boost::intrusive::base_hook<in_flight_index_hook>,
                        boost::intrusive::key_of_value<first_block>, boost::intrusive::constant_time_size<false>>
      index_;
  std::size_t count_ = 0;
  std::uint64_t blocks_ = 0;
  std::uint64_t lookups_ = 0;
};

}  // namespace furrow::core
