// The table of zones by itself: which zone is given out, given up or refilled first, what a state keeps of the device's credits,
// and what an open may take for full at once.
#include "core/zone_table.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <vector>

#include "support/empty_zones.hpp"

using namespace furrow;
using namespace furrow::core;
using zoned::zone_condition;

namespace {

constexpr std::uint64_t zone_bytes = 256 << 10;

constexpr std::uint32_t zone_count = 20, rings_from = zone_count - 2;

/// The first two zones and the last two are the superblock's; `conventional` zones from 2 on are.
struct table {
  explicit table(std::uint32_t conventional = 0, std::optional<std::uint32_t> active_max = {},
                 std::uint64_t capacity_bytes = zone_bytes) {
    zoned::geometry shape{.zone_bytes = zone_bytes, .zone_count = zone_count, .last_zone_bytes = zone_bytes};
    shape.active_max = active_max;
    auto all = test::empty_zones(shape, capacity_bytes);
    for (std::uint32_t i = 2; i < 2 + conventional; ++i) {
      all[i].type = zoned::zone_type::conventional;
      all[i].condition = zone_condition::not_write_pointer;
      all[i].capacity_bytes = zone_bytes;
    }
    zones.init(shape, all);
    for (std::uint32_t i = 2; i < rings_from; ++i) zones.set_life(at(i), zone_life::clean);
  }
  zone_state& at(std::uint32_t i) { return zones[{i}]; }
  zone_state& close(std::uint32_t i, format::zone_role role = format::zone_role::data,
                    format::zone_class cls = format::zone_class::unhinted, std::uint8_t failures = 0) {
    zone_state& z = at(i);
    z.role = role;
    z.cls = cls;
    z.failures = failures;
    z.next_block = 5;
    zones.set_life(z, zone_life::open);
    zones.set_life(z, zone_life::closed);
    return z;
  }
  static std::uint32_t of(const zone_state* z) { return z == nullptr ? 0 : z->device.index.value; }

  zone_table zones;
};

}  // namespace

TEST_CASE("of zones written in part the one whose writes fail is given up first, and none that cannot be") {
  table t{1};
  CHECK(t.zones.pick_to_give_up() == nullptr);
  t.close(2, format::zone_role::metadata);  // a conventional one has nothing to give
  CHECK(t.zones.pick_to_give_up() == nullptr);
  t.close(3);
  t.close(4, format::zone_role::data, format::zone_class::unhinted, 1);
  t.close(5);
  CHECK(table::of(t.zones.pick_to_give_up()) == 4);
  t.at(4).finishes_failed = finish_trials_max;
  CHECK(table::of(t.zones.pick_to_give_up()) == 3);
  t.at(3).writes = 1;
  CHECK(table::of(t.zones.pick_to_give_up()) == 5);
}

TEST_CASE(
    "a zone is refilled in its role: conventional ones first, then those of the class, apart from those that failed") {
  using role = format::zone_role;
  using cls = format::zone_class;
  table t{2};
  t.close(5, role::data, cls::unhinted);
  t.close(6, role::data, cls::long_lived);
  t.close(7, role::data, cls::unhinted, 1);
  t.close(8, role::metadata, cls::metadata);
  t.close(9, role::data, cls::long_lived);
  CHECK(table::of(t.zones.pick_closed(role::data, cls::long_lived, false)) == 6);
  CHECK(table::of(t.zones.pick_closed(role::data, cls::unhinted, false)) == 5);
  CHECK(table::of(t.zones.pick_closed(role::data, cls::extreme, false)) == 5);
  CHECK(table::of(t.zones.pick_closed(role::data, cls::long_lived, true)) == 7);
  CHECK(table::of(t.zones.pick_closed(role::metadata, cls::metadata, true)) == 0);
  CHECK(table::of(t.zones.pick_closed(role::metadata, cls::metadata, false)) == 8);
  t.close(3, role::metadata, cls::metadata);
  CHECK(table::of(t.zones.pick_closed(role::metadata, cls::metadata, false)) == 3);
  t.close(2, role::metadata, cls::unhinted);
  CHECK(table::of(t.zones.pick_closed(role::metadata, cls::metadata, false)) == 3);
  for (const std::uint32_t full : {5u, 6u, 9u}) t.at(full).next_block = t.at(full).capacity_blocks;
  CHECK(t.zones.pick_closed(role::data, cls::unhinted, false) == nullptr);
}

