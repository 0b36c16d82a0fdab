// The one place that cuts: bios to what a zone and a command take, ordered extents and their pinned entries to where
// somebody stops, extents to where bytes landed.
//
// What split() does to an ordered extent of N blocks at object block F with the reservation R, M = N - pre - post
//   pre, post    before it                      it, in place                           behind it
//   0, 0         -                              (F, R, N)                              -
//   0, post      -                              (F, R, M)                              (F + M, R + M, post)
//   pre, 0       (F, R, pre)                    (F + pre, R + pre, M)                  -
//   pre, post    (F, R, pre)                    (F + pre, R + pre, M)                  (F + pre + M, R + pre + M, post)
//
// Invariants
//   S1  A cut bio is whole blocks, at least one; the cuts of an ordered extent cover it once, in order.
//   S2  A split allocates all it needs, then changes both maps in one step that cannot fail. A refused one changes
//       nothing.
//   S3  Lengths, sums, memory, pieces and reservations are partitioned exactly; class, urgency and owner are the same in
//       all parts. What stood in an in_flight_map still does, with its parts beside it, and nothing is looked up.
//   S4  The walk merges neighbours that landed contiguously in one zone and divides at every gap; its extents ascend in
//       the object.
//
// Not here: which zone a bio goes to (data_writer), what is done with the extents (publisher). A publication counts its
// ordered extents itself.
#pragma once

#include <span>

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
/// A command's limits in whole blocks: of what an append takes and of what the zone has left, the smaller.
[[nodiscard]] command_room room_of(std::uint64_t append_bytes_max, std::uint64_t zone_blocks,
                                   std::uint64_t segments_max);

/// Cuts the front of `b` that fits into `room`, appends its memory to `to` and takes it off `b` and `room`. A bio of no
/// blocks: nothing fits, and nothing is changed.
[[nodiscard]] bio cut_front(bio& b, command_room& room, std::vector<zoned::segment>& to);

/// How many blocks at the front of `source` a command of so many segments takes, one command each at the worst. The
/// block behind them is in more pieces of memory than any command may have: it must be copied.
[[nodiscard]] std::uint64_t blocks_cuttable(std::span<const zoned::segment> source, std::uint64_t segments_max);

/// Why a split was refused.
enum class split_refusal : std::uint8_t {
  none,
  length,         ///< Nothing would be left in the middle.
  failed,         ///< The ordered extent has failed: its `error` says why.
  in_progress,    ///< It is with the data writer.
  partly_landed,  ///< Some of its blocks are on the device and some are not.
  inside_piece,   ///< It has landed, but not in pieces that end there.
  out_of_memory,
};
/// What an operation that needed the split is answered with.
[[nodiscard]] error_code error_of(split_refusal why, const ordered_extent& e);

/// The new parts, each held by whom it is returned to. None where no blocks were asked for.
struct split_parts {
  split_refusal why = split_refusal::none;
  ordered_extent_ptr pre;
  ordered_extent_ptr post;
};

/// Splits `pre` blocks off the front and `post` off the end: `e` is what lies between. It has not been begun, or has
/// fully landed in pieces that end there.
[[nodiscard]] split_parts split(ordered_extent& e, std::uint64_t pre, std::uint64_t post);

struct extraction {
  split_refusal why = split_refusal::none;
  ordered_extent_ptr front;
};
/// The ordered extent of a bio of the first `blocks` of `stash`; the stash is what lies behind, the same ordered extent
/// as before, or none if the bio is all of it. Refused: the stash is as it was.
[[nodiscard]] extraction extract(ordered_extent_ptr& stash, std::uint64_t blocks);

struct walk_counts {
  std::uint64_t splits = 0;
  std::uint64_t merges = 0;
};
/// Adds the extents of a landed ordered extent to those of its record, in file order. Of several ordered extents of one
/// record each is walked in turn: what touches merges across them.
walk_counts walk_landed(const ordered_extent& landed, const zoned::geometry& shape,
                        std::vector<format::object_extent>& to);

}  // namespace furrow::core
