// What every zoned device does: shape, reports, appends, writes, reads, conditions. See subjects.hpp for which devices.
//
// Not here: limits and refusals (limits_conformance.cpp), traffic with many commands in flight
// (traffic_conformance.cpp).
#include <poll.h>

#include "conformance/subjects.hpp"

using namespace furrow::zoned;
using furrow::error_code;
using furrow::test::aligned_bytes;
using furrow::test::bench;
using furrow::test::on_each_device;
using furrow::test::skip;
using furrow::test::zoned_client;
using enum zone_condition;

namespace {

constexpr error_code ok{};

bool is_readable(int fd) {
  pollfd p{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&p, 1, 0) == 1;
}

}  // namespace

TEST_CASE("the shape and the promises keep their own rules") {
  on_each_device([](bench& b) {
    const geometry& g = b.shape();
    CHECK((g.lba_bytes == 512 || g.lba_bytes == 4096));
    CHECK(g.zone_bytes % g.lba_bytes == 0);
    CHECK(g.last_zone_bytes % g.lba_bytes == 0);
    CHECK(g.last_zone_bytes > 0);
    CHECK(g.last_zone_bytes <= g.zone_bytes);
    CHECK(g.open_max.value_or(1) > 0);
    CHECK(g.active_max.value_or(1) > 0);
    const guarantees& p = b.promises();
    for (const std::uint64_t bytes : {p.append_bytes_max, p.transfer_bytes_max}) {
      CHECK(bytes >= store_block_bytes);
      CHECK(bytes % g.lba_bytes == 0);
    }
    CHECK(p.segments_max > 0);
    CHECK(p.in_flight_max > 0);
    CHECK(p.appends_per_zone_max > 0);
    CHECK(p.memory_alignment_bytes > 0);
    CHECK((p.memory_alignment_bytes & (p.memory_alignment_bytes - 1)) == 0);
    CHECK(p.coalesce_bytes >= store_block_bytes);
    CHECK(p.coalesce_bytes <= p.append_bytes_max);
    CHECK_FALSE(b.client().device().name().empty());
    CHECK_FALSE(b.client().device().writing().empty());
    MESSAGE("device " << b.what().uri << ": " << b.client().device().writing());
  });
}

TEST_CASE("a report tells every zone, from any zone on, in any portion") {
  on_each_device([](bench& b) {
    const auto all = b.client().report({0}, b.shape().zone_count + 10U);
    REQUIRE(all.size() == b.shape().zone_count);
    for (std::uint32_t i = 0; i < all.size(); ++i) {
      const zone_info& zone = all[i];
      CHECK(zone.index == zone_index{i});
      CHECK(zone.bytes == b.shape().bytes_of({i}));
      CHECK(zone.capacity_bytes > 0);
      CHECK(zone.capacity_bytes <= zone.bytes);
      if (zone.type == zone_type::conventional) {
        CHECK(zone.condition == not_write_pointer);
        CHECK(zone.capacity_bytes == zone.bytes);
      } else {
        CHECK(zone.condition == empty);
        CHECK(zone.write_pointer_bytes == 0);
      }
    }
    const std::uint32_t last = b.shape().zone_count - 1;
    for (const std::uint32_t from : {1U, last / 2, last}) {
      const auto some = b.client().report({from}, 3);
      REQUIRE(some.size() == std::min<std::size_t>(3, all.size() - from));
      for (std::size_t i = 0; i < some.size(); ++i) CHECK(some[i] == all[from + i]);
    }
    CHECK(b.client().report({0}, 0).empty());
    CHECK_THROWS(static_cast<void>(b.client().report({last + 1}, 1)));
  });
}

TEST_CASE("appends land at the write pointer, one after the other, and read back") {
  on_each_device([](bench& b) {
    const zone_index zone = b.sequential()[1].index;
    std::uint64_t pointer = 0;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      const auto c = b.client().append_pattern(zone, seed * b.unit(), seed);
      REQUIRE(c.error == ok);
      CHECK(c.at == place{zone, pointer});
      REQUIRE(c.bytes == seed * b.unit());
      pointer += c.bytes;
      const zone_info after = b.client().zone(zone);
      CHECK(after.write_pointer_bytes == pointer);
      CHECK(is_active(after.condition));
    }
    pointer = 0;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      CHECK(b.client().reads_pattern({zone, pointer}, seed * b.unit(), seed));
      pointer += seed * b.unit();
    }
  });
}

