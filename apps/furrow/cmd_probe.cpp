// furrow probe: what a zoned device is, what Furrow will make of it, and what its owner might do about it. Reads only.
#include <fmt/format.h>

#include <array>
#include <map>
#include <memory>

#include "arguments.hpp"
#include "device_text.hpp"
#include "kernel_queue.hpp"
#include "output.hpp"
#include "raw_device.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

struct arguments {
  std::string uri;
  bool json = false;
};

struct zone_counts {
  std::uint32_t conventional = 0;
  std::uint32_t sequential = 0;
  std::uint64_t capacity_bytes_min = ~std::uint64_t{0};
  std::uint64_t capacity_bytes_max = 0;
  std::uint64_t usable_bytes = 0;
  std::map<zoned::zone_condition, std::uint32_t> by_condition;
};

zone_counts count_zones(const raw_device& device) {
  zone_counts n;
  for (const zoned::zone_info& z : device.zones()) {
    if (z.type == zoned::zone_type::conventional) {
      ++n.conventional;
      continue;
    }
    ++n.sequential;
    ++n.by_condition[z.condition];
    n.capacity_bytes_min = std::min(n.capacity_bytes_min, z.capacity_bytes);
    n.capacity_bytes_max = std::max(n.capacity_bytes_max, z.capacity_bytes);
    n.usable_bytes += z.capacity_bytes;
  }
  if (n.sequential == 0) n.capacity_bytes_min = 0;
  return n;
}

const char* word(zoned::zone_condition c) {
  constexpr std::array words{"",       "conventional", "empty",     "implicitly open", "explicitly open",
                             "closed", "full",         "read-only", "offline"};
  return words[static_cast<std::size_t>(c)];
}

/// A limit and whose it is.
struct limit_row {
  std::string name;
  std::string value;
  std::string whose;
};

std::string zones_or_none(const std::optional<std::uint32_t>& limit) {
  return limit ? fmt::format("{} zones", grouped(*limit)) : std::string{"no limit"};
}

std::vector<limit_row> limits(const raw_device& device, const kernel_queue& queue) {
  const zoned::guarantees& promises = device.promises();
  const bool emulated = queue.folder.empty();
  const std::string device_says = emulated ? "its parameters" : "the device";
  std::string request = device_says;
  if (!emulated && queue.request_kib && queue.hardware_kib) {
    request = *queue.request_kib < *queue.hardware_kib
                  ? fmt::format("the kernel's setting; the device takes {}", human_bytes(*queue.hardware_kib * 1024))
                  : std::string{"the device, as the kernel drives it"};
  }
  const bool append_is_less = promises.native_append && promises.append_bytes_max < promises.transfer_bytes_max;
  return {
      {"open", zones_or_none(device.shape().open_max),
       queue.open_max_is_default() ? "the kernel's default: the device states none" : device_says},
      {"active", zones_or_none(device.shape().active_max), device_says},
      {"append", human_bytes(promises.append_bytes_max), append_is_less && !emulated ? "the device (ZASL)" : request},
      {"read", human_bytes(promises.transfer_bytes_max),
       !emulated && promises.transfer_bytes_max > promises.append_bytes_max && !queue.is_passthrough
           ? "Furrow: the kernel splits what is larger than a request"
           : request},
      {"segments", std::to_string(promises.segments_max), emulated ? "its parameters" : "the kernel's queue"},
      {"in flight", fmt::format("{} commands", promises.in_flight_max),
       queue.requests == promises.in_flight_max ? "the kernel's queue" : "Furrow"},
  };
}

/// Commands of this length keep any device busy.
constexpr std::uint64_t enough_bytes = 1 << 20;

std::vector<std::string> advice(const raw_device& device, const zone_counts& zones, const kernel_queue& queue) {
  const zoned::geometry& shape = device.shape();
  const zoned::guarantees& promises = device.promises();
  std::vector<std::string> to;
  if (!queue.character_device.empty() && !promises.native_append) {
    to.push_back(
        fmt::format("use {}: zone append of the device's own, many in flight for each zone", queue.character_device));
  }
  if (!queue.folder.empty() && !queue.is_passthrough && !queue.plugs_zone_writes && queue.scheduler != "mq-deadline") {
    to.push_back(
        fmt::format("echo mq-deadline >{}/scheduler: several writes of a zone may then be in flight", queue.folder));
  }
  if (queue.request_kib && queue.hardware_kib && *queue.request_kib < *queue.hardware_kib &&
      promises.append_bytes_max < enough_bytes) {
    to.push_back(fmt::format("echo {} >{}/max_sectors_kb: larger commands", *queue.hardware_kib, queue.folder));
  }
  if (shape.lba_bytes == 512) {
    to.push_back("a format with 4 KiB LBAs suits better: the device then never completes a part of a block");
  }
  if (promises.volatile_cache) {
    to.push_back("the cache is volatile: a durable operation costs flushes, so let many callers share a group");
  }
  if (shape.active_max && *shape.active_max < 8) {
    to.push_back(
        fmt::format("{} active zones are few: one copy of pages, and lifetimes share zones", *shape.active_max));
  }
  if (zones.conventional > 4) {
    to.push_back("conventional zones are for metadata alone; what data may have are the sequential ones");
  }
  const auto worn = [&zones](zoned::zone_condition c) {
    const auto found = zones.by_condition.find(c);
    return found == zones.by_condition.end() ? 0u : found->second;
  };
  if (const std::uint32_t lost = worn(zoned::zone_condition::read_only) + worn(zoned::zone_condition::offline);
      lost > 0) {
    to.push_back(fmt::format("{} zones are read-only or offline: the device wears out", lost));
  }
  return to;
}

