// Zones that become read-only or offline under a store: what can be read is moved out of them, what cannot is named, and
// neither is ever used again.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "format/codec.hpp"
#include "format/page.hpp"
#include "support/core_runner.hpp"

namespace furrow::test {
namespace {

using zoned::zone_condition;

constexpr std::uint64_t block = 4096;
constexpr std::uint64_t zone_content = 47;  // blocks

store_options options() {
  store_options o;
  o.checkpoint_journal_bytes_min = 0;
  return o;
}

/// Objects of a whole number of blocks, each by its seed.
class world {
 public:
  explicit world(const device_shape& shape = {.zones = 40}) : zones{shape.make()}, store{zones, options()} {
    store.format_and_open();
  }
  void make(const std::string& name, std::uint64_t blocks) {
    const core::handle_id h = store.create(name);
    std::vector<std::byte> bytes = pattern(content_.size() + 1, blocks * block);
    store.append(h, bytes, durability::durable);
    core_runner::good(store.ask(core::release_request{h}));
    content_.emplace_back(name, std::move(bytes));
  }
  core::handle_id handle_of(const std::string& name) {
    return std::get<core::opened_object>(core_runner::good(store.ask(core::open_object_request{0, name, 0})).result)
        .handle;
  }
  void remove(const std::string& name) {
    core_runner::good(store.ask(core::remove_request{0, name, 0}));
    std::erase_if(content_, [&](const auto& c) { return c.first == name; });
  }
  /// All but the blocks lost with `lost` are as they were written; returns how many were lost.
  std::uint64_t read_all(std::optional<zoned::zone_index> lost = {}) {
    std::uint64_t failed = 0;
    for (const auto& [name, bytes] : content_) {
      const core::handle_id h = handle_of(name);
      std::vector<std::byte> to(block);
      for (std::uint64_t at = 0; at < bytes.size(); at += block) {
        const core::notification n = store.ask(core::read_request{h, {{at, to}}});
        if (n.error) {
          REQUIRE(lost);
          REQUIRE(n.error == zoned::errc::zone_offline);
          REQUIRE(n.detail.zone == lost);
          ++failed;
        } else {
          REQUIRE(std::equal(to.begin(), to.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at)));
        }
      }
      core_runner::good(store.ask(core::release_request{h}));
    }
    return failed;
  }
  std::vector<zone_status> all() {
    return std::get<std::vector<zone_status>>(core_runner::good(store.ask(core::zones_request{})).result);
  }
  zone_status at(zoned::zone_index z) { return all()[z.value]; }
  /// Of that use, and full of what lives.
  zoned::zone_index full_zone(zone_use use) {
    for (const zone_status& z : all())
      if (z.use == use && z.device.index.value > 1 && z.written_blocks * block == z.device.capacity_bytes)
        if (use == zone_use::metadata || z.live_blocks == zone_content) return z.device.index;
    FAIL("no such zone");
    return {};
  }
  void turn(zoned::zone_index z, zone_condition to) {
    zoned::zone_info info = zones.machine().at(z);
    if (to == zone_condition::empty) info.write_pointer_bytes = 0;
    info.condition = to;
    zones.force(info);
  }
  void reopen() {
    core_runner::good(store.ask(core::sync_request{}));
    store.events.clear();
    core_runner::good(store.open());
    store.run();
  }
  /// From now on no command but a read or a report goes to the zone.
  void forbid(zoned::zone_index z) {
    store.watch = [z](const zoned::command& c) {
      const bool looks = c.op == zoned::opcode::read || c.op == zoned::opcode::report || c.op == zoned::opcode::flush;
      REQUIRE((looks || c.zone != z));
    };
  }
  [[nodiscard]] std::size_t told(zone_change::kind what, zoned::zone_index z) const {
    return static_cast<std::size_t>(std::count_if(store.events.begin(), store.events.end(), [&](const event& e) {
      return e.zone && e.zone->what == what && e.zone->zone == z;
    }));
  }