TEST_CASE("single blocks of the device can be appended and read") {
  on_each_device([](bench& b) {
    const zone_index zone = b.sequential()[0].index;
    const std::uint64_t lba = b.shape().lba_bytes;
    for (std::uint64_t i = 0; i < 9; ++i) REQUIRE(b.client().append_pattern(zone, lba, i).at.offset_bytes == i * lba);
    for (std::uint64_t i = 0; i < 9; ++i) CHECK(b.client().reads_pattern({zone, i * lba}, lba, i));
  });
}

TEST_CASE("a write at the write pointer is taken, any other is not") {
  on_each_device([](bench& b) {
    const zone_index zone = b.sequential()[2].index;
    const std::uint64_t unit = b.unit();
    REQUIRE(b.client().write_pattern({zone, 0}, unit, 1).error == ok);
    REQUIRE(b.client().write_pattern({zone, unit}, 2 * unit, 2).error == ok);
    for (const std::uint64_t wrong : {std::uint64_t{0}, unit, 2 * unit, 4 * unit, 8 * unit}) {
      CHECK(b.client().write_pattern({zone, wrong}, unit, 9).error == errc::not_sequential);
    }
    REQUIRE(b.client().append_pattern(zone, unit, 3).at == place{zone, 3 * unit});
    REQUIRE(b.client().write_pattern({zone, 4 * unit}, unit, 4).error == ok);
    CHECK(b.client().zone(zone).write_pointer_bytes == 5 * unit);
    CHECK(b.client().reads_pattern({zone, 0}, unit, 1));
    CHECK(b.client().reads_pattern({zone, unit}, 2 * unit, 2));
    CHECK(b.client().reads_pattern({zone, 3 * unit}, unit, 3));
    CHECK(b.client().reads_pattern({zone, 4 * unit}, unit, 4));
  });
}

TEST_CASE("a zone takes exactly its capacity, then is full until it is reset") {
  on_each_device([](bench& b) {
    for (const zone_info& zone : {b.sequential().front(), b.sequential().back()}) {
      if (zone.capacity_bytes > 256 << 20) continue;
      const std::uint64_t rest = zone.capacity_bytes % b.unit() == 0 ? b.unit() : zone.capacity_bytes % b.unit();
      b.fill(zone.index, zone.capacity_bytes - rest, 7);
      CHECK(is_active(b.client().zone(zone.index).condition));
      CHECK(b.client().append_pattern(zone.index, rest + b.shape().lba_bytes, 8).error == errc::zone_boundary);
      CHECK(b.client().zone(zone.index).write_pointer_bytes == zone.capacity_bytes - rest);
      REQUIRE(b.client().append_pattern(zone.index, rest, 8).error == ok);
      CHECK(b.client().zone(zone.index).condition == full);
      CHECK(b.client().append_pattern(zone.index, b.unit(), 9).error == errc::zone_full);
      CHECK(b.client().write_pattern({zone.index, 0}, b.unit(), 9).error == errc::zone_full);
      CHECK(b.is_filled(zone.index, zone.capacity_bytes - rest, 7));
      CHECK(b.client().reads_pattern({zone.index, zone.capacity_bytes - rest}, rest, 8));
      REQUIRE(b.client().manage(opcode::reset, zone.index).error == ok);
      CHECK(b.client().zone(zone.index) == zone_info{zone.index, zone.type, empty, zone.bytes, zone.capacity_bytes, 0});
      REQUIRE(b.client().append_pattern(zone.index, b.unit(), 10).at == place{zone.index, 0});
      CHECK(b.client().reads_pattern({zone.index, 0}, b.unit(), 10));
    }
  });
}

TEST_CASE("zones do not touch each other") {
  on_each_device([](bench& b) {
    const std::size_t count = b.active_zones(6);
    for (std::uint64_t round = 0; round < 4; ++round) {
      for (std::size_t i = 0; i < count; ++i) {
        const auto c = b.client().append_pattern(b.sequential()[i].index, b.unit(), 100 * i + round);
        REQUIRE(c.error == ok);
        REQUIRE(c.at.offset_bytes == round * b.unit());
      }
    }
    REQUIRE(b.client().manage(opcode::reset, b.sequential()[0].index).error == ok);
    for (std::size_t i = 1; i < count; ++i) {
      for (std::uint64_t round = 0; round < 4; ++round) {
        CHECK(b.client().reads_pattern({b.sequential()[i].index, round * b.unit()}, b.unit(), 100 * i + round));
      }
    }
  });
}

