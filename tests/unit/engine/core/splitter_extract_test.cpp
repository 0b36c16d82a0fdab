// Extraction for a direct write, the map's lookups, and what happens when memory lacks.
#include <doctest/doctest.h>

#include "core/limits.hpp"
#include "splitter_world.hpp"

using namespace furrow;
using namespace furrow::core;
using namespace furrow::test;

namespace {

/// The one that was made last, held by a stash instead.
ordered_extent_ptr stash_of(splitter_world& w) { return w.all.back().extent; }

}  // namespace

TEST_CASE("a bio that is all of the stash takes it unsplit") {
  splitter_world w{64};
  ordered_extent& e = w.create(10, 16);
  ordered_extent_ptr stash = stash_of(w);
  const extraction x = extract(stash, 16);
  CHECK(x.why == split_refusal::none);
  CHECK(x.front.get() == &e);
  CHECK_FALSE(stash);
  CHECK(e.references() == 3);  // the bio's, the test's, the map's
  CHECK(w.pool.allocations() == 0);
  CHECK(w.map.lookups() == 0);
}

TEST_CASE("a shorter bio owns the front, and the stash becomes the tail") {
  splitter_world w{64};
  ordered_extent& e = w.create(10, 16);
  ordered_extent_ptr stash = stash_of(w);
  extraction x = extract(stash, 5);
  REQUIRE(x.why == split_refusal::none);
  CHECK(x.front->object_block == 10);
  CHECK(x.front->blocks == 5);
  CHECK(x.front->references() == 2);  // the bio's and the map's
  CHECK(stash.get() == &e);
  CHECK(e.object_block == 15);
  CHECK(e.blocks == 11);
  w.hold(std::move(x.front), false);
  stash.reset();
  CHECK(w.check() == "");
  CHECK(w.map.lookups() == 0);
}

TEST_CASE("what has no sums is split into parts that have none") {
  buffer_pool buffers;
  extent_pool pool{buffers};
  std::vector<std::byte> memory(16 * block_bytes);
  const auto make = [&] {
    ordered_extent_ptr e = pool.make();
    e->blocks = e->blocks_left = 16;
    e->pinned = {0, 16, {}};
    e->source.push_back({memory.data(), memory.size()});
    return e;
  };
  ordered_extent_ptr stash = make();
  const extraction x = extract(stash, 5);
  REQUIRE(x.why == split_refusal::none);
  CHECK(x.front->sums.empty());
  CHECK(stash->sums.empty());
  const ordered_extent_ptr whole = make();
  const split_parts parts = split(*whole, 3, 4);
  REQUIRE(parts.why == split_refusal::none);
  CHECK((parts.pre->sums.empty() && whole->sums.empty() && parts.post->sums.empty()));
  CHECK(whole->source.front().data == memory.data() + 3 * block_bytes);
  CHECK(whole->source.front().bytes == 9 * block_bytes);
  CHECK(parts.post->source.front().data == memory.data() + 12 * block_bytes);
}

TEST_CASE("an extraction that is refused leaves the stash as it was") {
  splitter_world w{64};
  ordered_extent& e = w.create(10, 16);
  ordered_extent_ptr stash = stash_of(w);
  CHECK(extract(stash, 0).why == split_refusal::length);
  CHECK(extract(stash, 17).why == split_refusal::length);
  CHECK(extract(stash, ~std::uint64_t{0}).why == split_refusal::length);
  w.pool.allow(0);
  const extraction x = extract(stash, 4);
  CHECK(x.why == split_refusal::out_of_memory);
  CHECK_FALSE(x.front);
  w.pool.allow(~std::uint64_t{0});
  w.fail(e);
  CHECK(extract(stash, 4).why == split_refusal::failed);
  CHECK(stash.get() == &e);
  stash.reset();
  CHECK(vectors_of(w) == std::vector<vector3>{{10, 1000, 16}});
  CHECK(w.check() == "");
}

TEST_CASE("the stash always is what is not yet submitted, and nothing is looked up") {
  const std::uint64_t seed = 20261125;
  CAPTURE(seed);
  sim::prng chance{seed};
  for (int round = 0; round < 2000; ++round) {
    splitter_world w{64};
    const std::uint64_t first = chance.below(20), length = chance.within(1, 40);
    w.create(first, length, {.segments = {chance.within(1, 9000), chance.within(1, 9000)}});
    ordered_extent_ptr stash = std::move(w.all.back().extent);
    w.all.clear();
    const ordered_extent* const same = stash.get();
    std::uint64_t submitted = 0;
    while (stash) {
      CHECK(stash.get() == same);
      REQUIRE(stash->object_block == first + submitted);
      REQUIRE(stash->blocks == length - submitted);
      const std::uint64_t bio = chance.within(1, stash->blocks);
      extraction x = extract(stash, bio);
      REQUIRE(x.why == split_refusal::none);
      REQUIRE(x.front->object_block == first + submitted);
      REQUIRE(x.front->blocks == bio);
      submitted += bio;
      w.hold(std::move(x.front), false);
    }
    CHECK(submitted == length);
    REQUIRE(w.check() == "");
    CHECK(w.map.lookups() == 0);
  }
}

