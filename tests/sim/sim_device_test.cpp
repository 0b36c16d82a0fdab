// The simulated device itself: that it is unruly within its promises, and never beyond.
#include "sim/sim_device.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "format/zone_header.hpp"

namespace {

using namespace furrow;
using namespace furrow::sim;
using zoned::opcode;

constexpr std::uint32_t lba = 512;
constexpr std::uint64_t block = 4096;

zoned::geometry small_shape() {
  zoned::geometry g;
  g.lba_bytes = lba;
  g.zone_bytes = 64 << 10;
  g.zone_count = 6;
  g.last_zone_bytes = g.zone_bytes;
  g.active_max = 3;
  return g;
}

std::vector<zoned::zone_info> zones_of(const zoned::geometry& g) {
  std::vector<zoned::zone_info> zones;
  for (std::uint32_t i = 0; i < g.zone_count; ++i) {
    const bool conventional = i == 0;
    zones.push_back(
        {.index = {i},
         .type = conventional ? zoned::zone_type::conventional : zoned::zone_type::sequential,
         .condition = conventional ? zoned::zone_condition::not_write_pointer : zoned::zone_condition::empty,
         .bytes = g.zone_bytes,
         .capacity_bytes = g.zone_bytes,
         .write_pointer_bytes = 0});
  }
  return zones;
}

struct bench {
  zoned::guarantees promises;
  fault_weights faults;
  disorder order;
  lie_weights lies;
  std::unique_ptr<sim_device> device;
  std::vector<std::byte> memory = std::vector<std::byte>(256 << 10);
  std::vector<zoned::segment> segments = std::vector<zoned::segment>(64);
  std::uint64_t ids = 0;

  explicit bench(std::uint64_t seed, bool is_volatile = true) {
    promises.volatile_cache = is_volatile;
    promises.native_append = true;
    promises.appends_per_zone_max = 8;
    start(seed);
  }
  void start(std::uint64_t seed) {
    const zoned::geometry g = small_shape();
    device = std::make_unique<sim_device>(g, zones_of(g), promises, faults, order, seed, zone_fault_weights{}, lies);
  }
  zoned::command_id send(opcode op, std::uint32_t zone, std::uint64_t bytes = 0, std::uint64_t offset = 0,
                         std::uint8_t fill = 1) {
    zoned::command c;
    c.id = {++ids};
    c.op = op;
    c.zone = {zone};
    c.offset_bytes = offset;
    if (bytes > 0) {
      zoned::segment& s = segments[ids % segments.size()];
      s = {memory.data() + (ids % 8) * (32 << 10), bytes};
      std::memset(s.data, fill, bytes);
      c.segments = {&s, 1};
    }
    REQUIRE(device->submit({&c, 1}) == 1);
    return c.id;
  }
  std::vector<zoned::completion> drain() {
    std::vector<zoned::completion> all;
    zoned::completion one;
    while (device->in_flight() > 0) {
      if (device->reap({&one, 1}) == 1) all.push_back(one);
    }
    return all;
  }
  [[nodiscard]] std::uint64_t written(std::uint32_t zone) const {
    return device->zones().machine().at({zone}).write_pointer_bytes;
  }
};

}  // namespace

TEST_CASE("The same seed gives the same trace, another seed another") {
  const auto hash = [](std::uint64_t seed) {
    bench b{seed};
    b.faults.shortened_ppm = 300'000;
    b.faults.failing(opcode::append) = 100'000;
    b.start(seed);
    for (int round = 0; round < 20; ++round) {
      for (std::uint32_t zone = 1; zone < 4; ++zone) b.send(opcode::append, zone, block);
      b.send(opcode::flush, 0);
      static_cast<void>(b.drain());
    }
    b.device->interrupt(interruption::power_loss);
    return b.device->trace_hash();
  };
  std::set<std::uint64_t> different;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    CHECK(hash(seed) == hash(seed));
    different.insert(hash(seed));
  }
  CHECK(different.size() == 50);
}

TEST_CASE("Appends of one zone land in any order and complete in any order") {
  std::set<std::vector<std::uint64_t>> orders;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    bench b{seed};
    for (int i = 0; i < 3; ++i) b.send(opcode::append, 1, block);
    std::vector<std::uint64_t> seen;
    for (const zoned::completion& c : b.drain()) {
      REQUIRE(!c.error);
      seen.push_back(c.id.value * 100 + c.at.offset_bytes / block);
    }
    orders.insert(seen);
  }
  CHECK(orders.size() == 36);  // 3! places times 3! completions
}

