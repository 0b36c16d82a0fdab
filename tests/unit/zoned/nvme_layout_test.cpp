// The structures of NVMe, byte by byte as the specifications place them, and what a device might get wrong.
#include "nvme/nvme_layout.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <vector>

namespace furrow::zoned::nvme {
namespace {

using bytes = std::vector<std::byte>;

template <class Number>
void put(bytes& to, std::size_t at, Number value) {
  std::memcpy(to.data() + at, &value, sizeof value);
}

struct namespace_pages {
  bytes space = bytes(identify_bytes);
  bytes zoned = bytes(identify_bytes);

  /// Format 2 of the namespace is in use: 4 KiB blocks, zones of 16 MiB.
  namespace_pages() {
    put<std::uint64_t>(space, 0, 64 * 4096);           // NSZE
    put<std::uint8_t>(space, 26, 2);                   // FLBAS
    put<std::uint32_t>(space, 128 + 4 * 2, 12 << 16);  // LBAF 2: 2^12 bytes, no metadata
    put<std::uint32_t>(zoned, 4, 13);                  // MAR
    put<std::uint32_t>(zoned, 8, 11);                  // MOR
    put<std::uint64_t>(zoned, 2816 + 16 * 2, 4096);    // ZSZE of LBAF 2
  }
  [[nodiscard]] std::optional<geometry> parsed() const { return parse_namespace(space, zoned); }
};

/// A report of the zones from 3 on, of a namespace as above.
struct zone_report {
  bytes all = bytes(report_header_bytes + 2 * descriptor_bytes);
  geometry shape = *namespace_pages{}.parsed();

