// Which of the groups that verify are the store's journal, and what they say, applied to what is left of its trees.
//
// Groups name the checksum of the one before them. With a superblock the chain begins at its head and goes on while there
// is a next one; of several that follow on one group, that of the highest epoch does. Without one it is followed back from
// the newest group as far as it goes.
//
// Invariants
//   J1  A group that the open which wrote the superblock did without is none of the chain (FORMAT.md, section 8).
//   J2  Groups behind a gap are not applied where the head is known; they are counted.
#pragma once

#include "furrow/salvage/rebuilt_store.hpp"

namespace furrow::cli {

struct journal_told {
  std::uint64_t applied = 0;  ///< Groups.
  std::uint64_t left = 0;     ///< With records behind the last that was applied.
};

[[nodiscard]] journal_told apply_journal(raw_device& device, const survey& from, rebuilt_store& to);

}  // namespace furrow::cli
