// The memory that an ordered extent is written from: what goes to the device as it is, and the sums of its blocks.
#pragma once

#include "core/context.hpp"
#include "core/segment_cursor.hpp"
#include "core/splitter.hpp"

namespace furrow::core {

[[nodiscard]] inline format::zone_class class_of(lifetime hint) {
  return static_cast<format::zone_class>(static_cast<std::uint8_t>(format::zone_class::unhinted) +
                                         static_cast<std::uint8_t>(hint));
}

/// Whether the device takes the memory as it is.
[[nodiscard]] inline bool usable_uncopied(std::span<const zoned::segment> segments, const context& c) {
  bool scattered = false;
  for (const zoned::segment& s : segments) {
    if (reinterpret_cast<std::uintptr_t>(s.data) % c.promises.memory_alignment_bytes != 0) return false;
    if (s.bytes % c.shape.lba_bytes != 0) return false;
    scattered = scattered || s.bytes % block_bytes != 0;
  }
  return !scattered || blocks_cuttable(segments, c.promises.segments_max) * block_bytes == zoned::total_bytes(segments);
}

/// Adds the sums of `blocks` blocks whose memory begins with that segment of the source, if the store keeps any.
inline void add_sums(const context& c, ordered_extent& e, std::size_t first_segment, std::uint64_t blocks) {
  if (!c.keeps_sums()) return;
  const zoned::segment& first = e.source[first_segment];
  if (first.bytes >= blocks * block_bytes) {  // nearly always
    for (std::uint64_t b = 0; b < blocks; ++b)
      e.sums.push_back(format::crc32c({first.data + b * block_bytes, block_bytes}));
    return;
  }
  segment_cursor from{std::span<const zoned::segment>{e.source}.subspan(first_segment)};
  for (std::uint64_t b = 0; b < blocks; ++b) e.sums.push_back(from.crc32c(block_bytes));
}

/// Takes room for an object: what it was promised first, which is told.
[[nodiscard]] bool reserve_for(context& c, object_state& o, std::uint64_t blocks, std::uint64_t* of_promise = nullptr);

}  // namespace furrow::core
