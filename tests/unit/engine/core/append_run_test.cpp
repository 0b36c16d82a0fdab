// Appends that come to the core one behind the other, with nothing between: they join, and what comes between ends that.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "core/context.hpp"
#include "core/core.hpp"
#include "support/core_runner.hpp"

using namespace furrow;
using namespace furrow::test;

namespace {

constexpr std::size_t block = 4096;

/// Blocks at whole addresses, each full of its number.
struct numbered_blocks {
  explicit numbered_blocks(std::size_t count) : memory((count + 1) * block) {
    const auto at = reinterpret_cast<std::uintptr_t>(memory.data());
    first = memory.data() + (block - at % block) % block;
    for (std::size_t i = 0; i < count; ++i) std::memset(first + i * block, static_cast<int>(i + 1), block);
  }
  [[nodiscard]] core::append_request append(core::handle_id h, std::size_t index, const append_options& o = {},
                                            std::size_t bytes = block) const {
    return {h, {{first + index * block, bytes}}, o};
  }
  [[nodiscard]] std::vector<std::byte> bytes(std::initializer_list<std::size_t> indices) const {
    std::vector<std::byte> all;
    for (const std::size_t i : indices) all.insert(all.end(), first + i * block, first + (i + 1) * block);
    return all;
  }

  std::vector<std::byte> memory;
  std::byte* first = nullptr;
};

struct world {
  zoned::memory_zones device = device_shape{}.make();
  core_runner runner{device};
  numbered_blocks memory{16};
  core::handle_id h;

  explicit world(const format_options& o = {}) {
    runner.format(o);
    core_runner::good(runner.open());
    h = runner.create("log");
  }
  std::uint64_t append(std::size_t index, const append_options& o = {}) {
    return runner.ask_later(memory.append(h, index, o));
  }
  append_result answer(std::uint64_t id) {
    return std::get<append_result>(core_runner::good(runner.answers.at(id)).result);
  }
  core::handle_id open_again() {
    const auto n = runner.ask(core::open_object_request{0, "log", 0});
    return std::get<core::opened_object>(core_runner::good(n).result).handle;
  }
  std::uint64_t bytes() {
    return std::get<object_status>(core_runner::good(runner.ask(core::stat_request{h})).result).bytes;
  }
};

}  // namespace

TEST_CASE("appends that come one behind the other land together, in their order, each with its answer") {
  world w;
  const statistics before = w.runner.stats();
  std::vector<std::uint64_t> ids;
  for (std::size_t i = 0; i < 8; ++i) {
    append_options o;
    o.level = i % 3 == 2 ? durability::durable : durability::written;
    ids.push_back(w.append(i, o));
  }
  w.runner.run();
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(w.answer(ids[i]).offset_bytes == i * block);
    CHECK(w.answer(ids[i]).bytes == block);
    CHECK(w.answer(ids[i]).sequence == w.answer(ids[0]).sequence);
  }
  const statistics after = w.runner.stats();
  CHECK(after.appends - before.appends == 8);
  CHECK(after.append_bytes - before.append_bytes == 8 * block);
  CHECK(after.ordered_extents - before.ordered_extents == 1);
  CHECK(w.runner.read(w.h, 0, 8 * block) == w.memory.bytes({0, 1, 2, 3, 4, 5, 6, 7}));
  CHECK(w.runner.check().damage == 0);
}

TEST_CASE("appends that come one behind the other in a store without sums have none") {
  world w{{.checksums = false}};
  std::vector<std::uint64_t> ids;
  for (std::size_t i = 0; i < 8; ++i) ids.push_back(w.append(i));
  w.runner.run();
  for (std::size_t i = 0; i < 8; ++i) CHECK(w.answer(ids[i]).offset_bytes == i * block);
  CHECK(w.runner.stats().ordered_extents == 1);
  CHECK(w.runner.read(w.h, 0, 8 * block) == w.memory.bytes({0, 1, 2, 3, 4, 5, 6, 7}));
  CHECK(w.runner.check().damage == 0);
  core_runner::good(w.runner.ask(core::sync_request{}));
  core_runner::good(w.runner.open());
  w.h = w.open_again();
  CHECK(w.runner.read(w.h, 0, 8 * block) == w.memory.bytes({0, 1, 2, 3, 4, 5, 6, 7}));
  CHECK(w.runner.check().damage == 0);
}

