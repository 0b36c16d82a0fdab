// What the core makes of a zone that was reported: the table of zone_condition.hpp; and a store that meets some of it.
#include "core/zone_condition.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

#include "format/codec.hpp"
#include "format/page.hpp"
#include "format/zone_header.hpp"
#include "support/core_runner.hpp"

using namespace furrow;
using namespace furrow::core;
using namespace furrow::test;
using zoned::zone_condition;
using fate = zone_verdict::fate;
using change = zone_change::kind;

namespace {

constexpr std::uint32_t capacity = 4;

zone_state written(std::uint32_t next, std::uint32_t landed, std::uint8_t failures) {
  zone_state z;
  z.capacity_blocks = capacity;
  z.next_block = next;
  z.landed_blocks = landed;
  z.failures = failures;
  return z;
}

zoned::zone_info reported(zone_condition c, std::uint64_t pointer) {
  return {.index = {0},
          .condition = c,
          .bytes = 1 << 16,
          .capacity_bytes = capacity * block_bytes,
          .write_pointer_bytes = pointer};
}

}  // namespace

TEST_CASE("every report of a small zone gets the verdict of the table") {
  for (std::uint32_t next = 1; next <= capacity; ++next)
    for (std::uint32_t landed = 0; landed <= next; ++landed)
      for (std::uint8_t failures = 0; failures <= zone_failures_max; ++failures) {
        const zone_state z = written(next, landed, failures);
        CHECK(judge(z, reported(zone_condition::read_only, 0)).found == change::read_only);
        CHECK(judge(z, reported(zone_condition::read_only, 0)).then == fate::bad);
        CHECK(judge(z, reported(zone_condition::offline, 0)).found == change::offline);
        CHECK(judge(z, reported(zone_condition::offline, 0)).then == fate::bad);
        const zone_verdict full = judge(z, reported(zone_condition::full, capacity * block_bytes));
        CHECK(full.then == fate::full);
        CHECK((full.found == change::full_early) == (next < capacity));
        CHECK(is_blameless(full));
        for (std::uint64_t pointer = 0; pointer <= capacity * block_bytes; pointer += 512) {
          CAPTURE(next);
          CAPTURE(landed);
          CAPTURE(pointer);
          const zone_verdict v = judge(z, reported(zone_condition::closed, pointer));
          const bool behind = pointer < landed * block_bytes;
          CHECK((v.found == change::pointer_behind) == behind);
          CHECK(is_blameless(v) == v.found.has_value());
          CHECK((v.found == change::pointer_ahead) == (pointer / block_bytes > next));
          if (behind || failures >= zone_failures_max) {
            CHECK(v.then == fate::finish);
          } else if (pointer == capacity * block_bytes) {
            CHECK(v.then == fate::full);
          } else {
            CHECK(v.then == (pointer % block_bytes != 0 ? fate::pad : fate::go_on));
          }
        }
      }
}

TEST_CASE("an error of an append says whether something may have landed") {
  CHECK(refusal_of(zoned::errc::io) == refusal::none);
  CHECK(refusal_of(errc::not_found) == refusal::none);
  CHECK(refusal_of(zoned::errc::cancelled) == refusal::not_begun);
  for (const auto e : {zoned::errc::zone_full, zoned::errc::zone_read_only, zoned::errc::zone_offline,
                       zoned::errc::zone_boundary, zoned::errc::not_sequential})
    CHECK(refusal_of(e) == refusal::by_zone);
  CHECK(refusal_of(zoned::errc::too_many_open) == refusal::by_limit);
  CHECK(refusal_of(zoned::errc::too_many_active) == refusal::by_limit);
}

TEST_CASE("a store goes on when the device turns the zone that it writes to") {
  for (const auto turned : {zone_condition::read_only, zone_condition::offline, zone_condition::full}) {
    CAPTURE(static_cast<int>(turned));
    auto device = device_shape{}.make();
    core_runner r{device};
    r.format_and_open();
    const auto h = r.create("log");
    auto first = pattern(1, 40 << 10), second = pattern(2, 40 << 10);
    r.append(h, first, durability::durable);
    const auto zones = std::get<std::vector<zone_status>>(core_runner::good(r.ask(zones_request{})).result);
    const auto at = std::find_if(zones.begin(), zones.end(),
                                 [](const zone_status& z) { return z.use == zone_use::data && z.open_for_writing; });
    REQUIRE(at != zones.end());
    zoned::zone_info info = device.machine().at(at->device.index);
    info.condition = turned;
    if (turned == zone_condition::full) info.write_pointer_bytes = info.capacity_bytes;
    device.force(info);
    r.events.clear();
    CHECK(r.append(h, second, durability::durable).offset_bytes == first.size());
    CHECK(r.read(h, first.size(), second.size()) == second);
    const auto told = std::find_if(r.events.begin(), r.events.end(),
                                   [](const event& e) { return e.zone && e.zone->what != change::write_failed; });
    REQUIRE(told != r.events.end());
    CHECK(told->zone->zone == at->device.index);
    CHECK(told->zone->found.condition == turned);
    CHECK(told->what == event::kind::zone_changed);
    if (turned != zone_condition::offline) {
      CHECK(r.read(h, 0, first.size()) == first);
      continue;
    }
    std::vector<std::byte> to(first.size());
    const auto n = r.ask(read_request{h, {{0, to}}});
    CHECK(n.error == zoned::errc::zone_offline);
    CHECK(n.detail.zone == at->device.index);
  }
}

