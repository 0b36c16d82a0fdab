// What may excuse an error: only what was done to the very block, and only want of room that there was.
#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <string>

#include "format/zone_header.hpp"
#include "sim/content.hpp"
#include "sim/excuse_bounds.hpp"
#include "sim/lost_blocks.hpp"
#include "sim/model.hpp"
#include "sim/room.hpp"
#include "sim/sim_device.hpp"

namespace {

using namespace furrow;
using namespace furrow::sim;
using zoned::opcode;

constexpr std::uint64_t block = 4096;

/// A device of ten zones with data in the first, and with lies.
struct lying_bench {
  zoned::geometry shape{.lba_bytes = 4096,
                        .zone_bytes = 64 << 10,
                        .zone_count = 10,
                        .last_zone_bytes = 64 << 10,
                        .open_max = {},
                        .active_max = {}};
  model truth{7, 8};
  object_index object = truth.add_object();
  std::vector<std::byte> memory = std::vector<std::byte>(9 * block);
  std::unique_ptr<sim_device> device;
  std::uint64_t ids = 0;

  explicit lying_bench(const lie_weights& lies) {
    std::vector<zoned::zone_info> zones;
    for (std::uint32_t i = 0; i < shape.zone_count; ++i)
      zones.push_back(
          {{i}, zoned::zone_type::sequential, zoned::zone_condition::empty, shape.zone_bytes, shape.zone_bytes, 0});
    zoned::guarantees promises;
    promises.native_append = true;
    promises.append_bytes_max = promises.transfer_bytes_max = 64 << 10;
    device = std::make_unique<sim_device>(shape, zones, promises, fault_weights{}, disorder{.in_order = true}, 3,
                                          zone_fault_weights{}, lies);
    model_object& o = truth.at(object);
    o.id = 1;
    o.now.exists = o.base.exists = true;
    o.content.paint(std::array{content_span{0, 8 * block, stuff::data, o.tag, 0}});
    format::zone_header header;
    header.role = format::zone_role::data;
    format::encode(header, std::span{memory}.first(block));
    fill_content(std::span{memory}.subspan(block), o.tag, 0);
    send(opcode::append, 0, 0, block);
    send(opcode::append, 0, block, 8 * block);
  }
  void send(opcode op, std::uint64_t offset, std::uint64_t from, std::uint64_t bytes) {
    const zoned::segment s{memory.data() + from, bytes};
    const zoned::command c{.id = {++ids}, .op = op, .zone = {0}, .offset_bytes = offset, .segments = {&s, 1}};
    REQUIRE(device->submit({&c, 1}) == 1);
    zoned::completion done;
    while (device->reap({&done, 1}) == 0) {
    }
    REQUIRE(!done.error);
  }
  /// Whether the model believes that this block of the object did not verify.
  [[nodiscard]] bool believes(std::uint64_t object_block, std::uint32_t zone = 0, std::uint64_t stale_since = 0) const {
    const error_detail d{.object = truth.at(object).id,
                         .offset_bytes = object_block * block,
                         .bytes = block,
                         .zone = zoned::zone_index{zone}};
    return !refute_lie(truth, *device, d, stale_since);
  }
  [[nodiscard]] std::uint64_t believed() const {
    std::uint64_t n = 0;
    for (std::uint64_t b = 0; b < 8; ++b) n += believes(b) ? 1u : 0u;
    return n;
  }
};

}  // namespace

TEST_CASE("Only a block that was spoiled may fail to verify, not another one of its zone") {
  lying_bench b{{.lost_ppm = 1'000'000, .blocks_max = 1}};
  REQUIRE(b.device->lies().spoiled(zoned::zone_index{0}));
  CHECK(b.believed() == 1);
  for (std::uint64_t i = 0; i < 8; ++i) CHECK(!b.believes(i, 1));
  lying_bench honest{{}};
  CHECK(honest.believed() == 0);
}

TEST_CASE("A block that was read as another one may fail to verify for who asked before") {
  lying_bench b{{.stale_ppm = 1'000'000, .blocks_max = 1}};
  CHECK(b.believed() == 0);
  b.send(opcode::read, 3 * block, 0, block);
  REQUIRE(b.device->lies().counts().stale == 1);
  CHECK(b.believed() == 1);
  CHECK(b.believes(2));
  CHECK(!b.believes(2, 0, 1));
}

TEST_CASE("Nobody is refused for want of room while more zones are empty than are kept and wanted") {
  lying_bench b{{}};  // nine of ten are empty, of 15 blocks each
  space_shortage told;
  told.what = space_shortage::kind::reserved;
  told.reserved_bytes = 2 * 15 * block;
  CHECK(refute_no_space(*b.device, told, 10, false));
  CHECK(!refute_no_space(*b.device, told, 10, true));
  CHECK(!refute_no_space(*b.device, told, 4 * 15, false));
  told.reserved_bytes = 14 * 15 * block;
  CHECK(refute_no_space(*b.device, told, 10, false));  // nobody keeps as much
}

TEST_CASE("A cause excuses as many errors as it may befall, and one more is a surplus") {
  for (std::size_t i = 0; i < excuse_count; ++i) {
    const auto e = static_cast<excuse>(i);
    const std::string name = name_of(e);
    CAPTURE(name);
    if (is_exact(e)) continue;
    excuse_bounds b;
    REQUIRE(b.spend(e));
    b.begin_life();
    b.allow(e, 2);
    b.allow(e);
    for (int n = 0; n < 3; ++n) CHECK(!b.spend(e));
    const auto why = b.spend(e);
    REQUIRE(why);
    CHECK(*why == "4 errors are excused as " + name + ", and what has happened excuses 3");
    CHECK(!b.shares()[i == 0 ? 1 : 0].errors);
    CHECK(b.shares()[i].errors == 5);
    CHECK(b.shares()[i].largest_per_mille == 1333);
  }
}

TEST_CASE("What befell one life of a store excuses nothing in the next") {
  excuse_bounds b;
  b.allow(excuse::device_failed, 7);
  CHECK(!b.spend(excuse::device_failed));
  b.begin_life();
  CHECK(b.spend(excuse::device_failed));
  CHECK(b.shares()[static_cast<std::size_t>(excuse::device_failed)].allowed == 7);
}
