// Views of the core: what was published when they were made, whatever becomes of the object afterwards.
#include <doctest/doctest.h>

#include <algorithm>
#include <span>

#include "support/core_runner.hpp"

namespace furrow::test {
namespace {

constexpr std::size_t block = 4096;
using bytes = std::vector<std::byte>;

struct world {
  zoned::memory_zones zones = device_shape{.zones = 24}.make();
  core_runner store{zones};
  core::handle_id object;

  world() {
    store.format_and_open();
    object = store.create("o");
  }
  void write(std::uint64_t offset, bytes content) {
    store.good(store.ask(core::write_request{object, offset, content.size(), {{content.data(), content.size()}}, {}}));
  }
  std::uint64_t map(std::uint64_t offset, std::uint64_t n) {
    return std::get<core::mapped_view>(store.good(store.ask(core::map_request{object, offset, n})).result).view;
  }
  bytes fill(std::uint64_t view, std::uint64_t offset, std::size_t n) {
    bytes to(n, std::byte{0xee});
    store.good(store.ask(core::fill_request{view, offset, to}));
    return to;
  }
};

TEST_CASE("a view shows data, holes and the tail as they were, also when the object is gone") {
  world w;
  bytes content = pattern(1, 10 * block + 77);
  w.write(0, content);
  w.store.good(w.store.ask(core::zero_request{w.object, 3 * block, 2 * block, false, {}}));
  std::fill_n(content.begin() + 3 * block, 2 * block, std::byte{0});
  w.write(7 * block, pattern(2, block));
  const bytes again = pattern(2, block);
  std::copy(again.begin(), again.end(), content.begin() + 7 * block);
  const std::uint64_t all = w.map(0, content.size()), part = w.map(2 * block, 6 * block + 5);
  w.write(0, pattern(3, 12 * block));
  w.store.good(w.store.ask(core::truncate_request{w.object, 5, {}}));
  core::remove_request gone;
  gone.name = "o";
  w.store.good(w.store.ask(gone));
  CHECK(w.fill(all, 0, content.size()) == content);
  CHECK(w.fill(all, 10 * block, 77) == bytes(content.end() - 77, content.end()));
  CHECK(w.fill(part, 0, 6 * block + 5) == bytes(content.begin() + 2 * block, content.begin() + 8 * block + 5));
  for (std::size_t b = 0; b < 10; ++b)
    CHECK(std::ranges::equal(w.fill(all, b * block, block), std::span(content).subspan(b * block, block)));
}

TEST_CASE("what a view shows is not used again until it is unmapped") {
  world w;
  const bytes content = pattern(4, 40 * block);
  w.write(0, content);
  const std::uint64_t view = w.map(0, content.size());
  w.store.good(w.store.ask(core::truncate_request{w.object, 0, {}}));
  for (int i = 0; i < 40; ++i) {  // over all zones more than once
    w.write(0, pattern(5, 40 * block));
    w.store.good(w.store.ask(core::checkpoint_request{}));
    REQUIRE(w.fill(view, 0, content.size()) == content);
  }
  w.store.good(w.store.ask(core::truncate_request{w.object, 0, {}}));
  w.store.good(w.store.ask(core::checkpoint_request{}));
  const std::uint64_t free = w.store.stats().free_bytes;
  w.store.good(w.store.ask(core::unmap_request{view}));
  w.store.good(w.store.ask(core::checkpoint_request{}));
  CHECK(w.store.stats().free_bytes > free);
  bytes to(block);
  CHECK(w.store.ask(core::fill_request{view, 0, to}).error == errc::closed);
}

TEST_CASE("a view that cannot be is refused, a store closes over one that is") {
  world w;
  w.write(0, pattern(6, 3 * block));
  CHECK(w.store.ask(core::map_request{w.object, 0, 3 * block + 1}).error == errc::out_of_range);
  CHECK(w.store.ask(core::map_request{w.object, 1, 1}).error == errc::invalid_argument);
  CHECK(w.store.ask(core::map_request{{}, 0, 1}).error == errc::closed);
  const std::uint64_t view = w.map(block, block);
  bytes to(block + 1);
  CHECK(w.store.ask(core::fill_request{view, 0, to}).error == errc::out_of_range);
  w.store.good(w.store.ask(core::close_request{}));
  CHECK(w.store.ask(core::fill_request{view, 0, std::span(to).first(block)}).error == errc::closed);
}

}  // namespace
}  // namespace furrow::test