TEST_CASE("a zone that is gone when it is to be finished for its credit gives it back") {
  for (const auto turned : {zone_condition::read_only, zone_condition::offline}) {
    CAPTURE(static_cast<int>(turned));
    auto device = device_shape{.active_max = 4}.make();
    core_runner r{device};
    r.format({.page_copies = 1});
    REQUIRE_FALSE(r.open().error);
    const auto h = r.create("log");
    auto first = pattern(1, 40 << 10), second = pattern(2, 40 << 10);
    bool fails = false;
    int finishes = 0;
    r.fail = [&](const zoned::command& c) -> error_code {
      const bool hit = c.op == zoned::opcode::append && std::exchange(fails, false);
      return hit ? error_code{zoned::errc::io} : error_code{};
    };
    r.watch = [&](const zoned::command& c) {
      if (c.op != zoned::opcode::finish) return;
      ++finishes;
      zoned::zone_info info = device.machine().at(c.zone);
      info.condition = turned;
      device.force(info);
    };
    r.append(h, first);
    fails = true;  // the zone is given up for another
    CHECK(r.append(h, second).offset_bytes == first.size());
    CHECK(finishes == 1);
    CHECK(r.read(h, first.size(), second.size()) == second);
  }
}

TEST_CASE("a zone whose header cannot be written, or that cannot be reported, gives its credit back") {
  for (const bool header : {true, false}) {
    CAPTURE(header);
    auto device = device_shape{.active_max = 4}.make();
    core_runner r{device};
    r.format({.page_copies = 1});
    REQUIRE_FALSE(r.open().error);
    const auto h = r.create("log");
    auto first = pattern(1, 40 << 10), second = pattern(2, 40 << 10);
    if (!header) r.append(h, first);
    bool append_fails = true;
    std::uint32_t reports_to_fail = header ? 0 : report_trials_max;
    r.fail = [&](const zoned::command& c) -> error_code {
      if (c.op == zoned::opcode::append && std::exchange(append_fails, false)) return zoned::errc::io;
      if (c.op != zoned::opcode::report || reports_to_fail == 0) return {};
      --reports_to_fail;
      return zoned::errc::io;
    };
    const std::uint64_t begin = header ? 0 : first.size();
    CHECK(r.append(h, second).offset_bytes == begin);
    CHECK(r.read(h, begin, second.size()) == second);
    CHECK_FALSE(append_fails);
    CHECK(reports_to_fail == 0);
  }
}

TEST_CASE("a finish that keeps failing ends: the zone is left as it is, and written on") {
  auto device = device_shape{.active_max = 4}.make();
  core_runner r{device};
  r.format({.page_copies = 1});
  REQUIRE_FALSE(r.open().error);
  const auto h = r.create("log");
  auto first = pattern(1, 40 << 10), second = pattern(2, 40 << 10);
  r.append(h, first);
  bool append_fails = true;
  std::vector<zoned::zone_index> finished;
  r.fail = [&](const zoned::command& c) -> error_code {
    if (c.op == zoned::opcode::append && std::exchange(append_fails, false)) return zoned::errc::io;
    if (c.op != zoned::opcode::finish) return {};
    finished.push_back(c.zone);
    return zoned::errc::io;
  };
  CHECK(r.append(h, second).offset_bytes == first.size());
  REQUIRE(finished.size() == finish_trials_max);
  const auto told = std::find_if(r.events.begin(), r.events.end(),
                                 [](const event& e) { return e.zone && e.zone->what == change::unfinished; });
  REQUIRE(told != r.events.end());
  CHECK(told->zone->zone == finished.front());
  for (int i = 0; i < 20; ++i) r.append(h, first);  // and on in others: this one has become full
  CHECK(r.read(h, first.size(), second.size()) == second);
  CHECK(finished.size() == finish_trials_max);
  CHECK(r.check().damage == 0);
}