TEST_CASE("metadata have conventional zones first, and no others where active ones are too few for that") {
  table t{1};
  CHECK(table::of(t.zones.pick_metadata()) == 2);
  t.zones.set_life(t.at(2), zone_life::open);
  CHECK(table::of(t.zones.pick_metadata()) == 3);
  for (std::uint32_t i = 3; i < rings_from; ++i) t.zones.set_life(t.at(i), zone_life::open);
  CHECK(t.zones.pick_metadata() == nullptr);
  CHECK(t.zones.pick_clean() == nullptr);
  table confined{10, 3};
  REQUIRE(confined.zones.confined());
  for (std::uint32_t i = 2; i < 12; ++i) confined.zones.set_life(confined.at(i), zone_life::open);
  CHECK(confined.zones.pick_metadata() == nullptr);
  CHECK(table::of(confined.zones.pick_clean()) == 12);
}

TEST_CASE("a zone gives its credit back when it is full and its writes have landed, or when it is finished or reset") {
  table t{0, 6};
  const std::uint32_t idle = t.zones.active();
  zone_state& z = t.close(3);
  CHECK(t.zones.active() == idle + 1);
  z.writes = 1;
  z.next_block = z.capacity_blocks;
  t.zones.set_life(z, zone_life::full);
  CHECK(t.zones.active() == idle + 1);
  CHECK(t.zones.credits_coming());
  z.writes = 0;
  t.zones.drained(z);
  CHECK(t.zones.active() == idle);
  CHECK_FALSE(t.zones.credits_coming());
  for (const zone_life life : {zone_life::dirty, zone_life::resetting}) {
    zone_state& other = t.close(4);
    t.zones.set_life(other, life);
    CHECK(t.zones.credits_coming());
    t.zones.inactive(other);
    CHECK_FALSE(t.zones.credits_coming());
    t.zones.set_life(other, zone_life::clean);
  }
  table remainder{0, 6, zone_bytes - 512};  // what is left behind the last whole block keeps it active
  zone_state& r = remainder.close(3);
  r.next_block = r.capacity_blocks;
  remainder.zones.set_life(r, zone_life::full);
  CHECK(remainder.zones.active() == idle + 1);
  CHECK(remainder.zones.take_unfinished() == std::vector{zoned::zone_index{3}});
  remainder.zones.inactive(r);
  CHECK(remainder.zones.active() == idle);
}

TEST_CASE("a limit that others have taken part of holds until it is lifted") {
  table t{0, 8};
  const std::uint32_t left = 8 - t.zones.active();
  CHECK(t.zones.may_activate(left - 1));
  CHECK_FALSE(t.zones.may_activate(left));
  t.zones.cap_active();
  CHECK(t.zones.capped());
  CHECK_FALSE(t.zones.may_activate(0));
  t.zones.lift_cap();
  CHECK(t.zones.may_activate(left - 1));
  table unlimited;
  CHECK(unlimited.zones.may_activate(100));
  unlimited.zones.cap_active();
  CHECK_FALSE(unlimited.zones.may_activate(0));
}

TEST_CASE("an open takes a zone for full at once if it is full, holds what lives and was never bad, and no other") {
  const auto restored = [](const std::function<void(zone_state&)>& change) {
    zoned::geometry shape{.zone_bytes = zone_bytes, .zone_count = zone_count, .last_zone_bytes = zone_bytes};
    auto all = test::empty_zones(shape);
    all[3].condition = zone_condition::full;
    zone_table zones;
    zones.init(shape, all);
    zone_state& z = zones[{3}];
    z.role = format::zone_role::data;
    zones.restore_live(z, 7);
    change(z);
    const bool is = zones.restore_full(z);
    CHECK(is == (z.life == zone_life::full));
    CHECK(zones.count_use().data_blocks == (is ? 63u : 0u));
    CHECK(zones.victims().contains({3}) == is);
    return is;
  };
  CHECK(restored([](zone_state&) {}));
  CHECK_FALSE(restored([](zone_state& z) { z.role = format::zone_role::free; }));
  CHECK_FALSE(restored([](zone_state& z) { z.live_blocks = 0; }));
  CHECK_FALSE(restored([](zone_state& z) { z.device.condition = zone_condition::closed; }));
  CHECK_FALSE(restored([](zone_state& z) { z.in_metadata = true; }));
  CHECK_FALSE(restored([](zone_state& z) { z.retired = true; }));
}
