// What a device may make of a zone unasked, and what the core does about it.
//
// Found                how it shows                          what is done
//   read_only          report, or an append refused so       bad: no more writes; what lives in it is read on, and moved
//                                                            elsewhere (evacuation)
//   offline            report, or an append refused so       bad: its data are lost; reads of them fail with zone_offline
//   full_early         report: full, and there was room      full: appends go elsewhere, which is no failure of theirs
//                      report: full, all room submitted      the same, but nothing is told: what failed may have filled it
//   pointer_ahead      report: behind what was submitted     goes on from the write pointer; what is between is dead
//   pointer_behind     report: before what has landed        finished: no more writes until it is reset. Damage, if
//                                                            anything lives in it
//   unreported         report_trials_max reports fail        bad
//   write_failed       an append fails                       suspect: drained, reported, and then one of the above or:
//                        once since its reset                closed: written on only when there is no other room, and
//                                                            the first to be finished when a credit is needed
//                        zone_failures_max times             finished: no more writes until it is reset
//                        so in zone_trials_max uses          bad as soon as nothing lives in it: retired
//   unfinished         finish_trials_max finishes of it fail         left as it is: written on, if it may be; else bad. It
//                                                            is not finished again before its reset, and counts as
//                                                            active till then. Who finds no other zone fails, and is
//                                                            told which one it is
//   unwritable         reset_trials_max resets of it fail    bad: retired
//   (a limit)          an append refused with too_many_*     nothing of it landed. A closed or idle zone is given up, and
//                                                            it is tried again: as often as there is something to give
//                                                            up, then refusals_max times more; then it fails
//
// Where it shows: in the report that follows a failed write, in the one that follows a failed read, finish or reset
// (read_only and offline alone), and in the one of each open.
//
// A write of the journal that fails latches the store, whatever the cause (journal.hpp); so does a zone for pages that
// others' use of the device's limits denies for good.
//
// Not here: what of a failed append has landed (salvager).
#pragma once

#include <optional>

#include "core/zone_table.hpp"
#include "furrow/engine/event.hpp"

namespace furrow::core {

/// What an error of an append says beyond that it failed.
enum class refusal : std::uint8_t {
  none,       ///< Nothing: something may have landed.
  not_begun,  ///< It never came to the device.
  by_zone,    ///< Nothing landed; the zone is not what it was thought to be.
  by_limit    ///< Nothing landed; the device has too many open or active zones.
};
[[nodiscard]] refusal refusal_of(error_code of_append);

/// The device has made it read-only or offline: it takes no command that changes it, and is not active.
[[nodiscard]] inline bool has_turned(const zone_state& z) {
  return z.device.condition == zoned::zone_condition::offline || z.device.condition == zoned::zone_condition::read_only;
}

/// What becomes of a zone that was reported when none of its writes was in flight.
struct zone_verdict {
  enum class fate : std::uint8_t { go_on, pad, finish, full, bad };
  fate then = fate::go_on;
  std::optional<zone_change::kind> found;
  /// Full, and all its room was submitted: what failed in it has filled it, or found it full.
  bool in_doubt = false;
};
[[nodiscard]] zone_verdict judge(const zone_state& z, const zoned::zone_info& reported);

/// Whether a bio that failed in a zone with this verdict has failed by its zone's fault, as far as can be told: in
/// doubt it has, for that zone takes no more writes before its reset.
[[nodiscard]] bool is_blameless(const zone_verdict& v);

/// What the core believes the device would say of the zone.
[[nodiscard]] zone_change::state expected_state(const zone_state& z);

/// One line for people.
[[nodiscard]] const char* sentence(zone_change::kind k);

}  // namespace furrow::core
