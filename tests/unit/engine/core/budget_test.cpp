// Zones as a budget: few of them, for many objects, over many opens; and what is said when there are none.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "support/core_runner.hpp"

namespace furrow::test {
namespace {

constexpr std::uint64_t block = 4096;

std::uint64_t zones_used(core_runner& store) {
  const auto n = store.ask(core::zones_request{});
  const auto& all = std::get<std::vector<zone_status>>(n.result);
  return static_cast<std::uint64_t>(
      std::ranges::count_if(all, [](const zone_status& z) { return z.use == zone_use::data && z.live_blocks > 0; }));
}

void reopen(core_runner& store) {
  core_runner::good(store.ask(core::close_request{}));
  core_runner::good(store.open());
}

core::handle_id open_object(core_runner& store, const std::string& name) {
  core::open_object_request r;
  r.name = name;
  return std::get<core::opened_object>(core_runner::good(store.ask(r)).result).handle;
}

}  // namespace

TEST_CASE("a hundred opens with a small append each fill the same zones as one open does") {
  for (const std::uint32_t active_max : {4u, 5u, 14u}) {
    CAPTURE(active_max);
    std::uint64_t used[2] = {}, finishes = 0;
    for (const bool reopens : {false, true}) {
      device_shape shape;
      shape.active_max = active_max;
      zoned::memory_zones zones = shape.make();
      core_runner store{zones};
      store.format_and_open();
      core::handle_id h = store.create("a");
      std::vector<std::byte> part = pattern(1, block);
      for (int i = 0; i < 100; ++i) {
        store.append(h, part);
        if (!reopens) continue;
        finishes += store.stats().zone_finishes;
        reopen(store);
        h = open_object(store, "a");
      }
      used[reopens ? 1 : 0] = zones_used(store);
      CHECK(store.check().damage == 0);
    }
    CHECK(used[1] == used[0]);
    CHECK(finishes == 0);
  }
}

TEST_CASE("whatever bound of the journal is asked for, there is room for data") {
  for (const std::uint64_t most :
       {std::uint64_t{1}, std::uint64_t{1} << 40, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    CAPTURE(most);
    store_options o;
    o.recovery_journal_bytes_max = most;
    const device_shape shape;
    zoned::memory_zones zones = shape.make();
    core_runner store{zones, o};
    store.format_and_open();
    const core::handle_id h = store.create("a");
    std::vector<std::byte> one = pattern(1, block);
    store.append(h, one);
    CHECK(store.stats().capacity_bytes > 0);
    CHECK(store.stats().reserved_bytes > 0);
    CHECK(store.check().damage == 0);
  }
}

TEST_CASE("ten thousand objects share the one zone that four active ones leave to data, and each has its turn") {
  constexpr std::size_t objects = 10'000;
  constexpr std::uint64_t rounds = 3;
  device_shape shape{.zones = 64, .zone_bytes = 4 << 20, .capacity_bytes = 4 << 20};
  shape.active_max = 4;
  zoned::memory_zones zones = shape.make();
  core_runner store{zones};
  store.format({.page_copies = 1});
  core_runner::good(store.open());
  std::vector<core::handle_id> handles;
  for (std::size_t i = 0; i < objects; ++i) handles.push_back(store.create("object " + std::to_string(i)));
  std::vector<std::byte> part = pattern(1, block);
  std::map<std::uint64_t, std::size_t> asked;
  std::vector<std::uint64_t> done(objects, 0);
  const auto ask = [&](std::size_t i) {
    append_options o;
    o.hint = static_cast<lifetime>(i % 5);
    asked[store.ask_later(core::append_request{handles[i], {{part.data(), part.size()}}, o})] = i;
  };
  std::uint64_t answered = 0, ahead = 0, most_apart = 0;
  const auto take = [&] {
    for (const auto& [id, n] : std::exchange(store.answers, {})) {
      core_runner::good(n);
      const std::size_t i = asked.extract(id).mapped();
      ahead = std::max(ahead, ++done[i]);
      if (++answered % objects == 0) most_apart = std::max(most_apart, ahead - *std::ranges::min_element(done));
      if (answered + asked.size() < objects * rounds) ask(i);
    }
  };
  for (std::size_t i = 0; i < objects; ++i) ask(i);
  store.watch = [&](const zoned::command&) { take(); };
  store.run();
  take();
  store.watch = nullptr;
  CHECK(answered == objects * rounds);
  CHECK(most_apart <= 1);
  CHECK(store.stats().zone_finishes == 0);
}

namespace {

/// Appends until it is refused; what was told then.
error_detail fill(core_runner& store, core::handle_id h, std::uint64_t blocks) {
  std::vector<std::byte> part = pattern(1, blocks * block);
  for (int i = 0; i < 100'000; ++i) {
    auto n = store.ask(core::append_request{h, {{part.data(), part.size()}}, {}});
    if (!n.error) continue;
    CHECK(n.error == errc::no_space);
    REQUIRE(n.detail.space);
    return n.detail;
  }
  FAIL("never full");
  return {};
}

}  // namespace

TEST_CASE("a full store says that all is live, and goes on without an open when something is deleted") {
  device_shape shape;
  shape.active_max = 4;
  zoned::memory_zones zones = shape.make();
  core_runner store{zones};
  store.format({.page_copies = 1});
  core_runner::good(store.open());
  const core::handle_id kept = store.create("kept");
  std::vector<std::byte> part = pattern(1, 40 * block);
  for (int i = 0; i < 5; ++i) store.append(kept, part);
  const core::handle_id h = store.create("a");
  const error_detail why = fill(store, h, 8);
  CHECK(why.space->what != space_shortage::kind::reclaimable);
  CHECK(why.space->what != space_shortage::kind::active_zones);
  CHECK(why.space->wanted_bytes == 8 * block);
  CHECK(why.space->free_bytes < 8 * block);
  CHECK(why.space->reserved_bytes == store.stats().reserved_bytes);
  CHECK(why.space->zones_active_max == 4);
  CHECK_FALSE(why.what.empty());
  core::truncate_request t;
  t.handle = kept;
  core_runner::good(store.ask(t));
  for (int i = 0; i < 4; ++i) store.append(kept, part);
  CHECK(store.check().damage == 0);
  CHECK(store.stats().finishes_waited == 0);
}

TEST_CASE("a store that does not clean says that what is dead could be won") {
  zoned::memory_zones zones = device_shape{}.make();
  store_options options;
  options.background_cleaning = false;
  core_runner store{zones, options};
  store.format_and_open();
  const core::handle_id h = store.create("a");
  fill(store, h, 8);
  core::zero_request z;
  z.handle = h;
  z.bytes = block;
  for (std::uint64_t b = 0; b < 300; b += 2) {
    z.offset_bytes = b * block;
    core_runner::good(store.ask(z));
  }
  const error_detail why = fill(store, h, 8);
  CHECK(why.space->what == space_shortage::kind::reclaimable);
  CHECK(why.space->reclaimable_bytes >= 150 * block);
}

TEST_CASE("where others hold the active zones a store says so, and goes on when they give them back") {
  zoned::memory_zones zones = device_shape{}.make();
  core_runner store{zones};
  store.format_and_open();
  const core::handle_id h = store.create("a");
  std::vector<std::byte> part = pattern(1, 8 * block);
  store.fail = [&](const zoned::command& c) {
    const bool begins = c.op == zoned::opcode::append && c.segments.size() == 1 && c.segments[0].bytes == block;
    return begins ? error_code{zoned::errc::too_many_active} : error_code{};
  };
  const auto n = store.ask(core::append_request{h, {{part.data(), part.size()}}, {}});
  CHECK(n.error == zoned::errc::too_many_active);
  REQUIRE(n.detail.space);
  CHECK(n.detail.space->what == space_shortage::kind::active_zones);
  store.fail = nullptr;
  CHECK(store.append(h, part).offset_bytes == 0);
  CHECK(store.stats().limit_refusals > 0);
}

TEST_CASE("zones say what keeps them") {
  zoned::memory_zones zones = device_shape{}.make();
  core_runner store{zones};
  store.format_and_open();
  const core::handle_id h = store.create("a");
  std::vector<std::byte> part = pattern(1, 100 * block);
  store.append(h, part);
  core::map_request m;
  m.handle = h;
  m.bytes = block;
  core_runner::good(store.ask(m));
  const auto of = [&store](zone_use use) {
    const auto n = store.ask(core::zones_request{});
    std::vector<zone_status> some;
    for (const zone_status& z : std::get<std::vector<zone_status>>(n.result))
      if (z.use == use) some.push_back(z);
    return some;
  };
  const auto has = [](const zone_status& z, zone_keeper k) { return std::ranges::count(z.kept_by, k) == 1; };
  auto data = of(zone_use::data);
  REQUIRE(data.size() >= 2);
  CHECK(has(data[0], zone_keeper::live_blocks));
  CHECK(has(data[0], zone_keeper::view));
  CHECK_FALSE(has(data[0], zone_keeper::open));
  CHECK_FALSE(has(data[1], zone_keeper::view));
  CHECK(std::ranges::any_of(data, [&](const zone_status& z) { return has(z, zone_keeper::open); }));
  core::remove_request r;
  r.name = "a";
  core_runner::good(store.ask(r));
  core_runner::good(store.ask(core::release_request{h}));
  core_runner::good(store.ask(core::sync_request{}));
  data = of(zone_use::data);
  REQUIRE_FALSE(data.empty());
  CHECK(data[0].kept_by == std::vector{zone_keeper::view});
  CHECK(
      std::ranges::any_of(of(zone_use::metadata), [&](const zone_status& z) { return has(z, zone_keeper::journal); }));
  CHECK(of(zone_use::superblock).size() == 4);
  for (const zone_status& z : of(zone_use::free))
    CHECK((z.kept_by.empty() || z.kept_by == std::vector{zone_keeper::next_journal}));
}

TEST_CASE("a device that lets fewer zones be open than a store writes to is refused, with the number") {
  device_shape shape;
  shape.open_max = 3;
  zoned::memory_zones zones = shape.make();
  core_runner store{zones};
  store.format_refused(errc::too_few_active_zones, "3 open zones; a store with 1 page copy writes to 4");
}

TEST_CASE("the next zone is prepared before the one before it is full, where that takes nobody's share") {
  for (const std::uint32_t active_max : {4u, 14u}) {
    device_shape shape{.zones = 48};
    shape.active_max = active_max;
    zoned::memory_zones zones = shape.make();
    core_runner store{zones};
    store.format({.page_copies = 1});
    core_runner::good(store.open());
    const core::handle_id h = store.create("a");
    std::vector<std::byte> part = pattern(1, block);
    for (int i = 0; i < 200; ++i) store.append(h, part);
    CHECK(store.stats().zones_prepared == (active_max == 4 ? 0 : 4));
    CHECK(store.stats().zone_finishes == 0);
    reopen(store);
    CHECK(store.read(open_object(store, "a"), 199 * block, block) == part);
  }
}

namespace {

constexpr zoned::zone_index left{22}, taken{23};  // the superblock's second pair

std::function<error_code(const zoned::command&)> not_to_be_written(zoned::zone_index zone) {
  return [zone](const zoned::command& c) -> error_code {
    const bool written = c.op == zoned::opcode::append || c.op == zoned::opcode::finish;
    return c.zone == zone && written ? error_code{zoned::errc::io} : error_code{};
  };
}

}  // namespace

TEST_CASE("a zone of the superblock that could not be left is finished after another open") {
  auto device = device_shape{}.make();
  core_runner r{device};
  r.format_and_open();
  r.fail = not_to_be_written(left);
  core_runner::good(r.ask(core::checkpoint_request{}));
  const auto is_active = [&device](zoned::zone_index zone) {
    return zoned::is_active(device.machine().at(zone).condition);
  };
  REQUIRE(is_active(left));
  REQUIRE(is_active(taken));
  r.fail = nullptr;
  core_runner::good(r.open());
  core_runner::good(r.ask(core::checkpoint_request{}));
  CHECK_FALSE(is_active(left));
  CHECK(is_active(taken));
}

TEST_CASE("a store that is closed while its journal waits for a credit begins nothing more") {
  const auto name_of = [](char c, int i) { return std::string(900, c) + std::to_string(i); };
  for (int more = 20; more < 30; ++more) {
    CAPTURE(more);  // with one of them the journal's zone is full when the store is closed
    device_shape shape{
        .zones = 40, .zone_bytes = 128 << 10, .capacity_bytes = (116 << 10) + 512, .lba_bytes = 512, .active_max = 7};
    auto device = shape.make();
    core_runner r{device};
    r.format({.page_copies = 1});
    core_runner::good(r.open());
    const auto make = [&r](const std::string& name) {
      static_cast<void>(r.create(name));
      core_runner::good(r.ask(core::sync_request{}));
    };
    for (int i = 0; i < 25; ++i) make(name_of('a', i));
    core_runner::good(r.ask(core::checkpoint_request{}));
    std::vector<std::byte> bytes = pattern(1, block);
    const core::handle_id h = r.create("data");
    r.append(h, bytes);
    core_runner::good(r.ask(core::release_request{h}));
    r.fail = [](const zoned::command& c) {
      return c.op == zoned::opcode::finish ? error_code{zoned::errc::io} : error_code{};
    };
    for (int i = 0; i < more; ++i) make(name_of('b', i));
    const std::uint64_t close = r.ask_later(core::close_request{});
    std::uint64_t late = 0;
    r.watch = [&](const zoned::command&) { late += r.answers.contains(close) ? 1u : 0u; };
    r.run();
    CHECK_FALSE(r.answers.at(close).error);
    CHECK(late == 0);
  }
}

TEST_CASE("a zone that the superblock takes has its credit before it is written, beside one that cannot be left") {
  device_shape shape;
  shape.active_max = 5;
  auto device = shape.make();
  core_runner r{device};
  r.format({.page_copies = 1});
  core_runner::good(r.open());
  const core::handle_id h = r.create("a");
  std::vector<std::byte> bytes = pattern(1, block);
  r.fail = not_to_be_written(left);
  std::uint64_t asked = 0, looks = 0;
  r.watch = [&](const zoned::command& c) {  // the last credit is asked for when the other zone is about to be taken
    if (c.zone != left || c.op != zoned::opcode::report || ++looks != 3) return;
    asked = r.ask_later(core::append_request{h, {{bytes.data(), bytes.size()}}, {}});
  };
  core_runner::good(r.ask(core::checkpoint_request{}));
  r.run();
  REQUIRE(asked != 0);
  CHECK(r.stats().limit_refusals == 0);
  CHECK(zoned::is_active(device.machine().at(left).condition));
  CHECK(zoned::is_active(device.machine().at(taken).condition));
  CHECK_FALSE(r.answers.at(asked).error);
}

TEST_CASE("the superblock is written beside a zone of its that cannot be finished, though no other may become active") {
  device_shape shape;
  shape.active_max = 5;
  auto device = shape.make();
  core_runner r{device};
  r.format({.page_copies = 1});
  core_runner::good(r.open());
  r.fail = not_to_be_written(left);
  core_runner::good(r.ask(core::checkpoint_request{}));
  std::vector<std::byte> bytes = pattern(1, block);
  r.append(r.create("a"), bytes);
  REQUIRE(r.stats().zones_active == 5);
  const std::uint64_t before = device.machine().at(taken).write_pointer_bytes;
  core_runner::good(r.ask(core::checkpoint_request{}));
  CHECK(device.machine().at(taken).write_pointer_bytes == before + block);
  CHECK(std::ranges::count(r.events, event::kind::degraded, &core::event::what) == 0);
  CHECK(zoned::is_active(device.machine().at(left).condition));
}

TEST_CASE("a zone of the superblock that cannot be reset counts as active as long as the device says so") {
  for (const bool turns : {false, true}) {
    CAPTURE(turns);
    device_shape shape;
    shape.active_max = 6;
    auto device = shape.make();
    core_runner r{device};
    r.format({.page_copies = 1});
    core_runner::good(r.open());
    const auto active_of_device = [&device, &shape] {
      std::uint64_t n = 0;
      for (std::uint32_t i = 0; i < shape.zones; ++i)
        n += zoned::is_active(device.machine().at({i}).condition) ? 1u : 0u;
      return n;
    };
    std::uint64_t resets = 0;
    r.fail = [&](const zoned::command& c) -> error_code {
      const bool reset = c.zone == taken && c.op == zoned::opcode::reset;
      if (reset && ++resets == 1 && turns) {
        zoned::zone_info info = device.machine().at(taken);
        info.condition = zoned::zone_condition::read_only;
        device.force(info);
      }
      return reset ? error_code{zoned::errc::io} : not_to_be_written(left)(c);
    };
    r.spoil = [&](const zoned::command& c, zoned::completion& done) {  // it has landed, but is not known to
      if (c.zone == taken && c.op == zoned::opcode::append) done.error = zoned::errc::io;
    };
    for (int i = 0; i < 3; ++i) {
      CAPTURE(i);
      core_runner::good(r.ask(core::checkpoint_request{}));
      CHECK(r.stats().zones_active == active_of_device());
    }
    CHECK(resets > 0);
    r.fail = nullptr;
    r.spoil = nullptr;
    reopen(r);
    CHECK(r.check().damage == 0);
  }
}

TEST_CASE("a zone of the superblock that turns read-only or offline gives its credit back") {
  for (const auto condition : {zoned::zone_condition::read_only, zoned::zone_condition::offline}) {
    CAPTURE(static_cast<int>(condition));
    device_shape shape;
    shape.active_max = 4;
    auto device = shape.make();
    core_runner r{device};
    r.format({.page_copies = 1});
    core_runner::good(r.open());
    zoned::zone_info turned = device.machine().at({22});
    REQUIRE(zoned::is_active(turned.condition));
    turned.condition = condition;
    device.force(turned);
    core_runner::good(r.ask(core::checkpoint_request{}));
    REQUIRE(zoned::is_active(device.machine().at({23}).condition));
    CHECK(r.stats().zones_active == 3);
    std::vector<std::byte> bytes = pattern(1, 60 * block);  // more than a zone
    r.append(r.create("a"), bytes);
    CHECK(r.stats().zones_active == 4);
    reopen(r);
    CHECK(r.read(open_object(r, "a"), 0, bytes.size()) == bytes);
  }
}

namespace {

struct power_cut {};

/// Opens, asks for a checkpoint, and ends before the superblock that would name its pages.
void cut_a_checkpoint(core_runner& store, const zoned::memory_zones& zones) {
  const std::uint32_t count = zones.shape().zone_count;
  store.events.clear();
  store.watch = [count, &store](const zoned::command& c) {
    const bool ring = c.zone.value < 2 || c.zone.value + 2 >= count;
    if (ring && std::ranges::count(store.events, event::kind::checkpoint_begun, &core::event::what) > 0)
      throw power_cut{};
  };
  const auto open_and_ask = [&store] {
    static_cast<void>(store.open());
    static_cast<void>(store.ask(core::checkpoint_request{}));
  };
  CHECK_THROWS_AS(open_and_ask(), power_cut);
  store.watch = nullptr;
}

constexpr int named_objects = 60;

/// A device of few zones with objects of a tail each, of which fifty opens have each had a checkpoint cut.
zoned::memory_zones zones_of_cut_checkpoints(std::uint8_t copies, bool volatile_cache) {
  device_shape shape{.zones = 20u + 4u * copies, .zone_bytes = 256 << 10, .capacity_bytes = 256 << 10};
  shape.active_max = 3u + copies;
  shape.promises.volatile_cache = volatile_cache;
  zoned::memory_zones zones = shape.make();
  core_runner store{zones};
  store.format({.page_copies = copies});
  core_runner::good(store.open());
  std::vector<std::byte> tail = pattern(1, 1000);
  for (int i = 0; i < named_objects; ++i)
    store.append(store.create("object " + std::to_string(i)), tail, durability::durable);
  for (int i = 0; i < 50; ++i) {
    CAPTURE(i);
    cut_a_checkpoint(store, zones);
  }
  return zones;
}

void check_objects(core_runner& store) {
  CHECK(store.check().damage == 0);
  for (int i = 0; i < named_objects; ++i)
    CHECK(store.read(open_object(store, "object " + std::to_string(i)), 0, 1000) == pattern(1, 1000));
}

}  // namespace

TEST_CASE("fifty checkpoints that were cut one after the other keep no zone that the next one needs") {
  for (const std::uint8_t copies : {std::uint8_t{1}, std::uint8_t{2}}) {
    CAPTURE(copies);
    zoned::memory_zones zones = zones_of_cut_checkpoints(copies, false);
    core_runner store{zones};
    core_runner::good(store.open());
    core_runner::good(store.ask(core::checkpoint_request{}));
    CHECK(store.check().damage == 0);
    const core::handle_id h = store.create("behind");
    std::vector<std::byte> part = pattern(2, 40 * block);
    for (int i = 0; i < 5; ++i) store.append(h, part);
    check_objects(store);
  }
}

TEST_CASE("whichever command fails of a checkpoint that keeps off the journal's zone, the next open has all") {
  for (const std::uint8_t copies : {std::uint8_t{1}, std::uint8_t{2}}) {
    const zoned::memory_zones zones = zones_of_cut_checkpoints(copies, true);
    bool has_failed = true;
    std::uint64_t failing = 0;
    for (; has_failed; ++failing) {
      CAPTURE(failing);
      zoned::memory_zones copy = zones;
      core_runner store{copy};
      std::uint64_t seen = 0;
      store.fail = [&](const zoned::command& c) {
        const bool may = c.op == zoned::opcode::append || c.op == zoned::opcode::flush;
        return may && seen++ == failing ? error_code{zoned::errc::io} : error_code{};
      };
      if (!store.open().error) {
        create_options o;
        o.name = "beside";
        store.ask_later(core::checkpoint_request{});
        store.ask_later(core::create_request{o});
        static_cast<void>(store.ask(core::sync_request{}));
      }
      has_failed = seen > failing;
      store.fail = nullptr;
      core_runner::good(store.open());
      check_objects(store);
    }
    CHECK(failing > 10);
  }
}

namespace {

/// Objects of nothing but a tail come and go at random on a device that completes every fifth append in part, until 3,000 of
/// them have; no_space is an answer.
void churn_tails(core_runner& store, std::uint32_t seed) {
  constexpr std::uint32_t objects = 300, steps = 3000, checkpoint_one_in = 30, shortened_one_in = 5;
  std::mt19937 random{seed};
  store.shorten = [&random](const zoned::command& c) -> std::optional<std::uint64_t> {
    const std::uint64_t bytes = zoned::total_bytes(c.segments);
    if (c.op != zoned::opcode::append || bytes < 1024 || random() % shortened_one_in != 0) return std::nullopt;
    return 512 + random() % (bytes / 512 - 1) * 512;
  };
  std::vector<std::byte> tail = pattern(1, 3000);
  std::vector<bool> there(objects, false);
  for (std::uint32_t i = 0; i < steps; ++i) {
    const std::size_t k = random() % objects;
    create_options o;
    o.name = "object " + std::to_string(k);
    if (there[k]) {
      core_runner::good(store.ask(core::remove_request{.collection = default_collection, .name = o.name, .id = 0}));
      there[k] = false;
    } else if (const auto n = store.ask(core::create_request{o}); !n.error) {
      there[k] = true;
      const core::handle_id h = std::get<core::opened_object>(n.result).handle;
      static_cast<void>(store.ask(core::append_request{h, {{tail.data(), tail.size()}}, {}}));
      core_runner::good(store.ask(core::release_request{h}));
    } else {
      REQUIRE(n.error == errc::no_space);
    }
    if (random() % checkpoint_one_in == 0) core_runner::good(store.ask(core::checkpoint_request{}));
  }
  CHECK(store.check().damage == 0);
}

}  // namespace

TEST_CASE("where what changes takes most zones that are left, sparse zones of pages are emptied all the same") {
  device_shape shape{.zones = 23, .zone_bytes = 80 << 10, .capacity_bytes = 80 << 10, .lba_bytes = 512};
  shape.active_max = 5;
  store_options options;
  options.checkpoint_journal_bytes_min = 16 << 10;
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    zoned::memory_zones zones = shape.make();
    core_runner store{zones, options};
    store.format({.page_copies = 2});
    core_runner::good(store.open());
    churn_tails(store, seed);
  }
}

}  // namespace furrow::test
