#include "device_text.hpp"

#include <fmt/format.h>

#include "text.hpp"

namespace furrow::cli {

namespace {

std::string limit_text(const std::optional<std::uint32_t>& limit) {
  return limit ? std::to_string(*limit) : "no limit";
}

nlohmann::json limit_json(const std::optional<std::uint32_t>& limit) {
  return limit ? nlohmann::json(*limit) : nlohmann::json(nullptr);
}

}  // namespace

device_text describe_device(const zoned::geometry& shape, const zoned::guarantees& promises, const std::string& name) {
  device_text to;
  to.rows = {
      {"device", escaped(name)},
      {"zones", fmt::format("{} of {}", grouped(shape.zone_count), human_bytes(shape.zone_bytes))},
      {"LBA", human_bytes(shape.lba_bytes)},
      {"open zones", limit_text(shape.open_max)},
      {"active zones", limit_text(shape.active_max)},
      {"volatile cache", promises.volatile_cache ? "yes" : "no"},
      {"zone append", promises.native_append ? "native" : "by ordered writes"},
      {"largest append", human_bytes(promises.append_bytes_max)},
  };
  if (shape.last_zone_bytes != shape.zone_bytes) {
    to.rows.insert(to.rows.begin() + 2, {"last zone", human_bytes(shape.last_zone_bytes)});
  }
  to.json = {{"name", name},
             {"bytes", shape.bytes()},
             {"lba_bytes", shape.lba_bytes},
             {"zone_count", shape.zone_count},
             {"zone_bytes", shape.zone_bytes},
             {"last_zone_bytes", shape.last_zone_bytes},
             {"open_max", limit_json(shape.open_max)},
             {"active_max", limit_json(shape.active_max)},
             {"volatile_cache", promises.volatile_cache},
             {"native_append", promises.native_append},
             {"append_bytes_max", promises.append_bytes_max},
             {"in_flight_max", promises.in_flight_max}};
  return to;
}

}  // namespace furrow::cli
