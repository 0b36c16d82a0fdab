// Ranges with more extents than one record takes: doomed at once, worked off step by step, over crashes too.
#include <doctest/doctest.h>

#include <algorithm>
#include <list>

#include "core/limits.hpp"
#include "support/core_runner.hpp"

namespace furrow::test {
namespace {

constexpr std::uint64_t block = 4096;

/// An object of `extents` extents of one block, with a hole of one block behind each.
class fragmented {
 public:
  explicit fragmented(std::uint32_t extents) : extents_{extents} {
    runner.format_and_open();
    h = runner.create("fragmented");
    std::vector<std::byte> all = pattern(7, 2 * extents * block);
    runner.append(h, all);
    for (std::uint32_t i = 0; i < extents; ++i)
      core_runner::good(runner.ask(core::zero_request{h, (2 * i + 1) * block, block, false, {}}));
    for (std::uint32_t i = 0; i < extents; ++i)
      std::fill_n(all.begin() + static_cast<std::ptrdiff_t>((2 * i + 1) * block), block, std::byte{});
    content = std::move(all);
    REQUIRE(status().extents == extents);
  }
  object_status status() {
    return std::get<object_status>(core_runner::good(runner.ask(core::stat_request{h})).result);
  }
  void reopen() {
    core_runner::good(runner.open());
    core::open_object_request r;
    r.name = "fragmented";
    h = std::get<core::opened_object>(core_runner::good(runner.ask(r)).result).handle;
  }
  void compare() {
    REQUIRE(status().bytes == content.size());
    CHECK(runner.read(h, 0, content.size()) == content);
    CHECK(runner.check().damage == 0);
  }

  zoned::memory_zones zones = device_shape{.zones = 160}.make();
  core_runner runner{zones};
  core::handle_id h;
  std::vector<std::byte> content;

