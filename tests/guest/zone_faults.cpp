// A store on null_blk while blocks of it go bad, or a zone becomes read-only or offline, with appends in flight.
//
//   zone_faults bad_blocks|read_only|offline DEVICE CONFIGFS_FOLDER
//
// What must hold: every append succeeds; what is read is what was appended; but for an offline zone, where exactly the
// blocks that live in it fail, each naming it, and check and scrub name just these. Nothing is left in a read-only zone.
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "furrow/engine/store.hpp"
#include "furrow/zoned/registry.hpp"

namespace {

namespace asio = boost::asio;
using furrow::error_code;
using furrow::zone_change;

constexpr std::size_t append_bytes = 1 << 20;
constexpr std::size_t block_bytes = 4096;
constexpr std::uint64_t sector_bytes = 512;

#define REQUIRE(condition) require(condition, #condition, __LINE__)
void require(bool good, const char* what, int line) {
  if (good) return;
  std::printf("line %d: not so: %s\n", line, what);
  std::exit(1);
}

std::vector<std::byte> pattern(std::uint64_t index) {
  std::vector<std::byte> to(append_bytes);
  std::uint64_t x = (index + 1) * 0x9e37'79b9'7f4a'7c15u;
  for (std::size_t i = 0; i < to.size(); i += sizeof x) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    std::memcpy(to.data() + i, &x, sizeof x);
  }
  return to;
}

class bench {
 public:
  bench(std::string device, std::string folder) : device_(std::move(device)), folder_(std::move(folder)) {}

  void format_and_open() {
    auto d = furrow::zoned::open(device_);
    REQUIRE(d.has_value());
    furrow::store::async_format(context_, std::move(*d), {.force = true},
                                [&](error_code e, std::unique_ptr<furrow::zoned::device> back) {
                                  good(e, "format");
                                  open(std::move(back));
                                });
    run();
    store_.async_create("log", [&](error_code e, furrow::object o) {
      good(e, "create");
      log_ = std::move(o);
    });
    run();
  }
  void reopen() {
    log_ = {};
    std::unique_ptr<furrow::zoned::device> back;
    store_.async_close([&](error_code e, std::unique_ptr<furrow::zoned::device> d) {
      good(e, "close");
      back = std::move(d);
    });
    run();
    changes_.clear();
    open(std::move(back));
    run();
    store_.async_open_object("log", [&](error_code e, furrow::object o) {
      good(e, "open object");
      log_ = std::move(o);
    });
    run();
  }

  /// Appends `count` times a MiB, `depth` at a time; calls after each with the number of those done. None may fail.
  void append(std::size_t count, std::size_t depth, const std::function<void(std::size_t)>& after = nullptr) {
    std::size_t begun = 0, done = 0;
    std::function<void()> next = [&] {
      const std::uint64_t index = appended_ + begun++;
      auto bytes = std::make_shared<std::vector<std::byte>>(pattern(index));
      const auto at = index * append_bytes;
      log_.async_append(asio::buffer(*bytes), [&, bytes, at](error_code e, const furrow::append_result& r) {
        good(e, "append");
        REQUIRE(r.offset_bytes == at && r.bytes == append_bytes);
        ++done;
        if (after) after(done);
        if (begun < count) next();
      });
    };
    while (begun < std::min(count, depth)) next();
    run();
    REQUIRE(done == count);
    appended_ += count;
  }

