// Cuts on the way to the device, and the walk over what came back.
#include <doctest/doctest.h>

#include "core/limits.hpp"
#include "splitter_world.hpp"

using namespace furrow;
using namespace furrow::core;
using namespace furrow::test;

namespace {

constexpr std::size_t quarter = block_bytes / 4;

/// Memory of `blocks` blocks, cut at each quarter of a block whose bit is set; a gap between any two.
std::vector<zoned::segment> memory_cut_at(std::uint64_t blocks, std::uint64_t cuts) {
  std::vector<zoned::segment> all;
  std::uintptr_t at = 1 << 20;
  for (std::uint64_t q = 0; q < 4 * blocks; ++q) {
    if (q == 0 || (cuts >> (q - 1) & 1) != 0) {
      at += 1 << 16;
      all.push_back({reinterpret_cast<std::byte*>(at + q * quarter), 0});
    }
    all.back().bytes += quarter;
  }
  return all;
}

/// Segments that the quarters [first, end) of a block list touch.
std::uint64_t touched(std::uint64_t cuts, std::uint64_t first, std::uint64_t end) {
  std::uint64_t count = 1;
  for (std::uint64_t q = first + 1; q < end; ++q) count += cuts >> (q - 1) & 1;
  return count;
}

std::vector<std::uintptr_t> quarters_of(std::span<const zoned::segment> memory) {
  std::vector<std::uintptr_t> all;
  for (const zoned::segment& s : memory)
    for (std::size_t at = 0; at < s.bytes; at += quarter) all.push_back(reinterpret_cast<std::uintptr_t>(s.data) + at);
  return all;
}

ordered_extent_ptr with_memory(extent_pool& pool, std::uint64_t blocks, std::span<const zoned::segment> memory) {
  ordered_extent_ptr e = pool.make();
  e->blocks = e->blocks_left = blocks;
  e->source.append(memory);
  return e;
}

struct placed {
  std::uint64_t object_block, blocks, address;
};
std::vector<format::object_extent> walk_of(splitter_world& w, std::uint64_t blocks, const std::vector<placed>& pieces,
                                           walk_counts& counts) {
  ordered_extent& e = w.create(0, blocks);
  w.send(e);
  for (const placed& p : pieces) w.land(e, p.object_block, p.blocks, {0, p.address});
  REQUIRE(w.check() == "");
  std::vector<format::object_extent> runs;
  counts = walk_landed(e, w.shape, runs);
  CHECK(runs == w.landed_runs(0, blocks));
  return runs;
}
std::vector<format::object_extent> runs_of(const std::vector<placed>& runs) {
  std::vector<format::object_extent> all;
  for (const placed& r : runs) all.push_back({r.object_block, {{0, r.address}, static_cast<std::uint32_t>(r.blocks)}});
  return all;
}

}  // namespace

TEST_CASE("a cut takes as many whole blocks as the room's blocks and segments allow, however the memory is cut") {
  constexpr std::uint64_t blocks = 3;
  buffer_pool buffers;
  extent_pool pool{buffers};
  for (std::uint64_t cuts = 0; cuts < std::uint64_t{1} << (4 * blocks - 1); ++cuts) {
    const std::vector<zoned::segment> memory = memory_cut_at(blocks, cuts);
    const std::vector<std::uintptr_t> quarters = quarters_of(memory);
    const ordered_extent_ptr e = with_memory(pool, blocks, memory);
    for (std::uint64_t first = 0; first < blocks; ++first)
      for (std::uint64_t room_blocks = 1; room_blocks <= blocks; ++room_blocks)
        for (std::uint64_t room_segments = 1; room_segments <= 12; ++room_segments) {
          std::uint64_t expected = std::min(room_blocks, blocks - first);
          while (expected > 0 && touched(cuts, 4 * first, 4 * (first + expected)) > room_segments) --expected;
          const std::uint64_t segments = expected == 0 ? 0 : touched(cuts, 4 * first, 4 * (first + expected));

          bio b{e.get(), first, blocks - first, 1};
          command_room room{room_blocks, room_segments};
          std::vector<zoned::segment> to{{nullptr, 1}};
          const bio front = cut_front(b, room, to);
          CAPTURE(cuts);
          REQUIRE(front.blocks == expected);
          REQUIRE(front.first_block == first);
          REQUIRE(front.attempts == 1);
          REQUIRE(b.first_block == first + expected);
          REQUIRE(b.blocks == blocks - first - expected);
          REQUIRE(room.blocks == room_blocks - expected);
          REQUIRE(room.segments == room_segments - segments);
          REQUIRE(to.size() == 1 + segments);
          REQUIRE(quarters_of(std::span{to}.subspan(1)) ==
                  std::vector<std::uintptr_t>(quarters.begin() + static_cast<std::ptrdiff_t>(4 * first),
                                              quarters.begin() + static_cast<std::ptrdiff_t>(4 * (first + expected))));
        }
  }
}

