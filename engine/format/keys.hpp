// Keys and values of the two trees. Keys are big-endian so that their order as bytes is the order of what they mean.
//
//   object tree   01 collection u32                        -> collection_value
//                 02 collection u32, name                  -> object id u64
//                 03 object u64, 00                        -> object_value
//                 03 object u64, 01, chunk u8              -> bytes of the tail, chunk_bytes a chunk
//                 03 object u64, 02, chunk u8              -> bytes of the attributes that do not fit object_value
//                 03 object u64, 03, block u48             -> extent_value; block counts the object's blocks
//                 04 object u64                            -> nothing: removed, its extents still to be dropped; or a
//                                                             doomed_value: so are those in a range of it
//   zone tree     01 device u16, zone u32                  -> zone_value
//                 02 device u16, zone u32, block u32       -> run_value; block counts the zone's blocks, from 0
//                 03 device u16, zone u32, block u32       -> shared_value: blocks that several extents name
//                 04 device u16, zone u32, block u32, object u64, object_block u48
//                                                          -> hint_value: blocks that this object may name as well
//
// Layout of values   (numbers before bytes)
//   collection    | quota u64 | used blocks u64 | created i64 | name_bytes u16 | name |
//   object        | collection u32 | mode u32 | bytes u64 | fence epoch u64 | extent count u64 | blocks u64 |
//                 | created i64 | modified i64 | tail epoch u32 | attribute_bytes u16 | name_bytes u16 | class u8 |
//                 | zeros 7 | name |
//   extent        | address u64 | blocks u32 | logical blocks u32 | kind u8 | shared u8 | class u8 | zero u8 |
//   zone          | role u8 | class u8 | flags u8 | zero u8 | live blocks u32 | generation u64 | fill sequence u64 |
//                 | write sequence u64 | ordinal u64 |
//   run           | object u64 | object_block u48 | count u16 | sums u32 each |   count + 0x8000: no sums follow
//   doomed        | first_block u64 | end_block u64 |
//   shared        | blocks u32 | references u32 |
//   hint          | blocks u32 |
//
// Invariants
//   I1  Decoding a key or value that is not exactly of its form fails; nothing is assumed of a medium. What decodes
//       encodes to the same bytes.
//   I2  A run_value has 1 to run_blocks_max blocks, so that it fits a cell.
//   I3  Object blocks are below object_blocks_max, names at most name_bytes_max, an object at most object_bytes_max.
//   I4  An extent of kind data stores all its logical blocks; of another kind it stores none, at address 0.
//   I5  Only a zone of role metadata has an ordinal.
//   I6  A shared_value has at least one block and two references.
//   I7  The range of a doomed_value is not empty and ends within object_blocks_max.
//   I8  A hint_value has 1 to run_blocks_max blocks, so that whoever looks for those of a block knows where to begin.
//
// Not here: cells and pages (page.hpp), what the trees mean together (core).
#pragma once

#include <array>
#include <boost/endian/conversion.hpp>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "format/codec.hpp"
#include "format/page.hpp"

namespace furrow::format {

inline constexpr std::size_t name_bytes_max = 1024;
inline constexpr std::size_t chunk_bytes = 1024;
inline constexpr std::size_t link_target_bytes_max = 4095;
inline constexpr std::size_t user_attribute_bytes_max = 1024;
/// Link target and user's attributes as they lie in chunks: two lengths and the bytes.
inline constexpr std::size_t attribute_blob_bytes_max = 4 + link_target_bytes_max + user_attribute_bytes_max;
inline constexpr std::uint32_t run_blocks_max = 256;
/// The bytes after an object's last whole block.
inline constexpr std::size_t tail_bytes_max = zoned::store_block_bytes - 1;

using key = std::string;

/// A key of numbers alone, where it is made.
class short_key {
 public:
  static constexpr std::size_t bytes_max = 32;

  constexpr operator key_view() const { return {bytes_.data(), count_}; }  // NOLINT(google-explicit-constructor)
  operator key() const { return key(bytes_.data(), count_); }              // NOLINT(google-explicit-constructor)

  /// Big-endian; of `bytes` bytes, or as many as the type has.
  template <std::size_t bytes = 0, class T>
  short_key& number(T value) {
    constexpr std::size_t wide = bytes == 0 ? sizeof(T) : bytes;
    FURROW_ASSERT(count_ + wide <= bytes_max);
    boost::endian::endian_store<T, wide, boost::endian::order::big>(
        reinterpret_cast<unsigned char*>(bytes_.data() + count_), value);
    count_ = static_cast<std::uint8_t>(count_ + wide);
    return *this;
  }
  [[nodiscard]] constexpr std::size_t size() const { return count_; }
  friend constexpr bool operator==(const short_key& a, key_view b) { return key_view{a} == b; }

