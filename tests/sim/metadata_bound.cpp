// At a million objects, one small append and a checkpoint write little metadata: what is written grows with what has
// changed, not with what there is.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <string>

#include "sim/failure.hpp"
#include "sim/sim_store.hpp"
#include "support/empty_zones.hpp"

namespace {

using namespace furrow;
using namespace furrow::sim;

constexpr std::uint64_t objects = 1'000'000;
constexpr std::uint64_t batch_members = 500;
constexpr std::uint64_t metadata_bytes_max = 64 << 10;

core::notification must(sim_store& store, core::request_body body) {
  core::notification n = store.ask(std::move(body));
  if (n.error) throw broken_promise{n.error.message() + " " + n.detail.what};
  return n;
}

statistics count(sim_store& store) {
  return *std::get<core::statistics_ptr>(must(store, core::statistics_request{}).result);
}

std::uint64_t metadata_written(const statistics& s) {
  return s.journal_bytes + s.page_bytes + s.superblock_bytes + s.zone_header_bytes;
}

zoned::memory_zones large_zones(const zoned::guarantees& promises) {
  zoned::geometry g;
  g.zone_bytes = 16 << 20;
  g.zone_count = 256;
  g.last_zone_bytes = g.zone_bytes;
  return {g, promises, test::empty_zones(g)};
}

std::string name_of(std::uint64_t i) { return fmt::format("objects/{:08}", i); }

/// One append of 100 bytes and a checkpoint; the metadata that they wrote.
std::uint64_t append_and_checkpoint(sim_store& store, std::uint64_t i, std::uint64_t bytes) {
  const statistics before = count(store);
  const auto n = must(store, core::open_object_request{default_collection, name_of(i), 0});
  std::vector<std::byte> memory(bytes, std::byte{1});
  core::append_request append;
  append.handle = std::get<core::opened_object>(n.result).handle;
  append.segments = {{memory.data(), memory.size()}};
  append.options.level = durability::durable;
  static_cast<void>(must(store, std::move(append)));
  static_cast<void>(must(store, core::checkpoint_request{}));
  const statistics after = count(store);
  CHECK(after.checkpoints > before.checkpoints);
  return metadata_written(after) - metadata_written(before);
}

}  // namespace

TEST_CASE("One append and a checkpoint among a million objects write at most 64 KiB of metadata") {
  zoned::guarantees promises;
  promises.native_append = true;
  promises.appends_per_zone_max = 8;
  sim_device device{large_zones(promises), promises, 1};
  sim_store store{device, store_options{}, 1};
  store.start();
  static_cast<void>(
      must(store, core::format_request{{.force = false, .page_copies = 2, .checksums = true}, uuid{std::byte{1}}}));
  store.end();
  store.start();
  static_cast<void>(must(store, core::open_request{}));
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < objects; i += batch_members) {
    core::batch_request batch;
    for (std::uint64_t n = i; n < i + batch_members; ++n) {
      core::batch_request::create member;
      member.options.name = name_of(n);
      batch.members.emplace_back(std::move(member));
    }
    static_cast<void>(must(store, std::move(batch)));
  }
  static_cast<void>(must(store, core::checkpoint_request{}));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const statistics s = count(store);
  REQUIRE(s.objects == objects);
  MESSAGE(objects, " objects in ", took.count(), " s, ", s.page_bytes, " bytes of pages, ", s.journal_bytes,
          " of journal, ", s.checkpoints, " checkpoints");
  for (const std::uint64_t bytes : {100u, 4096u, 100'000u}) {
    const std::uint64_t small = append_and_checkpoint(store, objects / 2 + bytes, bytes);
    MESSAGE("an append of ", bytes, " bytes and a checkpoint: ", small, " bytes of metadata");
    CHECK(small <= metadata_bytes_max);
  }
  static_cast<void>(must(store, core::close_request{}));
  store.end();
}
