// How many zones may be active at once, and who has how many of them: values in, values out.
//
//   superblock   one for each copy whose ring is in sequential zones
//   metadata     one for each copy of pages, of which the first is the journal's too; with enough of them the journal's is
//                one more. None if metadata keeps to conventional zones
//   data         one for each stream; the classes of lifetime, and the generations of the cleaner, share what there are
//                (placement::folded). One stream is the users' and the cleaner's together
//   spare        what is left: for zones that are on their way to be full or finished, and for the zone that a stream takes
//                next, which is prepared before the one before it is full
//
// Invariants
//   B1  Each has one at least, or the limit is below the least() that a store needs.
//   B2  Together they are no more than the limit.
//   B3  With a larger limit nobody has fewer.
//
// Not here: which zones they are (zone_table), what is written to them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "core/placement.hpp"

namespace furrow::core {

struct budget_question {
  std::optional<std::uint32_t> active_max;  ///< Of the device, and of its open zones: none is no limit.
  std::optional<std::uint32_t> open_max;
  std::uint32_t sequential_rings = 2;  ///< Copies of the superblock in sequential zones.
  std::uint32_t page_copies = 1;
  bool confined = false;           ///< Metadata has conventional zones enough, and takes no others.
  std::uint32_t data_zones = ~0u;  ///< Zones that data may have: each stream may keep one that is not full.
};

struct zone_budget {
  std::optional<std::uint32_t> limit;  ///< Of active zones, by our own doing.
  std::uint32_t superblock = 0;
  std::uint32_t metadata = 0;
  bool journal_apart = true;  ///< Its zone is not one of those that pages go to.
  std::uint32_t data = 1;     ///< Streams.
  std::uint32_t spare = ~0u;

  /// What a store needs.
  [[nodiscard]] static constexpr std::uint32_t least(const budget_question& q) {
    return q.sequential_rings + (q.confined ? 0 : q.page_copies) + 1;
  }
  [[nodiscard]] static constexpr zone_budget divide(const budget_question& q) {
    constexpr std::uint32_t zones_per_stream_min = 8;
    const std::uint32_t streams_max = std::clamp<std::uint32_t>(q.data_zones / zones_per_stream_min, 1,
                                                                static_cast<std::uint32_t>(placement::streams_max));
    const std::uint32_t apart = q.confined ? 0 : q.page_copies + 1;
    zone_budget b;
    b.superblock = q.sequential_rings;
    b.metadata = apart;
    b.data = streams_max;
    b.limit = q.active_max;
    // A device may refuse to open a closed zone again though another could be closed for it: so the active ones are kept
    // within what may be open, as far as a store can do with it.
    if (b.limit && q.open_max && *q.open_max < *b.limit)
      b.limit = std::max(*q.open_max, std::min(*b.limit, q.sequential_rings + apart + 1));
    if (!b.limit) return b;
    const std::uint32_t limit = *b.limit;
    if (limit < b.superblock + apart + 1 && !q.confined) {
      b.journal_apart = false;
      b.metadata = q.page_copies;
    }
    const std::uint32_t others = b.superblock + b.metadata;
    b.data = std::clamp<std::uint32_t>(limit > others ? limit - others : 1, 1, streams_max);
    b.spare = limit > others + b.data ? limit - others - b.data : 0;
    return b;
  }
};

}  // namespace furrow::core
