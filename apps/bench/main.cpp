// furrow-bench: how fast a store on a zoned device is, as its user sees it.
//
// Everything runs on one thread: the caller's completions and the engine share it, as in a service that gives the store
// its own io_context.
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <array>
#include <boost/asio/use_future.hpp>
#include <boost/system/system_error.hpp>
#include <cstdio>
#include <furrow/zoned/registry.hpp>
#include <map>
#include <nlohmann/json.hpp>

#include "bench/load.hpp"

namespace furrow::bench {

namespace {

const std::map<std::string, workload> workloads{{"append", workload::append},
                                                {"durable", workload::durable},
                                                {"read", workload::read_sequential},
                                                {"randread", workload::read_random},
                                                {"mixed", workload::mixed}};

struct arguments {
  std::string uri;
  std::string what = "append";
  plan how;
  bool force = false;
  bool checksums = true;
  bool json = false;
};

struct quantile {
  const char* name;
  std::uint64_t per_million;
};
constexpr std::array quantiles{quantile{"p50", 500'000}, quantile{"p90", 900'000}, quantile{"p99", 990'000},
                               quantile{"p99.9", 999'000}, quantile{"p99.99", 999'900}};

std::uint64_t device_bytes(const outcome& o) {
  const auto all = [](const statistics& s) {
    return s.data_bytes + s.journal_bytes + s.page_bytes + s.superblock_bytes + s.zone_header_bytes;
  };
  return all(o.after) - all(o.before);
}

nlohmann::ordered_json to_json(const latency& l, const arguments& a, double seconds) {
  nlohmann::ordered_json j{{"operations", l.count()},
                           {"operations_per_second", static_cast<double>(l.count()) / seconds},
                           {"bytes_per_second", static_cast<double>(l.count() * a.how.operation_bytes) / seconds},
                           {"mean_ns", l.mean_ns()},
                           {"max_ns", l.max_ns()}};
  for (const quantile& q : quantiles) j[std::string{q.name} + "_ns"] = l.quantile_ns(q.per_million);
  return j;
}

nlohmann::ordered_json to_json(const outcome& o, const arguments& a, const std::string& device) {
  return {{"device", device},
          {"workload", a.what},
          {"operation_bytes", a.how.operation_bytes},
          {"depth", a.how.depth},
          {"objects", a.how.objects},
          {"checksums", a.checksums},
          {"seconds", o.seconds},
          {"writes", to_json(o.writes, a, o.seconds)},
          {"reads", to_json(o.reads, a, o.seconds)},
          {"device_bytes_written", device_bytes(o)},
          {"device_commands_of_data", o.after.data_commands - o.before.data_commands},
          {"flushes", o.after.flushes - o.before.flushes}};
}

void print(const char* label, const latency& l, const arguments& a, double seconds) {
  if (l.count() == 0) return;
  const double rate = static_cast<double>(l.count()) / seconds;
  fmt::print("{:<7}{:>10.0f}/s {:>9.1f} MB/s  mean {:.1f} us", label, rate,
             rate * static_cast<double>(a.how.operation_bytes) / 1e6, static_cast<double>(l.mean_ns()) / 1e3);
  for (const quantile& q : quantiles)
    fmt::print("  {} {:.1f}", q.name, static_cast<double>(l.quantile_ns(q.per_million)) / 1e3);
  fmt::print("  max {:.1f}\n", static_cast<double>(l.max_ns()) / 1e3);
}

void run(const arguments& a) {
  auto opened = zoned::open(a.uri);
  if (!opened) throw std::runtime_error{a.uri + ": " + opened.error().what};
  const std::string device = (*opened)->name();
  asio::io_context context{1};
  auto empty = await(context, store::async_format(context, std::move(*opened),
                                                  {.force = a.force, .checksums = a.checksums}, asio::use_future));
  const store on = await(context, store::async_open(context, std::move(empty), {}, asio::use_future));
  load work{context, on, a.how};
  const outcome o = work.run();
  static_cast<void>(await(context, on.async_close(asio::use_future)));
  if (a.json) {
    fmt::print("{}\n", to_json(o, a, device).dump(2));
    return;
  }
  fmt::print("{}: {} of {} bytes, depth {}, {} object{}, {:.1f} s\n", device, a.what, a.how.operation_bytes,
             a.how.depth, a.how.objects, a.how.objects == 1 ? "" : "s", o.seconds);
  print("writes", o.writes, a, o.seconds);
  print("reads", o.reads, a, o.seconds);
  if (o.writes.count() > 0) {
    fmt::print("the device was given {:.3f} bytes for each byte, {} flushes\n",
               static_cast<double>(device_bytes(o)) / static_cast<double>(o.writes.count() * a.how.operation_bytes),
               o.after.flushes - o.before.flushes);
  }
}

int main(int count, char** values) {
  arguments a;
  CLI::App app{"Measures a store on a zoned device. ALL DATA OF THE DEVICE IS LOST.", "furrow-bench"};
  std::vector<std::string> names;
  for (const auto& [name, ignored] : workloads) names.push_back(name);
  app.add_option("URI", a.uri, "The device: /dev/nvme0n1, /dev/ng0n1, file:PATH?size=1G, memory:?size=1G")->required();
  app.add_option("WORKLOAD", a.what, "append, durable, read, randread or mixed")
      ->check(CLI::IsMember(names))
      ->capture_default_str();
  app.add_option("--bytes", a.how.operation_bytes, "Of each operation")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(1, 64 << 20))
      ->capture_default_str();
  app.add_option("--depth", a.how.depth, "Operations in flight")->check(CLI::Range(1, 4096))->capture_default_str();
  app.add_option("--objects", a.how.objects, "Used in turn")->check(CLI::Range(1, 10'000))->capture_default_str();
  app.add_option("--seconds", a.how.seconds, "How long")->check(CLI::Range(0.01, 86'400.0))->capture_default_str();
  app.add_option("--fill", a.how.fill_bytes, "Bytes to be read, in all objects together")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  app.add_option("--reads", a.how.reads_per_hundred, "Of a hundred operations of a mixed workload")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  app.add_option("--seed", a.how.seed, "Of the places of random reads, and of the content")->capture_default_str();
  app.add_flag("--checksums,!--no-checksums", a.checksums, "Sums of data (the default)");
  app.add_flag("--force", a.force, "Even if the device holds a store");
  app.add_flag("--json", a.json, "Print JSON");
  try {
    app.parse(count, values);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  a.how.what = workloads.at(a.what);
  try {
    run(a);
  } catch (const boost::system::system_error& e) {
    const char* const way_out = e.code() == errc::formatted ? "; --force destroys it" : "";
    fmt::print(stderr, "furrow-bench: {}: {}{}\n", a.uri, e.code().message(), way_out);
    return 1;
  } catch (const std::exception& e) {
    fmt::print(stderr, "furrow-bench: {}\n", e.what());
    return 1;
  }
  return 0;
}

}  // namespace

}  // namespace furrow::bench

int main(int count, char** values) { return furrow::bench::main(count, values); }
