// Stores that are opened in a state that no engine leaves behind, on devices that have changed: each row of the table of zones, and
// what a superblock may say. Not here: the journal (journal_scan_test), damage of every byte (hostile_images, malformed_images).
#include "core/recovery.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "format/group.hpp"
#include "format/superblock.hpp"
#include "support/core_runner.hpp"

namespace furrow::test {
namespace {

using zoned::zone_condition;

constexpr std::uint64_t block = 4096;

store_options by_hand() {
  store_options o;
  o.background_cleaning = false;
  return o;
}

/// A store of two objects that was not closed: one of whole zones, written before the last checkpoint, one behind it.
class stored {
 public:
  explicit stored(const device_shape& shape = {}) : zones{shape.make()} {
    core_runner r{zones, by_hand()};
    r.format({.page_copies = shape.active_max ? std::uint8_t{1} : std::uint8_t{2}});
    core_runner::good(r.open());
    const auto h = r.create("old");
    r.append(h, old_, durability::durable);
    core_runner::good(r.ask(core::checkpoint_request{}));
    r.append(r.create("new"), new_, durability::durable);
  }
  /// With each superblock that there is.
  void forge(const std::function<void(format::superblock&, zoned::zone_index)>& change) {
    for (const std::uint32_t z : {0u, 1u, zones.shape().zone_count - 2, zones.shape().zone_count - 1})
      for (zoned::place at{{z}, 0}; at.offset_bytes < zones.machine().at({z}).write_pointer_bytes;
           at.offset_bytes += block) {
        std::vector<std::byte> bytes(block);
        zones.peek(at, bytes);
        auto s = format::decode_superblock(bytes);
        REQUIRE(s.has_value());
        change(*s, {z});
        format::encode(*s, bytes);
        zones.poke(at, bytes);
      }
  }
  void turn(zoned::zone_index z, zone_condition to, std::uint64_t pointer) {
    zoned::zone_info info = zones.machine().at(z);
    info.condition = to;
    info.write_pointer_bytes = pointer;
    zones.force(info);
  }
  /// Of an open store: the zone of that use, nth from the first on.
  static zoned::zone_index find(core_runner& r, zone_use use, const std::function<bool(const zone_status&)>& is) {
    const auto n = r.ask(core::zones_request{});
    for (const zone_status& z : std::get<std::vector<zone_status>>(core_runner::good(n).result))
      if (z.use == use && is(z)) return z.device.index;
    FAIL("no such zone");
    return {};
  }
  static zone_status at(core_runner& r, zoned::zone_index z) {
    const auto n = r.ask(core::zones_request{});
    return std::get<std::vector<zone_status>>(core_runner::good(n).result)[z.value];
  }
  /// In the store as it is.
  zoned::zone_index find(zone_use use, const std::function<bool(const zone_status&)>& is) {
    zoned::memory_zones copy = zones;
    core_runner r{copy, by_hand()};
    core_runner::good(r.open());
    return find(r, use, is);
  }
  void expect_refused(error_code why, const std::string& saying) {
    core_runner r{zones};
    const auto n = r.open();
    CHECK(n.error == why);
    CHECK(n.detail.what == saying);
  }
  static void expect_whole(core_runner& r, std::string_view name, const std::vector<std::byte>& bytes) {
    const auto n = r.ask(core::open_object_request{0, std::string{name}, 0});
    const auto h = std::get<core::opened_object>(core_runner::good(n).result).handle;
    CHECK(r.read(h, 0, bytes.size()) == bytes);
    core_runner::good(r.ask(core::release_request{h}));
  }
  void expect_whole(core_runner& r) {
    expect_whole(r, "old", old_);
    expect_whole(r, "new", new_);
    CHECK(r.check().damage == 0);
  }
  static bool is_read_only(core_runner& r) {
    return std::get<store_info>(core_runner::good(r.ask(core::info_request{})).result).read_only;
  }
  static std::size_t told(const core_runner& r, zone_change::kind what, zoned::zone_index z) {
    return static_cast<std::size_t>(std::count_if(r.events.begin(), r.events.end(), [&](const event& e) {
      return e.zone && e.zone->what == what && e.zone->zone == z;
    }));
  }
  static std::size_t told(const core_runner& r, const std::string& what, zoned::zone_index z) {
    return static_cast<std::size_t>(std::count_if(r.events.begin(), r.events.end(), [&](const event& e) {
      return e.what == event::kind::damage && e.detail.what == what && e.detail.zone == z;
    }));
  }

