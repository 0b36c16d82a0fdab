// Whatever may befall the ordered extents of an object, in any order, against the model of single blocks.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

#include "splitter_world.hpp"

using namespace furrow;
using namespace furrow::core;
using namespace furrow::test;

namespace {

constexpr std::uint64_t object_blocks = 64;

class traffic {
 public:
  explicit traffic(std::uint64_t seed) : chance_{seed} {}

  std::string step() {
    static constexpr std::uint32_t weights[] = {4, 8, 2, 3, 8, 1, 3, 1};
    switch (chance_.pick(weights)) {
      case 0:
        return create();
      case 1:
        return split();
      case 2:
        return extract();
      case 3:
        return send();
      case 4:
        return land();
      case 5:
        return fail();
      case 6:
        return finish();
      default:
        return cancel();
    }
  }
  std::string end() {
    while (!w_.all.empty()) {
      w_.drop(*w_.all.back().extent);
      if (std::string why = w_.check(); !why.empty()) return why;
    }
    return w_.pool.live() == 0 && w_.map.size() == 0 && w_.map.blocks() == 0 ? "" : "something is left";
  }
  std::uint64_t splits = 0, refusals = 0, publications = 0;

 private:
  held_extent* any() { return w_.all.empty() ? nullptr : &w_.all[chance_.below(w_.all.size())]; }

  std::string create() {
    const std::uint64_t first = chance_.below(object_blocks), blocks = chance_.scaled(1, 24);
    for (std::uint64_t b = first; b < first + blocks; ++b)
      if (b >= object_blocks || w_.model[b].present) return {};
    splitter_world::wish wish{.copied = chance_.chance(100),
                              .urgent = chance_.chance(500),
                              .cls = static_cast<format::zone_class>(chance_.within(2, 6)),
                              .owner = chance_.below(3)};
    if (chance_.chance(600)) wish.segments = {chance_.scaled(1, 20000) + 300, chance_.scaled(1, 5000) + 300};
    w_.create(first, blocks, wish);
    return {};
  }
  std::string split() {
    held_extent* const h = any();
    if (h == nullptr) return {};
    ordered_extent& e = *h->extent;
    const std::uint64_t pre = chance_.below(e.blocks + 1);
    const std::uint64_t post = chance_.chance(300) ? 0 : chance_.below(e.blocks - pre + 1);
    const split_refusal expected = w_.expected(e, pre, post);
    if (chance_.chance(60)) w_.pool.allow(chance_.below(6));
    split_refusal why = w_.split(e, pre, post);
    w_.pool.allow(~std::uint64_t{0});
    if (why == split_refusal::out_of_memory) {
      if (std::string fault = w_.check(); !fault.empty()) return "without memory: " + fault;
      why = w_.split(e, pre, post);
    }
    ++(why == split_refusal::none ? splits : refusals);
    return why == expected ? "" : "it was not the model's outcome";
  }
  std::string extract() {
    held_extent* const h = any();
    if (h == nullptr || h->sent || h->failed) return {};
    ordered_extent_ptr stash = h->extent;
    ordered_extent* const same = stash.get();
    const std::uint64_t first = stash->object_block, blocks = stash->blocks, bio = chance_.within(1, blocks);
    extraction x = core::extract(stash, bio);
    if (x.why != split_refusal::none || x.front->object_block != first || x.front->blocks != bio)
      return "not the front";
    if (bio == blocks) return !stash && x.front.get() == same ? "" : "a stash is left";
    if (stash.get() != same || stash->object_block != first + bio || stash->blocks != blocks - bio)
      return "not the rest";
    w_.hold(std::move(x.front), false);
    return {};
  }
  std::string send() {
    held_extent* const h = any();
    if (h != nullptr && !h->sent && !h->failed) w_.send(*h->extent);
    return {};
  }
  std::string land() {
    held_extent* const h = any();
    if (h == nullptr || !h->sent || h->failed || h->extent->blocks_left == 0) return {};
    ordered_extent& e = *h->extent;
    std::uint64_t first = e.object_block + chance_.below(e.blocks);
    while (w_.model[first].landed) first = first + 1 == e.object_block + e.blocks ? e.object_block : first + 1;
    std::uint64_t blocks = 1;
    const std::uint64_t most = chance_.within(1, 8);
    while (blocks < most && first + blocks < e.object_block + e.blocks && !w_.model[first + blocks].landed) ++blocks;
    const std::uint64_t at = chance_.chance(600) ? next_ : chance_.within(1, 60'000);
    if (at % w_.shape.zone_blocks() + blocks > w_.shape.zone_blocks()) return {};
    w_.land(e, first, blocks, {0, at});
    next_ = at + blocks;
    return {};
  }
  std::string fail() {
    held_extent* const h = any();
    if (h != nullptr && h->extent->blocks_left > 0) w_.fail(*h->extent);
    return {};
  }
  /// What has landed is walked and goes; so does what has failed.
  std::string finish() {
    held_extent* const h = any();
    if (h == nullptr) return {};
    ordered_extent& e = *h->extent;
    if (!h->failed) {
      if (e.blocks_left > 0) return {};
      std::vector<format::object_extent> runs;
      static_cast<void>(walk_landed(e, w_.shape, runs));
      if (runs != w_.landed_runs(e.object_block, e.object_block + e.blocks)) return "the walk is not the model's";
      ++publications;
    }
    w_.drop(e);
    return {};
  }
  std::string cancel() {
    held_extent* const h = any();
    if (h != nullptr && !h->sent) w_.drop(*h->extent);
    return {};
  }

 public:
  splitter_world w_{object_blocks};

 private:
  sim::prng chance_;
  std::uint64_t next_ = 1;
};

}  // namespace

TEST_CASE("a million random operations leave every block what it is") {
  const char* const given = std::getenv("FURROW_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 0) : 4711;
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  CAPTURE(seed);
#ifdef NDEBUG
  constexpr int operations = 1'000'000;
#else
  constexpr int operations = 100'000;
#endif
  traffic t{seed};
  for (int i = 0; i < operations; ++i) {
    CAPTURE(i);
    REQUIRE(t.step() == "");
    REQUIRE(t.w_.check() == "");
  }
  CHECK(t.end() == "");
  CHECK(t.splits > operations / 50);
  CHECK(t.refusals > operations / 50);
  CHECK(t.publications > operations / 100);
  CHECK(t.w_.map.lookups() == 0);
}
