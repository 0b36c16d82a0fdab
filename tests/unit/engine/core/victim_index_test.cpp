// Which zone is picked, against a model that looks at all of them.
#include "core/victim_index.hpp"

#include <doctest/doctest.h>

#include <map>

#include "sim/random.hpp"

using namespace furrow;
using namespace furrow::core;

namespace {

struct entry {
  std::uint32_t live = 0, capacity = 0;
  std::uint64_t written = 0;
  [[nodiscard]] std::uint64_t age(std::uint64_t now) const { return now > written ? now - written + 1 : 1; }
  /// As the rule has it, without buckets.
  [[nodiscard]] double worth(std::uint64_t now) const {
    const double u = double(live) / capacity;
    return (1 - u) / u * static_cast<double>(age(now));
  }
};
using entries = std::map<std::uint32_t, entry>;

std::uint32_t bucket_by_search(const entry& e) {
  const double dead = 1 - double(e.live) / e.capacity;
  if (e.live == e.capacity) return victim_index::buckets;
  double wide = 1.0 / 64;
  if (dead >= wide) return std::min(e.live * 64 / e.capacity, std::uint32_t{63});
  std::uint32_t b = 63;
  while (b + 1 < victim_index::buckets && dead * 2 <= wide) {
    wide /= 2;
    ++b;
  }
  return b;
}

std::optional<zoned::zone_index> pick_by_search(const entries& all, std::uint64_t now) {
  std::optional<zoned::zone_index> best;
  double most = 0;
  std::uint32_t bucket = 0;
  for (const auto& [zone, e] : all) {
    const std::uint32_t b = bucket_by_search(e);
    if (b == victim_index::buckets) continue;
    const double worth = victim_index::gain_of(b) * static_cast<double>(e.age(now));
    // Ages below `now` are told apart; those above are all the youngest, where the lowest sequence comes first.
    const bool better = !best || worth > most || (worth == most && b < bucket) ||
                        (worth == most && b == bucket && e.written < all.at(best->value).written);
    if (!better) continue;
    best = zoned::zone_index{zone};
    most = worth;
    bucket = b;
  }
  return best;
}

}  // namespace

TEST_CASE("victim_index: buckets are narrow, and where little is dead narrower") {
  for (const std::uint32_t capacity : {1u, 2u, 63u, 64u, 255u, 256u, 4095u, 65'535u, 524'288u}) {
    std::uint32_t last = 0;
    for (std::uint32_t live = 0; live <= capacity; ++live) {
      const std::uint32_t bucket = victim_index::bucket_of(live, capacity);
      if (bucket != bucket_by_search({live, capacity, 0})) FAIL(live << " of " << capacity << " in " << bucket);
      if (bucket < last) FAIL(live << " of " << capacity << " is in front of " << live - 1);
      last = bucket;
    }
    CHECK(last == victim_index::buckets);
  }
  for (std::uint32_t b = 1; b < victim_index::buckets; ++b)
    CHECK(victim_index::gain_of(b) < victim_index::gain_of(b - 1));
  CHECK(victim_index::bucket_of(65'535, 65'536) == victim_index::buckets - 1);
  CHECK(victim_index::bucket_of(0, 7) == 0);
  CHECK(victim_index::gain_of(32) == doctest::Approx(0.969).epsilon(0.001));
}

TEST_CASE("victim_index: nothing dead, no victim") {
  victim_index index;
  index.init(3);
  CHECK(!index.pick(10));
  index.add({1}, 255, 255, 5);
  CHECK(index.size() == 1);
  CHECK(!index.pick(10));
  index.update({1}, 254, 255, 5);
  CHECK(index.pick(10) == zoned::zone_index{1});
  index.update({1}, 255, 255, 5);
  CHECK(!index.pick(10));
  index.remove({1});
  CHECK(!index.contains({1}));
  index.add({1}, 0, 255, 5);
  CHECK(index.pick(0) == zoned::zone_index{1});
  CHECK(index.contains({1}));
}

