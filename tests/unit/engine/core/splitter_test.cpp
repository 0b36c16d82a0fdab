// Splits of one ordered extent: the golden vectors, what is refused, what is carried, who holds what.
#include "core/splitter.hpp"

#include <doctest/doctest.h>

#include "splitter_world.hpp"

using namespace furrow;
using namespace furrow::core;
using namespace furrow::test;

namespace {

struct golden {
  std::uint64_t pre, post;
  std::vector<vector3> parts;
};
// Of an ordered extent of 16 blocks at 25, reserved as 1000.
const golden golden_vectors[] = {
    {0, 0, {{25, 1000, 16}}},
    {0, 4, {{25, 1000, 12}, {37, 1012, 4}}},
    {4, 0, {{25, 1000, 4}, {29, 1004, 12}}},
    {4, 8, {{25, 1000, 4}, {29, 1004, 4}, {33, 1008, 8}}},
    {1, 1, {{25, 1000, 1}, {26, 1001, 14}, {40, 1015, 1}}},
    {1, 0, {{25, 1000, 1}, {26, 1001, 15}}},
    {15, 0, {{25, 1000, 15}, {40, 1015, 1}}},
};

constexpr std::uint64_t object_block = 25, blocks = 16;

}  // namespace

TEST_CASE("splits give the golden vectors, in both maps") {
  for (const golden& g : golden_vectors) {
    CAPTURE(g.pre);
    CAPTURE(g.post);
    splitter_world w{64};
    ordered_extent& e = w.create(object_block, blocks);
    REQUIRE(w.split(e, g.pre, g.post) == split_refusal::none);
    CHECK(vectors_of(w) == g.parts);
    CHECK(w.check() == "");
    CHECK(e.object_block == object_block + g.pre);
    CHECK(e.blocks == blocks - g.pre - g.post);
  }
}

TEST_CASE("splits of a landed ordered extent give the golden vectors, with their places") {
  for (const golden& g : golden_vectors) {
    CAPTURE(g.pre);
    CAPTURE(g.post);
    splitter_world w{64};
    ordered_extent& e = w.create(object_block, blocks);
    w.send(e);
    for (std::uint64_t i = 0; i < blocks; ++i) w.land(e, object_block + i, 1, {0, 500 - 7 * i});
    REQUIRE(w.split(e, g.pre, g.post) == split_refusal::none);
    CHECK(vectors_of(w) == g.parts);
    CHECK(w.check() == "");
  }
}

TEST_CASE("a split returns what lies before and behind, and keeps the middle in place") {
  splitter_world w{64};
  ordered_extent& e = w.create(object_block, blocks);
  split_parts parts = split(e, 4, 8);
  REQUIRE(parts.why == split_refusal::none);
  REQUIRE(parts.pre);
  REQUIRE(parts.post);
  CHECK(parts.pre->object_block == 25);
  CHECK(parts.post->object_block == 33);
  CHECK(e.object_block == 29);
  CHECK(parts.pre->references() == 2);  // who called, and the map
  CHECK(parts.post->references() == 2);
  CHECK(e.references() == 2);
  w.hold(std::move(parts.pre), false);
  w.hold(std::move(parts.post), false);
  CHECK(w.check() == "");
}

TEST_CASE("a split of nothing is none, and allocates nothing") {
  splitter_world w{64};
  ordered_extent& e = w.create(object_block, blocks);
  const split_parts parts = split(e, 0, 0);
  CHECK(parts.why == split_refusal::none);
  CHECK_FALSE(parts.pre);
  CHECK_FALSE(parts.post);
  CHECK(w.pool.allocations() == 0);
  CHECK(w.check() == "");
}

TEST_CASE("a length that leaves no middle is refused") {
  constexpr std::uint64_t most = ~std::uint64_t{0};
  splitter_world w{64};
  ordered_extent& e = w.create(object_block, blocks);
  const std::pair<std::uint64_t, std::uint64_t> wrong[] = {{16, 0},
                                                           {0, 16},
                                                           {8, 8},
                                                           {15, 1},
                                                           {17, 0},
                                                           {0, 17},
                                                           {most, 0},
                                                           {0, most},
                                                           {most, most},
                                                           {most, 1},
                                                           {1, most},
                                                           {most, 8},
                                                           {most - 3, 8},
                                                           {8, most - 3},
                                                           {most / 2 + 1, most / 2 + 1},
                                                           {most / 2 + 2, most / 2 + 3}};
  for (const auto& [pre, post] : wrong) {
    CAPTURE(pre);
    CAPTURE(post);
    CHECK(w.split(e, pre, post) == split_refusal::length);
    CHECK(vectors_of(w) == std::vector<vector3>{{25, 1000, 16}});
    CHECK(w.check() == "");
  }
}

