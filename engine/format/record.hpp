// Records of the journal: one for each change of metadata, in the order of publication. A closed list.
//
// Layout of a record   | type u8 | flags u8 | zeros u16 | bytes u32 | sequence u64 | body | zeros to a multiple of 8 |
//                      bytes is the body's length. Flag 1: skippable by a reader that does not know the type.
//   extent             | object_block u64 | address u64 | blocks u32 |                                        20 bytes
//   run                | address u64 | blocks u32 |                                                           12 bytes
//   attributes         | mode u32 | link_bytes u16 | user_bytes u16 | created i64 | modified i64 |            24 bytes
// Layout of bodies
//   publish            | object u64 | object bytes u64 | fence epoch u64 | modified i64 | tail epoch u32 | class u8 |
//                      | zero u8 | tail_bytes u16 | extent_count u32 | sum_count u32 | dropped_count u32 | zeros u32 |
//                      | extents | sums u32 each | dropped runs | tail |
//   tail               | object u64 | fence epoch u64 | modified i64 | tail epoch u32 | from u16 | count u16 | bytes |
//   create             | object u64 | collection u32 | name_bytes u16 | zeros u16 | attributes | name | link | user |
//   remove             | object u64 |
//   rename             | object u64 | replaced u64 | collection u32 | name_bytes u16 | zeros u16 | name |
//   attributes         | object u64 | attributes | link | user |
//   zone_role          | device u16 | role u8 | class u8 | zone u32 | generation u64 | ordinal u64 |
//   zone_free          | device u16 | zeros u16 | zone u32 | generation u64 |
//   batch_begin        | records u32 | zeros u32 |
//   batch_end          nothing
//   collection         | collection u32 | action u8 | zero u8 | name_bytes u16 | quota u64 | created i64 | name |
//   punch              | object u64 | object bytes u64 | modified i64 | first_block u64 | end_block u64 |
//                      | tail epoch u32 | extent_count u32 | tail_bytes u16 | more u8 | zeros 5 | extents | tail |
//   clone              | object u64 | source u64 | object bytes u64 | modified i64 | first_block u64 |
//                      | source_block u64 | blocks u64 | tail epoch u32 | extent_count u32 | dropped_count u32 |
//                      | tail_bytes u16 | zeros u16 | extents | dropped runs | tail |
//   move               | class u8 | zeros 3 | run_count u32 | name_count u32 | sum_count u32 | moved runs | names |
//                      | sums u32 each |
//     moved run        | from u64 | to u64 | blocks u32 | names u32 |                                         24 bytes
//     name             | object u64 | object_block u64 |                                                      16 bytes
//   drop               | object u64 | extent_count u32 | ends u8 | zeros 3 | extents |
//
// Invariants
//   I1  Every record that drops extents lists them, so that live counts replay without the object's pages.
//   I2  Records of one batch have one sequence and lie in one group, between batch_begin and batch_end.
//   I3  A tail record applies only to its tail epoch and exactly at `from`; it ends within tail_bytes_max.
//   I4  publish.sums has one entry for each block of publish.extents, in their order, or, of data without sums, none;
//       extents of one record ascend and do not overlap; those of punch and clone lie in the record's range.
//   I5  No object is 0. Names, links, user's attributes and tails keep their limits; runs are well_formed().
//   I6  A range of blocks ends within object_blocks_max; that of a punch is not empty. A punch with `more` lists no
//       extents. The two ranges of a clone within one object do not meet.
//   I7  move.sums has one entry for each block of move.runs, in their order, or none; each run has at least one name,
//       and its names ascend.
// Valid iff            1 type is known, or not 0 and flagged   2 flags are 0 for a known type   3 padding is zero
//                      4 the body is used up by its fields exactly   5 I3 to I7
//
// Not here: groups (group.hpp), what a record does to the trees (core/apply).
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "format/keys.hpp"

