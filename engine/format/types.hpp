// Values shared by all on-disk structures.
#pragma once

#include <array>
#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>

#include "format/checksum.hpp"
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

/// Consecutive blocks on the device.
struct block_run {
  zoned::device_address address;
  std::uint32_t blocks = 0;
  friend bool operator==(const block_run&, const block_run&) = default;
};

}  // namespace furrow::format
