// What a change in the middle leaves behind it: epochs over a reopening, promises of room, and that everything ends.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "core/limits.hpp"
#include "support/core_runner.hpp"

namespace furrow::test {
namespace {

constexpr std::uint64_t block = 4096;

core::handle_id opened(core_runner& r, const std::string& name) {
  core::open_object_request ask;
  ask.name = name;
  return std::get<core::opened_object>(core_runner::good(r.ask(ask)).result).handle;
}

error_code append_with_epoch(core_runner& r, core::handle_id h, std::uint64_t epoch) {
  std::vector<std::byte> bytes = pattern(epoch, 100);
  append_options o;
  o.fence_epoch = epoch;
  return r.ask(core::append_request{h, {{bytes.data(), bytes.size()}}, o}).error;
}

TEST_CASE("an epoch that a hole, a truncation or a clone raises holds after reopening") {
  for (int kind = 0; kind < 3; ++kind) {
    CAPTURE(kind);
    zoned::memory_zones zones = device_shape{}.make();
    core_runner r{zones};
    r.format_and_open();
    const core::handle_id h = r.create("fenced");
    const core::handle_id other = r.create("other");
    std::vector<std::byte> bytes = pattern(1, 5 * block + 7);
    r.append(h, bytes);
    r.append(other, bytes);
    write_options o;
    o.fence_epoch = 7;
    if (kind == 0) core_runner::good(r.ask(core::zero_request{h, block, block, false, o}));
    if (kind == 1) core_runner::good(r.ask(core::truncate_request{h, 2 * block + 1, o}));
    if (kind == 2) core_runner::good(r.ask(core::clone_request{h, block, other, 0, 2 * block, o}));
    core_runner::good(r.open());
    CHECK(append_with_epoch(r, opened(r, "fenced"), 3) == errc::fenced);
    CHECK_FALSE(append_with_epoch(r, opened(r, "fenced"), 7));
    CHECK(r.check().damage == 0);
  }
}

TEST_CASE("a device that fails all writes for a while takes a few zones from the store, not all") {
  zoned::memory_zones zones = device_shape{.zones = 40}.make();
  core_runner r{zones};
  r.format_and_open();
  const core::handle_id h = r.create("object");
  std::vector<std::byte> bytes = pattern(1, block);
  r.append(h, bytes);
  r.fail = [](const zoned::command& c) {
    return c.op == zoned::opcode::append ? error_code{zoned::errc::io} : error_code{};
  };
  CHECK(r.ask(core::write_request{h, 0, block, {{bytes.data(), block}}, {}}).error == zoned::errc::io);
  r.fail = nullptr;
  const core::notification all = r.ask(core::zones_request{});
  const auto& now = std::get<std::vector<zone_status>>(all.result);
  const auto lost = std::count_if(now.begin(), now.end(), [](const zone_status& z) {
    return std::find(z.kept_by.begin(), z.kept_by.end(), zone_keeper::bad) != z.kept_by.end();
  });
  CHECK(lost <= 5);
  r.append(h, bytes);
}

TEST_CASE("an epoch that a change was to raise which failed is not held against others") {
  for (const bool at_end : {false, true}) {
    CAPTURE(at_end);
    zoned::memory_zones zones = device_shape{}.make();
    core_runner r{zones};
    r.format_and_open();
    const core::handle_id h = r.create("fenced");
    std::vector<std::byte> bytes = pattern(1, 5 * block);
    r.append(h, bytes);
    write_options o;
    o.fence_epoch = 7;
    r.fail = [](const zoned::command& c) {
      return c.op == zoned::opcode::append ? error_code{zoned::errc::io} : error_code{};
    };
    const std::uint64_t at = at_end ? bytes.size() : block;
    CHECK(r.ask(core::write_request{h, at, block, {{bytes.data(), block}}, o}).error == zoned::errc::io);
    r.fail = nullptr;
    CHECK_FALSE(append_with_epoch(r, h, 3));
    CHECK(append_with_epoch(r, h, 2) == errc::fenced);
  }
}

TEST_CASE("room that was promised is promised again when the rest of a write is cancelled") {
  zoned::memory_zones zones = device_shape{}.make();
  core_runner r{zones};
  r.format_and_open();
  const core::handle_id h = r.create("promised");
  const std::uint64_t free = r.stats().free_bytes;
  core_runner::good(r.ask(core::reserve_request{h, 16 * block}));
  CHECK(r.stats().free_bytes == free - 16 * block);
  std::vector<std::byte> bytes = pattern(2, 8 * block);
  const auto id = r.ask_later(core::write_request{h, 0, bytes.size(), {{bytes.data(), block}}, {}});
  r.run();  // one block is submitted, seven are cancelled
  CHECK(r.stats().free_bytes == free - 16 * block);
  core::source_request more;
  more.target = {id};
  more.segments.push_back({bytes.data() + block, 7 * block});
  static_cast<void>(r.ask(std::move(more)));
  CHECK(r.read(h, 0, bytes.size()) == bytes);
  CHECK(r.stats().free_bytes == free - 16 * block);
  core_runner::good(r.ask(core::release_request{h}));
  CHECK(r.stats().free_bytes == free - 8 * block);
}

TEST_CASE("a clone within one extent of an object counts what both ranges name") {
  zoned::memory_zones zones = device_shape{}.make();
  core_runner r{zones};
  r.format_and_open();
  const core::handle_id h = r.create("itself");
  std::vector<std::byte> bytes = pattern(3, 30 * block);
  r.append(h, bytes);
  core_runner::good(r.ask(core::clone_request{h, 15 * block, h, 0, 10 * block, {}}));
  core_runner::good(r.ask(core::clone_request{h, 20 * block, h, 2 * block, 3 * block, {}}));
  CHECK(r.check().damage == 0);
  core_runner::good(r.ask(core::sync_request{}));
  core_runner::good(r.open());
  CHECK(r.check().damage == 0);
  std::copy_n(bytes.begin(), 10 * block, bytes.begin() + 15 * block);
  std::copy_n(bytes.begin() + 2 * block, 3 * block, bytes.begin() + 20 * block);
  CHECK(r.read(opened(r, "itself"), 0, bytes.size()) == bytes);
}

TEST_CASE("a write goes on when its old bytes have come, though nothing else happens") {
  zoned::memory_zones zones = device_shape{}.make();
  core_runner r{zones};
  r.format_and_open();
  const core::handle_id h = r.create("edges");
  std::vector<std::byte> bytes = pattern(4, 8 * block);
  r.append(h, bytes, durability::durable);
  r.ticks = false;
  std::vector<std::byte> more = pattern(5, 3 * block);
  for (const std::uint64_t offset : {block + 7, 4 * block + 9}) {
    const auto id = r.ask_later(core::write_request{h, offset, more.size(), {{more.data(), more.size()}}, {}});
    r.run();
    REQUIRE(r.answers.contains(id));
    CHECK_FALSE(r.answers.at(id).error);
    std::ranges::copy(more, bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    CHECK(r.read(h, 0, bytes.size()) == bytes);
  }
}

/// A store that has reopened, and an object of so many extents that what drops them waits for pages.
struct slow_drop {
  zoned::memory_zones zones = device_shape{.zones = 100}.make();
  core_runner r{zones};
  core::handle_id h, other, small;
  std::vector<std::byte> memory =
      pattern(6, (core::drop_extents_max + 400) * block);  ///< More than one step gives back.

  explicit slow_drop(bool full) {
    constexpr std::uint64_t extents = 2 * core::drop_extents_max + 10;
    r.format_and_open();
    h = r.create("fragments");
    std::vector<std::byte> bytes = pattern(7, 2 * block);
    core_runner::good(r.ask(core::truncate_request{h, 2 * extents * block, {}}));
    for (std::uint64_t i = 0; i < extents; ++i)
      core_runner::good(r.ask(core::write_request{h, 2 * i * block, block, {{bytes.data(), block}}, {}}));
    other = r.create("other");
    small = r.create("small");
    if (full) fill();
    core_runner::good(r.ask(core::close_request{}));
    core_runner::good(r.open());
    h = opened(r, "fragments");
    other = opened(r, "other");
    small = opened(r, "small");
    if (full) fill();
  }
  void fill() {
    std::vector<std::byte> much = pattern(8, 64 * block);
    for (std::size_t bytes = much.size(); bytes >= block;)
      if (r.ask(core::append_request{other, {{much.data(), bytes}}, {}}).error) bytes /= 2;
  }
  /// Truncates it, and asks at the first command behind that.
  void truncate_and(const std::function<void()>& ask) {
    const auto cut = r.ask_later(core::truncate_request{h, 0, {}});
    bool asked = false;
    r.watch = [&, cut](const zoned::command&) {
      if (r.answers.contains(cut) && !std::exchange(asked, true)) ask();
    };
    r.run();
    r.watch = nullptr;
    REQUIRE(asked);
  }
};

TEST_CASE("a close lets a write have the room that dropped blocks give back") {
  slow_drop w{true};
  std::uint64_t put = 0, close = 0;
  w.truncate_and([&] {
    std::vector<std::byte>& m = w.memory;
    put = w.r.ask_later(core::write_request{w.other, 0, m.size(), {{m.data(), m.size()}}, {}});
    close = w.r.ask_later(core::close_request{});
    CHECK_FALSE(w.r.answers.contains(put));
  });
  REQUIRE(w.r.answers.contains(put));
  CHECK_FALSE(w.r.answers.at(put).error);
  REQUIRE(w.r.answers.contains(close));
  CHECK_FALSE(w.r.answers.at(close).error);
  core_runner::good(w.r.open());
  CHECK(w.r.read(opened(w.r, "other"), 0, w.memory.size()) == w.memory);
  CHECK(w.r.check().damage == 0);
}

TEST_CASE("a write that waits for room is not overtaken by a smaller one") {
  slow_drop w{true};
  std::vector<std::byte> few = pattern(10, block);
  std::vector<std::byte>& m = w.memory;
  std::uint64_t put = 0, small = 0, hole = 0;
  write_options together;  // in one stream, so that they are begun in the order in which they get room
  together.hint = lifetime::extreme;
  int resets = 0;
  std::vector<const std::byte*> begun;  // those of the two, in the order of their first commands
  w.r.fail = [&](const zoned::command& c) -> error_code {
    if (c.op == zoned::opcode::reset && ++resets == 8)  // there is room for this one, but not for the other
      small = w.r.ask_later(core::write_request{w.small, 0, few.size(), {{few.data(), few.size()}}, together});
    for (const zoned::segment& part : c.op == zoned::opcode::append ? c.segments : std::span<const zoned::segment>{}) {
      if (part.data == m.data() || part.data == few.data()) begun.push_back(part.data);
      if (part.data == m.data()) CHECK(w.r.answers.contains(hole));  // which takes no room
    }
    return {};
  };
  w.truncate_and([&] {
    put = w.r.ask_later(core::write_request{w.other, 0, m.size(), {{m.data(), m.size()}}, together});
    hole = w.r.ask_later(core::zero_request{w.other, 1500 * block, 2 * block, false, {}});
  });
  core_runner::good(w.r.answers.at(put));
  core_runner::good(w.r.answers.at(small));
  CHECK(begun == std::vector<const std::byte*>{m.data(), few.data()});
}

TEST_CASE("what waits for doomed blocks to be dropped fails when the store can write no more") {
  slow_drop w{false};
  std::vector<std::byte>& m = w.memory;
  bool failing = false;
  w.r.fail = [&](const zoned::command& c) -> error_code {
    if (c.op == zoned::opcode::append && c.segments.front().data == m.data()) failing = true;
    return failing && c.op == zoned::opcode::read ? error_code{zoned::errc::io} : error_code{};
  };
  std::uint64_t put = 0;
  w.truncate_and([&] { put = w.r.ask_later(core::write_request{w.h, 0, block, {{m.data(), block}}, {}}); });
  REQUIRE(failing);
  REQUIRE(w.r.answers.contains(put));
  CHECK(w.r.answers.at(put).error == errc::needs_reopen);
  w.r.fail = nullptr;
  CHECK(w.r.ask(core::close_request{}).error == errc::needs_reopen);
  core_runner::good(w.r.open());
  CHECK(w.r.check().damage == 0);
}

TEST_CASE("a long write of short attempts, each of which journals the object's tail, does not outrun the journal") {
  constexpr std::uint64_t zone = 64 << 10, tail = 3400, attempts = 300;
  zoned::memory_zones zones = device_shape{.zones = 80, .zone_bytes = zone, .capacity_bytes = zone}.make();
  store_options options;
  options.ordered_extent_bytes_max = block;
  core_runner r{zones, options};
  r.format_and_open();
  const core::handle_id h = r.create("tailed");
  std::vector<std::byte> bytes = pattern(11, attempts * block + tail);
  r.append(h, bytes);
  std::vector<std::byte> more = pattern(12, attempts * block);
  std::uint64_t others = 0, others_at_last = 0;  // bytes of the journal, and of few headers and pages
  r.watch = [&](const zoned::command& c) {
    if (c.op != zoned::opcode::append) return;
    const std::byte* const from = c.segments.front().data;
    if (from >= more.data() && from < more.data() + more.size())
      others_at_last = others;
    else
      others += zoned::total_bytes(c.segments);
  };
  write_options o;
  o.level = durability::durable;
  core_runner::good(r.ask(core::write_request{h, 0, more.size(), {{more.data(), more.size()}}, o}));
  CHECK(others_at_last >= attempts * tail - zone);
  std::ranges::copy(more, bytes.begin());
  CHECK(r.read(h, 0, bytes.size()) == bytes);
  CHECK(r.check().damage == 0);
}

TEST_CASE("what waited for a check to end is made durable, though nothing else happens") {
  zoned::memory_zones zones = device_shape{}.make();
  core_runner r{zones};
  r.format_and_open();
  const core::handle_id h = r.create("checked");
  std::vector<std::byte> bytes = pattern(13, 2 * block);
  r.append(h, bytes, durability::durable);
  r.ticks = false;
  r.hold = [](const zoned::command& c) { return c.op == zoned::opcode::read; };
  const auto check = r.ask_later(core::check_request{true});
  append_options o;
  o.level = durability::durable;
  const auto more = r.ask_later(core::append_request{h, {{bytes.data(), bytes.size()}}, o});
  r.run();
  REQUIRE(r.answers.contains(check));
  CHECK(std::get<core::check_result>(r.answers.at(check).result).damage == 0);
  REQUIRE(r.answers.contains(more));
  CHECK_FALSE(r.answers.at(more).error);
}

TEST_CASE(
    "an append that waits for a change of its object's end is not overtaken by a batch that was asked for later") {
  zoned::memory_zones zones = device_shape{}.make();
  core_runner r{zones};
  r.format_and_open();
  const core::handle_id h = r.create("ends");
  std::vector<std::byte> bytes = pattern(9, 2 * block);
  const auto put = r.ask_later(core::write_request{h, 5, bytes.size(), {}, {}});
  const auto first = r.ask_later(core::append_request{h, {{bytes.data(), 100}}, {}});
  core::batch_request more;
  more.members.emplace_back(core::batch_request::append{h, 0, {{bytes.data(), 10}}, {}});
  const auto second = r.ask_later(std::move(more));
  const auto third = r.ask_later(core::append_request{h, {{bytes.data(), 1}}, {}});
  r.run();
  REQUIRE(std::holds_alternative<core::source_need>(r.answers.extract(put).mapped().result));
  for (const auto id : {first, second, third}) REQUIRE_FALSE(r.answers.contains(id));
  core_runner::good(r.ask(core::source_request{{put}, {{bytes.data(), bytes.size()}}, {}, false}));
  r.run();
  for (const auto id : {put, first, second, third}) CHECK_FALSE(r.answers.at(id).error);
  const auto offset = [&r](std::uint64_t id) { return std::get<append_result>(r.answers.at(id).result).offset_bytes; };
  const std::uint64_t end = 5 + bytes.size();
  CHECK(offset(first) == end);
  CHECK(offset(third) == end + 100 + 10);
  CHECK(r.check().damage == 0);
}

TEST_CASE("a store may go while an append waits for a change of its object's end") {
  zoned::memory_zones zones = device_shape{}.make();
  core_runner r{zones};
  r.format_and_open();
  const core::handle_id h = r.create("left");
  std::vector<std::byte> bytes = pattern(9, 2 * block);
  const auto put = r.ask_later(core::write_request{h, 5, bytes.size(), {}, {}});
  const auto more = r.ask_later(core::append_request{h, {{bytes.data(), bytes.size()}}, {}});
  r.run();
  CHECK(std::holds_alternative<core::source_need>(r.answers.at(put).result));
  CHECK_FALSE(r.answers.contains(more));
  core_runner::good(r.open());
  CHECK(r.check().damage == 0);
}

}  // namespace
}  // namespace furrow::test
