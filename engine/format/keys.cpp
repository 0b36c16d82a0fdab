#include "format/keys.hpp"

#include <bit>
#include <cstring>
#include <utility>

namespace furrow::format {
namespace {

constexpr std::uint8_t collection_tag = 1;
constexpr std::uint8_t name_tag = 2;
constexpr std::uint8_t object_tag = 3;
constexpr std::uint8_t orphan_tag = 4;
constexpr std::uint8_t run_tag = 2;
constexpr std::uint8_t shared_tag = 3;
constexpr std::uint8_t hint_tag = 4;
constexpr std::size_t run_without_sums = 0x8000;  // added to the count

/// What of an object a key with object_tag names.
constexpr std::uint8_t part_object = 0;
constexpr std::uint8_t part_tail = 1;
constexpr std::uint8_t part_attributes = 2;
constexpr std::uint8_t part_extent = 3;

/// The reverse of short_key; a key that is too short or too long is not ok().
class key_parser {
 public:
  explicit key_parser(key_view k) : left_{k} {}
  template <class T>
  T number(std::size_t bytes = sizeof(T)) {
    if (left_.size() < bytes) {
      ok_ = false;
      left_ = {};
      return T{};
    }
    std::uint64_t value = 0;
    if (bytes == sizeof(T)) {
      T whole;
      std::memcpy(&whole, left_.data(), sizeof whole);
      value = boost::endian::big_to_native(whole);
    } else {
      for (const char c : left_.substr(0, bytes)) {
        value = value << 8 | std::bit_cast<std::uint8_t>(c);
      }
    }
    left_.remove_prefix(bytes);
    return static_cast<T>(value);
  }
  key_parser& expect(std::uint8_t tag) {
    ok_ = number<std::uint8_t>() == tag && ok_;
    return *this;
  }
  std::string_view rest() { return std::exchange(left_, {}); }
  [[nodiscard]] bool ok() const { return ok_ && left_.empty(); }

