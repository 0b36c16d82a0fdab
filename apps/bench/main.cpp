// furrow-bench: how fast a store on a zoned device is, as its user sees it.
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/system/system_error.hpp>
#include <cstdio>
#include <furrow/zoned/registry.hpp>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bench/checksum_speed.hpp"
#include "bench/load.hpp"
#include "bench/null_blk.hpp"
#include "bench/report.hpp"

namespace furrow::bench {

namespace {

struct named_workload {
  workload what;
  std::optional<durability> level;  ///< None: as --level says.
};
const std::map<std::string, named_workload> workloads{
    {"append", {workload::append, {}}},          {"durable", {workload::append, durability::durable}},
    {"read", {workload::read_sequential, {}}},   {"randread", {workload::read_random, {}}},
    {"randwrite", {workload::write_random, {}}}, {"mixed", {workload::mixed, {}}}};
const std::map<std::string, durability> levels{{"written", durability::written}, {"durable", durability::durable}};

struct arguments {
  std::string uri;
  std::string workload;
  std::string null_blk;  ///< Empty: none. "true": with the defaults.
  std::string level = "written";
  plan how;
  bool force = false;
  bool checksums = true;
  bool json = false;
  bool checksum_speed = false;
};

/// A mistake in the command line.
class usage_error : public std::runtime_error {
  using runtime_error::runtime_error;
};

void add_options(CLI::App& app, arguments& a) {
  app.add_option("URI", a.uri, "The device: /dev/nvme0n1, /dev/ng0n1, file:PATH?size=1G, memory:?size=1G");
  app.add_option("WORKLOAD", a.workload, "append (the default), durable, read, randread, randwrite or mixed");
  app.add_flag(
      "--null-blk", a.null_blk,
      "Instead of a URI: a zoned null_blk, made for this run and removed after it. Parameters may follow: "
      "size=1G,zone_size=16M,zone_capacity=,conventional=,max_open=,max_active=,block_size=,memory_backed=,queues=,"
      "queue_depth=");
  app.add_option("--bytes", a.how.operation_bytes, "Of each operation")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(1, 64 << 20))
      ->capture_default_str();
  app.add_option("--threads", a.how.threads, "That call; from two on the store has one of its own")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--depth", a.how.depth, "Operations in flight, of each thread")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--objects", a.how.objects, "Used in turn, by each thread")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--level", a.level, "Of appends and writes: written or durable")
      ->check(CLI::IsMember(levels))
      ->capture_default_str();
  app.add_option("--seconds", a.how.seconds, "How long")->check(CLI::Range(0.01, 86'400.0))->capture_default_str();
  app.add_option("--warm-up", a.how.warm_up_seconds, "Seconds of the same before it")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--fill", a.how.fill_bytes, "Bytes to be read, or written over, in all objects together")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  app.add_option("--reads", a.how.reads_per_hundred, "Of a hundred operations of a mixed workload")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  app.add_option("--seed", a.how.seed, "Of the places of random reads and writes, and of the content")
      ->capture_default_str();
  app.add_flag("--checksums,!--no-checksums", a.checksums, "Sums of data (the default)");
  app.add_flag("--force", a.force, "Even if the device holds a store");
  app.add_flag("--json", a.json, "Print JSON");
  app.add_flag("--checksum-speed", a.checksum_speed, "Only tell what the sum of a block costs here; no device");
}

/// `--null-blk KEY=VALUE,..` as `--null-blk=KEY=VALUE,..`, which is what a flag takes.
std::vector<std::string> joined(int count, char** values) {
  std::vector<std::string> words;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = values[i];
    const bool is_value =
        word.find('=') != std::string_view::npos && word.find(':') == std::string_view::npos && !word.starts_with('-');
    if (is_value && !words.empty() && words.back() == "--null-blk") {
      words.back() += "=" + std::string{word};
    } else {
      words.emplace_back(word);
    }
  }
  return {words.rbegin(), words.rend()};  // CLI11 takes them from the back
}

void settle(arguments& a) {
  if (!a.null_blk.empty()) {
    if (!a.workload.empty()) throw usage_error{"a URI and --null-blk are two devices"};
    std::swap(a.uri, a.workload);
  } else if (a.uri.empty() && !a.checksum_speed) {
    throw usage_error{"which device? a URI, or --null-blk"};
  }
  if (a.workload.empty()) a.workload = "append";
  const auto found = workloads.find(a.workload);
  if (found == workloads.end())
    throw usage_error{a.workload + " is no workload: append, durable, read, randread, randwrite, mixed"};
  a.how.what = found->second.what;
  a.how.level = found->second.level.value_or(levels.at(a.level));
}

void measure(const arguments& a, const std::string& uri) {
  auto opened = zoned::open(uri);
  if (!opened) throw std::runtime_error{uri + ": " + opened.error().what};
  const subject what{(*opened)->name(), a.workload, a.checksums};
  store_thread thread{a.how.threads > 1};
  auto empty = thread.await(store::async_format(thread.where(), std::move(*opened),
                                                {.force = a.force, .checksums = a.checksums}, asio::use_future));
  const store on = thread.await(store::async_open(thread.where(), std::move(empty), {}, asio::use_future));
  const outcome o = load{thread, on, a.how}.run();
  static_cast<void>(thread.await(on.async_close(asio::use_future)));
  fmt::print("{}", a.json ? to_json(what, a.how, o).dump(2) + "\n" : to_table(what, a.how, o));
}

void print_checksum_speed(bool json) {
  const checksum_speed speed = measure_checksum(0.5);
  const nlohmann::ordered_json j{{"implementation", speed.implementation},
                                 {"block_bytes", speed.block_bytes},
                                 {"ns_per_block", speed.ns_per_block}};
  fmt::print("{}\n", json ? j.dump(2)
                          : fmt::format("crc32c ({}): {:.0f} ns for {} bytes", speed.implementation, speed.ns_per_block,
                                        speed.block_bytes));
}

/// The exit status of what is done, with failures told.
int guarded(const std::string& uri, const std::function<int()>& what) {
  try {
    return what();
  } catch (const usage_error& e) {
    fmt::print(stderr, "furrow-bench: {} (see --help)\n", e.what());
    return 2;
  } catch (const boost::system::system_error& e) {
    const char* const way_out = e.code() == errc::formatted ? "; --force destroys it" : "";
    fmt::print(stderr, "furrow-bench: {}: {}{}\n", uri, e.code().message(), way_out);
  } catch (const std::exception& e) {
    fmt::print(stderr, "furrow-bench: {}\n", e.what());
  }
  return 1;
}

int run(arguments& a) {
  settle(a);
  if (a.checksum_speed) {
    print_checksum_speed(a.json);
    return 0;
  }
  const auto on_device = [&a](const std::string& uri) {
    return guarded(uri, [&] {
      measure(a, uri);
      return 0;
    });
  };
  if (a.null_blk.empty()) return on_device(a.uri);
  try {
    const auto attributes = parse_null_blk(a.null_blk == "true" ? "" : a.null_blk);
    return with_null_blk(attributes, on_device);
  } catch (const std::invalid_argument& e) {
    throw usage_error{e.what()};
  }
}

int main(int count, char** values) {
  arguments a;
  CLI::App app{"Measures a store on a zoned device. ALL DATA OF THE DEVICE IS LOST.", "furrow-bench"};
  add_options(app, a);
  try {
    app.parse(joined(count, values));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  return guarded(a.uri, [&] { return run(a); });
}

}  // namespace

}  // namespace furrow::bench

int main(int count, char** values) { return furrow::bench::main(count, values); }
