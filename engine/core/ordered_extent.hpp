// The promise that blocks of an object are being written, and the pinned map entry that goes with it.
//
// States of an ordered extent
//   gathering  not begun: later appends may join           -> open
//   open       bytes are missing               -> landed (the last piece) | failed
//   landed     every block has its place       -> published, once (publisher)
//   failed     a block will not land           -> dropped, once; its landed pieces are dead
//
// Invariants
//   I1  the sum of blocks of pieces + blocks_left == blocks, in the states open and landed; pieces do not overlap.
//   I2  The pinned entry covers exactly the blocks of its ordered extent; its address is a reservation, of a type that
//   does not
//       convert to a device address.
//   I3  sums.size() == blocks: a sum goes where its block goes, whatever is split.
//   I4  Until it is begun it may grow at its end; then never.
//
// Not here: cutting (splitter), sending (data_writer), making visible (publisher).
#pragma once

#include <vector>

#include "core/buffer.hpp"
#include "format/types.hpp"
#include "furrow/zoned/command.hpp"

namespace furrow::core {

struct publication;

/// Stands in a pinned map entry for the place that the device has not yet chosen.
struct reservation_address {
  std::uint64_t number = 0;
  friend constexpr auto operator<=>(reservation_address, reservation_address) = default;
};

/// An extent map entry in flight: readers don't see it.
struct pinned_extent {
  std::uint64_t object_block = 0;
  std::uint64_t blocks = 0;
  reservation_address reserved;
};

/// Where consecutive blocks of an ordered extent landed.
struct landed_piece {
  std::uint64_t first_block = 0;  ///< In the ordered extent.
  format::block_run where;
};

struct ordered_extent {
  publication* owner = nullptr;
  std::uint64_t object_block = 0;  ///< First block, in the object.
  std::uint64_t blocks = 0;
  std::uint64_t blocks_left = 0;
  format::zone_class cls = format::zone_class::unhinted;
  bool urgent = false;
  bool begun = false;  ///< Its first bio is cut: it grows no more.
  bool failed = false;
  error_code error;
  pinned_extent pinned;
  std::vector<zoned::segment> source;  ///< blocks * block_bytes of held memory.
  std::vector<std::uint32_t> sums;
  std::vector<landed_piece> pieces;
  std::uint32_t bios_in_flight = 0;  ///< Queued or sent.
  std::uint64_t splits = 0;          ///< Counted by the walk.
  std::uint64_t merges = 0;
  buffer copy;  ///< What source points into, if the caller's memory could not be used.

  /// As new, but for the memory of its lists.
  void clear() {
    source.clear();
    sums.clear();
    pieces.clear();
    *this = ordered_extent{.source = std::move(source), .sums = std::move(sums), .pieces = std::move(pieces)};
  }
};

}  // namespace furrow::core
