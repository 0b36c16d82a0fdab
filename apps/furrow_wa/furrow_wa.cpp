// furrow-wa: what the engine writes to data zones for each byte that its user writes, by trace and by how much of the
// zones may be garbage. The engine's own core, on a device that forgets what data zones hold; bytes are the device's.
//
//   uniform, zipf1.0    one object whose blocks are written over one by one, eight times as many as it has
//   delete_in_order     objects, of which the oldest is removed before one more is written; as many blocks in all
//
// The second half is measured. Zones for data: those that hold the live blocks and the garbage, and the spare ones.
//
// Not here: bounds (tests/bench/amplification_test.py).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <string>

#include "furrow_wa/greedy_model.hpp"
#include "furrow_wa/measured_store.hpp"
#include "furrow_wa/program.hpp"
#include "furrow_wa/trace.hpp"

namespace {

using namespace furrow;
using namespace furrow::wa;

struct arguments {
  bool json = false;
  std::uint64_t seed = 1;
  std::uint32_t live_blocks = 1u << 18;
  std::uint32_t zone_blocks = 256;
  std::uint32_t spare_zones = 12;
  std::uint32_t overwrites = 8;
  std::vector<std::string> names{"uniform", "zipf1.0", "delete_in_order"};
  std::vector<double> garbage{0.10, 0.15, 0.22};
};

struct row {
  std::string name;
  double garbage = 0;
  double wa = 0;
  double greedy_wa = 0;
  double journal = 0, pages = 0;  ///< Bytes of them for each of the user's.
};

geometry geometry_of(const arguments& a, double garbage) {
  const double zones = a.live_blocks / (1 - garbage) / (a.zone_blocks - 1);
  return {a.live_blocks, a.zone_blocks, static_cast<std::uint32_t>(std::ceil(zones)) + a.spare_zones};
}

payload_free_device::plan plan_of(const geometry& g) {
  return {g.zone_blocks, std::max<std::uint32_t>(g.zones / 2, 64), g.zones};
}

/// What was written between two looks at the counters, for each byte of the user's.
class meter {
 public:
  explicit meter(measured_store& store) : store_{store} {}
  void begin() {
    before_ = store_.counters();
    data_before_ = store_.device().data_bytes();
  }
  void end(row& to, std::uint64_t user_blocks) {
    const statistics now = store_.counters();
    const auto user = static_cast<double>(user_blocks * zoned::store_block_bytes);
    to.wa = static_cast<double>(store_.device().data_bytes() - data_before_) / user;
    to.journal = static_cast<double>(now.journal_bytes - before_.journal_bytes) / user;
    to.pages = static_cast<double>(now.page_bytes - before_.page_bytes) / user;
  }

 private:
  measured_store& store_;
  statistics before_;
  std::uint64_t data_before_ = 0;
};

row overwrite(const std::string& name, double garbage, const arguments& a) {
  const std::uint64_t writes = std::uint64_t{a.live_blocks} * a.overwrites;
  const auto trace = (name == "uniform" ? uniform_trace : zipf_trace)(a.live_blocks, writes, a.seed);
  const geometry g = geometry_of(a, garbage);
  row r{.name = name, .garbage = garbage, .greedy_wa = greedy_amplification(g, trace)};
  measured_store store{plan_of(g)};
  const core::handle_id object = store.create("object");
  for (std::uint32_t at = 0; at < a.live_blocks; at += a.zone_blocks)
    store.write(object, at, std::min(a.zone_blocks, a.live_blocks - at));
  meter m{store};
  for (std::size_t i = 0; i < trace.size(); ++i) {
    if (i == trace.size() / 2) m.begin();
    store.write(object, trace[i], 1);
  }
  m.end(r, writes - writes / 2);
  return r;
}

/// The objects' blocks in the order of writing, as the model has them: it keeps no objects.
row delete_in_order(double garbage, const arguments& a) {
  constexpr std::uint32_t object_blocks = 100;
  const std::uint32_t objects = a.live_blocks / object_blocks;
  const std::uint32_t rounds = objects * a.overwrites;
  const geometry g = geometry_of(a, garbage);
  std::vector<std::uint32_t> trace(std::size_t{a.live_blocks} * a.overwrites);
  for (std::size_t i = 0; i < trace.size(); ++i) trace[i] = static_cast<std::uint32_t>(i % a.live_blocks);
  row r{.name = "delete_in_order", .garbage = garbage, .greedy_wa = greedy_amplification(g, trace)};
  measured_store store{plan_of(g)};
  const auto make = [&store](std::uint32_t i) {
    const core::handle_id h = store.create(std::to_string(i));
    store.write(h, 0, object_blocks);
    store.release(h);
  };
  for (std::uint32_t i = 0; i < objects; ++i) make(i);
  meter m{store};
  for (std::uint32_t i = 0; i < rounds; ++i) {
    if (i == rounds / 2) m.begin();
    store.remove(std::to_string(i));
    make(objects + i);
  }
  m.end(r, std::uint64_t{rounds - rounds / 2} * object_blocks);
  return r;
}

void print(const row& r, bool json, nlohmann::json& all) {
  if (json) {
    all.push_back({{"name", r.name},
                   {"garbage", r.garbage},
                   {"wa", r.wa},
                   {"greedy_wa", r.greedy_wa},
                   {"journal", r.journal},
                   {"pages", r.pages}});
    return;
  }
  fmt::print("{:<16} {:>3.0f} %  wa {:.3f}  greedy {:.3f}  journal {:.3f}  pages {:.3f}\n", r.name, 100 * r.garbage,
             r.wa, r.greedy_wa, r.journal, r.pages);
  std::fflush(stdout);
}

int run(const arguments& a) {
  nlohmann::json all = nlohmann::json::array();
  for (const std::string& name : a.names)
    for (const double garbage : a.garbage)
      print(name == "delete_in_order" ? delete_in_order(garbage, a) : overwrite(name, garbage, a), a.json, all);
  if (a.json) fmt::print("{}\n", all.dump(1));
  return 0;
}

}  // namespace

int main(int count, char** given) {
  arguments a;
  CLI::App app{"Write amplification of the engine, by trace and share of garbage", "furrow-wa"};
  app.add_flag("--json", a.json, "One array of rows");
  app.add_option("--seed", a.seed, "Of the traces");
  app.add_option("--only", a.names, "Only these traces")
      ->check(CLI::IsMember({"uniform", "zipf1.0", "delete_in_order"}));
  app.add_option("--garbage", a.garbage, "Shares of the zones' blocks that may be garbage")
      ->check(CLI::Range(0.01, 0.9));
  app.add_option("--live-blocks", a.live_blocks, "Blocks that are live")->check(CLI::Range(1u << 10, 1u << 22));
  app.add_option("--overwrites", a.overwrites, "Times that all of them are written over")->check(CLI::Range(2, 100));
  return run_program(app, count, given, [&a] { return run(a); });
}
