#include "core/splitter.hpp"

#include <algorithm>

#include "core/assert.hpp"
#include "core/limits.hpp"

namespace furrow::core {

namespace {

/// The piece is right behind the extent, in the object and in one zone.
bool goes_on(const format::object_extent& x, const landed_piece& p, const zoned::geometry& shape) {
  return x.object_block + x.where.blocks == p.object_block &&
         p.where.address == x.where.address.advanced(x.where.blocks) &&
         shape.zone_of(p.where.address) == shape.zone_of(x.where.address) &&
         p.where.blocks <= format::extent_blocks_max - x.where.blocks;
}

}  // namespace

bio cut_front(bio& b, command_room& room, std::vector<zoned::segment>& to) {
  std::uint64_t skip = b.first_block * block_bytes;
  std::uint64_t want = std::min(b.blocks, room.blocks) * block_bytes;
  std::uint64_t taken = 0;
  const std::size_t before = to.size();
  for (const zoned::segment& s : b.extent->source) {
    if (taken == want || to.size() - before == room.segments) break;
    if (skip >= s.bytes) {
      skip -= s.bytes;
      continue;
    }
    const std::uint64_t part = std::min<std::uint64_t>(s.bytes - skip, want - taken);
    to.push_back({s.data + skip, part});
    taken += part;
    skip = 0;
  }
  for (std::uint64_t over = taken % block_bytes; over > 0;) {  // the segments ran out inside a block
    zoned::segment& last = to.back();
    const std::uint64_t part = std::min<std::uint64_t>(over, last.bytes);
    last.bytes -= part;
    over -= part;
    taken -= part;
    if (last.bytes == 0) to.pop_back();
  }
  bio front{b.extent, b.first_block, taken / block_bytes, b.attempts};
  b.first_block += front.blocks;
  b.blocks -= front.blocks;
  room.blocks -= front.blocks;
  room.segments -= to.size() - before;
  return front;
}

walk_counts walk_landed(ordered_extent& landed, const zoned::geometry& shape, std::vector<format::object_extent>& to) {
  FURROW_ASSERT(landed.blocks_left == 0 && !landed.failed);
  const auto earlier = [](const landed_piece& a, const landed_piece& b) { return a.object_block < b.object_block; };
  if (!std::is_sorted(landed.pieces.begin(), landed.pieces.end(), earlier))
    std::sort(landed.pieces.begin(), landed.pieces.end(), earlier);
  walk_counts counts;
  std::uint64_t next = landed.object_block;
  for (const landed_piece& p : landed.pieces) {
    FURROW_ASSERT(p.object_block == next);
    next += p.where.blocks;
    if (!to.empty() && goes_on(to.back(), p, shape)) {
      to.back().where.blocks += p.where.blocks;
      ++counts.merges;
    } else {
      to.push_back({p.object_block, p.where});
      counts.splits += p.object_block != landed.object_block ? 1 : 0;
    }
  }
  FURROW_ASSERT(next == landed.object_block + landed.blocks);
  return counts;
}

}  // namespace furrow::core
