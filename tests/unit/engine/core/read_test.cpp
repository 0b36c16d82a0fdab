// Reads, above all those of whole blocks by one command, which have no operation of their own until they fail.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>

#include "support/core_runner.hpp"

using namespace furrow;
using namespace furrow::test;

namespace {

constexpr std::size_t block = 4096;

struct world {
  explicit world(bool checksums = true) {
    r.format({.checksums = checksums});
    core_runner::good(r.open());
    h = r.create("a");
  }
  /// Of 16 blocks.
  void fill() {
    content = pattern(5, 16 * block);
    r.append(h, content);
  }
  core::notification read(std::uint64_t offset_bytes, std::span<std::byte> to) {
    return r.ask(core::read_request{h, {{offset_bytes, to}}});
  }
  std::vector<std::byte> part(std::uint64_t offset_bytes, std::size_t bytes) const {
    const auto from = content.begin() + static_cast<std::ptrdiff_t>(offset_bytes);
    return {from, from + static_cast<std::ptrdiff_t>(bytes)};
  }

  zoned::memory_zones device = device_shape{}.make();
  core_runner r{device};
  core::handle_id h;
  std::vector<std::byte> content;
};

}  // namespace

TEST_CASE("a read of whole blocks: what does not match its sum is told, with the first block that is bad") {
  world w;
  w.fill();
  std::vector<std::byte> to(3 * block);
  w.r.spoil = [&to](const zoned::command& c, zoned::completion&) {
    if (c.op == zoned::opcode::read) to[block + 100] ^= std::byte{1};
  };
  const core::notification bad = w.read(4 * block, to);
  CHECK(bad.error == errc::checksum_mismatch);
  CHECK(bad.detail.offset_bytes == 5 * block);
  CHECK(bad.detail.bytes == block);
  CHECK(bad.detail.zone.has_value());
  CHECK(bad.detail.object.has_value());
  const std::uint64_t read_bytes = w.r.stats().read_bytes;
  w.r.spoil = nullptr;
  core_runner::good(w.read(4 * block, to));
  CHECK(to == w.part(4 * block, 3 * block));
  CHECK(w.r.stats().read_bytes == read_bytes + 3 * block);
}

TEST_CASE("a read of whole blocks: one that the device fails or cuts short is an error, and the zone is looked at") {
  for (const bool checksums : {true, false}) {
    CAPTURE(checksums);
    world w(checksums);
    w.fill();
    std::vector<std::byte> to(2 * block);
    std::uint64_t reports = 0;
    w.r.watch = [&reports](const zoned::command& c) { reports += c.op == zoned::opcode::report ? 1 : 0; };
    w.r.fail = [](const zoned::command& c) {
      return c.op == zoned::opcode::read ? error_code{zoned::errc::io} : error_code{};
    };
    const core::notification failed = w.read(block, to);
    CHECK(failed.error == zoned::errc::io);
    CHECK(failed.detail.offset_bytes == block);
    CHECK(reports > 0);
    w.r.fail = nullptr;
    w.r.spoil = [](const zoned::command& c, zoned::completion& done) {
      if (c.op == zoned::opcode::read) done.bytes -= block;
    };
    CHECK(w.read(block, to).error == zoned::errc::io);
    w.r.spoil = nullptr;
    core_runner::good(w.read(block, to));
    CHECK(to == w.part(block, 2 * block));
    core_runner::good(w.r.ask(core::close_request{}));  // no read is still counted
  }
}

TEST_CASE("a read of whole blocks: where holes, changes and the tail are, it is the object as it is published") {
  for (const bool checksums : {true, false}) {
    CAPTURE(checksums);
    world w(checksums);
    w.fill();
    std::vector<std::byte> more = pattern(9, 20 * block + 77);
    w.r.append(w.h, more);
    w.content.insert(w.content.end(), more.begin(), more.end());
    const auto zeros = [&](std::uint64_t first, std::uint64_t blocks) {
      core_runner::good(w.r.ask(core::zero_request{w.h, first * block, blocks * block}));
      std::fill_n(w.content.begin() + static_cast<std::ptrdiff_t>(first * block), blocks * block, std::byte{0});
    };
    zeros(3, 1);
    zeros(10, 5);
    std::vector<std::byte> changed = pattern(11, 2 * block);
    core_runner::good(w.r.ask(
        core::write_request{w.h, 20 * block, changed.size(), {{changed.data(), changed.size()}}, write_options{}}));
    std::copy(changed.begin(), changed.end(), w.content.begin() + 20 * block);
    const std::uint64_t whole = w.content.size() / block;
    for (std::uint64_t first = 0; first < whole; ++first) {
      for (std::uint64_t blocks = 1; blocks <= whole - first; ++blocks) {
        REQUIRE(w.r.read(w.h, first * block, blocks * block) == w.part(first * block, blocks * block));
      }
    }
    std::mt19937_64 chance{4};
    for (int i = 0; i < 300; ++i) {
      const std::uint64_t from = chance() % w.content.size(), bytes = 1 + chance() % (w.content.size() - from);
      REQUIRE(w.r.read(w.h, from, bytes) == w.part(from, bytes));
    }
    std::vector<std::byte> behind(block);
    CHECK(w.read(whole * block, behind).error == errc::out_of_range);
    CHECK(w.read(w.content.size() + block, behind).error == errc::out_of_range);
  }
}

TEST_CASE("a read of whole blocks: its zone is not reset before it has landed") {
  zoned::memory_zones device = device_shape{}.make();
  std::vector<std::byte> content = pattern(3, 47 * block), to(block);
  {
    core_runner r{device};
    r.format_and_open();
    r.append(r.create("a"), content, durability::durable);
    core_runner::good(r.ask(core::close_request{}));
  }
  core::core c{device.shape(), device.promises(), {}};
  std::optional<zoned::command> held;
  std::vector<zoned::zone_index> resets;
  std::map<std::uint64_t, core::notification> answers;
  bool holding = false;
  const auto run = [&] {
    for (int rest = 0; rest < 3;) {
      zoned::command command;
      core::notification n;
      while (c.poll(n)) answers[n.id.value] = n;
      if (!c.poll(command)) {
        c.tick();
        ++rest;
        continue;
      }
      rest = 0;
      if (command.op == zoned::opcode::reset) resets.push_back(command.zone);
      if (holding && command.op == zoned::opcode::read) {
        held = command;
        holding = false;
      } else {
        c.handle(device.execute(command));
      }
    }
  };
  const auto ask = [&](std::uint64_t id, core::request_body body) {
    c.handle(core::request{{id}, 1, std::move(body)});
    run();
  };
  ask(1, core::open_request{});
  ask(2, core::open_object_request{0, "a", 0});
  const auto h = std::get<core::opened_object>(core_runner::good(answers.at(2)).result).handle;
  ask(3, core::read_request{h, {{0, to}}});  // the pages are there from now on
  core_runner::good(answers.at(3));
  holding = true;
  ask(4, core::read_request{h, {{2 * block, to}}});
  REQUIRE(held.has_value());
  ask(5, core::zero_request{h, 0, content.size()});
  ask(7, core::sync_request{});
  ask(8, core::checkpoint_request{});
  CHECK(std::ranges::count(resets, held->zone) == 0);
  c.handle(device.execute(*held));
  run();
  core_runner::good(answers.at(4));
  CHECK(std::ranges::equal(to, std::span{content}.subspan(2 * block, block)));
  ask(9, core::sync_request{});
  ask(10, core::checkpoint_request{});
  ask(11, core::sync_request{});
  CHECK(std::ranges::count(resets, held->zone) == 1);
}
