// Values of the public API.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "furrow/engine/health.hpp"
#include "furrow/engine/short_list.hpp"
#include "furrow/zoned/command.hpp"
#include "furrow/zoned/zone.hpp"

namespace furrow {

using object_id = std::uint64_t;  ///< Never reused. 0: none.
using collection_id = std::uint32_t;
using sequence = std::uint64_t;  ///< Position in the store-wide order of publications. 0: before all.
using uuid = std::array<std::byte, 16>;
/// The memory of a request, piece by piece.
using segment_list = short_list<zoned::segment>;

inline constexpr collection_id default_collection = 0;

/// written: visible to readers; lost with the power, or with the process if a tail. durable: survives both.
enum class durability : std::uint8_t { written, durable };

/// How long the caller expects the bytes to live; bytes of one expectation share zones.
enum class lifetime : std::uint8_t { unhinted, short_lived, medium_lived, long_lived, extreme };

/// Which appends and reads go first when they wait for the same thing.
enum class priority : std::uint8_t { normal, high };

struct append_options {
  durability level = durability::written;
  std::optional<std::uint64_t> expected_offset_bytes{};  ///< Else offset_mismatch.
  std::optional<std::uint64_t>
      fence_epoch{};  ///< Lower than the object's: fenced. Higher: raised, durably, with the append.
  lifetime hint = lifetime::unhinted;
  furrow::priority priority = furrow::priority::normal;
  std::optional<std::int64_t> modified_ns{};  ///< Of the object from now on; default: the time of the call.
};

struct append_result {
  std::uint64_t offset_bytes = 0;  ///< Where the first byte went.
  std::uint64_t bytes = 0;
  furrow::sequence sequence = 0;  ///< Of the last publication of the append.
};

struct write_options {
  durability level = durability::written;      ///< durable: what others call FUA.
  std::optional<std::uint64_t> fence_epoch{};  ///< As of an append.
  lifetime hint = lifetime::unhinted;
  furrow::priority priority = furrow::priority::normal;
  std::optional<std::int64_t> modified_ns{};
};
using write_result = append_result;

/// A part of an object that is alike. Bytes behind its last whole block are `tail`.
struct extent_status {
  enum class kind : std::uint8_t { data, hole, tail };
  std::uint64_t offset_bytes = 0;
  std::uint64_t bytes = 0;
  kind what = kind::data;
  bool shared = false;                  ///< Its blocks may be another object's as well.
  std::optional<zoned::place> where{};  ///< Of data: of its first byte.
};
struct extent_list {
  std::vector<extent_status> extents;
  bool more = false;  ///< Ask again, from the end of the last one.
};

struct attributes {
  std::uint32_t mode = 0;  ///< As in stat(2).
  std::int64_t created_ns = 0;
  std::int64_t modified_ns = 0;
  std::string link_target{};      ///< At most 4,096 bytes.
  std::vector<std::byte> user{};  ///< At most 1,024 bytes.
  friend bool operator==(const attributes&, const attributes&) = default;
};

struct object_status {
  object_id id = 0;
  collection_id collection = default_collection;
  std::string name;  ///< Empty: none.
  std::uint64_t bytes = 0;
  std::uint64_t blocks = 0;  ///< Store blocks on the device.
  std::uint64_t extents = 0;
  std::uint64_t fence_epoch = 0;
  furrow::attributes attributes{};
};

/// Says which object: by name in a collection, or by id.
struct object_key {
  object_key(std::string name_of_it, collection_id in = default_collection)  // NOLINT(google-explicit-constructor)
      : collection(in), name(std::move(name_of_it)) {}
  object_key(const char* name_of_it) : name(name_of_it) {}  // NOLINT(google-explicit-constructor)
  explicit object_key(object_id id_of_it) : id(id_of_it) {}

