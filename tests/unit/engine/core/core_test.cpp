// The core as a whole, on a device that does what it is told, in order.
#include "core/core.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "core/limits.hpp"
#include "format/codec.hpp"
#include "format/group.hpp"
#include "format/page.hpp"
#include "format/zone_header.hpp"
#include "support/core_runner.hpp"

using namespace furrow;
using namespace furrow::test;

namespace {

std::vector<std::byte> joined(std::initializer_list<std::vector<std::byte>> parts) {
  std::vector<std::byte> to;
  for (const auto& p : parts) to.insert(to.end(), p.begin(), p.end());
  return to;
}

void expect_clean(core_runner& r) {
  const core::check_result c = r.check();
  for (const auto& f : c.findings) MESSAGE(f.what);
  CHECK(c.damage == 0);
}

}  // namespace

TEST_CASE("appends of every small length in turn read back, across a crash and a clean close") {
  auto device = device_shape{}.make();
  std::vector<std::byte> all;
  {
    core_runner r{device};
    r.format_and_open();
    const auto h = r.create("log");
    for (std::size_t bytes : {1u, 5u, 4090u, 4096u, 3u, 8192u, 12000u, 100u, 4093u, 1u}) {
      auto part = pattern(bytes, bytes);
      const auto a = r.append(h, part, durability::durable);
      CHECK(a.offset_bytes == all.size());
      all = joined({all, part});
      CHECK(r.read(h, 0, all.size()) == all);
    }
    expect_clean(r);
  }
  for (int round = 0; round < 2; ++round) {
    CAPTURE(round);
    core_runner r{device};
    core_runner::good(r.open());
    const auto n = r.ask(core::open_object_request{0, "log", 0});
    const auto h = std::get<core::opened_object>(core_runner::good(n).result).handle;
    CHECK(r.read(h, 0, all.size()) == all);
    CHECK(r.read(h, 4000, 5000) == std::vector(all.begin() + 4000, all.begin() + 9000));
    expect_clean(r);
    auto part = pattern(77, 777);
    r.append(h, part, durability::written);
    all = joined({all, part});
    core_runner::good(r.ask(core::close_request{}));
  }
}

TEST_CASE("a removed object's zones come back, many times over") {
  auto device = device_shape{}.make();
  store_options o;
  o.checkpoint_journal_bytes_min = 0;
  core_runner r{device, o};
  r.format_and_open();
  auto part = pattern(1, 150 << 10);
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    const auto h = r.create("a");
    r.append(h, part);
    r.append(h, part, durability::durable);
    CHECK(r.read(h, 150 << 10, part.size()) == part);
    core_runner::good(r.ask(core::release_request{h}));
    core_runner::good(r.ask(core::remove_request{0, "a", 0}));
  }
  expect_clean(r);
  const statistics s = r.stats();
  CHECK(s.live_bytes == 0);
  CHECK(s.zone_resets > 100);
  CHECK(s.checkpoints > 10);
  CHECK(s.zone_finishes == 0);
}

TEST_CASE("names: list, rename, replace, remove") {
  auto device = device_shape{}.make();
  core_runner r{device};
  r.format_and_open();
  for (const char* name : {"b/2", "a", "b/1", "b/3", "c"}) r.create(name);
  const auto list = [&](std::string prefix, std::string after) {
    std::string to;
    const auto page = std::get<list_page>(r.ask(core::list_request{0, prefix, after, 2}).result);
    for (const auto& e : page.entries) to += e.name + " ";
    return to + (page.more ? "+" : "");
  };
  CHECK(list("", "") == "a b/1 +");
  CHECK(list("", "b/1") == "b/2 b/3 +");
  CHECK(list("b/", "") == "b/1 b/2 +");
  CHECK(list("b/", "b/2") == "b/3 ");
  CHECK(r.ask(core::rename_request{0, 0, "a", "c", false, 0}).error == errc::exists);
  core_runner::good(r.ask(core::rename_request{0, 0, "a", "c", true, 0}));
  CHECK(list("", "b/3") == "c ");
  CHECK(r.ask(core::remove_request{0, "a", 0}).error == errc::not_found);
  core_runner::good(r.ask(core::remove_request{0, "c", 0}));
  CHECK(list("c", "") == "");
  expect_clean(r);
}

