// Looking for the bytes of a block on the medium of a zone that cannot be read any more.
#include "sim/lost_blocks.hpp"

#include <fmt/format.h>

#include <array>

namespace furrow::sim {

bool names_offline_zone(sim_device& device, const error_detail& detail) {
  return detail.zone && detail.zone->value < device.shape().zone_count &&
         device.zones().machine().at(*detail.zone).condition == zoned::zone_condition::offline;
}

bool names_spoiled_zone(sim_device& device, error_code error, const error_detail& detail) {
  return error == errc::checksum_mismatch && detail.zone && device.lies().spoiled(*detail.zone);
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

}  // namespace furrow::sim