TEST_CASE("a room is whole blocks of what an append takes and of what the zone has left") {
  CHECK(room_of(3 * block_bytes, 10, 7).blocks == 3);
  CHECK(room_of(4 * block_bytes - 512, 10, 7).blocks == 3);
  CHECK(room_of(20 * block_bytes, 10, 7).blocks == 10);
  CHECK(room_of(block_bytes - 1, 10, 7).blocks == 0);
  CHECK(room_of(20 * block_bytes, 10, 7).segments == 7);
}

TEST_CASE("the cuts of an ordered extent cover it once, in order") {
  const std::uint64_t seed = 7;
  CAPTURE(seed);
  sim::prng chance{seed};
  buffer_pool buffers;
  extent_pool pool{buffers};
  for (int round = 0; round < 5000; ++round) {
    const std::uint64_t blocks = chance.within(1, 15);
    const std::vector<zoned::segment> memory = memory_cut_at(blocks, chance.next() & chance.next());
    const ordered_extent_ptr e = with_memory(pool, blocks, memory);
    std::vector<zoned::segment> all;
    bio b{e.get(), 0, blocks, 0};
    std::uint64_t next = 0;
    while (b.blocks > 0) {
      command_room room{chance.within(1, 6), chance.within(4, 9)};
      std::vector<zoned::segment> to;
      const bio front = cut_front(b, room, to);
      REQUIRE(front.blocks > 0);
      REQUIRE(front.first_block == next);
      REQUIRE(zoned::total_bytes(to) == front.blocks * block_bytes);
      next += front.blocks;
      all.insert(all.end(), to.begin(), to.end());
    }
    REQUIRE(quarters_of(all) == quarters_of(memory));
  }
}

TEST_CASE("a block in more pieces of memory than a command may have is told, so that it is copied") {
  for (std::uint64_t cuts = 0; cuts < 1 << 15; ++cuts)
    for (std::uint64_t segments_max = 1; segments_max <= 4; ++segments_max) {
      std::uint64_t expected = 0;
      while (expected < 4 && touched(cuts, 4 * expected, 4 * (expected + 1)) <= segments_max) ++expected;
      REQUIRE(blocks_cuttable(memory_cut_at(4, cuts), segments_max) == expected);
    }
  const std::vector<zoned::segment> empty_between{
      {nullptr, 0}, {nullptr, 4000}, {nullptr, 0}, {nullptr, 4192}, {nullptr, 0}};
  CHECK(blocks_cuttable(empty_between, 2) == 2);
  CHECK(blocks_cuttable({}, 1) == 0);
}

TEST_CASE("bios that landed in order and touch are one extent") {
  splitter_world w{768};
  walk_counts counts;
  CHECK(walk_of(w, 768, {{0, 256, 4096}, {256, 256, 4352}, {512, 256, 4608}}, counts) == runs_of({{0, 768, 4096}}));
  CHECK(counts.merges == 2);
  CHECK(counts.splits == 0);
}