TEST_CASE("what comes between appends counts for those behind it") {
  world w;
  for (std::size_t i = 0; i < 3; ++i) w.append(i);
  SUBCASE("a truncation") {
    const auto cut = w.runner.ask_later(core::truncate_request{w.h, block, {}});
    const auto last = w.append(3);
    w.runner.run();
    core_runner::good(w.runner.answers.at(cut));
    CHECK(w.answer(last).offset_bytes == block);
    CHECK(w.runner.read(w.h, 0, 2 * block) == w.memory.bytes({0, 3}));
  }
  SUBCASE("a write over the end") {
    core::write_request r{w.h, 3 * block, block, {{w.memory.first + 4 * block, block}}, {}};
    w.runner.ask_later(std::move(r));
    const auto last = w.append(3);
    w.runner.run();
    CHECK(w.answer(last).offset_bytes == 4 * block);
    CHECK(w.runner.read(w.h, 0, 5 * block) == w.memory.bytes({0, 1, 2, 4, 3}));
  }
  SUBCASE("another handle of the object") {
    w.runner.run();
    const auto other = w.open_again();
    for (std::size_t i = 3; i < 6; ++i) w.append(i);
    w.runner.ask_later(w.memory.append(other, 6));
    w.append(7);
    w.append(8);
    w.runner.run();
    CHECK(w.runner.read(w.h, 0, 9 * block) == w.memory.bytes({0, 1, 2, 3, 4, 5, 6, 7, 8}));
  }
  SUBCASE("the handle's end") {
    const auto other = w.runner.ask_later(core::open_object_request{0, "log", 0});
    w.append(3);
    w.append(4);
    w.append(5);
    w.runner.ask_later(core::release_request{w.h});
    const auto late = w.append(6);
    w.runner.run();
    CHECK(w.runner.answers.at(late).error == errc::closed);
    w.h = std::get<core::opened_object>(core_runner::good(w.runner.answers.at(other)).result).handle;
    CHECK(w.bytes() == 6 * block);
  }
  SUBCASE("an epoch, and an offset that is not the end") {
    append_options o;
    o.fence_epoch = 5;
    w.append(3, o);
    w.append(4);
    o.fence_epoch = 4;
    const auto fenced = w.append(5, o);
    append_options there;
    there.expected_offset_bytes = block;
    const auto elsewhere = w.append(6, there);
    w.append(7);
    w.runner.run();
    CHECK(w.runner.answers.at(fenced).error == errc::fenced);
    CHECK(w.runner.answers.at(elsewhere).error == errc::offset_mismatch);
    CHECK(w.runner.read(w.h, 0, 6 * block) == w.memory.bytes({0, 1, 2, 3, 4, 7}));
  }
  SUBCASE("bytes that fill no block, and other classes") {
    const auto part = w.runner.ask_later(w.memory.append(w.h, 3, {}, 100));
    append_options o;
    o.hint = lifetime::long_lived;
    w.append(4, o);
    w.append(5);
    const auto last = w.append(6);
    w.runner.run();
    CHECK(w.answer(part).offset_bytes == 3 * block);
    CHECK(w.answer(last).offset_bytes == 5 * block + 100);
    CHECK(w.runner.read(w.h, 3 * block + 100, 3 * block) == w.memory.bytes({4, 5, 6}));
  }
  CHECK(w.runner.check().damage == 0);
}

TEST_CASE("appends that come when those before them have gone out are not written with them") {
  world w;
  w.append(0);
  w.runner.run();  // the zone is open from now on: nothing completes before the command
  for (std::size_t i = 1; i < 4; ++i) w.append(i);
  std::uint64_t last = 0;
  w.runner.watch = [&](const zoned::command& c) {
    if (last != 0 || zoned::total_bytes(c.segments) != 3 * block) return;
    w.append(4);
    last = w.append(5);
  };
  w.runner.run();
  REQUIRE(last != 0);
  CHECK(w.answer(last).offset_bytes == 5 * block);
  CHECK(w.runner.read(w.h, 0, 6 * block) == w.memory.bytes({0, 1, 2, 3, 4, 5}));
  CHECK(w.runner.check().damage == 0);
}

TEST_CASE("appends that come one behind the other take no more room than there is") {
  world w;
  std::vector<std::uint64_t> ids;
  const std::uint64_t capacity = w.runner.stats().capacity_bytes;
  for (std::uint64_t bytes = 0; bytes < 2 * capacity; bytes += block) ids.push_back(w.append(ids.size() % 16));
  w.runner.run();
  std::uint64_t landed = 0;
  for (const std::uint64_t id : ids) {
    const core::notification& n = w.runner.answers.at(id);
    if (n.error)
      CHECK(n.error == errc::no_space);
    else
      ++landed;
  }
  CHECK(landed > 0);
  CHECK(landed * block <= capacity);
  CHECK(w.bytes() == landed * block);
  CHECK(w.runner.check().damage == 0);
}

TEST_CASE("answers of appends and reads leave in lots, in order with all others") {
  core::outbox out;
  const auto append = [](std::uint64_t id) { return core::io_answer{{id}, {id * 10, 1, id}, false}; };
  for (int round = 0; round < 2; ++round) {
    const std::uint64_t before = out.added();
    out.add(append(1));
    out.add({{2}, {0, 7, 0}, true});
    out.add(core::operation_id{3}, errc::fenced).result = std::monostate{};
    out.add(append(4));
    CHECK(out.added() > before);
    core::notification n;
    if (round == 0) {  // one by one
      REQUIRE(out.take_one(n));
      CHECK(n.id.value == 1);
      CHECK(std::get<append_result>(n.result).offset_bytes == 10);
      out.add(append(5));
      REQUIRE(out.take_one(n));
      CHECK(n.id.value == 2);
      CHECK(std::get<core::read_result>(n.result).bytes == 7);
      REQUIRE(out.take_one(n));
      CHECK(n.id.value == 3);
      CHECK(n.error == errc::fenced);
      for (const std::uint64_t id : {4u, 5u}) {
        REQUIRE(out.take_one(n));
        CHECK(n.id.value == id);
        CHECK_FALSE(n.error);
      }
    } else {
      const auto lot = [&] { return std::get<core::io_answers>(out.front()->result).all; };
      REQUIRE(lot().size() == 2);
      CHECK(lot()[1].id.value == 2);
      out.pop();
      CHECK(out.front()->error == errc::fenced);
      out.pop();
      REQUIRE(lot().size() == 1);
      CHECK(lot()[0].id.value == 4);
      out.pop();
    }
    CHECK(out.front() == nullptr);
    CHECK_FALSE(out.take_one(n));
  }
}