TEST_CASE("who finds no zone because one cannot be finished is told which one it is, and does not wait") {
  auto device = device_shape{.active_max = 4}.make();
  core_runner r{device};
  r.format({.page_copies = 1});
  REQUIRE_FALSE(r.open().error);
  const auto h = r.create("log");
  auto first = pattern(1, 40 << 10), second = pattern(2, 40 << 10);
  r.append(h, first);
  std::optional<zoned::zone_index> spoilt;
  r.fail = [&](const zoned::command& c) -> error_code {
    if (c.op == zoned::opcode::append && !spoilt) spoilt = c.zone;
    const bool fails = c.op == zoned::opcode::finish || (c.op == zoned::opcode::append && c.zone == spoilt);
    return fails ? error_code{zoned::errc::io} : error_code{};
  };
  const auto ask = [&] { return r.ask(append_request{h, {{second.data(), second.size()}}, {}}); };
  CHECK(ask().error == zoned::errc::io);
  const notification n = ask();
  CHECK(n.error == zoned::errc::too_many_active);
  CHECK(n.detail.zone == spoilt);
  r.fail = nullptr;
  CHECK(r.read(h, 0, first.size()) == first);
  core_runner::good(r.ask(close_request{}));
  REQUIRE_FALSE(r.open().error);
}

TEST_CASE("pages that land inside blocks, behind others that were cut, are written until they land well") {
  auto device = device_shape{.lba_bytes = 512}.make();
  core_runner r{device};
  r.format_and_open();
  for (int i = 0; i < 20; ++i) static_cast<void>(r.create("log " + std::to_string(i)));
  int left = 60;  // more than any number of pages written at once may fail
  r.spoil = [&](const zoned::command& c, zoned::completion& done) {
    if (c.op == zoned::opcode::append && done.at.offset_bytes != 0 && left > 0) {
      done.at.offset_bytes += 512;
      --left;
    }
  };
  core_runner::good(r.ask(checkpoint_request{}));
  CHECK(left == 0);
  r.spoil = nullptr;
  CHECK(r.check().damage == 0);
}

TEST_CASE("pages that are cut off inside a block of the zone shared with the journal cost no zone") {
  auto device = device_shape{.lba_bytes = 512, .active_max = 5}.make();
  core_runner r{device};
  r.format({.page_copies = 2});
  REQUIRE_FALSE(r.open().error);
  int left = 6;
  r.shorten = [&](const zoned::command& c) -> std::optional<std::uint64_t> {
    const bool page =
        c.op == zoned::opcode::append && format::load_le<std::uint32_t>(c.segments[0].data) == format::page_magic;
    if (!page || left == 0) return {};
    --left;
    return zoned::total_bytes(c.segments) - 512;
  };
  for (int i = 0; i < 12; ++i) {
    static_cast<void>(r.create("log " + std::to_string(i)));
    core_runner::good(r.ask(checkpoint_request{}));
  }
  CHECK(left == 0);
  CHECK(r.stats().zone_finishes == 0);
  CHECK(r.check().damage == 0);
  core_runner::good(r.ask(close_request{}));
  REQUIRE_FALSE(r.open().error);
  CHECK(r.check().damage == 0);
}

TEST_CASE(
    "pages that are cut off in the next zone shared with the journal while the one before is still being padded") {
  device_shape shape{.zones = 40, .zone_bytes = 64 << 10, .capacity_bytes = 64 << 10, .lba_bytes = 512};
  shape.active_max = 4;
  auto device = shape.make();
  core_runner r{device};
  r.format({.page_copies = 1});
  REQUIRE_FALSE(r.open().error);
  std::uint64_t pads = 0, pages = 0;
  r.shorten = [&](const zoned::command& c) -> std::optional<std::uint64_t> {
    const bool page =
        c.op == zoned::opcode::append && format::load_le<std::uint32_t>(c.segments[0].data) == format::page_magic;
    if (!page || ++pages % 3 == 0) return {};
    return zoned::total_bytes(c.segments) - 512;
  };
  r.hold = [&](const zoned::command& c) {
    const bool pad = c.op == zoned::opcode::append && zoned::total_bytes(c.segments) < block_bytes;
    pads += pad ? 1u : 0u;
    return pad;
  };
  for (int i = 0; i < 40; ++i) {
    static_cast<void>(r.create(std::string(700, 'a') + std::to_string(i)));
    core_runner::good(r.ask(checkpoint_request{}));
  }
  CHECK(pads > 20);
  CHECK(r.check().damage == 0);
  core_runner::good(r.ask(close_request{}));
  REQUIRE_FALSE(r.open().error);
  CHECK(r.check().damage == 0);
}