  collection_id collection = default_collection;
  std::string name;
  object_id id = 0;  ///< 0: by name.
};

struct list_query {
  collection_id collection = default_collection;
  std::string prefix{};
  std::string after{};  ///< Names behind this one; empty: from the first.
  std::uint32_t entries_max = 1000;
};

struct list_entry {
  std::string name;
  object_id id = 0;
};

struct list_page {
  std::vector<list_entry> entries;
  bool more = false;  ///< Ask again, after the last name.
};

/// One range of a read; the bytes go to `to`, which stays valid until completion.
struct read_range {
  std::uint64_t offset_bytes = 0;
  std::span<std::byte> to;
};
using range_list = short_list<read_range>;

struct create_options {
  collection_id collection = default_collection;
  std::string name{};               ///< Empty: an object without a name.
  bool fail_if_exists = false;      ///< Else an object of that name is opened.
  furrow::attributes attributes{};  ///< Of a new object.
};

/// A collection, and what it has of its quota. Counted are blocks, each as often as an object of the collection names it, so that
/// a clone counts in full; not the bytes behind an object's last whole block. What was removed counts until it is dropped:
/// when its last handle is closed.
struct collection_status {
  collection_id id = default_collection;
  std::string name;
  std::uint64_t quota_bytes = 0;  ///< 0: none.
  std::uint64_t used_bytes = 0;
  std::uint64_t claimed_bytes = 0;  ///< What is in flight may add so much, and what was promised by reserve.
  std::int64_t created_ns = 0;
};

/// What a zone is used for, as the store sees it.
enum class zone_use : std::uint8_t { free, superblock, metadata, data };

/// Why a zone is not free: what has to end before it is.
enum class zone_keeper : std::uint8_t {
  superblock = 1,  ///< Copies of the store's root.
  live_blocks,     ///< Objects point at its blocks.
  live_pages,      ///< Pages of metadata that are in force.
  journal,         ///< Groups that an open would replay; until the next checkpoint.
  next_journal,    ///< Kept clean for the journal.
  open,            ///< Written to.
  refill,          ///< Has room: written on before a clean one is taken.
  writes,          ///< Commands on their way to it, or blocks that are not published yet.
  reader,          ///< Reads on their way.
  view,            ///< A view was made of its blocks.
  move,            ///< What lives in it is being moved.
  freeing,         ///< The record that frees it is not durable yet.
  reset,           ///< Waits for its reset, or is being reset.
  suspect,         ///< A write to it failed: it is being looked at.
  bad              ///< Not to be written to any more: retired, read-only, offline, or not as large as the others.
};

struct zone_status {
  zoned::zone_info device;
  zone_use use = zone_use::free;
  std::uint8_t cls = 0;
  std::uint64_t generation = 0;
  std::uint64_t live_blocks = 0;
  std::uint64_t written_blocks = 0;  ///< Including the zone's header.
  bool open_for_writing = false;
  bool bad = false;
  std::vector<zone_keeper> kept_by;  ///< Empty: it is free.
};

/// What a batch gave, by the index that its builder returned for the member.
struct batch_result {
  furrow::sequence sequence = 0;
  std::vector<object_id> created;       ///< 0 for members that create nothing.
  std::vector<append_result> appended;  ///< Zeros for members that append nothing.
};

struct store_info {
  furrow::uuid uuid{};
  std::uint32_t format_version = 0;
  std::uint64_t epoch = 0;
  bool read_only = false;
  bool needs_reopen = false;
  bool recovered = false;  ///< The last close was not clean: the journal was replayed.
  std::string checksum;
  std::uint32_t block_bytes = 0;
  std::uint8_t page_copies = 0;
  std::int64_t formatted_ns = 0;
  zoned::zone_index first_zone;
  std::uint64_t capacity_bytes =
      0;  ///< What objects may have in all, as metadata are now; overwriting can go on for ever.
  store_health health{};
};

/// How an open went.
struct open_result {
  store_info info;
  std::uint64_t groups_replayed = 0;
  std::uint64_t records_replayed = 0;
};

}  // namespace furrow
