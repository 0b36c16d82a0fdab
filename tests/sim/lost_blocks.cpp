// Looking for the bytes of a block on the medium of a zone that cannot be read any more.
#include "sim/lost_blocks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace furrow::sim {

bool names_offline_zone(sim_device& device, const error_detail& detail) {
  return detail.zone && detail.zone->value < device.shape().zone_count &&
         device.zones().machine().at(*detail.zone).condition == zoned::zone_condition::offline;
}

std::optional<std::string> refute_loss(const model& truth, sim_device& device, object_index object,
                                       const core::notification& n) {
  if (n.error != zoned::errc::zone_offline) return "it is not said that a zone is offline: " + n.error.message();
  if (!names_offline_zone(device, n.detail)) return "the zone that is named is not offline, or none is named";
  if (!n.detail.offset_bytes || *n.detail.offset_bytes % zoned::store_block_bytes != 0)
    return "no block is named that would be lost";
  const zoned::zone_info& zone = device.zones().machine().at(*n.detail.zone);
  if (device.lies().spoiled(zone.index)) return std::nullopt;  // it may not be there any more, unread
  std::array<std::byte, zoned::store_block_bytes> block{};
  for (std::uint64_t at = block.size(); at + block.size() <= zone.capacity_bytes; at += block.size()) {
    device.zones().peek({zone.index, at}, block);
    if (!truth.find_wrong_byte(object, *n.detail.offset_bytes, block)) return std::nullopt;
  }
  return fmt::format("the block at {} was never in zone {}, which is offline", *n.detail.offset_bytes,
                     zone.index.value);
}

std::optional<std::string> refute_lie(const model& truth, sim_device& device, const error_detail& detail,
                                      std::uint64_t stale_since) {
  constexpr std::uint64_t block_bytes = zoned::store_block_bytes;
  if (!detail.zone) return "no zone is named";
  const auto known = [&](object_index i) { return detail.object && truth.at(i).id == *detail.object; };
  const auto object = std::ranges::find_if(truth.remembered(), known);
  const bool is_known = object != truth.remembered().end() && detail.offset_bytes;
  const std::uint64_t begin = is_known ? *detail.offset_bytes / block_bytes * block_bytes : 0;
  const std::uint64_t end = is_known ? *detail.offset_bytes + std::max<std::uint64_t>(detail.bytes.value_or(1), 1) : 1;
  for (std::uint64_t at = begin; at < end; at += block_bytes) {
    const auto is_it = [&](std::span<const std::byte> block) {
      return !is_known || !truth.find_wrong_byte(*object, at, block);
    };
    if (!device.lies().hides(*detail.zone, stale_since, is_it))
      return fmt::format("nothing was done to the block at {} in zone {}", at, detail.zone->value);
  }
  return std::nullopt;
}

}  // namespace furrow::sim