TEST_CASE("a gap that another writer made divides, and what follows merges") {
  splitter_world w{192};
  walk_counts counts;
  CHECK(walk_of(w, 192, {{0, 64, 2048}, {64, 64, 2176}, {128, 64, 2240}}, counts) ==
        runs_of({{0, 64, 2048}, {64, 128, 2176}}));
  CHECK(counts.merges == 1);
  CHECK(counts.splits == 1);
}

TEST_CASE("bios that do not touch are as many extents") {
  splitter_world w{12};
  walk_counts counts;
  CHECK(walk_of(w, 12, {{0, 3, 100}, {3, 3, 110}, {6, 3, 120}, {9, 3, 130}}, counts) ==
        runs_of({{0, 3, 100}, {3, 3, 110}, {6, 3, 120}, {9, 3, 130}}));
  CHECK(counts.merges == 0);
  CHECK(counts.splits == 3);
}

TEST_CASE("bios that landed in reverse are in the object's order all the same") {
  splitter_world w{12};
  walk_counts counts;
  CHECK(walk_of(w, 12, {{9, 3, 100}, {6, 3, 103}, {3, 3, 106}, {0, 3, 109}}, counts) ==
        runs_of({{0, 3, 109}, {3, 3, 106}, {6, 3, 103}, {9, 3, 100}}));
  CHECK(counts.splits == 3);
}

TEST_CASE("pieces that arrive in reverse but touch merge") {
  splitter_world w{12};
  walk_counts counts;
  CHECK(walk_of(w, 12, {{9, 3, 109}, {3, 6, 103}, {0, 3, 100}}, counts) == runs_of({{0, 12, 100}}));
  CHECK(counts.merges == 2);
}

TEST_CASE("what lies behind a zone's last block is another zone's, and is divided") {
  splitter_world w{8};
  walk_counts counts;
  CHECK(walk_of(w, 8, {{0, 4, 1020}, {4, 4, 1024}}, counts) == runs_of({{0, 4, 1020}, {4, 4, 1024}}));
  CHECK(counts.splits == 1);
}

TEST_CASE("the walk goes on over the ordered extents of one record") {
  splitter_world w{24};
  const auto landed = [&w](std::uint64_t first, std::uint64_t blocks, std::uint64_t address) -> ordered_extent& {
    ordered_extent& e = w.create(first, blocks);
    w.send(e);
    w.land(e, first, blocks, {0, address});
    return e;
  };
  std::vector<format::object_extent> runs;
  CHECK(walk_landed(landed(0, 4, 100), w.shape, runs).splits == 0);
  CHECK(walk_landed(landed(4, 4, 104), w.shape, runs).merges == 1);   // touches in both
  CHECK(walk_landed(landed(8, 4, 200), w.shape, runs).merges == 0);   // not in the zone
  CHECK(walk_landed(landed(16, 4, 204), w.shape, runs).splits == 0);  // not in the object
  CHECK(runs == runs_of({{0, 8, 100}, {8, 4, 200}, {16, 4, 204}}));
}

TEST_CASE("no extent grows over the longest that a record can name") {
  constexpr std::uint64_t half = std::uint64_t{1} << 23;
  zoned::geometry shape{
      .zone_bytes = 8 * half * block_bytes, .zone_count = 2, .last_zone_bytes = 8 * half * block_bytes};
  buffer_pool buffers;
  extent_pool pool{buffers};
  const ordered_extent_ptr e = pool.make();
  e->blocks = e->blocks_left = 2 * half;
  e->add_piece({0, {{0, 1}, half}});
  e->add_piece({half, {{0, 1 + half}, half}});
  std::vector<format::object_extent> runs;
  static_cast<void>(walk_landed(*e, shape, runs));
  CHECK(runs == runs_of({{0, half, 1}, {half, half, 1 + half}}));
}