  zoned::memory_zones zones;

 private:
  std::vector<std::byte> old_ = pattern(1, 110 * block), new_ = pattern(2, 3 * block + 17);
};

bool is_full(const zone_status& z) { return z.live_blocks == 47; }
bool is_partly_written(const zone_status& z) { return z.live_blocks > 0 && z.live_blocks < 47; }

}  // namespace

TEST_CASE("a device without a store, or with what is left of one, is refused with the reason") {
  for (const std::uint32_t zones : {1u, 3u}) {
    CAPTURE(zones);
    auto device = device_shape{.zones = zones}.make();
    core_runner r{device};
    CHECK(r.open().error == errc::not_a_store);
  }
  stored w;
  core_runner r{w.zones};
  r.fail = [](const zoned::command& c) {
    return c.op == zoned::opcode::report ? error_code{zoned::errc::io} : error_code{};
  };
  CHECK(r.open().error == zoned::errc::io);
  r.fail = nullptr;
  r.spoil = [](const zoned::command& c, zoned::completion& done) {
    if (c.op == zoned::opcode::report) done.bytes = 0;
  };
  CHECK(r.open().error == zoned::errc::io);
  r.spoil = nullptr;
  r.fail = [](const zoned::command& c) {
    return c.op == zoned::opcode::read ? error_code{zoned::errc::io} : error_code{};
  };
  const auto n = r.open();
  CHECK(n.error == zoned::errc::io);
  CHECK(n.detail.what == "no copy of the superblock can be read");
  r.fail = nullptr;
  core_runner::good(r.open());
  w.expect_whole(r);
}

TEST_CASE("a superblock of another device, of two stores, or that names what there is not is refused") {
  const std::string shape = "the store was formatted for a device of another shape",
                    places = "the superblock has the journal where superblocks are";
  struct row {
    const char* name;
    std::function<void(format::superblock&)> change;
    error_code why;
    std::string saying;
  };
  const std::vector<row> rows{
      {"zone bytes", [](auto& s) { s.zone_bytes = s.last_zone_bytes = 2 * s.zone_bytes; }, errc::wrong_device, shape},
      {"zones", [](auto& s) { ++s.zone_count; }, errc::wrong_device, shape},
      {"last zone", [](auto& s) { s.last_zone_bytes -= block; }, errc::wrong_device, shape},
      {"lba", [](auto& s) { s.lba_bytes = 512; }, errc::wrong_device, shape},
      {"devices", [](auto& s) { s.device_count = 2; }, errc::wrong_device, shape},
      {"journal", [](auto& s) { s.journal.zone = {1}; }, errc::damaged, places},
      {"pages", [](auto& s) { s.objects.level = 0, s.objects.pages = 2; }, errc::damaged,
       "the superblock names no tree"},
      {"other pages", [](auto& s) { s.zones.level = 0, s.zones.pages = 2; }, errc::damaged,
       "the superblock names no tree"},
  };
  for (const row& x : rows) {
    CAPTURE(x.name);
    stored w;
    w.forge([&x](format::superblock& s, zoned::zone_index) {
      if (!s.objects.ref.empty()) x.change(s);  // not those of the format
    });
    w.expect_refused(x.why, x.saying);
  }
  stored w;
  w.forge([](format::superblock& s, zoned::zone_index z) {
    if (z.value > 1) s.store[3] = std::byte{1};
  });
  w.expect_refused(errc::damaged, "the superblocks are of two stores");
}

TEST_CASE("pages that a superblock says are outside the device, or in a zone of superblocks, are refused") {
  for (const zoned::device_address a :
       {zoned::device_address{1, 3 * 64}, zoned::device_address{0, 24 * 64}, zoned::device_address{0, 1}})
    for (const bool objects : {false, true})
      for (const std::size_t copy : {0u, 1u}) {
        CAPTURE(a.block());
        CAPTURE(objects);
        stored w;
        w.forge([&](format::superblock& s, zoned::zone_index) {
          format::page_ref& ref = (objects ? s.objects : s.zones).ref;
          if (!ref.empty()) ref.copies[copy] = a;
        });
        core_runner r{w.zones};
        const auto n = r.open();
        CHECK(n.error == errc::damaged);
      }
}

TEST_CASE("a zone that was in use and is empty was lost by the device, if something lived in it") {
  for (const bool full : {true, false}) {
    CAPTURE(full);
    stored w;
    const auto z = w.find(zone_use::data, full ? is_full : is_partly_written);
    w.turn(z, zone_condition::empty, 0);
    core_runner r{w.zones};
    core_runner::good(r.open());
    CHECK(stored::is_read_only(r));
    CHECK(stored::told(r, "a zone that holds live blocks is empty: the device lost it", z) == 1);
  }
}

TEST_CASE("a zone whose write pointer is before blocks that live in it was cut off by the device") {
  stored w;
  const auto z = w.find(zone_use::data, is_partly_written);
  w.turn(z, zone_condition::closed, 2 * block);
  core_runner r{w.zones};
  core_runner::good(r.open());
  CHECK(stored::is_read_only(r));
  CHECK(stored::told(r, zone_change::kind::pointer_behind, z) == 1);
}

TEST_CASE("a zone whose write pointer is inside a block is padded, and written on") {
  stored w{{.lba_bytes = 512}};
  const auto z = w.find(zone_use::data, is_partly_written);
  const std::uint64_t pointer = w.zones.machine().at(z).write_pointer_bytes;
  w.turn(z, zone_condition::closed, pointer + 1536);
  core_runner r{w.zones};
  core_runner::good(r.open());
  r.run();
  CHECK(w.zones.machine().at(z).write_pointer_bytes == pointer + block);
  w.expect_whole(r);
}

TEST_CASE("free zones that hold something are reset, those that take no writes are bad for ever") {
  for (const zone_condition to : {zone_condition::closed, zone_condition::full, zone_condition::implicit_open,
                                  zone_condition::read_only, zone_condition::offline}) {
    CAPTURE(static_cast<int>(to));
    stored w;
    const auto z = w.find(zone_use::free, [](const zone_status& s) { return s.kept_by.empty(); });
    const bool writable = zoned::is_writable(to) || to == zone_condition::full;
    w.turn(z, to, to == zone_condition::full ? 192 << 10 : 2 * block);
    {
      core_runner r{w.zones};
      core_runner::good(r.open());
      r.run();
      CHECK((w.zones.machine().at(z).condition == zone_condition::empty) == writable);
      CHECK(stored::at(r, z).bad == !writable);
      w.expect_whole(r);
      core_runner::good(r.ask(core::close_request{}));
    }
    w.turn(z, zone_condition::empty, 0);
    core_runner again{w.zones};
    core_runner::good(again.open());
    CHECK(stored::at(again, z).bad == !writable);
  }
}

TEST_CASE("a journal that cannot go on where it was to is told of, and the store is read-only") {
  for (const zone_condition to : {zone_condition::read_only, zone_condition::offline}) {
    CAPTURE(static_cast<int>(to));
    stored w;
    const auto next = w.find(zone_use::free, [](const zone_status& s) { return !s.kept_by.empty(); });
    w.turn(next, to, 0);
    core_runner r{w.zones};
    core_runner::good(r.open());
    CHECK(stored::is_read_only(r));
    CHECK(stored::told(r, "the zone that the journal goes on in cannot be used", next) == 1);
    w.expect_whole(r);
  }
}

TEST_CASE("what stands in the zone that the journal is to go on in is reset, or the open fails with the reset") {
  stored w;
  const auto next = w.find(zone_use::free, [](const zone_status& s) { return !s.kept_by.empty(); });
  std::vector<std::byte> theirs = pattern(5, block);
  const zoned::segment part{theirs.data(), block};
  zoned::command c;
  c.op = zoned::opcode::append;
  c.zone = next;
  c.segments = {&part, 1};
  REQUIRE_FALSE(w.zones.execute(c).error);
  core_runner r{w.zones};
  bool fails = true;
  r.fail = [&](const zoned::command& of) {
    const bool hit = of.op == zoned::opcode::reset && of.zone == next && std::exchange(fails, false);
    return hit ? error_code{zoned::errc::io} : error_code{};
  };
  const auto n = r.open();
  CHECK(n.error == zoned::errc::io);
  CHECK(n.detail.what == "the zone that the journal goes on in cannot be reset");
  core_runner::good(r.open());
  CHECK(w.zones.machine().at(next).condition == zone_condition::empty);
  w.expect_whole(r);
}

TEST_CASE("where a loss of power has left more zones active than the device allows, room is made for the superblock") {
  for (const bool fails : {false, true}) {
    CAPTURE(fails);
    stored w{{.active_max = 6}};
    // Resets undone: free zones that hold something; and more of them than are allowed.
    for (int i = 0; i < 4; ++i) {
      const auto z = w.find(zone_use::free, [&](const zone_status& s) {
        return s.kept_by.empty() && w.zones.machine().at(s.device.index).condition == zone_condition::empty;
      });
      w.turn(z, zone_condition::closed, 2 * block);
    }
    core_runner r{w.zones};
    bool hit = false;
    r.fail = [&](const zoned::command& c) {
      const bool first = fails && c.op == zoned::opcode::reset && !std::exchange(hit, true);
      return first ? error_code{zoned::errc::io} : error_code{};
    };
    core_runner::good(r.open());
    CHECK(hit == fails);
    r.run();
    w.expect_whole(r);
  }
}

namespace {

/// A store with something of everything that an open reads: collections, removed objects, names in many leaves, zones of runs, and
/// a journal that changes some of it; of one copy of pages.
zoned::memory_zones make_rich() {
  auto zones = device_shape{.zones = 48}.make();
  core_runner r{zones, by_hand()};
  r.format({.page_copies = 1});
  core_runner::good(r.open());
  std::vector<std::byte> bytes = pattern(1, 5 * block + 100);
  const auto name_of = [](int i) { return std::string(900, static_cast<char>('a' + i % 26)) + std::to_string(i); };
  for (int i = 0; i < 20; ++i) core_runner::good(r.ask(core::collection_request{"c" + std::to_string(i), 1 << 20}));
  std::vector<core::handle_id> handles;
  for (int i = 0; i < 60; ++i) {
    handles.push_back(r.create(name_of(i)));
    r.append(handles.back(), bytes);
  }
  for (int i = 0; i < 8; ++i)
    core_runner::good(r.ask(core::remove_request{0, name_of(i * 5), 0}));  // while they are open
  core_runner::good(r.ask(core::checkpoint_request{}));
  for (int i = 1; i < 60; i += 5) {
    core_runner::good(
        r.ask(core::write_request{handles[static_cast<std::size_t>(i)], block, block, {{bytes.data(), block}}, {}}));
    core_runner::good(r.ask(core::sync_request{}));
  }
  return zones;
}

std::size_t objects_listed(core_runner& r) {
  core::list_request all;
  all.entries_max = core::list_entries_max;
  const auto n = r.ask(all);
  return n.error ? 0 : std::get<list_page>(n.result).entries.size();
}

}  // namespace

TEST_CASE(
    "whichever place cannot be read, an open says so or does without it, and changes nothing that a later one needs") {
  zoned::memory_zones made = make_rich();
  std::vector<zoned::place> places;
  {
    zoned::memory_zones copy = made;
    core_runner r{copy, by_hand()};
    r.watch = [&](const zoned::command& c) {
      if (c.op == zoned::opcode::read) places.push_back({c.zone, c.offset_bytes});
    };
    core_runner::good(r.open());
    CHECK(objects_listed(r) == 52);
  }
  REQUIRE(places.size() > 30);
  std::size_t refused = 0, opened = 0;
  for (const zoned::place& p : places) {
    CAPTURE(p.zone.value);
    CAPTURE(p.offset_bytes);
    zoned::memory_zones copy = made;
    core_runner r{copy, by_hand()};
    r.fail = [&](const zoned::command& c) {
      const bool hit = c.op == zoned::opcode::read && c.zone == p.zone && c.offset_bytes == p.offset_bytes;
      return hit ? error_code{zoned::errc::io} : error_code{};
    };
    const auto n = r.open();
    if (n.error) {
      CHECK(n.error == zoned::errc::io);
      CHECK_FALSE(n.detail.what.empty());
      ++refused;
    } else {
      ++opened;
    }
    r.fail = nullptr;
    core_runner::good(r.open());
    r.run();
    CHECK(objects_listed(r) == 52);
    CHECK(r.check().damage == 0);
  }
  CHECK(refused > 10);
  CHECK(opened > 2);
}

TEST_CASE("a journal that reads otherwise when it is replayed is replayed up to there") {
  zoned::memory_zones made = make_rich();
  std::map<std::pair<std::uint32_t, std::uint64_t>, int> reads;
  core_runner r{made, by_hand()};
  bool spoilt = false;
  r.spoil = [&](const zoned::command& c, zoned::completion&) {
    if (c.op != zoned::opcode::read || c.zone.value < 2 || spoilt) return;
    for (std::size_t at = 0; at < c.segments[0].bytes; at += block) {
      const bool is_group = format::load_le<std::uint64_t>(c.segments[0].data + at) == format::group_magic;
      if (!is_group || ++reads[{c.zone.value, c.offset_bytes + at}] < 2) continue;
      c.segments[0].data[at + 200] ^= std::byte{1};
      spoilt = true;
      return;
    }
  };
  core_runner::good(r.open());
  REQUIRE(spoilt);
  CHECK(stored::is_read_only(r));
  CHECK(std::any_of(r.events.begin(), r.events.end(), [](const event& e) {
    return e.what == event::kind::damage && e.detail.what == "a group of the journal is not what it was a moment ago";
  }));
  r.spoil = nullptr;
  core_runner::good(r.open());
  CHECK_FALSE(stored::is_read_only(r));
  CHECK(r.check().damage == 0);
}

TEST_CASE("a store whose journal begins in a zone that has been emptied is damaged") {
  stored w;
  const auto z = w.find(zone_use::metadata,
                        [](const zone_status& s) { return std::ranges::count(s.kept_by, zone_keeper::journal) == 1; });
  w.turn(z, zone_condition::empty, 0);
  w.expect_refused(errc::damaged, "the zone in which the journal begins is empty");
}

TEST_CASE("conventional zones that take no writes any more keep their pages, and get no others") {
  for (const zone_condition to : {zone_condition::read_only, zone_condition::offline}) {
    CAPTURE(static_cast<int>(to));
    auto zones = device_shape{.zones = 40, .conventional = 12}.make();
    core_runner r{zones, by_hand()};
    r.format_and_open();
    for (int i = 0; i < 10; ++i) static_cast<void>(r.create(std::string(900, 'n') + std::to_string(i)));
    core_runner::good(r.ask(core::close_request{}));
    std::set<std::uint32_t> turned;
    for (std::uint32_t z = 4; z < 12; ++z) {
      zoned::zone_info info = zones.machine().at({z});
      if (to == zone_condition::offline && z < 8) continue;  // where something may be
      info.condition = to;
      zones.force(info);
      turned.insert(z);
    }
    r.watch = [&](const zoned::command& c) {
      REQUIRE_FALSE((c.op == zoned::opcode::append && turned.contains(c.zone.value)));
    };
    core_runner::good(r.open());
    for (int i = 10; i < 20; ++i) static_cast<void>(r.create(std::string(900, 'n') + std::to_string(i)));
    core_runner::good(r.ask(core::checkpoint_request{}));
    CHECK(objects_listed(r) == 20);
    CHECK(r.check().damage == 0);
  }
}

}  // namespace furrow::test
