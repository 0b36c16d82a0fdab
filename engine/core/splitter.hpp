// The one place that cuts: bios to what a zone and a command take, ordered extents and pinned entries to where bytes
// landed.
//
// Invariants
//   S1  A cut bio is whole blocks, at least one; the cuts of an ordered extent cover it once, in order.
//   S2  split_front() changes both maps or neither; lengths, sums and pieces are partitioned exactly, counters keep
//       their totals.
//   S3  The walk merges neighbours that landed contiguously in one zone and splits at every gap; its
//       extents ascend in the object.
//
// Not here: which zone a bio goes to (data_writer), what is done with the extents (publisher).
#pragma once

#include "core/ordered_extent.hpp"
#include "format/record.hpp"
#include "furrow/zoned/geometry.hpp"

namespace furrow::core {

/// Part of an ordered extent on its way to the device: the unit of place, length and sums.
struct bio {
  ordered_extent* extent = nullptr;
  std::uint64_t first_block = 0;  ///< In the ordered extent.
  std::uint64_t blocks = 0;
  std::uint32_t attempts = 0;
};

/// What one command can still take.
struct command_room {
  std::uint64_t blocks = 0;
  std::uint64_t segments = 0;
};

/// Cuts the front of `b` that fits into `room`, appends its memory to `to` and takes it off `b` and `room`. A bio of no
/// blocks: nothing fits.
[[nodiscard]] bio cut_front(bio& b, command_room& room, std::vector<zoned::segment>& to);

struct walk_counts {
  std::uint64_t splits = 0;
  std::uint64_t merges = 0;
};
/// Adds the extents of a landed ordered extent to those of its record, in file order, and puts its pieces in that order.
/// Of several ordered extents of one record each is walked in turn: what touches merges across them.
walk_counts walk_landed(ordered_extent& landed, const zoned::geometry& shape, std::vector<format::object_extent>& to);

}  // namespace furrow::core
