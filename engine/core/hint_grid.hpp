// The hints of an extent: one for each part of it between multiples of run_blocks_max in its zone.
//
// Not here: when they are written (extent_edit).
#pragma once

#include <algorithm>

#include "core/limits.hpp"
#include "format/keys.hpp"
#include "furrow/zoned/geometry.hpp"

namespace furrow::core {

class hint_grid {
 public:
  struct part {
    std::uint32_t first = 0, end = 0;  ///< Blocks of the zone.
    [[nodiscard]] std::uint32_t blocks() const { return end - first; }
  };
  hint_grid(const zoned::geometry& shape, std::uint64_t object, std::uint64_t object_block,
            const format::block_run& run)
      : zone_{shape.zone_of(run.address)},
        object_{object},
        object_block_{object_block},
        first_{static_cast<std::uint32_t>(shape.block_in_zone(run.address))},
        end_{first_ + run.blocks} {}

  [[nodiscard]] part at(std::uint32_t block) const {
    const std::uint32_t line = block / format::run_blocks_max * format::run_blocks_max;
    return {std::max(first_, line), std::min(end_, line + format::run_blocks_max)};
  }
  [[nodiscard]] std::uint32_t first() const { return first_; }
  [[nodiscard]] std::uint32_t end() const { return end_; }
  /// Of a hint that begins at that block.
  [[nodiscard]] format::short_key key(std::uint32_t block) const {
    return format::hint_key(0, zone_, block, object_, object_block_ + (block - first_));
  }

 private:
  zoned::zone_index zone_;
  std::uint64_t object_, object_block_;
  std::uint32_t first_, end_;
};

}  // namespace furrow::core