  zone_report() {
    put<std::uint64_t>(all, 0, 2);
    describe(0, 0x2, 3 * 4096 + 5);
    describe(1, 0x1, 0);
  }
  void describe(std::size_t index, unsigned state, std::uint64_t write_pointer) {
    const std::size_t at = report_header_bytes + index * descriptor_bytes;
    put<std::uint8_t>(all, at, 2);
    put<std::uint8_t>(all, at + 1, static_cast<std::uint8_t>(state << 4));
    put<std::uint64_t>(all, at + 8, 3072);  // ZCAP
    put<std::uint64_t>(all, at + 16, (3 + index) * 4096);
    put<std::uint64_t>(all, at + 24, write_pointer);
  }
  [[nodiscard]] std::optional<zone_info> parsed(std::size_t index) const {
    return parse_descriptor(all, index, {3}, shape);
  }
};

TEST_CASE("nvme layout: limits are powers of two of pages, and none where nothing is stated") {
  bytes identify(identify_bytes), zoned(identify_bytes);
  CHECK(parse_controller(identify, zoned).transfer_bytes_max == 0);
  CHECK(parse_controller(identify, zoned).append_bytes_max == 0);
  CHECK_FALSE(parse_controller(identify, zoned).volatile_cache);
  put<std::uint8_t>(identify, 77, 7);
  put<std::uint8_t>(zoned, 0, 3);
  put<std::uint8_t>(identify, 525, 0x07);
  CHECK(parse_controller(identify, zoned).transfer_bytes_max == 512 << 10);
  CHECK(parse_controller(identify, zoned).append_bytes_max == 32 << 10);
  CHECK(parse_controller(identify, zoned).volatile_cache);
  put<std::uint8_t>(identify, 77, 255);  // absurd: no limit of its own
  CHECK(parse_controller(identify, zoned).transfer_bytes_max == 0);
}

TEST_CASE("nvme layout: a namespace's shape is that of the format in use") {
  namespace_pages p;
  const auto g = p.parsed();
  REQUIRE(g.has_value());
  CHECK(g->lba_bytes == 4096);
  CHECK(g->zone_bytes == 16 << 20);
  CHECK(g->last_zone_bytes == 16 << 20);
  CHECK(g->zone_count == 64);
  CHECK(g->active_max == 14);
  CHECK(g->open_max == 12);

  put<std::uint32_t>(p.zoned, 4, UINT32_MAX);
  put<std::uint32_t>(p.zoned, 8, 63);  // as many as there are zones
  CHECK_FALSE(p.parsed()->active_max.has_value());
  CHECK_FALSE(p.parsed()->open_max.has_value());
}

TEST_CASE("nvme layout: formats above the sixteenth are named by four bits and two more") {
  namespace_pages p;
  put<std::uint8_t>(p.space, 26, 0x21);  // 1 + (1 << 4)
  put<std::uint32_t>(p.space, 128 + 4 * 17, 9 << 16);
  put<std::uint64_t>(p.zoned, 2816 + 16 * 17, 8192);
  const auto g = p.parsed();
  REQUIRE(g.has_value());
  CHECK(g->lba_bytes == 512);
  CHECK(g->zone_bytes == 4 << 20);
  CHECK(g->zone_count == 32);
}

TEST_CASE("nvme layout: a namespace that no store can be on") {
  const auto refused = [](auto change) {
    namespace_pages p;
    change(p);
    return !p.parsed().has_value();
  };
  CHECK(refused([](namespace_pages& p) { put<std::uint32_t>(p.space, 136, 13 << 16); }));        // 8 KiB blocks
  CHECK(refused([](namespace_pages& p) { put<std::uint32_t>(p.space, 136, (12 << 16) | 8); }));  // metadata
  CHECK(refused([](namespace_pages& p) { put<std::uint64_t>(p.zoned, 2848, 0); }));              // no zones
  CHECK(refused([](namespace_pages& p) { put<std::uint64_t>(p.zoned, 2848, ~0ULL); }));
  CHECK(refused([](namespace_pages& p) { put<std::uint64_t>(p.space, 0, 4095); }));
  CHECK(refused([](namespace_pages& p) { put<std::uint64_t>(p.space, 0, 0); }));
}

TEST_CASE("nvme layout: descriptors become zones") {
  zone_report r;
  CHECK(zones_in_report(r.all) == 2);
  const auto open = r.parsed(0);
  REQUIRE(open.has_value());
  CHECK(open->index == zone_index{3});
  CHECK(open->type == zone_type::sequential);
  CHECK(open->condition == zone_condition::implicit_open);
  CHECK(open->bytes == 16 << 20);
  CHECK(open->capacity_bytes == 12 << 20);
  CHECK(open->write_pointer_bytes == 5 * 4096);
  CHECK(r.parsed(1)->condition == zone_condition::empty);
  CHECK(r.parsed(1)->write_pointer_bytes == 0);

  const struct {
    unsigned state;
    zone_condition condition;
    std::uint64_t write_pointer_bytes;
  } rows[] = {{0x3, zone_condition::explicit_open, 5 * 4096},
              {0x4, zone_condition::closed, 5 * 4096},
              {0xd, zone_condition::read_only, 0},
              {0xe, zone_condition::full, 12 << 20},
              {0xf, zone_condition::offline, 0},
              {0x9, zone_condition::offline, 0}};
  for (const auto& row : rows) {
    CAPTURE(row.state);
    r.describe(0, row.state, 3 * 4096 + 5);
    CHECK(r.parsed(0)->condition == row.condition);
    CHECK(r.parsed(0)->write_pointer_bytes == row.write_pointer_bytes);
  }
}

TEST_CASE("nvme layout: a report that cannot be is not believed") {
  zone_report r;
  put<std::uint64_t>(r.all, 0, ~0ULL);
  CHECK(zones_in_report(r.all) == 2);
  r.describe(0, 0x2, 2 * 4096);  // a write pointer in another zone
  CHECK_FALSE(r.parsed(0).has_value());
  r.describe(0, 0x2, 3 * 4096 + 3073);  // and one behind the capacity
  CHECK_FALSE(r.parsed(0).has_value());
  r = {};
  put<std::uint64_t>(r.all, report_header_bytes + 16, 4 * 4096);  // another zone's start
  CHECK_FALSE(r.parsed(0).has_value());
  r = {};
  put<std::uint64_t>(r.all, report_header_bytes + 8, 4097);  // a capacity above the size
  CHECK_FALSE(r.parsed(0).has_value());
  r = {};
  put<std::uint8_t>(r.all, report_header_bytes, 3);  // a type that is not
  CHECK_FALSE(r.parsed(0).has_value());
}

TEST_CASE("nvme layout: statuses are errors of this layer, whatever is set beside type and code") {
  CHECK_FALSE(error_of_status(0));
  CHECK(error_of_status(0x1b9) == errc::zone_full);
  CHECK(error_of_status(0x41b9) == errc::zone_full);  // do not retry
  CHECK(error_of_status(0x1b8) == errc::zone_boundary);
  CHECK(error_of_status(0x1ba) == errc::zone_read_only);
  CHECK(error_of_status(0x1bb) == errc::zone_offline);
  CHECK(error_of_status(0x1bc) == errc::not_sequential);
  CHECK(error_of_status(0x1bd) == errc::too_many_active);
  CHECK(error_of_status(0x1be) == errc::too_many_open);
  CHECK(error_of_status(0x1bf) == errc::invalid_transition);
  CHECK(error_of_status(0x080) == errc::out_of_range);
  CHECK(error_of_status(0x281) == errc::io);  // unrecovered read error
}

}  // namespace
}  // namespace furrow::zoned::nvme