TEST_CASE("a write cut to a command's length is as many ordered extents, each with its own reservation") {
  splitter_world w{1024};
  w.create(0, 1024);
  ordered_extent_ptr stash = std::move(w.all.back().extent);
  w.all.clear();
  while (stash) w.hold(extract(stash, std::min<std::uint64_t>(256, stash->blocks)).front, false);
  CHECK(vectors_of(w) == std::vector<vector3>{{0, 1000, 256}, {256, 1256, 256}, {512, 1512, 256}, {768, 1768, 256}});
  CHECK(w.check() == "");
}

TEST_CASE("the rest of a partial write is cancelled, with its room, and what was submitted stays") {
  splitter_world w{64};
  w.create(10, 16);
  ordered_extent_ptr stash = std::move(w.all.back().extent);
  w.all.clear();
  w.hold(extract(stash, 6).front, false);
  CHECK(stash->reserved_blocks == 10);
  for (std::uint64_t b = 16; b < 26; ++b) w.model[b] = {};
  w.map.erase(*stash);
  stash.reset();
  CHECK(w.pool.live() == 1);
  CHECK(w.check() == "");
  w.create(16, 10);  // the next attempt
  CHECK(w.check() == "");
}

TEST_CASE("when any of its allocations fails, a split changes nothing") {
  for (const bool landed : {false, true})
    for (const auto& [pre, post] : {std::pair{4, 8}, {4, 0}, {0, 8}}) {
      std::uint64_t k = 0;
      for (split_refusal why = split_refusal::out_of_memory; why != split_refusal::none; ++k) {
        splitter_world w{64};
        ordered_extent& e = w.create(10, 16, {.segments = {3000}});
        if (landed) {
          w.send(e);
          for (std::uint64_t i = 0; i < 16; ++i) w.land(e, 10 + i, 1, {0, 100 + 2 * i});
        }
        w.pool.allow(k);
        why = w.split(e, static_cast<std::uint64_t>(pre), static_cast<std::uint64_t>(post));
        REQUIRE(w.check() == "");
        if (why == split_refusal::none) break;
        REQUIRE(why == split_refusal::out_of_memory);
        CHECK(w.map.size() == 1);
        CHECK(w.pool.live() == 1);
        CHECK(e.blocks == 16);
        w.pool.allow(~std::uint64_t{0});
        REQUIRE(w.split(e, static_cast<std::uint64_t>(pre), static_cast<std::uint64_t>(post)) == split_refusal::none);
        REQUIRE(w.check() == "");
      }
      const std::uint64_t lists = landed ? 3 : 2, parts = (pre > 0 ? 1u : 0u) + (post > 0 ? 1u : 0u);
      CHECK(k == parts * (1 + lists));  // the node and its lists, and nothing else
    }
}

TEST_CASE("a pool that is warm splits without allocating") {
  splitter_world w{64};
  for (int round = 0; round < 3; ++round) {
    const std::uint64_t before = w.pool.allocations();
    ordered_extent& e = w.create(10, 16, {.segments = {3000}});
    REQUIRE(w.split(e, 4, 8) == split_refusal::none);
    CHECK(w.check() == "");
    if (round > 1) CHECK(w.pool.allocations() == before);
    while (!w.all.empty()) w.drop(*w.all.front().extent);
    CHECK(w.pool.live() == 0);
  }
}

TEST_CASE("what the pool gives is as new, whatever it was") {
  splitter_world w{64};
  ordered_extent& e = w.create(10, 16, {.copied = true, .urgent = true, .cls = format::zone_class::extreme});
  w.send(e);
  w.land(e, 10, 16, {0, 100});
  e.splits = e.merges = 1;
  REQUIRE(w.split(e, 0, 0) == split_refusal::none);
  w.fail(e);
  w.drop(e);
  const ordered_extent_ptr fresh = w.pool.make();
  CHECK(fresh.get() == &e);
  CHECK(fresh->owner == nullptr);
  CHECK(fresh->blocks + fresh->blocks_left + fresh->reserved_blocks + fresh->object_block == 0);
  CHECK_FALSE((fresh->urgent || fresh->begun || fresh->failed || fresh->error || fresh->copy || fresh->memory_of));
  CHECK(fresh->source.size() + fresh->sums.size() + fresh->pieces.size() == 0);
  CHECK(fresh->cls == format::zone_class::unhinted);
  CHECK(fresh->bios_in_flight + fresh->splits + fresh->merges == 0);
  CHECK(fresh->pinned.blocks == 0);
}
