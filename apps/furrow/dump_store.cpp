#include "dump_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "dump_journal.hpp"
#include "dump_tree.hpp"
#include "format/names.hpp"
#include "format/zone_header.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

bool all_zeros(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{}; });
}

void dump_ring_zone(const dump_context& c, zoned::zone_index zone, bool print,
                    std::optional<found_superblock>& newest) {
  const bool conventional = c.device.zone(zone).type == zoned::zone_type::conventional;
  const std::uint64_t blocks = conventional ? 1 : c.device.written_blocks(zone);
  if (print && blocks == 0) c.to.note(dump_place{zone, 0}, name_of(c.device.zone(zone).condition), 1);
  for (std::uint64_t block = 0; block < blocks; ++block) {
    const dump_place at{zone, block};
    const auto bytes = c.device.read(zone, block, 1);
    if (!bytes) {
      if (print) c.to.fault(at, "superblock: " + bytes.error().message(), 1);
      continue;
    }
    const auto decoded = format::decode_superblock(*bytes);
    if (!decoded) {
      // A copy that was torn by a loss of power is no fault, as long as there is another.
      if (print) c.to.note(at, fmt::format("no superblock: {}", format::name_of(decoded.error())), 1);
      continue;
    }
    if (print) c.to.structure(at, format::describe(*decoded), 1);
    const auto age = [](const format::superblock& s) { return std::tuple{s.epoch, s.serial}; };
    if (!newest || age(newest->block) < age(*decoded)) newest = found_superblock{*decoded, at};
  }
}

void dump_unknown_zone(const dump_context& c, zoned::zone_index zone) {
  const auto bytes = c.device.read(zone, 0, 1);
  const dump_place at{zone, 0};
  if (!bytes) return c.to.fault(at, "zone header: " + bytes.error().message(), 1);
  if (all_zeros(*bytes)) return c.to.note(at, "zeros", 1);
  const auto decoded = format::decode_zone_header(*bytes);
  if (!decoded) c.to.fault(at, "zone header: " + decoded.error().message(), 1);
}

}  // namespace

std::vector<zoned::zone_index> ring_zones(const zoned::geometry& shape) {
  const std::uint32_t full = shape.last_zone_bytes == shape.zone_bytes ? shape.zone_count : shape.zone_count - 1;
  std::vector<zoned::zone_index> zones;
  for (const std::uint32_t z : {0U, 1U, full - 2, full - 1}) {
    if (z < shape.zone_count && std::none_of(zones.begin(), zones.end(), [z](auto o) { return o.value == z; })) {
      zones.push_back({z});
    }
  }
  return zones;
}

std::optional<found_superblock> dump_superblocks(const dump_context& c, bool print) {
  std::optional<found_superblock> newest;
  if (print) c.to.heading("superblocks");
  for (const zoned::zone_index zone : ring_zones(c.device.shape())) dump_ring_zone(c, zone, print, newest);
  if (!print) return newest;
  if (!newest) {
    c.to.fault({}, "no superblock verifies");
  } else {
    c.to.heading(fmt::format("newest superblock: zone {} block {}", newest->at.zone.value, newest->at.block));
    c.to.structure(newest->at, format::describe(newest->block), 1, dump_layout::field_a_line);
  }
  return newest;
}

std::optional<format::zone_header> read_zone_header(const dump_context& c, zoned::zone_index zone) {
  if (c.device.written_blocks(zone) == 0) return std::nullopt;
  const auto bytes = c.device.read(zone, 0, 1);
  if (!bytes) return std::nullopt;
  const auto decoded = format::decode_zone_header(*bytes);
  if (!decoded) return std::nullopt;
  return *decoded;
}

void dump_zone_headers(const dump_context& c, const std::optional<format::uuid>& store) {
  c.to.heading("zone headers");
  const auto rings = ring_zones(c.device.shape());
  for (const zoned::zone_info& z : c.device.zones()) {
    if (std::find(rings.begin(), rings.end(), z.index) != rings.end() || c.device.written_blocks(z.index) == 0)
      continue;
    const auto header = read_zone_header(c, z.index);
    if (!header) {
      dump_unknown_zone(c, z.index);
      continue;
    }
    const dump_place at{z.index, 0};
    c.to.structure(at, format::describe(*header), 1);
    if (store && header->store != *store) c.to.note(at, "of another store", 2);
    if (header->zone != z.index) c.to.fault(at, "of another zone", 2);
  }
}

void dump_zone(const dump_context& c, const std::optional<found_superblock>& newest, zoned::zone_index zone) {
  const zoned::zone_info& z = c.device.zone(zone);
  c.to.heading(fmt::format("zone {}: {}, {}, {} of {} blocks written", zone.value, name_of(z.type),
                           name_of(z.condition), c.device.written_blocks(zone),
                           z.capacity_bytes / zoned::store_block_bytes));
  const auto rings = ring_zones(c.device.shape());
  if (std::find(rings.begin(), rings.end(), zone) != rings.end()) {
    std::optional<found_superblock> ignored;
    return dump_ring_zone(c, zone, true, ignored);
  }
  if (c.device.written_blocks(zone) == 0) return;
  const auto header = read_zone_header(c, zone);
  if (!header) return dump_unknown_zone(c, zone);
  c.to.structure(dump_place{zone, 0}, format::describe(*header), 1);
  if (header->role == format::zone_role::metadata) {
    dump_metadata_zone(c, zone, header->store);
  } else if (newest) {
    dump_runs_of_zone(c, newest->block, zone);
  } else {
    c.to.note({}, "without a superblock, nothing says what its blocks are", 1);
  }
}

}  // namespace furrow::cli