  zoned::memory_zones zones;
  core_runner store;

 private:
  std::vector<std::pair<std::string, std::vector<std::byte>>> content_;
};

}  // namespace

TEST_CASE(
    "what lives in a zone found read-only is moved out of it, and the zone is not used again, whatever it is later") {
  world w;
  for (int i = 0; i < 6; ++i) w.make(std::to_string(i), 30);
  const zoned::zone_index z = w.full_zone(zone_use::data);
  w.turn(z, zone_condition::read_only);
  const statistics before = w.store.stats();
  w.forbid(z);
  w.reopen();
  CHECK(w.told(zone_change::kind::read_only, z) == 1);
  CHECK(w.told(zone_change::kind::evacuated, z) == 1);
  CHECK(w.at(z).live_blocks == 0);
  CHECK(w.at(z).use == zone_use::free);
  CHECK(w.at(z).bad);
  const statistics s = w.store.stats();
  CHECK(s.zones_evacuated == 1);
  CHECK(s.cleaner_blocks_moved == zone_content);
  CHECK(s.live_bytes == before.live_bytes);
  CHECK(s.zones_cleaned == 0);
  CHECK(w.read_all() == 0);
  CHECK(w.store.check().damage == 0);
  core_runner::good(w.store.ask(core::checkpoint_request{}));
  w.turn(z, zone_condition::empty);  // a device that thinks better of it
  w.reopen();
  CHECK(w.at(z).bad);
  for (int i = 0; i < 20; ++i) {
    w.make("more", 40);
    w.remove("more");
  }
  CHECK(w.at(z).bad);
  CHECK(w.read_all() == 0);
}

TEST_CASE("a zone that turns read-only while it is written to is evacuated at once") {
  world w;
  w.make("a", 20);
  const auto all = w.all();
  const auto open = std::find_if(all.begin(), all.end(),
                                 [](const zone_status& z) { return z.use == zone_use::data && z.open_for_writing; });
  REQUIRE(open != all.end());
  const zoned::zone_index z = open->device.index;
  w.turn(z, zone_condition::read_only);
  w.make("b", 20);
  w.store.run();
  CHECK(w.told(zone_change::kind::evacuated, z) == 1);
  CHECK(w.at(z).live_blocks == 0);
  CHECK(w.read_all() == 0);
  CHECK(w.store.check().damage == 0);
}

TEST_CASE("a block that is not what was written stays in its zone and is told, all others leave it") {
  world w;
  for (int i = 0; i < 4; ++i) w.make(std::to_string(i), 30);
  const zoned::zone_index z = w.full_zone(zone_use::data);
  w.turn(z, zone_condition::read_only);
  w.store.spoil = [z](const zoned::command& c, const zoned::completion&) {
    if (c.op != zoned::opcode::read || c.zone != z) return;
    std::uint64_t at = c.offset_bytes;
    for (const zoned::segment& s : c.segments) {
      if (at <= 7 * block && 7 * block < at + s.bytes) s.data[7 * block - at] ^= std::byte{1};
      at += s.bytes;
    }
  };
  w.reopen();
  CHECK(w.at(z).live_blocks == 1);
  CHECK(w.told(zone_change::kind::evacuated, z) == 0);
  const auto damage = std::count_if(w.store.events.begin(), w.store.events.end(),
                                    [](const event& e) { return e.what == event::kind::damage; });
  CHECK(damage == 1);
  const core::check_result c = w.store.check();
  REQUIRE(c.findings.size() == 1);
  CHECK(c.findings[0].detail.zone == z);
  for (int i = 0; i < 4; ++i) w.remove(std::to_string(i));
  CHECK(w.at(z).use == zone_use::free);
  CHECK(w.at(z).bad);
}

