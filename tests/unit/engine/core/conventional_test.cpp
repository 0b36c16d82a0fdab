// Metadata in conventional zones: where it goes, that what is behind it or was there before is never taken for it, and the
// order of reads.
#include <doctest/doctest.h>

#include "core/limits.hpp"
#include "format/zone_header.hpp"
#include "handwritten_journal.hpp"
#include "support/core_runner.hpp"

using namespace furrow;
using namespace furrow::test;

namespace {

constexpr device_shape some_conventional{.zones = 40, .conventional = 8};

std::vector<zone_status> zones_of(core_runner& r) {
  return std::get<std::vector<zone_status>>(core_runner::good(r.ask(core::zones_request{})).result);
}

bool conventional(const zone_status& z) { return z.device.type == zoned::zone_type::conventional; }

std::size_t metadata_zones(core_runner& r, bool in_conventional) {
  const auto zones = zones_of(r);
  return static_cast<std::size_t>(std::count_if(zones.begin(), zones.end(), [&](const zone_status& z) {
    return z.use == zone_use::metadata && conventional(z) == in_conventional;
  }));
}

void expect_sound(core_runner& r) {
  const core::check_result c = r.check();
  for (const auto& f : c.findings) MESSAGE(f.what);
  CHECK(c.damage == 0);
  for (const core::event& e : r.events) CHECK(e.what != core::event::kind::damage);
  for (const zone_status& z : zones_of(r)) CHECK_FALSE((conventional(z) && z.use == zone_use::data));
}

std::size_t objects_listed(core_runner& r) {
  core::list_request all;
  all.entries_max = core::list_entries_max;
  return std::get<list_page>(core_runner::good(r.ask(all)).result).entries.size();
}

void create_some(core_runner& r, std::uint32_t from, std::uint32_t count) {
  for (std::uint32_t i = from; i < from + count; ++i)
    core_runner::good(r.ask(core::release_request{r.create(std::to_string(i) + std::string(900, 'n'))}));
  core_runner::good(r.ask(core::checkpoint_request{}));
}

}  // namespace

