// What is told of space: which kind is short when somebody gets none, and why each zone is not free.
//
// Invariants
//   S1  What is short is asked only when nothing more is coming: no zone is on its way back, and cleaning gains nothing.
//
//   S2  low_space is told once when it becomes true: less may be written than low_space_parts says, what cleaning wins
//       included; and again only after a zone's worth more than that was there. It is looked at when zones have changed.
//
// Not here: whether there is room (data_writer, checkpoint), what frees a zone (reclaimer).
#pragma once

#include "core/context.hpp"

namespace furrow::core {

/// For an answer of no_space to who wanted so many blocks; 0: room for metadata only. `no_credit`: the device refused one
/// more active zone, again and again.
[[nodiscard]] error_detail no_space_detail(context& c, std::uint64_t object, std::uint64_t blocks,
                                           bool no_credit = false);

/// A store is low on space when what may be written is less than one part of its capacity in so many, or than a zone.
inline constexpr std::uint64_t low_space_parts = 32;

class low_space {
 public:
  explicit low_space(context& c) : c_{c} {}
  void step() {
    if (c_.zones.changes() != looked_at_) look();
  }

 private:
  void look();

  context& c_;
  std::uint64_t looked_at_ = ~std::uint64_t{0};
  bool low_ = false;
};

/// All that keeps it from being free.
[[nodiscard]] std::vector<zone_keeper> keepers_of(const context& c, const zone_state& z);

}  // namespace furrow::core
