// What may go wrong while zones are cleaned: the zone at hand is left and, where something is damaged, told of; the others are
// cleaned, and what lives stays what it is.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "cleaned_world.hpp"
#include "format/codec.hpp"
#include "format/page.hpp"
#include "sim/forgery.hpp"

namespace furrow::test {

using world = cleaned_world;

namespace {

/// Of clones too, checkpointed and closed: no leaf is in memory after an open.
void put_down(world& w) {
  const core::handle_id h = half_dead(w);
  core::clone_request k;
  k.handle = w.store.create("clone");
  k.source = h;
  k.source_offset_bytes = 3 * block;
  k.bytes = 3 * block;
  core_runner::good(w.store.ask(k));
  core_runner::good(w.store.ask(core::checkpoint_request{}));
  core_runner::good(w.store.ask(core::close_request{}));
}

bool is_of(const std::vector<zoned::zone_index>& zones, const zoned::command& c) {
  return std::find(zones.begin(), zones.end(), c.zone) != zones.end();
}

std::vector<zoned::zone_index> zones_of(core_runner& r, zone_use use) {
  std::vector<zoned::zone_index> found;
  const auto n = r.ask(core::zones_request{});
  for (const zone_status& z : std::get<std::vector<zone_status>>(core_runner::good(n).result))
    if (z.use == use) found.push_back(z.device.index);
  return found;
}

std::size_t damage_told(const core_runner& r, const std::string& what) {
  return static_cast<std::size_t>(std::count_if(r.events.begin(), r.events.end(), [&](const event& e) {
    return e.what == event::kind::damage && e.detail.what == what;
  }));
}

}  // namespace

TEST_CASE("a cleaning that waits can be cancelled, one that is over cannot, and a store opened for reading has none") {
  world w{device_shape{.zones = 48}};
  const core::handle_id h = half_dead(w);
  const std::uint64_t first = w.store.ask_later(core::clean_request{1});
  const std::uint64_t second = w.store.ask_later(core::clean_request{1});
  at_command(w, 5, [&] {
    for (const std::uint64_t id : {second, first}) w.store.ask_later(core::cancel_request{{id}});
  });
  w.store.run();
  w.store.watch = nullptr;
  for (const std::uint64_t id : {second, first}) {
    REQUIRE(w.store.answers.contains(id));
    CHECK(w.store.answers.at(id).error == errc::cancelled);
  }
  const std::uint64_t over = w.store.ask_later(core::clean_request{0});
  w.store.run();
  static_cast<void>(w.store.ask(core::cancel_request{{over}}));
  CHECK_FALSE(w.store.answers.at(over).error);
  w.compare(h);
  w.check();
  core_runner::good(w.store.ask(core::close_request{}));
  store_options o = by_hand();
  o.read_only = true;
  core_runner reader{w.zones, o};
  core_runner::good(reader.open());
  CHECK(reader.ask(core::clean_request{1}).error == errc::read_only);
}

TEST_CASE("a cleaning during which the store latches ends with that, and the next open has lost nothing") {
  std::size_t latched = 0;
  for (std::uint64_t step = 1; step < 120; step += step < 30 ? 2 : 9) {
    CAPTURE(step);
    world w{device_shape{.zones = 48}};
    const core::handle_id h = half_dead(w);
    core_runner::good(w.store.ask(core::sync_request{}));
    at_command(w, step, [&] {
      w.store.fail = [](const zoned::command& c) {
        return c.op == zoned::opcode::append ? error_code{zoned::errc::io} : error_code{};
      };
    });
    const auto n = w.store.ask(core::clean_request{1});
    if (n.error) {
      CHECK(n.error == errc::needs_reopen);
      ++latched;
    }
    w.store.fail = nullptr;
    w.store.watch = nullptr;
    w.compare(w.reopen("a"), w.is[h.value]);
    w.check();
  }
  CHECK(latched > 0);
}

TEST_CASE("a zone that goes offline while it is cleaned is left, with what lived in it, and the others are cleaned") {
  world w{device_shape{.zones = 48}};
  const core::handle_id h = half_dead(w);
  std::optional<zoned::zone_index> gone;
  w.store.watch = [&](const zoned::command& c) {
    if (c.op != zoned::opcode::read || gone) return;
    gone = c.zone;
    zoned::zone_info info = w.zones.machine().at(c.zone);
    info.condition = zoned::zone_condition::offline;
    w.zones.force(info);
  };
  const clean_result r = w.clean();
  w.store.watch = nullptr;
  REQUIRE(gone);
  CHECK(r.zones_cleaned >= 7);
  std::uint64_t lost = 0;
  for (std::size_t b = 0; b < w.is[h.value].size(); ++b) {
    bytes to(block);
    const auto n = w.store.ask(core::read_request{h, {{b * block, to}}});
    if (!n.error) {
      REQUIRE(to == pattern(w.is[h.value][b], block));
      continue;
    }
    REQUIRE(n.error == zoned::errc::zone_offline);
    REQUIRE(n.detail.zone == gone);
    ++lost;
  }
  CHECK(lost > 0);
  CHECK(lost < 47);
}

TEST_CASE("zones whose names or sums cannot be read are left without a word, and cleaned when they can be read") {
  world w{device_shape{.zones = 48}};
  put_down(w);
  core_runner r{w.zones, by_hand()};
  core_runner::good(r.open());
  const auto metadata = zones_of(r, zone_use::metadata);
  r.fail = [&](const zoned::command& c) {
    const bool hit = c.op == zoned::opcode::read && is_of(metadata, c);
    return hit ? error_code{zoned::errc::io} : error_code{};
  };
  const auto cleaned = [&r] {
    return std::get<clean_result>(core_runner::good(r.ask(core::clean_request{1})).result).zones_cleaned;
  };
  const std::uint64_t before = cleaned();  // of which the pages were at hand
  CHECK(before < 8);
  CHECK(r.stats().zones_left > 0);
  r.fail = nullptr;
  core_runner::good(r.open());
  CHECK(before + cleaned() >= 8);
  CHECK(r.check().damage == 0);
}

namespace {

/// The values of all cells of the zone tree whose keys begin with `family` have these bytes at `at`, and all checksums follow.
std::size_t forge_cells(zoned::memory_zones& zones, std::byte family, std::size_t at, std::span<const std::byte> is) {
  sim::forgery f{zones};
  std::size_t forged = 0;
  for (std::size_t i = 0; i < f.structures(); ++i) {
    const auto number = [&](std::size_t place) { return format::load_le<std::uint16_t>(f.at(i).bytes.data() + place); };
    const bool zone_leaf = format::load_le<std::uint32_t>(f.at(i).bytes.data()) == format::page_magic &&
                           f.at(i).bytes[4] == std::byte{2} && f.at(i).bytes[5] == std::byte{0};
    for (std::size_t slot = 0; zone_leaf && slot < number(6); ++slot) {
      const std::size_t cell = number(format::page_header_bytes + 2 * slot), key = cell + 4;
      if (f.at(i).bytes[key] != family) continue;
      f.forge(i, key + number(cell) + at, is);
      ++forged;
    }
  }
  return forged;
}

}  // namespace

TEST_CASE("a zone of which the tree cannot tell who names its blocks is told of as damaged, and left") {
  struct row {
    std::byte family;
    std::size_t at;
    std::vector<std::byte> is;
    std::string told;
  };
  const std::vector<std::byte> none(4, std::byte{0}), too_many{std::byte{0xff}, std::byte{0x7f}};
  for (const row& x : {row{std::byte{2}, 14, too_many, "the sums of blocks cannot be read"},
                       row{std::byte{3}, 0, none, "a number of references cannot be read"},
                       row{std::byte{4}, 0, none, "a hint at who names blocks cannot be read"}}) {
    CAPTURE(x.told);
    world w{device_shape{.zones = 48}};
    put_down(w);
    REQUIRE(forge_cells(w.zones, x.family, x.at, x.is) > 0);
    core_runner r{w.zones, by_hand()};
    core_runner::good(r.open());
    const auto done = std::get<clean_result>(core_runner::good(r.ask(core::clean_request{1})).result);
    CHECK(damage_told(r, x.told) > 0);
    CHECK(r.stats().zones_left == damage_told(r, x.told));
    CHECK((done.zones_cleaned > 0) == (x.family != std::byte{2}));
  }
}

}  // namespace furrow::test