TEST_CASE("evacuation takes no room that there is not, and goes on when there is some") {
  world w;
  std::uint32_t made = 0;
  const auto fill = [&](std::uint64_t left_blocks) {
    while (w.store.stats().free_bytes > left_blocks * block) w.make("fill " + std::to_string(made++), 4);
  };
  fill(20);
  const zoned::zone_index z = w.full_zone(zone_use::data);
  w.turn(z, zone_condition::read_only);
  w.reopen();
  CHECK(w.at(z).live_blocks == zone_content);
  CHECK(w.read_all() == 0);
  for (std::uint32_t i = made - 30; i < made; ++i) w.remove("fill " + std::to_string(i));
  w.store.run();
  CHECK(w.at(z).live_blocks == 0);
  CHECK(w.told(zone_change::kind::evacuated, z) == 1);
  CHECK(w.read_all() == 0);
  CHECK(w.store.check().damage == 0);
}

TEST_CASE("a zone that is offline costs exactly what lives in it, when nothing does any more, it is retired") {
  world w;
  for (int i = 0; i < 6; ++i) w.make(std::to_string(i), 30);
  const zoned::zone_index z = w.full_zone(zone_use::data);
  w.turn(z, zone_condition::offline);
  w.forbid(z);
  w.reopen();
  CHECK(w.read_all(z) == zone_content);
  CHECK(w.at(z).live_blocks == zone_content);
  std::uint64_t lost = 0;
  for (const check_finding& f : w.store.check().findings) {
    CHECK(f.detail.zone == z);
    CHECK(f.detail.object);
    lost += f.detail.bytes.value_or(0);
  }
  CHECK(lost == zone_content * block);
  for (int i = 0; i < 6; ++i) w.remove(std::to_string(i));
  w.store.run();
  CHECK(w.told(zone_change::kind::evacuated, z) == 1);
  CHECK(w.at(z).use == zone_use::free);
  CHECK(w.store.check().damage == 0);
}

TEST_CASE("pages of a zone that is gone are written elsewhere from their other copy, in time for the next zone to go") {
  for (const zone_condition to : {zone_condition::read_only, zone_condition::offline}) {
    CAPTURE(static_cast<int>(to));
    world w{{.zones = 64, .active_max = 12}};
    for (int i = 0; i < 60; ++i) w.make(std::string(900, 'a') + std::to_string(i), 4);
    core_runner::good(w.store.ask(core::checkpoint_request{}));
    std::set<std::uint32_t> gone;
    for (int round = 0; round < 3; ++round) {
      zoned::zone_index z;
      for (const zone_status& s : w.all())
        if (s.use == zone_use::metadata && s.live_blocks > 3 && !s.bad && !s.open_for_writing) z = s.device.index;
      if (z.value == 0) break;
      gone.insert(z.value);
      w.turn(z, to);
      w.reopen();
      CHECK(w.at(z).live_blocks == 0);
      CHECK(w.at(z).bad);
      CHECK(w.read_all() == 0);
      CHECK(w.store.check().damage == 0);
      core_runner::good(w.store.ask(core::checkpoint_request{}));
    }
    CHECK(gone.size() > 1);
  }
}

namespace {

/// Of each page that is on the device, by its generation, the zones that it lies in.
std::map<std::uint64_t, std::vector<std::uint32_t>> zones_of_pages(const zoned::memory_zones& zones,
                                                                   std::uint32_t count, std::uint64_t zone_bytes) {
  std::map<std::uint64_t, std::vector<std::uint32_t>> found;
  std::vector<std::byte> page(format::page_bytes);
  format::uuid store{};
  store[0] = std::byte{7};  // core_runner's
  for (std::uint32_t z = 0; z < count; ++z)
    for (std::uint64_t at = 0; at < zone_bytes; at += block) {
      zones.peek({{z}, at}, page);
      if (const auto identity = format::check_page(page, store)) found[identity->generation].push_back(z);
    }
  return found;
}

}  // namespace

