// The root of a store on one device: 4 KiB, written as a ring of copies, newest valid one wins.
//
// Layout
//   superblock    | magic u64 | format_version u32 | bytes u32 | checksum field 24 at 16, over all 4 KiB | store 16 |
//                 | set 16 | device_index u16 | device_count u16 | block_bytes u32 | page_bytes u32 | lba_bytes u32 |
//                 | zone_bytes u64 | zone_count u32 | zeros u32 | last_zone_bytes u64 | compat u64 | ro_compat u64 |
//                 | incompat u64 | epoch u64 | serial u64 | clean u8 | page_copies u8 | journal_copies u8 |
//                 | data_checksum u8 | zeros u32 | sequence u64 | next_object u64 | next_page_generation u64 |
//                 | object_count u64 | formatted i64 | objects root 64 | zones root 64 | journal head 64 |
//                 | epoch_group u64 | written 40 | default collection blocks u64 | zeros |
//   written       | user bytes u64 | data bytes u64 | journal bytes u64 | page bytes u64 | cleaner bytes u64 |
//   root          | reference 48 | level u8 | zeros 7 | pages u64 |
//   journal head  | zone u32 | zeros u32 | zone generation u64 | zone ordinal u64 | block u64 | group u64 |
//                 | previous checksum field 24 |
// Where           copy A in the first two full-size zones, copy B in the last two. Sequential zones: appended at the
//                 write pointer; when a zone of the pair is full the other is reset and goes on. Conventional zones:
//                 block 0 of both, in turn.
// Valid iff
//   1  magic and checksum agree
//   2  format_version and bytes are known, and no incompat feature is unknown
//   3  padding is zero
//   4  every field is in range of itself: in_range(); and for the device it was read from, which recovery checks
// Newest          by (epoch, serial), compared in this order
// Features        an unknown bit in compat is kept and ignored; in ro_compat the store opens for reading only; in
//                 incompat it does not open
//
// Not here: finding and writing the copies (core/superblock_ring).
#pragma once

#include <cstdint>
#include <span>

#include "format/page.hpp"
#include "format/types.hpp"

namespace furrow::format {

/// Where replay begins: the first group after the checkpoint.
struct journal_head {
  zoned::zone_index zone;
  std::uint64_t zone_generation = 0;
  std::uint64_t zone_ordinal = 0;  ///< Position of the zone in the chain of journal zones, from 1.
  std::uint64_t block = 0;         ///< In the zone, in store blocks.
  std::uint64_t group = 0;         ///< Number of the first group to replay.
  checksum_field previous;         ///< Checksum of the group before it.
  friend bool operator==(const journal_head&, const journal_head&) = default;
};

struct tree_root {
  page_ref ref;             ///< No copies: the tree is empty.
  std::uint8_t level = 0;   ///< 0: the root is a leaf.
  std::uint64_t pages = 0;  ///< Of the whole tree.
  friend bool operator==(const tree_root&, const tree_root&) = default;
};

/// What was written since the store was formatted, as of this superblock: what a process that ended wrote after its last
/// checkpoint is not in it.
struct written_totals {
  std::uint64_t user_bytes = 0;  ///< As its users gave them.
  std::uint64_t data_bytes = 0;  ///< Blocks of data, cleaner_bytes among them.
  std::uint64_t journal_bytes = 0;
  std::uint64_t page_bytes = 0;
  std::uint64_t cleaner_bytes = 0;
  friend bool operator==(const written_totals&, const written_totals&) = default;
};

struct superblock {
  uuid store{};
  uuid set{};
  std::uint16_t device_index = 0;
  std::uint16_t device_count = 1;
  std::uint32_t block_bytes = zoned::store_block_bytes;
  std::uint32_t page_bytes = zoned::store_block_bytes;
  std::uint32_t lba_bytes = 0;
  std::uint64_t zone_bytes = 0;
  std::uint32_t zone_count = 0;
  std::uint64_t last_zone_bytes = 0;
  std::uint64_t features_compat = 0;
  std::uint64_t features_ro_compat = 0;
  std::uint64_t features_incompat = 0;
  std::uint64_t epoch = 0;   ///< Of the open that wrote it; fences an older writer.
  std::uint64_t serial = 0;  ///< Counts superblocks of the store.
  bool clean = false;        ///< Closed cleanly: the journal holds nothing after the checkpoint.
  std::uint8_t page_copies = 1;
  std::uint8_t journal_copies = 1;
  checksum_kind data_checksum = checksum_kind::crc32c;
  std::uint64_t sequence = 0;  ///< The last publication that the trees contain.
  std::uint64_t next_object = 1;
  std::uint64_t next_page_generation = 1;
  std::uint64_t object_count = 0;
  std::int64_t formatted_ns = 0;
  tree_root objects;
  tree_root zones;
  journal_head journal;
  std::uint64_t epoch_group =
      0;  ///< The first that the epoch could write: from there on groups of earlier ones are void.
  written_totals written;
  std::uint64_t default_collection_blocks =
      0;  ///< That objects of collection 0 name; each other one has it in its cell.
  friend bool operator==(const superblock&, const superblock&) = default;
};

inline constexpr std::uint32_t format_version = 1;
inline constexpr std::uint64_t superblock_magic = 0x3053'574f'5252'5546;  // "FURROWS0"

inline constexpr std::size_t superblock_bytes = zoned::store_block_bytes;
inline constexpr std::uint64_t features_compat_known = 0;
inline constexpr std::uint64_t features_ro_compat_known = 0;
inline constexpr std::uint64_t features_incompat_known = 0;

/// Condition 4 without a device: sizes are powers of two or multiples where they must be, counts are not 0, an empty
/// tree has no pages, the journal's zone exists and its ordinal is not 0.
[[nodiscard]] bool in_range(const superblock& s);

/// `to` is one store block; all of it is written. `from` is in_range().
void encode(const superblock& from, std::span<std::byte> to);

enum class superblock_fault : std::uint8_t {
  not_a_superblock = 1,
  older_version,  ///< A whole one, of a format that is not read any more.
  newer_version,  ///< A whole one, of a format or with an incompat feature that is not known here.
  damaged
};
[[nodiscard]] boost::system::result<superblock, superblock_fault> decode_superblock(std::span<const std::byte> from);

}  // namespace furrow::format
