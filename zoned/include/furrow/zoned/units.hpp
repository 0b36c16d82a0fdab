// Strong types for places on a zoned device, shared by devices and the engine.
//
// Invariants
//   I1  A device_address is device u16 | store block u48; store blocks are numbered zone by zone, `zone_blocks` to a
//       zone, whatever the zone's size in bytes: block = zone * zone_blocks + block within the zone.
//   I2  A place is bytes from the start of one zone; it never spans zones.
//
// Not here: which zones exist (geometry.hpp), what state they are in (zone.hpp).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace furrow::zoned {

/// The unit of addressing and checksumming of a store, whatever the LBA of the device is.
inline constexpr std::uint32_t store_block_bytes = 4096;

/// Zone number on one device, counted from 0.
struct zone_index {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(zone_index, zone_index) = default;
};

/// A position inside one zone, in bytes from the zone's start.
struct place {
  zone_index zone;
  std::uint64_t offset_bytes = 0;
  friend constexpr auto operator<=>(const place&, const place&) = default;
};

/// Where a store block lies: the device in the upper 16 bits, the block number in the lower 48 (I1).
class device_address {
 public:
  static constexpr std::uint64_t block_max = (std::uint64_t{1} << 48) - 1;

  constexpr device_address() = default;
  constexpr device_address(std::uint16_t device, std::uint64_t block)
      : raw_{(std::uint64_t{device} << 48) | (block & block_max)} {}

  [[nodiscard]] static constexpr device_address from_raw(std::uint64_t raw) {
    device_address a;
    a.raw_ = raw;
    return a;
  }

  [[nodiscard]] constexpr std::uint64_t raw() const { return raw_; }
  [[nodiscard]] constexpr std::uint16_t device() const { return static_cast<std::uint16_t>(raw_ >> 48); }
  [[nodiscard]] constexpr std::uint64_t block() const { return raw_ & block_max; }
  [[nodiscard]] constexpr device_address advanced(std::uint64_t blocks) const { return {device(), block() + blocks}; }
  friend constexpr auto operator<=>(device_address, device_address) = default;

 private:
  std::uint64_t raw_ = 0;
};

}  // namespace furrow::zoned