TEST_CASE("a group of the journal goes on where it is cut off, each second time, inside a block and between two") {
  device_shape shape{.lba_bytes = 512};
  shape.promises.append_bytes_max = 8192;
  auto device = shape.make();
  core_runner r{device};
  r.format_and_open();
  std::optional<zoned::zone_index> journal;
  std::uint64_t commands = 0, cuts = 0;
  r.shorten = [&](const zoned::command& c) -> std::optional<std::uint64_t> {
    if (c.op != zoned::opcode::append) return {};
    if (format::load_le<std::uint64_t>(c.segments[0].data) == format::group_magic) journal = c.zone;
    if (c.zone != journal || ++commands % 2 != 0) return {};
    const std::uint64_t all = zoned::total_bytes(c.segments), parts[] = {512, all / 4096 / 2 * 4096, all - 512};
    const std::uint64_t part = parts[++cuts % 3];
    return part == 0 || part >= all ? std::nullopt : std::optional{part};
  };
  constexpr std::uint64_t objects = 150;
  for (std::uint64_t i = 0; i < objects; ++i) static_cast<void>(r.create(std::string(900, 'n') + std::to_string(i)));
  core_runner::good(r.ask(sync_request{}));
  CHECK(cuts > 10);
  CHECK(r.stats().groups < 10);
  CHECK(r.stats().zone_finishes == 0);
  r.shorten = nullptr;
  REQUIRE_FALSE(r.open().error);
  CHECK(r.stats().objects == objects);
  CHECK(r.check().damage == 0);
}

TEST_CASE("a superblock that is cut off again and again is written in the end, each copy") {
  device_shape shape{.lba_bytes = 512};
  auto device = shape.make();
  core_runner r{device};
  r.format_and_open();
  static_cast<void>(r.create("a"));
  std::uint32_t cuts[2] = {0, 0};
  r.shorten = [&](const zoned::command& c) -> std::optional<std::uint64_t> {
    const bool ring = c.zone.value < 2 || c.zone.value + 2 >= device.shape().zone_count;
    if (c.op != zoned::opcode::append || !ring) return {};
    std::uint32_t& of_copy = cuts[c.zone.value < 2 ? 0 : 1];
    return ++of_copy <= 12 ? std::optional{512u * (of_copy % 8)} : std::nullopt;
  };
  core_runner::good(r.ask(checkpoint_request{}));
  CHECK(cuts[0] == 13);
  CHECK(cuts[1] == 13);
  for (const event& e : r.events) CHECK(e.what != event::kind::degraded);
  r.shorten = nullptr;
  REQUIRE_FALSE(r.open().error);
  CHECK(r.stats().objects == 1);
}

TEST_CASE(
    "an append refused for no reason told, in zones made full when all their room was submitted, goes elsewhere") {
  auto device = device_shape{}.make();
  core_runner r{device};
  r.format_and_open();
  const auto h = r.create("log");
  auto bytes = pattern(3, 600 << 10);
  int turns = 4;  // twice as often as a bio may fail
  r.watch = [&](const zoned::command& c) {
    if (c.op != zoned::opcode::append || turns == 0) return;
    zoned::zone_info info = device.machine().at(c.zone);
    if (info.write_pointer_bytes + zoned::total_bytes(c.segments) != info.capacity_bytes) return;
    info.condition = zone_condition::full;
    info.write_pointer_bytes = info.capacity_bytes;
    device.force(info);
    --turns;
  };
  r.spoil = [](const zoned::command& c, zoned::completion& done) {
    if (c.op == zoned::opcode::append && done.error) done.error = zoned::errc::io;
  };
  r.append(h, bytes);
  CHECK(turns == 0);
  CHECK(r.read(h, 0, bytes.size()) == bytes);
}

TEST_CASE("the header of a zone of the journal that is cut off again and again is written in the end") {
  device_shape shape{.lba_bytes = 512};
  auto device = shape.make();
  core_runner r{device};
  r.format_and_open();
  core_runner::good(r.ask(sync_request{}));
  std::optional<zoned::zone_index> next;
  std::uint32_t cuts = 0;
  r.shorten = [&](const zoned::command& c) -> std::optional<std::uint64_t> {
    if (c.op != zoned::opcode::append || zoned::total_bytes(c.segments) != block_bytes) return {};
    const auto h = format::decode_zone_header({c.segments[0].data, block_bytes});
    if (!h || h->ordinal == 0) return {};
    if (next && *next != c.zone) return {};
    next = c.zone;
    return ++cuts <= 12 ? std::optional{512u * (1 + cuts % 7)} : std::nullopt;
  };
  std::uint64_t objects = 0;
  while (cuts < 13) {
    REQUIRE(objects < 1000);
    static_cast<void>(r.create(std::string(900, 'n') + std::to_string(objects++)));
    core_runner::good(r.ask(sync_request{}));
  }
  CHECK(cuts == 13);
  r.shorten = nullptr;
  REQUIRE_FALSE(r.open().error);
  CHECK(r.stats().objects == objects);
  CHECK(r.check().damage == 0);
}
