// Which zones the zone table has in its index of victims, whatever befalls them.
#include <doctest/doctest.h>

#include "core/zone_table.hpp"
#include "sim/random.hpp"

using namespace furrow;
using namespace furrow::core;

namespace {

constexpr std::uint32_t zones = 12, capacity = 8;

zone_table make() {
  const zoned::geometry shape{
      .zone_bytes = capacity * block_bytes, .zone_count = zones, .last_zone_bytes = capacity * block_bytes};
  std::vector<zoned::zone_info> report(zones);
  for (std::uint32_t i = 0; i < zones; ++i)
    report[i] = {.index = {i}, .bytes = capacity * block_bytes, .capacity_bytes = capacity * block_bytes};
  zone_table t;
  t.init(shape, report);
  for (std::uint32_t i = 2; i + 2 < zones; ++i) t.set_life(t[zoned::zone_index{i}], zone_life::clean);
  return t;
}

bool may_be_cleaned(const zone_state& z) {
  return z.life == zone_life::full && z.role == format::zone_role::data && z.live_blocks > 0 &&
         z.live_blocks < capacity - 1;
}

void open(zone_table& t, zone_state& z, format::zone_role role) {
  z.role = role;
  z.next_block = 1;
  t.set_life(z, zone_life::open);
}

}  // namespace

TEST_CASE("victims of a zone table: a zone's life") {
  zone_table t = make();
  zone_state& z = t[zoned::zone_index{4}];
  const auto in = [&] { return t.victims().contains({4}); };
  open(t, z, format::zone_role::data);
  t.add_live(z, 3);
  CHECK_FALSE(in());
  z.next_block = capacity;
  t.set_life(z, zone_life::full);
  CHECK(in());
  z.write_sequence = 70;
  t.add_live(z, 4);
  CHECK_FALSE(in());
  t.drop_live(z, 1);
  CHECK(in());
  CHECK(t.victims().pick(100) == zoned::zone_index{4});
  t.set_aside(z);
  t.set_aside(z);
  CHECK_FALSE(in());
  t.reconsider(z);
  CHECK(in());
  t.set_aside(z);
  t.drop_live(z, 2);
  CHECK(in());
  t.drop_live(z, 4);
  CHECK_FALSE(in());
  t.set_life(z, zone_life::freeing);
  CHECK(t.victims().size() == 0);
}

TEST_CASE("victims of a zone table: those of metadata are none, nor what an open finds fully live") {
  zone_table t = make();
  zone_state& page = t[zoned::zone_index{3}];
  open(t, page, format::zone_role::metadata);
  page.next_block = capacity;
  t.set_life(page, zone_life::full);
  CHECK(t.victims().size() == 0);
  for (const std::uint32_t live : {capacity - 1, 2u}) {
    zone_table found = make();
    zone_state& z = found[zoned::zone_index{5}];
    found.set_life(z, zone_life::bad);
    z.role = format::zone_role::data;
    z.device.condition = zoned::zone_condition::full;
    found.restore_live(z, live);
    REQUIRE(found.restore_full(z));
    CHECK(found.victims().size() == (live == 2 ? 1u : 0u));
  }
}

TEST_CASE("victims of a zone table: at random") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    sim::prng random{seed};
    zone_table t = make();
    for (int i = 0; i < 2000; ++i) {
      zone_state& z = t[zoned::zone_index{static_cast<std::uint32_t>(random.within(2, zones - 3))}];
      z.write_sequence = random.below(100);
      if (z.life == zone_life::clean) {
        open(t, z, random.chance(800) ? format::zone_role::data : format::zone_role::metadata);
      } else if (z.life == zone_life::open) {
        t.add_live(z, z.live_blocks + 1 < capacity ? 1 : 0);
        if (random.chance(300)) t.set_life(z, random.chance(800) ? zone_life::full : zone_life::closed);
      } else if (z.life == zone_life::full) {
        t.drop_live(z, static_cast<std::uint32_t>(random.below(3)));
        if (z.live_blocks == 0 || random.chance(50)) t.set_life(z, zone_life::bad);
      } else {
        t.drop_live(z, z.live_blocks);
        z.role = format::zone_role::free;
        t.set_life(z, zone_life::clean);
      }
      std::uint32_t expected = 0;
      for (const zone_state& each : t.all()) {
        REQUIRE(t.victims().contains(each.device.index) == may_be_cleaned(each));
        expected += may_be_cleaned(each) ? 1u : 0u;
      }
      REQUIRE(t.victims().size() == expected);
    }
  }
}