TEST_CASE("open, close, finish and reset move a zone as the table says") {
  on_each_device([](bench& b) {
    const zone_index zone = b.sequential()[3].index;
    const auto condition_after = [&](opcode op) {
      REQUIRE(b.client().manage(op, zone).error == ok);
      return b.client().zone(zone).condition;
    };
    CHECK(condition_after(opcode::reset) == empty);
    CHECK(condition_after(opcode::open) == explicit_open);
    CHECK(condition_after(opcode::open) == explicit_open);
    // ZBC empties a zone that is closed without data, ZNS may close it.
    const zone_condition without_data = condition_after(opcode::close);
    CHECK((without_data == empty || (b.what().is_real && without_data == closed)));
    REQUIRE(b.client().append_pattern(zone, b.unit(), 1).error == ok);
    CHECK(b.client().zone(zone).condition == implicit_open);
    CHECK(condition_after(opcode::close) == closed);
    CHECK(condition_after(opcode::open) == explicit_open);
    REQUIRE(b.client().append_pattern(zone, b.unit(), 2).at == place{zone, b.unit()});
    CHECK(b.client().zone(zone).condition == explicit_open);
    CHECK(condition_after(opcode::finish) == full);
    CHECK(b.client().append_pattern(zone, b.unit(), 3).error == errc::zone_full);
    CHECK(b.client().reads_pattern({zone, 0}, b.unit(), 1));
    CHECK(b.client().reads_pattern({zone, b.unit()}, b.unit(), 2));
    CHECK(condition_after(opcode::reset) == empty);
    CHECK(condition_after(opcode::finish) == full);
    CHECK(condition_after(opcode::reset) == empty);
  });
}

TEST_CASE("conventional zones are written anywhere, any number of times") {
  on_each_device([](bench& b) {
    if (b.conventional().empty()) return skip(b, "no conventional zones");
    const zone_info zone = b.conventional().back();
    const std::uint64_t unit = b.unit();
    const std::uint64_t last = (zone.bytes - unit) / b.shape().lba_bytes * b.shape().lba_bytes;
    for (std::uint64_t round = 1; round <= 3; ++round) {
      for (const std::uint64_t at : {last, std::uint64_t{0}, 3 * unit}) {
        const auto c = b.client().write_pattern({zone.index, at}, unit, round * 1000 + at);
        REQUIRE(c.error == ok);
        CHECK(c.at == place{zone.index, at});
        CHECK(c.bytes == unit);
      }
      for (const std::uint64_t at : {std::uint64_t{0}, 3 * unit, last}) {
        CHECK(b.client().reads_pattern({zone.index, at}, unit, round * 1000 + at));
      }
    }
    CHECK(b.client().append_pattern(zone.index, unit, 1).error == errc::invalid_transition);
    for (const opcode op : {opcode::open, opcode::close, opcode::finish, opcode::reset}) {
      CHECK(b.client().manage(op, zone.index).error == errc::invalid_transition);
    }
    CHECK(b.client().zone(zone.index) == zone);
  });
}

TEST_CASE("a read may begin and end anywhere in the zone") {
  on_each_device([](bench& b) {
    const zone_info zone = b.sequential()[0];
    const std::uint64_t lba = b.shape().lba_bytes;
    REQUIRE(b.client().append_pattern(zone.index, 4 * b.unit(), 5).error == ok);
    const aligned_bytes part{lba};
    for (std::uint64_t at = 0; at < 4 * b.unit(); at += lba) {
      REQUIRE(b.client().read({zone.index, at}, part).error == ok);
      CHECK(furrow::test::has_pattern(part.span(), 5, at));
    }
    CHECK(b.client().read({zone.index, zone.bytes - lba}, part).error == ok);
    CHECK(b.client().read({zone.index, zone.bytes}, part).error == errc::out_of_range);
    const aligned_bytes two{2 * lba};
    CHECK(b.client().read({zone.index, zone.bytes - lba}, two).error == errc::out_of_range);
    CHECK(b.client().read({{b.shape().zone_count}, 0}, part).error == errc::out_of_range);
  });
}

TEST_CASE("segments are gathered and scattered in order") {
  on_each_device([](bench& b) {
    const zone_index zone = b.sequential()[0].index;
    const std::uint64_t lba = b.shape().lba_bytes;
    const std::size_t count = std::min<std::size_t>(b.promises().segments_max, b.promises().append_bytes_max / lba);
    // Each segment in a page of its own, so that nothing below can join two.
    const aligned_bytes from{count * 8192};
    const aligned_bytes to{count * 8192};
    std::vector<segment> out;
    std::vector<segment> in;
    for (std::size_t i = 0; i < count; ++i) {
      out.push_back({from.data() + i * 8192, lba});
      in.push_back({to.data() + (count - 1 - i) * 8192, lba});
      furrow::test::fill_pattern({out.back().data, lba}, 1, i * lba);
    }
    const auto c =
        b.client().run({.id = {}, .op = opcode::append, .zone = zone, .offset_bytes = 0, .segments = out, .zones = {}});
    REQUIRE(c.error == ok);
    REQUIRE(c.bytes == count * lba);
    CHECK(b.client().reads_pattern({zone, 0}, count * lba, 1));
    const auto r =
        b.client().run({.id = {}, .op = opcode::read, .zone = zone, .offset_bytes = 0, .segments = in, .zones = {}});
    REQUIRE(r.error == ok);
    REQUIRE(r.bytes == count * lba);
    for (std::size_t i = 0; i < count; ++i) {
      CHECK(furrow::test::has_pattern({in[i].data, lba}, 1, i * lba));
    }
  });
}