  /// Reads every block by itself. Returns where those are that failed for the zone `lost`; any other failure ends the test.
  std::set<std::uint64_t> read_all(std::optional<furrow::zoned::zone_index> lost) {
    std::set<std::uint64_t> failed;
    std::vector<std::byte> block(block_bytes);
    for (std::uint64_t index = 0; index < appended_; ++index) {
      const auto wanted = pattern(index);
      for (std::size_t at = 0; at < append_bytes; at += block_bytes) {
        furrow::error_detail why;
        error_code e;
        const std::uint64_t offset = index * append_bytes + at;
        log_.with({.detail = &why}).async_read(offset, asio::buffer(block), [&](error_code ec, std::uint64_t) {
          e = ec;
        });
        run();
        if (!e) {
          REQUIRE(std::memcmp(block.data(), wanted.data() + at, block_bytes) == 0);
          continue;
        }
        if (!lost) good(e, "read");
        REQUIRE(e == furrow::zoned::errc::zone_offline);
        REQUIRE(why.zone == lost && why.object == log_.id() && why.offset_bytes == offset);
        failed.insert(offset);
      }
    }
    return failed;
  }
  /// The blocks that the findings name, all of them in that zone and of the log.
  [[nodiscard]] std::set<std::uint64_t> named(const std::vector<furrow::check_finding>& findings,
                                              furrow::zoned::zone_index zone) const {
    std::set<std::uint64_t> blocks;
    for (const furrow::check_finding& f : findings) {
      REQUIRE(f.detail.zone == zone && f.detail.object == log_.id());
      for (std::uint64_t at = 0; at < f.detail.bytes.value_or(0); at += block_bytes)
        REQUIRE(blocks.insert(*f.detail.offset_bytes + at).second);
    }
    return blocks;
  }
  [[nodiscard]] furrow::scrub_result scrub(const furrow::scrub_options& how) {
    furrow::scrub_result to;
    store_.async_scrub(how, [&](error_code e, const furrow::scrub_result& got) {
      good(e, "scrub");
      to = got;
    });
    run();
    return to;
  }
  [[nodiscard]] furrow::store_health health() {
    furrow::store_health to;
    store_.async_info([&](error_code e, const furrow::store_info& got) {
      good(e, "info");
      to = got.health;
    });
    run();
    return to;
  }

  [[nodiscard]] furrow::statistics statistics() {
    furrow::statistics s;
    store_.async_statistics([&](error_code e, const furrow::statistics& got) {
      good(e, "statistics");
      s = got;
    });
    run();
    return s;
  }
  [[nodiscard]] std::vector<furrow::zone_status> zones() {
    std::vector<furrow::zone_status> to;
    store_.async_zones([&](error_code e, std::vector<furrow::zone_status> got) {
      good(e, "zones");
      to = std::move(got);
    });
    run();
    return to;
  }
  [[nodiscard]] furrow::check_result check() {
    furrow::check_result to;
    store_.async_check(true, [&](error_code e, const furrow::check_result& got) {
      good(e, "check");
      to = got;
    });
    run();
    return to;
  }
  /// The zone that data are written to, with room for `bytes` and more.
  [[nodiscard]] furrow::zone_status open_zone(std::uint64_t bytes) {
    for (;;) {
      for (const furrow::zone_status& z : zones())
        if (z.use == furrow::zone_use::data && z.open_for_writing &&
            z.written_blocks * block_bytes + bytes < z.device.capacity_bytes)
          return z;
      append(1, 1);
    }
  }
  void attribute(const std::string& name, const std::string& value) const {
    std::ofstream to(folder_ + "/" + name);
    to << value << std::flush;
    if (!to) std::printf("%s refused %s\n", name.c_str(), value.c_str());
    REQUIRE(static_cast<bool>(to));
  }
  [[nodiscard]] std::size_t told(zone_change::kind what, std::optional<furrow::zoned::zone_index> zone = {}) const {
    return static_cast<std::size_t>(std::count_if(changes_.begin(), changes_.end(), [&](const zone_change& c) {
      return c.what == what && (!zone || c.zone == *zone);
    }));
  }

 private:
  void open(std::unique_ptr<furrow::zoned::device> d) {
    furrow::store::async_open(context_, std::move(d), {}, [&](error_code e, furrow::store s) {
      good(e, "open");
      store_ = std::move(s);
      store_.on_event([&](const furrow::event& told) {
        if (told.zone) changes_.push_back(*told.zone);
      });
    });
  }
  void run() {
    context_.restart();
    context_.run();
  }
  static void good(error_code e, const char* what) {
    if (e) std::printf("%s: %s\n", what, e.message().c_str());
    REQUIRE(!e);
  }

  std::string device_, folder_;
  asio::io_context context_;
  furrow::store store_;
  furrow::object log_;
  std::uint64_t appended_ = 0;
  std::vector<zone_change> changes_;
};

std::uint64_t first_sector(const furrow::zone_status& z) {
  return z.device.index.value * z.device.bytes / sector_bytes;
}

