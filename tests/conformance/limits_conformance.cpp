// What every zoned device refuses, with which code, and that a refusal changes nothing.
#include "conformance/subjects.hpp"

using namespace furrow::zoned;
using furrow::error_code;
using furrow::test::aligned_bytes;
using furrow::test::bench;
using furrow::test::on_each_device;
using furrow::test::skip;
using enum zone_condition;

namespace {

constexpr error_code ok{};

error_code transfer(bench& b, opcode op, place at, std::vector<segment> segments) {
  return b.client()
      .run({.id = {}, .op = op, .zone = at.zone, .offset_bytes = at.offset_bytes, .segments = segments, .zones = {}})
      .error;
}

}  // namespace

TEST_CASE("a transfer that is not whole blocks, or of unaligned memory, is refused") {
  on_each_device([](bench& b) {
    const zone_index zone = b.sequential()[0].index;
    const std::size_t lba = b.shape().lba_bytes;
    REQUIRE(b.client().append_pattern(zone, b.unit(), 1).error == ok);
    const zone_info before = b.client().zone(zone);
    const aligned_bytes memory{4 * b.unit()};
    std::byte* const at = memory.data();
    for (const opcode op : {opcode::append, opcode::write, opcode::read}) {
      CAPTURE(static_cast<int>(op));
      const place pointer{zone, op == opcode::read ? 0 : b.unit()};
      CHECK(transfer(b, op, pointer, {}) == errc::unaligned);
      CHECK(transfer(b, op, pointer, {{at, 0}}) == errc::unaligned);
      CHECK(transfer(b, op, pointer, {{at, lba - 1}}) == errc::unaligned);
      CHECK(transfer(b, op, pointer, {{at, lba + 1}}) == errc::unaligned);
      CHECK(transfer(b, op, pointer, {{at, lba / 2}, {at + lba, lba / 2}}) == errc::unaligned);
      if (b.promises().memory_alignment_bytes > 1) {
        CHECK(transfer(b, op, pointer, {{at + b.promises().memory_alignment_bytes / 2, lba}}) == errc::unaligned);
      }
      if (op != opcode::append) CHECK(transfer(b, op, {zone, lba / 2}, {{at, lba}}) == errc::unaligned);
      CHECK(transfer(b, op, {{b.shape().zone_count}, 0}, {{at, lba}}) == errc::out_of_range);
    }
    CHECK(b.client().zone(zone) == before);
    CHECK(b.client().reads_pattern({zone, 0}, b.unit(), 1));
  });
}

TEST_CASE("memory at the promised alignment is taken") {
  on_each_device([](bench& b) {
    const zone_index zone = b.sequential()[0].index;
    const std::size_t alignment = b.promises().memory_alignment_bytes;
    const aligned_bytes memory{alignment + b.unit()};
    const segment shifted{memory.data() + alignment, b.unit()};
    furrow::test::fill_pattern({shifted.data, shifted.bytes}, 1);
    REQUIRE(transfer(b, opcode::append, {zone, 0}, {shifted}) == ok);
    std::fill_n(shifted.data, shifted.bytes, std::byte{0});
    REQUIRE(transfer(b, opcode::read, {zone, 0}, {shifted}) == ok);
    CHECK(furrow::test::has_pattern({shifted.data, shifted.bytes}, 1));
  });
}

TEST_CASE("commands up to the promised lengths are taken, larger ones are not") {
  on_each_device([](bench& b) {
    const zone_info zone = b.sequential()[0];
    const std::size_t lba = b.shape().lba_bytes;
    const std::uint64_t append_max = b.promises().append_bytes_max;
    const std::uint64_t read_max = b.promises().transfer_bytes_max;
    if (append_max <= zone.capacity_bytes) {
      const auto c = b.client().append_pattern(zone.index, append_max, 1);
      REQUIRE(c.error == ok);
      REQUIRE(c.bytes == append_max);
      CHECK(b.is_filled(zone.index, append_max, 1));
    }
    const zone_info before = b.client().zone(zone.index);
    CHECK(b.client().append_pattern(zone.index, append_max + lba, 2).error == errc::too_large);
    CHECK(b.client().write_pattern({zone.index, before.write_pointer_bytes}, append_max + lba, 2).error ==
          errc::too_large);
    if (read_max <= zone.bytes) {
      const aligned_bytes most{read_max};
      const auto c = b.client().read({zone.index, 0}, most);
      CHECK(c.error == ok);
      CHECK(c.bytes == read_max);
    }
    const aligned_bytes more{read_max + lba};
    CHECK(b.client().read({zone.index, 0}, more).error == errc::too_large);
    const aligned_bytes one{lba};
    const std::vector<segment> crowd(b.promises().segments_max + 1U, one.segment());
    CHECK(transfer(b, opcode::append, {zone.index, 0}, crowd) == errc::too_large);
    CHECK(transfer(b, opcode::read, {zone.index, 0}, crowd) == errc::too_large);
    CHECK(b.client().zone(zone.index) == before);
  });
}