 private:
  std::uint32_t extents_;
};

TEST_CASE("a hole over more extents than a record takes is there at once, and its blocks come back in steps") {
  fragmented f{core::drop_extents_max + 500};
  const std::uint64_t live = f.runner.stats().live_bytes;
  const auto id = f.runner.ask_later(core::zero_request{f.h, block, f.content.size(), false, {}});
  std::fill(f.content.begin() + block, f.content.end(), std::byte{});
  f.runner.run();
  REQUIRE_FALSE(f.runner.answers.at(id).error);
  f.compare();
  CHECK(f.status().extents == 1);
  CHECK(f.runner.stats().live_bytes == live - (core::drop_extents_max + 499) * block);
}

TEST_CASE("while blocks of a hole are still to be dropped, they read as zeros") {
  fragmented f{2 * core::drop_extents_max + 10};
  core_runner::good(f.runner.ask(core::close_request{}));
  f.reopen();  // so that the steps wait for pages
  const std::uint64_t hole = f.runner.ask_later(core::zero_request{f.h, 0, f.content.size(), false, {}});
  struct look {
    std::uint64_t status = 0;
    std::uint64_t read = 0;
    std::vector<std::byte> bytes;
  };
  std::list<look> looks;
  f.runner.watch = [&](const zoned::command&) {
    if (!f.runner.answers.contains(hole) || looks.size() > 200) return;
    look& l = looks.emplace_back();
    l.bytes.resize(block, std::byte{1});
    l.status = f.runner.ask_later(core::stat_request{f.h});
    const std::uint64_t at = (looks.size() * 37 % (f.content.size() / block - 1)) / 2 * 2 * block;
    l.read = f.runner.ask_later(core::read_request{f.h, {{at, l.bytes}}});
  };
  f.runner.run();
  f.runner.watch = nullptr;
  bool any_left = false;
  for (const look& l : looks) {
    CHECK(l.bytes == std::vector<std::byte>(block));
    const auto left = std::get<object_status>(core_runner::good(f.runner.answers.at(l.status)).result).extents;
    any_left = any_left || left > 0;
  }
  CHECK(any_left);
  std::ranges::fill(f.content, std::byte{});
  f.compare();
}

TEST_CASE("what is written into a large hole when its blocks are gone is there after reopening") {
  for (const bool cleanly : {false, true}) {
    CAPTURE(cleanly);
    fragmented f{core::drop_extents_max + 20};
    core_runner::good(f.runner.ask(core::zero_request{f.h, 0, f.content.size(), false, {}}));
    f.runner.run();
    std::vector<std::byte> more = pattern(9, 8 * block);
    core_runner::good(f.runner.ask(core::write_request{f.h, 6 * block, more.size(), {{more.data(), more.size()}}, {}}));
    std::ranges::fill(f.content, std::byte{});
    std::ranges::copy(more, f.content.begin() + 6 * block);
    if (cleanly)
      core_runner::good(f.runner.ask(core::close_request{}));
    else
      core_runner::good(f.runner.ask(core::sync_request{}));
    f.reopen();
    f.compare();
  }
}

TEST_CASE("what follows a large truncation waits for it, and finds its blocks gone") {
  fragmented f{2 * core::drop_extents_max + 10};
  const auto cut = f.runner.ask_later(core::truncate_request{f.h, block + 5, {}});
  std::vector<std::byte> more = pattern(8, 3 * block);
  const auto put =
      f.runner.ask_later(core::write_request{f.h, 40 * block, more.size(), {{more.data(), more.size()}}, {}});
  f.runner.run();
  REQUIRE_FALSE(f.runner.answers.at(cut).error);
  REQUIRE_FALSE(f.runner.answers.at(put).error);
  f.content.resize(block + 5);
  f.content.resize(40 * block);
  f.content.insert(f.content.end(), more.begin(), more.end());
  f.compare();
}

TEST_CASE("a large hole that a crash interrupts is whole after it") {
  // The store is thrown away after each number of commands of the truncation and what follows it.
  for (std::uint32_t commands = 0; commands < 12; ++commands) {
    CAPTURE(commands);
    fragmented f{2 * core::drop_extents_max + 10};
    core_runner::good(f.runner.ask(core::sync_request{}));
    const auto id =
        f.runner.ask_later(core::zero_request{f.h, 0, f.content.size(), false, {.level = durability::durable}});
    f.runner.run_commands(commands);
    const bool answered = f.runner.answers.contains(id);
    f.reopen();
    const bool whole = f.status().extents == 0 || f.runner.read(f.h, 0, block) == std::vector<std::byte>(block);
    if (answered) REQUIRE(whole);
    if (whole) std::fill(f.content.begin(), f.content.end(), std::byte{});
    f.runner.run();
    f.compare();
    if (whole) CHECK(f.status().extents == 0);
  }
}

TEST_CASE("an object removed while blocks of it are doomed goes as a whole") {
  fragmented f{2 * core::drop_extents_max + 10};
  const auto cut = f.runner.ask_later(core::truncate_request{f.h, 0, {}});
  core::remove_request r;
  r.name = "fragmented";
  const auto gone = f.runner.ask_later(r);
  f.runner.run();
  REQUIRE_FALSE(f.runner.answers.at(cut).error);
  REQUIRE_FALSE(f.runner.answers.at(gone).error);
  core_runner::good(f.runner.ask(core::release_request{f.h}));
  f.runner.run();
  CHECK(f.runner.stats().live_bytes == 0);
  CHECK(f.runner.check().damage == 0);
  core_runner::good(f.runner.open());
  CHECK(f.runner.stats().live_bytes == 0);
  CHECK(f.runner.stats().objects == 0);
}

TEST_CASE("a clone of more extents than a record takes is refused, and nothing has changed") {
  fragmented f{2000};
  const core::handle_id to = f.runner.create("copy");
  const auto n = f.runner.ask(core::clone_request{to, 0, f.h, 0, f.content.size(), {}});
  CHECK(n.error == errc::too_fragmented);
  CHECK(f.runner.check().damage == 0);
  f.compare();
}

}  // namespace
}  // namespace furrow::test
