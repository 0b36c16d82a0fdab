#include "core/splitter.hpp"

#include <algorithm>

#include "core/assert.hpp"
#include "core/limits.hpp"

namespace furrow::core {

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

ordered_extent split_front(ordered_extent& extent, std::uint64_t blocks) {
  FURROW_ASSERT(blocks > 0 && blocks < extent.blocks);
  FURROW_ASSERT(extent.blocks_left == 0 && !extent.failed);
  const auto boundary = std::find_if(extent.pieces.begin(), extent.pieces.end(),
                                     [blocks](const landed_piece& p) { return p.first_block >= blocks; });
  FURROW_ASSERT(boundary != extent.pieces.end() && boundary->first_block == blocks);
  ordered_extent front;
  front.sums.reserve(blocks);
  front.pieces.reserve(static_cast<std::size_t>(boundary - extent.pieces.begin()));

  front.owner = extent.owner;
  front.object_block = extent.object_block;
  front.blocks = blocks;
  front.cls = extent.cls;
  front.pinned = {extent.pinned.object_block, blocks, extent.pinned.reserved};
  const auto sums_end =
      extent.sums.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(blocks, extent.sums.size()));
  front.sums.assign(extent.sums.begin(), sums_end);
  front.pieces.assign(extent.pieces.begin(), boundary);

  extent.sums.erase(extent.sums.begin(), sums_end);
  extent.pieces.erase(extent.pieces.begin(), boundary);
  for (landed_piece& p : extent.pieces) p.first_block -= blocks;
  extent.object_block += blocks;
  extent.blocks -= blocks;
  extent.pinned = {
      extent.pinned.object_block + blocks, extent.pinned.blocks - blocks, {extent.pinned.reserved.number + blocks}};
  return front;
}

walk_counts walk_landed(const ordered_extent& landed, const zoned::geometry& shape,
                        std::vector<format::object_extent>& to) {
  walk_counts counts;
  if (landed.pieces.size() == 1) {
    FURROW_ASSERT(landed.pieces[0].first_block == 0 && landed.pieces[0].where.blocks == landed.blocks);
    to.push_back({landed.object_block, landed.pieces[0].where});
    return counts;
  }
  ordered_extent extent;
  extent.object_block = landed.object_block;
  extent.blocks = landed.blocks;
  extent.pinned = landed.pinned;
  extent.pieces = landed.pieces;
  std::sort(extent.pieces.begin(), extent.pieces.end(),
            [](const landed_piece& a, const landed_piece& b) { return a.first_block < b.first_block; });
  while (extent.blocks > 0) {
    FURROW_ASSERT(!extent.pieces.empty() && extent.pieces.front().first_block == 0);
    const format::block_run first = extent.pieces.front().where;
    std::uint64_t run = 0;
    std::size_t taken = 0;
    for (const landed_piece& p : extent.pieces) {
      FURROW_ASSERT(p.first_block >= run);
      if (p.first_block != run || p.where.address != first.address.advanced(run) ||
          shape.zone_of(p.where.address) != shape.zone_of(first.address))
        break;
      run += p.where.blocks;
      ++taken;
    }
    counts.merges += taken - 1;
    const std::uint64_t object_block = extent.object_block;
    to.push_back({object_block, {first.address, static_cast<std::uint32_t>(run)}});
    if (run == extent.blocks) return counts;
    ++counts.splits;
    const ordered_extent front = split_front(extent, run);
    FURROW_ASSERT(front.blocks == run && front.object_block == object_block);
  }
  return counts;
}

}  // namespace furrow::core
