// Scrubs find what is wrong and nothing else, in one part or in many, while the store is used; pages with one good copy are
// mended. And what a store says of its health.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "format/page.hpp"
#include "support/core_runner.hpp"

namespace furrow::test {
namespace {

using zoned::zone_condition;

constexpr std::uint64_t block = 4096;
constexpr std::uint64_t all_bytes = ~std::uint64_t{0};

class world {
 public:
  explicit world(const device_shape& shape = {.zones = 48}, const format_options& how = {.page_copies = 2})
      : zones{shape.make()}, store{zones} {
    store.format(how);
    core_runner::good(store.open());
  }
  core::handle_id make(const std::string& name, std::uint64_t blocks) {
    const core::handle_id h = store.create(name);
    std::vector<std::byte> bytes = pattern(++seed_, blocks * block);
    store.append(h, bytes, durability::durable);
    return h;
  }
  scrub_result part(const scrub_position& from, std::uint64_t bytes_max, bool lost_only = false) {
    return std::get<scrub_result>(core_runner::good(store.ask(core::scrub_request{from, bytes_max, lost_only})).result);
  }
  /// In parts of so many bytes.
  scrub_result scrub(std::uint64_t bytes_max = all_bytes, bool lost_only = false) {
    scrub_result all;
    do {
      scrub_result r = part(all.next, bytes_max, lost_only);
      REQUIRE(r.next != all.next);
      all.next = r.next;
      all.bytes_read += r.bytes_read;
      all.blocks_verified += r.blocks_verified;
      all.pages_verified += r.pages_verified;
      all.pages_mended += r.pages_mended;
      for (check_finding& f : r.findings) all.findings.push_back(std::move(f));
    } while (all.next.at != scrub_position::part::end);
    return all;
  }
  zoned::place place_of(core::handle_id h, std::uint64_t offset) {
    const auto n = store.ask(core::extents_request{h, offset, block, 1});
    return *std::get<extent_list>(core_runner::good(n).result).extents.front().where;
  }
  void flip(zoned::place at) {
    std::vector<std::byte> bytes(block);
    zones.peek(at, bytes);
    bytes[100] ^= std::byte{4};
    zones.poke(at, bytes);
  }
  std::vector<zone_status> all() {
    return std::get<std::vector<zone_status>>(core_runner::good(store.ask(core::zones_request{})).result);
  }
  /// Spoils every page in the zone.
  void spoil_pages(zoned::zone_index z) {
    std::vector<std::byte> bytes(block);
    for (std::uint64_t at = 0; at < zones.machine().at(z).write_pointer_bytes; at += block) {
      zones.peek({z, at}, bytes);
      if (std::memcmp(bytes.data(), "FRGP", 4) == 0) flip({z, at});
    }
  }
  /// A metadata zone in which pages live.
  zoned::zone_index page_zone(zoned::zone_index other_than = {0}) {
    for (const zone_status& z : all())
      if (z.use == zone_use::metadata && z.live_blocks > 0 && z.device.index != other_than) return z.device.index;
    FAIL("no such zone");
    return {};
  }
  void checkpoint() { core_runner::good(store.ask(core::checkpoint_request{})); }
  store_health health() {
    return std::get<store_info>(core_runner::good(store.ask(core::info_request{})).result).health;
  }
  [[nodiscard]] std::size_t told(event::kind what) const {
    return static_cast<std::size_t>(
        std::count_if(store.events.begin(), store.events.end(), [&](const event& e) { return e.what == what; }));
  }

  zoned::memory_zones zones;
  core_runner store;