TEST_CASE("what has failed is not split") {
  splitter_world w{64};
  ordered_extent& e = w.create(object_block, blocks);
  w.fail(e);
  CHECK(w.split(e, 4, 4) == split_refusal::failed);
  CHECK(error_of(split_refusal::failed, e) == boost::system::errc::io_error);
  CHECK(vectors_of(w) == std::vector<vector3>{{25, 1000, 16}});
  CHECK(w.check() == "");
}

TEST_CASE("what has landed in part is not split, by whomever it is held") {
  splitter_world w{64};
  ordered_extent& e = w.create(object_block, blocks);
  w.send(e);
  CHECK(w.split(e, 4, 0) == split_refusal::in_progress);
  w.land(e, object_block, 4, {0, 100});
  CHECK(w.split(e, 4, 0) == split_refusal::in_progress);
  e.bios_in_flight = 0;
  CHECK(w.split(e, 4, 0) == split_refusal::partly_landed);
  CHECK(w.check() == "");
}

TEST_CASE("what is with the data writer is not split, begun or not") {
  splitter_world w{64};
  ordered_extent& queued = w.create(0, blocks);
  queued.bios_in_flight = 1;
  CHECK(w.split(queued, 4, 0) == split_refusal::in_progress);
  ordered_extent& begun = w.create(20, blocks);
  begun.begun = true;
  CHECK(w.split(begun, 0, 4) == split_refusal::in_progress);
  CHECK(w.check() == "");
}

TEST_CASE("what has landed is split between its pieces only") {
  splitter_world w{64};
  ordered_extent& e = w.create(object_block, blocks);
  w.send(e);
  w.land(e, 25, 4, {0, 100});
  w.land(e, 29, 12, {0, 300});
  CHECK(w.split(e, 5, 0) == split_refusal::inside_piece);
  CHECK(w.split(e, 3, 0) == split_refusal::inside_piece);
  CHECK(w.split(e, 4, 1) == split_refusal::inside_piece);
  CHECK(w.split(e, 0, 13) == split_refusal::inside_piece);
  CHECK(w.check() == "");
  CHECK(w.split(e, 4, 0) == split_refusal::none);
  CHECK(vectors_of(w) == std::vector<vector3>{{25, 1000, 4}, {29, 1004, 12}});
  CHECK(w.all.back().extent->blocks_left == 0);
  CHECK(e.blocks_left == 0);
  CHECK(w.check() == "");
}

TEST_CASE("refusals are told as errors") {
  splitter_world w{64};
  const ordered_extent& e = w.create(object_block, blocks);
  CHECK_FALSE(error_of(split_refusal::none, e));
  CHECK(error_of(split_refusal::out_of_memory, e) == boost::system::errc::not_enough_memory);
  CHECK(error_of(split_refusal::length, e) == errc::invalid_argument);
  CHECK(error_of(split_refusal::inside_piece, e) == errc::invalid_argument);
}

TEST_CASE("class, urgency and owner are the same in all parts") {
  splitter_world w{64};
  ordered_extent& e =
      w.create(object_block, blocks, {.urgent = true, .cls = format::zone_class::long_lived, .owner = 2});
  REQUIRE(w.split(e, 4, 8) == split_refusal::none);
  for (const held_extent& h : w.all) {
    CHECK(h.extent->urgent);
    CHECK(h.extent->cls == format::zone_class::long_lived);
    CHECK(h.extent->owner == e.owner);
  }
  CHECK(w.check() == "");
}

TEST_CASE("memory that is cut inside a segment goes with its blocks") {
  for (const std::vector<std::size_t>& segments :
       {std::vector<std::size_t>{512}, {100, 4000, 7}, {4096}, {5000}, {3 * 4096, 1}, {8192}, {20000, 96}}) {
    splitter_world w{64};
    ordered_extent& e = w.create(object_block, blocks, {.segments = segments});
    REQUIRE(w.split(e, 3, 6) == split_refusal::none);
    CHECK(w.check() == "");
    REQUIRE(w.split(*w.all[1].extent, 1, 1) == split_refusal::none);
    REQUIRE(w.split(*w.all[2].extent, 2, 2) == split_refusal::none);
    CHECK(w.check() == "");
  }
}

TEST_CASE("parts of a copy hold it until the last has gone") {
  splitter_world w{64};
  ordered_extent& e = w.create(object_block, blocks, {.copied = true});
  REQUIRE(w.split(e, 4, 8) == split_refusal::none);
  CHECK(w.check() == "");
  ordered_extent& pre = *w.all[1].extent;
  REQUIRE(w.split(pre, 1, 1) == split_refusal::none);
  CHECK(w.check() == "");
  ordered_extent_ptr last = w.all.back().extent;
  const std::byte* memory = last->source.front().data;
  while (!w.all.empty()) w.drop(*w.all.front().extent);
  CHECK(w.pool.live() == 2);  // the last part, and who has the copy
  CHECK(last->memory_of->copy.data() + 3 * block_bytes == memory);
  last.reset();
  CHECK(w.pool.live() == 0);
}

