#include "bench/report.hpp"

#include <fmt/format.h>

#include <array>

namespace furrow::bench {

namespace {

using json = nlohmann::ordered_json;

struct quantile {
  const char* name;
  std::uint64_t per_million;
};
constexpr std::array quantiles{quantile{"p50", 500'000}, quantile{"p90", 900'000}, quantile{"p99", 990'000},
                               quantile{"p99.9", 999'000}, quantile{"p99.99", 999'900}};

struct counter {
  const char* name;
  std::uint64_t statistics::*value;
};
/// Those that only grow: the difference is the run's.
constexpr std::array counters{counter{"ordered_extents", &statistics::ordered_extents},
                              counter{"bios", &statistics::bios},
                              counter{"data_commands", &statistics::data_commands},
                              counter{"coalesced_bios", &statistics::coalesced_bios},
                              counter{"splits", &statistics::splits},
                              counter{"merges", &statistics::merges},
                              counter{"short_completions", &statistics::short_completions},
                              counter{"retries", &statistics::retries},
                              counter{"copied_bytes", &statistics::copied_bytes},
                              counter{"data_bytes", &statistics::data_bytes},
                              counter{"journal_bytes", &statistics::journal_bytes},
                              counter{"page_bytes", &statistics::page_bytes},
                              counter{"superblock_bytes", &statistics::superblock_bytes},
                              counter{"zone_header_bytes", &statistics::zone_header_bytes},
                              counter{"flushes", &statistics::flushes},
                              counter{"groups", &statistics::groups},
                              counter{"records", &statistics::records},
                              counter{"checkpoints", &statistics::checkpoints},
                              counter{"page_reads", &statistics::page_reads},
                              counter{"page_waits", &statistics::page_waits},
                              counter{"zone_resets", &statistics::zone_resets},
                              counter{"zone_finishes", &statistics::zone_finishes},
                              counter{"zones_opened", &statistics::zones_opened}};

std::uint64_t grown(const outcome& o, std::uint64_t statistics::*value) { return o.after.*value - o.before.*value; }

std::uint64_t device_bytes(const outcome& o) {
  std::uint64_t sum = 0;
  for (const auto value : {&statistics::data_bytes, &statistics::journal_bytes, &statistics::page_bytes,
                           &statistics::superblock_bytes, &statistics::zone_header_bytes}) {
    sum += grown(o, value);
  }
  return sum;
}

double per(double value, double of) { return of > 0 ? value / of : 0; }

json to_json(const latency& l, const plan& p, double seconds) {
  json j{{"operations", l.count()},
         {"operations_per_second", per(static_cast<double>(l.count()), seconds)},
         {"bytes_per_second", per(static_cast<double>(l.count() * p.operation_bytes), seconds)},
         {"mean_ns", l.mean_ns()},
         {"max_ns", l.max_ns()}};
  for (const quantile& q : quantiles) j[std::string{q.name} + "_ns"] = l.quantile_ns(q.per_million);
  return j;
}

std::string line(const char* label, const latency& l, const plan& p, double seconds) {
  if (l.count() == 0) return {};
  const double rate = per(static_cast<double>(l.count()), seconds);
  std::string text =
      fmt::format("{:<7}{:>10.0f}/s {:>9.1f} MB/s  mean {:.1f} us", label, rate,
                  rate * static_cast<double>(p.operation_bytes) / 1e6, static_cast<double>(l.mean_ns()) / 1e3);
  for (const quantile& q : quantiles) {
    text += fmt::format("  {} {:.1f}", q.name, static_cast<double>(l.quantile_ns(q.per_million)) / 1e3);
  }
  return text + fmt::format("  max {:.1f}\n", static_cast<double>(l.max_ns()) / 1e3);
}

std::string plural(std::size_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace

json to_json(const subject& s, const plan& p, const outcome& o) {
  json counted;
  for (const counter& c : counters) counted[c.name] = grown(o, c.value);
  return {{"device", s.device},
          {"workload", s.workload},
          {"level", p.level == durability::durable ? "durable" : "written"},
          {"operation_bytes", p.operation_bytes},
          {"threads", p.threads},
          {"depth", p.depth},
          {"objects", p.objects},
          {"checksums", s.checksums},
          {"seconds", o.seconds},
          {"cpu_user_seconds", o.cpu.user_seconds},
          {"cpu_system_seconds", o.cpu.system_seconds},
          {"writes", to_json(o.writes, p, o.seconds)},
          {"reads", to_json(o.reads, p, o.seconds)},
          {"device_bytes_written", device_bytes(o)},
          {"statistics", counted},
          {"handler_heap_allocations", o.heap_allocations}};
}

std::string to_table(const subject& s, const plan& p, const outcome& o) {
  const std::string threads = p.threads == 1 ? "" : plural(p.threads, "thread") + ", each with ";
  std::string text =
      fmt::format("{}: {} of {} bytes{}, {}depth {}, {}, {:.1f} s\n", s.device, s.workload, p.operation_bytes,
                  s.checksums ? "" : " without sums", threads, p.depth, plural(p.objects, "object"), o.seconds);
  text += line("writes", o.writes, p, o.seconds) + line("reads", o.reads, p, o.seconds);
  const double operations = static_cast<double>(o.writes.count() + o.reads.count());
  text += fmt::format("cpu: {:.1f} us user and {:.1f} us system for each operation\n",
                      per(o.cpu.user_seconds * 1e6, operations), per(o.cpu.system_seconds * 1e6, operations));
  if (o.writes.count() > 0) {
    const std::uint64_t commands = grown(o, &statistics::data_commands);
    text += fmt::format(
        "the device was given {:.3f} bytes for each byte; {} of data of {:.0f} bytes, {}\n",
        per(static_cast<double>(device_bytes(o)), static_cast<double>(o.writes.count() * p.operation_bytes)),
        plural(commands, "command"),
        per(static_cast<double>(grown(o, &statistics::data_bytes)), static_cast<double>(commands)),
        plural(grown(o, &statistics::groups), "journal group"));
  }
  return text;
}

}  // namespace furrow::bench
