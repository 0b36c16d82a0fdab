// Drawing a scenario.
#include "sim/swarm.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace furrow::sim {
namespace {

using zoned::opcode;

constexpr std::uint64_t kib = 1024;

void draw_shape(scenario& s, prng& chance) {
  zoned::geometry& g = s.shape;
  g.lba_bytes = static_cast<std::uint32_t>(chance.one_of(512, 4096, 4096));
  // Zones of 64 KiB .. 1 MiB; most sizes are no power of two, and with small LBAs not even whole store blocks.
  g.zone_bytes = chance.scaled(64 * kib, 1024 * kib) / g.lba_bytes * g.lba_bytes;
  if (chance.chance(300)) g.zone_bytes = chance.one_of(64 * kib, 128 * kib, 256 * kib, 1024 * kib);
  // Small zones are many, so that a store fits.
  const std::uint64_t least = g.zone_bytes < 128 * kib ? 40 : g.zone_bytes < 256 * kib ? 24 : 12;
  g.zone_count = static_cast<std::uint32_t>(chance.within(least, 64));
  g.last_zone_bytes = g.zone_bytes;
  if (chance.chance(250)) {
    g.last_zone_bytes = std::max<std::uint64_t>(8 * kib, chance.below(g.zone_bytes) / g.lba_bytes * g.lba_bytes);
  }
  if (chance.chance(700)) g.active_max = static_cast<std::uint32_t>(chance.within(5, 16));
  if (chance.chance(500)) g.open_max = static_cast<std::uint32_t>(chance.within(5, g.active_max.value_or(16)));
  if (g.open_max && g.active_max) g.open_max = std::min(*g.open_max, *g.active_max);
  const std::uint32_t conventional = chance.chance(300) ? static_cast<std::uint32_t>(chance.within(1, 4)) : 0;
  std::uint64_t capacity = g.zone_bytes;
  if (chance.chance(500)) capacity = std::max<std::uint64_t>(48 * kib, capacity * chance.within(50, 99) / 100);
  capacity = capacity / g.lba_bytes * g.lba_bytes;
  for (std::uint32_t i = 0; i < g.zone_count; ++i) {
    zoned::zone_info z;
    z.index = {i};
    z.bytes = g.bytes_of({i});
    z.type = i < conventional ? zoned::zone_type::conventional : zoned::zone_type::sequential;
    z.condition = i < conventional ? zoned::zone_condition::not_write_pointer : zoned::zone_condition::empty;
    z.capacity_bytes = i < conventional ? z.bytes : std::min(capacity, z.bytes);
    s.zones.push_back(z);
  }
}

void draw_promises(scenario& s, prng& chance) {
  zoned::guarantees& p = s.promises;
  p.volatile_cache = chance.chance(600);
  p.native_append = chance.chance(600);
  p.append_bytes_max = chance.one_of(4, 8, 16, 32, 64, 128) * kib;
  p.transfer_bytes_max = std::max<std::uint64_t>(p.append_bytes_max, chance.one_of(16, 64, 256) * kib);
  p.segments_max = static_cast<std::uint32_t>(chance.one_of(2, 8, 64, 256));
  p.memory_alignment_bytes = static_cast<std::uint32_t>(chance.one_of(1, 4, 512, s.shape.lba_bytes));
  p.in_flight_max = static_cast<std::uint32_t>(chance.one_of(4, 16, 64, 256));
  p.appends_per_zone_max =
      static_cast<std::uint32_t>(p.native_append ? chance.one_of(1, 2, 8, 32) : chance.one_of(1, 2));
  s.order.in_order = chance.chance(100);
  s.order.slow_per_mille = chance.chance(500) ? static_cast<std::uint32_t>(chance.below(300)) : 0;
  s.order.burst_max = static_cast<std::uint32_t>(chance.one_of(1, 2, 4, 8));
  if (chance.chance(700)) s.faults.shortened_ppm = static_cast<std::uint32_t>(chance.scaled(500, 200'000));
  if (chance.chance(250)) {
    const auto rate = [&] { return static_cast<std::uint32_t>(chance.chance(500) ? chance.scaled(50, 5'000) : 0); };
    s.faults.failing(opcode::append) = rate();
    s.faults.failing(opcode::write) = rate();
    s.faults.failing(opcode::read) = rate();
    s.faults.failing(opcode::flush) = rate();
    s.faults.failing(opcode::reset) = rate();
    s.faults.failing(opcode::report) = rate();
  }
}

void draw_zone_faults(scenario& s, prng& chance) {
  zone_fault_weights& w = s.zone_faults;
  const auto rate = [&](std::uint64_t most) {
    return static_cast<std::uint32_t>(chance.chance(600) ? chance.scaled(200, most) : 0);
  };
  if (chance.chance(350)) {
    w.read_only_ppm = rate(20'000);
    w.offline_ppm = rate(20'000);
    w.full_ppm = rate(20'000);
    w.lost_max = static_cast<std::uint32_t>(chance.within(1, std::max(1u, s.shape.zone_count / 8)));
  }
  if (chance.chance(400)) w.failed_ppm = static_cast<std::uint32_t>(chance.scaled(5'000, 200'000));
  w.garbage_per_mille = static_cast<std::uint32_t>(chance.one_of(0, 100, 500));
  w.says_why = chance.chance(500);
  // The store itself needs two zones for superblocks, one or two for its journal, two for pages and one for data.
  constexpr std::uint32_t needed = 8;
  if (s.shape.active_max.value_or(0) > needed && chance.chance(500)) {
    w.others_ppm = static_cast<std::uint32_t>(chance.scaled(500, 50'000));
    w.others_active_max = static_cast<std::uint32_t>(chance.within(1, *s.shape.active_max - needed));
  }
}

void draw_options(scenario& s, prng& chance) {
  store_options& o = s.store;
  o.page_cache_bytes = chance.one_of(1, 1, 2, 64) * 1024 * kib;
  o.in_flight_bytes_max = chance.one_of(64, 256, 1024, 65536) * kib;
  o.operations_max = static_cast<std::uint32_t>(chance.one_of(8, 64, 65536, 65536));
  o.ordered_extent_bytes_max = chance.scaled(1, 64) * 4 * kib;
  o.journal_group_bytes = chance.scaled(1, 64) * 4 * kib;
  o.recovery_journal_bytes_max = 0;
  o.checkpoint_journal_bytes_min = chance.one_of(0, 16, 64, 256) * kib;
  o.background_cleaning = chance.chance(800);
  s.format.page_copies = static_cast<std::uint8_t>(chance.one_of(0, 0, 1, 2));
}

void draw_weights(workload_weights& w, prng& chance) {
  const auto weigh = [&](action a, std::uint32_t weight) { w.of[static_cast<std::size_t>(a)] = weight; };
  weigh(action::create_named, 6);
  weigh(action::create_anonymous, 3);
  weigh(action::open_by_name, 5);
  weigh(action::open_by_id, 4);
  weigh(action::release, 5);
  weigh(action::append, 40);
  weigh(action::read, 15);
  weigh(action::stat, 4);
  weigh(action::set_attributes, 3);
  weigh(action::rename, 4);
  weigh(action::remove, 5);
  weigh(action::list, 2);
  weigh(action::batch, 5);
  weigh(action::write, 20);
  weigh(action::write_zeroes, 4);
  weigh(action::punch, 6);
  weigh(action::trim_front, 1);
  weigh(action::truncate, 4);
  weigh(action::clone, 12);
  weigh(action::clone_within, 6);
  weigh(action::reserve, 3);
  weigh(action::sync_object, 3);
  weigh(action::sync_store, 2);
  weigh(action::wait_durable, 2);
  weigh(action::checkpoint, 1);
  weigh(action::clean, 1);
  weigh(action::cancel, 2);
  weigh(action::statistics, 1);
  weigh(action::misuse, 2);
  // What a run cannot do without keeps its weight; of the rest each is off in a third of the runs, or much heavier.
  for (std::size_t i = 0; i < static_cast<std::size_t>(action::scrub); ++i) {
    const action a = static_cast<action>(i);
    if (a == action::create_named || a == action::append || a == action::remove || a == action::open_by_name) continue;
    if (chance.chance(330)) w.of[i] = 0;
    if (chance.chance(100)) w.of[i] *= 5;
  }
  if (chance.chance(150)) {  // objects only grow
    for (const action a : edit_actions) w.of[static_cast<std::size_t>(a)] = 0;
  }
}

void draw_work(scenario& s, prng& chance) {
  workload_weights& w = s.work;
  draw_weights(w, chance);
  w.durable_per_mille = static_cast<std::uint32_t>(chance.one_of(0, 100, 300, 900));
  w.small_append_per_mille = static_cast<std::uint32_t>(chance.one_of(100, 500, 900, 990));
  w.append_bytes_max = std::min<std::uint64_t>(chance.one_of(1, 2, 4) * s.store.ordered_extent_bytes_max, 256 * kib);
  w.in_flight_max = static_cast<std::uint32_t>(chance.one_of(1, 4, 16, 48));
  w.objects_max = static_cast<std::uint32_t>(chance.within(2, 48));
  w.names = static_cast<std::uint32_t>(chance.within(2, 40));
  w.fill_percent = static_cast<std::uint32_t>(chance.one_of(10, 30, 50, 90));
  w.interruptions_per_million =
      chance.chance(850) ? static_cast<std::uint32_t>(chance.one_of(1000, 5000, 10000, 20000, 40000)) : 0;
  w.process_end_per_mille = static_cast<std::uint32_t>(chance.one_of(0, 100, 300));
  w.interrupt_recovery_per_mille = static_cast<std::uint32_t>(chance.one_of(0, 100, 300));
  w.clean_reopen_per_million = chance.chance(500) ? static_cast<std::uint32_t>(chance.scaled(200, 5'000)) : 0;
  w.device_steps_per_operation = static_cast<std::uint32_t>(chance.one_of(1, 2, 4, 8));
}

/// Drawn behind all else, as what a seed draws before it stays as it was.
void draw_finish_failures(scenario& s, prng& chance) {
  if (!chance.chance(100)) return;
  s.faults.failing(opcode::finish) = static_cast<std::uint32_t>(chance.one_of(20'000, 500'000, 1'000'000));
}

/// Drawn behind all else, too.
void draw_quotas(scenario& s, prng& chance) {
  if (!chance.chance(400)) return;
  s.work.collections = static_cast<std::uint32_t>(chance.within(1, 3));
  s.work.of[static_cast<std::size_t>(action::set_quota)] = static_cast<std::uint32_t>(chance.within(1, 3));
  s.work.of[static_cast<std::size_t>(action::collections)] = static_cast<std::uint32_t>(chance.within(1, 4));
}

/// Zones at the beginning, and perhaps at the end, become conventional: a few, or most. Drawn last, so that a seed's
/// other choices do not depend on it.
void draw_conventional(scenario& s, prng& chance) {
  if (!chance.chance(400)) return;
  const std::uint32_t count = s.shape.zone_count;
  const auto front =
      static_cast<std::uint32_t>(chance.one_of(chance.within(3, 6), chance.within(3, count / 2), count * 3 / 4));
  const std::uint32_t back = chance.chance(300) ? static_cast<std::uint32_t>(chance.within(1, 5)) : 0;
  for (zoned::zone_info& z : s.zones) {
    if (z.index.value >= front && z.index.value + back < count) continue;
    z.type = zoned::zone_type::conventional;
    z.condition = zoned::zone_condition::not_write_pointer;
    z.capacity_bytes = z.bytes;
  }
  if (!chance.chance(300)) return;
  s.shape.active_max = static_cast<std::uint32_t>(chance.within(1, 5));  // not enough for metadata in sequential zones
  if (s.shape.open_max) s.shape.open_max = s.shape.active_max;
  s.zone_faults.others_ppm = s.zone_faults.others_active_max = 0;  // there is none to be taken
}

/// Drawn by a chance of their own.
void draw_lies(scenario& s) {
  constexpr std::uint64_t one_seed_lies_in = 10, of_these = 3;
  if (s.seed % one_seed_lies_in != of_these || !s.format.checksums) return;
  prng chance{mix(s.seed) + 8};
  const auto rate = [&] { return static_cast<std::uint32_t>(chance.chance(600) ? chance.scaled(200, 5'000) : 0); };
  s.lies.lost_ppm = rate();
  s.lies.misdirected_ppm = rate();
  s.lies.stale_ppm = rate();
  s.lies.blocks_max = static_cast<std::uint32_t>(chance.within(1, 40));
}

/// Options that nobody in his senses gives, some of which a store refuses. Drawn by a chance of their own, in seeds that are
/// devoted to nothing else.
void draw_hostile_options(scenario& s) {
  constexpr std::uint64_t one_seed_is_hostile_in = 11, of_these = 2;
  if (s.devoted_to || s.seed % one_seed_is_hostile_in != of_these) return;
  prng chance{mix(s.seed) + 10};
  constexpr std::uint64_t all = ~std::uint64_t{0}, mib = 1024 * kib;
  s.hostile_options = true;
  store_options& o = s.store;
  o.page_cache_bytes = chance.one_of(0, 1, 4095, 3'333'333, mib * mib, all);
  o.in_flight_bytes_max = chance.one_of(0, 1, 65'537, all);
  o.operations_max = static_cast<std::uint32_t>(chance.one_of(0, 1, 3, 0xffff'ffff));
  o.view_bytes_max = chance.one_of(0, 1, all);
  o.handles_max = static_cast<std::uint32_t>(chance.one_of(1, 2, 7, 0xffff'ffff));
  o.ordered_extent_bytes_max = chance.one_of(0, 1, 4096, 4097, 3 * 4096, 16 * mib - 1, all);
  o.journal_group_bytes = chance.one_of(0, 1, 4095, 12'289, 4 * mib, all);
  o.recovery_journal_bytes_max = chance.one_of(0, 1, 4097, 1 * mib, all / 2 + 1, all);
  o.checkpoint_journal_bytes_min = chance.one_of(0, 1, 4097, 1024 * mib, all);
  s.format.page_copies = static_cast<std::uint8_t>(chance.one_of(0, 1, 2, 3, 255));
  s.work.in_flight_max = static_cast<std::uint32_t>(chance.one_of(1, 16, 500));
}

/// Drawn by a chance of their own, in seeds that are devoted to nothing else.
void draw_superblock_faults(scenario& s) {
  constexpr std::uint64_t one_seed_turns_them_in = 9, of_these = 5;
  if (s.devoted_to || s.seed % one_seed_turns_them_in != of_these) return;
  s.zone_faults.superblock_ppm = static_cast<std::uint32_t>(prng{mix(s.seed) + 11}.scaled(100, 5'000));
}

/// In seeds that are devoted to nothing else.
void draw_rot(scenario& s) {
  if (s.devoted_to || !is_of_rot(s.seed) || !s.format.checksums) return;
  prng chance{mix(s.seed) + 14};
  s.lies.rot_ppm = static_cast<std::uint32_t>(chance.scaled(200, 20'000));
  s.lies.blocks_max = std::max(s.lies.blocks_max, static_cast<std::uint32_t>(chance.within(1, 40)));
}

/// In seeds that are devoted to nothing else.
void draw_others_of_metadata(scenario& s) {
  constexpr std::uint64_t one_seed_has_them_in = 17, of_these = 1;
  if (s.devoted_to || mix(mix(s.seed) + 12) % one_seed_has_them_in != of_these || s.keeps_to_conventional()) return;
  prng chance{mix(s.seed) + 13};
  let_others_take_metadata(s, static_cast<std::uint32_t>(chance.within(0, 3)));
  s.zone_faults.others_ppm = static_cast<std::uint32_t>(chance.scaled(5'000, 200'000));
  s.work.durable_per_mille = static_cast<std::uint32_t>(chance.one_of(s.work.durable_per_mille, 500, 900));
}

/// Drawn by a chance of their own, in seeds that are devoted to nothing else.
void draw_drive(scenario& s) {
  constexpr std::uint64_t one_seed_has_a_drive_in = 13, of_these = 6;
  if (s.devoted_to || s.seed % one_seed_has_a_drive_in != of_these) return;
  prng chance{mix(s.seed) + 9};
  s.order.times = chance.chance(500) ? drive::zns : drive::smr;
  s.promises.native_append = s.order.times == drive::zns;
  if (!s.promises.native_append) s.promises.appends_per_zone_max = std::min(s.promises.appends_per_zone_max, 2u);
}

}  // namespace

const char* name_of(action a) {
  switch (a) {
    case action::create_named:
      return "create_named";
    case action::create_anonymous:
      return "create_anonymous";
    case action::open_by_name:
      return "open_by_name";
    case action::open_by_id:
      return "open_by_id";
    case action::release:
      return "release";
    case action::append:
      return "append";
    case action::read:
      return "read";
    case action::stat:
      return "stat";
    case action::set_attributes:
      return "set_attributes";
    case action::rename:
      return "rename";
    case action::remove:
      return "remove";
    case action::list:
      return "list";
    case action::batch:
      return "batch";
    case action::write:
      return "write";
    case action::write_zeroes:
      return "write_zeroes";
    case action::punch:
      return "punch";
    case action::trim_front:
      return "trim_front";
    case action::truncate:
      return "truncate";
    case action::clone:
      return "clone";
    case action::clone_within:
      return "clone_within";
    case action::reserve:
      return "reserve";
    case action::sync_object:
      return "sync_object";
    case action::sync_store:
      return "sync_store";
    case action::wait_durable:
      return "wait_durable";
    case action::checkpoint:
      return "checkpoint";
    case action::clean:
      return "clean";
    case action::cancel:
      return "cancel";
    case action::statistics:
      return "statistics";
    case action::misuse:
      return "misuse";
    case action::scrub:
      return "scrub";
    case action::set_quota:
      return "set_quota";
    case action::collections:
      return "collections";
    case action::count:
      break;
  }
  return "?";
}

scenario draw_undevoted_scenario(std::uint64_t seed) {
  prng chance{seed};
  scenario s;
  s.seed = seed;
  draw_shape(s, chance);
  draw_promises(s, chance);
  draw_zone_faults(s, chance);
  draw_options(s, chance);
  draw_work(s, chance);
  s.order.stale_bytes = s.promises.volatile_cache && chance.chance(400);
  draw_conventional(s, chance);
  draw_finish_failures(s, chance);
  prng sums{mix(seed) + 7};
  s.format.checksums = !sums.chance(150);
  s.work.of[static_cast<std::size_t>(action::scrub)] = static_cast<std::uint32_t>(chance.one_of(0, 1, 1, 3));
  draw_quotas(s, chance);
  draw_lies(s);
  return s;
}

scenario draw_scenario(std::uint64_t seed) {
  scenario s = draw_undevoted_scenario(seed);
  if (const auto f = devotion_of(seed)) devote(s, *f);
  draw_superblock_faults(s);
  draw_others_of_metadata(s);
  draw_rot(s);
  draw_drive(s);
  draw_hostile_options(s);
  return s;
}

scenario draw_tiny_scenario(std::uint64_t seed) {
  scenario s = draw_undevoted_scenario(seed);
  prng chance{mix(seed) + 5};
  zoned::geometry& g = s.shape;
  g.zone_bytes = g.last_zone_bytes = chance.one_of(17, 18, 20, 24, 33) * 4 * kib;
  g.zone_count = static_cast<std::uint32_t>(chance.within(14, 24));
  if (g.active_max) g.active_max = std::max(*g.active_max, 5u);
  if (g.open_max) g.open_max = std::max(*g.open_max, 5u);
  s.zones.clear();
  for (std::uint32_t i = 0; i < g.zone_count; ++i)
    s.zones.push_back({{i}, zoned::zone_type::sequential, zoned::zone_condition::empty, g.zone_bytes, g.zone_bytes, 0});
  const std::uint32_t shortened = s.faults.shortened_ppm;
  s.faults = {};
  s.faults.shortened_ppm = shortened;
  s.zone_faults = {};
  s.lies = {};
  s.work.fill_percent = 90;
  s.work.collections = 0;
  s.work.of[static_cast<std::size_t>(action::set_quota)] = s.work.of[static_cast<std::size_t>(action::collections)] = 0;
  if (chance.chance(500)) s.work.objects_max = s.work.names = static_cast<std::uint32_t>(chance.within(50, 400));
  return s;
}

scenario draw_script_scenario(std::uint64_t seed) {
  scenario s = draw_tiny_scenario(seed);
  zoned::geometry& g = s.shape;
  g.zone_bytes = g.last_zone_bytes = 96 * kib;
  g.zone_count = 32;
  s.zones.clear();
  for (std::uint32_t i = 0; i < g.zone_count; ++i)
    s.zones.push_back({{i}, zoned::zone_type::sequential, zoned::zone_condition::empty, g.zone_bytes, g.zone_bytes, 0});
  s.store.background_cleaning = true;
  s.store.page_cache_bytes = 1024 * kib;
  s.work.interruptions_per_million = s.work.interrupt_recovery_per_mille = s.work.clean_reopen_per_million = 0;
  s.work.objects_max = s.work.names = 8;
  s.work.append_bytes_max = std::min<std::uint64_t>(s.work.append_bytes_max, 48 * kib);
  s.work.small_append_per_mille = 300;
  s.work.fill_percent = 60;
  for (std::size_t i = 0; i < action_count; ++i) s.work.of[i] = std::max(s.work.of[i], 2u);
  s.work.of[static_cast<std::size_t>(action::set_quota)] = s.work.of[static_cast<std::size_t>(action::collections)] = 0;
  s.work.of[static_cast<std::size_t>(action::append)] = s.work.of[static_cast<std::size_t>(action::write)] = 20;
  s.work.of[static_cast<std::size_t>(action::checkpoint)] = s.work.of[static_cast<std::size_t>(action::clean)] = 5;
  return s;
}

std::uint64_t scenario::extent_bytes_max() const {
  constexpr std::uint64_t block = zoned::store_block_bytes, most = 16 * 1024 * kib;
  return std::clamp(store.ordered_extent_bytes_max / block * block, block, most);
}

std::uint64_t scenario::data_bytes() const {
  std::uint64_t sum = 0;
  for (const zoned::zone_info& z : zones) sum += z.type == zoned::zone_type::sequential ? z.bytes : 0;
  return sum;
}

std::uint32_t scenario::data_zones() const {
  return static_cast<std::uint32_t>(std::ranges::count(zones, zoned::zone_type::sequential, &zoned::zone_info::type));
}

bool scenario::keeps_to_conventional() const {
  constexpr std::uint32_t credits_enough = 5;
  return shape.active_max && *shape.active_max < credits_enough;
}

bool scenario::is_tight() const {
  constexpr std::uint32_t few = 32;
  return data_zones() < few || (keeps_to_conventional() && shape.zone_count - data_zones() < few);
}

bool scenario::may_edit() const {
  return devoted_to ||
         std::ranges::any_of(edit_actions, [this](action a) { return work.of[static_cast<std::size_t>(a)] > 0; });
}

bool scenario::loses_zones() const {
  const zone_fault_weights& w = zone_faults;
  return w.read_only_ppm + w.offline_ppm + w.full_ppm + w.failed_ppm + w.metadata_read_only_ppm +
             w.metadata_offline_ppm + w.metadata_full_ppm >
         0;
}

bool scenario::is_healthy() const {
  const zone_fault_weights& w = zone_faults;
  const auto fails = [](std::uint32_t ppm) { return ppm > 0; };
  return std::ranges::none_of(faults.failed_ppm, fails) && !loses_zones() && w.others_ppm + w.superblock_ppm == 0 &&
         !lies.any();
}

std::string describe(const scenario& s) {
  const auto sequential = std::ranges::find(s.zones, zoned::zone_type::sequential, &zoned::zone_info::type);
  std::string text = fmt::format(
      "seed {}: lba {} zones {} of {} (last {}, capacity {}, conventional {}) active {} open {}; {}{}{} append_max {} "
      "per_zone {} depth "
      "{}; "
      "oe_max {} group {} checkpoint_min {} copies {}{}; in_flight {} durable {} shorten {}ppm interrupt {}ppm;",
      s.seed, s.shape.lba_bytes, s.shape.zone_count, s.shape.zone_bytes, s.shape.last_zone_bytes,
      sequential == s.zones.end() ? 0 : sequential->capacity_bytes, s.shape.zone_count - s.data_zones(),
      s.shape.active_max.value_or(0), s.shape.open_max.value_or(0), s.promises.native_append ? "native" : "ordered",
      s.promises.volatile_cache ? " volatile" : "", s.order.stale_bytes ? " stale" : "", s.promises.append_bytes_max,
      s.promises.appends_per_zone_max, s.promises.in_flight_max, s.store.ordered_extent_bytes_max,
      s.store.journal_group_bytes, s.store.checkpoint_journal_bytes_min, s.format.page_copies,
      s.format.checksums ? "" : " no sums", s.work.in_flight_max, s.work.durable_per_mille, s.faults.shortened_ppm,
      s.work.interruptions_per_million);
  const zone_fault_weights& z = s.zone_faults;
  text += fmt::format(" zones read-only {} offline {} full {} of at most {}, failed {} garbage {} others {} of {}{}{};",
                      z.read_only_ppm, z.offline_ppm, z.full_ppm, z.lost_max, z.failed_ppm, z.garbage_per_mille,
                      z.others_ppm, z.others_active_max, z.others_deny_metadata ? " and of metadata" : "",
                      z.says_why ? "" : " mute");
  if (s.lies.any())
    text += fmt::format(" lies lost {} misdirected {} stale {} copies {} {} rot {};", s.lies.lost_ppm,
                        s.lies.misdirected_ppm, s.lies.stale_ppm, s.lies.copy_lost_ppm, s.lies.copy_stale_ppm,
                        s.lies.rot_ppm);
  if (s.hostile_options)
    text += fmt::format(" hostile: cache {} handles {} recovery {} copies {};", s.store.page_cache_bytes,
                        s.store.handles_max, s.store.recovery_journal_bytes_max, s.format.page_copies);
  if (s.order.times != drive::timeless) text += fmt::format(" times of a {};", row_of(s.order.times).name);
  if (s.devoted_to) text += fmt::format(" devoted to {};", name_of(*s.devoted_to));
  for (std::size_t i = 0; i < action_count; ++i) {
    if (s.work.of[i] == 0) text += fmt::format(" -{}", name_of(static_cast<action>(i)));
  }
  return text;
}

}  // namespace furrow::sim
