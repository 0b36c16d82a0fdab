// One row a parameter; everything that lists, reads or compares parameters walks the table.
#include "emulation.hpp"

#include <algorithm>
#include <array>

#include "ensure.hpp"

namespace furrow::zoned {
namespace {

struct parameter {
  std::string_view name;
  std::uint64_t emulation::*member;
  std::uint64_t max;
};

constexpr std::array parameters{
    parameter{"size", &emulation::size_bytes, std::uint64_t{1} << 60},
    parameter{"zone_size", &emulation::zone_bytes, std::uint64_t{1} << 50},
    parameter{"zone_capacity", &emulation::zone_capacity_bytes, std::uint64_t{1} << 50},
    parameter{"block_size", &emulation::lba_bytes, 4096},
    parameter{"max_open", &emulation::open_max, UINT32_MAX},
    parameter{"max_active", &emulation::active_max, UINT32_MAX},
    parameter{"conventional", &emulation::conventional_zones, UINT32_MAX},
    parameter{"volatile_cache", &emulation::volatile_cache, 1},
    parameter{"append_max", &emulation::append_bytes_max, std::uint64_t{1} << 30},
    parameter{"appends_per_zone", &emulation::appends_per_zone_max, 256},
    parameter{"native_append", &emulation::native_append, 1},
};

std::string all_names() {
  std::string names;
  for (const parameter& p : parameters) names += (names.empty() ? "" : ", ") + std::string{p.name};
  return names;
}

const parameter* find(std::string_view name) {
  const auto* const p =
      std::find_if(parameters.begin(), parameters.end(), [&](const auto& x) { return x.name == name; });
  return p == parameters.end() ? nullptr : p;
}

std::optional<std::uint32_t> limit(std::uint64_t value) {
  if (value == 0) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

}  // namespace

std::string emulation::flaw() const {
  const auto whole_blocks = [&](std::uint64_t bytes) { return bytes > 0 && bytes % lba_bytes == 0; };
  if (lba_bytes != 512 && lba_bytes != 4096) return "block_size must be 512 or 4096";
  if (!whole_blocks(size_bytes)) return "size must be a positive multiple of block_size";
  if (!whole_blocks(zone_bytes)) return "zone_size must be a positive multiple of block_size";
  if (zone_bytes < store_block_bytes) return "zone_size must be at least " + format_size(store_block_bytes);
  if (zone_capacity_bytes % lba_bytes != 0) return "zone_capacity must be a multiple of block_size";
  if (zone_capacity_bytes > zone_bytes) return "zone_capacity must not be larger than zone_size";
  const std::uint64_t count = (size_bytes + zone_bytes - 1) / zone_bytes;
  if (count > UINT32_MAX) return "size and zone_size make more than 2^32 zones";
  if (conventional_zones > count) return "conventional must not be more than the number of zones";
  if (open_max != 0 && active_max != 0 && open_max > active_max) return "max_open must not be larger than max_active";
  if (append_bytes_max == 0 || append_bytes_max % store_block_bytes != 0) {
    return "append_max must be a positive multiple of " + format_size(store_block_bytes);
  }
  if (appends_per_zone_max == 0) return "appends_per_zone must be at least 1";
  return {};
}

geometry emulation::shape() const {
  ensure(flaw().empty());
  const std::uint64_t count = (size_bytes + zone_bytes - 1) / zone_bytes;
  return {.lba_bytes = static_cast<std::uint32_t>(lba_bytes),
          .zone_bytes = zone_bytes,
          .zone_count = static_cast<std::uint32_t>(count),
          .last_zone_bytes = size_bytes - (count - 1) * zone_bytes,
          .open_max = limit(open_max),
          .active_max = limit(active_max)};
}

guarantees emulation::promises() const {
  guarantees p;
  p.volatile_cache = volatile_cache != 0;
  p.native_append = native_append != 0;
  p.append_bytes_max = append_bytes_max;
  p.transfer_bytes_max = std::max<std::uint64_t>(p.transfer_bytes_max, append_bytes_max);
  p.memory_alignment_bytes = static_cast<std::uint32_t>(lba_bytes);
  p.appends_per_zone_max = static_cast<std::uint32_t>(appends_per_zone_max);
  return p;
}

std::vector<zone_info> emulation::zones() const {
  const geometry g = shape();
  std::vector<zone_info> all(g.zone_count);
  for (std::uint32_t i = 0; i < g.zone_count; ++i) {
    zone_info& zone = all[i];
    zone.index = {i};
    zone.bytes = g.bytes_of({i});
    zone.capacity_bytes = zone.bytes;
    if (i < conventional_zones) {
      zone.type = zone_type::conventional;
      zone.condition = zone_condition::not_write_pointer;
    } else if (zone_capacity_bytes != 0) {
      zone.capacity_bytes = std::min(zone.bytes, zone_capacity_bytes);
    }
  }
  return all;
}

std::string emulated_writing(const guarantees& promises) {
  return std::string{promises.native_append ? "zone append" : "writes at the write pointer"} + ", up to " +
         std::to_string(promises.appends_per_zone_max) + " in flight in each zone: as its parameters say";
}

boost::system::result<emulation, failure> parse_emulation(const uri& from) {
  const auto bad = [&](std::string why) {
    return failure{errc::bad_uri, "device URI \"" + std::string{from.text} + "\": " + std::move(why)};
  };
  emulation parsed;
  for (const uri_parameter& given : from.parameters) {
    const parameter* p = find(given.name);
    if (p == nullptr) return bad("no parameter \"" + std::string{given.name} + "\"; there are " + all_names());
    const std::optional<std::uint64_t> value = parse_size(given.value);
    if (!value || *value > p->max) {
      return bad("parameter \"" + std::string{p->name} + "\" cannot be \"" + std::string{given.value} +
                 "\"; it is a number up to " + format_size(p->max) + ", with K, M, G or T if wanted");
    }
    parsed.*(p->member) = *value;
  }
  if (std::string flaw = parsed.flaw(); !flaw.empty()) return bad(std::move(flaw));
  return parsed;
}

std::string disagreement(const uri& from, const emulation& given, const emulation& image) {
  for (const uri_parameter& named : from.parameters) {
    const parameter* p = find(named.name);
    ensure(p != nullptr);
    if (given.*(p->member) == image.*(p->member)) continue;
    return std::string{p->name} + " is " + format_size(image.*(p->member)) + " in the image, not " +
           format_size(given.*(p->member));
  }
  return {};
}

}  // namespace furrow::zoned