 private:
  std::uint64_t seed_ = 0;
};

}  // namespace

TEST_CASE("a scrub reads every block that lives and every copy of every page, in as many parts as one likes") {
  world w;
  for (int i = 0; i < 5; ++i) w.make(std::string(700, 'n') + std::to_string(i), 30);
  w.checkpoint();
  const std::uint64_t pages = w.store.check().pages;
  REQUIRE(pages > 2);
  for (const std::uint64_t bytes : {all_bytes, std::uint64_t{1}, 7 * block, 100 * block}) {
    CAPTURE(bytes);
    const scrub_result r = w.scrub(bytes);
    CHECK(r.blocks_verified == 150);
    CHECK(r.pages_verified == 2 * pages);
    CHECK(r.bytes_read == (150 + 2 * pages) * block);
    CHECK(r.pages_mended == 0);
    CHECK(r.findings.empty());
  }
}

TEST_CASE("exactly the blocks that have rotted are found, as ranges of their objects") {
  world w;
  w.make("a", 30);
  const core::handle_id h = w.make("b", 40);
  for (const std::uint64_t b : {3u, 4u, 5u, 20u}) w.flip(w.place_of(h, b * block));
  for (const std::uint64_t bytes : {all_bytes, std::uint64_t{1}}) {
    CAPTURE(bytes);
    const scrub_result r = w.scrub(bytes);
    std::vector<std::uint64_t> blocks;
    for (const check_finding& f : r.findings) {
      CHECK(f.detail.object == 2);
      CHECK(f.detail.zone == w.place_of(h, *f.detail.offset_bytes).zone);
      for (std::uint64_t at = 0; at < *f.detail.bytes; at += block)
        blocks.push_back((*f.detail.offset_bytes + at) / block);
    }
    std::sort(blocks.begin(), blocks.end());
    CHECK(blocks == std::vector<std::uint64_t>{3, 4, 5, 20});
    CHECK(r.blocks_verified == 66);
  }
}

TEST_CASE("what is written over or removed while it is read is no damage") {
  world w;
  const core::handle_id h = w.make("a", 40);
  w.make("b", 40);
  std::vector<std::byte> other = pattern(99, 40 * block);
  int reads = 0;
  w.store.watch = [&](const zoned::command& c) {
    if (c.op != zoned::opcode::read || ++reads != 1) return;
    core::write_request r;
    r.handle = h;
    r.bytes = other.size();
    r.segments = {{other.data(), other.size()}};
    w.store.ask_later(std::move(r));
    w.store.ask_later(core::remove_request{0, "b", 0});
  };
  const scrub_result r = w.scrub(4 * block);
  CHECK(r.findings.empty());
}

TEST_CASE("pages of which one copy is bad are told and written anew") {
  world w{{.zones = 64, .active_max = 12}};
  for (int i = 0; i < 20; ++i) w.make(std::string(900, 'n') + std::to_string(i), 4);
  w.checkpoint();
  const zoned::zone_index z = w.page_zone();
  w.spoil_pages(z);
  const scrub_result r = w.scrub();
  CHECK(r.findings.size() > 10);
  for (const check_finding& f : r.findings) CHECK(f.detail.zone == z);
  CHECK(r.pages_mended == r.findings.size());
  CHECK(w.scrub().findings.empty());
  CHECK(w.scrub().pages_mended == 0);
  core_runner::good(w.store.ask(core::sync_request{}));
  core_runner::good(w.store.open());
  CHECK(w.store.check().damage == 0);
  CHECK(w.scrub().findings.empty());
}

TEST_CASE("pages of which an open finds a bad copy are counted where they are, and written anew") {
  world w{{.zones = 64, .active_max = 12}};
  for (int i = 0; i < 20; ++i) w.make(std::string(900, 'n') + std::to_string(i), 4);
  w.checkpoint();
  w.spoil_pages(w.page_zone());
  core_runner::good(w.store.open());
  std::uint64_t copies = 0;
  for (const zone_status& z : w.all()) copies += z.use == zone_use::metadata ? z.live_blocks : 0;
  CHECK(copies == 2 * w.store.check().pages);
  static_cast<void>(w.scrub());
  w.checkpoint();
  CHECK(w.scrub().findings.empty());
  copies = 0;
  for (const zone_status& z : w.all()) copies += z.use == zone_use::metadata ? z.live_blocks : 0;
  CHECK(copies == 2 * w.store.check().pages);
}

TEST_CASE("what an offline zone has taken is listed as a check names it, and a scrub names it too") {
  world w;
  for (int i = 0; i < 6; ++i) core_runner::good(w.store.ask(core::release_request{w.make(std::to_string(i), 30)}));
  CHECK(w.scrub(all_bytes, true).findings.empty());
  zoned::zone_index z;
  for (const zone_status& s : w.all())
    if (s.use == zone_use::data && s.live_blocks == 47) z = s.device.index;
  zoned::zone_info info = w.zones.machine().at(z);
  info.condition = zone_condition::offline;
  w.zones.force(info);
  const scrub_result found = w.scrub();  // that is how it is found
  const auto blocks_of = [&](const std::vector<check_finding>& all) {
    std::vector<std::pair<object_id, std::uint64_t>> blocks;
    for (const check_finding& f : all) {
      CHECK(f.detail.zone == z);
      for (std::uint64_t at = 0; at < *f.detail.bytes; at += block)
        blocks.emplace_back(*f.detail.object, *f.detail.offset_bytes + at);
    }
    std::sort(blocks.begin(), blocks.end());
    return blocks;
  };
  const auto lost = blocks_of(w.scrub(all_bytes, true).findings);
  CHECK(lost.size() == 47);
  CHECK(lost == blocks_of(found.findings));
  CHECK(lost == blocks_of(w.store.check().findings));
  CHECK(lost == blocks_of(w.scrub(1, true).findings));
  const store_health h = w.health();
  CHECK(h.degraded);
  CHECK(h.lost_bytes == 47 * block);
  CHECK(h.zones_retired == 1);
  CHECK(w.told(event::kind::degraded) == 1);
  CHECK(w.told(event::kind::restored) == 0);
  for (int i = 0; i < 6; ++i) core_runner::good(w.store.ask(core::remove_request{0, std::to_string(i), 0}));
  w.store.run();
  CHECK_FALSE(w.health().degraded);
  CHECK(w.health().zones_retired == 1);
  CHECK(w.told(event::kind::restored) == 1);
}

TEST_CASE("a store whose one ring of superblocks is gone says so") {
  world w;
  w.make("a", 4);
  CHECK_FALSE(w.health().degraded);
  for (const std::uint32_t i : {0u, 1u}) {
    zoned::zone_info info = w.zones.machine().at({i});
    info.condition = zone_condition::offline;
    w.zones.force(info);
  }
  core_runner::good(w.store.open());
  CHECK(w.health().superblock_copies_lost == 1);
  CHECK(w.health().degraded);
  CHECK(w.store.check().damage == 0);
  w.make("b", 4);
  w.checkpoint();
  core_runner::good(w.store.open());
  CHECK(w.store.check().damage == 0);
}

TEST_CASE("a scrub that waits can be cancelled, one that runs ends where it is, positions are texts") {
  world w;
  w.make("a", 40);
  const std::uint64_t first = w.store.ask_later(core::scrub_request{{}, all_bytes});
  const std::uint64_t second = w.store.ask_later(core::scrub_request{{}, all_bytes});
  w.store.ask_later(core::cancel_request{{second}, errc::cancelled});
  w.store.run();
  CHECK_FALSE(w.store.answers.at(first).error);
  CHECK(w.store.answers.at(second).error == errc::cancelled);
  for (const scrub_position& p :
       {scrub_position{}, scrub_position{scrub_position::part::data, 7, 1234},
        scrub_position{scrub_position::part::pages, 0, 99}, scrub_position{scrub_position::part::end, 0, 0}})
    CHECK(parse_scrub_position(to_string(p)) == p);
  for (const char* wrong : {"", "data", "data:1", "data:1:", "data:1:2:", "pages:", "pages:x", "ends", "end "})
    CHECK_FALSE(parse_scrub_position(wrong));
}

}  // namespace furrow::test