TEST_CASE("a batch is one publication: all of it, or nothing") {
  auto device = device_shape{}.make();
  core_runner r{device};
  r.format_and_open();
  r.create("taken");
  auto bytes = pattern(3, 5000);
  core::batch_request b;
  create_options made;
  made.name = "new";
  b.members.emplace_back(core::batch_request::create{made});
  b.members.emplace_back(core::batch_request::append{{}, 0, {{bytes.data(), bytes.size()}}, {}});
  core::batch_request refused = b;
  made.name = "taken";
  refused.members.emplace_back(core::batch_request::create{made});
  CHECK(r.ask(refused).error == errc::exists);
  CHECK(r.ask(core::open_object_request{0, "new", 0}).error == errc::not_found);
  const auto done = std::get<core::batch_result>(core_runner::good(r.ask(b)).result);
  const auto h = std::get<core::opened_object>(core_runner::good(r.ask(core::open_object_request{0, "new", 0})).result);
  CHECK(h.id == done.created[0]);
  CHECK(r.read(h.handle, 0, bytes.size()) == bytes);
  expect_clean(r);
}

TEST_CASE("a block in more pieces of memory than a command may have is copied") {
  for (const bool whole_in_pieces : {true, false}) {
    device_shape shape{.lba_bytes = 512};
    shape.promises.segments_max = 4;
    zoned::memory_zones device = shape.make();
    core_runner c{device};
    c.format_and_open();
    const core::handle_id h = c.create("a");
    const std::vector<std::byte> data = pattern(5, 2 * core::block_bytes);
    // Each piece has a page of its own, so that no two touch.
    std::vector<std::array<std::byte, 4096>> memory(16);
    segment_list pieces;
    std::size_t at = 0;
    for (std::size_t i = 0; at < data.size(); ++i) {
      const std::size_t bytes = whole_in_pieces ? 512 : (i % 2 == 0 ? 3584 : 512);
      std::memcpy(memory[i].data(), data.data() + at, bytes);
      pieces.push_back({memory[i].data(), bytes});
      at += bytes;
    }
    c.good(c.ask(core::append_request{h, std::move(pieces), {}}));
    CHECK(c.read(h, 0, data.size()) == data);
    CHECK(c.stats().copied_bytes == (whole_in_pieces ? data.size() : 0));
  }
}

TEST_CASE("somebody else's bytes in the zone that the journal is to go on in cost nothing") {
  auto device = device_shape{}.make();
  auto bytes = pattern(1, 8 << 10);
  std::uint32_t next = 0;
  {
    core_runner r{device};
    r.format_and_open();
    r.append(r.create("before"), bytes, durability::durable);
    std::uint64_t last = 0;
    for (std::uint32_t i = 0; i < device.shape().zone_count; ++i) {
      std::vector<std::byte> block(zoned::store_block_bytes);
      device.peek({{i}, 0}, block);
      const auto h = format::decode_zone_header(block);
      if (!h || h->ordinal <= last) continue;
      last = h->ordinal;
      next = h->next.value;
    }
    REQUIRE(last > 0);
  }
  auto junk = pattern(2, 12 << 10);
  const zoned::segment part{junk.data(), junk.size()};
  zoned::command c;
  c.op = zoned::opcode::append;
  c.zone = {next};
  c.segments = {&part, 1};
  REQUIRE_FALSE(device.execute(c).error);
  core_runner r{device};
  core_runner::good(r.open());
  CHECK(std::count_if(r.events.begin(), r.events.end(), [&](const core::event& e) {
          return e.zone && e.zone->what == zone_change::kind::pointer_ahead && e.zone->zone.value == next;
        }) == 1);
  for (const core::event& e : r.events) CHECK(e.what != core::event::kind::damage);
  const auto h =
      std::get<core::opened_object>(core_runner::good(r.ask(core::open_object_request{.name = "before"})).result);
  CHECK(r.read(h.handle, 0, bytes.size()) == bytes);
  auto little = pattern(3, 100);
  for (int i = 0; i < 120; ++i) r.append(h.handle, little, durability::durable);  // a block of the journal each
  CHECK(device.machine().at({next}).write_pointer_bytes > junk.size());
  CHECK(r.check().damage == 0);
}

TEST_CASE("a removed object whose page cannot be read keeps nobody from opening the store") {
  auto device = device_shape{.zones = 64}.make();
  auto bytes = pattern(1, 4096);
  {
    core_runner r{device};
    r.format_and_open();
    for (int i = 0; i < 300; ++i) {
      const auto h = r.create("object " + std::to_string(i));
      r.append(h, bytes);
      if (i != 150) core_runner::good(r.ask(core::release_request{h}));  // that one is not dropped before the crash
    }
    core_runner::good(r.ask(core::remove_request{.name = "object 150"}));
    core_runner::good(r.ask(core::checkpoint_request{}));
  }
  std::optional<zoned::command> last;  // of the pages that an open reads
  {
    auto same = device;
    core_runner r{same};
    bool opens = true;
    r.watch = [&](const zoned::command& c) {
      opens = opens && c.op != zoned::opcode::append && c.op != zoned::opcode::write;
      if (opens && c.op == zoned::opcode::read && zoned::total_bytes(c.segments) == 4096) last = c;
    };
    core_runner::good(r.open());
    REQUIRE(last);
  }
  const auto expect_others = [&](core_runner& r) {
    const auto n = r.ask(core::open_object_request{0, "object 7", 0});
    const auto h = std::get<core::opened_object>(core_runner::good(n).result).handle;
    CHECK(r.read(h, 0, bytes.size()) == bytes);
  };
  for (const bool read_only : {true, false}) {
    CAPTURE(read_only);
    core_runner r{device, {.read_only = read_only}};
    bool met = false;
    r.fail = [&](const zoned::command& c) -> error_code {
      met = met || (c.op == zoned::opcode::read && c.zone == last->zone && c.offset_bytes == last->offset_bytes);
      return met && c.op == zoned::opcode::read ? zoned::errc::io : error_code{};
    };
    core_runner::good(r.open());
    CHECK(met != read_only);
    r.fail = {};
    expect_others(r);
  }
  core_runner r{device};
  core_runner::good(r.open());
  expect_others(r);
  CHECK(r.stats().live_bytes == 299 * 4096);
  expect_clean(r);
}

