// Counting zones.
#include "sim/room.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace furrow::sim {
namespace {

constexpr std::uint64_t block = zoned::store_block_bytes;
// Empty, and not for data: the zone of each copy of the superblock that is not begun yet, the one that the journal goes on in, and
// one that is taken between the refusal and its being told.
constexpr std::uint64_t zones_taken = 4;
// What metadata is to have, and the cleaner, is half of the zones at the most, conventional ones among them, where they are not few.
constexpr std::uint64_t zones_kept_least = 8;

}  // namespace

std::optional<std::string> refute_no_space(sim_device& device, const space_shortage& told, std::uint64_t blocks,
                                           bool metadata_elsewhere, std::uint64_t errors_before) {
  std::uint64_t content = ~std::uint64_t{0}, empty = 0, zones = 0, all = 0;
  for (std::uint32_t i = 0; i < device.shape().zone_count; ++i) {
    const zoned::zone_info& z = device.zones().machine().at({i});
    if (z.bytes != device.shape().zone_bytes) continue;
    ++all;
    if (z.type != zoned::zone_type::sequential) continue;
    ++zones;
    content = std::min(content, z.capacity_bytes / block - 1);
    const bool suspect = device.last_error_of({i}) > errors_before;
    empty += z.condition == zoned::zone_condition::empty && !suspect ? 1 : 0;
  }
  if (zones == 0 || content == 0) return std::nullopt;
  const std::uint64_t kept = told.reserved_bytes / block / content + 1;
  if (kept > zones_kept_least + all / 2) return fmt::format("{} zones are kept, of {}", kept, all);
  if (metadata_elsewhere) return std::nullopt;
  const std::uint64_t wanted = (blocks + told.wanted_bytes / block) / content + 1;
  if (empty <= kept + wanted + zones_taken) return std::nullopt;
  return fmt::format("{} of {} zones are empty, and {} are kept and {} wanted", empty, zones, kept, wanted);
}

}  // namespace furrow::sim
