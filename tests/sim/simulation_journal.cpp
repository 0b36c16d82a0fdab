// Of simulation.hpp: the last thing that befalls some seeds: a zone of the journal goes offline, or a block of it is not what
// was flushed.
//
// One life before it begins with a checkpoint, is without faults and ends by an interruption; its journal is then all that has
// come since. Then something is done to the journal, and the store is opened.
//   nothing is needed of what was lost     all that is durable is there
//   the last group is lost, or the header of a zone that has no group
//                                          the open cannot tell it from a torn one: the store is as before it
//   anything else                          the open says so and is refused, or is for reading alone, each time: the store is as it
//                                          was before the first publication that was lost, whatever stands behind it
// And when the journal is as it was again, which a device may give once as other bytes, all that is durable is there: nothing
// was changed. What was dropped later than the state that is read may be written over by then: that is told as any block that
// does not verify.
//
// Not here: a zone offline that may hold pages of which there is no other copy; two losses at once.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "format/page.hpp"
#include "sim/failure.hpp"
#include "sim/journal_on_medium.hpp"
#include "sim/lost_blocks.hpp"
#include "sim/simulation.hpp"

namespace furrow::sim {
namespace {

constexpr std::uint64_t block_bytes = zoned::store_block_bytes;
constexpr std::uint64_t one_seed_in = 13, of_these = 9;
constexpr std::uint64_t operations_least = 50, operations_most = 600;
constexpr std::uint64_t open_steps_max = 2'000'000;

bool may_have_pages(const zoned::memory_zones& zones, zoned::zone_index zone) {
  std::array<std::byte, sizeof format::page_magic> begin{};
  for (std::uint64_t at = 0; at < zones.machine().at(zone).capacity_bytes; at += block_bytes) {
    zones.peek({zone, at}, begin);
    if (format::load_le<std::uint32_t>(begin.data()) == format::page_magic) return true;
  }
  return false;
}

}  // namespace

/// Whether all that came since a checkpoint is in the journal.
bool simulation::live_by_the_journal(prng& own, bool clean) {
  open(clean);
  allow_all(false);
  scenario_.work.interruptions_per_million = scenario_.work.clean_reopen_per_million = 0;
  next_interruption_ = ~std::uint64_t{0};
  if (store_.ask(core::checkpoint_request{}).error) return false;
  truth_.keep_history(true);
  const std::uint64_t recoveries = totals_.recoveries;
  use_until(users_.counts().operations + own.scaled(operations_least, operations_most));
  if (totals_.recoveries != recoveries) return false;
  add_statistics();
  store_.interrupt(own.chance(200) ? interruption::process_end : interruption::power_loss);
  users_.forget_all();
  return true;
}

/// What has become of the journal, and which groups of it are not there any more.
simulation::journal_loss simulation::draw_journal_loss(prng& own, const journal_on_medium& journal,
                                                       const zoned::memory_zones& before) {
  journal_loss loss;
  const std::size_t count = journal.groups.size();
  const auto some_zone = [&] { return journal.zones[own.below(journal.zones.size())]; };
  if (count == 0 || own.chance(300)) {
    const bool is_kept = journal.kept && own.chance(150);
    loss.zone = is_kept ? *journal.kept : some_zone();
    loss.is_of_zone = true;
    loss.is_offline = is_kept || journal.super.page_copies > 1 || !may_have_pages(device_.zones(), loss.zone);
  } else if (own.chance(300)) {
    loss.zone = some_zone();
    loss.is_of_zone = true;
  } else {
    loss.first = own.chance(250) ? count - 1 : own.below(count);
    const journal_on_medium::found_group& g = journal.groups[loss.first];
    loss.zone = g.at.zone;
    loss.at = g.at.offset_bytes + own.below(g.header.bytes / block_bytes) * block_bytes;
  }
  if (loss.is_of_zone) loss.first = journal.first_in(loss.zone);
  if (loss.is_offline) {
    device_.zone_faults().turn(loss.zone, zoned::zone_condition::offline);
    ++totals_.journal.offline;
    return loss;
  }
  raw_bytes now(block_bytes), then(block_bytes);
  device_.zones().peek({loss.zone, loss.at}, now);
  before.peek({loss.zone, loss.at}, then);
  if (then == now || own.chance(500)) {
    then = now;
    then[own.below(block_bytes)] ^= static_cast<std::byte>(1u << own.below(8));
    ++totals_.journal.rotten;
  } else {
    ++totals_.journal.put_back;
  }
  device_.zones().poke({loss.zone, loss.at}, then);
  return loss;
}

/// Events of damage go to `told`.
core::notification simulation::open_once(bool for_reading, std::vector<error_detail>& told) {
  store_.start(false, for_reading);
  const core::operation_id id = store_.send(core::open_request{});
  core::notification n;
  for (std::uint64_t i = 0; i < open_steps_max; ++i) {
    while (store_.poll(n)) {
      if (n.id == id) return n;
      const auto* const e = std::get_if<core::event>(&n.result);
      if (e != nullptr && e->what == core::event::kind::damage) told.push_back(e->detail);
    }
    store_.step();
  }
  throw broken_promise{"open hangs over a journal that is lost in part"};
}

/// All objects, each with all its bytes, as they were behind that publication.
void simulation::compare_earlier_state(furrow::sequence sequence, bool with_all) {
  std::vector<recovered_object> found = find_unmoved();
  for (recovered_object& r : found) read_object(r);
  truth_.settle_at(found, sequence, with_all);
}

/// Whether the zone has another header than in the state that is read.
bool simulation::is_used_again(zoned::zone_index zone) {
  const core::notification n = expect(core::zones_request{}, "zones");
  raw_bytes block(block_bytes);
  device_.zones().peek({zone, 0}, block);
  const auto h = format::decode_zone_header(block);
  return !h || h->generation != std::get<std::vector<zone_status>>(n.result).at(zone.value).generation;
}

/// Why a block of an earlier state must be there; none if its place has other bytes now, or had them before.
std::optional<std::string> simulation::refute_overwriting(object_index i, core::handle_id handle, std::uint64_t at,
                                                          const core::notification& n) {
  if (n.error == zoned::errc::zone_offline) return refute_loss(truth_, device_, i, n);
  const core::notification told = expect(core::extents_request{handle, at, 1, 1}, "extents");
  const auto& extents = std::get<extent_list>(told.result).extents;
  if (extents.empty() || !extents[0].where) return "a block without a place does not verify";
  const std::uint64_t inside = (at - extents[0].offset_bytes) / block_bytes * block_bytes;
  const zoned::place where{extents[0].where->zone, extents[0].where->offset_bytes + inside};
  raw_bytes block(block_bytes);
  device_.zones().peek(where, block);
  if (truth_.find_wrong_byte(i, at, block) || is_used_again(where.zone) || device_.lies().spoiled(where))
    return std::nullopt;
  return "a block that is what it was does not verify";
}

std::uint64_t simulation::sequence_now() {
  const core::notification n = expect(core::statistics_request{}, "statistics");
  return std::get<core::statistics_ptr>(n.result)->sequence;
}

/// It is said which zone, and from where on.
void simulation::judge_telling(const journal_loss& loss, const journal_on_medium& journal, const core::notification& n,
                               const std::vector<error_detail>& told) {
  const auto is_behind = [&](const error_detail& d) {
    if (!d.zone) return false;
    const auto place = [&](zoned::zone_index z) { return std::ranges::find(journal.zones, z) - journal.zones.begin(); };
    return d.zone == loss.zone || (!loss.is_of_zone && place(*d.zone) > place(loss.zone));
  };
  if (n.error) {
    if (n.error != errc::damaged || !is_behind(n.detail))
      throw broken_promise{
          fmt::format("a loss in zone {} of the journal: {} {}", loss.zone.value, n.error.message(), n.detail.what)};
    return;
  }
  if (std::ranges::none_of(told, is_behind))
    throw broken_promise{
        fmt::format("open for reading after a loss in zone {} of the journal, which is not named", loss.zone.value)};
  const store_info info = std::get<store_info>(expect(core::info_request{}, "info").result);
  if (!info.health.degraded) throw broken_promise{"a store that has lost some of its journal says that it is sound"};
  const bool numbered = loss.is_offline && loss.zone != journal.kept && loss.first < journal.groups.size();
  if (numbered && info.health.journal_lost_from != sequence_now() + 1)
    throw broken_promise{fmt::format("a zone of the journal is lost from sequence {} on, and {} is told",
                                     sequence_now() + 1, info.health.journal_lost_from)};
}

/// Whether the store was as it must be then, and could not be written to.
bool simulation::open_without(const journal_loss& loss, const journal_on_medium& journal, bool for_reading) {
  std::vector<error_detail> told;
  const core::notification n = open_once(for_reading, told);
  const bool needed = loss.first < journal.groups.size() && !journal.is_idle_from(loss.first);
  const furrow::sequence last = journal.sequence_before(std::min(loss.first, journal.groups.size()));
  if (n.error) {
    judge_telling(loss, journal, n, told);
    ++totals_.journal.refused;
    store_.end();
    return true;
  }
  const bool read_only = std::get<store_info>(expect(core::info_request{}, "info").result).read_only;
  const auto is_there = [&](const journal_on_medium::found_group& g) { return g.at.zone == loss.zone; };
  const bool looks_torn = loss.is_of_zone ? !loss.is_offline && std::ranges::none_of(journal.groups, is_there)
                                          : loss.first + 1 == journal.groups.size();
  if (!told.empty()) {
    if (!read_only) throw broken_promise{"a store is open for writing though its journal is damaged"};
    judge_telling(loss, journal, n, told);
  } else if (needed && !looks_torn) {
    throw broken_promise{fmt::format("group {} of {} of the journal, in zone {}, is lost, and not told", loss.first,
                                     journal.groups.size(), loss.zone.value)};
  }
  if (read_only && sequence_now() != last)
    throw broken_promise{
        fmt::format("the journal is whole up to sequence {}, and the store is as of {}", last, sequence_now())};
  journal_lost_ = true;
  compare_earlier_state(last, !needed);
  journal_lost_ = false;
  if (needed) ++(told.empty() ? totals_.journal.untold : totals_.journal.told);
  if (!needed) ++totals_.journal.unneeded;
  static_cast<void>(expect(core::check_request{false}, "check"));
  if (read_only) {
    static_cast<void>(expect(core::close_request{}, "close"));
    store_.end();
  } else {
    store_.interrupt(interruption::process_end);
  }
  return !told.empty();
}

void simulation::lose_journal(bool clean) {
  if (scenario_.seed % one_seed_in != of_these || scenario_.hostile_options || !scenario_.format.checksums) return;
  prng own{mix(scenario_.seed) + 12};
  const zoned::memory_zones before = device_.zones();
  const bool alone = live_by_the_journal(own, clean);
  const zoned::memory_zones whole = device_.zones();
  const auto journal = alone ? read_journal(whole) : std::nullopt;
  if (!journal) {
    truth_.keep_history(false);
    static_cast<void>(drain_close());
    return;
  }
  ++totals_.journal.events;
  const model truth = truth_;
  const journal_loss loss = draw_journal_loss(own, *journal, before);
  const bool told = open_without(loss, *journal, false);
  if (told) {
    truth_ = truth;
    static_cast<void>(open_without(loss, *journal, true));
    device_.zones() = whole;
  } else if (loss.first < journal->groups.size()) {
    return;  // the store has gone on from there
  }
  truth_ = truth;
  truth_.keep_history(false);
  open(false);
  static_cast<void>(drain_close());
}

}  // namespace furrow::sim
