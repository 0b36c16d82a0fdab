// Which of the claims to an object's blocks is the newest, as far as that can be told.
//
// A claim is what one run or hint says: these blocks of the object are what lies there. Claims outlive what they say, until
// their zone is reset; so a block that was written over is claimed by its old place and by its new one. When a claim became
// true is known within bounds: of sequences (its zone was opened then, and had its last publication then), and of epochs.
//
//   before(a, b)   a's bounds end before b's begin; or both are runs of one zone, and a lies before b: blocks of one object
//                  that overlap are written one after the other
//
// Invariants
//   O1  A block goes to the claim that no other one is behind. Where several are left, and their sums do not show that they
//       are the same bytes, none of them has it: it is undecided.
//   O2  Of a place that runs give to different blocks nothing is taken: it is undecided who has it.
//   O3  What is answered ascends and does not overlap.
//   O4  Claims that overlap too much to be compared in bounded time are undecided.
//   O5  A move that passes an overwriting of the same block on its way to the same zone is taken for the newer one.
//
// Not here: where claims come from (zone_claims.hpp), whether the bytes are what their sums say (rebuilt_store.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "furrow/engine/types.hpp"

namespace furrow::cli {

/// When something became true, first and last inclusive.
struct time_bounds {
  std::uint64_t first = 0;
  std::uint64_t last = ~std::uint64_t{0};
};

struct block_claim {
  object_id object = 0;
  std::uint64_t object_block = 0;
  std::uint32_t blocks = 0;
  zoned::zone_index zone;
  std::uint32_t block = 0;  ///< In the zone.
  bool hint = false;        ///< Not the run's own object.
  bool disputed = false;    ///< Another run gives the same place to another block.
  time_bounds sequence;
  time_bounds epoch;

  [[nodiscard]] std::uint64_t end() const { return object_block + blocks; }
  /// The same, of a part of its blocks.
  [[nodiscard]] block_claim part(std::uint64_t first, std::uint64_t end) const;
};

enum class claim_answer { one, several, disputed };
struct claimed_extent {
  block_claim where;
  claim_answer answer = claim_answer::one;
};

/// Whether two claims of as many blocks are known to be of the same bytes.
using same_bytes = std::function<bool(const block_claim&, const block_claim&)>;

/// `claims` are all of one object.
[[nodiscard]] std::vector<claimed_extent> newest_of(std::vector<block_claim> claims, const same_bytes& same);

}  // namespace furrow::cli
