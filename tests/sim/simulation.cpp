// The lives of a store.
#include "sim/simulation.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "format/codec.hpp"
#include "sim/failure.hpp"

namespace furrow::sim {
namespace {

constexpr std::uint64_t steps_without_answer_max = 400'000;
constexpr std::uint64_t recovery_steps_max = 2'000'000;
constexpr std::uint64_t operations_between_folds = 128;

uuid make_uuid(std::uint64_t seed) {
  uuid u{};
  format::store_le(u.data(), mix(seed));
  format::store_le(u.data() + 8, mix(seed + 1));
  return u;
}

/// What an open may say when a command or an allocation has failed: that, or that it could not write what begins it.
bool tells_of_failure(const error_code& e) {
  return e.category() == zoned::error_category() || e == errc::needs_reopen ||
         e == boost::system::errc::not_enough_memory;
}

}  // namespace

void journal_counts::add(const journal_counts& other) {
  events += other.events;
  offline += other.offline;
  rotten += other.rotten;
  put_back += other.put_back;
  refused += other.refused;
  told += other.told;
  untold += other.untold;
  unneeded += other.unneeded;
  overwritten += other.overwritten;
}

void totals::add(const totals& other) {
  journal.add(other.journal);
  seeds += other.seeds;
  operations += other.operations;
  requests += other.requests;
  errors += other.errors;
  power_losses += other.power_losses;
  process_ends += other.process_ends;
  recoveries += other.recoveries;
  seconds_in_opens += other.seconds_in_opens;
  recoveries_interrupted += other.recoveries_interrupted;
  repairs += other.repairs;
  repairs_interrupted += other.repairs_interrupted;
  clean_reopens += other.clean_reopens;
  failures_injected += other.failures_injected;
  commands += other.commands;
  splits += other.splits;
  merges += other.merges;
  short_completions += other.short_completions;
  retries += other.retries;
  failed_appends += other.failed_appends;
  salvaged_blocks += other.salvaged_blocks;
  limit_refusals += other.limit_refusals;
  zones_retired += other.zones_retired;
  zones_misplaced += other.zones_misplaced;
  data_failures_injected += other.data_failures_injected;
  refusals_injected += other.refusals_injected;
  metadata_refusals_injected += other.metadata_refusals_injected;
  zones_made_read_only += other.zones_made_read_only;
  zones_made_offline += other.zones_made_offline;
  zones_made_full += other.zones_made_full;
  zones_found_read_only += other.zones_found_read_only;
  zones_found_offline += other.zones_found_offline;
  zones_found_full += other.zones_found_full;
  superblock_zones_turned += other.superblock_zones_turned;
  blocks_lost += other.blocks_lost;
  reads_lost += other.reads_lost;
  attempts += other.attempts;
  extracted += other.extracted;
  cancelled_blocks += other.cancelled_blocks;
  bounced_bytes += other.bounced_bytes;
  edge_reads += other.edge_reads;
  source_needs += other.source_needs;
  looks += other.looks;
  promises_used += other.promises_used;
  coalesced += other.coalesced;
  checkpoints += other.checkpoints;
  blocks_moved += other.blocks_moved;
  zones_cleaned += other.zones_cleaned;
  zones_evacuated += other.zones_evacuated;
  scrubs += other.scrubs;
  rotten_blocks += other.rotten_blocks;
  blocks_spoiled += other.blocks_spoiled;
  evacuations_checked += other.evacuations_checked;
  evacuations_late += other.evacuations_late;
  zone_resets += other.zone_resets;
  groups += other.groups;
  acknowledgements_proven += other.acknowledgements_proven;
  groups_proven += other.groups_proven;
  blocks_proven += other.blocks_proven;
  formats_refused += other.formats_refused;
  options_refused += other.options_refused;
  drive_ns += other.drive_ns;
  for (std::size_t i = 0; i < longest_ns.size(); ++i) longest_ns[i] = std::max(longest_ns[i], other.longest_ns[i]);
  trace_hash = mix(trace_hash ^ other.trace_hash) + other.trace_hash;
  for (std::size_t i = 0; i < excuse_count; ++i) excused[i].add(other.excused[i]);
  for (std::size_t i = 0; i < action_count; ++i) {
    by_action[i] += other.by_action[i];
    done_by_action[i] += other.done_by_action[i];
    for (std::size_t f = 0; f < fault_count; ++f) met[i][f] += other.met[i][f];
  }
}

simulation::simulation(const scenario& s, std::FILE* trace)
    : scenario_{s},
      chance_{mix(s.seed) + 2},
      device_{s.shape, s.zones, s.promises, s.faults, s.order, mix(s.seed) + 3, s.zone_faults, s.lies},
      store_{device_, scenario_.store, mix(s.seed) + 4},
      truth_{s.seed, s.work.names, s.work.collections, s.extent_bytes_max()},
      rule_{device_.zones(), s.promises.volatile_cache, make_uuid(s.seed)},
      users_{scenario_, truth_, store_, &rule_},
      uuid_{make_uuid(s.seed)} {
  device_.trace().write_to(trace);
  device_.trace().watch(&rule_);
  totals_.seeds = 1;
}

bool simulation::format() {
  device_.lies().allow(false);
  device_.faults().allow_failures(false);
  device_.zone_faults().allow(false);
  store_.start();
  core::notification n = store_.ask(core::format_request{scenario_.format, uuid_});
  if (constexpr std::uint8_t copies_max = 2; scenario_.format.page_copies > copies_max) {
    if (n.error != errc::invalid_argument)
      throw broken_promise{fmt::format("format with {} copies: {}", scenario_.format.page_copies, n.error.message())};
    ++totals_.options_refused;
    scenario_.format.page_copies = 0;
    store_.end();
    store_.start();
    n = store_.ask(core::format_request{scenario_.format, uuid_});
  }
  // Formatting may give up over shortened commands; then it is done again.
  format_options again = scenario_.format;
  again.force = true;
  for (int tries = 0; n.error == zoned::errc::io && device_.faults().shortened() > 0 && tries < 20; ++tries) {
    store_.end();
    store_.start();
    n = store_.ask(core::format_request{again, uuid_});
  }
  if (n.error == errc::too_small || n.error == errc::too_few_active_zones) {
    totals_.formats_refused = 1;
    store_.end();
    return false;
  }
  if (n.error) throw broken_promise{fmt::format("format: {} {}", n.error.message(), n.detail.what)};
  store_.end();
  return true;
}

void simulation::run(std::uint64_t operations) {
  plan_interruption();
  open(true);
  if (scenario_.work.collections > 0) begin_with_collections();
  use_until(operations);
  const bool clean = drain_close();
  check_data_ = true;
  open(clean);
  lose_journal(drain_close());
}

/// In a seed that is devoted to a fault it does not come yet: it would come here.
void simulation::begin_with_collections() {
  if (scenario_.devoted_to) allow_all(false);
  while (!make_collections()) {
    store_.interrupt(interruption::process_end);
    open(true);
    if (scenario_.devoted_to) allow_all(false);
  }
  if (scenario_.devoted_to) allow_all(true);
}

/// False: something failed, and which of them are there is not known.
bool simulation::make_collections() {
  const std::uint64_t before = failures();
  const auto held = [&](const core::notification& n) {
    if (!n.error || failures() != before) return !n.error;
    throw broken_promise{fmt::format("collections are made: {} {}", n.error.message(), n.detail.what)};
  };
  const core::notification there = expect(core::collections_request{}, "collections");
  std::size_t c = std::get<std::vector<collection_status>>(there.result).size();  // the default one is there
  for (; c <= scenario_.work.collections; ++c)
    if (!held(store_.ask(core::collection_request{fmt::format("tenant {}", c), 0}))) return false;
  return held(store_.ask(core::sync_request{}));
}

void simulation::allow_all(bool on) {
  device_.faults().allow_failures(on);
  device_.zone_faults().allow(on);
  device_.zone_faults().allow_of_metadata(on);
  device_.lies().allow(on);
}

totals simulation::result() const {
  totals t = totals_;
  t.operations = users_.counts().operations;
  t.requests = store_.requests();
  t.errors = users_.counts().errors;
  t.by_action = users_.counts().by_action;
  t.done_by_action = users_.counts().done_by_action;
  t.met = users_.counts().met;
  t.excused = users_.excused();
  t.source_needs = users_.counts().source_needs;
  t.looks = users_.counts().looks;
  t.promises_used = users_.counts().promises_used;
  t.commands = device_.commands();
  t.failures_injected = device_.faults_injected();
  const zone_fault_counts& z = device_.zone_faults().counts();
  t.data_failures_injected = z.failed;
  t.refusals_injected = z.refused;
  t.metadata_refusals_injected = z.metadata_refused;
  t.zones_made_read_only = z.read_only;
  t.zones_made_offline = z.offline;
  t.zones_made_full = z.full;
  t.superblock_zones_turned = z.superblock_read_only + z.superblock_offline + z.superblock_full;
  t.reads_lost = users_.counts().reads_lost;
  t.drive_ns = device_.clock().now();
  t.longest_ns[static_cast<std::size_t>(scenario_.order.times)] = users_.counts().longest_ns;
  t.trace_hash = device_.trace_hash();
  t.acknowledgements_proven = rule_.acknowledgements();
  t.groups_proven = rule_.groups_proven();
  t.blocks_proven = rule_.blocks_proven();
  return t;
}

void simulation::plan_interruption() {
  const std::uint64_t ppm = scenario_.work.interruptions_per_million;
  next_interruption_ = ppm == 0 ? ~std::uint64_t{0} : device_.executed() + chance_.within(1, 2'000'000 / ppm);
}

bool simulation::try_open(bool may_interrupt) {
  store_.start();
  const std::uint64_t before = failures(), commands_failed = device_.faults().failures();
  const core::operation_id id = store_.send(core::open_request{});
  const bool interrupted = may_interrupt && chance_.chance(scenario_.work.interrupt_recovery_per_mille);
  const std::uint64_t limit = interrupted ? chance_.scaled(1, 400) : recovery_steps_max;
  core::notification n;
  for (std::uint64_t i = 0; i < limit; ++i) {
    while (store_.poll(n)) {
      const auto* e = std::get_if<core::event>(&n.result);
      if (e != nullptr && e->what == core::event::kind::damage && device_.faults().failures() == commands_failed) {
        throw broken_promise{"open finds damage where none was done: " + e->detail.what};
      }
      if (n.id != id) continue;
      if (!n.error) return true;
      if (failures() == before || !tells_of_failure(n.error)) {
        throw broken_promise{fmt::format("open: {} {}", n.error.message(), n.detail.what)};
      }
      device_.faults().allow_failures(false);
      device_.zone_faults().allow(false);
      if (scripted_) mend();
      store_.interrupt(interruption::process_end);
      return false;
    }
    store_.step();
  }
  if (!interrupted) throw broken_promise{"open hangs"};
  ++totals_.recoveries_interrupted;
  store_.interrupt(chance_.chance(300) ? interruption::process_end : interruption::power_loss);
  return false;
}

void simulation::open_and_verify(bool all) {
  device_.lies().allow(false);
  device_.zone_faults().allow_of_metadata(false);
  if (scripted_ && device_.faults().failures() + store_.memory_failures() > 0) mend();
  if (!scripted_) repair_before_open();
  device_.faults().allow_failures(scripted_ || chance_.chance(300));
  device_.zone_faults().allow(chance_.chance(300));
  failures_before_open_ = failures();
  for (int tries = 0; !try_open(tries < 6); ++tries) users_.forget_all();
  device_.faults().allow_failures(false);
  device_.zone_faults().allow(false);
  verify(all);
  users_.forget_all();
  if (may_be_latched()) {
    store_.interrupt(interruption::process_end);
    return open_and_verify(false);
  }
  allow_all(true);
  faults_seen_ = faults_so_far(device_);
  moves_seen_ = device_.commands() + device_.executed();
  plan_interruption();
  last_answers_ = users_.counts().answers;
  steps_at_answer_ = store_.steps();
}

void simulation::open(bool all) {
  const auto begin = std::chrono::steady_clock::now();
  open_and_verify(all);
  totals_.seconds_in_opens += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void simulation::note_progress() {
  if (users_.counts().answers != last_answers_ || users_.in_flight() == 0) {
    last_answers_ = users_.counts().answers;
    steps_at_answer_ = store_.steps();
  } else if (store_.steps() - steps_at_answer_ > steps_without_answer_max) {
    throw broken_promise{
        fmt::format("{} operations in flight and no answer in {} steps", users_.in_flight(), steps_without_answer_max)};
  }
}

/// A fault comes with a command: when it is given to the device, or when it is executed.
void simulation::note_faults() {
  const std::uint64_t moves = device_.commands() + device_.executed();
  if (std::exchange(moves_seen_, moves) == moves) return;
  const fault_numbers now = faults_so_far(device_);
  if (now == faults_seen_) return;
  for (std::size_t f = 0; f < fault_count; ++f)
    if (now[f] > faults_seen_[f]) users_.meet(static_cast<fault>(f));
  faults_seen_ = now;
}

void simulation::use_until(std::uint64_t operations) {
  const std::uint32_t asks_per_mille = 1000 / (1 + scenario_.work.device_steps_per_operation);
  std::uint64_t folded = 0;
  while (users_.counts().operations < operations) {
    const bool asked = chance_.chance(asks_per_mille) && users_.ask();
    if (!asked) store_.step();
    note_faults();
    users_.collect();
    note_progress();
    if (users_.wants_reopen() || device_.executed() >= next_interruption_) {
      interrupt();
    } else if (asked && chance_.chance_per_million(scenario_.work.clean_reopen_per_million)) {
      close_and_reopen();
    }
    if (users_.counts().operations - folded >= operations_between_folds) {
      truth_.fold();
      folded = users_.counts().operations;
    }
  }
}

void simulation::add_statistics() {
  users_.ask_statistics();
  users_.collect();
  const auto& last = users_.last_statistics();
  if (!last) return;
  totals_.splits += last->splits;
  totals_.merges += last->merges;
  totals_.short_completions += last->short_completions;
  totals_.retries += last->retries;
  totals_.failed_appends += last->failed_appends;
  totals_.salvaged_blocks += last->salvaged_blocks;
  totals_.limit_refusals += last->limit_refusals;
  totals_.zones_retired += last->zones_retired;
  totals_.zones_misplaced += last->zones_misplaced;
  totals_.zones_found_read_only += last->zones_read_only;
  totals_.zones_found_offline += last->zones_offline;
  totals_.zones_found_full += last->zones_full_early;
  totals_.attempts += last->attempts;
  totals_.extracted += last->extracted;
  totals_.cancelled_blocks += last->cancelled_blocks;
  totals_.bounced_bytes += last->bounced_bytes;
  totals_.edge_reads += last->edge_reads;
  totals_.coalesced += last->coalesced_bios;
  totals_.checkpoints += last->checkpoints;
  totals_.blocks_moved += last->cleaner_blocks_moved;
  totals_.zones_cleaned += last->zones_cleaned;
  totals_.zones_evacuated += last->zones_evacuated;
  totals_.zone_resets += last->zone_resets;
  totals_.groups += last->groups;
}

void simulation::interrupt() {
  add_statistics();
  const bool power = !chance_.chance(scenario_.work.process_end_per_mille);
  ++(power ? totals_.power_losses : totals_.process_ends);
  users_.meet(power ? fault::power_loss : fault::process_end);
  ++totals_.recoveries;
  store_.interrupt(power ? interruption::power_loss : interruption::process_end);
  users_.forget_all();
  open(false);
}

bool simulation::drain_close() {
  add_statistics();
  users_.expect_close(store_.send(core::close_request{}));
  while (!users_.closed() && !users_.wants_reopen()) {
    store_.step();
    users_.collect();
    note_progress();
  }
  const bool clean = users_.closed();
  if (clean) {
    store_.end();
  } else {
    ++totals_.process_ends;
    store_.interrupt(interruption::process_end);
    users_.forget_all();
  }
  return clean;
}

void simulation::close_and_reopen() {
  add_statistics();
  users_.expect_close(store_.send(core::close_request{}));
  while (!users_.closed()) {
    // Whoever asks now is refused.
    if (!chance_.chance(20) || !users_.ask()) store_.step();
    users_.collect();
    note_progress();
    if (users_.wants_reopen() || device_.executed() >= next_interruption_) return interrupt();
  }
  store_.end();
  ++totals_.clean_reopens;
  users_.forget_all();
  open(true);
}

}  // namespace furrow::sim