TEST_CASE("the completion descriptor is readable while something may be reaped, until a reap that finds nothing") {
  on_each_device([](bench& b) {
    const int fd = b.client().device().completion_fd();
    REQUIRE(fd >= 0);
    completion nothing[1];
    CHECK(b.client().device().reap(nothing) == 0);
    CHECK_FALSE(is_readable(fd));
    const auto first =
        b.client().start({.id = {}, .op = opcode::flush, .zone = {}, .offset_bytes = 0, .segments = {}, .zones = {}});
    CHECK(b.client().finish(first).error == ok);
    completion none[1];
    CHECK(b.client().device().reap(none) == 0);
    CHECK_FALSE(is_readable(fd));
    std::vector<zone_info> zones(1);
    const command ask{
        .id = {900}, .op = opcode::report, .zone = {0}, .offset_bytes = 0, .segments = {}, .zones = zones};
    command again = ask;
    again.id = {901};
    const command both[] = {ask, again};
    REQUIRE(b.client().device().submit(both) == 2);
    for (int taken = 0; taken < 2;) {
      const int now = static_cast<int>(b.client().device().reap(none));
      taken += now;
      if (now > 0) continue;
      pollfd p{.fd = fd, .events = POLLIN, .revents = 0};
      REQUIRE(::poll(&p, 1, 60'000) == 1);
    }
    CHECK(b.client().device().reap(none) == 0);
    CHECK_FALSE(is_readable(fd));
  });
}

TEST_CASE("what completed is there after closing and opening again") {
  on_each_device([](bench& b) {
    if (!b.what().persists) return skip(b, "it lives and dies with the process");
    const zone_index some = b.sequential()[0].index;
    const zone_index whole = b.sequential()[1].index;
    const zone_index fresh = b.sequential()[2].index;
    b.fill(some, 5 * b.unit(), 3);
    REQUIRE(b.client().append_pattern(whole, b.unit(), 4).error == ok);
    REQUIRE(b.client().manage(opcode::finish, whole).error == ok);
    REQUIRE(b.client().append_pattern(fresh, b.unit(), 5).error == ok);
    REQUIRE(b.client().manage(opcode::reset, fresh).error == ok);
    const geometry shape = b.shape();
    const guarantees promises = b.promises();
    b.reopen();
    CHECK(b.shape() == shape);
    CHECK(b.promises() == promises);
    CHECK(b.client().zone(some).write_pointer_bytes == 5 * b.unit());
    CHECK(b.client().zone(whole).condition == full);
    CHECK(b.client().zone(fresh).condition == empty);
    CHECK(b.is_filled(some, 5 * b.unit(), 3));
    CHECK(b.client().reads_pattern({whole, 0}, b.unit(), 4));
    REQUIRE(b.client().append_pattern(some, b.unit(), 6).at == place{some, 5 * b.unit()});
    CHECK(open(b.what().uri).error().code == errc::in_use);
  });
}

TEST_CASE("a device opened for reading refuses every change") {
  on_each_device([](bench& b) {
    const zone_index zone = b.sequential()[0].index;
    REQUIRE(b.client().append_pattern(zone, b.unit(), 1).error == ok);
    b.reopen({.read_only = true});
    CHECK(b.client().append_pattern(zone, b.unit(), 2).error == errc::unsupported);
    const place pointer{zone, b.client().zone(zone).write_pointer_bytes};
    CHECK(b.client().write_pattern(pointer, b.unit(), 2).error == errc::unsupported);
    for (const opcode op : {opcode::open, opcode::close, opcode::finish, opcode::reset}) {
      CHECK(b.client().manage(op, zone).error == errc::unsupported);
    }
    if (!b.what().persists) return;
    CHECK(b.client().zone(zone).write_pointer_bytes == b.unit());
    CHECK(b.client().reads_pattern({zone, 0}, b.unit(), 1));
    CHECK(open(b.what().uri, {.read_only = true}).has_value());
  });
}
