// A kernel's zoned device that fails: bad blocks under a write, zones that become read-only or offline.
//
// Runs on a null_blk device named by FURROW_TEST_DEVICE (all its data is lost: FURROW_TEST_DEVICE_DESTROY=1), whose
// faults are set through configfs; skipped with status 77 where there is none.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "conformance/subjects.hpp"

using namespace furrow::zoned;
using furrow::error_code;
using furrow::test::all_subjects;
using furrow::test::bench;
using enum zone_condition;

namespace {

constexpr error_code ok{};

/// The faults of a null_blk device.
class fault_panel {
 public:
  explicit fault_panel(const std::string& device)
      : folder_{"/sys/kernel/config/nullb/" + std::filesystem::path{device}.filename().string()} {}

  [[nodiscard]] bool exists() const { return std::filesystem::is_directory(folder_); }
  [[nodiscard]] bool has(const std::string& attribute) const { return std::filesystem::exists(folder_ / attribute); }
  [[nodiscard]] bool set(const std::string& attribute, const std::string& value) const {
    std::ofstream out{folder_ / attribute};
    out << value << std::flush;
    return out.good();
  }

 private:
  std::filesystem::path folder_;
};

[[noreturn]] void skip(const char* why) {
  std::printf("skipped: %s\n", why);
  std::exit(77);
}

struct faulty {
  faulty() : faults{std::getenv("FURROW_TEST_DEVICE") == nullptr ? "" : std::getenv("FURROW_TEST_DEVICE")} {
    if (std::getenv("FURROW_TEST_DEVICE") == nullptr || !faults.exists()) skip("FURROW_TEST_DEVICE names no null_blk");
    b = std::make_unique<bench>(all_subjects().at(0));
  }
  [[nodiscard]] std::uint64_t first_sector(zone_index zone) const { return zone.value * b->shape().zone_bytes / 512; }

  fault_panel faults;
  std::unique_ptr<bench> b;
};

}  // namespace

TEST_CASE("after a write over a bad block the write pointer is learned, and appends go on from there") {
  faulty f;
  bench& b = *f.b;
  const zone_index zone = b.sequential()[0].index;
  REQUIRE(b.client().append_pattern(zone, 2 * b.unit(), 1).error == ok);
  const std::uint64_t bad = f.first_sector(zone) + 5 * b.unit() / 512;
  const std::string range = std::to_string(bad) + "-" + std::to_string(bad);
  REQUIRE(f.faults.set("badblocks", "+" + range));
  CHECK(b.client().append_pattern(zone, 8 * b.unit(), 2).error == errc::io);
  CHECK(b.client().append_pattern(zone, 8 * b.unit(), 2).error == errc::io);
  REQUIRE(f.faults.set("badblocks", "-" + range));
  const std::uint64_t pointer = b.client().zone(zone).write_pointer_bytes;
  const auto c = b.client().append_pattern(zone, b.unit(), 3);
  REQUIRE(c.error == ok);
  CHECK(c.at == place{zone, pointer});
  CHECK(b.client().reads_pattern({zone, 0}, 2 * b.unit(), 1));
  CHECK(b.client().reads_pattern(c.at, b.unit(), 3));
}

TEST_CASE("commands waiting behind a failing write are cancelled, and none of them was written") {
  faulty f;
  bench& b = *f.b;
  const zone_index zone = b.sequential()[1].index;
  const std::uint64_t bad = f.first_sector(zone);
  const std::string range = std::to_string(bad) + "-" + std::to_string(bad);
  REQUIRE(f.faults.set("badblocks", "+" + range));
  const furrow::test::aligned_bytes memory{b.unit()};
  const segment piece = memory.segment();
  const command append{
      .id = {}, .op = opcode::append, .zone = zone, .offset_bytes = 0, .segments = {&piece, 1}, .zones = {}};
  const command_id first = b.client().start(append);
  const command_id second = b.client().start(append);
  CHECK(b.client().finish(first).error == errc::io);
  CHECK(b.client().finish(second).error == errc::cancelled);
  REQUIRE(f.faults.set("badblocks", "-" + range));
  const std::uint64_t pointer = b.client().zone(zone).write_pointer_bytes;
  CHECK(pointer <= b.unit());
  CHECK(b.client().append_pattern(zone, b.unit(), 1).at == place{zone, pointer});
}

