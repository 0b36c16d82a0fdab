// Zones in memory: sparse storage, copies, and what is left after the loss of power.
#include "memory/memory_zones.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "emulation.hpp"
#include "support/zoned_client.hpp"

using namespace furrow::zoned;
using furrow::test::aligned_bytes;
using furrow::test::fill_pattern;
using furrow::test::has_pattern;

namespace {

constexpr std::uint64_t block = 4096;

emulation parameters(bool volatile_cache) {
  emulation e;
  e.size_bytes = 8 << 20;
  e.zone_bytes = 1 << 20;
  e.zone_capacity_bytes = 960 << 10;
  e.conventional_zones = 1;
  e.volatile_cache = volatile_cache ? 1 : 0;
  return e;
}

struct fixture {
  explicit fixture(const emulation& e) : zones{e.shape(), e.promises(), e.zones()} {}

  completion execute(opcode op, place at, std::span<const segment> segments = {}) {
    return zones.execute(
        {.id = {7}, .op = op, .zone = at.zone, .offset_bytes = at.offset_bytes, .segments = segments, .zones = {}});
  }
  completion put(opcode op, place at, std::uint64_t bytes, std::uint64_t seed) {
    const aligned_bytes from{bytes};
    fill_pattern(from.span(), seed);
    const segment s = from.segment();
    return execute(op, at, {&s, 1});
  }
  std::vector<std::byte> bytes_at(place at, std::uint64_t bytes) const {
    std::vector<std::byte> out(bytes);
    zones.peek(at, out);
    return out;
  }
  bool is_unwritten(place at, std::uint64_t bytes) const {
    const auto in = bytes_at(at, bytes);
    for (std::size_t i = 0; i < in.size(); ++i) {
      const auto& p = memory_zones::unwritten_pattern;
      if (in[i] != static_cast<std::byte>(p[(at.offset_bytes + i) % p.size()])) return false;
    }
    return true;
  }
  bool holds(place at, std::uint64_t bytes, std::uint64_t seed) const { return has_pattern(bytes_at(at, bytes), seed); }

  memory_zones zones;
};

}  // namespace

