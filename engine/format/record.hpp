// Records of the journal: one for each change of metadata, in the order of publication. A closed list.
//
// Layout of a record   | type u8 | flags u8 | zeros u16 | bytes u32 | sequence u64 | body | zeros to a multiple of 8 |
//                      bytes is the body's length. Flag 1: skippable by a reader that does not know the type.
// Invariants
//   I1  Every record that drops extents lists them, so that live counts replay without the object's pages.
//   I2  Records of one batch have one sequence and lie in one group, between batch_begin and batch_end.
//   I3  A tail record applies only to its tail epoch and exactly at `from`.
//   I4  publish.sums has one entry for each block of publish.extents, in their order; the extents ascend and do not
//   overlap.
//
// Not here: groups (group.hpp), what a record does to the trees (core/apply).
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "format/keys.hpp"

namespace furrow::format {

/// DO NOT CHANGE: on disk. 0 is never valid. punch, truncate, clone, move and page_flushed are reserved.
enum class record_type : std::uint8_t {
  publish = 1,
  tail = 2,
  create = 3,
  remove = 4,
  rename = 5,
  punch = 6,
  truncate = 7,
  clone = 8,
  move = 9,
  zone_role = 10,
  zone_free = 11,
  page_flushed = 12,
  attributes = 13,
  batch_begin = 14,
  batch_end = 15,
  collection = 16,
  drop = 17,
};

struct object_extent {
  std::uint64_t object_block = 0;
  block_run where;
  friend bool operator==(const object_extent&, const object_extent&) = default;
};

/// What a person may attach to an object.
struct attribute_set {
  std::uint32_t mode = 0;
  std::int64_t created_ns = 0;
  std::int64_t modified_ns = 0;
  std::string link_target;
  std::vector<std::byte> user;
  friend bool operator==(const attribute_set&, const attribute_set&) = default;
};

/// Extents become visible; the object's end, tail and fence epoch are as stated afterwards.
struct publish_record {
  std::uint64_t object = 0;
  std::uint64_t object_bytes = 0;
  std::uint64_t fence_epoch = 0;
  std::int64_t modified_ns = 0;
  std::uint32_t tail_epoch = 0;
  zone_class cls = zone_class::unhinted;
  std::vector<object_extent> extents;
  std::vector<std::uint32_t> sums;
  std::vector<block_run> dropped;
  std::vector<std::byte> tail;  ///< Whole.
};
struct tail_record {
  std::uint64_t object = 0;
  std::uint64_t fence_epoch = 0;
  std::int64_t modified_ns = 0;
  std::uint32_t tail_epoch = 0;
  std::uint16_t from = 0;
  std::vector<std::byte> bytes;
};
struct create_record {
  std::uint64_t object = 0;
  std::uint32_t collection = 0;
  std::string name;  ///< Empty: without a name.
  attribute_set attributes;
};
/// The name goes; the extents are dropped by drop records.
struct remove_record {
  std::uint64_t object = 0;
};
/// The object gets the name, losing its old one; `replaced` (0: none) is removed.
struct rename_record {
  std::uint64_t object = 0;
  std::uint32_t collection = 0;
  std::string name;
  std::uint64_t replaced = 0;
};
struct attributes_record {
  std::uint64_t object = 0;
  attribute_set attributes;
};
struct zone_role_record {
  std::uint16_t device = 0;
  zoned::zone_index zone;
  zone_role role = zone_role::data;
  zone_class cls = zone_class::unhinted;
  std::uint64_t generation = 0;
  std::uint64_t ordinal = 0;
};
struct zone_free_record {
  std::uint16_t device = 0;
  zoned::zone_index zone;
  std::uint64_t generation = 0;
};
struct batch_begin_record {
  std::uint32_t records = 0;
};
struct batch_end_record {};
/// DO NOT CHANGE: on disk.
enum class collection_action : std::uint8_t { create = 1, quota = 2, drop = 3 };
struct collection_record {
  std::uint32_t collection = 0;
  collection_action action = collection_action::create;
  std::uint64_t quota_bytes = 0;
  std::string name;
  std::int64_t created_ns = 0;
};
/// One step of the removal of an object: these extents, from `object_block` on, are gone; the last step ends the
/// object.
struct drop_record {
  std::uint64_t object = 0;
  bool last = false;
  std::vector<object_extent> extents;
};

using record_body = std::variant<publish_record, tail_record, create_record, remove_record, rename_record,
                                 attributes_record, zone_role_record, zone_free_record, batch_begin_record,
                                 batch_end_record, collection_record, drop_record>;
struct record {
  std::uint64_t sequence = 0;
  record_body body;
};

[[nodiscard]] record_type type_of(const record_body& body);
/// Appends the encoded record to `to`.
void encode(const record& from, std::vector<std::byte>& to);

struct record_fault {
  record_type type{};
  const char* why = "";
};
/// The next record of `from`; none if it was skippable and unknown. Checks I3's and I4's forms, names' and counts'
/// limits.
[[nodiscard]] boost::system::result<std::optional<record>, record_fault> decode_record(reader& from);

}  // namespace furrow::format
