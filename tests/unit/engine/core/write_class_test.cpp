// In which class of zones a write lands, by what it writes over and what its caller says.
#include <doctest/doctest.h>

#include <vector>

#include "core/placement.hpp"
#include "support/core_runner.hpp"

namespace furrow::test {
namespace {

using format::zone_class;
constexpr std::size_t block = 4096;

struct world {
  zoned::memory_zones zones = device_shape{.zones = 80}.make();
  core_runner store;
  core::handle_id object;

  world() : store{zones, {}} {
    store.format_and_open();
    object = store.create("o");
  }
  void write(std::uint64_t first, std::size_t blocks, lifetime hint = lifetime::unhinted) {
    const std::vector<std::byte> content(blocks * block, std::byte{7});
    write_options o;
    o.hint = hint;
    core::write_request r{
        object, first * block, content.size(), {{const_cast<std::byte*>(content.data()), content.size()}}, o};
    store.good(store.ask(std::move(r)));
  }
  /// Live blocks in zones of that class.
  std::uint64_t live(zone_class cls) {
    std::uint64_t n = 0;
    const core::notification told = store.ask(core::zones_request{});
    store.good(told);
    for (const zone_status& z : std::get<std::vector<zone_status>>(told.result))
      if (z.use == zone_use::data && z.cls == static_cast<std::uint8_t>(cls)) n += z.live_blocks;
    return n;
  }
};

}  // namespace

TEST_CASE("write class: new content is unhinted, content that is written over soon is short-lived") {
  world w;
  w.write(0, 16);
  CHECK(w.live(zone_class::unhinted) == 16);
  w.write(3, 2);
  CHECK(w.live(zone_class::unhinted) == 14);
  CHECK(w.live(zone_class::short_lived) == 2);
  w.write(16, 4);
  CHECK(w.live(zone_class::unhinted) == 18);
  w.write(14, 4);  // by its first block
  CHECK(w.live(zone_class::short_lived) == 6);
}

TEST_CASE("write class: what the caller says goes first") {
  world w;
  w.write(0, 16);
  w.write(0, 1, lifetime::extreme);
  w.write(1, 1, lifetime::short_lived);
  w.write(2, 1, lifetime::medium_lived);
  CHECK(w.live(zone_class::extreme) == 1);
  CHECK(w.live(zone_class::short_lived) == 1);
  CHECK(w.live(zone_class::medium_lived) == 1);
  CHECK(w.live(zone_class::unhinted) == 13);
}

TEST_CASE("write class: once short-lived zones have ended, what lived longer is told apart, after an open too") {
  world w;
  w.write(0, 16);
  const auto churn = [&w](int zones) {
    const std::uint64_t zone_blocks = w.zones.shape().zone_bytes / block;
    for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(zones) * zone_blocks; ++i) w.write(1, 1);
  };
  churn(3);
  const std::uint64_t before = w.live(zone_class::short_lived);
  w.write(8, 1);
  CHECK(w.live(zone_class::short_lived) == before);
  CHECK(w.live(zone_class::unhinted) == 14);
  CHECK(w.live(zone_class::medium_lived) + w.live(zone_class::long_lived) + w.live(zone_class::extreme) == 1);
  w.store.good(w.store.ask(core::close_request{}));
  w.store.good(w.store.open());
  core::open_object_request r;
  r.name = "o";
  w.object = std::get<core::opened_object>(w.store.good(w.store.ask(r)).result).handle;
  w.write(9, 1);
  w.write(9, 1);
  CHECK(w.live(zone_class::unhinted) == 13);
  CHECK(w.live(zone_class::short_lived) == before + 1);
}

}  // namespace furrow::test
