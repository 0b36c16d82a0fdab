// furrow-latency: how long appends take while a zone cleaner works, and while none does, on a simulated ZN540.
//
// The engine's own core. A store is filled with objects of 1 MiB and half of them are removed, so that all its zones are half
// dead. Appends of 64 KiB to a few objects then arrive at random (Poisson) for some seconds, at a share of the drive's
// bandwidth, once with the cleaner off and once while it is asked to clean without end. The time of an append is that from its
// arrival to its answer, queueing included; processor time is not counted.
//
// Not here: the drive (zn540); bounds (tests/bench/latency_test.py).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>

#include "core/core.hpp"
#include "furrow_latency/zn540.hpp"
#include "furrow_wa/program.hpp"
#include "furrow_wa/trace.hpp"

namespace {

using namespace furrow;
using namespace furrow::latency;

constexpr std::uint64_t block_bytes = zoned::store_block_bytes;
constexpr std::uint64_t append_bytes = 64 << 10;
constexpr std::uint64_t object_bytes = 1 << 20;
constexpr std::uint32_t metadata_zones = 16;
constexpr std::uint32_t zone_blocks = 65536;
constexpr std::uint32_t sinks = 16;
constexpr double filled_share = 0.7;

struct arguments {
  bool json = false;
  double load = 0.7;
  double seconds = 4;
  std::uint32_t zones = 80;
  std::uint64_t seed = 1;
};

struct outcome {
  std::vector<nanoseconds> took;
  statistics counters;
  [[nodiscard]] double at(double share) const {
    return static_cast<double>(took[static_cast<std::size_t>(share * static_cast<double>(took.size() - 1))]) / 1000;
  }
};

class timed_store {
 public:
  explicit timed_store(const arguments& a)
      : a_{a}, device_{plan()}, clock_{device_}, memory_(object_bytes), from_{a.seed} {
    start(true);
    uuid id{};
    id[0] = std::byte{1};
    (void)ask(core::format_request{{.force = false, .page_copies = 1, .checksums = false}, id});
    start(true);
    (void)ask(core::open_request{});
  }

  void fill() {
    const double capacity = static_cast<double>(counters().capacity_bytes);
    const auto objects = static_cast<std::uint32_t>(capacity * filled_share / static_cast<double>(object_bytes));
    for (std::uint32_t i = 0; i < objects; ++i) {
      const core::handle_id h = create(std::to_string(i));
      (void)ask(core::append_request{h, {{memory_.data(), object_bytes}}, {}});
      (void)ask(core::release_request{h});
    }
    for (std::uint32_t i = 0; i < objects; ++i) {
      if (from_.below(2) == 0) continue;
      core::remove_request r;
      r.name = std::to_string(i);
      (void)ask(std::move(r));
    }
    (void)ask(core::checkpoint_request{});
  }

  outcome measure(bool cleaning) {
    const statistics before = counters();
    std::vector<core::handle_id> to;
    for (std::uint32_t i = 0; i < sinks; ++i) to.push_back(create("sink-" + std::to_string(i)));
    if (cleaning) (void)send(core::clean_request{1.0});
    outcome o;
    const nanoseconds end = now_ + static_cast<nanoseconds>(a_.seconds * 1e9);
    const double rate = a_.load * zn540::write_bytes_a_second() / static_cast<double>(append_bytes) * 1e-9;
    double arrival = static_cast<double>(now_);
    std::unordered_map<std::uint64_t, nanoseconds> begun;
    answered_ = [&](const core::notification& n) {
      const auto it = begun.find(n.id.value);
      if (it == begun.end()) return;
      if (n.error) throw std::runtime_error("an append failed: " + n.error.message());
      o.took.push_back(now_ - it->second);
      begun.erase(it);
    };
    std::uint64_t count = 0;
    while (now_ < end || !begun.empty()) {
      const auto device = clock_.next();
      const bool arrives = now_ < end && (!device || arrival <= static_cast<double>(*device));
      if (!arrives && !device) throw std::runtime_error("appends are without an answer");
      now_ = arrives ? std::max(now_, static_cast<nanoseconds>(arrival)) : std::max(now_, *device);
      if (arrives) {
        begun.emplace(send(core::append_request{to[count++ % sinks], {{memory_.data(), append_bytes}}, {}}), now_);
        arrival += -std::log(1 - from_.share()) / rate;
      } else if (const auto c = clock_.step(now_)) {
        core_->handle(*c);
      }
      pump();
    }
    answered_ = {};
    o.counters = counters();
    o.counters.zone_finishes -= before.zone_finishes;
    o.counters.zone_resets -= before.zone_resets;
    o.counters.cleaner_blocks_moved -= before.cleaner_blocks_moved;
    std::sort(o.took.begin(), o.took.end());
    return o;
  }

