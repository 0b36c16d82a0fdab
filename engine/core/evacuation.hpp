// Zones that the device has made read-only or offline: what lives in one that can be read is moved elsewhere, and one in which
// nothing lives any more is retired.
//
// States of such a zone (its life is `bad`, and it has `retired`, from the moment that it is found so)
//   needed     extents or pages name something in it. Data of a read-only one are moved by the cleaner; those of an offline
//              one are lost, and stay named until they are written over or removed. Pages are marked as changed, read from
//              their other copy if need be, and a checkpoint is asked for                             -> freeing (reclaimer)
//   freeing    the record that frees it is on its way                                                 -> done
//   done       it holds nothing, and no role; it is bad for ever
//
// Invariants
//   E1  Such a zone is never written, reset or counted as clean again, by later opens either, whatever the device says then.
//   E2  Evacuation brings no room: it begins only if what lives in the zone fits in the room that users may take, and takes
//       none of what is the cleaner's alone. Who has no room goes first.
//   E3  Where there is no room cleaning is asked for it, once each time that zones have changed.
//   E4  A zone of which something was left is tried again when more of it has died, or, if the cause may pass, when other
//       zones have changed.
//
// Not here: moving (cleaner), the record that frees (reclaimer), how such a zone is found (zone_condition.hpp).
#pragma once

#include <functional>
#include <set>
#include <unordered_map>
#include <vector>

#include "core/context.hpp"

namespace furrow::core {

class evacuation {
 public:
  explicit evacuation(context& c) : c_{c} {}

  /// The device says that it is read-only or offline, or did so once.
  void turned(zone_state& z);
  [[nodiscard]] bool any() const { return !zones_.empty(); }
  /// The zone to be emptied by the cleaner now.
  [[nodiscard]] zone_state* next();
  /// The cleaner has ended with it. What kept it from moving all may pass, or it is damage.
  void ended(zone_state& z, bool passing, bool damaged);
  /// The next checkpoint writes the page anew, all its copies, if one of them can be read and it is still needed. Calls with
  /// what came of it.
  void mend(const page_need& page, std::function<void(error_code)> call);
  /// Those that are not done.
  [[nodiscard]] const std::set<std::uint32_t>& zones() const { return zones_; }

 private:
  [[nodiscard]] bool is_left(const zone_state& z) const;
  void ask_for_room(const zone_state& z);
  void mend_pages();
  void collect_pages();
  [[nodiscard]] std::uint64_t pages_max() const;

  context& c_;
  std::set<std::uint32_t> zones_;
  struct attempt {
    std::uint32_t live_blocks = 0;
    std::uint64_t until_changes = 0;  ///< Of the zone table.
  };
  std::unordered_map<std::uint32_t, attempt> left_;  // E4
  std::uint32_t begun_blocks_ = 0;                   ///< Live in the zone that was given out last.
  std::uint64_t asked_at_ = ~std::uint64_t{0};       // E3

  bool look_for_pages_ = false;
  std::vector<page_need> pages_;  ///< To be mended.
  std::uint32_t mending_ = 0;
  std::uint32_t mended_ = 0;  ///< Since they were collected.
};

}  // namespace furrow::core