namespace furrow::format {

/// DO NOT CHANGE: on disk. 0 is never valid. truncate and page_flushed are reserved.
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
  std::vector<std::uint32_t> sums;  ///< One a block; none of data without.
  std::vector<block_run> dropped;
  std::vector<std::byte> tail;  ///< Whole.
  friend bool operator==(const publish_record&, const publish_record&) = default;
};
struct tail_record {
  std::uint64_t object = 0;
  std::uint64_t fence_epoch = 0;
  std::int64_t modified_ns = 0;
  std::uint32_t tail_epoch = 0;
  std::uint16_t from = 0;
  std::vector<std::byte> bytes;
  friend bool operator==(const tail_record&, const tail_record&) = default;
};
struct create_record {
  std::uint64_t object = 0;
  std::uint32_t collection = 0;
  std::string name;  ///< Empty: without a name.
  attribute_set attributes;
  friend bool operator==(const create_record&, const create_record&) = default;
};
/// The name goes; the extents are dropped by drop records.
struct remove_record {
  std::uint64_t object = 0;
  friend bool operator==(const remove_record&, const remove_record&) = default;
};
/// The object gets the name, losing its old one; `replaced` (0: none) is removed.
struct rename_record {
  std::uint64_t object = 0;
  std::uint32_t collection = 0;
  std::string name;
  std::uint64_t replaced = 0;
  friend bool operator==(const rename_record&, const rename_record&) = default;
};
struct attributes_record {
  std::uint64_t object = 0;
  attribute_set attributes;
  friend bool operator==(const attributes_record&, const attributes_record&) = default;
};
struct zone_role_record {
  std::uint16_t device = 0;
  zoned::zone_index zone;
  zone_role role = zone_role::data;
  zone_class cls = zone_class::unhinted;
  std::uint64_t generation = 0;
  std::uint64_t ordinal = 0;
  friend bool operator==(const zone_role_record&, const zone_role_record&) = default;
};
struct zone_free_record {
  std::uint16_t device = 0;
  zoned::zone_index zone;
  std::uint64_t generation = 0;
  friend bool operator==(const zone_free_record&, const zone_free_record&) = default;
};
struct batch_begin_record {
  std::uint32_t records = 0;
  friend bool operator==(const batch_begin_record&, const batch_begin_record&) = default;
};
struct batch_end_record {
  friend bool operator==(const batch_end_record&, const batch_end_record&) = default;
};
/// DO NOT CHANGE: on disk.
enum class collection_action : std::uint8_t { create = 1, quota = 2, drop = 3 };
struct collection_record {
  std::uint32_t collection = 0;
  collection_action action = collection_action::create;
  std::uint64_t quota_bytes = 0;
  std::string name;
  std::int64_t created_ns = 0;
  friend bool operator==(const collection_record&, const collection_record&) = default;
};
/// Blocks [first_block, end_block) become a hole; the object's end and tail are as stated afterwards. `extents` are all
/// that was there; with `more`, they are too many to list, and drop records work off what is doomed.
struct punch_record {
  std::uint64_t object = 0;
  std::uint64_t object_bytes = 0;
  std::int64_t modified_ns = 0;
  std::uint64_t first_block = 0;
  std::uint64_t end_block = 0;
  std::uint32_t tail_epoch = 0;
  bool more = false;
  std::vector<object_extent> extents;
  std::vector<std::byte> tail;  ///< Whole.
  friend bool operator==(const punch_record&, const punch_record&) = default;
};
/// `blocks` of the object from first_block on are those of `source` from source_block on, which both name from now on:
/// `extents` and holes between them, in place of the `dropped` ones. The end and tail are as stated afterwards.
struct clone_record {
  std::uint64_t object = 0;
  std::uint64_t source = 0;
  std::uint64_t object_bytes = 0;
  std::int64_t modified_ns = 0;
  std::uint64_t first_block = 0;
  std::uint64_t source_block = 0;
  std::uint64_t blocks = 0;
  std::uint32_t tail_epoch = 0;
  std::vector<object_extent> extents;
  std::vector<block_run> dropped;
  std::vector<std::byte> tail;  ///< Whole.
  friend bool operator==(const clone_record&, const clone_record&) = default;
};
/// DO NOT CHANGE: on disk. What a drop record is the last step of.
enum class drop_end : std::uint8_t { more = 0, object = 1, range = 2 };
/// One step of the removal of an object, or of a range of it: these extents are gone; the last step ends the object, or
/// its doomed range.
struct drop_record {
  std::uint64_t object = 0;
  drop_end ends = drop_end::more;
  std::vector<object_extent> extents;
  friend bool operator==(const drop_record&, const drop_record&) = default;
};

struct object_block {
  std::uint64_t object = 0;
  std::uint64_t block = 0;
  friend bool operator==(const object_block&, const object_block&) = default;
};
/// Consecutive blocks that lie elsewhere from now on, for all that name them: `names` say where in an object the first one is.
struct moved_run {
  zoned::device_address from;
  block_run to;
  std::vector<object_block> names;
  friend bool operator==(const moved_run&, const moved_run&) = default;
};
/// What lies in these places is the same as before, and so is all else of the objects.
struct move_record {
  zone_class cls = zone_class::cleaner;
  std::vector<moved_run> runs;
  std::vector<std::uint32_t> sums;  ///< One a block; none of data without.
  friend bool operator==(const move_record&, const move_record&) = default;
};

using record_body =
    std::variant<publish_record, tail_record, create_record, remove_record, rename_record, attributes_record,
                 zone_role_record, zone_free_record, batch_begin_record, batch_end_record, collection_record,
                 drop_record, punch_record, clone_record, move_record>;
struct record {
  std::uint64_t sequence = 0;
  record_body body;
  friend bool operator==(const record&, const record&) = default;
};
inline constexpr std::size_t record_header_bytes = 16;
inline constexpr std::uint8_t record_flag_skippable = 1;

[[nodiscard]] record_type type_of(const record_body& body);
/// Appends the encoded record to `to`.
void encode(const record& from, std::vector<std::byte>& to);
void encode(std::uint64_t sequence, const record_body& from, std::vector<std::byte>& to);

struct record_fault {
  record_type type{};
  const char* why = "";
};
/// The next record of `from`; none if it was skippable and unknown. All of "Valid iff" is checked. After a fault, where
/// `from` stands means nothing.
[[nodiscard]] boost::system::result<std::optional<record>, record_fault> decode_record(reader& from);
/// The same into a record whose memory is used again; false if it was skippable and unknown. After a fault the record is any.
[[nodiscard]] boost::system::result<bool, record_fault> decode_record_into(reader& from, record& to);

/// Link target and user's attributes as an object's attribute chunks hold them; empty if there is neither.
[[nodiscard]] std::vector<std::byte> encode_attribute_blob(const attribute_set& from);
/// Fills link_target and user of `to`; false, and nothing changed, if `from` is no such blob. Empty is one.
[[nodiscard]] bool decode_attribute_blob(std::span<const std::byte> from, attribute_set& to);

}  // namespace furrow::format