 private:
  std::array<char, bytes_max> bytes_{};
  std::uint8_t count_ = 0;
};

[[nodiscard]] short_key collection_key(std::uint32_t collection);
[[nodiscard]] key name_key(std::uint32_t collection, std::string_view name);
[[nodiscard]] short_key object_key(std::uint64_t object);
[[nodiscard]] short_key tail_key(std::uint64_t object, std::uint8_t chunk);
[[nodiscard]] short_key attributes_key(std::uint64_t object, std::uint8_t chunk);
[[nodiscard]] short_key extent_key(std::uint64_t object, std::uint64_t block);
[[nodiscard]] short_key orphan_key(std::uint64_t object);
[[nodiscard]] short_key zone_key(std::uint16_t device, zoned::zone_index zone);
[[nodiscard]] short_key run_key(std::uint16_t device, zoned::zone_index zone, std::uint32_t block);
[[nodiscard]] short_key shared_key(std::uint16_t device, zoned::zone_index zone, std::uint32_t block);
[[nodiscard]] short_key hint_key(std::uint16_t device, zoned::zone_index zone, std::uint32_t block,
                                 std::uint64_t object, std::uint64_t object_block);
/// The least key that a hint of this block, or of a later one, may have.
[[nodiscard]] short_key hints_from(std::uint16_t device, zoned::zone_index zone, std::uint32_t block);
/// The first key that is behind all keys beginning with `prefix`; empty if there is none.
[[nodiscard]] key after_prefix(key_view prefix);

struct name_parts {
  std::uint32_t collection = 0;
  std::string_view name;
};
struct extent_parts {
  std::uint64_t object = 0;
  std::uint64_t block = 0;
};
struct chunk_parts {
  std::uint64_t object = 0;
  std::uint8_t chunk = 0;
};
struct zone_parts {
  std::uint16_t device = 0;
  zoned::zone_index zone;
};
struct run_parts {
  std::uint16_t device = 0;
  zoned::zone_index zone;
  std::uint32_t block = 0;
};
struct hint_parts {
  std::uint16_t device = 0;
  zoned::zone_index zone;
  std::uint32_t block = 0;
  std::uint64_t object = 0;
  std::uint64_t object_block = 0;
};
[[nodiscard]] std::optional<std::uint32_t> parse_collection_key(key_view k);
[[nodiscard]] std::optional<name_parts> parse_name_key(key_view k);
[[nodiscard]] std::optional<std::uint64_t> parse_object_key(key_view k);
[[nodiscard]] std::optional<chunk_parts> parse_tail_key(key_view k);
[[nodiscard]] std::optional<chunk_parts> parse_attributes_key(key_view k);
[[nodiscard]] std::optional<extent_parts> parse_extent_key(key_view k);
[[nodiscard]] std::optional<std::uint64_t> parse_orphan_key(key_view k);
/// Here, as is decode_zone(): an open asks for each zone of the device.
inline constexpr std::uint8_t zone_tag = 1;
[[nodiscard]] inline std::optional<zone_parts> parse_zone_key_parts(key_view k) {
  if (k.size() != 7 || k[0] != static_cast<char>(zone_tag)) return std::nullopt;
  std::uint16_t device;
  std::uint32_t zone;
  std::memcpy(&device, k.data() + 1, sizeof device);
  std::memcpy(&zone, k.data() + 3, sizeof zone);
  return zone_parts{boost::endian::big_to_native(device), {boost::endian::big_to_native(zone)}};
}
[[nodiscard]] inline std::optional<zoned::zone_index> parse_zone_key(key_view k) {
  const auto parts = parse_zone_key_parts(k);
  return parts ? std::optional{parts->zone} : std::nullopt;
}
[[nodiscard]] std::optional<run_parts> parse_run_key(key_view k);
[[nodiscard]] std::optional<run_parts> parse_shared_key(key_view k);
[[nodiscard]] std::optional<hint_parts> parse_hint_key(key_view k);

struct collection_value {
  std::string name;
  std::uint64_t quota_bytes = 0;  ///< 0: none.
  std::uint64_t used_blocks = 0;  ///< Named by its objects, as of the checkpoint.
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
  std::uint16_t attribute_bytes = 0;  ///< Of the chunks that follow, at most attribute_blob_bytes_max; 0: none.
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
inline constexpr std::uint8_t zone_flag_bad = 1;      ///< Failed; not to be used again.
inline constexpr std::uint8_t zone_flag_retired = 2;  ///< Was read-only or offline: not to be used whatever it is now.

struct run_value {
  std::uint64_t object = 0;
  std::uint64_t object_block = 0;
  std::vector<std::uint32_t> sums;        ///< One a block; its count is the run's length.
  std::uint32_t blocks_without_sums = 0;  ///< The run's length where there are none; else 0.
  [[nodiscard]] std::size_t blocks() const { return sums.empty() ? blocks_without_sums : sums.size(); }
  friend bool operator==(const run_value&, const run_value&) = default;
};

/// Blocks of an object that are a hole, though extents for them are still there.
struct doomed_value {
  std::uint64_t first_block = 0;
  std::uint64_t end_block = 0;
  friend bool operator==(const doomed_value&, const doomed_value&) = default;
};

/// Consecutive blocks of a zone that as many extents name; blocks without such a value are named by one, or dead.
struct shared_value {
  std::uint32_t blocks = 0;
  std::uint32_t references = 0;
  friend bool operator==(const shared_value&, const shared_value&) = default;
};

/// Blocks that an object has come to name beside the one they were written for, as of then: it may name them no more.
struct hint_value {
  std::uint32_t blocks = 0;
  friend bool operator==(const hint_value&, const hint_value&) = default;
};

[[nodiscard]] std::vector<std::byte> encode(const collection_value& v);
[[nodiscard]] std::vector<std::byte> encode(const object_value& v);
[[nodiscard]] std::vector<std::byte> encode(const extent_value& v);
[[nodiscard]] std::vector<std::byte> encode(const zone_value& v);
[[nodiscard]] std::vector<std::byte> encode(const run_value& v);
[[nodiscard]] std::vector<std::byte> encode(const doomed_value& v);
[[nodiscard]] std::vector<std::byte> encode(const shared_value& v);
[[nodiscard]] std::vector<std::byte> encode(const hint_value& v);
[[nodiscard]] std::optional<collection_value> decode_collection(value_view from);
[[nodiscard]] std::optional<object_value> decode_object(value_view from);
[[nodiscard]] std::optional<extent_value> decode_extent(value_view from);
[[nodiscard]] std::optional<run_value> decode_run(value_view from);
[[nodiscard]] std::optional<doomed_value> decode_doomed(value_view from);
[[nodiscard]] std::optional<shared_value> decode_shared(value_view from);
[[nodiscard]] std::optional<hint_value> decode_hint(value_view from);

// The same without allocation, for what is written and read with each block.
inline constexpr std::size_t extent_value_bytes = 20;
inline constexpr std::size_t zone_value_bytes = 40;
[[nodiscard]] inline bool in_limits(const zone_value& v) {
  return known(v.role) && known(v.cls) && (v.flags & ~(zone_flag_bad | zone_flag_retired)) == 0 &&
         (v.ordinal == 0 || v.role == zone_role::metadata);  // I5
}
[[nodiscard]] inline std::optional<zone_value> decode_zone(value_view bytes) {
  if (bytes.size() != zone_value_bytes || bytes[3] != std::byte{0}) return std::nullopt;
  const std::byte* const from = bytes.data();
  zone_value v;
  v.role = static_cast<zone_role>(from[0]);
  v.cls = static_cast<zone_class>(from[1]);
  v.flags = static_cast<std::uint8_t>(from[2]);
  v.live_blocks = load_le<std::uint32_t>(from + 4);
  v.generation = load_le<std::uint64_t>(from + 8);
  v.fill_sequence = load_le<std::uint64_t>(from + 16);
  v.write_sequence = load_le<std::uint64_t>(from + 24);
  v.ordinal = load_le<std::uint64_t>(from + 32);
  return in_limits(v) ? std::optional{v} : std::nullopt;
}
[[nodiscard]] inline std::size_t object_value_bytes(const object_value& v) { return 72 + v.name.size(); }
[[nodiscard]] constexpr std::size_t run_value_bytes(std::size_t sums) { return 16 + 4 * sums; }

[[nodiscard]] std::array<std::byte, extent_value_bytes> encode_fixed(const extent_value& v);
[[nodiscard]] std::array<std::byte, zone_value_bytes> encode_fixed(const zone_value& v);
/// `to` is object_value_bytes(v) long.
void encode_object(const object_value& v, std::span<std::byte> to);
/// `to` is run_value_bytes(sums.size()) long. There is one sum a block, or none.
void encode_run(std::uint64_t object, std::uint64_t object_block, std::size_t blocks,
                std::span<const std::uint32_t> sums, std::span<std::byte> to);

/// A run as it lies in a cell; holds as long as the cell's bytes.
class run_view {
 public:
  [[nodiscard]] static std::optional<run_view> of(value_view from);
  [[nodiscard]] std::uint64_t object() const { return object_; }
  [[nodiscard]] std::uint64_t object_block() const { return object_block_; }
  [[nodiscard]] std::size_t blocks() const { return blocks_; }
  [[nodiscard]] bool has_sums() const { return !sums_.empty(); }
  [[nodiscard]] std::uint32_t sum(std::size_t index) const {
    FURROW_ASSERT(has_sums() && index < blocks());
    return load_le<std::uint32_t>(sums_.data() + 4 * index);
  }

 private:
  run_view(std::uint64_t object, std::uint64_t object_block, std::size_t blocks, value_view sums)
      : object_{object}, object_block_{object_block}, blocks_{blocks}, sums_{sums} {}
  std::uint64_t object_;
  std::uint64_t object_block_;
  std::size_t blocks_;
  value_view sums_;
};

}  // namespace furrow::format
