// Values shared by all on-disk structures.
#pragma once

#include <array>
#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>

#include "format/checksum.hpp"
#include "format/fault.hpp"
#include "furrow/zoned/units.hpp"

namespace furrow::format {

using uuid = std::array<std::byte, 16>;

/// What a zone is used for. DO NOT CHANGE: on disk.
enum class zone_role : std::uint8_t {
  free = 1,    ///< Holds nothing; to be reset before use if it is not empty.
  superblock,  ///< One of the ring zones; has no zone header.
  metadata,    ///< Journal groups and pages, in any mixture.
  data,        ///< Bare user blocks behind the zone header.
};

/// Who shares a data zone. DO NOT CHANGE: on disk. Values from cleaner on are the cleaner's generations.
enum class zone_class : std::uint8_t {
  metadata = 1,
  unhinted,
  short_lived,
  medium_lived,
  long_lived,
  extreme,
  cleaner
};

/// The last of the cleaner's generations; anything above is not a class.
inline constexpr std::uint8_t zone_class_max = 15;

[[nodiscard]] constexpr bool known(zone_role role) { return role >= zone_role::free && role <= zone_role::data; }
[[nodiscard]] constexpr bool known(zone_class cls) {
  return cls >= zone_class::metadata && static_cast<std::uint8_t>(cls) <= zone_class_max;
}

/// Blocks of an object are numbered in 48 bits.
inline constexpr std::uint64_t object_blocks_max = std::uint64_t{1} << 48;
inline constexpr std::uint64_t object_bytes_max = object_blocks_max * zoned::store_block_bytes;
/// A longer run of blocks is several.
inline constexpr std::uint32_t extent_blocks_max = (1u << 24) - 1;

/// Consecutive blocks on the device.
struct block_run {
  zoned::device_address address;
  std::uint32_t blocks = 0;
  friend bool operator==(const block_run&, const block_run&) = default;
};
/// Not empty, not over extent_blocks_max, and all of its blocks have addresses on its device (the last address is never
/// used, so that all ones is no address).
[[nodiscard]] constexpr bool well_formed(const block_run& run) {
  return run.blocks > 0 && run.blocks <= extent_blocks_max &&
         run.blocks <= zoned::device_address::block_max - run.address.block();
}

}  // namespace furrow::format