void bad_blocks(bench& b, const std::string& queue) {
  std::ofstream(queue + "/max_sectors_kb") << 64 << std::flush;  // the kernel cuts what the store sends
  constexpr std::size_t rounds = 8;
  for (std::size_t i = 0; i < rounds; ++i) {
    const furrow::zone_status z = b.open_zone(4 * append_bytes);
    const std::uint64_t block = z.written_blocks + 300 + 29 * i;
    const std::uint64_t sector = first_sector(z) + block * (block_bytes / sector_bytes);
    b.attribute("badblocks", "+" + std::to_string(sector) + "-" + std::to_string(sector + 7));
    b.append(6, 4);
    b.attribute("badblocks", "-" + std::to_string(sector) + "-" + std::to_string(sector + 7));
  }
  const furrow::statistics s = b.statistics();
  std::printf("failed_appends %llu salvaged_blocks %llu retries %llu splits %llu\n",
              static_cast<unsigned long long>(s.failed_appends), static_cast<unsigned long long>(s.salvaged_blocks),
              static_cast<unsigned long long>(s.retries), static_cast<unsigned long long>(s.splits));
  REQUIRE(s.failed_appends >= rounds);
  REQUIRE(s.salvaged_blocks > 0);
  REQUIRE(s.retries > 0);
  REQUIRE(s.splits > 0);
  REQUIRE(b.told(zone_change::kind::write_failed) >= rounds);
  REQUIRE(b.read_all(std::nullopt).empty());
  b.reopen();
  REQUIRE(b.read_all(std::nullopt).empty());
  REQUIRE(b.check().damage == 0);
}

void turned(bench& b, bool offline) {
  // Handlers may be called late: by the third one, so many appends may have landed. The zone has room for one more.
  constexpr std::size_t turned_after = 3, depth = 5;
  const furrow::zone_status z = b.open_zone((turned_after + depth + 1) * append_bytes);
  const auto zone = z.device.index;
  b.append(16, depth, [&](std::size_t done) {
    if (done == turned_after) b.attribute(offline ? "zone_offline" : "zone_readonly", std::to_string(first_sector(z)));
  });
  const auto kind = offline ? zone_change::kind::offline : zone_change::kind::read_only;
  for (int round = 0; round < 2; ++round) {
    const furrow::statistics s = b.statistics();
    const furrow::zone_status now = b.zones()[zone.value];
    std::printf("failed_appends %llu retries %llu read_only %llu offline %llu; %llu blocks live in the zone\n",
                static_cast<unsigned long long>(s.failed_appends), static_cast<unsigned long long>(s.retries),
                static_cast<unsigned long long>(s.zones_read_only), static_cast<unsigned long long>(s.zones_offline),
                static_cast<unsigned long long>(now.live_blocks));
    REQUIRE(now.bad);
    REQUIRE((now.live_blocks > 0) == offline);
    if (round == 0) {
      REQUIRE(s.failed_appends > 0);
      REQUIRE(b.told(kind, zone) == 1);
      REQUIRE(b.told(kind) == 1);
      REQUIRE(b.told(zone_change::kind::evacuated, zone) == (offline ? 0u : 1u));
    }
    REQUIRE(s.zones_offline == (offline ? 1u : 0u));
    REQUIRE(s.zones_read_only == (offline ? 0u : 1u));
    const auto lost = b.read_all(offline ? std::optional{zone} : std::nullopt);
    REQUIRE(lost.size() == (offline ? now.live_blocks : 0));
    const furrow::check_result c = b.check();
    REQUIRE(c.damage == c.findings.size());
    REQUIRE(b.named(c.findings, zone) == lost);
    REQUIRE(b.named(b.scrub({}).findings, zone) == lost);
    REQUIRE(b.named(b.scrub({.lost_only = true}).findings, zone) == lost);
    REQUIRE(b.health().degraded == offline);
    REQUIRE(b.health().lost_bytes == lost.size() * block_bytes);
    REQUIRE(b.health().zones_retired == 1);
    b.append(4, 4);
    if (round == 0) b.reopen();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::printf("zone_faults bad_blocks|read_only|offline DEVICE CONFIGFS_FOLDER\n");
    return 2;
  }
  const std::string kind = argv[1], device = argv[2];
  bench b{device, argv[3]};
  b.format_and_open();
  b.append(3, 2);
  if (kind == "bad_blocks")
    bad_blocks(b, "/sys/block/" + device.substr(device.rfind('/') + 1) + "/queue");
  else
    turned(b, kind == "offline");
  std::printf("%s: good\n", kind.c_str());
}
