// A group of the journal: the records that one device write makes durable together.
//
// Layout
//   group         | header 160 | records | zeros to `bytes` |         bytes is a multiple of the store block
//   header        | magic u64 | header_bytes u32 | bytes u32 | checksum field 24 at 16, over all `bytes` | store 16 |
//                 | epoch u64 | number u64 | zone generation u64 | first sequence u64 | last sequence u64 |
//                 | acknowledged sequence u64 | flushed sequence u64 | record_bytes u32 | record_count u32 |
//                 | previous checksum field 24 | zeros 16 |
// Valid iff
//   1  magic and checksum agree, header_bytes is 160, padding is zero
//   2  store agrees
//   3  record_bytes is a multiple of 8 and has room for record_count records; bytes has room for that and is at most
//      group_bytes_max (a group may be longer than its records, to fill its zone); first is not above last
//   4  previous is the checksum of the group accepted before, number is one more, and the epoch is not lower
// Torn, damaged   the decision table of core/journal_scan
//
// Not here: when a group is written and acknowledged (core/journal), the records (record.hpp).
#pragma once

#include <optional>
#include <span>

#include "format/types.hpp"

namespace furrow::format {

struct group_header {
  std::uint32_t bytes = 0;  ///< Of the whole group.
  uuid store{};
  std::uint64_t epoch = 0;
  std::uint64_t number = 0;
  std::uint64_t zone_generation = 0;  ///< Of the zone it lies in.
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  std::uint64_t acknowledged_sequence = 0;
  std::uint64_t flushed_sequence = 0;
  std::uint32_t record_bytes = 0;
  std::uint32_t record_count = 0;
  checksum_field previous;
  checksum_field checksum;  ///< As read by peek_group(); seal_group() computes and returns it.
  friend bool operator==(const group_header&, const group_header&) = default;
};

inline constexpr std::size_t group_header_bytes = 160;
inline constexpr std::uint64_t group_magic = 0x304a'574f'5252'5546;  // "FURROWJ0"
/// What a reader must be ready to allocate for a header whose checksum it has not seen yet.
inline constexpr std::size_t group_bytes_max = std::size_t{16} << 20;

/// Store blocks that a group with so many bytes of records takes.
[[nodiscard]] constexpr std::uint64_t group_blocks(std::size_t record_bytes) {
  return (group_header_bytes + record_bytes + zoned::store_block_bytes - 1) / zoned::store_block_bytes;
}

/// `group` has header.bytes bytes, with the records behind the header; what is behind them becomes zeros.
checksum_field seal_group(const group_header& header, std::span<std::byte> group);

/// The header at the start of `from`, from its first block alone: magic, store, lengths and padding are checked, the
/// checksum is not.
[[nodiscard]] std::optional<group_header> peek_group(std::span<const std::byte> from, const uuid& store);
/// Whether `group` is one whole group, and its checksum holds and its padding is zero.
[[nodiscard]] bool verify_group(std::span<const std::byte> group);

}  // namespace furrow::format