TEST_CASE("the two copies of a page are in two zones, also where pages are cut short at the end of both") {
  const device_shape shape{.zones = 120, .zone_bytes = 64 << 10, .capacity_bytes = 64 << 10, .active_max = 12};
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    zoned::memory_zones zones = shape.make();
    core_runner store{zones, options()};
    store.format({.page_copies = 2});
    core_runner::good(store.open());
    std::minstd_rand random{seed};
    store.shorten = [&](const zoned::command& c) -> std::optional<std::uint64_t> {
      const bool pages =
          c.op == zoned::opcode::append && format::load_le<std::uint32_t>(c.segments[0].data) == format::page_magic;
      const std::uint64_t blocks = zoned::total_bytes(c.segments) / block;
      if (!pages || blocks < 2 || random() % 2 == 0) return {};
      return (1 + random() % (blocks - 1)) * block;
    };
    for (int i = 0; i < 300; ++i) {
      static_cast<void>(store.create(std::to_string(random() % 1000) + std::string(900, 'a') + std::to_string(i)));
      if (i % 10 == 0) core_runner::good(store.ask(core::checkpoint_request{}));
    }
    std::size_t pages = 0;
    for (const auto& [generation, in] : zones_of_pages(zones, shape.zones, shape.capacity_bytes)) {
      CAPTURE(generation);
      if (in.size() == 2) CHECK(in[0] != in[1]);
      ++pages;
    }
    CHECK(pages > 100);
  }
}

TEST_CASE("a read-only zone that cannot be read for a while is emptied when it can be, one that goes offline is not") {
  for (const bool goes : {false, true}) {
    CAPTURE(goes);
    world w;
    for (int i = 0; i < 6; ++i) w.make(std::to_string(i), 30);
    const zoned::zone_index z = w.full_zone(zone_use::data);
    w.turn(z, zone_condition::read_only);
    w.store.fail = [&](const zoned::command& c) {
      if (c.op != zoned::opcode::read || c.zone != z) return error_code{};
      if (goes) w.turn(z, zone_condition::offline);
      return error_code{goes ? zoned::errc::zone_offline : zoned::errc::io};
    };
    w.reopen();
    CHECK(w.at(z).live_blocks == zone_content);
    w.store.fail = nullptr;
    for (int i = 0; i < 20; ++i) {  // other zones change
      w.make("more", 40);
      w.remove("more");
    }
    w.store.run();
    CHECK(w.at(z).live_blocks == (goes ? zone_content : 0));
    CHECK(w.told(zone_change::kind::evacuated, z) == (goes ? 0 : 1));
    CHECK(w.read_all(goes ? std::optional{z} : std::nullopt) == (goes ? zone_content : 0));
  }
}

TEST_CASE("pages of a zone that is gone stay where they are if they cannot be read, until an open that can read them") {
  world w{{.zones = 64, .active_max = 12}};
  for (int i = 0; i < 60; ++i) w.make(std::string(900, 'a') + std::to_string(i), 4);
  core_runner::good(w.store.ask(core::checkpoint_request{}));
  zoned::zone_index z;
  for (const zone_status& s : w.all())
    if (s.use == zone_use::metadata && s.live_blocks > 3 && !s.bad && !s.open_for_writing) z = s.device.index;
  REQUIRE(z.value != 0);
  core_runner::good(w.store.ask(core::close_request{}));
  w.turn(z, zone_condition::read_only);
  bool opened = false;
  w.store.watch = [&](const zoned::command& c) { opened = opened || c.op == zoned::opcode::append; };
  w.store.fail = [&](const zoned::command& c) {
    return opened && c.op == zoned::opcode::read ? error_code{zoned::errc::io} : error_code{};
  };
  core_runner::good(w.store.open());
  CHECK(w.at(z).bad);
  CHECK(w.at(z).live_blocks > 0);
  w.store.fail = nullptr;
  core_runner::good(w.store.open());
  w.store.run();
  CHECK(w.at(z).live_blocks == 0);
  CHECK(w.read_all() == 0);
  CHECK(w.store.check().damage == 0);
}

}  // namespace furrow::test
