// The shape of a zoned device: what stays the same from open to close.
//
// Invariants
//   I1  lba_bytes is 512 or 4096; zone_bytes and last_zone_bytes are multiples of it; zone_bytes may be any multiple.
//   I2  0 < last_zone_bytes <= zone_bytes; zones 0 .. zone_count-2 have zone_bytes each.
//   I3  A limit that the device does not have is absent, never 0 or a large number.
//
// A driver may refuse to reopen a closed zone while active_max zones are active, though it could close another for it
// (null_blk does, with too_many_open). Who keeps at most open_max zones active never meets this.
//
// Not here: the capacity and type of each zone (a report tells), what the device promises (guarantees.hpp).
#pragma once

#include <cstdint>
#include <optional>

#include "furrow/zoned/units.hpp"

namespace furrow::zoned {

struct geometry {
  std::uint32_t lba_bytes = store_block_bytes;
  std::uint64_t zone_bytes = 0;
  std::uint32_t zone_count = 0;
  std::uint64_t last_zone_bytes = 0;
  std::optional<std::uint32_t> open_max;    ///< Zones open at a time.
  std::optional<std::uint32_t> active_max;  ///< Zones open or closed at a time.

  [[nodiscard]] constexpr std::uint64_t bytes() const {
    return zone_count == 0 ? 0 : (std::uint64_t{zone_count} - 1) * zone_bytes + last_zone_bytes;
  }
  [[nodiscard]] constexpr std::uint64_t bytes_of(zone_index zone) const {
    return zone.value + 1 == zone_count ? last_zone_bytes : zone_bytes;
  }
  /// Store blocks that a full-size zone holds; a remainder of the zone size is lost.
  [[nodiscard]] constexpr std::uint64_t zone_blocks() const { return zone_bytes / store_block_bytes; }

  [[nodiscard]] constexpr device_address address_of(zone_index zone, std::uint64_t block,
                                                    std::uint16_t device = 0) const {
    return {device, zone.value * zone_blocks() + block};
  }
  [[nodiscard]] constexpr zone_index zone_of(device_address a) const {
    return {static_cast<std::uint32_t>(a.block() / zone_blocks())};
  }
  [[nodiscard]] constexpr std::uint64_t block_in_zone(device_address a) const { return a.block() % zone_blocks(); }

  friend bool operator==(const geometry&, const geometry&) = default;
};

}  // namespace furrow::zoned
