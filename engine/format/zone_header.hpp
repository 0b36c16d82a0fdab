// The first 4 KiB of every zone but the superblock's: whose zone it is. Alone in the first command to the zone.
//
// Layout        | magic u64 | bytes u32 | zeros u32 | checksum field 24 at 16, over all 4 KiB | store 16 | device u16 |
//               | role u8 | class u8 | zone u32 | generation u64 | epoch u64 | ordinal u64 | next zone u32 |
//               | zeros u32 | next generation u64 | zeros |
// Valid iff
//   1  magic and checksum agree, bytes is 4096
//   2  padding is zero, role is metadata or data, class is known, only a zone of role metadata has an ordinal, only one
//      with an ordinal a next zone, only one with a next zone a next generation
//   3  store, device, zone and generation are those of the zone table (checked by recovery, which has it)
//
// Not here: the zone table's entry (keys.hpp), when it is written (core).
#pragma once

#include <span>

#include "format/types.hpp"

namespace furrow::format {

struct zone_header {
  uuid store{};
  std::uint16_t device = 0;
  zone_role role = zone_role::data;
  zone_class cls = zone_class::unhinted;
  zoned::zone_index zone;
  std::uint64_t generation = 0;  ///< Counts the uses of the zone; from the zone table only.
  std::uint64_t epoch = 0;
  std::uint64_t ordinal = 0;        ///< Of a journal zone: its place in the chain, from 1. Else 0.
  zoned::zone_index next{no_next};  ///< Of a journal zone: the zone that the journal goes on in, kept clean for it.
  std::uint64_t next_generation = 0;
  static constexpr std::uint32_t no_next = 0xffffffff;
  friend bool operator==(const zone_header&, const zone_header&) = default;
};

inline constexpr std::uint64_t zone_header_magic = 0x305a'574f'5252'5546;  // "FURROWZ0"

inline constexpr std::size_t zone_header_bytes = zoned::store_block_bytes;

/// `to` is one store block; all of it is written.
void encode(const zone_header& from, std::span<std::byte> to);
[[nodiscard]] boost::system::result<zone_header> decode_zone_header(std::span<const std::byte> from);

}  // namespace furrow::format