TEST_CASE("a creation that waits for room is answered when the store is latched, and so is the close behind it") {
  device_shape shape{.zones = 16, .zone_bytes = 64 << 10, .capacity_bytes = 64 << 10};
  auto device = shape.make();
  std::uint64_t made = 0;
  const auto name = [](std::uint64_t i) { return std::string(900, 'n') + std::to_string(i); };
  const auto later = [&name](core_runner& r, std::uint64_t i) {
    create_options o;
    o.name = name(i);
    return r.ask_later(core::create_request{o});
  };
  {
    core_runner r{device};
    r.format({.page_copies = 1});
    core_runner::good(r.open());
    for (bool full = false; !full; made += full ? 0 : 1) {
      const std::uint64_t id = later(r, made);
      r.run();
      full = r.answers.at(id).error == errc::no_space;
    }
  }
  std::uint64_t latched = 0, failing = 0;
  for (bool has_failed = true; has_failed; ++failing) {  // from one more append on each time, while zones come back
    CAPTURE(failing);
    auto copy = device;
    core_runner r{copy};
    core_runner::good(r.open());
    std::uint64_t seen = 0;
    r.fail = [&](const zoned::command& c) -> error_code {
      return c.op == zoned::opcode::append && seen++ >= failing ? error_code{zoned::errc::io} : error_code{};
    };
    for (std::uint64_t i = 0; i < made; ++i) r.ask_later(core::remove_request{.name = name(i)});
    const std::uint64_t create = later(r, made);
    r.run();
    const std::uint64_t close = r.ask_later(core::close_request{});
    r.run();
    REQUIRE(r.answers.contains(create));
    REQUIRE(r.answers.contains(close));
    latched += r.answers.at(create).error == errc::needs_reopen ? 1u : 0u;
    has_failed = seen > failing;
  }
  CHECK(latched > 1);
  CHECK(failing > 4);
}

TEST_CASE("a checkpoint whose page fails in the journal's zone, in front of a group that lands, ends") {
  device_shape shape;
  shape.promises.volatile_cache = true;
  shape.promises.appends_per_zone_max = 2;
  shape.active_max = 4;  // pages share the journal's zone
  auto device = shape.make();
  core_runner r{device};
  r.format({.page_copies = 1});
  core_runner::good(r.open());
  r.create("a");
  const auto is_page = [](const zoned::command& c) {
    return c.op == zoned::opcode::append && format::load_le<std::uint32_t>(c.segments[0].data) == format::page_magic;
  };
  enum class seen { nothing, page, group } last = seen::nothing;
  zoned::zone_index zones[2];
  r.hold = [&](const zoned::command& c) {
    if (c.op != zoned::opcode::append) return false;
    if (last == seen::nothing && is_page(c)) return last = seen::page, zones[0] = c.zone, true;
    if (last == seen::page && format::load_le<std::uint64_t>(c.segments[0].data) == format::group_magic)
      return last = seen::group, zones[1] = c.zone, true;
    return false;
  };
  bool failed = false;
  r.fail = [&](const zoned::command& c) -> error_code {
    const bool now = !failed && last == seen::group && is_page(c);
    failed = failed || now;
    return now ? error_code{zoned::errc::io} : error_code{};
  };
  const std::uint64_t checkpoint = r.ask_later(core::checkpoint_request{});
  create_options o;
  o.name = "b";
  r.ask_later(core::create_request{o});
  r.ask_later(core::sync_request{});
  r.run();
  CHECK(failed);
  CHECK((zones[0] == zones[1]));
  REQUIRE(r.answers.contains(checkpoint));
  CHECK_FALSE(r.answers.at(checkpoint).error);
  r.hold = nullptr;
  r.fail = nullptr;
  core_runner::good(r.open());
  CHECK(r.stats().objects == 2);
  expect_clean(r);
}
