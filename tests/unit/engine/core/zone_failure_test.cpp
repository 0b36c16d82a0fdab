// Zones in which something fails for a while or for good, or that somebody else writes to: what becomes of them, that what lives in
// them stays what it is, and that others are used in their place.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "core/limits.hpp"
#include "support/core_runner.hpp"

namespace furrow::test {
namespace {

using zoned::zone_condition;
using change = zone_change::kind;

constexpr std::uint64_t block = 4096;

bool is_data_append(const zoned::command& c) {
  return c.op == zoned::opcode::append && c.zone.value > 1 && zoned::total_bytes(c.segments) > 8 * block;
}

class world {
 public:
  explicit world(const device_shape& shape = {}) : zones{shape.make()}, store{zones} {
    store.format({.page_copies = 1});
    core_runner::good(store.open());
  }
  core::handle_id make(const std::string& name, std::uint64_t bytes) {
    const auto h = store.create(name);
    std::vector<std::byte> content = pattern(content_.size() + 1, bytes);
    store.append(h, content, durability::durable);
    content_.emplace_back(h, std::move(content));
    return h;
  }
  void expect_whole() {
    for (const auto& [h, bytes] : content_) REQUIRE(store.read(h, 0, bytes.size()) == bytes);
    CHECK(store.check().damage == 0);
  }
  void churn(int rounds) {
    std::vector<std::byte> bytes = pattern(1000, 40 * block);
    for (int i = 0; i < rounds; ++i) {
      const auto h = store.create("churn");
      store.append(h, bytes);
      core_runner::good(store.ask(core::release_request{h}));
      core_runner::good(store.ask(core::remove_request{0, "churn", 0}));
      core_runner::good(store.ask(core::sync_request{}));
    }
  }
  void turn(zoned::zone_index z, zone_condition to) {
    zoned::zone_info info = zones.machine().at(z);
    info.condition = to;
    zones.force(info);
  }
  zone_status at(zoned::zone_index z) {
    return std::get<std::vector<zone_status>>(core_runner::good(store.ask(core::zones_request{})).result)[z.value];
  }
  [[nodiscard]] std::size_t told(change what, std::optional<zoned::zone_index> z = {}) const {
    return static_cast<std::size_t>(std::count_if(store.events.begin(), store.events.end(), [&](const event& e) {
      return e.zone && e.zone->what == what && (!z || e.zone->zone == z);
    }));
  }
  /// Somebody else's bytes behind the write pointer.
  void write_behind(zoned::zone_index z, std::uint64_t blocks) {
    std::vector<std::byte> theirs = pattern(77, blocks * block);
    const zoned::segment part{theirs.data(), theirs.size()};
    zoned::command c;
    c.op = zoned::opcode::append;
    c.zone = z;
    c.segments = {&part, 1};
    REQUIRE_FALSE(zones.execute(c).error);
  }

  zoned::memory_zones zones;
  core_runner store;

