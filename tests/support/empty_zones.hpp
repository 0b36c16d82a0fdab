// The zones of a new device: all sequential, nothing written.
#pragma once

#include <cstdint>
#include <vector>

#include "furrow/zoned/geometry.hpp"
#include "furrow/zoned/zone.hpp"

namespace furrow::test {

[[nodiscard]] inline std::vector<zoned::zone_info> empty_zones(const zoned::geometry& shape,
                                                               std::uint64_t capacity_bytes) {
  std::vector<zoned::zone_info> all;
  for (std::uint32_t i = 0; i < shape.zone_count; ++i)
    all.push_back(
        {{i}, zoned::zone_type::sequential, zoned::zone_condition::empty, shape.zone_bytes, capacity_bytes, 0});
  return all;
}
[[nodiscard]] inline std::vector<zoned::zone_info> empty_zones(const zoned::geometry& shape) {
  return empty_zones(shape, shape.zone_bytes);
}

}  // namespace furrow::test