 private:
  key_view left_;
  bool ok_ = true;
};

short_key part_key(std::uint64_t object, std::uint8_t part, std::uint8_t chunk) {
  short_key k;
  k.number(object_tag).number(object).number(part).number(chunk);
  return k;
}

std::optional<chunk_parts> parse_part_key(key_view k, std::uint8_t part, std::size_t chunks_max) {
  key_parser from{k};
  chunk_parts parts{};
  parts.object = from.expect(object_tag).number<std::uint64_t>();
  parts.chunk = from.expect(part).number<std::uint8_t>();
  return from.ok() && parts.chunk < chunks_max ? std::optional{parts} : std::nullopt;
}

std::optional<run_parts> parse_blocks_key(key_view k, std::uint8_t tag) {
  key_parser from{k};
  run_parts parts{};
  parts.device = from.expect(tag).number<std::uint16_t>();
  parts.zone = zoned::zone_index{from.number<std::uint32_t>()};
  parts.block = from.number<std::uint32_t>();
  return from.ok() ? std::optional{parts} : std::nullopt;
}

/// A name behind its length at the end of a value.
std::string read_name(reader& from, std::size_t bytes) {
  if (bytes > name_bytes_max) {
    from.fail();
  }
  return std::string{from.text(bytes)};
}

template <class T>
std::optional<T> all_of(const reader& from, T value) {
  return !from.failed() && from.left() == 0 ? std::optional<T>{std::move(value)} : std::nullopt;
}

bool in_limits(const object_value& v) {
  return known(v.cls) && v.bytes <= object_bytes_max && v.blocks <= object_blocks_max &&
         v.attribute_bytes <= attribute_blob_bytes_max;
}

bool in_limits(const extent_value& v) {
  if (!known(v.cls) || v.logical_blocks == 0 || v.logical_blocks > extent_blocks_max) {
    return false;
  }
  switch (v.kind) {
    case extent_kind::data:
      return v.blocks == v.logical_blocks && well_formed(block_run{v.address, v.blocks});  // I4
    case extent_kind::inlined:
    case extent_kind::unwritten:
      return v.blocks == 0 && v.address.raw() == 0;  // I4
  }
  return false;
}

bool in_limits(const doomed_value& v) {
  return v.first_block < v.end_block && v.end_block <= object_blocks_max;  // I7
}

bool in_limits(const shared_value& v) { return v.blocks > 0 && v.references > 1; }  // I6

bool in_limits(const hint_value& v) { return v.blocks > 0 && v.blocks <= run_blocks_max; }  // I8

bool run_in_limits(std::uint64_t object_block, std::size_t count) {
  return count > 0 && count <= run_blocks_max && object_block <= object_blocks_max - count;  // I2, I3
}

constexpr std::size_t chunks_of(std::size_t bytes) { return (bytes + chunk_bytes - 1) / chunk_bytes; }

template <class T>
std::vector<std::byte> encode_as_vector(const T& v) {
  const auto bytes = encode_fixed(v);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

short_key collection_key(std::uint32_t collection) { return short_key{}.number(collection_tag).number(collection); }

key name_key(std::uint32_t collection, std::string_view name) {
  FURROW_ASSERT(name.size() <= name_bytes_max);  // I3
  key k = short_key{}.number(name_tag).number(collection);
  k.append(name);
  return k;
}

short_key object_key(std::uint64_t object) {
  short_key k;
  k.number(object_tag).number(object).number(part_object);
  return k;
}

short_key tail_key(std::uint64_t object, std::uint8_t chunk) { return part_key(object, part_tail, chunk); }
short_key attributes_key(std::uint64_t object, std::uint8_t chunk) { return part_key(object, part_attributes, chunk); }

short_key extent_key(std::uint64_t object, std::uint64_t block) {
  FURROW_ASSERT(block < object_blocks_max);  // I3
  short_key k;
  k.number(object_tag).number(object).number(part_extent).number<6>(block);
  return k;
}

short_key orphan_key(std::uint64_t object) {
  short_key k;
  k.number(orphan_tag).number(object);
  return k;
}

short_key zone_key(std::uint16_t device, zoned::zone_index zone) {
  short_key k;
  k.number(zone_tag).number(device).number(zone.value);
  return k;
}

short_key run_key(std::uint16_t device, zoned::zone_index zone, std::uint32_t block) {
  short_key k;
  k.number(run_tag).number(device).number(zone.value).number(block);
  return k;
}

short_key shared_key(std::uint16_t device, zoned::zone_index zone, std::uint32_t block) {
  short_key k;
  k.number(shared_tag).number(device).number(zone.value).number(block);
  return k;
}

short_key hint_key(std::uint16_t device, zoned::zone_index zone, std::uint32_t block, std::uint64_t object,
                   std::uint64_t object_block) {
  FURROW_ASSERT(object_block < object_blocks_max);  // I3
  return hints_from(device, zone, block).number(object).number<6>(object_block);
}

short_key hints_from(std::uint16_t device, zoned::zone_index zone, std::uint32_t block) {
  return short_key{}.number(hint_tag).number(device).number(zone.value).number(block);
}

key after_prefix(key_view prefix) {
  key next{prefix};
  while (!next.empty() && std::bit_cast<std::uint8_t>(next.back()) == 0xff) {
    next.pop_back();
  }
  if (!next.empty()) {
    next.back() = std::bit_cast<char>(static_cast<std::uint8_t>(std::bit_cast<std::uint8_t>(next.back()) + 1));
  }
  return next;
}

std::optional<std::uint32_t> parse_collection_key(key_view k) {
  key_parser from{k};
  const auto collection = from.expect(collection_tag).number<std::uint32_t>();
  return from.ok() ? std::optional{collection} : std::nullopt;
}

std::optional<name_parts> parse_name_key(key_view k) {
  key_parser from{k};
  name_parts parts{};
  parts.collection = from.expect(name_tag).number<std::uint32_t>();
  parts.name = from.rest();
  const bool sound = from.ok() && !parts.name.empty() && parts.name.size() <= name_bytes_max;
  return sound ? std::optional{parts} : std::nullopt;
}

std::optional<std::uint64_t> parse_object_key(key_view k) {
  key_parser from{k};
  const auto object = from.expect(object_tag).number<std::uint64_t>();
  return from.expect(part_object).ok() ? std::optional{object} : std::nullopt;
}

std::optional<chunk_parts> parse_tail_key(key_view k) {
  return parse_part_key(k, part_tail, chunks_of(tail_bytes_max));
}

std::optional<chunk_parts> parse_attributes_key(key_view k) {
  return parse_part_key(k, part_attributes, chunks_of(attribute_blob_bytes_max));
}

std::optional<extent_parts> parse_extent_key(key_view k) {
  key_parser from{k};
  extent_parts parts{};
  parts.object = from.expect(object_tag).number<std::uint64_t>();
  parts.block = from.expect(part_extent).number<std::uint64_t>(6);
  return from.ok() ? std::optional{parts} : std::nullopt;
}

std::optional<std::uint64_t> parse_orphan_key(key_view k) {
  key_parser from{k};
  const auto object = from.expect(orphan_tag).number<std::uint64_t>();
  return from.ok() ? std::optional{object} : std::nullopt;
}

std::optional<run_parts> parse_run_key(key_view k) { return parse_blocks_key(k, run_tag); }

std::optional<run_parts> parse_shared_key(key_view k) { return parse_blocks_key(k, shared_tag); }

std::optional<hint_parts> parse_hint_key(key_view k) {
  key_parser from{k};
  hint_parts parts{};
  parts.device = from.expect(hint_tag).number<std::uint16_t>();
  parts.zone = zoned::zone_index{from.number<std::uint32_t>()};
  parts.block = from.number<std::uint32_t>();
  parts.object = from.number<std::uint64_t>();
  parts.object_block = from.number<std::uint64_t>(6);
  return from.ok() ? std::optional{parts} : std::nullopt;
}

std::vector<std::byte> encode(const collection_value& v) {
  FURROW_ASSERT(v.name.size() <= name_bytes_max);  // I3
  std::vector<std::byte> bytes;
  bytes.reserve(26 + v.name.size());
  writer to{bytes};
  to.u64(v.quota_bytes);
  to.u64(v.used_blocks);
  to.number(v.created_ns);
  to.u16(static_cast<std::uint16_t>(v.name.size()));
  to.text(v.name);
  return bytes;
}

std::optional<collection_value> decode_collection(value_view bytes) {
  reader from{bytes};
  collection_value v;
  v.quota_bytes = from.u64();
  v.used_blocks = from.u64();
  v.created_ns = from.number<std::int64_t>();
  v.name = read_name(from, from.u16());
  return all_of(from, std::move(v));
}

std::vector<std::byte> encode(const object_value& v) {
  std::vector<std::byte> bytes(object_value_bytes(v));
  encode_object(v, bytes);
  return bytes;
}

void encode_object(const object_value& v, std::span<std::byte> bytes) {
  FURROW_ASSERT(in_limits(v));
  FURROW_ASSERT(v.name.size() <= name_bytes_max);  // I3
  FURROW_ASSERT(bytes.size() == object_value_bytes(v));
  fixed_writer to{bytes};
  to.u32(v.collection);
  to.u32(v.mode);
  to.u64(v.bytes);
  to.u64(v.fence_epoch);
  to.u64(v.extent_count);
  to.u64(v.blocks);
  to.number(v.created_ns);
  to.number(v.modified_ns);
  to.u32(v.tail_epoch);
  to.u16(v.attribute_bytes);
  to.u16(static_cast<std::uint16_t>(v.name.size()));
  to.u8(static_cast<std::uint8_t>(v.cls));
  to.zeros(7);
  to.bytes(std::as_bytes(std::span{v.name}));
}

std::optional<object_value> decode_object(value_view bytes) {
  reader from{bytes};
  object_value v;
  v.collection = from.u32();
  v.mode = from.u32();
  v.bytes = from.u64();
  v.fence_epoch = from.u64();
  v.extent_count = from.u64();
  v.blocks = from.u64();
  v.created_ns = from.number<std::int64_t>();
  v.modified_ns = from.number<std::int64_t>();
  v.tail_epoch = from.u32();
  v.attribute_bytes = from.u16();
  const std::size_t name_bytes = from.u16();
  v.cls = static_cast<zone_class>(from.u8());
  from.zeros(7);
  v.name = read_name(from, name_bytes);
  return in_limits(v) ? all_of(from, std::move(v)) : std::nullopt;
}

std::array<std::byte, extent_value_bytes> encode_fixed(const extent_value& v) {
  FURROW_ASSERT(in_limits(v));
  std::array<std::byte, extent_value_bytes> bytes{};
  fixed_writer to{bytes};
  to.u64(v.address.raw());
  to.u32(v.blocks);
  to.u32(v.logical_blocks);
  to.u8(static_cast<std::uint8_t>(v.kind));
  to.u8(v.shared ? 1 : 0);
  to.u8(static_cast<std::uint8_t>(v.cls));
  to.zeros(1);
  return bytes;
}

std::vector<std::byte> encode(const extent_value& v) { return encode_as_vector(v); }

std::optional<extent_value> decode_extent(value_view bytes) {
  reader from{bytes};
  extent_value v;
  v.address = zoned::device_address::from_raw(from.u64());
  v.blocks = from.u32();
  v.logical_blocks = from.u32();
  v.kind = static_cast<extent_kind>(from.u8());
  const std::uint8_t flags = from.u8();
  v.shared = flags == 1;
  v.cls = static_cast<zone_class>(from.u8());
  from.zeros(1);
  return flags <= 1 && in_limits(v) ? all_of(from, v) : std::nullopt;
}

std::array<std::byte, zone_value_bytes> encode_fixed(const zone_value& v) {
  FURROW_ASSERT(in_limits(v));
  std::array<std::byte, zone_value_bytes> bytes{};
  fixed_writer to{bytes};
  to.u8(static_cast<std::uint8_t>(v.role));
  to.u8(static_cast<std::uint8_t>(v.cls));
  to.u8(v.flags);
  to.zeros(1);
  to.u32(v.live_blocks);
  to.u64(v.generation);
  to.u64(v.fill_sequence);
  to.u64(v.write_sequence);
  to.u64(v.ordinal);
  return bytes;
}

std::vector<std::byte> encode(const zone_value& v) { return encode_as_vector(v); }

void encode_run(std::uint64_t object, std::uint64_t object_block, std::size_t blocks,
                std::span<const std::uint32_t> sums, std::span<std::byte> bytes) {
  FURROW_ASSERT(run_in_limits(object_block, blocks));
  FURROW_ASSERT(sums.empty() || sums.size() == blocks);
  FURROW_ASSERT(bytes.size() == run_value_bytes(sums.size()));
  const std::uint64_t count = sums.empty() ? blocks + run_without_sums : blocks;
  fixed_writer to{bytes};
  to.u64(object);
  to.u64(object_block | count << 48);
  to.u32s(sums);
}

std::vector<std::byte> encode(const run_value& v) {
  std::vector<std::byte> bytes(run_value_bytes(v.sums.size()));
  encode_run(v.object, v.object_block, v.blocks(), v.sums, bytes);
  return bytes;
}

std::optional<run_view> run_view::of(value_view bytes) {
  reader from{bytes};
  const std::uint64_t object = from.u64();
  const std::uint64_t block_and_count = from.u64();
  const std::uint64_t object_block = block_and_count & (object_blocks_max - 1);
  const bool without_sums = (block_and_count >> 48 & run_without_sums) != 0;
  const std::size_t count = (block_and_count >> 48) % run_without_sums;
  const auto sums = from.bytes(without_sums ? 0 : 4 * count);
  if (from.failed() || from.left() != 0 || !run_in_limits(object_block, count)) {
    return std::nullopt;
  }
  return run_view{object, object_block, count, sums};
}

std::optional<run_value> decode_run(value_view bytes) {
  const auto run = run_view::of(bytes);
  if (!run) {
    return std::nullopt;
  }
  run_value v;
  v.object = run->object();
  v.object_block = run->object_block();
  if (!run->has_sums()) {
    v.blocks_without_sums = static_cast<std::uint32_t>(run->blocks());
    return v;
  }
  v.sums.reserve(run->blocks());
  for (std::size_t i = 0; i < run->blocks(); ++i) {
    v.sums.push_back(run->sum(i));
  }
  return v;
}

std::vector<std::byte> encode(const doomed_value& v) {
  FURROW_ASSERT(in_limits(v));
  std::vector<std::byte> bytes;
  writer to{bytes};
  to.u64(v.first_block);
  to.u64(v.end_block);
  return bytes;
}

std::optional<doomed_value> decode_doomed(value_view bytes) {
  reader from{bytes};
  doomed_value v;
  v.first_block = from.u64();
  v.end_block = from.u64();
  return in_limits(v) ? all_of(from, v) : std::nullopt;
}

std::vector<std::byte> encode(const shared_value& v) {
  FURROW_ASSERT(in_limits(v));
  std::vector<std::byte> bytes;
  writer to{bytes};
  to.u32(v.blocks);
  to.u32(v.references);
  return bytes;
}

std::optional<shared_value> decode_shared(value_view bytes) {
  reader from{bytes};
  shared_value v;
  v.blocks = from.u32();
  v.references = from.u32();
  return in_limits(v) ? all_of(from, v) : std::nullopt;
}

std::vector<std::byte> encode(const hint_value& v) {
  FURROW_ASSERT(in_limits(v));
  std::vector<std::byte> bytes;
  writer to{bytes};
  to.u32(v.blocks);
  return bytes;
}

std::optional<hint_value> decode_hint(value_view bytes) {
  reader from{bytes};
  hint_value v;
  v.blocks = from.u32();
  return in_limits(v) ? all_of(from, v) : std::nullopt;
}

}  // namespace furrow::format
