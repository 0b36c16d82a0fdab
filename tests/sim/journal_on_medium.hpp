// The journal as a device has it: the chain of groups behind the last checkpoint, found without the engine.
//
// Invariants
//   I1  Of a store that was closed or cut off in the epoch of its last checkpoint: nothing of what is found belongs to an earlier
//       life. Else there is none.
//
// Not here: what an open makes of it (core/journal_scan), what may be done to it (simulation_journal.cpp).
#pragma once

#include <optional>
#include <vector>

#include "format/group.hpp"
#include "format/superblock.hpp"
#include "format/zone_header.hpp"
#include "furrow/engine/types.hpp"
#include "memory/memory_zones.hpp"

namespace furrow::sim {

struct journal_on_medium {
  struct found_group {
    format::group_header header;
    zoned::place at;
    [[nodiscard]] bool empty() const { return header.record_count == 0; }
  };
  format::superblock super;
  std::vector<zoned::zone_index> zones;  ///< Of the chain, in its order.
  std::vector<found_group> groups;
  std::optional<zoned::zone_index> kept;  ///< The zone that it goes on in, with nothing in it yet.

  /// The first group of that zone, or behind it.
  [[nodiscard]] std::size_t first_in(zoned::zone_index zone) const;
  /// The last sequence of the state in which this group and all behind it are missing.
  [[nodiscard]] furrow::sequence sequence_before(std::size_t first) const;
  /// Whether nothing is published by this group or one behind it.
  [[nodiscard]] bool is_idle_from(std::size_t first) const;
};

[[nodiscard]] std::optional<journal_on_medium> read_journal(const zoned::memory_zones& zones);

}  // namespace furrow::sim
