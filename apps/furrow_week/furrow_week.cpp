// furrow-week: a store on a host-managed SMR disk that is kept nearly full for a week, in minutes: what it writes to data
// zones for each byte of its user's, by the hour, as a table, JSON and a picture.
//
// The engine's own core, without sums, on a disk that forgets what data zones hold. Volumes of extents of 4 MiB are filled
// one after the other and are then written over, an extent at a time: by Zipf's law (a few are hot), or uniformly. Time is
// that of the writes alone, at a steady rate.
//
// Not here: how long a disk takes; amplification by how much may be garbage (furrow-wa).
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "furrow_wa/measured_store.hpp"
#include "furrow_wa/program.hpp"
#include "furrow_wa/trace.hpp"
#include "furrow_week/picture.hpp"

namespace {

using namespace furrow;
using namespace furrow::wa;

constexpr std::uint32_t extent_blocks = 1024;
constexpr std::uint64_t extent_bytes = extent_blocks * zoned::store_block_bytes;
constexpr std::uint32_t volume_extents = 4096;

struct arguments {
  std::uint32_t zones = 78'000;
  std::uint32_t zone_mib = 256;
  std::uint32_t conventional = 24;
  double full = 0.85;
  double rate_mib = 40;
  double days = 7;
  std::uint64_t seed = 1;
  std::string law = "zipf";
  std::string svg;
  bool json = false;
};

class week_of {
 public:
  explicit week_of(const arguments& a)
      : a_{a},
        store_{plan_of(a), {.force = false, .page_copies = 1, .checksums = false}, {}},
        extents_{static_cast<std::uint32_t>(static_cast<double>(store_.counters().capacity_bytes) * a.full /
                                            static_cast<double>(extent_bytes))},
        show_{!a.json && ::isatty(2) != 0} {}

  std::vector<week::sample> run() {
    for (std::uint32_t v = 0; v * volume_extents < extents_; ++v)
      volumes_.push_back(store_.create("volume-" + std::to_string(v)));
    for (std::uint32_t i = 0; i < extents_; ++i) {
      write(i);
      if (i % 4096 == 0) progress("filling", i, extents_);
    }
    const auto writes_an_hour = static_cast<std::uint64_t>(a_.rate_mib * 3600 / (extent_bytes >> 20));
    const auto hours = static_cast<std::uint32_t>(a_.days * 24);
    const std::uint64_t writes = writes_an_hour * hours;
    chance from{a_.seed};
    const auto trace = (a_.law == "zipf" ? zipf_trace : uniform_trace)(extents_, writes, a_.seed);
    std::vector<week::sample> samples;
    const std::uint64_t begun = store_.device().data_bytes();
    for (std::uint32_t hour = 0; hour < hours; ++hour) {
      const std::uint64_t before = store_.device().data_bytes();
      for (std::uint64_t i = 0; i < writes_an_hour; ++i) write(trace[hour * writes_an_hour + i]);
      const std::uint64_t now = store_.device().data_bytes();
      const auto user = static_cast<double>(writes_an_hour * extent_bytes);
      const statistics s = store_.counters();
      samples.push_back({.hours = hour + 1.0,
                         .wa = static_cast<double>(now - before) / user,
                         .wa_so_far = static_cast<double>(now - begun) / (user * (hour + 1)),
                         .free_share = static_cast<double>(s.free_bytes) / static_cast<double>(s.capacity_bytes)});
      progress("hour", hour + 1, hours);
    }
    return samples;
  }

  [[nodiscard]] statistics counters() { return store_.counters(); }
  [[nodiscard]] std::uint32_t extents() const { return extents_; }

 private:
  static payload_free_device::plan plan_of(const arguments& a) {
    const std::uint32_t blocks = a.zone_mib * static_cast<std::uint32_t>((1 << 20) / zoned::store_block_bytes);
    const std::uint32_t not_data = a.conventional + 2;
    return {blocks, a.conventional, a.zones - not_data};
  }
  void write(std::uint32_t extent) {
    store_.write(volumes_[extent / volume_extents], std::uint64_t{extent % volume_extents} * extent_blocks,
                 extent_blocks);
  }
  void progress(const char* what, std::uint32_t done, std::uint32_t of) const {
    if (show_) fmt::print(stderr, "\r{} {} of {}  ", what, done, of);
  }