TEST_CASE("victim_index: an old zone with little dead against a young one with much") {
  victim_index index;
  index.init(2);
  index.add({0}, 192, 256, 0);    // gain 1/3
  index.add({1}, 64, 256, 1000);  // gain 3
  CHECK(index.pick(1005) == zoned::zone_index{0});
  CHECK(index.pick(1100) == zoned::zone_index{0});
  CHECK(index.pick(1300) == zoned::zone_index{1});
  CHECK(index.pick(900) == zoned::zone_index{0});
}

TEST_CASE("victim_index: the emptiest, whatever its age") {
  victim_index index;
  index.init(4);
  const auto emptiest = [&index] { return index.find_emptiest([](zoned::zone_index) { return true; }, 100); };
  CHECK(!emptiest());
  index.add({0}, 256, 256, 0);
  CHECK(!emptiest());
  index.add({1}, 192, 256, 0);
  index.add({2}, 65, 256, 1000);
  index.add({3}, 64, 256, 900);
  CHECK(emptiest() == zoned::zone_index{3});
  index.remove({3});
  CHECK(emptiest() == zoned::zone_index{2});
  const auto is_1 = [](zoned::zone_index z) { return z.value == 1; };
  CHECK(index.find_emptiest(is_1, 2) == zoned::zone_index{1});
  CHECK(!index.find_emptiest(is_1, 1));
  CHECK(!index.find_emptiest(is_1, 2, 48));
  CHECK(index.pick(1001) == zoned::zone_index{1});
  CHECK(index.pick(1001, 49) == zoned::zone_index{1});
  CHECK(index.pick(1001, 48) == zoned::zone_index{2});
  CHECK(!index.pick(1001, 16));
}

TEST_CASE("victim_index: nobody moves a large zone for one block") {
  victim_index index;
  index.init(2);
  index.add({0}, 65'535, 65'536, 0);
  index.add({1}, 65'000, 65'536, 990'000);
  CHECK(index.pick(1'000'000) == zoned::zone_index{1});
}

TEST_CASE("victim_index: as a search through all zones would have it") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    sim::prng random{seed};
    const std::uint32_t zones = static_cast<std::uint32_t>(random.within(1, 300));
    const std::uint32_t capacity = static_cast<std::uint32_t>(random.scaled(1, 70'000));
    victim_index index;
    index.init(zones);
    entries all;
    std::uint64_t now = 1;
    std::uint32_t poor = 0;
    for (int i = 0; i < 3000; ++i) {
      const auto zone = static_cast<std::uint32_t>(random.below(zones));
      const auto it = all.find(zone);
      if (it == all.end()) {
        const entry e{capacity - static_cast<std::uint32_t>(random.below(capacity / 8 + 1)), capacity, now};
        index.add({zone}, e.live, e.capacity, e.written);
        all[zone] = e;
      } else if (random.chance(100)) {
        index.remove({zone});
        all.erase(it);
      } else {
        entry& e = it->second;
        e.live -= static_cast<std::uint32_t>(random.below(e.live / 4 + 1));
        if (random.chance(50)) e.live = static_cast<std::uint32_t>(random.within(e.live, capacity));
        if (random.chance(50)) e.written = random.chance(500) ? now : random.below(now + 5);
        index.update({zone}, e.live, e.capacity, e.written);
      }
      now += random.below(20);
      REQUIRE(index.size() == all.size());
      const auto best = pick_by_search(all, now), picked = index.pick(now);
      if (picked != best) FAIL("round " << i << ": " << picked->value << " in place of " << best->value);
      if (!picked || all.at(picked->value).live * 64 < capacity) continue;
      for (const auto& [other, e] : all)
        if (e.live * 64 >= capacity && e.live < capacity && e.worth(now) > 4 * all.at(picked->value).worth(now)) ++poor;
    }
    CHECK(poor == 0);
  }
}
