#include "format/record.hpp"

#include <limits>

#include "format/record_check.hpp"

namespace furrow::format {
namespace {

constexpr std::size_t extent_bytes = 20;
constexpr std::size_t run_bytes = 12;
constexpr std::size_t moved_run_bytes = 24;
constexpr std::size_t moved_name_bytes = 16;
constexpr std::size_t record_alignment = 8;

std::size_t padding_after(std::size_t body_bytes) {
  return (record_alignment - body_bytes % record_alignment) % record_alignment;
}

void encode_extents(const std::vector<object_extent>& extents, writer& to) {
  for (const object_extent& e : extents) {
    to.u64(e.object_block);
    to.u64(e.where.address.raw());
    to.u32(e.where.blocks);
  }
}

/// `count` elements of `element_bytes` are there, so that they may be allocated.
bool has_elements(reader& from, std::size_t count, std::size_t element_bytes) {
  if (from.failed() || count > from.left() / element_bytes) {
    from.fail();
    return false;
  }
  return true;
}

void decode_extents(reader& from, std::size_t count, std::vector<object_extent>& extents) {
  extents.resize(has_elements(from, count, extent_bytes) ? count : 0);
  for (object_extent& e : extents) {
    e.object_block = from.u64();
    e.where.address = zoned::device_address::from_raw(from.u64());
    e.where.blocks = from.u32();
  }
}

std::vector<object_extent> decode_extents(reader& from, std::size_t count) {
  std::vector<object_extent> extents;
  decode_extents(from, count, extents);
  return extents;
}

void decode_sums(reader& from, std::size_t count, std::vector<std::uint32_t>& sums) {
  sums.resize(has_elements(from, count, sizeof(std::uint32_t)) ? count : 0);
  const auto bytes = from.bytes(sums.size() * sizeof(std::uint32_t));
  for (std::size_t i = 0; i < sums.size(); ++i) {
    sums[i] = load_le<std::uint32_t>(bytes.data() + i * sizeof(std::uint32_t));
  }
}

void encode_runs(const std::vector<block_run>& runs, writer& to) {
  for (const block_run& run : runs) {
    to.u64(run.address.raw());
    to.u32(run.blocks);
  }
}

void decode_runs(reader& from, std::size_t count, std::vector<block_run>& runs) {
  runs.resize(has_elements(from, count, run_bytes) ? count : 0);
  for (block_run& run : runs) {
    run.address = zoned::device_address::from_raw(from.u64());
    run.blocks = from.u32();
  }
}

std::vector<std::byte> decode_bytes(reader& from, std::size_t count) {
  const auto bytes = from.bytes(count);
  return {bytes.begin(), bytes.end()};
}

void encode_attributes(const attribute_set& a, writer& to) {
  to.u32(a.mode);
  to.u16(static_cast<std::uint16_t>(a.link_target.size()));
  to.u16(static_cast<std::uint16_t>(a.user.size()));
  to.number(a.created_ns);
  to.number(a.modified_ns);
}

struct attribute_lengths {
  std::size_t link_bytes;
  std::size_t user_bytes;
};

attribute_lengths decode_attributes(reader& from, attribute_set& a) {
  a.mode = from.u32();
  const std::size_t link_bytes = from.u16();
  const std::size_t user_bytes = from.u16();
  a.created_ns = from.number<std::int64_t>();
  a.modified_ns = from.number<std::int64_t>();
  return {link_bytes, user_bytes};
}

void encode_attribute_bytes(const attribute_set& a, writer& to) {
  to.text(a.link_target);
  to.bytes(a.user);
}

void decode_attribute_bytes(reader& from, const attribute_lengths& lengths, attribute_set& a) {
  a.link_target = from.text(lengths.link_bytes);
  a.user = decode_bytes(from, lengths.user_bytes);
}

void encode_body(const publish_record& r, writer& to) {
  to.u64(r.object);
  to.u64(r.object_bytes);
  to.u64(r.fence_epoch);
  to.number(r.modified_ns);
  to.u32(r.tail_epoch);
  to.u8(static_cast<std::uint8_t>(r.cls));
  to.u8(0);
  to.u16(static_cast<std::uint16_t>(r.tail.size()));
  to.u32(static_cast<std::uint32_t>(r.extents.size()));
  to.u32(static_cast<std::uint32_t>(r.sums.size()));
  to.u32(static_cast<std::uint32_t>(r.dropped.size()));
  to.u32(0);
  encode_extents(r.extents, to);
  to.u32s(r.sums);
  encode_runs(r.dropped, to);
  to.bytes(r.tail);
}

void decode_body(reader& from, publish_record& r) {
  r.object = from.u64();
  r.object_bytes = from.u64();
  r.fence_epoch = from.u64();
  r.modified_ns = from.number<std::int64_t>();
  r.tail_epoch = from.u32();
  r.cls = static_cast<zone_class>(from.u8());
  from.zeros(1);
  const std::size_t tail_bytes = from.u16();
  const std::size_t extent_count = from.u32();
  const std::size_t sum_count = from.u32();
  const std::size_t dropped_count = from.u32();
  from.zeros(4);
  decode_extents(from, extent_count, r.extents);
  decode_sums(from, sum_count, r.sums);
  decode_runs(from, dropped_count, r.dropped);
  const auto tail = from.bytes(tail_bytes);
  r.tail.assign(tail.begin(), tail.end());
}

void encode_body(const tail_record& r, writer& to) {
  to.u64(r.object);
  to.u64(r.fence_epoch);
  to.number(r.modified_ns);
  to.u32(r.tail_epoch);
  to.u16(r.from);
  to.u16(static_cast<std::uint16_t>(r.bytes.size()));
  to.bytes(r.bytes);
}

void decode_body(reader& from, tail_record& r) {
  r.object = from.u64();
  r.fence_epoch = from.u64();
  r.modified_ns = from.number<std::int64_t>();
  r.tail_epoch = from.u32();
  r.from = from.u16();
  r.bytes = decode_bytes(from, from.u16());
}

void encode_body(const create_record& r, writer& to) {
  to.u64(r.object);
  to.u32(r.collection);
  to.u16(static_cast<std::uint16_t>(r.name.size()));
  to.u16(0);
  encode_attributes(r.attributes, to);
  to.text(r.name);
  encode_attribute_bytes(r.attributes, to);
}

void decode_body(reader& from, create_record& r) {
  r.object = from.u64();
  r.collection = from.u32();
  const std::size_t name_bytes = from.u16();
  from.zeros(2);
  const attribute_lengths lengths = decode_attributes(from, r.attributes);
  r.name = from.text(name_bytes);
  decode_attribute_bytes(from, lengths, r.attributes);
}

void encode_body(const remove_record& r, writer& to) { to.u64(r.object); }
void decode_body(reader& from, remove_record& r) { r.object = from.u64(); }

void encode_body(const rename_record& r, writer& to) {
  to.u64(r.object);
  to.u64(r.replaced);
  to.u32(r.collection);
  to.u16(static_cast<std::uint16_t>(r.name.size()));
  to.u16(0);
  to.text(r.name);
}

void decode_body(reader& from, rename_record& r) {
  r.object = from.u64();
  r.replaced = from.u64();
  r.collection = from.u32();
  const std::size_t name_bytes = from.u16();
  from.zeros(2);
  r.name = from.text(name_bytes);
}

void encode_body(const attributes_record& r, writer& to) {
  to.u64(r.object);
  encode_attributes(r.attributes, to);
  encode_attribute_bytes(r.attributes, to);
}

void decode_body(reader& from, attributes_record& r) {
  r.object = from.u64();
  const attribute_lengths lengths = decode_attributes(from, r.attributes);
  decode_attribute_bytes(from, lengths, r.attributes);
}

void encode_body(const zone_role_record& r, writer& to) {
  to.u16(r.device);
  to.u8(static_cast<std::uint8_t>(r.role));
  to.u8(static_cast<std::uint8_t>(r.cls));
  to.u32(r.zone.value);
  to.u64(r.generation);
  to.u64(r.ordinal);
}

void decode_body(reader& from, zone_role_record& r) {
  r.device = from.u16();
  r.role = static_cast<zone_role>(from.u8());
  r.cls = static_cast<zone_class>(from.u8());
  r.zone.value = from.u32();
  r.generation = from.u64();
  r.ordinal = from.u64();
}

void encode_body(const zone_free_record& r, writer& to) {
  to.u16(r.device);
  to.u16(0);
  to.u32(r.zone.value);
  to.u64(r.generation);
}

void decode_body(reader& from, zone_free_record& r) {
  r.device = from.u16();
  from.zeros(2);
  r.zone.value = from.u32();
  r.generation = from.u64();
}

void encode_body(const batch_begin_record& r, writer& to) {
  to.u32(r.records);
  to.u32(0);
}

void decode_body(reader& from, batch_begin_record& r) {
  r.records = from.u32();
  from.zeros(4);
}

void encode_body(const batch_end_record&, writer&) {}
void decode_body(reader&, batch_end_record&) {}

void encode_body(const collection_record& r, writer& to) {
  to.u32(r.collection);
  to.u8(static_cast<std::uint8_t>(r.action));
  to.u8(0);
  to.u16(static_cast<std::uint16_t>(r.name.size()));
  to.u64(r.quota_bytes);
  to.number(r.created_ns);
  to.text(r.name);
}

void decode_body(reader& from, collection_record& r) {
  r.collection = from.u32();
  r.action = static_cast<collection_action>(from.u8());
  from.zeros(1);
  const std::size_t name_bytes = from.u16();
  r.quota_bytes = from.u64();
  r.created_ns = from.number<std::int64_t>();
  r.name = from.text(name_bytes);
}

void encode_body(const drop_record& r, writer& to) {
  to.u64(r.object);
  to.u32(static_cast<std::uint32_t>(r.extents.size()));
  to.u8(static_cast<std::uint8_t>(r.ends));
  to.zeros(3);
  encode_extents(r.extents, to);
}

void decode_body(reader& from, drop_record& r) {
  r.object = from.u64();
  const std::size_t extent_count = from.u32();
  r.ends = static_cast<drop_end>(from.u8());
  from.zeros(3);
  r.extents = decode_extents(from, extent_count);
}

void encode_body(const punch_record& r, writer& to) {
  to.u64(r.object);
  to.u64(r.object_bytes);
  to.number(r.modified_ns);
  to.u64(r.first_block);
  to.u64(r.end_block);
  to.u32(r.tail_epoch);
  to.u32(static_cast<std::uint32_t>(r.extents.size()));
  to.u16(static_cast<std::uint16_t>(r.tail.size()));
  to.u8(r.more ? 1 : 0);
  to.zeros(5);
  encode_extents(r.extents, to);
  to.bytes(r.tail);
}

void decode_body(reader& from, punch_record& r) {
  r.object = from.u64();
  r.object_bytes = from.u64();
  r.modified_ns = from.number<std::int64_t>();
  r.first_block = from.u64();
  r.end_block = from.u64();
  r.tail_epoch = from.u32();
  const std::size_t extent_count = from.u32();
  const std::size_t tail_bytes = from.u16();
  const std::uint8_t more = from.u8();
  r.more = more == 1;
  if (more > 1) {
    from.fail();
  }
  from.zeros(5);
  r.extents = decode_extents(from, extent_count);
  r.tail = decode_bytes(from, tail_bytes);
}

void encode_body(const clone_record& r, writer& to) {
  to.u64(r.object);
  to.u64(r.source);
  to.u64(r.object_bytes);
  to.number(r.modified_ns);
  to.u64(r.first_block);
  to.u64(r.source_block);
  to.u64(r.blocks);
  to.u32(r.tail_epoch);
  to.u32(static_cast<std::uint32_t>(r.extents.size()));
  to.u32(static_cast<std::uint32_t>(r.dropped.size()));
  to.u16(static_cast<std::uint16_t>(r.tail.size()));
  to.u16(0);
  encode_extents(r.extents, to);
  encode_runs(r.dropped, to);
  to.bytes(r.tail);
}

void decode_body(reader& from, clone_record& r) {
  r.object = from.u64();
  r.source = from.u64();
  r.object_bytes = from.u64();
  r.modified_ns = from.number<std::int64_t>();
  r.first_block = from.u64();
  r.source_block = from.u64();
  r.blocks = from.u64();
  r.tail_epoch = from.u32();
  const std::size_t extent_count = from.u32();
  const std::size_t dropped_count = from.u32();
  const std::size_t tail_bytes = from.u16();
  from.zeros(2);
  r.extents = decode_extents(from, extent_count);
  decode_runs(from, dropped_count, r.dropped);
  r.tail = decode_bytes(from, tail_bytes);
}

void encode_body(const move_record& r, writer& to) {
  std::size_t names = 0;
  for (const moved_run& run : r.runs) {
    names += run.names.size();
  }
  to.u8(static_cast<std::uint8_t>(r.cls));
  to.zeros(3);
  to.u32(static_cast<std::uint32_t>(r.runs.size()));
  to.u32(static_cast<std::uint32_t>(names));
  to.u32(static_cast<std::uint32_t>(r.sums.size()));
  for (const moved_run& run : r.runs) {
    to.u64(run.from.raw());
    to.u64(run.to.address.raw());
    to.u32(run.to.blocks);
    to.u32(static_cast<std::uint32_t>(run.names.size()));
  }
  for (const moved_run& run : r.runs) {
    for (const object_block& name : run.names) {
      to.u64(name.object);
      to.u64(name.block);
    }
  }
  to.u32s(r.sums);
}

void decode_body(reader& from, move_record& r) {
  r.cls = static_cast<zone_class>(from.u8());
  from.zeros(3);
  const std::size_t run_count = from.u32();
  std::size_t names_left = from.u32();
  const std::size_t sum_count = from.u32();
  std::vector<std::size_t> names;
  if (has_elements(from, run_count, moved_run_bytes)) {
    r.runs.resize(run_count);
  }
  for (moved_run& run : r.runs) {
    run.from = zoned::device_address::from_raw(from.u64());
    run.to.address = zoned::device_address::from_raw(from.u64());
    run.to.blocks = from.u32();
    names.push_back(from.u32());
  }
  for (std::size_t i = 0; i < r.runs.size() && !from.failed(); ++i) {
    if (names[i] > names_left || !has_elements(from, names[i], moved_name_bytes)) {
      return from.fail();
    }
    names_left -= names[i];
    r.runs[i].names.resize(names[i]);
    for (object_block& name : r.runs[i].names) {
      name.object = from.u64();
      name.block = from.u64();
    }
  }
  if (names_left != 0) {
    from.fail();
  }
  decode_sums(from, sum_count, r.sums);
}

/// Makes `to` a T with what `bytes` say; the complaint if they are not one.
template <class T>
complaint decode_as(std::span<const std::byte> bytes, record_body& to) {
  reader from{bytes};
  T* const same = std::is_same_v<T, publish_record> ? std::get_if<T>(&to) : nullptr;  // all of which is set
  T& body = same != nullptr ? *same : to.emplace<T>();
  decode_body(from, body);
  if (from.failed() || from.left() != 0) {
    return "the body is not of its type's form";
  }
  return check(body);
}

constexpr complaint unknown_type = "unknown type";

complaint decode_body_of(record_type type, std::span<const std::byte> bytes, record_body& to) {
  switch (type) {
    case record_type::publish:
      return decode_as<publish_record>(bytes, to);
    case record_type::tail:
      return decode_as<tail_record>(bytes, to);
    case record_type::create:
      return decode_as<create_record>(bytes, to);
    case record_type::remove:
      return decode_as<remove_record>(bytes, to);
    case record_type::rename:
      return decode_as<rename_record>(bytes, to);
    case record_type::attributes:
      return decode_as<attributes_record>(bytes, to);
    case record_type::zone_role:
      return decode_as<zone_role_record>(bytes, to);
    case record_type::zone_free:
      return decode_as<zone_free_record>(bytes, to);
    case record_type::batch_begin:
      return decode_as<batch_begin_record>(bytes, to);
    case record_type::batch_end:
      return decode_as<batch_end_record>(bytes, to);
    case record_type::collection:
      return decode_as<collection_record>(bytes, to);
    case record_type::drop:
      return decode_as<drop_record>(bytes, to);
    case record_type::punch:
      return decode_as<punch_record>(bytes, to);
    case record_type::clone:
      return decode_as<clone_record>(bytes, to);
    case record_type::move:
      return decode_as<move_record>(bytes, to);
    case record_type::truncate:
    case record_type::page_flushed:
      return unknown_type;
  }
  return unknown_type;
}

struct type_visitor {
  record_type operator()(const publish_record&) const { return record_type::publish; }
  record_type operator()(const tail_record&) const { return record_type::tail; }
  record_type operator()(const create_record&) const { return record_type::create; }
  record_type operator()(const remove_record&) const { return record_type::remove; }
  record_type operator()(const rename_record&) const { return record_type::rename; }
  record_type operator()(const attributes_record&) const { return record_type::attributes; }
  record_type operator()(const zone_role_record&) const { return record_type::zone_role; }
  record_type operator()(const zone_free_record&) const { return record_type::zone_free; }
  record_type operator()(const batch_begin_record&) const { return record_type::batch_begin; }
  record_type operator()(const batch_end_record&) const { return record_type::batch_end; }
  record_type operator()(const collection_record&) const { return record_type::collection; }
  record_type operator()(const drop_record&) const { return record_type::drop; }
  record_type operator()(const punch_record&) const { return record_type::punch; }
  record_type operator()(const clone_record&) const { return record_type::clone; }
  record_type operator()(const move_record&) const { return record_type::move; }
};

}  // namespace

record_type type_of(const record_body& body) { return std::visit(type_visitor{}, body); }

void encode(const record& r, std::vector<std::byte>& bytes) { encode(r.sequence, r.body, bytes); }

void encode(std::uint64_t sequence, const record_body& r, std::vector<std::byte>& bytes) {
  if (bytes.capacity() == 0) bytes.reserve(128);  // or it grows four times
  writer to{bytes};
  to.u8(static_cast<std::uint8_t>(type_of(r)));
  to.u8(0);
  to.u16(0);
  const std::size_t body_bytes_at = to.written();
  to.u32(0);
  to.u64(sequence);
  const std::size_t body_at = to.written();
  std::visit(
      [&to](const auto& body) {
        FURROW_ASSERT(check(body) == none);
        encode_body(body, to);
      },
      r);
  const std::size_t body_bytes = to.written() - body_at;
  FURROW_ASSERT(body_bytes <= std::numeric_limits<std::uint32_t>::max());
  store_le(bytes.data() + body_bytes_at, static_cast<std::uint32_t>(body_bytes));
  to.zeros(padding_after(body_bytes));
}

boost::system::result<std::optional<record>, record_fault> decode_record(reader& from) {
  record r;
  const auto known = decode_record_into(from, r);
  if (!known) return known.error();
  return *known ? std::optional{std::move(r)} : std::nullopt;
}

boost::system::result<bool, record_fault> decode_record_into(reader& from, record& r) {
  const std::uint8_t type_byte = from.u8();
  const auto type = static_cast<record_type>(type_byte);
  const std::uint8_t flags = from.u8();
  from.zeros(2);
  const std::size_t body_bytes = from.u32();
  r.sequence = from.u64();
  const auto body = from.bytes(body_bytes);
  from.zeros(padding_after(body_bytes));
  if (from.failed()) {
    return record_fault{type, "cut off, or its padding is not zero"};
  }
  if ((flags & ~record_flag_skippable) != 0 || type_byte == 0) {
    return record_fault{type, "no such type or flags"};
  }
  const complaint c = decode_body_of(type, body, r.body);
  if (c == unknown_type && flags == record_flag_skippable) {
    return false;
  }
  if (c != none) {
    return record_fault{type, c};
  }
  if (flags != 0) {
    return record_fault{type, "flagged skippable, but known"};
  }
  return true;
}

std::vector<std::byte> encode_attribute_blob(const attribute_set& a) {
  FURROW_ASSERT(check_attributes(a) == none);
  std::vector<std::byte> bytes;
  if (a.link_target.empty() && a.user.empty()) {
    return bytes;
  }
  writer to{bytes};
  to.u16(static_cast<std::uint16_t>(a.link_target.size()));
  to.u16(static_cast<std::uint16_t>(a.user.size()));
  encode_attribute_bytes(a, to);
  return bytes;
}

bool decode_attribute_blob(std::span<const std::byte> bytes, attribute_set& to) {
  attribute_set a = to;
  attribute_lengths lengths{0, 0};
  reader from{bytes};
  if (!bytes.empty()) {
    lengths.link_bytes = from.u16();
    lengths.user_bytes = from.u16();
    if (lengths.link_bytes + lengths.user_bytes == 0) {
      from.fail();
    }
  }
  decode_attribute_bytes(from, lengths, a);
  if (from.failed() || from.left() != 0 || check_attributes(a) != none) {
    return false;
  }
  to = std::move(a);
  return true;
}

}  // namespace furrow::format