TEST_CASE("What a flush covers survives the power, of what came later any prefix does") {
  std::set<std::uint64_t> kept;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    bench b{seed};
    b.send(opcode::append, 1, 2 * block);
    static_cast<void>(b.drain());
    b.send(opcode::flush, 0);
    static_cast<void>(b.drain());
    b.send(opcode::append, 1, 2 * block);
    static_cast<void>(b.drain());
    b.device->interrupt(interruption::power_loss);
    REQUIRE(b.written(1) >= 2 * block);
    REQUIRE(b.written(1) <= 4 * block);
    REQUIRE(b.written(1) % lba == 0);
    kept.insert(b.written(1));
  }
  CHECK(kept.size() == 2 * block / lba + 1);
}

TEST_CASE("A flush covers nothing whose completion had not been reaped when it was submitted") {
  bool lost = false;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    bench b{seed};
    b.send(opcode::append, 1, block);
    b.send(opcode::flush, 0);
    static_cast<void>(b.drain());
    b.device->interrupt(interruption::power_loss);
    lost = lost || b.written(1) == 0;
  }
  CHECK(lost);
}

TEST_CASE("Without a volatile cache what has completed survives") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    bench b{seed, false};
    b.send(opcode::append, 1, 3 * block);
    static_cast<void>(b.drain());
    b.device->interrupt(interruption::power_loss);
    REQUIRE(b.written(1) == 3 * block);
  }
}

TEST_CASE("The end of the process takes nothing that was executed, a later flush covers it") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    bench b{seed};
    b.send(opcode::append, 1, 3 * block);
    static_cast<void>(b.drain());
    b.device->interrupt(interruption::process_end);
    REQUIRE(b.written(1) == 3 * block);
    b.send(opcode::flush, 0);
    static_cast<void>(b.drain());
    b.device->interrupt(interruption::power_loss);
    REQUIRE(b.written(1) == 3 * block);
  }
}

TEST_CASE("A reset that no flush has covered is torn into old or empty, with the old bytes") {
  std::set<std::uint64_t> kept;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    bench b{seed};
    b.send(opcode::append, 1, 3 * block, 0, 7);
    static_cast<void>(b.drain());
    b.send(opcode::flush, 0);
    static_cast<void>(b.drain());
    b.send(opcode::reset, 1);
    static_cast<void>(b.drain());
    b.device->interrupt(interruption::power_loss);
    kept.insert(b.written(1));
    if (b.written(1) == 0) continue;
    std::vector<std::byte> bytes(3 * block);
    b.device->zones().peek({{1}, 0}, bytes);
    REQUIRE(std::ranges::all_of(bytes, [](std::byte x) { return x == std::byte{7}; }));
  }
  CHECK(kept == std::set<std::uint64_t>{0, 3 * block});
}

TEST_CASE("A reset that a flush has covered stays") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    bench b{seed};
    b.send(opcode::append, 1, block);
    static_cast<void>(b.drain());
    b.send(opcode::reset, 1);
    static_cast<void>(b.drain());
    b.send(opcode::flush, 0);
    static_cast<void>(b.drain());
    b.device->interrupt(interruption::power_loss);
    REQUIRE(b.written(1) == 0);
  }
}

TEST_CASE("An unflushed overwrite of a conventional zone is torn by LBA between old and new") {
  std::set<std::string> mixtures;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    bench b{seed};
    b.send(opcode::write, 0, 2 * lba, 0, 1);
    static_cast<void>(b.drain());
    b.send(opcode::flush, 0);
    static_cast<void>(b.drain());
    b.send(opcode::write, 0, 2 * lba, 0, 2);
    static_cast<void>(b.drain());
    b.device->interrupt(interruption::power_loss);
    std::vector<std::byte> bytes(2 * lba);
    b.device->zones().peek({{0}, 0}, bytes);
    mixtures.insert(
        {static_cast<char>('0' + static_cast<int>(bytes[0])), static_cast<char>('0' + static_cast<int>(bytes[lba]))});
  }
  CHECK(mixtures == std::set<std::string>{"11", "12", "21", "22"});
}

TEST_CASE("A failed append has landed in any part, nothing is said about where") {
  std::set<std::uint64_t> landed;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    bench b{seed, false};
    b.device->faults().fail_nth({.command = 1, .persistent = false, .only = opcode::append});
    b.send(opcode::append, 1, block);
    const auto done = b.drain();
    REQUIRE(done.size() == 1);
    REQUIRE(done[0].error == zoned::errc::io);
    REQUIRE(done[0].bytes == 0);
    landed.insert(b.written(1));
  }
  CHECK(landed.contains(0));
  CHECK(landed.contains(block));
  CHECK(landed.size() > 4);
}

TEST_CASE("The power never leaves more active zones than the device allows") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    bench b{seed};
    for (std::uint32_t zone = 1; zone < 6; ++zone) {
      b.send(opcode::append, zone, 32 << 10);
      static_cast<void>(b.drain());
      b.send(opcode::append, zone, 32 << 10);
      static_cast<void>(b.drain());
    }
    b.device->interrupt(interruption::power_loss);
    REQUIRE(b.device->zones().machine().active_count() <= 3);
  }
}

