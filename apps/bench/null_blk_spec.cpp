#include "bench/null_blk_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <stdexcept>

namespace furrow::bench {

namespace {

constexpr std::uint64_t mib = 1 << 20;

enum class unit : std::uint8_t { plain, bytes, whole_mib };

struct parameter {
  std::string_view key;
  const char* attribute;
  unit of;
  std::uint64_t min;
  std::uint64_t max;
  std::uint64_t value;  ///< The default.
};

enum index : std::size_t { size, zone_size, zone_capacity, conventional, max_open, max_active, block_size, count = 10 };

using table = std::array<parameter, count>;

constexpr table defaults{
    parameter{"size", "size", unit::whole_mib, mib, mib << 20, 1024 * mib},
    parameter{"zone_size", "zone_size", unit::whole_mib, mib, mib << 20, 16 * mib},
    parameter{"zone_capacity", "zone_capacity", unit::whole_mib, mib, mib << 20, 0},
    parameter{"conventional", "zone_nr_conv", unit::plain, 0, 1 << 20, 0},
    parameter{"max_open", "zone_max_open", unit::plain, 0, 1 << 20, 0},
    parameter{"max_active", "zone_max_active", unit::plain, 0, 1 << 20, 0},
    parameter{"block_size", "blocksize", unit::bytes, 512, 4096, 4096},
    parameter{"memory_backed", "memory_backed", unit::plain, 0, 1, 1},
    parameter{"queues", "submit_queues", unit::plain, 1, 1024, 1},
    parameter{"queue_depth", "hw_queue_depth", unit::plain, 1, 1024, 64},
};

[[noreturn]] void wrong(const parameter& p, std::string_view value, const std::string& why) {
  throw std::invalid_argument{fmt::format("--null-blk {}={}: {}", p.key, value, why)};
}

std::uint64_t number_of(const parameter& p, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  const std::size_t power = suffix.empty() ? 0 : std::string_view{"KMG"}.find(suffix) + 1;
  if (bad != std::errc{} || suffix.size() > 1 || power > 3 || (power == 0 && !suffix.empty()))
    wrong(p, text, "not a number");
  if (p.of == unit::plain && power != 0) wrong(p, text, "takes no suffix");
  const unsigned shift = static_cast<unsigned>(10 * power);
  if (value > UINT64_MAX >> shift) wrong(p, text, "too large");
  value <<= shift;
  if (p.of == unit::whole_mib && value % mib != 0) wrong(p, text, "null_blk takes whole MiB only");
  if (value < p.min || value > p.max) wrong(p, text, fmt::format("it can be {} to {}", p.min, p.max));
  return value;
}

std::string known_keys() {
  std::string all;
  for (const parameter& p : defaults) all += (all.empty() ? "" : ", ") + std::string{p.key};
  return all;
}

void take(table& to, std::string_view item) {
  const std::size_t equals = item.find('=');
  const std::string_view key = item.substr(0, equals);
  const auto found = std::ranges::find(to, key, &parameter::key);
  if (equals == std::string_view::npos || found == to.end()) {
    throw std::invalid_argument{fmt::format("--null-blk {}: not KEY=VALUE with one of {}", item, known_keys())};
  }
  found->value = number_of(*found, item.substr(equals + 1));
}

void check_together(const table& t) {
  const auto fail = [](const parameter& p, const std::string& why) { wrong(p, std::to_string(p.value), why); };
  const std::uint64_t zone_bytes = t[zone_size].value;
  if (!std::has_single_bit(zone_bytes)) fail(t[zone_size], "null_blk takes powers of two only");
  if (!std::has_single_bit(t[block_size].value)) fail(t[block_size], "null_blk takes powers of two only");
  if (t[zone_capacity].value > zone_bytes) fail(t[zone_capacity], "more than the zone's size");
  if (t[size].value % zone_bytes != 0) fail(t[size], "not a whole number of zones");
  if (t[conventional].value >= t[size].value / zone_bytes) fail(t[conventional], "leaves no sequential zone");
  const std::uint64_t open = t[max_open].value, active = t[max_active].value;
  if (active != 0 && open > active) fail(t[max_open], "more than max_active");
}

}  // namespace

null_blk_attributes parse_null_blk(std::string_view text) {
  table t = defaults;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    take(t, text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  check_together(t);
  null_blk_attributes attributes{{"zoned", "1"}};
  for (const parameter& p : t) {
    if (p.value == 0 && p.min != 0) continue;  // left to the kernel
    attributes.emplace_back(p.attribute, std::to_string(p.of == unit::whole_mib ? p.value / mib : p.value));
  }
  return attributes;
}

}  // namespace furrow::bench