void print(output& out, const raw_device& device, const zone_counts& zones, const kernel_queue& queue) {
  const auto row = [&out](const std::string& label, const std::string& value) {
    if (!value.empty()) out.line(fmt::format("{:<20}{}", label, value));
  };
  const zoned::guarantees& promises = device.promises();
  row("model", escaped(queue.model));
  row("kernel", queue.kernel);
  row("scheduler", queue.scheduler);
  row("zone model", queue.zones);
  row("kernel's cache view", queue.cache);
  for (const auto& [label, value] : describe_device(device.shape(), promises, device.name()).rows) row(label, value);
  row("sequential zones", grouped(zones.sequential));
  row("conventional zones", grouped(zones.conventional));
  row("zone capacity",
      zones.capacity_bytes_min == zones.capacity_bytes_max
          ? human_bytes(zones.capacity_bytes_max)
          : fmt::format("{} to {}", human_bytes(zones.capacity_bytes_min), human_bytes(zones.capacity_bytes_max)));
  row("usable", human_bytes(zones.usable_bytes));
  for (const auto& [condition, count] : zones.by_condition) row(fmt::format("  {}", word(condition)), grouped(count));
  out.line("");
  for (const limit_row& l : limits(device, queue)) {
    out.line(fmt::format("{:<20}{:<18}{}", "limit: " + l.name, l.value, l.whose));
  }
  out.line("");
  row("will use", device.writing());
  row("in commands of",
      fmt::format(
          "up to {} and {} pieces of memory, aligned to {}{}", human_bytes(promises.append_bytes_max),
          promises.segments_max, human_bytes(promises.memory_alignment_bytes),
          promises.coalesce_bytes > zoned::store_block_bytes
              ? fmt::format("; less than {} is gathered while a zone is busy", human_bytes(promises.coalesce_bytes))
              : std::string{}));
  for (const std::string& line : advice(device, zones, queue)) row("advice", line);
}

nlohmann::json to_json(const raw_device& device, const zone_counts& zones, const kernel_queue& queue) {
  nlohmann::json conditions = nlohmann::json::object();
  for (const auto& [condition, count] : zones.by_condition) conditions[word(condition)] = count;
  const zoned::guarantees& promises = device.promises();
  nlohmann::json limits_json = nlohmann::json::object();
  for (const limit_row& l : limits(device, queue)) limits_json[l.name] = {{"value", l.value}, {"whose", l.whose}};
  return {{"device", describe_device(device.shape(), promises, device.name()).json},
          {"model", queue.model},
          {"kernel", queue.kernel},
          {"scheduler", queue.scheduler},
          {"sequential_zones", zones.sequential},
          {"conventional_zones", zones.conventional},
          {"capacity_bytes_min", zones.capacity_bytes_min},
          {"capacity_bytes_max", zones.capacity_bytes_max},
          {"usable_bytes", zones.usable_bytes},
          {"conditions", conditions},
          {"appends_per_zone_max", promises.appends_per_zone_max},
          {"transfer_bytes_max", promises.transfer_bytes_max},
          {"segments_max", promises.segments_max},
          {"memory_alignment_bytes", promises.memory_alignment_bytes},
          {"coalesce_bytes", promises.coalesce_bytes},
          {"writing", device.writing()},
          {"zone_model", queue.zones},
          {"limits", limits_json},
          {"advice", advice(device, zones, queue)}};
}

exit_status run(const arguments& a) {
  const raw_device device{a.uri};
  const zone_counts zones = count_zones(device);
  const kernel_queue queue = ask_kernel(a.uri);
  output out;
  if (a.json) {
    out.json(to_json(device, zones, queue));
  } else {
    print(out, device, zones, queue);
  }
  out.flush();
  return exit_status::good;
}

}  // namespace

action declare_probe(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  add_json(app, a->json);
  return [a] { return run(*a); };
}

}  // namespace furrow::cli