TEST_CASE("zones beyond the last are refused by every command") {
  on_each_device([](bench& b) {
    const zone_index beyond{b.shape().zone_count};
    CHECK(b.client().append_pattern(beyond, b.unit(), 1).error == errc::out_of_range);
    CHECK(b.client().write_pattern({beyond, 0}, b.unit(), 1).error == errc::out_of_range);
    for (const opcode op : {opcode::open, opcode::close, opcode::finish, opcode::reset}) {
      CHECK(b.client().manage(op, beyond).error == errc::out_of_range);
    }
  });
}

TEST_CASE("a zone in the wrong condition refuses zone commands") {
  on_each_device([](bench& b) {
    const zone_index zone = b.sequential()[0].index;
    const auto refuses = [&](opcode op, zone_condition remains) {
      const error_code e = b.client().manage(op, zone).error;
      // ZBC takes these as done already; what is refused is refused in the same words everywhere.
      CHECK((e == errc::invalid_transition || (b.what().is_real && e == ok)));
      CHECK(b.client().zone(zone).condition == remains);
    };
    refuses(opcode::close, empty);
    REQUIRE(b.client().manage(opcode::finish, zone).error == ok);
    refuses(opcode::open, full);
    refuses(opcode::close, full);
  });
}

TEST_CASE("one zone more than may be active is refused until one is full, finished or reset") {
  on_each_device([](bench& b) {
    if (!b.shape().active_max) return skip(b, "any number of zones may be active");
    if (*b.shape().active_max >= b.sequential().size()) return skip(b, "all zones may be active");
    const std::size_t most = *b.shape().active_max;
    for (std::size_t i = 0; i < most; ++i) b.fill(b.sequential()[i].index, b.unit(), i);
    const zone_index extra = b.sequential()[most].index;
    for (const opcode freeing : {opcode::reset, opcode::finish}) {
      CHECK(b.client().append_pattern(extra, b.unit(), 1).error == errc::too_many_active);
      CHECK(b.client().append_pattern(extra, b.unit(), 1).error == errc::too_many_active);
      CHECK(b.client().zone(extra).condition == empty);
      REQUIRE(b.client().manage(freeing, b.sequential()[0].index).error == ok);
      REQUIRE(b.client().append_pattern(extra, b.unit(), 1).at == place{extra, 0});
      REQUIRE(b.client().manage(opcode::reset, extra).error == ok);
      REQUIRE(b.client().manage(opcode::reset, b.sequential()[0].index).error == ok);
      REQUIRE(b.client().append_pattern(b.sequential()[0].index, b.unit(), 1).error == ok);
    }
    for (std::size_t i = 1; i < most; ++i) CHECK(b.is_filled(b.sequential()[i].index, b.unit(), i));
  });
}

TEST_CASE("a write opens its zone though as many as may be are open") {
  on_each_device([](bench& b) {
    if (!b.shape().open_max) return skip(b, "any number of zones may be open");
    const std::size_t most = *b.shape().open_max;
    // null_blk reopens no closed zone while as many as may be are active, though it could close another for it.
    const std::size_t active = b.shape().active_max.value_or(UINT32_MAX) - (b.what().is_real ? 1U : 0U);
    if (most + 1 > std::min(active, b.sequential().size())) return skip(b, "no more zones may be active than open");
    for (std::size_t round = 0; round < 3; ++round) {
      for (std::size_t i = 0; i <= most; ++i) {
        const auto c = b.client().append_pattern(b.sequential()[i].index, b.unit(), 10 * i + round);
        REQUIRE(c.error == ok);
        REQUIRE(c.at.offset_bytes == round * b.unit());
      }
    }
    std::size_t open_zones = 0;
    for (const zone_info& zone : b.client().report({0}, b.shape().zone_count)) {
      open_zones += is_open(zone.condition) ? 1U : 0U;
    }
    CHECK(open_zones <= most);
  });
}

TEST_CASE("one zone more than may be open explicitly is refused") {
  on_each_device([](bench& b) {
    if (!b.shape().open_max) return skip(b, "any number of zones may be open");
    const std::size_t most = *b.shape().open_max;
    if (most + 1 > b.sequential().size()) return skip(b, "all zones may be open");
    if (b.shape().active_max && *b.shape().active_max <= most) return skip(b, "no more zones may be active than open");
    for (std::size_t i = 0; i < most; ++i) {
      REQUIRE(b.client().manage(opcode::open, b.sequential()[i].index).error == ok);
    }
    const zone_index extra = b.sequential()[most].index;
    CHECK(b.client().append_pattern(extra, b.unit(), 1).error == errc::too_many_open);
    CHECK(b.client().manage(opcode::open, extra).error == errc::too_many_open);
    CHECK(b.client().zone(extra).condition == empty);
    REQUIRE(b.client().manage(opcode::reset, b.sequential()[0].index).error == ok);
    CHECK(b.client().append_pattern(extra, b.unit(), 1).at == place{extra, 0});
  });
}
