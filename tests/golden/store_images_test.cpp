// Whole stores as programs of format version 1 have left them, checked in as `v1/store_*.zones` beside what they hold. Every
// later program must find the same in them, and go on from there. A file that is there is never written anew.
//
// FURROW_UPDATE_GOLDEN=1 makes those that are not there.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstring>

#include "format/checksum.hpp"
#include "format/superblock.hpp"
#include "golden/files.hpp"
#include "golden/zones_file.hpp"
#include "sim/forgery.hpp"
#include "sim/sim_store.hpp"

namespace furrow::golden {
namespace {

using sim::sim_device;
using sim::sim_store;

constexpr std::uint64_t block = zoned::store_block_bytes;

struct golden_store {
  const char* name;
  std::uint8_t page_copies;
  bool checksums;
  std::uint32_t conventional_zones;
  bool closed;  ///< Else its process has ended, and a journal is to be replayed.
};

constexpr golden_store stores[] = {
    {"store_closed", 1, true, 0, true},        {"store_to_replay", 1, true, 0, false},
    {"store_two_copies", 2, true, 0, false},   {"store_without_sums", 1, false, 0, false},
    {"store_conventional", 2, true, 6, false},
};

zoned::guarantees promises() {
  zoned::guarantees p;
  p.native_append = true;
  p.appends_per_zone_max = 4;
  return p;
}

store_options options() {
  store_options o;
  o.checkpoint_journal_bytes_min = 0;
  o.page_cache_bytes = 1 << 20;
  return o;
}

std::vector<zoned::zone_info> new_zones(const zoned::geometry& shape, std::uint32_t conventional) {
  std::vector<zoned::zone_info> all;
  for (std::uint32_t i = 0; i < shape.zone_count; ++i) {
    const bool is_conventional = i < conventional;
    all.push_back({{i},
                   is_conventional ? zoned::zone_type::conventional : zoned::zone_type::sequential,
                   is_conventional ? zoned::zone_condition::not_write_pointer : zoned::zone_condition::empty,
                   shape.zone_bytes,
                   is_conventional ? shape.zone_bytes : shape.zone_bytes - 4 * block,
                   0});
  }
  return all;
}

core::notification must(sim_store& store, core::request_body body) {
  core::notification n = store.ask(std::move(body));
  REQUIRE_MESSAGE(!n.error, n.error.message(), " ", n.detail.what);
  return n;
}

core::handle_id open(sim_store& store, const std::string& name, collection_id collection = default_collection) {
  core::create_request create;
  create.options.name = name;
  create.options.collection = collection;
  return std::get<core::opened_object>(must(store, create).result).handle;
}

void append(sim_store& store, core::handle_id to, std::uint64_t bytes, unsigned value) {
  std::vector<std::byte> memory(bytes, static_cast<std::byte>(value));
  core::append_request append;
  append.handle = to;
  append.segments = {{memory.data(), memory.size()}};
  must(store, append);
}

void write(sim_store& store, core::handle_id to, std::uint64_t offset_bytes, std::uint64_t bytes, unsigned value) {
  std::vector<std::byte> memory(bytes, static_cast<std::byte>(value));
  core::write_request write{.handle = to, .offset_bytes = offset_bytes, .bytes = bytes};
  write.segments = {{memory.data(), memory.size()}};
  must(store, std::move(write));
}

/// Something of every kind of record, cell and address, half of it only in the journal.
void live(sim_store& store) {
  for (unsigned i = 0; i < 12; ++i) {
    const core::handle_id h = open(store, fmt::format("object-{:02}", i));
    for (unsigned part = 0; part <= i; ++part) append(store, h, 1 + part * 3001, 16 * i + part);
  }
  const core::handle_id large = open(store, "object-11"), other = open(store, "object-10");
  must(store, core::clone_request{open(store, "clone"), 0, large, 2 * block, 12 * block, {}});
  must(store, core::clone_request{open(store, "clone"), 40 * block, large, 3 * block, 9 * block, {}});
  must(store, core::zero_request{large, 3 * block + 5, 4 * block, false, {}});
  must(store, core::truncate_request{other, 5 * block + 17, {}});
  must(store, core::truncate_request{open(store, "sparse"), 100 * block + 1, {}});
  write(store, open(store, "object-09"), 2 * block + 100, 9 * block, 250);
  attributes described;
  described.mode = 0644;
  described.link_target = "object-03";
  described.user.assign(300, std::byte{42});
  must(store, core::set_attributes_request{open(store, "object-03"), described});
  const core::notification tenant = must(store, core::collection_request{"tenant", 1 << 20});
  const auto collection = static_cast<collection_id>(std::get<core::opened_object>(tenant.result).id);
  append(store, open(store, "of a tenant", collection), 5000, 77);
  must(store, core::rename_request{.from = "object-07", .to = "renamed"});
  must(store, core::rename_request{.from = "object-08", .to = "object-06"});
  must(store, core::remove_request{.name = "object-05"});
  static_cast<void>(open(store, "object-04"));
  must(store, core::remove_request{.name = "object-04"});  // while it is open
  must(store, core::clean_request{1.0});
  must(store, core::checkpoint_request{});
  must(store, core::quota_request{collection, 2 << 20});
  must(store, core::zero_request{open(store, "object-09"), block, 2 * block, false, {}});
  must(store, core::sync_request{});
  must(store, core::clone_request{open(store, "late clone"), 0, large, 0, 2 * block, {}});
  append(store, open(store, "late"), 3 * block + 9, 99);
  must(store, core::rename_request{.from = "renamed", .to = "renamed again"});
  must(store, core::remove_request{.name = "object-02"});
  must(store, core::sync_request{});
}

zoned::memory_zones make(const golden_store& what) {
  zoned::geometry shape;
  shape.lba_bytes = 4096;
  shape.zone_bytes = shape.last_zone_bytes = 256 << 10;
  shape.zone_count = 24;
  sim_device device{zoned::memory_zones{shape, promises(), new_zones(shape, what.conventional_zones)}, promises(), 1};
  sim_store store{device, options(), 1};
  store.start();
  must(store, core::format_request{{.force = false, .page_copies = what.page_copies, .checksums = what.checksums},
                                   uuid{std::byte{1}}});
  store.end();
  store.start();
  must(store, core::open_request{});
  live(store);
  if (what.closed) {
    must(store, core::close_request{});
    store.end();
  } else {
    store.interrupt(sim::interruption::process_end);
  }
  return device.zones();
}

std::string told_of(sim_store& store, const collection_status& in, const std::string& name) {
  core::open_object_request by_name;
  by_name.collection = in.id;
  by_name.name = name;
  const core::handle_id handle = std::get<core::opened_object>(must(store, by_name).result).handle;
  const auto is = std::get<object_status>(must(store, core::stat_request{handle}).result);
  std::vector<std::byte> bytes(is.bytes);
  if (!bytes.empty()) must(store, core::read_request{handle, {{0, bytes}}});
  must(store, core::release_request{handle});
  return fmt::format(
      "object id={} collection={} name=\"{}\" bytes={} blocks={} extents={} mode={:o} link=\"{}\" user={} "
      "crc32c={:08x}\n",
      is.id, is.collection, is.name, is.bytes, is.blocks, is.extents, is.attributes.mode, is.attributes.link_target,
      is.attributes.user.size(), format::crc32c(bytes));
}

/// All that a user can see of the open store whenever what was removed is dropped. A check finds nothing.
std::string told_of(sim_store& store) {
  const auto info = std::get<store_info>(must(store, core::info_request{}).result);
  std::string told = fmt::format("store format_version={} page_copies={}\n", info.format_version, info.page_copies);
  const auto collections = std::get<std::vector<collection_status>>(must(store, core::collections_request{}).result);
  for (const collection_status& c : collections) {
    told += fmt::format("collection id={} name=\"{}\" quota_bytes={}\n", c.id, c.name, c.quota_bytes);
    const auto page = std::get<list_page>(must(store, core::list_request{c.id, {}, {}, 1000}).result);
    REQUIRE(!page.more);
    for (const list_entry& e : page.entries) told += told_of(store, c, e.name);
  }
  const auto checked = std::get<check_result>(must(store, core::check_request{true}).result);
  CHECK(checked.damage == 0);
  return told;
}

std::string opened_and_told(const zoned::memory_zones& zones, bool read_only) {
  sim_device device{zones, promises(), 1};
  store_options how = options();
  how.read_only = read_only;
  sim_store store{device, how, 1};
  store.start();
  must(store, core::open_request{});
  std::string told = told_of(store);
  must(store, core::close_request{});
  store.end();
  return told;
}

zoned::memory_zones kept(const golden_store& what) {
  auto zones = zones_of(read_file(file_of(what.name, ".zones")), promises());
  REQUIRE(zones);
  return std::move(*zones);
}

TEST_CASE("stores of format version 1 hold what they held") {
  for (const golden_store& what : stores) {
    CAPTURE(what.name);
    if (updating() && !std::filesystem::exists(file_of(what.name, ".zones"))) {
      const zoned::memory_zones made = make(what);
      write_file(file_of(what.name, ".zones"), text_of(made));
      write_file(file_of(what.name, ".txt"), opened_and_told(made, false));
    }
    const std::string told = read_file(file_of(what.name, ".txt"));
    CHECK(opened_and_told(kept(what), false) == told);
    CHECK(opened_and_told(kept(what), true) == told);
  }
}

TEST_CASE("stores of format version 1 are gone on with") {
  for (const golden_store& what : stores) {
    CAPTURE(what.name);
    const std::string before = read_file(file_of(what.name, ".txt"));
    sim_device device{kept(what), promises(), 1};
    sim_store store{device, options(), 1};
    for (unsigned life = 1; life <= 3; ++life) {
      store.start();
      must(store, core::open_request{});
      append(store, open(store, "new"), 30'000 * life, life);
      must(store, core::clean_request{1.0});
      must(store, core::checkpoint_request{});
      if (life == 2) {
        must(store, core::remove_request{.name = "new"});
        must(store, core::sync_request{});
        store.interrupt(sim::interruption::process_end);
      } else {
        must(store, core::close_request{});
        store.end();
      }
    }
    store.start();
    must(store, core::open_request{});
    must(store, core::remove_request{.name = "new"});
    must(store, core::sync_request{});
    // Moves join and cut extents: what else is told is as it was.
    const auto without_extents = [](std::string told) {
      for (std::size_t at = 0; (at = told.find(" extents=", at)) != std::string::npos;)
        told.erase(at, told.find_first_of(" \n", at + 1) - at);
      return told;
    };
    CHECK(without_extents(told_of(store)) == without_extents(before));
    must(store, core::close_request{});
    store.end();
  }
}

TEST_CASE("what today's program makes is read from a file as it was") {
  for (const golden_store& what : stores) {
    CAPTURE(what.name);
    const zoned::memory_zones made = make(what);
    const std::string text = text_of(made);
    const auto again = zones_of(text, promises());
    REQUIRE(again);
    CHECK(text_of(*again) == text);
    CHECK(!zones_of(std::string_view{text}.substr(0, text.size() - 1), promises()));
    CHECK(opened_and_told(*again, false) == opened_and_told(made, false));
  }
}

/// What an open says of the store when all its superblocks have these bytes at an offset.
std::string forged(zoned::memory_zones zones, std::size_t offset, std::uint64_t word, std::size_t bytes, bool read_only,
                   std::uint64_t* left = nullptr) {
  sim::forgery f{zones};
  for (std::size_t i = 0; i < f.structures(); ++i) {
    std::uint64_t magic = 0;
    std::memcpy(&magic, f.at(i).bytes.data(), sizeof magic);
    if (magic == format::superblock_magic) f.forge(i, offset, std::as_bytes(std::span{&word, 1}).first(bytes));
  }
  sim_device device{zones, promises(), 1};
  store_options how = options();
  how.read_only = read_only;
  sim_store store{device, how, 1};
  store.start();
  const core::notification n = store.ask(core::open_request{});
  if (n.error) {
    store.end();
    return n.error.message();
  }
  const std::string told = told_of(store);
  must(store, core::close_request{});
  store.end();
  if (left != nullptr) {  // the newest superblock
    sim::forgery after{device.zones()};
    std::uint64_t newest = 0;
    for (std::size_t i = 0; i < after.structures(); ++i) {
      const auto s = format::decode_superblock(after.at(i).bytes);
      if (s && s->serial >= newest) newest = s->serial, *left = s->features_compat;
    }
  }
  return told;
}

TEST_CASE("features and versions: what is not known is refused, or kept, as the page says") {
  constexpr std::size_t version_at = 8, compat_at = 112, ro_compat_at = 120, incompat_at = 128;
  const std::string told = read_file(file_of(stores[0].name, ".txt"));
  const zoned::memory_zones zones = kept(stores[0]);
  for (const std::uint64_t bit : {std::uint64_t{1}, std::uint64_t{1} << 63}) {
    std::uint64_t left = 0;
    CHECK(forged(zones, compat_at, bit, 8, false, &left) == told);
    CHECK(left == bit);  // a program that knows it still finds it
    CHECK(forged(zones, ro_compat_at, bit, 8, false) == make_error_code(errc::unsupported_feature).message());
    CHECK(forged(zones, ro_compat_at, bit, 8, true) == told);
    CHECK(forged(zones, incompat_at, bit, 8, true) == make_error_code(errc::newer_format).message());
  }
  CHECK(forged(zones, version_at, 0, 4, true) == make_error_code(errc::older_format).message());
  CHECK(forged(zones, version_at, 2, 4, true) == make_error_code(errc::newer_format).message());
}

TEST_CASE("a superblock of a newer program is reason to refuse a store, whatever older ones say") {
  zoned::memory_zones zones = kept(stores[0]);
  sim::forgery f{zones};
  std::size_t newest = 0;
  std::uint64_t serial = 0;
  for (std::size_t i = 0; i < f.structures(); ++i)
    if (const auto s = format::decode_superblock(f.at(i).bytes); s && s->serial > serial)
      newest = i, serial = s->serial;
  REQUIRE(serial > 1);
  const std::uint32_t next_version = format::format_version + 1;
  f.forge(newest, 8, std::as_bytes(std::span{&next_version, 1}));
  sim_device device{zones, promises(), 1};
  sim_store store{device, options(), 1};
  store.start();
  CHECK(store.ask(core::open_request{}).error == errc::newer_format);
  store.end();
}

}  // namespace
}  // namespace furrow::golden
