// To which class a block goes, by what its place tells.
#include "core/placement.hpp"

#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "format/names.hpp"

using namespace furrow;
using namespace furrow::core;
using format::zone_class;

namespace {

constexpr zone_class generation(unsigned g) {
  return static_cast<zone_class>(static_cast<unsigned>(zone_class::cleaner) + g);
}
std::vector<zone_class> data_classes() {
  std::vector<zone_class> all;
  for (unsigned c = static_cast<unsigned>(zone_class::unhinted); c <= format::zone_class_max; ++c)
    all.push_back(static_cast<zone_class>(c));
  return all;
}
/// The only block of a zone, written at 1000.
written_place at_1000(zone_class cls = zone_class::unhinted) { return {cls, 1000, 1000, 2, 1}; }

}  // namespace

TEST_CASE("placement: when a block was written is told by its place in the zone") {
  const placement p;
  const written_place zone{zone_class::unhinted, 1000, 2000, 102, 1};
  const auto age_at = [&](std::uint32_t block, std::uint64_t now) {
    written_place at = zone;
    at.block = block;
    return p.age_of(at, now);
  };
  CHECK(age_at(1, 2500) == 1500);
  CHECK(age_at(51, 2500) == 1000);
  CHECK(age_at(101, 2500) == 500);
  CHECK(age_at(101, 1500) == 0);
  CHECK(age_at(500, 2500) == 500);  // a zone that is still written to may tell too little
  CHECK(p.age_of({zone_class::unhinted, 1000, 900, 0, 0}, 2500) == 1500);
}

TEST_CASE("placement: as long as no zone has ended, what is written over is short-lived") {
  const placement p;
  CHECK(p.lifespan() == 0);
  CHECK(p.of_overwrite(at_1000(), 1'000'000) == zone_class::short_lived);
  CHECK(p.of_move(at_1000(), 1'000'000) == generation(0));
}

TEST_CASE("placement: only short-lived zones teach, the latest most") {
  placement p;
  p.zone_ended(zone_class::long_lived, 0, 500);
  p.zone_found(zone_class::unhinted, 0, 500);
  p.zone_ended(generation(0), 0, 500);
  p.zone_ended(zone_class::short_lived, 600, 500);
  CHECK(p.lifespan() == 0);
  p.zone_ended(zone_class::short_lived, 400, 500);
  CHECK(p.lifespan() == 100);
  for (int i = 0; i < 11; ++i) p.zone_ended(zone_class::short_lived, 0, 1000);
  CHECK(p.lifespan() > 500);
  CHECK(p.lifespan() < 600);
  for (int i = 0; i < 200; ++i) p.zone_ended(zone_class::short_lived, 0, 1000);
  CHECK(p.lifespan() >= 990);
  for (int i = 0; i < 400; ++i) p.zone_ended(zone_class::short_lived, 7, 7);
  CHECK(p.lifespan() == 1);
}

TEST_CASE("placement: an open learns from the zones that it finds") {
  placement p;
  for (std::uint64_t age = 0; age <= 100; ++age) p.zone_found(zone_class::short_lived, 5000 - age, 5000);
  CHECK(p.lifespan() == 100);
  p.zone_ended(zone_class::short_lived, 0, 1700);
  CHECK(p.lifespan() == 200);
}

TEST_CASE("placement: by how long it lived") {
  placement p;
  p.zone_ended(zone_class::short_lived, 0, 100);
  const auto overwrite = [&](std::uint64_t age) { return p.of_overwrite(at_1000(), 1000 + age); };
  CHECK(overwrite(0) == zone_class::short_lived);
  CHECK(overwrite(99) == zone_class::short_lived);
  CHECK(overwrite(100) == zone_class::medium_lived);
  CHECK(overwrite(399) == zone_class::medium_lived);
  CHECK(overwrite(400) == zone_class::long_lived);
  CHECK(overwrite(1599) == zone_class::long_lived);
  CHECK(overwrite(1600) == zone_class::extreme);
  CHECK(overwrite(std::uint64_t{1} << 60) == zone_class::extreme);
}

TEST_CASE("placement: what is moved again is as old as its class says, and what came on top") {
  placement p;
  p.zone_ended(zone_class::short_lived, 0, 100);
  const auto move = [&](zone_class from, std::uint64_t age) { return p.of_move(at_1000(from), 1000 + age); };
  for (const zone_class from : {zone_class::unhinted, zone_class::short_lived, zone_class::extreme, generation(0)}) {
    CHECK(move(from, 399) == generation(0));
    CHECK(move(from, 400) == generation(1));
    CHECK(move(from, 1600) == generation(2));
  }
  CHECK(move(generation(1), 0) == generation(1));
  CHECK(move(generation(1), 1199) == generation(1));
  CHECK(move(generation(1), 1200) == generation(2));
  CHECK(move(generation(2), 0) == generation(2));
  CHECK(move(generation(8), 0) == generation(2));
  CHECK(p.of_overwrite(at_1000(generation(1)), 1000) == zone_class::long_lived);
  CHECK(p.of_overwrite(at_1000(generation(2)), 1000) == zone_class::extreme);
}

TEST_CASE("placement: the longer it lived, the longer-lived its class") {
  placement p;
  p.zone_ended(zone_class::short_lived, 0, 777);
  for (const zone_class from : data_classes()) {
    zone_class overwritten = zone_class::unhinted, moved = zone_class::unhinted;
    for (std::uint64_t age = 0; age < 20'000; age += 7) {
      const zone_class o = p.of_overwrite(at_1000(from), 1000 + age), m = p.of_move(at_1000(from), 1000 + age);
      if (o < overwritten || m < moved) FAIL(format::name_of(from) << " after " << age);
      overwritten = o;
      moved = m;
    }
    CHECK(overwritten == zone_class::extreme);
    CHECK(moved == generation(2));
  }
}

TEST_CASE("placement: classes share streams where there are few") {
  for (std::size_t streams = 1; streams <= 20; ++streams) {
    CAPTURE(streams);
    std::set<zone_class> used;
    for (const zone_class cls : data_classes()) {
      const zone_class to = placement::folded(cls, streams);
      used.insert(to);
      CHECK(placement::folded(to, streams) == to);
      for (const zone_class other : data_classes())
        if (to != placement::folded(other, streams))
          CHECK(placement::folded(cls, streams + 1) != placement::folded(other, streams + 1));
    }
    CHECK(used.size() == std::min(streams, placement::streams_max));
  }
  CHECK(placement::folded(zone_class::short_lived, 2) == zone_class::short_lived);
  CHECK(placement::folded(generation(0), 3) == generation(0));
  CHECK(placement::folded(zone_class::extreme, 3) == zone_class::unhinted);
  CHECK(placement::folded(generation(8), 8) == generation(2));
}