TEST_CASE("a reservation is split with its blocks, so that what is cancelled gives back its own") {
  splitter_world w{64};
  ordered_extent& e = w.create(object_block, blocks);
  REQUIRE(w.split(e, 4, 8) == split_refusal::none);
  CHECK(w.all[1].extent->reserved_blocks == 4);
  CHECK(e.reserved_blocks == 4);
  CHECK(w.all[2].extent->reserved_blocks == 8);
  ordered_extent& none = w.create(0, 8);
  none.reserved_blocks = 0;
  for (std::uint64_t b = 0; b < 8; ++b) w.model[b].reserved = false;
  REQUIRE(w.split(none, 3, 3) == split_refusal::none);
  CHECK(none.reserved_blocks == 0);
  CHECK(w.check() == "");
}

TEST_CASE("an ordered extent splits into its single blocks, and stays the last of them") {
  splitter_world w{64};
  ordered_extent& e = w.create(object_block, blocks, {.segments = {1000}});
  for (std::uint64_t i = 0; i + 1 < blocks; ++i) {
    REQUIRE(w.split(e, 1, 0) == split_refusal::none);
    CHECK(e.object_block == object_block + i + 1);
    CHECK(w.check() == "");
  }
  CHECK(w.all.size() == blocks);
  CHECK(e.blocks == 1);
  CHECK(e.pinned.reserved.number == 1000 + blocks - 1);
  CHECK(w.split(e, 1, 0) == split_refusal::length);
}

TEST_CASE("neighbours in the map are left alone") {
  splitter_world w{64};
  ordered_extent& before = w.create(object_block - 5, 5);
  ordered_extent& e = w.create(object_block, blocks);
  ordered_extent& behind = w.create(object_block + blocks, 5);
  REQUIRE(w.split(e, 4, 8) == split_refusal::none);
  CHECK(w.check() == "");
  CHECK(before.blocks == 5);
  CHECK(behind.blocks == 5);
  CHECK(w.map.size() == 5);
  CHECK(w.map.blocks() == 26);
  CHECK(w.map.find(24) == &before);
  CHECK(w.map.find(29) == &e);
  CHECK(w.map.find(41) == &behind);
}

TEST_CASE("a split outside of any map is a split all the same") {
  splitter_world w{64};
  ordered_extent& e = w.create(object_block, blocks);
  w.map.erase(e);
  split_parts parts = split(e, 4, 8);
  REQUIRE(parts.why == split_refusal::none);
  CHECK(parts.pre->in_flight == nullptr);
  CHECK(parts.pre->references() == 1);
  CHECK(parts.post->references() == 1);
  CHECK(w.map.size() == 0);
}

TEST_CASE("what overlaps at either end does not enter the map") {
  splitter_world w{64};
  w.create(20, 10);
  const auto enters = [&w](std::uint64_t first, std::uint64_t count) {
    const ordered_extent_ptr e = w.pool.make();
    e->object_block = first;
    e->blocks = count;
    const bool entered = w.map.insert(*e);
    CHECK(e->references() == (entered ? 2 : 1));
    if (entered) w.map.erase(*e);
    return entered;
  };
  CHECK_FALSE(enters(20, 10));
  CHECK_FALSE(enters(15, 6));   // begins before it and runs into it
  CHECK_FALSE(enters(15, 30));  // around it
  CHECK_FALSE(enters(25, 2));
  CHECK_FALSE(enters(29, 5));
  CHECK_FALSE(enters(5, 0));
  CHECK(enters(15, 5));
  CHECK(enters(30, 5));
  CHECK(enters(0, 20));
  CHECK(w.map.size() == 1);
  CHECK(w.map.blocks() == 10);
  CHECK(w.check() == "");
}

TEST_CASE("every block is found among parts, whoever of them has gone") {
  splitter_world w{96};
  sim::prng chance{4711};
  for (int round = 0; round < 300; ++round) {
    for (const std::uint64_t first : {0u, 32u, 64u}) w.create(first, 32);
    for (std::size_t i = 0; i < 40; ++i) {
      ordered_extent& e = *w.all[chance.below(w.all.size())].extent;
      const std::uint64_t pre = chance.below(e.blocks), post = chance.below(e.blocks - pre);
      REQUIRE(w.split(e, pre, post) == split_refusal::none);
    }
    while (!w.all.empty()) {
      for (std::uint64_t b = 0; b < w.model.size(); ++b) {
        const ordered_extent* const e = w.map.find(b);
        REQUIRE((e != nullptr) == w.model[b].present);
        if (e == nullptr) continue;
        REQUIRE((e->object_block <= b && b < e->object_block + e->blocks));
      }
      w.drop(*w.all[chance.below(w.all.size())].extent);
      if (chance.chance(200) && !w.model[95].present) w.create(95, 1);
      REQUIRE(w.check() == "");
    }
  }
}