TEST_CASE("What an engine may not ask is told") {
  bench b{1};
  b.send(opcode::append, 1, 64 << 10);
  static_cast<void>(b.drain());
  CHECK(!b.device->complaint());
  b.send(opcode::append, 1, block);
  static_cast<void>(b.drain());
  CHECK(b.device->complaint());
}

namespace {

/// Two zones that say that they hold data, and six blocks in each.
void fill_data_zones(bench& b) {
  b.device->lies().allow(false);
  for (const std::uint32_t zone : {1u, 2u}) {
    b.send(opcode::append, zone, block);
    format::zone_header h;
    h.zone = {zone};
    h.generation = 1;
    format::encode(h, std::span{b.segments[b.ids % b.segments.size()].data, block});
    static_cast<void>(b.drain());
    b.send(opcode::append, zone, 6 * block, 0, static_cast<std::uint8_t>(zone));
    static_cast<void>(b.drain());
  }
  b.device->lies().allow(true);
}

[[nodiscard]] std::uint8_t first_other_byte(bench& b, zoned::place at, std::uint8_t expected) {
  std::vector<std::byte> bytes(block);
  b.device->zones().peek(at, bytes);
  for (const std::byte x : bytes)
    if (x != std::byte{expected}) return static_cast<std::uint8_t>(x);
  return expected;
}

}  // namespace

TEST_CASE("Of what the device says that it wrote and did not, and wrote elsewhere, each block is known, and no other") {
  bool elsewhere = false;
  SUBCASE("lost") {}
  SUBCASE("misdirected") { elsewhere = true; }
  std::set<std::uint64_t> spoiled;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    bench b{seed, false};
    b.lies.blocks_max = 8;
    (elsewhere ? b.lies.misdirected_ppm : b.lies.lost_ppm) = 1'000'000;
    b.start(seed);
    fill_data_zones(b);
    b.send(opcode::append, 1, 4 * block, 0, 9);
    const auto done = b.drain();
    REQUIRE(!done[0].error);
    REQUIRE(done[0].bytes == 4 * block);
    std::size_t count = 0;
    for (std::uint32_t zone : {1u, 2u})
      for (std::uint64_t at = block; at < b.written(zone); at += block) {
        const auto expected = static_cast<std::uint8_t>(zone == 1 && at >= 7 * block ? 9 : zone);
        const bool other = first_other_byte(b, {{zone}, at}, expected) != expected;
        REQUIRE(b.device->lies().spoiled(zoned::place{{zone}, at}) == other);
        if (other && zone == 2) spoiled.insert(at);
        count += other ? 1 : 0;
      }
    REQUIRE(count > 0);
    REQUIRE(b.device->lies().counts().lost == (elsewhere ? 0 : 1));
    REQUIRE(b.device->lies().counts().misdirected == (elsewhere ? 1 : 0));
  }
  CHECK(spoiled.size() == (elsewhere ? 6 : 0));
}

TEST_CASE("Data that rot are durable, are other data from then on, and each block is known, and no other") {
  std::set<std::uint64_t> rotten;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    bench b{seed};
    b.lies.blocks_max = 2;
    b.lies.rot_ppm = 1'000'000;
    b.start(seed);
    fill_data_zones(b);
    b.device->lies().allow(false);
    b.send(opcode::flush, 0);
    b.drain();
    b.send(opcode::append, 1, 4 * block, 0, 1);
    b.drain();  // not durable
    b.device->lies().allow(true);
    for (std::uint64_t told = 1; told <= 3; ++told) {
      b.send(opcode::read, 2, block, 0, 0);
      b.drain();
      const std::uint64_t rotted = b.device->lies().counts().rotted;  // the same block, maybe
      REQUIRE((rotted >= std::min<std::uint64_t>(told, 2) && rotted <= told));
    }
    std::size_t count = 0;
    for (std::uint32_t zone : {1u, 2u})
      for (std::uint64_t at = 0; at < b.written(zone); at += block) {
        const auto expected = static_cast<std::uint8_t>(zone);
        const bool other = first_other_byte(b, {{zone}, at}, expected) != expected && at > 0;
        REQUIRE(b.device->lies().spoiled(zoned::place{{zone}, at}) == other);
        if (other && zone == 1) rotten.insert(at);
        count += other ? 1 : 0;
      }
    REQUIRE(count >= 1);  // once more, the same bits may be what they were
    REQUIRE(count <= 2);
  }
  CHECK(!rotten.empty());
  CHECK(*rotten.rbegin() < 7 * block);
}

