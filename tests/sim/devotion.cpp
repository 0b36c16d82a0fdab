#include "sim/devotion.hpp"

#include <algorithm>

#include "sim/swarm.hpp"

namespace furrow::sim {
namespace {

using zoned::opcode;

constexpr std::uint32_t conventional_zones = 4;
constexpr std::uint32_t active_zones_of_the_store = 8;
constexpr std::uint32_t active_zones_enough = 12;
constexpr std::uint32_t zones_enough = 80;
constexpr std::uint64_t capacity_enough = 64 << 10;

/// Of so many zones, and so many of them active, that a store fits.
void make_roomy(scenario& s) {
  zoned::geometry& g = s.shape;
  if (g.active_max) g.active_max = std::max(*g.active_max, active_zones_enough);
  if (g.open_max) g.open_max = std::max(*g.open_max, active_zones_enough);
  g.last_zone_bytes = g.zone_bytes;
  zoned::zone_info one = *std::ranges::find(s.zones, zoned::zone_type::sequential, &zoned::zone_info::type);
  one.bytes = g.zone_bytes;
  one.capacity_bytes = std::min(one.capacity_bytes, g.zone_bytes);
  if (one.capacity_bytes < capacity_enough) one.capacity_bytes = g.zone_bytes;
  g.zone_count = std::max(g.zone_count, zones_enough);
  s.zones.resize(g.zone_count, one);
  for (std::uint32_t i = 0; i < g.zone_count; ++i) {
    if (s.zones[i].type == zoned::zone_type::sequential) s.zones[i] = one;
    s.zones[i].index = {i};
    s.zones[i].bytes = g.zone_bytes;
    if (s.zones[i].type == zoned::zone_type::conventional) s.zones[i].capacity_bytes = g.zone_bytes;
  }
}

void make_conventional(scenario& s) {
  for (zoned::zone_info& z : s.zones) {
    if (z.index.value >= conventional_zones || z.type == zoned::zone_type::conventional) continue;
    z.type = zoned::zone_type::conventional;
    z.condition = zoned::zone_condition::not_write_pointer;
    z.capacity_bytes = z.bytes;
  }
}

void let_others_take_zones(scenario& s) {
  zoned::geometry& g = s.shape;
  g.active_max = std::max(g.active_max.value_or(active_zones_enough), active_zones_enough);
  s.zone_faults.others_ppm = 50'000;
  s.zone_faults.others_active_max = *g.active_max - active_zones_of_the_store;
}

void keep_two_copies(scenario& s) {
  s.format.page_copies = 2;
  if (s.shape.active_max) s.shape.active_max = std::max(*s.shape.active_max, active_zones_enough);
  const std::uint32_t shortened = s.faults.shortened_ppm;
  s.faults = {};  // or of both copies nothing may be left
  s.faults.shortened_ppm = shortened;
  s.zone_faults = {};
}

void lie(scenario& s, std::uint32_t lie_weights::*ppm, std::uint32_t often) {
  s.format.checksums = true;
  s.lies.*ppm = often;
  s.lies.blocks_max = 300;
}

void turn_zones(scenario& s, std::uint32_t zone_fault_weights::*ppm) {
  s.zone_faults.*ppm = 5'000;
  s.zone_faults.lost_max = std::max(2u, s.shape.zone_count / 5);
  s.work.fill_percent = 30;
}

}  // namespace

std::optional<fault> devotion_of(std::uint64_t seed) {
  if (seed % one_seed_devoted_in != 1) return std::nullopt;
  return static_cast<fault>(seed / one_seed_devoted_in % fault_count);
}

void devote(scenario& s, fault f) {
  s.devoted_to = f;
  if (f == fault::refused) s.shape.zone_bytes = capacity_enough;  // many zones are begun
  make_roomy(s);
  s.work.collections = std::max(s.work.collections, 1u);
  s.work.in_flight_max = std::max(s.work.in_flight_max, 4u);
  s.work.fill_percent = std::min(s.work.fill_percent, 50u);
  const auto fail = [&](opcode op, std::uint32_t ppm) { s.faults.failing(op) = ppm; };
  switch (f) {
    case fault::shortened:
      s.faults.shortened_ppm = 100'000;
      break;
    case fault::append_failed:
      return fail(opcode::append, 20'000);
    case fault::write_failed:
      make_conventional(s);
      return fail(opcode::write, 20'000);
    case fault::read_failed:
      return fail(opcode::read, 60'000);
    case fault::flush_failed:
      s.promises.volatile_cache = true;
      return fail(opcode::flush, 20'000);
    case fault::reset_failed:
      return fail(opcode::reset, 400'000);
    case fault::finish_failed:
      return fail(opcode::finish, 500'000);
    case fault::report_failed:
      s.zone_faults.failed_ppm = 150'000;
      return fail(opcode::report, 500'000);
    case fault::data_failed:
      s.zone_faults.failed_ppm = 50'000;
      break;
    case fault::refused:
      return let_others_take_zones(s);
    case fault::read_only:
      return turn_zones(s, &zone_fault_weights::read_only_ppm);
    case fault::offline:
      return turn_zones(s, &zone_fault_weights::offline_ppm);
    case fault::full:
      s.zone_faults.full_ppm = 10'000;
      break;
    case fault::metadata_read_only:
      return turn_zones(s, &zone_fault_weights::metadata_read_only_ppm);
    case fault::metadata_offline:
      keep_two_copies(s);
      return turn_zones(s, &zone_fault_weights::metadata_offline_ppm);
    case fault::metadata_full:
      s.zone_faults.metadata_full_ppm = 10'000;
      break;
    case fault::lost_write:
      return lie(s, &lie_weights::lost_ppm, 100'000);
    case fault::misdirected:
      return lie(s, &lie_weights::misdirected_ppm, 100'000);
    case fault::stale_read:
      return lie(s, &lie_weights::stale_ppm, 200'000);
    case fault::copy_lost:
      keep_two_copies(s);
      return lie(s, &lie_weights::copy_lost_ppm, 200'000);
    case fault::copy_stale:
      keep_two_copies(s);
      s.work.of[static_cast<std::size_t>(action::scrub)] = 60;  // few others read pages
      return lie(s, &lie_weights::copy_stale_ppm, 500'000);
    case fault::power_loss:
      s.work.interruptions_per_million = 20'000;
      s.work.process_end_per_mille = 0;
      break;
    case fault::process_end:
      s.work.interruptions_per_million = 20'000;
      s.work.process_end_per_mille = 1000;
      break;
    case fault::count:
      break;
  }
}

}  // namespace furrow::sim
