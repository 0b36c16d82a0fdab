// Whether a store has all that it should have, and what it lacks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace furrow {

struct store_health {
  /// Something is lost, or at risk: one of the counts up to `damaged` says what. A zone that is gone with nothing left in it
  /// costs room, and no more.
  bool degraded = false;
  std::uint64_t lost_bytes = 0;     ///< Of data, in zones that are offline; scrub_options::lost_only names them.
  std::uint64_t at_risk_bytes = 0;  ///< Of data in zones that are read-only: they are being moved.
  std::uint64_t pages_at_risk = 0;  ///< Copies of pages in zones that are read-only or offline.
  std::uint32_t superblock_copies_lost = 0;  ///< Of two.
  std::uint64_t journal_lost_from = 0;  ///< What was published from this sequence on is lost with a zone; 0: nothing.
  bool damaged = false;                 ///< Something did not verify since the store was opened.
  std::uint32_t zones_retired = 0;      ///< Read-only or offline once: not used any more.
  std::uint32_t zones_bad = 0;          ///< Not used because commands to them failed.
  std::vector<std::string> reasons{};   ///< One line each; none if it is not degraded.
};

}  // namespace furrow
