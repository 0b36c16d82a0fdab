#include "samples.hpp"

namespace furrow::format::test {
namespace {

page_ref ref_at(std::uint64_t block, std::uint64_t generation, std::uint32_t crc) {
  page_ref ref;
  ref.copies = {zoned::device_address{0, block}, page_ref::no_copy};
  ref.generation = generation;
  store_le(ref.checksum.value.data(), crc);
  return ref;
}

checksum_field crc_field(std::uint32_t crc) {
  checksum_field field;
  store_le(field.value.data(), crc);
  return field;
}

void put(page_editor& page, key_view key, value_view value) { FURROW_ASSERT(page.put(key, value)); }

page_identity identity_of(page_kind kind, std::uint8_t level) {
  page_identity id;
  id.kind = kind;
  id.level = level;
  id.store = sample_store();
  id.generation = 41;
  id.epoch = 7;
  id.sequence = 1000;
  return id;
}

class page_buffer {
 public:
  page_buffer() : data_(page_bytes), editor_{std::span<std::byte, page_bytes>{data_.data(), page_bytes}} {
    editor_.init();
  }
  page_editor& cells() { return editor_; }
  bytes sealed(const page_identity& identity) {
    seal_page(data_, identity);
    return data_;
  }

 private:
  bytes data_;
  page_editor editor_;
};

attribute_set sample_attributes() {
  attribute_set a;
  a.mode = 0644;
  a.created_ns = 1'700'000'000'000'000'001;
  a.modified_ns = -2;
  a.link_target = "../other";
  a.user = hex({"00 ff 07"});
  return a;
}

}  // namespace

uuid counting_uuid(unsigned first) {
  uuid id{};
  for (std::byte& b : id) {
    b = static_cast<std::byte>(first++);
  }
  return id;
}

superblock sample_superblock() {
  superblock s;
  s.store = sample_store();
  s.set = counting_uuid(0x20);
  s.device_index = 1;
  s.device_count = 2;
  s.lba_bytes = 512;
  s.zone_bytes = 0x1000'0000;
  s.zone_count = 64;
  s.last_zone_bytes = 0x0800'0000;
  s.features_compat = 0x8000'0000'0000'0001;
  s.features_ro_compat = 0x40;
  s.epoch = 7;
  s.serial = 99;
  s.clean = true;
  s.page_copies = 2;
  s.journal_copies = 1;
  s.data_checksum = checksum_kind::crc32c;
  s.sequence = 1000;
  s.next_object = 55;
  s.next_page_generation = 43;
  s.object_count = 17;
  s.formatted_ns = 1'700'000'000'000'000'000;
  s.objects = {ref_at(0x60005, 42, 0x1111'2222), 1, 3};
  s.zones = {ref_at(0x60006, 40, 0x3333'4444), 0, 1};
  s.objects.ref.copies[1] = zoned::device_address{1, 0x70001};
  s.journal.zone.value = 6;
  s.journal.zone_generation = 3;
  s.journal.zone_ordinal = 2;
  s.journal.block = 9;
  s.journal.group = 500;
  s.journal.previous = crc_field(0x5555'6666);
  s.epoch_group = 498;
  s.default_collection_blocks = 6'006;
  s.written = {10'000'001, 20'000'002, 3'000'003, 400'004, 50'005};
  return s;
}

zone_header sample_zone_header() {
  zone_header h;
  h.store = sample_store();
  h.device = 1;
  h.role = zone_role::metadata;
  h.cls = zone_class::metadata;
  h.zone.value = 6;
  h.generation = 3;
  h.epoch = 7;
  h.ordinal = 2;
  h.next.value = 8;
  h.next_generation = 5;
  return h;
}

std::vector<record> sample_records() {
  publish_record publish;
  publish.object = 5;
  publish.object_bytes = 3 * 4096 + 3;
  publish.fence_epoch = 2;
  publish.modified_ns = 1'700'000'000'000'000'002;
  publish.tail_epoch = 4;
  publish.cls = zone_class::short_lived;
  publish.extents = {{0, {zoned::device_address{0, 0x30001}, 2}}, {2, {zoned::device_address{0, 0x40001}, 1}}};
  publish.sums = {0xaaaa'0001, 0xaaaa'0002, 0xaaaa'0003};
  publish.dropped = {{zoned::device_address{0, 0x20007}, 3}};
  publish.tail = of_text("end");

  tail_record tail;
  tail.object = 5;
  tail.fence_epoch = 2;
  tail.modified_ns = 3;
  tail.tail_epoch = 4;
  tail.from = 3;
  tail.bytes = of_text("ing");

  collection_record collection;
  collection.collection = 9;
  collection.action = collection_action::quota;
  collection.quota_bytes = 1 << 30;
  collection.name = "tenant";
  collection.created_ns = 4;

  drop_record drop;
  drop.object = 6;
  drop.ends = drop_end::object;
  drop.extents = {{7, {zoned::device_address{0, 0x50002}, 8}}};

  punch_record punch;
  punch.object = 5;
  punch.object_bytes = 2 * 4096 + 1;
  punch.modified_ns = 6;
  punch.first_block = 2;
  punch.end_block = object_blocks_max;
  punch.tail_epoch = 5;
  punch.extents = {{2, {zoned::device_address{0, 0x40001}, 1}}};
  punch.tail = of_text("e");

  clone_record clone;
  clone.object = 8;
  clone.source = 5;
  clone.object_bytes = 12 * 4096;
  clone.modified_ns = 7;
  clone.first_block = 10;
  clone.source_block = 0;
  clone.blocks = 2;
  clone.tail_epoch = 6;
  clone.extents = {{10, {zoned::device_address{0, 0x30001}, 2}}};
  clone.dropped = {{zoned::device_address{0, 0x20007}, 1}};

  move_record move;
  move.cls = zone_class::cleaner;
  move.runs = {{zoned::device_address{0, 0x30001}, {zoned::device_address{0, 0x60009}, 2}, {{5, 0}, {8, 10}}},
               {zoned::device_address{0, 0x30004}, {zoned::device_address{0, 0x6000b}, 1}, {{7, 3}}}};
  move.sums = {0xaaaa'0001, 0xaaaa'0002, 0xaaaa'0004};

  const std::vector<record_body> bodies = {
      publish,
      tail,
      create_record{8, 9, "name", sample_attributes()},
      remove_record{6},
      rename_record{8, 9, "new name", 7},
      attributes_record{8, sample_attributes()},
      zone_role_record{0, zoned::zone_index{6}, zone_role::metadata, zone_class::metadata, 3, 2},
      zone_free_record{0, zoned::zone_index{11}, 4},
      batch_begin_record{3},
      batch_end_record{},
      collection,
      drop,
      punch,
      clone,
      move,
  };
  std::vector<record> records;
  for (std::uint64_t i = 0; i < bodies.size(); ++i) {
    records.push_back({101 + i, bodies[i]});
  }
  return records;
}

std::vector<record> sample_records_without_sums() {
  std::vector<record> records = sample_records();
  std::erase_if(records, [](record& r) {
    auto* const publish = std::get_if<publish_record>(&r.body);
    auto* const move = std::get_if<move_record>(&r.body);
    if (publish != nullptr) publish->sums.clear();
    if (move != nullptr) move->sums.clear();
    return publish == nullptr && move == nullptr;
  });
  return records;
}

group_header sample_group_header(const std::vector<record>& records, std::size_t record_bytes) {
  group_header h;
  h.bytes = static_cast<std::uint32_t>(group_blocks(record_bytes) * zoned::store_block_bytes);
  h.store = sample_store();
  h.epoch = 7;
  h.number = 500;
  h.zone_generation = 3;
  h.first_sequence = records.empty() ? 0 : records.front().sequence;
  h.last_sequence = records.empty() ? 0 : records.back().sequence;
  h.acknowledged_sequence = 100;
  h.flushed_sequence = 99;
  h.record_bytes = static_cast<std::uint32_t>(record_bytes);
  h.record_count = static_cast<std::uint32_t>(records.size());
  h.previous = crc_field(0x5555'6666);
  return h;
}

bytes sample_group(const std::vector<record>& records) {
  bytes group(group_header_bytes);
  for (const record& r : records) {
    encode(r, group);
  }
  const group_header h = sample_group_header(records, group.size() - group_header_bytes);
  group.resize(h.bytes);
  seal_group(h, group);
  return group;
}

bytes sample_object_leaf() {
  page_buffer page;
  collection_value collection;
  collection.name = "tenant";
  collection.quota_bytes = 1 << 30;
  collection.used_blocks = 5;
  collection.created_ns = 4;
  object_value object;
  object.collection = 9;
  object.bytes = 3 * 4096 + 3;
  object.tail_epoch = 4;
  object.fence_epoch = 2;
  object.extent_count = 1;
  object.blocks = 3;
  object.mode = 0644;
  object.created_ns = 5;
  object.modified_ns = 6;
  object.attribute_bytes = 10;
  object.cls = zone_class::short_lived;
  object.name = "name";
  extent_value extent;
  extent.address = zoned::device_address{0, 0x30001};
  extent.blocks = 3;
  extent.logical_blocks = 3;
  extent.shared = true;
  extent.cls = zone_class::short_lived;
  bytes id(8);
  store_le<std::uint64_t>(id.data(), 8);
  attribute_set attributes;
  attributes.link_target = "link";
  attributes.user = of_text("us");
  put(page.cells(), collection_key(9), encode(collection));
  put(page.cells(), name_key(9, "name"), id);
  put(page.cells(), object_key(8), encode(object));
  put(page.cells(), tail_key(8, 0), of_text("end"));
  put(page.cells(), attributes_key(8, 0), encode_attribute_blob(attributes));
  put(page.cells(), extent_key(8, 0), encode(extent));
  put(page.cells(), orphan_key(6), {});
  put(page.cells(), orphan_key(8), encode(doomed_value{3, 7}));
  return page.sealed(identity_of(page_kind::object, 0));
}

bytes sample_zone_leaf() {
  page_buffer page;
  zone_value zone;
  zone.role = zone_role::metadata;
  zone.cls = zone_class::metadata;
  zone.flags = zone_flag_bad | zone_flag_retired;
  zone.generation = 3;
  zone.fill_sequence = 90;
  zone.write_sequence = 100;
  zone.live_blocks = 12;
  zone.ordinal = 2;
  put(page.cells(), zone_key(0, zoned::zone_index{6}), encode(zone));
  put(page.cells(), run_key(0, zoned::zone_index{3}, 1), encode(run_value{8, 0, {0xaaaa'0001, 0xaaaa'0002}}));
  put(page.cells(), shared_key(0, zoned::zone_index{3}, 2), encode(shared_value{1, 2}));
  put(page.cells(), hint_key(0, zoned::zone_index{3}, 2, 9, 5), encode(hint_value{1}));
  return page.sealed(identity_of(page_kind::zone, 0));
}

bytes sample_zone_leaf_without_sums() {
  page_buffer page;
  put(page.cells(), run_key(0, zoned::zone_index{3}, 1), encode(run_value{8, 0, {}, 2}));
  put(page.cells(), run_key(0, zoned::zone_index{3}, 3), encode(run_value{8, 9, {}, run_blocks_max}));
  return page.sealed(identity_of(page_kind::zone, 0));
}

bytes sample_index() {
  page_buffer page;
  std::array<std::byte, page_ref::encoded_bytes> ref{};
  ref_at(0x60003, 30, 0x7777'8888).encode(ref.data());
  put(page.cells(), "", ref);
  ref_at(0x60004, 31, 0x9999'aaaa).encode(ref.data());
  put(page.cells(), object_key(8), ref);
  return page.sealed(identity_of(page_kind::object, 1));
}

bytes encoded(const superblock& s) {
  bytes out(superblock_bytes);
  encode(s, out);
  return out;
}

bytes encoded(const zone_header& h) {
  bytes out(zone_header_bytes);
  encode(h, out);
  return out;
}

bytes encoded(const record& r) {
  bytes out;
  encode(r, out);
  return out;
}

std::optional<record> decode_only(std::span<const std::byte> raw) {
  reader from{raw};
  auto decoded = decode_record(from);
  if (decoded.has_error() || !*decoded || from.left() != 0) {
    return std::nullopt;
  }
  return **decoded;
}

}  // namespace furrow::format::test
