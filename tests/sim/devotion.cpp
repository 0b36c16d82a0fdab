#include "sim/devotion.hpp"

#include <algorithm>
#include <array>

#include "sim/swarm.hpp"

namespace furrow::sim {
namespace {

using zoned::opcode;

constexpr std::uint32_t conventional_zones = 4;
constexpr std::uint32_t active_zones_of_the_store = 8;
constexpr std::uint32_t active_zones_enough = 12;
constexpr std::uint32_t zones_enough = 80;
constexpr std::uint32_t zones_to_lose = 120;
constexpr std::uint64_t capacity_enough = 64 << 10;

/// Of so many zones, and so many of them active, that a store fits.
void make_roomy(scenario& s, std::uint32_t zones) {
  zoned::geometry& g = s.shape;
  if (g.active_max) g.active_max = std::max(*g.active_max, active_zones_enough);
  if (g.open_max) g.open_max = std::max(*g.open_max, active_zones_enough);
  g.last_zone_bytes = g.zone_bytes;
  zoned::zone_info one = *std::ranges::find(s.zones, zoned::zone_type::sequential, &zoned::zone_info::type);
  one.bytes = g.zone_bytes;
  one.capacity_bytes = std::min(one.capacity_bytes, g.zone_bytes);
  if (one.capacity_bytes < capacity_enough) one.capacity_bytes = g.zone_bytes;
  g.zone_count = std::max(g.zone_count, zones);
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

void make_sequential(scenario& s) {
  for (zoned::zone_info& z : s.zones) {
    if (z.type == zoned::zone_type::sequential) continue;
    const std::uint32_t index = z.index.value;
    z = s.zones.back();
    z.index = {index};
  }
}

/// Zones are finished for their credits.
void leave_few_credits(scenario& s) {
  make_sequential(s);
  s.shape.active_max = s.shape.open_max = active_zones_of_the_store;
  s.zone_faults.others_ppm = s.zone_faults.others_active_max = 0;  // they would leave none
}

void read_from_zones(scenario& s) {
  s.work.small_append_per_mille = 100;  // tails are at hand
}

void let_others_take_zones(scenario& s) {
  zoned::geometry& g = s.shape;
  g.active_max = std::max(g.active_max.value_or(active_zones_enough), active_zones_enough);
  s.work.small_append_per_mille = 100;
  s.zone_faults.others_ppm = 100'000;
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

/// Those that strike a few times in a run have more seeds.
constexpr std::array more_seeds{
    fault::metadata_offline, fault::metadata_read_only, fault::refused,       fault::read_only,
    fault::offline,          fault::read_failed,        fault::flush_failed,  fault::reset_failed,
    fault::finish_failed,    fault::metadata_offline,   fault::finish_failed, fault::offline,
    fault::metadata_offline};
constexpr std::size_t faults_in_turn = static_cast<std::size_t>(fault::rot);
constexpr std::size_t seeds_of_turn = faults_in_turn + more_seeds.size();
constexpr std::size_t action_stride = 5;

constexpr std::uint64_t one_seed_rots_in = 17;

bool is_in_turn(std::uint64_t seed) { return seed % one_seed_devoted_in == 1; }
std::uint64_t draw_of_rot(std::uint64_t seed) { return mix(mix(seed) + 14); }

struct place {
  fault what = fault::count;
  std::size_t before = 0;  ///< Seeds that are devoted to the same.
};

place place_of(std::uint64_t seed) {
  const std::size_t devoted = seed / one_seed_devoted_in, turns = devoted / seeds_of_turn, at = devoted % seeds_of_turn;
  const fault f = at < faults_in_turn ? static_cast<fault>(at) : more_seeds[at - faults_in_turn];
  const auto others = static_cast<std::size_t>(std::ranges::count(more_seeds, f));
  const auto extra = std::span{more_seeds}.first(at < faults_in_turn ? 0 : at - faults_in_turn);
  const auto earlier = at < faults_in_turn ? 0 : 1 + static_cast<std::size_t>(std::ranges::count(extra, f));
  return {f, turns * (1 + others) + earlier};
}

void turn_zones(scenario& s, std::uint32_t zone_fault_weights::*ppm) {
  make_sequential(s);
  s.zone_faults.*ppm = 5'000;
  s.zone_faults.lost_max = std::max(2u, s.shape.zone_count / 5);
  s.work.fill_percent = 30;
}

}  // namespace

void let_others_take_metadata(scenario& s, std::uint32_t spare) {
  s.shape.zone_bytes = capacity_enough;  // many are begun
  make_roomy(s, zones_enough);
  make_sequential(s);
  s.shape.active_max = active_zones_of_the_store + 1 + spare;
  if (s.shape.open_max) s.shape.open_max = s.shape.active_max;
  s.zone_faults.others_active_max = 1 + spare;
  s.zone_faults.others_deny_metadata = true;
}

std::optional<fault> devotion_of(std::uint64_t seed) {
  if (is_in_turn(seed)) return place_of(seed).what;
  return draw_of_rot(seed) % (2 * one_seed_rots_in) == 0 ? std::optional{fault::rot} : std::nullopt;
}

bool is_of_rot(std::uint64_t seed) { return draw_of_rot(seed) % one_seed_rots_in == 0; }

std::size_t first_action_of(std::uint64_t seed) {
  return (is_in_turn(seed) ? place_of(seed).before * action_stride : mix(seed)) % action_count;
}

std::span<const action> bringers_of(fault f) {
  static constexpr std::array growing{action::append, action::write};
  static constexpr std::array reading{action::read, action::read, action::append};
  static constexpr std::array syncing{action::sync_store};
  static constexpr std::array folding{action::checkpoint, action::sync_store};
  static constexpr std::array tidying{action::checkpoint, action::append, action::write, action::clean};
  static constexpr std::array scrubbing{action::scrub};
  switch (f) {
    case fault::shortened:
    case fault::append_failed:
    case fault::report_failed:  // the zones of appends that failed
    case fault::data_failed:
    case fault::refused:
    case fault::read_only:
    case fault::offline:
    case fault::full:
    case fault::lost_write:
    case fault::misdirected:
      return growing;
    case fault::read_failed:
    case fault::stale_read:
      return reading;
    case fault::flush_failed:
      return syncing;
    case fault::reset_failed:
    case fault::finish_failed:
      return tidying;
    case fault::write_failed:  // superblocks
    case fault::metadata_read_only:
    case fault::metadata_offline:
    case fault::metadata_full:
    case fault::copy_lost:
      return folding;
    case fault::copy_stale:
      return scrubbing;
    case fault::power_loss:
    case fault::process_end:
    case fault::rot:
    case fault::count:
      break;
  }
  return {};
}

std::span<const action> openers_of(action a) {
  static constexpr std::array removal{action::remove};
  static constexpr std::array creation{action::create_named};
  static constexpr std::array opening{action::open_by_id, action::create_named};
  static constexpr std::array filling{action::append, action::open_by_id, action::create_named};
  static constexpr std::array waiting{action::append, action::sync_store};
  switch (a) {
    case action::create_named:
    case action::create_anonymous:
      return removal;
    case action::open_by_name:
    case action::open_by_id:
    case action::rename:
    case action::remove:
      return creation;
    case action::release:
    case action::append:
    case action::stat:
    case action::set_attributes:
    case action::batch:
    case action::write:
    case action::write_zeroes:
    case action::reserve:
    case action::sync_object:
      return opening;
    case action::read:
    case action::punch:
    case action::trim_front:
    case action::truncate:
    case action::clone:
    case action::clone_within:
    case action::wait_durable:
      return filling;
    case action::cancel:
      return waiting;
    case action::list:
    case action::sync_store:
    case action::checkpoint:
    case action::clean:
    case action::statistics:
    case action::misuse:
    case action::scrub:
    case action::set_quota:
    case action::collections:
    case action::count:
      break;
  }
  return {};
}

void devote(scenario& s, fault f) {
  s.devoted_to = f;
  const bool of_zones = f == fault::refused || f == fault::reset_failed || f == fault::finish_failed;
  if (of_zones) s.shape.zone_bytes = capacity_enough;  // many are begun
  const bool loses =
      f == fault::read_only || f == fault::offline || f == fault::metadata_read_only || f == fault::metadata_offline;
  make_roomy(s, loses ? zones_to_lose : zones_enough);
  s.work.collections = std::max(s.work.collections, 1u);
  s.work.in_flight_max = std::max(s.work.in_flight_max, 4u);
  s.work.device_steps_per_operation = std::max(s.work.device_steps_per_operation, 4u);
  s.work.names = std::max(s.work.names, 8u);
  s.work.objects_max = std::max(s.work.objects_max, 8u);
  s.work.fill_percent = std::min(s.work.fill_percent, 50u);
  const auto fail = [&](opcode op, std::uint32_t ppm) { s.faults.failing(op) = ppm; };
  switch (f) {
    case fault::shortened:
      s.faults.shortened_ppm = 100'000;
      break;
    case fault::append_failed:
      return fail(opcode::append, 50'000);
    case fault::write_failed:
      make_conventional(s);
      return fail(opcode::write, 150'000);
    case fault::read_failed:
      read_from_zones(s);
      return fail(opcode::read, 120'000);
    case fault::flush_failed:
      s.promises.volatile_cache = true;
      return fail(opcode::flush, 60'000);
    case fault::reset_failed:
      return fail(opcode::reset, 250'000);
    case fault::finish_failed:
      leave_few_credits(s);
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
      s.work.clean_reopen_per_million = std::max(s.work.clean_reopen_per_million, 8'000u);  // another may go behind it
      keep_two_copies(s);
      return turn_zones(s, &zone_fault_weights::metadata_offline_ppm);
    case fault::metadata_full:
      make_sequential(s);
      s.zone_faults.metadata_full_ppm = 10'000;
      break;
    case fault::lost_write:
      return lie(s, &lie_weights::lost_ppm, 100'000);
    case fault::misdirected:
      return lie(s, &lie_weights::misdirected_ppm, 100'000);
    case fault::stale_read:
      read_from_zones(s);
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
    case fault::rot:
      return lie(s, &lie_weights::rot_ppm, 10'000);
    case fault::count:
      break;
  }
}

}  // namespace furrow::sim
