// Keys and values of the two trees. Keys are big-endian so that their order as bytes is the order of what they mean.
//
//   object tree   01 collection u32                        -> collection_value
//                 02 collection u32, name                  -> object id u64
//                 03 object u64, 00                        -> object_value
//                 03 object u64, 01, chunk u8              -> bytes of the tail, chunk_bytes a chunk
//                 03 object u64, 02, chunk u8              -> bytes of the attributes that do not fit object_value
//                 03 object u64, 03, block u48             -> extent_value; block counts the object's blocks
//                 04 object u64                            -> nothing: removed, its extents still to be dropped
//   zone tree     01 device u16, zone u32                  -> zone_value
//                 02 device u16, zone u32, block u32       -> run_value; block counts the zone's blocks, from 0
//
// Invariants
//   I1  Decoding a key or value that is not exactly of its form fails; nothing is assumed of a medium.
//   I2  A run_value has at most run_blocks_max blocks, so that it fits a cell.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "format/page.hpp"

namespace furrow::format {

inline constexpr std::size_t name_bytes_max = 1024;
inline constexpr std::size_t chunk_bytes = 1024;
inline constexpr std::uint32_t run_blocks_max = 256;
inline constexpr std::uint32_t extent_blocks_max = (1u << 24) - 1;

using key = std::string;

[[nodiscard]] key collection_key(std::uint32_t collection);
[[nodiscard]] key name_key(std::uint32_t collection, std::string_view name);
[[nodiscard]] key object_key(std::uint64_t object);
[[nodiscard]] key tail_key(std::uint64_t object, std::uint8_t chunk);
[[nodiscard]] key attributes_key(std::uint64_t object, std::uint8_t chunk);
[[nodiscard]] key extent_key(std::uint64_t object, std::uint64_t block);
[[nodiscard]] key orphan_key(std::uint64_t object);
[[nodiscard]] key zone_key(std::uint16_t device, zoned::zone_index zone);
[[nodiscard]] key run_key(std::uint16_t device, zoned::zone_index zone, std::uint32_t block);
/// The first key that is behind all keys beginning with `prefix`; empty if there is none.
[[nodiscard]] key after_prefix(key_view prefix);

struct name_parts {
  std::uint32_t collection;
  std::string_view name;
};
struct extent_parts {
  std::uint64_t object;
  std::uint64_t block;
};
struct run_parts {
  std::uint16_t device;
  zoned::zone_index zone;
  std::uint32_t block;
};
[[nodiscard]] std::optional<std::uint32_t> parse_collection_key(key_view k);
[[nodiscard]] std::optional<name_parts> parse_name_key(key_view k);
[[nodiscard]] std::optional<std::uint64_t> parse_object_key(key_view k);
[[nodiscard]] std::optional<extent_parts> parse_extent_key(key_view k);
[[nodiscard]] std::optional<std::uint64_t> parse_orphan_key(key_view k);
[[nodiscard]] std::optional<zoned::zone_index> parse_zone_key(key_view k);
[[nodiscard]] std::optional<run_parts> parse_run_key(key_view k);

struct collection_value {
  std::string name;
  std::uint64_t quota_bytes = 0;  ///< 0: none.
  std::int64_t created_ns = 0;
  friend bool operator==(const collection_value&, const collection_value&) = default;
};

struct object_value {
  std::uint32_t collection = 0;
  std::uint64_t bytes = 0;
  std::uint32_t tail_epoch = 0;
  std::uint64_t fence_epoch = 0;
  std::uint64_t extent_count = 0;
  std::uint64_t blocks = 0;  ///< Live data blocks.
  std::uint32_t mode = 0;
  std::int64_t created_ns = 0;
  std::int64_t modified_ns = 0;
  std::uint16_t attribute_bytes = 0;  ///< Of the chunks that follow; 0: none.
  zone_class cls = zone_class::unhinted;
  std::string name;  ///< Empty: the object has none.
  friend bool operator==(const object_value&, const object_value&) = default;
};

/// DO NOT CHANGE: on disk. 4 compressed and 5 encrypted are reserved.
enum class extent_kind : std::uint8_t { data = 1, inlined = 2, unwritten = 3 };

struct extent_value {
  zoned::device_address address;
  std::uint32_t blocks = 0;          ///< Stored.
  std::uint32_t logical_blocks = 0;  ///< Of the object; equal to blocks for kind data.
  extent_kind kind = extent_kind::data;
  bool shared = false;
  zone_class cls = zone_class::unhinted;
  friend bool operator==(const extent_value&, const extent_value&) = default;
};

struct zone_value {
  zone_role role = zone_role::free;
  zone_class cls = zone_class::unhinted;
  std::uint8_t flags = 0;
  std::uint64_t generation = 0;
  std::uint64_t fill_sequence = 0;   ///< Sequence at which the zone was opened.
  std::uint64_t write_sequence = 0;  ///< Of the last publication into it: its age.
  std::uint32_t live_blocks = 0;
  std::uint64_t ordinal = 0;
  friend bool operator==(const zone_value&, const zone_value&) = default;
};
inline constexpr std::uint8_t zone_flag_bad = 1;  ///< Failed; not to be used again.

struct run_value {
  std::uint64_t object = 0;
  std::uint64_t object_block = 0;
  std::vector<std::uint32_t> sums;  ///< One a block; its count is the run's length.
  friend bool operator==(const run_value&, const run_value&) = default;
};

[[nodiscard]] std::vector<std::byte> encode(const collection_value& v);
[[nodiscard]] std::vector<std::byte> encode(const object_value& v);
[[nodiscard]] std::vector<std::byte> encode(const extent_value& v);
[[nodiscard]] std::vector<std::byte> encode(const zone_value& v);
[[nodiscard]] std::vector<std::byte> encode(const run_value& v);
[[nodiscard]] std::optional<collection_value> decode_collection(value_view from);
[[nodiscard]] std::optional<object_value> decode_object(value_view from);
[[nodiscard]] std::optional<extent_value> decode_extent(value_view from);
[[nodiscard]] std::optional<zone_value> decode_zone(value_view from);
[[nodiscard]] std::optional<run_value> decode_run(value_view from);

}  // namespace furrow::format