 private:
  std::vector<std::pair<core::handle_id, std::vector<std::byte>>> content_;
};

}  // namespace

TEST_CASE("what somebody else writes to a zone between our blocks is told, and ours are where they landed") {
  for (const std::uint64_t blocks : {1u, 30u}) {
    CAPTURE(blocks);
    world w;
    std::optional<zoned::zone_index> met;
    w.store.watch = [&](const zoned::command& c) {
      if (!is_data_append(c) || met) return;
      met = c.zone;
      w.write_behind(c.zone, blocks);
    };
    w.make("a", 10 * block);
    REQUIRE(met);
    CHECK(w.told(change::pointer_ahead, met) == 1);
    for (int i = 0; i < 6; ++i) w.make(std::to_string(i), 10 * block + 5);
    w.expect_whole();
  }
}

TEST_CASE("a zone that was cut off inside a block and cannot be padded is finished") {
  world w{{.lba_bytes = 512}};
  std::optional<zoned::zone_index> cut;
  bool padding_failed = false;
  w.store.shorten = [&](const zoned::command& c) -> std::optional<std::uint64_t> {
    if (!is_data_append(c) || cut) return {};
    cut = c.zone;
    return zoned::total_bytes(c.segments) - 512;
  };
  w.store.fail = [&](const zoned::command& c) {
    const bool pads = c.op == zoned::opcode::append && zoned::total_bytes(c.segments) < block;
    padding_failed = padding_failed || pads;
    return pads ? error_code{zoned::errc::io} : error_code{};
  };
  w.make("a", 10 * block);
  w.make("b", 10 * block);
  REQUIRE(cut);
  CHECK(padding_failed);
  CHECK(w.zones.machine().at(*cut).condition == zone_condition::full);
  w.expect_whole();
}

TEST_CASE("a zone in which writes fail use after use is retired, and stays so over an open") {
  device_shape several;  // writes at a time to a zone
  several.promises.append_bytes_max = 10 * block;
  several.promises.appends_per_zone_max = 4;
  world w{several};
  w.make("kept", 20 * block);
  std::optional<zoned::zone_index> bad;
  w.store.fail = [&](const zoned::command& c) {
    if (c.op != zoned::opcode::append || zoned::total_bytes(c.segments) < 9 * block) return error_code{};
    if (!bad && w.zones.machine().at(c.zone).write_pointer_bytes == block) bad = c.zone;
    return bad == c.zone ? error_code{zoned::errc::io} : error_code{};
  };
  w.churn(300);
  REQUIRE(bad);
  CHECK(w.told(change::retired, bad) == 1);
  CHECK(w.at(*bad).bad);
  w.expect_whole();
  w.store.fail = nullptr;
  core_runner::good(w.store.ask(core::close_request{}));
  core_runner::good(w.store.open());
  CHECK(w.at(*bad).bad);
}

TEST_CASE("where no zone's header can be written an append fails with the reason, and goes on when they can be") {
  for (const bool lands_short : {false, true}) {
    CAPTURE(lands_short);
    world w;
    const auto h = w.store.create("a");
    std::vector<std::byte> bytes = pattern(1, 10 * block);
    int left = lands_short ? 3 : 1000;
    const auto is_header = [&](const zoned::command& c) {
      return c.op == zoned::opcode::append && c.zone.value > 1 && w.zones.machine().at(c.zone).write_pointer_bytes == 0;
    };
    if (lands_short)
      w.store.spoil = [&](const zoned::command& c, zoned::completion& done) {
        if (c.op != zoned::opcode::append || c.zone.value < 2 || done.at.offset_bytes != 0 || left == 0) return;
        --left;
        done.bytes = 0;
      };
    else
      w.store.fail = [&](const zoned::command& c) {
        return is_header(c) && left-- > 0 ? error_code{zoned::errc::io} : error_code{};
      };
    const auto n = w.store.ask(core::append_request{h, {{bytes.data(), bytes.size()}}, {}});
    if (lands_short)
      CHECK_FALSE(n.error);
    else
      CHECK(n.error == zoned::errc::io);
    w.store.fail = nullptr;
    w.store.spoil = nullptr;
    const auto again = w.store.append(h, bytes);
    CHECK(w.store.read(h, again.offset_bytes, bytes.size()) == bytes);
    CHECK(w.store.check().damage == 0);
  }
}

TEST_CASE(
    "zones that hold no whole number of blocks are finished when they are full, or are gone, or keep their credit") {
  enum class how { finished, fails_once, fails, offline, read_only };
  for (const how h : {how::finished, how::fails_once, how::fails, how::offline, how::read_only}) {
    CAPTURE(static_cast<int>(h));
    world w{{.capacity_bytes = (192 << 10) - 512, .lba_bytes = 512, .active_max = 8}};
    int finishes = 0;
    std::optional<zoned::zone_index> first;
    w.store.fail = [&](const zoned::command& c) {
      if (c.op != zoned::opcode::finish) return error_code{};
      ++finishes;
      if (!first) first = c.zone;
      if (c.zone != first || h == how::finished || (h == how::fails_once && finishes > 1)) return error_code{};
      if (h == how::offline) w.turn(c.zone, zone_condition::offline);
      if (h == how::read_only) w.turn(c.zone, zone_condition::read_only);
      return error_code{zoned::errc::io};
    };
    w.make("a", 120 * block);
    REQUIRE(first);
    CHECK(finishes >= 2);
    CHECK(w.told(change::unfinished, first) == (h == how::fails ? 1u : 0u));
    CHECK(w.told(change::offline, first) == (h == how::offline ? 1u : 0u));
    CHECK(w.told(change::read_only, first) == (h == how::read_only ? 1u : 0u));
    for (int i = 0; i < 4; ++i) w.make(std::to_string(i), 40 * block);
    if (h != how::offline) w.expect_whole();
  }
}

TEST_CASE("a zone that a write has failed in is asked for so often, and is used again if one answer comes") {
  for (const std::uint32_t failing : {core::report_trials_max - 1, core::report_trials_max}) {
    CAPTURE(failing);
    world w;
    std::optional<zoned::zone_index> met;
    std::uint32_t reports = 0;
    w.store.fail = [&](const zoned::command& c) -> error_code {
      if (is_data_append(c) && !met) {
        met = c.zone;
        return zoned::errc::io;
      }
      return met && c.op == zoned::opcode::report && c.zone == met && ++reports <= failing ? error_code{zoned::errc::io}
                                                                                           : error_code{};
    };
    w.make("a", 12 * block);
    w.store.run();
    REQUIRE(met);
    const bool given_up = failing == core::report_trials_max;
    CHECK(reports == core::report_trials_max);
    CHECK(w.told(change::unreported, met) == (given_up ? 1u : 0u));
    CHECK(w.at(*met).bad == given_up);
    for (int i = 0; i < 4; ++i) w.make(std::to_string(i), 12 * block);
    w.expect_whole();
  }
}

TEST_CASE("a zone that cannot be reset is tried so often, is bad then, and gives its credit back") {
  world w{{.active_max = 6}};
  std::optional<zoned::zone_index> bad;
  std::uint32_t trials = 0;
  w.store.fail = [&](const zoned::command& c) {
    if (c.op == zoned::opcode::reset && !bad) bad = c.zone;
    if (c.op != zoned::opcode::reset || c.zone != bad) return error_code{};
    ++trials;
    return error_code{zoned::errc::io};
  };
  w.make("kept", 20 * block);
  w.churn(40);
  REQUIRE(bad);
  CHECK(trials == core::reset_trials_max);
  CHECK(w.told(change::unwritable, bad) == 1);
  CHECK(w.at(*bad).bad);
  w.expect_whole();
}

TEST_CASE("a zone of which a reset fails, but not the last that is tried, is used again") {
  world w{{.active_max = 6}};
  std::optional<zoned::zone_index> tried;
  std::uint32_t resets = 0;
  w.store.fail = [&](const zoned::command& c) {
    if (c.op == zoned::opcode::reset && !tried) tried = c.zone;
    const bool fails = c.op == zoned::opcode::reset && c.zone == tried && ++resets < core::reset_trials_max;
    return fails ? error_code{zoned::errc::io} : error_code{};
  };
  w.make("kept", 20 * block);
  w.churn(120);
  REQUIRE(tried);
  CHECK(resets > core::reset_trials_max);  // reset after another use
  CHECK(w.told(change::unwritable, tried) == 0);
  CHECK_FALSE(w.at(*tried).bad);
  w.expect_whole();
}

TEST_CASE("a zone that turns read-only or offline before its reset is told as that, and not tried again") {
  for (const auto condition : {zoned::zone_condition::read_only, zoned::zone_condition::offline}) {
    CAPTURE(static_cast<int>(condition));
    world w{{.active_max = 6}};
    std::optional<zoned::zone_index> turned;
    std::uint32_t trials = 0;
    w.store.watch = [&](const zoned::command& c) {
      if (c.op != zoned::opcode::reset) return;
      if (c.zone == turned) ++trials;
      if (turned) return;
      turned = c.zone;
      ++trials;
      w.turn(c.zone, condition);
    };
    w.make("kept", 20 * block);
    w.churn(40);
    REQUIRE(turned);
    CHECK(trials == 1);
    CHECK(w.told(condition == zoned::zone_condition::offline ? change::offline : change::read_only, turned) == 1);
    CHECK(w.told(change::unwritable, turned) == 0);
    CHECK(w.at(*turned).bad);
    w.expect_whole();
  }
}

TEST_CASE("at each moment a zone says what keeps it from being free") {
  world w{{.active_max = 10}};
  std::set<zone_keeper> seen;
  std::vector<std::uint64_t> asked;
  const auto take = [&] {
    for (const std::uint64_t id : std::exchange(asked, {})) {
      const auto it = w.store.answers.find(id);
      if (it == w.store.answers.end()) {
        asked.push_back(id);
        continue;
      }
      for (const zone_status& z : std::get<std::vector<zone_status>>(it->second.result)) {
        seen.insert(z.kept_by.begin(), z.kept_by.end());
        CHECK((z.use != zone_use::free || z.live_blocks == 0));
      }
      w.store.answers.erase(it);
    }
  };
  w.store.watch = [&](const zoned::command&) {
    take();
    asked.push_back(w.store.ask_later(core::zones_request{}));
  };
  int appends = 0;
  w.store.fail = [&](const zoned::command& c) {
    return is_data_append(c) && ++appends % 7 == 0 ? error_code{zoned::errc::io} : error_code{};
  };
  const auto h = w.make("kept", 90 * block);
  std::vector<std::byte> bytes = pattern(9, block);
  for (std::uint64_t b = 0; b < 90; b += 3)
    core_runner::good(w.store.ask(core::write_request{h, b * block, block, {{bytes.data(), block}}, {}}));
  w.churn(30);
  core_runner::good(w.store.ask(core::clean_request{1}));
  core_runner::good(w.store.ask(core::checkpoint_request{}));
  w.store.watch = nullptr;
  w.store.run();
  take();
  for (const zone_keeper k :
       {zone_keeper::superblock, zone_keeper::next_journal, zone_keeper::reset, zone_keeper::freeing, zone_keeper::open,
        zone_keeper::suspect, zone_keeper::live_blocks, zone_keeper::live_pages, zone_keeper::journal,
        zone_keeper::move, zone_keeper::writes, zone_keeper::reader}) {
    CAPTURE(static_cast<int>(k));
    CHECK(seen.contains(k));
  }
}

TEST_CASE("of a device with odd zones those that are like the others are used, and no other") {
  zoned::geometry g{.lba_bytes = 4096, .zone_bytes = 256 << 10, .zone_count = 25, .last_zone_bytes = 64 << 10};
  std::vector<zoned::zone_info> all(25);
  for (std::uint32_t i = 0; i < 25; ++i)
    all[i] = {{i}, zoned::zone_type::sequential, zone_condition::empty, 256 << 10, 192 << 10, 0};
  all[7].capacity_bytes = block;
  all[24].bytes = all[24].capacity_bytes = 64 << 10;
  zoned::memory_zones zones{g, zoned::guarantees{.native_append = true}, std::move(all)};
  core_runner r{zones};
  r.format_and_open();
  r.watch = [](const zoned::command& c) {
    const bool looks = c.op == zoned::opcode::read || c.op == zoned::opcode::report || c.op == zoned::opcode::flush;
    REQUIRE((looks || (c.zone.value != 7 && c.zone.value != 24)));
  };
  const auto h = r.create("a");
  std::vector<std::byte> bytes = pattern(1, 20 * block);
  std::uint64_t appended = 0;
  while (!r.ask(core::append_request{h, {{bytes.data(), bytes.size()}}, {}}).error) ++appended;
  CHECK(appended > 10);
  core_runner::good(r.ask(core::close_request{}));
  core_runner::good(r.open());
  CHECK(r.check().damage == 0);
}

TEST_CASE(
    "where pages cannot be read that say what is to be dropped or freed, the store latches, and the next open goes "
    "on") {
  std::size_t latched = 0;
  world made{{.zones = 48}};
  const auto name_of = [](int i) { return std::string(900, 'n') + std::to_string(i); };
  for (int i = 0; i < 30; ++i) made.make(name_of(i), 20 * block);
  core_runner::good(made.store.ask(core::checkpoint_request{}));
  core_runner::good(made.store.ask(core::close_request{}));
  for (std::uint64_t step = 1; step < 40; ++step) {
    CAPTURE(step);
    zoned::memory_zones zones = made.zones;
    core_runner r{zones};
    core_runner::good(r.open());
    std::uint64_t commands = 0;
    r.fail = [&](const zoned::command& c) {
      return ++commands >= step && c.op == zoned::opcode::read ? error_code{zoned::errc::io} : error_code{};
    };
    std::vector<std::uint64_t> ids;
    for (int i = 0; i < 30; i += step % 2 == 0 ? 1 : 3)
      ids.push_back(r.ask_later(core::remove_request{0, name_of(i), 0}));
    r.run();
    for (const std::uint64_t id : ids) REQUIRE(r.answers.contains(id));
    latched += r.ask(core::sync_request{}).error == errc::needs_reopen ? 1u : 0u;
    r.fail = nullptr;
    core_runner::good(r.open());
    r.run();
    CHECK(r.check().damage == 0);
  }
  CHECK(latched > 0);
}

}  // namespace furrow::test