TEST_CASE(
    "metadata goes to conventional zones first, and to sequential ones when these are full, and data never there") {
  for (const bool volatile_cache : {false, true}) {
    CAPTURE(volatile_cache);
    device_shape shape = some_conventional;
    shape.promises.volatile_cache = volatile_cache;
    auto device = shape.make();
    core_runner first{device};
    first.format_and_open();
    create_some(first, 0, 20);
    const auto h = first.create("data");
    auto bytes = pattern(1, 500'000);
    first.append(h, bytes, durability::durable);
    CHECK(metadata_zones(first, true) > 0);
    CHECK(metadata_zones(first, false) == 0);
    std::uint32_t made = 20;
    for (; metadata_zones(first, false) == 0; made += 50) {
      REQUIRE(made < 5000);
      create_some(first, made, 50);
    }
    expect_sound(first);
    CHECK(first.read(h, 0, bytes.size()) == bytes);
    core_runner second{device};  // the first one is gone without a word
    core_runner::good(second.open());
    CHECK(objects_listed(second) == made + 1);
    expect_sound(second);
  }
}

TEST_CASE("conventional zones are used again and again, across lives that end in the middle") {
  device_shape shape = some_conventional;
  shape.conventional = 14;
  auto device = shape.make();
  core_runner{device}.format();
  for (std::uint32_t life = 0; life < 40; ++life) {
    CAPTURE(life);
    core_runner r{device};
    core_runner::good(r.open());
    CHECK(objects_listed(r) == (life > 0 ? 1 : 0));
    const auto n = r.ask(core::open_object_request{0, "log", 0});
    const auto h = n.error ? r.create("log") : std::get<core::opened_object>(n.result).handle;
    for (std::uint32_t i = 0; i < 30; ++i) {
      auto part = pattern(life, 900);
      CHECK(r.append(h, part, durability::durable).offset_bytes == (life * 30 + i) * 900);
      if (i % 7 == life % 7) core_runner::good(r.ask(core::checkpoint_request{}));
    }
    for (std::uint32_t l = 0; l <= life; ++l) CHECK(r.read(h, l * 27000, 900) == pattern(l, 900));
    expect_sound(r);
    CHECK(metadata_zones(r, false) == 0);
  }
  core_runner r{device};
  core_runner::good(r.open());
  const auto zones = zones_of(r);
  CHECK(std::any_of(zones.begin(), zones.end(),
                    [](const zone_status& z) { return conventional(z) && z.generation > 3; }));
}

TEST_CASE("what another store left in conventional zones is nothing to the store that is formatted over it") {
  auto device = some_conventional.make();
  {
    core_runner r{device};
    r.format_and_open();
    create_some(r, 0, 200);
    create_some(r, 200, 20);
  }
  core_runner r{device};
  r.format({.force = true}, std::byte{9});
  core_runner::good(r.open());
  CHECK(objects_listed(r) == 0);
  r.create("one");
  core_runner::good(r.ask(core::sync_request{}));
  core_runner again{device};
  core_runner::good(again.open());
  CHECK(objects_listed(again) == 1);
  expect_sound(again);
}

TEST_CASE("with enough conventional zones a store needs no active zone for metadata, and keeps to them") {
  device_shape shape = some_conventional;
  shape.active_max = 2;  // data, and the second pair of the superblocks'
  const std::uint32_t needed = core::zones_min(1);
  shape.conventional = 2 + needed - 1;
  auto too_few = shape.make();
  core_runner refused{too_few};
  refused.format_refused(errc::too_few_active_zones, "or " + std::to_string(needed) + " conventional zones");
  shape.conventional = 2 + needed;
  auto device = shape.make();
  core_runner r{device};
  r.format_and_open();
  std::uint32_t made = 0;
  for (; made < 40; made += 10) create_some(r, made, 10);
  const auto h = r.create("data");
  auto bytes = pattern(1, 3'000'000);
  r.append(h, bytes, durability::durable);
  CHECK(metadata_zones(r, false) == 0);
  core_runner again{device};
  core_runner::good(again.open());
  CHECK(objects_listed(again) == made + 1);
  expect_sound(again);
}

TEST_CASE("where metadata may not grow nothing is free for appends, though zones for data are, until names go") {
  device_shape shape = some_conventional;
  shape.active_max = 2;  // metadata are confined to the conventional ones
  shape.conventional = 2 + core::zones_min(1);
  auto device = shape.make();
  core_runner r{device};
  r.format_and_open();
  auto bytes = pattern(1, 8 * 4096);
  const auto h = r.create("data");
  r.append(h, bytes);
  CHECK(r.stats().free_bytes > 0);
  std::uint32_t made = 0;
  const auto name = [](std::uint32_t i) { return std::to_string(i) + std::string(900, 'n'); };
  for (;; ++made) {
    REQUIRE(made < 100'000);
    const auto n = r.ask(core::create_request{{.name = name(made)}});
    if (n.error == errc::no_space) break;
    core_runner::good(r.ask(core::release_request{std::get<core::opened_object>(core_runner::good(n).result).handle}));
  }
  CHECK(r.stats().free_bytes == 0);
  CHECK(r.stats().zones_free > 0);
  const auto refused = r.ask(core::append_request{h, {{bytes.data(), bytes.size()}}, {}});
  CHECK(refused.error == errc::no_space);
  REQUIRE(refused.detail.space);
  CHECK(refused.detail.space->what == space_shortage::kind::reserved);
  CHECK(refused.detail.space->free_bytes == 0);
  for (std::uint32_t i = 0; i < made; ++i) core_runner::good(r.ask(core::remove_request{.name = name(i), .id = 0}));
  core_runner::good(r.ask(core::checkpoint_request{}));
  CHECK(r.stats().free_bytes > 0);
  r.append(h, bytes);
  expect_sound(r);
}

TEST_CASE("the search for the journal looks through a conventional zone to its end, past what was there before") {
  handwritten_journal j{conventional_device}, earlier{conventional_device};
  earlier.super.store[0] = std::byte{8};
  j.opened(2, 3);
  j.begin_zone(2);
  const group one = j.put(j.start(), 1), two = j.put(one, 1);
  const group three = j.put(two, 2);
  j.put(two, 1);
  j.put_pages(2);
  j.append(earlier.make(j.start(), 1, 1, 2).bytes);
  j.append(j.make(three, 2, 1, 3).bytes);  // of another use of the zone
  expect_whole(j, {one, two, three});
  const group four = j.put(three, 2);
  expect_whole(j, {one, two, three, four});
}

TEST_CASE("a conventional zone without a whole header is not the journal's, unless its groups are there") {
  handwritten_journal j{conventional_device};
  j.begin_zone(2);
  const group one = j.put(j.start(), 1);
  expect_whole(j, {one});
  SUBCASE("never written") {}
  SUBCASE("a header that was cut off") {
    j.begin_zone(3);
    j.spoil_block({3}, 0);
    j.append(j.make(one, 1, 1, 2).bytes);
  }
  SUBCASE("the header of another use") {
    format::zone_header h = j.header_of(3);
    --h.generation;
    j.begin_zone(3, h);
  }
  expect_whole(j, {one});
  j.begin_zone(4);  // a zone of no account
  expect_whole(j, {one});
}

TEST_CASE("groups behind a spoiled header of a conventional zone are damage") {
  handwritten_journal j{conventional_device};
  j.begin_zone(2);
  const group one = j.put(j.start(), 1);
  j.begin_zone(3);
  const group two = j.put(one, 1);
  expect_whole(j, {one, two}, 3);
  j.spoil_block({3}, 0);
  expect_damage(j, {one}, "the header of a journal zone is damaged", 3);
}

TEST_CASE("no group goes to a conventional zone before the header of the zone is flushed") {
  device_shape shape = some_conventional;
  shape.promises.volatile_cache = true;
  auto device = shape.make();
  core_runner r{device};
  r.format();
  std::map<std::uint32_t, bool> flushed;  // by journal zone: its header
  std::size_t headers = 0;
  r.watch = [&](const zoned::command& c) {
    if (c.op == zoned::opcode::flush)
      for (auto& [zone, done] : flushed) done = true;
    if (c.op != zoned::opcode::write || c.segments.empty()) return;
    const auto h = format::decode_zone_header({c.segments[0].data, zoned::store_block_bytes});
    if (h && h->ordinal > 0) {
      flushed[c.zone.value] = false;
      ++headers;
    } else if (const auto it = flushed.find(c.zone.value); it != flushed.end()) {
      CAPTURE(c.zone.value);
      CHECK(it->second);
    }
  };
  core_runner::good(r.open());
  const auto h = r.create("log");
  auto little = pattern(3, 100);
  for (int i = 0; i < 200; ++i) r.append(h, little, durability::durable);  // a block of the journal each
  CHECK(headers > 2);
}

TEST_CASE("the reads of one request go out by address, and adjacent ones as one") {
  auto device = device_shape{}.make();
  core_runner r{device};
  r.format_and_open();
  const auto h = r.create("o");
  auto bytes = pattern(3, 40 * 4096);
  r.append(h, bytes);
  std::vector<std::uint64_t> begins;
  std::uint64_t total = 0;
  r.watch = [&](const zoned::command& c) {
    if (c.op != zoned::opcode::read) return;
    begins.push_back(c.zone.value * device.shape().zone_bytes + c.offset_bytes);
    total += zoned::total_bytes(c.segments);
  };
  std::vector<std::byte> to(bytes.size());
  core::read_request request{h, {}};
  const auto range = [&](std::uint64_t first, std::uint64_t blocks) {
    request.ranges.push_back({first * 4096, std::span{to}.subspan(first * 4096, blocks * 4096)});
  };
  SUBCASE("far apart") {
    for (const std::uint64_t first : {30u, 2u, 20u, 9u}) range(first, 1);
    core_runner::good(r.ask(std::move(request)));
    CHECK(begins.size() == 4);
    CHECK(std::is_sorted(begins.begin(), begins.end()));
    CHECK(std::equal(to.begin() + 9 * 4096, to.begin() + 10 * 4096, bytes.begin() + 9 * 4096));
  }
  SUBCASE("adjacent") {
    for (const std::uint64_t first : {8u, 0u, 4u, 12u, 32u}) range(first, 4);
    core_runner::good(r.ask(std::move(request)));
    CHECK(begins.size() == 2);
    CHECK(total == 20 * 4096);
    CHECK(std::equal(to.begin(), to.begin() + 16 * 4096, bytes.begin()));
  }
}
