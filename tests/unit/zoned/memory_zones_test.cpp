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

TEST_CASE("erased bytes read as never written, and others stay") {
  fixture f{parameters(false)};
  constexpr std::uint64_t written = 10 * block;  // two chunks of 16 KiB, and a half
  const place begin{{2}, 0};
  for (const auto& [from, end] : {std::pair<std::uint64_t, std::uint64_t>{0, written},
                                  {5000, 9000},
                                  {5000, written},
                                  {16 << 10, 32 << 10},
                                  {512, 20'000},
                                  {written - 1, written + 1},
                                  {written, written + 3 * block},
                                  {0, 0}}) {
    CAPTURE(from);
    CAPTURE(end);
    std::vector<std::byte> expected(12 * block);
    for (std::uint64_t i = 0; i < expected.size(); ++i) {
      const bool kept = i < written && (i < from || i >= end);
      const auto& p = memory_zones::unwritten_pattern;
      expected[i] = kept ? static_cast<std::byte>(i % 251) : static_cast<std::byte>(p[i % p.size()]);
    }
    std::vector<std::byte> all(written);
    for (std::uint64_t i = 0; i < written; ++i) all[i] = static_cast<std::byte>(i % 251);
    f.zones.poke(begin, all);
    const memory_zones before = f.zones;
    f.zones.erase({{2}, from}, end - from);
    CHECK(f.bytes_at(begin, expected.size()) == expected);
    std::vector<std::byte> of_copy(written);
    before.peek(begin, of_copy);
    CHECK(of_copy == all);
    f.zones.erase(begin, 12 * block);
    CHECK(f.is_unwritten(begin, 12 * block));
  }
  f.zones.erase({{3}, 0}, 12 * block);
  CHECK(f.is_unwritten({{3}, 0}, 12 * block));
}

TEST_CASE("a gap that is left between writes reads as never written") {
  {
    fixture before{parameters(false)};  // leaves memory that holds something else
    before.zones.poke({{2}, 0}, std::vector<std::byte>(64 << 10, std::byte{0x55}));
  }
  fixture f{parameters(false)};
  const std::vector<std::byte> mark(100, std::byte{7});
  f.zones.poke({{2}, 1000}, mark);
  f.zones.poke({{2}, 9000}, mark);
  f.zones.poke({{2}, 40}, mark);
  CHECK(f.is_unwritten({{2}, 0}, 40));
  CHECK(f.is_unwritten({{2}, 140}, 860));
  CHECK(f.is_unwritten({{2}, 1100}, 7900));
  CHECK(f.is_unwritten({{2}, 9100}, 20'000));
  CHECK(f.bytes_at({{2}, 1000}, 100) == mark);
  CHECK(f.bytes_at({{2}, 9000}, 100) == mark);
}

TEST_CASE("the front of a zone that was held is put back over what came later") {
  fixture f{parameters(false)};
  const place begin{{2}, 0};
  for (const std::uint64_t bytes : {std::uint64_t{0}, block, 4 * block, 9 * block, 20 * block}) {
    CAPTURE(bytes);
    f.zones.erase(begin, 32 * block);
    std::vector<std::byte> old(10 * block, std::byte{1});
    f.zones.poke(begin, old);
    const auto held = f.zones.hold({2}, bytes);
    const std::vector<std::byte> later(15 * block, std::byte{2});
    f.zones.poke(begin, later);
    CHECK(f.bytes_at(begin, later.size()) == later);
    f.zones.put_back({2}, held);
    const std::uint64_t kept = std::min<std::uint64_t>(bytes, old.size());
    CHECK(f.bytes_at(begin, kept) == std::vector<std::byte>(kept, std::byte{1}));
    if (bytes > kept) CHECK(f.is_unwritten({{2}, kept}, bytes - kept));
    if (bytes < later.size())
      CHECK(f.bytes_at({{2}, bytes}, later.size() - bytes) ==
            std::vector<std::byte>(later.size() - bytes, std::byte{2}));
    f.zones.poke(begin, later);  // what is held is not what is written
    f.zones.put_back({2}, held);
    CHECK(f.bytes_at(begin, kept) == std::vector<std::byte>(kept, std::byte{1}));
  }
}