  arguments a_;
  measured_store store_;
  std::uint32_t extents_;
  bool show_;
  std::vector<core::handle_id> volumes_;
};

void print(const arguments& a, const std::vector<week::sample>& samples, const statistics& s, std::uint32_t extents) {
  if (a.json) {
    nlohmann::json all = nlohmann::json::array();
    for (const week::sample& x : samples)
      all.push_back({{"hours", x.hours}, {"wa", x.wa}, {"wa_so_far", x.wa_so_far}, {"free_share", x.free_share}});
    const nlohmann::json whole{{"zones", a.zones},
                               {"full", a.full},
                               {"law", a.law},
                               {"extents", extents},
                               {"samples", all},
                               {"journal_bytes", s.journal_bytes},
                               {"page_bytes", s.page_bytes},
                               {"zone_resets", s.zone_resets},
                               {"zone_finishes", s.zone_finishes}};
    fmt::print("{}\n", whole.dump(1));
    return;
  }
  for (std::size_t i = 23; i < samples.size(); i += 24)
    fmt::print("day {:>2}  wa {:.3f}  so far {:.3f}  free {:.1f} %\n", (i + 1) / 24, samples[i].wa,
               samples[i].wa_so_far, 100 * samples[i].free_share);
  fmt::print("{} extents; journal {:.1f} GiB, pages {:.1f} GiB, {} resets, {} finishes\n", extents,
             static_cast<double>(s.journal_bytes) / (1 << 30), static_cast<double>(s.page_bytes) / (1 << 30),
             s.zone_resets, s.zone_finishes);
}

int run(const arguments& a) {
  week_of w{a};
  const std::vector<week::sample> samples = w.run();
  if (!a.json && ::isatty(2) != 0) fmt::print(stderr, "\r{:40}\r", "");
  print(a, samples, w.counters(), w.extents());
  if (a.svg.empty()) return 0;
  const std::string title =
      fmt::format("{:.1f} TB in {} zones, {:.0f} % full, {:.0f} MiB/s of writes over ({})",
                  a.zones * (a.zone_mib * 1048576.0) / 1e12, a.zones, 100 * a.full, a.rate_mib, a.law);
  std::ofstream to(a.svg);
  to << week::picture(title, samples) << std::flush;
  if (to) return 0;
  fmt::print(stderr, "furrow-week: {} cannot be written\n", a.svg);
  return 1;
}

}  // namespace

int main(int count, char** given) {
  arguments a;
  CLI::App app{"A week of a nearly full SMR disk, in minutes: write amplification over time", "furrow-week"};
  app.add_option("--zones", a.zones, "Of the disk; default 78,000")->check(CLI::Range(200u, 1'000'000u));
  app.add_option("--zone-mib", a.zone_mib, "MiB of a zone; default 256")->check(CLI::Range(16u, 2048u));
  app.add_option("--conventional", a.conventional, "Zones that are, for metadata; default 24")
      ->check(CLI::Range(9u, 10'000u));
  app.add_option("--full", a.full, "Share of the capacity that lives; default 0.85")->check(CLI::Range(0.05, 0.95));
  app.add_option("--rate", a.rate_mib, "MiB written a second; default 40")->check(CLI::Range(1.0, 1000.0));
  app.add_option("--days", a.days, "Default 7")->check(CLI::Range(0.1, 365.0));
  app.add_option("--law", a.law, "Which extent is written over")->check(CLI::IsMember({"zipf", "uniform"}));
  app.add_option("--seed", a.seed, "Of the writes");
  app.add_option("--svg", a.svg, "Where the picture goes");
  app.add_flag("--json", a.json, "Every hour");
  return run_program(app, count, given, [&a] { return run(a); });
}
