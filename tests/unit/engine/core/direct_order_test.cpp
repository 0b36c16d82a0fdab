// What a change in the middle leaves behind it: epochs over a reopening, promises of room, and that everything ends.
#include <doctest/doctest.h>

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

}  // namespace
}  // namespace furrow::test