 private:
  [[nodiscard]] wa::payload_free_device::plan plan() const { return {zone_blocks, metadata_zones, a_.zones}; }
  void start(bool background) {
    store_options options;
    options.background_cleaning = background;
    core_ = std::make_unique<core::core>(wa::payload_free_device::shape_of(plan()), wa::payload_free_device::promises(),
                                         options);
  }
  core::handle_id create(const std::string& name) {
    create_options o;
    o.name = name;
    return std::get<core::opened_object>(ask(core::create_request{o})).handle;
  }
  statistics counters() { return *std::get<core::statistics_ptr>(ask(core::statistics_request{})); }

  std::uint64_t send(core::request_body body) {
    core_->handle(core::request{{++last_}, static_cast<std::int64_t>(now_), std::move(body)});
    return last_;
  }

  /// One thing alone, and all that follows from it.
  core::result_body ask(core::request_body body) {
    const std::uint64_t id = send(std::move(body));
    std::optional<core::result_body> result;
    answered_ = [&](core::notification& n) {
      if (n.id.value != id) return;
      if (n.error) throw std::runtime_error(n.error.message() + " " + n.detail.what);
      result = std::move(n.result);
    };
    for (pump(); !result || clock_.next(); pump()) {
      const auto device = clock_.next();
      if (!device) throw std::runtime_error("the store does not answer");
      now_ = std::max(now_, *device);
      if (const auto c = clock_.step(now_)) core_->handle(*c);
    }
    answered_ = {};
    return std::move(*result);
  }

  void pump() {
    constexpr std::uint32_t ticks_max = 1000;
    zoned::command c;
    core::notification n;
    for (std::uint32_t ticks = 0; ticks < ticks_max;) {
      bool any = false;
      for (; core_->poll(c); any = true) clock_.submit(c, now_);
      for (; core_->poll(n); any = true)
        if (answered_) answered_(n);
      if (any) continue;
      if (!core_->tick()) return;
      ++ticks;
    }
  }

  arguments a_;
  wa::payload_free_device device_;
  zn540 clock_;
  std::unique_ptr<core::core> core_;
  std::vector<std::byte> memory_;
  wa::chance from_;
  nanoseconds now_ = 0;
  std::uint64_t last_ = 0;
  std::function<void(core::notification&)> answered_;
};

void print(const arguments& a, const outcome& off, const outcome& on) {
  const double ratio = on.at(0.99) / off.at(0.99);
  const auto row = [](const char* name, const outcome& o) {
    return nlohmann::json{{"cleaner", name},
                          {"appends", o.took.size()},
                          {"p50_us", o.at(0.5)},
                          {"p99_us", o.at(0.99)},
                          {"p999_us", o.at(0.999)},
                          {"moved_bytes", o.counters.cleaner_blocks_moved * block_bytes},
                          {"zone_resets", o.counters.zone_resets},
                          {"zone_finishes", o.counters.zone_finishes}};
  };
  const nlohmann::json rows{row("off", off), row("on", on)};
  if (a.json) {
    fmt::print("{}\n", nlohmann::json{{"load", a.load}, {"p99_ratio", ratio}, {"rows", rows}}.dump(1));
    return;
  }
  for (const auto& r : rows)
    fmt::print(
        "cleaner {:<3}  {} appends  p50 {:.0f} us  p99 {:.0f} us  p99.9 {:.0f} us  moved {:.2f} GiB  {} resets  {} "
        "finishes\n",
        r["cleaner"].get<std::string>(), r["appends"].get<std::size_t>(), r["p50_us"].get<double>(),
        r["p99_us"].get<double>(), r["p999_us"].get<double>(), r["moved_bytes"].get<double>() / (1 << 30),
        r["zone_resets"].get<std::uint64_t>(), r["zone_finishes"].get<std::uint64_t>());
  fmt::print("p99 on / off: {:.2f}\n", ratio);
}

int run(const arguments& a) {
  outcome of[2];
  for (const bool cleaning : {false, true}) {
    timed_store store{a};
    store.fill();
    of[cleaning ? 1 : 0] = store.measure(cleaning);
  }
  print(a, of[0], of[1]);
  return 0;
}

}  // namespace

int main(int count, char** given) {
  arguments a;
  CLI::App app{"Latency of appends with and without the cleaner, on a simulated ZN540", "furrow-latency"};
  app.add_flag("--json", a.json, "One object");
  app.add_option("--load", a.load, "Share of the drive's bandwidth that appends take; default 0.7")
      ->check(CLI::Range(0.01, 0.95));
  app.add_option("--seconds", a.seconds, "Of the drive's time; default 4")->check(CLI::Range(0.1, 60.0));
  app.add_option("--zones", a.zones, "Of 256 MiB, for data; default 80")->check(CLI::Range(32u, 10'000u));
  app.add_option("--seed", a.seed, "Of arrivals and removals");
  return wa::run_program(app, count, given, [&a] { return run(a); });
}