TEST_CASE("A read that gives other bytes is counted, and the medium is as it was") {
  std::uint64_t stale = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    bench b{seed, false};
    b.lies.stale_ppm = 500'000;
    b.start(seed);
    fill_data_zones(b);
    b.send(opcode::read, 1, block, 3 * block, 0);
    const std::byte* const to = b.segments[b.ids % b.segments.size()].data;
    REQUIRE(b.drain().size() == 1);
    const bool other = std::any_of(to, to + block, [](std::byte x) { return x != std::byte{1}; });
    REQUIRE(b.device->lies().counts().stale == (other ? 1 : 0));
    REQUIRE(first_other_byte(b, {{1}, 3 * block}, 1) == 1);
    stale += other ? 1 : 0;
  }
  CHECK(stale > 20);
  CHECK(stale < 200);
}

TEST_CASE(
    "What others hold denies a zone for data, and one of the journal or of superblocks only where that is asked for") {
  const zoned::geometry g = small_shape();
  bench b{1};
  zoned::memory_zones zones{g, b.promises, zones_of(g)};
  prng chance{1};
  std::vector<std::byte> bytes(block);
  const std::vector<zoned::segment> memory{{bytes.data(), block}};
  const zoned::command append{.op = opcode::append, .zone = {1}, .segments = memory};
  for (const bool deny : {false, true}) {
    zone_fault_weights w;
    w.others_ppm = 1'000'000;
    w.others_active_max = 100;
    w.others_deny_metadata = deny;
    sim::zone_faults faults{w, zones};
    static_cast<void>(faults.befall(chance));
    for (const std::uint64_t ordinal : {0u, 7u}) {
      format::zone_header h;
      h.role = ordinal == 0 ? format::zone_role::data : format::zone_role::metadata;
      h.ordinal = ordinal;
      format::encode(h, bytes);
      CHECK(faults.refuse(append, chance).has_value() == (ordinal == 0 || deny));
    }
    std::ranges::fill(bytes, std::byte{});  // no header: a superblock
    CHECK(faults.refuse(append, chance).has_value() == deny);
    CHECK(faults.counts().refused == (deny ? 3 : 1));
    CHECK(faults.counts().metadata_refused == (deny ? 2 : 0));
    faults.interrupted();
    CHECK(!faults.refuse(append, chance));
  }
}

TEST_CASE("A drive that has times does things in their order, and takes as long") {
  for (const drive d : {drive::zns, drive::smr}) {
    CAPTURE(row_of(d).name);
    bench b{1};
    b.order.times = d;
    b.start(1);
    b.send(opcode::append, 2, 16 * block);
    static_cast<void>(b.drain());
    b.send(opcode::append, 1, 16 * block);
    static_cast<void>(b.drain());
    const nanoseconds begin = b.device->clock().now();
    const zoned::command_id reset = b.send(opcode::reset, 1), read = b.send(opcode::read, 2, block),
                            append = b.send(opcode::append, 3, block), flush = b.send(opcode::flush, 0),
                            next = b.send(opcode::append, 3, block);
    std::vector<zoned::command_id> order;
    zoned::completion one;
    while (b.device->in_flight() > 0) {
      REQUIRE(b.device->reap({&one, 1}) == 1);
      order.push_back(one.id);
      const nanoseconds took = b.device->clock().now() - begin;
      if (one.id == read && d == drive::zns) CHECK((took > 71'000 && took < 100'000));
      if (one.id == append && d == drive::zns) CHECK((took > 11'400 && took < 20'000));
      if (one.id == reset && d == drive::zns) CHECK((took > 15'800'000 && took < 17'400'000));
      if (one.id == read && d == drive::smr) CHECK(took > 10'000'000);  // behind the reset, and the arm is elsewhere
    }
    if (d == drive::zns) {  // nobody waits for the reset
      CHECK(order == std::vector<zoned::command_id>{append, next, flush, read, reset});
    } else {
      CHECK(order == std::vector<zoned::command_id>{reset, read, append, flush, next});
    }
  }
}

TEST_CASE("Appends of one zone of a drive land in their order, and a flush is behind all that were sent before it") {
  for (const drive d : {drive::zns, drive::smr})
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      bench b{seed};
      b.order.times = d;
      b.start(seed);
      for (std::uint32_t i = 0; i < 4; ++i) b.send(opcode::append, 1 + i % 2, block << (seed + i) % 2);
      const zoned::command_id flush = b.send(opcode::flush, 0);
      std::uint64_t last[3] = {}, seen = 0;
      for (const zoned::completion& c : b.drain()) {
        if (c.id == flush) CHECK(seen == 4);
        if (c.id == flush) continue;
        ++seen;
        CHECK(c.at.offset_bytes == last[c.at.zone.value]);
        last[c.at.zone.value] = c.at.offset_bytes + c.bytes;
      }
    }
}