TEST_CASE("a zone takes memory when it is written and gives it back at reset") {
  emulation e = parameters(false);
  e.size_bytes = std::uint64_t{1} << 40;
  e.zone_bytes = 256 << 20;
  e.zone_capacity_bytes = 0;
  fixture f{e};
  CHECK(f.zones.resident_bytes() == 0);
  REQUIRE(f.put(opcode::append, {{4000}, 0}, block, 1).error == furrow::error_code{});
  CHECK(f.zones.resident_bytes() <= 64 << 10);
  CHECK(f.holds({{4000}, 0}, block, 1));
  CHECK(f.is_unwritten({{4000}, block}, 200'000));
  REQUIRE(!f.execute(opcode::reset, {{4000}, 0}).error);
  CHECK(f.zones.resident_bytes() == 0);
  CHECK(f.is_unwritten({{4000}, 0}, block));
}

TEST_CASE("a copy sees nothing of later writes, on either side") {
  fixture f{parameters(false)};
  REQUIRE(!f.put(opcode::append, {{1}, 0}, block, 1).error);
  fixture g = f;
  REQUIRE(!f.put(opcode::append, {{1}, 0}, block, 2).error);
  REQUIRE(!g.put(opcode::append, {{1}, 0}, block, 3).error);
  REQUIRE(!g.put(opcode::append, {{1}, 0}, block, 4).error);
  CHECK(f.holds({{1}, 0}, block, 1));
  CHECK(f.holds({{1}, block}, block, 2));
  CHECK(f.is_unwritten({{1}, 2 * block}, block));
  CHECK(g.holds({{1}, 0}, block, 1));
  CHECK(g.holds({{1}, block}, block, 3));
  CHECK(g.holds({{1}, 2 * block}, block, 4));
}

TEST_CASE("a refused command changes neither state nor bytes") {
  fixture f{parameters(false)};
  REQUIRE(!f.put(opcode::append, {{1}, 0}, block, 1).error);
  CHECK(f.put(opcode::write, {{1}, 0}, block, 2).error == errc::not_sequential);
  CHECK(f.put(opcode::append, {{0}, 0}, block, 2).error == errc::invalid_transition);
  CHECK(f.put(opcode::write, {{0}, 1 << 20}, block, 2).error == errc::zone_boundary);
  CHECK(f.put(opcode::append, {{1}, 0}, 256 << 10, 2).error == errc::too_large);
  CHECK(f.holds({{1}, 0}, block, 1));
  CHECK(f.is_unwritten({{1}, block}, block));
  CHECK(f.is_unwritten({{0}, 0}, 1 << 20));
  CHECK(f.zones.machine().at({1}).write_pointer_bytes == block);
}

TEST_CASE("offline zones are not read, read-only zones are") {
  fixture f{parameters(false)};
  REQUIRE(!f.put(opcode::append, {{1}, 0}, block, 1).error);
  zone_info zone = f.zones.machine().at({1});
  const aligned_bytes to{block};
  const segment s = to.segment();
  zone.condition = zone_condition::read_only;
  f.zones.force(zone);
  CHECK(!f.execute(opcode::read, {{1}, 0}, {&s, 1}).error);
  CHECK(has_pattern(to.span(), 1));
  zone.condition = zone_condition::offline;
  f.zones.force(zone);
  CHECK(f.execute(opcode::read, {{1}, 0}, {&s, 1}).error == errc::zone_offline);
}

TEST_CASE("without a volatile cache the loss of power closes zones and takes nothing") {
  fixture f{parameters(false)};
  REQUIRE(!f.put(opcode::append, {{1}, 0}, block, 1).error);
  REQUIRE(!f.put(opcode::write, {{0}, block}, block, 2).error);
  REQUIRE(!f.execute(opcode::open, {{2}, 0}).error);
  REQUIRE(!f.execute(opcode::finish, {{3}, 0}).error);
  CHECK(f.zones.durable_bytes({1}) == block);
  f.zones.lose_power();
  CHECK(f.zones.machine().at({1}).condition == zone_condition::closed);
  CHECK(f.zones.machine().at({1}).write_pointer_bytes == block);
  CHECK(f.zones.machine().at({2}).condition == zone_condition::empty);
  CHECK(f.zones.machine().at({3}).condition == zone_condition::full);
  CHECK(f.zones.machine().open_count() == 0);
  CHECK(f.holds({{1}, 0}, block, 1));
  CHECK(f.holds({{0}, block}, block, 2));
}

TEST_CASE("with a volatile cache the loss of power takes what was not flushed") {
  fixture f{parameters(true)};
  REQUIRE(!f.put(opcode::append, {{1}, 0}, block, 1).error);
  REQUIRE(!f.put(opcode::write, {{0}, 0}, block, 2).error);
  REQUIRE(!f.execute(opcode::flush, {}).error);
  REQUIRE(!f.put(opcode::append, {{1}, 0}, 20 * block, 3).error);
  REQUIRE(!f.put(opcode::append, {{2}, 0}, block, 4).error);
  REQUIRE(!f.put(opcode::write, {{0}, 0}, block, 5).error);
  REQUIRE(!f.put(opcode::write, {{0}, 300'000 / block * block}, block, 6).error);
  REQUIRE(!f.execute(opcode::finish, {{1}, 0}).error);
  CHECK(f.zones.durable_bytes({1}) == block);
  f.zones.lose_power();
  CHECK(f.zones.machine().at({1}).condition == zone_condition::closed);
  CHECK(f.zones.machine().at({1}).write_pointer_bytes == block);
  CHECK(f.zones.machine().at({2}).condition == zone_condition::empty);
  CHECK(f.zones.machine().active_count() == 1);
  CHECK(f.holds({{1}, 0}, block, 1));
  CHECK(f.is_unwritten({{1}, block}, 960 * 1024 - block));
  CHECK(f.is_unwritten({{2}, 0}, 1 << 20));
  CHECK(f.holds({{0}, 0}, block, 2));
  CHECK(f.is_unwritten({{0}, block}, (1 << 20) - block));
}

TEST_CASE("a reset is not undone by the loss of power, and what follows it is lost like any write") {
  fixture f{parameters(true)};
  REQUIRE(!f.put(opcode::append, {{1}, 0}, 2 * block, 1).error);
  REQUIRE(!f.execute(opcode::flush, {}).error);
  REQUIRE(!f.execute(opcode::reset, {{1}, 0}).error);
  REQUIRE(!f.put(opcode::append, {{1}, 0}, block, 2).error);
  f.zones.lose_power();
  CHECK(f.zones.machine().at({1}).condition == zone_condition::empty);
  CHECK(f.is_unwritten({{1}, 0}, 1 << 20));
  REQUIRE(!f.put(opcode::append, {{1}, 0}, block, 3).error);
  REQUIRE(!f.execute(opcode::flush, {}).error);
  f.zones.lose_power();
  CHECK(f.holds({{1}, 0}, block, 3));
}

TEST_CASE("a zone filled and flushed stays full without power") {
  fixture f{parameters(true)};
  for (std::uint64_t at = 0; at < 960; at += 64) REQUIRE(!f.put(opcode::append, {{1}, 0}, 64 << 10, at).error);
  fixture unflushed = f;
  REQUIRE(!f.execute(opcode::flush, {}).error);
  f.zones.lose_power();
  CHECK(f.zones.machine().at({1}).condition == zone_condition::full);
  for (std::uint64_t at = 0; at < 960; at += 64) CHECK(f.holds({{1}, at << 10}, 64 << 10, at));
  unflushed.zones.lose_power();
  CHECK(unflushed.zones.machine().at({1}).condition == zone_condition::empty);
}

TEST_CASE("bytes can be changed behind the write pointer's back") {
  fixture f{parameters(false)};
  REQUIRE(!f.put(opcode::append, {{1}, 0}, block, 1).error);
  const std::byte wrong[3] = {};
  f.zones.poke({{1}, 100}, wrong);
  auto bytes = f.bytes_at({{1}, 0}, block);
  CHECK(std::ranges::equal(std::span{bytes}.subspan(100, 3), wrong));
  std::vector<std::byte> original(block);
  fill_pattern(original, 1);
  std::copy_n(original.begin() + 100, 3, bytes.begin() + 100);
  CHECK(bytes == original);
}
