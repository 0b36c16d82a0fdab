// Which of the groups that verify are the store's journal, and what they say, applied to what is left of its trees.
//
// Groups name the checksum of the one before them. From the head that a superblock names the chain goes on while there is a
// next one; of several that follow on one group, that of the highest epoch does. Without a superblock its end is the newest
// group. It is followed back as far as it goes, also to before the head: what leaves that are lost had said may stand there.
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