TEST_CASE("appends in flight over a bad block: what is said of each is what the zone holds") {
  faulty f;
  bench& b = *f.b;
  const zone_index zone = b.sequential()[4].index;
  const std::uint64_t bytes = 2 * b.unit();
  for (std::uint64_t bad_unit = 0; bad_unit < 8; ++bad_unit) {
    CAPTURE(bad_unit);
    REQUIRE(b.client().manage(opcode::reset, zone).error == ok);
    const std::uint64_t bad = f.first_sector(zone) + bad_unit * b.unit() / 512;
    const std::string range = std::to_string(bad) + "-" + std::to_string(bad);
    REQUIRE(f.faults.set("badblocks", "+" + range));
    std::vector<furrow::test::aligned_bytes> memory;
    std::vector<segment> pieces;
    for (std::uint64_t i = 0; i < 4; ++i) {
      memory.emplace_back(bytes);
      furrow::test::fill_pattern(memory.back().span(), 100 * bad_unit + i);
      pieces.push_back(memory.back().segment());
    }
    std::vector<command_id> ids;
    for (const segment& piece : pieces) {
      ids.push_back(b.client().start(
          {.id = {}, .op = opcode::append, .zone = zone, .offset_bytes = 0, .segments = {&piece, 1}, .zones = {}}));
    }
    std::vector<completion> ends;
    for (const command_id id : ids) ends.push_back(b.client().finish(id));
    REQUIRE(f.faults.set("badblocks", "-" + range));
    const std::uint64_t pointer = b.client().zone(zone).write_pointer_bytes;
    for (std::uint64_t i = 0; i < 4; ++i) {
      CAPTURE(i);
      if (ends[i].error == ok) {
        CHECK(ends[i].at == place{zone, i * bytes});
        CHECK(ends[i].bytes == bytes);
        CHECK(b.client().reads_pattern(ends[i].at, bytes, 100 * bad_unit + i));
      } else if (ends[i].error == errc::cancelled) {
        CHECK(pointer <= i * bytes);
      } else {
        CHECK(ends[i].error == errc::io);
        CHECK(ends[i].at == place{zone, i * bytes});
      }
    }
    CHECK(ends[bad_unit / 2].error == errc::io);
    const auto next = b.client().append_pattern(zone, b.unit(), 7);
    CHECK(next.at == place{zone, pointer});
    CHECK(b.client().reads_pattern(next.at, b.unit(), 7));
  }
}

TEST_CASE("a zone that the device makes read-only or offline says so from the second append on") {
  faulty f;
  bench& b = *f.b;
  if (!f.faults.has("zone_readonly")) skip("this kernel's null_blk cannot make zones read-only");
  struct row {
    const char* attribute;
    zone_condition condition;
    errc expected;
  };
  const row rows[] = {{"zone_readonly", read_only, errc::zone_read_only},
                      {"zone_offline", offline, errc::zone_offline}};
  for (std::size_t i = 0; i < 2; ++i) {
    const row& r = rows[i];
    CAPTURE(i);
    const zone_index zone = b.sequential()[2 + i].index;
    REQUIRE(b.client().append_pattern(zone, b.unit(), 1).error == ok);
    REQUIRE(f.faults.set(r.attribute, std::to_string(f.first_sector(zone))));
    CHECK(b.client().zone(zone).condition == r.condition);
    CHECK(b.client().append_pattern(zone, b.unit(), 2).error == errc::io);
    CHECK(b.client().append_pattern(zone, b.unit(), 2).error == r.expected);
    CHECK(b.client().manage(opcode::reset, zone).error == r.expected);
    if (r.condition == read_only) CHECK(b.client().reads_pattern({zone, 0}, b.unit(), 1));
    // The same again gives the zone back, empty.
    CHECK(f.faults.set(r.attribute, std::to_string(f.first_sector(zone))));
    CHECK(b.client().zone(zone).condition == empty);
    CHECK(b.client().append_pattern(zone, b.unit(), 3).at == place{zone, 0});
  }
}
