// Places where the core can be broken on purpose, so that it is seen what finds it. In the library there are none: the
// condition is the constant `false`. Who defines FURROW_CANARY for the sources that name it (tests/sim: furrow-sim-canary) has
// a core in which one canary at a time may sing.
//
// Invariants
//   Y1  A canary that does not sing changes nothing, in either build.
//   Y2  Only sources name canaries, no headers: a core may be linked from objects of both kinds.
//
// Not here: what each of them breaks, and what finds it (tests/sim/canaries.cpp).
#pragma once

#include <cstdint>

namespace furrow::core {

#if defined(FURROW_CANARY)

enum class canary : std::uint8_t {
  none,
  durable_before_flush,
  group_before_flush,
  landed_too_early,
  sum_unverified,
  sum_stored_wrong,
  reset_before_durable,
  reset_under_reader,
  order_swapped,
  stale_moved,
  place_assumed,
  short_ignored,
  reference_uncounted,
  freed_twice,
  quota_unheld,
  epoch_unchecked,
  torn_group_taken,
  superblock_before_pages,
  superblock_unflushed,
  journal_cut_too_far,
  tail_lost,
  room_promised_twice,
  space_denied,
  error_swallowed,
};

/// The one that sings.
inline canary singing = canary::none;

#define FURROW_CANARY_SINGS(name) (furrow::core::singing == furrow::core::canary::name)

#else

#define FURROW_CANARY_SINGS(name) false

#endif

}  // namespace furrow::core
