// What a change in the middle of an object comes to, block by block: which blocks are written, which become a hole,
// whose old bytes are needed for it, and where the object ends afterwards. Values in, values out.
//
//   an object      |  block  |  block  |  block  | tail.. end
//                  ^ 0                           ^ tail_begin: the bytes behind it are in memory, not in a block
//
//   write [p, q)      blocks that it meets are written, those that it meets in part with their old bytes around it. What
//                     it reaches of the last, partial block is the new tail. Behind the old end, bytes between are zeros
//   zero [p, q)       whole blocks become a hole; of those that it meets in part the rest is written again. With
//                     `extends`, the object reaches at least to q
//   truncate to n     all blocks from n's on become a hole, n's own bytes in front of n are the new tail
//
// Invariants
//   D1  Blocks to be written lie below the new tail_begin; the hole does not meet them.
//   D2  If tail_begin moves past the old tail's block, that block is written, kept_tail, or part of the range.
//   D3  Only blocks below the old tail_begin are read.
//
// Not here: memory, maps, the device (direct_writer).
#pragma once

#include <cstdint>
#include <optional>

#include "core/limits.hpp"

namespace furrow::core {

/// Where an object ends.
struct end_shape {
  std::uint64_t bytes = 0;
  [[nodiscard]] std::uint64_t tail_begin() const { return bytes / block_bytes * block_bytes; }
};

struct direct_plan {
  end_shape end;                  ///< Afterwards.
  bool sets_end = false;          ///< The end or the tail changes.
  std::uint64_t first_block = 0;  ///< Of a write: one run of blocks,
  std::uint64_t end_block = 0;    ///< which may be empty.
  std::uint64_t hole_first = 0;
  std::uint64_t hole_end = 0;
  std::optional<std::uint64_t> head;  ///< Blocks changed in part, whose old bytes are to be read.
  std::optional<std::uint64_t> last;  ///< May be the same block.
  std::optional<std::uint64_t> cut;   ///< The block whose front becomes the tail; to be read.
  bool kept_tail = false;             ///< The old tail's block is written for itself.

  /// Blocks of room that it takes.
  [[nodiscard]] std::uint64_t blocks() const {
    const std::uint64_t run = end_block - first_block;
    const std::uint64_t single = run > 0 ? 0 : (head ? 1u : 0u) + (last && last != head ? 1u : 0u);
    return run + single + (kept_tail ? 1 : 0);
  }
};

/// 0 < first_byte < end_byte, in the object.
[[nodiscard]] direct_plan plan_write(const end_shape& now, std::uint64_t first_byte, std::uint64_t end_byte);
/// Its head and last blocks are single ones of their own, not part of first_block..end_block.
[[nodiscard]] direct_plan plan_zero(const end_shape& now, std::uint64_t first_byte, std::uint64_t end_byte,
                                    bool extends);
/// What a clone to [first_byte, end_byte) does to the end: it writes no blocks but the old tail's.
[[nodiscard]] direct_plan plan_clone(const end_shape& now, std::uint64_t first_byte, std::uint64_t end_byte);
/// bytes < now.bytes
[[nodiscard]] direct_plan plan_truncate(const end_shape& now, std::uint64_t bytes);

}  // namespace furrow::core
