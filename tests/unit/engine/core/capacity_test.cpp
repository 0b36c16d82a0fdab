// What a store says it holds and what it refuses agree; and it tells when space becomes low.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "support/core_runner.hpp"

namespace furrow::test {
namespace {

constexpr std::uint64_t block = 4096;
constexpr std::uint64_t piece = 16;  // blocks

/// Few large zones: what metadata and the cleaner are to have left is a large part of it.
constexpr device_shape few_zones{.zones = 64, .zone_bytes = 1 << 20, .capacity_bytes = 1 << 20};

std::size_t count(const core_runner& r, event::kind what) {
  return static_cast<std::size_t>(std::ranges::count(r.events, what, &core::event::what));
}

TEST_CASE("of few zones, 80 % of what the store says it holds can be written over at random for ever") {
  zoned::memory_zones zones = few_zones.make();
  core_runner r{zones};
  r.format_and_open();
  const std::uint64_t capacity = r.stats().capacity_bytes;
  const auto info = core_runner::good(r.ask(core::info_request{}));
  CHECK(std::get<store_info>(info.result).capacity_bytes == capacity);
  CHECK(r.stats().free_bytes <= capacity);
  CHECK(r.stats().free_bytes + (2 << 20) >= capacity);  // but for what is open for metadata
  const core::handle_id h = r.create("a");
  const std::uint64_t pieces = capacity * 8 / 10 / (piece * block);
  std::vector<std::byte> bytes = pattern(1, piece * block);
  for (std::uint64_t i = 0; i < pieces; ++i) r.append(h, bytes);
  const statistics filled = r.stats();
  CHECK(filled.live_bytes == pieces * piece * block);
  CHECK(filled.free_bytes + filled.live_bytes + (4 << 20) >= filled.capacity_bytes);
  std::mt19937_64 random{7};
  for (std::uint64_t i = 0; i < 3 * pieces; ++i) {
    const core::write_request w{h, random() % pieces * piece * block, bytes.size(), {{bytes.data(), bytes.size()}}, {}};
    core_runner::good(r.ask(w));
  }
  CHECK(r.check().damage == 0);
  CHECK(r.stats().live_bytes == filled.live_bytes);
  CHECK(count(r, event::kind::low_space) == 0);
}

TEST_CASE("low space is told once before appends are refused, and again when it was not low meanwhile") {
  zoned::memory_zones zones = few_zones.make();
  core_runner r{zones};
  r.format_and_open();
  std::vector<std::byte> bytes = pattern(1, piece * block);
  core::handle_id h;
  for (std::size_t round = 1; round <= 2; ++round) {
    h = r.create(std::to_string(round));
    std::uint64_t left = 0;  // when it was told
    for (error_code ec; !ec;) {
      ec = r.ask(core::append_request{h, {{bytes.data(), bytes.size()}}, {}}).error;
      if (!ec && count(r, event::kind::low_space) == round) left += bytes.size();
      if (ec) CHECK(ec == errc::no_space);
    }
    REQUIRE(count(r, event::kind::low_space) == round);
    const auto told = std::ranges::find(r.events, event::kind::low_space, &core::event::what);
    CHECK(told->detail.bytes.value_or(0) < r.stats().capacity_bytes / 16);
    CHECK(left > 0);
    core_runner::good(r.ask(core::remove_request{.name = std::to_string(round), .id = 0}));
    core_runner::good(r.ask(core::release_request{h}));
  }
  CHECK(count(r, event::kind::low_space) == 2);
}

}  // namespace
}  // namespace furrow::test
