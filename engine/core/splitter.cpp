#include "core/splitter.hpp"

#include <algorithm>

#include "core/assert.hpp"
#include "core/in_flight_map.hpp"
#include "core/limits.hpp"
#include "furrow/engine/error.hpp"

namespace furrow::core {

namespace {

/// The piece is right behind the extent, in the object and in one zone.
bool goes_on(const format::object_extent& x, const landed_piece& p, const zoned::geometry& shape) {
  return x.object_block + x.where.blocks == p.object_block &&
         p.where.address == x.where.address.advanced(x.where.blocks) &&
         shape.zone_of(p.where.address) == shape.zone_of(x.where.address) &&
         p.where.blocks <= format::extent_blocks_max - x.where.blocks;
}

/// A place in the memory of an ordered extent: so many whole segments, and bytes of the one behind them.
struct memory_place {
  std::size_t segments = 0;
  std::size_t bytes = 0;
};

memory_place place_in(const sliding_list<zoned::segment>& source, std::uint64_t bytes) {
  memory_place at;
  while (bytes > 0 && bytes >= source[at.segments].bytes) bytes -= source[at.segments++].bytes;
  at.bytes = bytes;
  return at;
}

std::size_t pieces_before(const ordered_extent& e, std::uint64_t object_block) {
  const landed_piece* const at =
      std::lower_bound(e.pieces.begin(), e.pieces.end(), object_block,
                       [](const landed_piece& p, std::uint64_t block) { return p.object_block < block; });
  return static_cast<std::size_t>(at - e.pieces.begin());
}

/// Where `blocks` of it end, in each of its lists.
struct cut {
  std::uint64_t blocks = 0;
  memory_place memory;
  std::size_t pieces = 0;
};

cut cut_at(const ordered_extent& e, std::uint64_t blocks) {
  const memory_place memory = e.source.empty() ? memory_place{} : place_in(e.source, blocks * block_bytes);
  return {blocks, memory, pieces_before(e, e.object_block + blocks)};
}

/// A piece begins there, or nothing has landed.
bool between_pieces(const ordered_extent& e, const cut& c) {
  return e.pieces.empty() ||
         (c.pieces < e.pieces.size() && e.pieces[c.pieces].object_block == e.object_block + c.blocks);
}

split_refusal refusal(const ordered_extent& e) {
  if (e.failed) return split_refusal::failed;
  if (e.bios_in_flight > 0) return split_refusal::in_progress;
  if (e.blocks_left == e.blocks) return e.begun ? split_refusal::in_progress : split_refusal::none;
  return e.blocks_left > 0 ? split_refusal::partly_landed : split_refusal::none;
}

ordered_extent_ptr make_part(const ordered_extent& e, const cut& from, const cut& to) {
  return e.home().try_make({to.memory.segments - from.memory.segments + (to.memory.bytes > 0 ? 1 : 0),
                            static_cast<std::size_t>(to.blocks - from.blocks), to.pieces - from.pieces});
}

/// Makes `part` what lies from one cut to the other. Cannot fail: it has the room.
void fill(ordered_extent& part, ordered_extent& e, const cut& from, const cut& to) noexcept {
  const std::uint64_t blocks = to.blocks - from.blocks;
  part.owner = e.owner;
  part.object_block = e.object_block + from.blocks;
  part.blocks = blocks;
  part.blocks_left = e.blocks_left == 0 ? 0 : blocks;
  part.reserved_blocks = e.reserved_blocks == 0 ? 0 : blocks;
  part.cls = e.cls;
  part.urgent = e.urgent;
  part.begun = e.begun;
  part.pinned = {e.pinned.object_block + from.blocks, blocks, {e.pinned.reserved.number + from.blocks}};
  part.pieces.append({e.pieces.data() + from.pieces, to.pieces - from.pieces});
  if (e.source.empty()) return;
  part.sums.append({e.sums.data() + from.blocks, blocks});
  const std::size_t segments = to.memory.segments - from.memory.segments + (to.memory.bytes > 0 ? 1 : 0);
  part.source.append({e.source.data() + from.memory.segments, segments});
  if (to.memory.bytes > 0) part.source.back().bytes = to.memory.bytes;
  part.source.front().data += from.memory.bytes;
  part.source.front().bytes -= from.memory.bytes;
  part.memory_of = e.copy ? ordered_extent_ptr{&e} : e.memory_of;
}

/// What is left of it between the cuts.
void shorten(ordered_extent& e, const cut& from, const cut& to) noexcept {
  const std::uint64_t blocks = to.blocks - from.blocks;
  e.object_block += from.blocks;
  e.blocks = blocks;
  e.blocks_left = e.blocks_left == 0 ? 0 : blocks;
  e.reserved_blocks = e.reserved_blocks == 0 ? 0 : blocks;
  e.pinned = {e.pinned.object_block + from.blocks, blocks, {e.pinned.reserved.number + from.blocks}};
  e.pieces.keep_front(to.pieces);
  e.pieces.drop_front(from.pieces);
  if (e.source.empty()) return;
  e.sums.keep_front(to.blocks);
  e.sums.drop_front(from.blocks);
  e.source.keep_front(to.memory.segments + (to.memory.bytes > 0 ? 1 : 0));
  if (to.memory.bytes > 0) e.source.back().bytes = to.memory.bytes;
  e.source.drop_front(from.memory.segments);
  e.source.front().data += from.memory.bytes;
  e.source.front().bytes -= from.memory.bytes;
}

}  // namespace

command_room room_of(std::uint64_t append_bytes_max, std::uint64_t zone_blocks, std::uint64_t segments_max) {
  return {std::min(append_bytes_max / block_bytes, zone_blocks), segments_max};
}

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

std::uint64_t blocks_cuttable(std::span<const zoned::segment> source, std::uint64_t segments_max) {
  std::uint64_t blocks = 0, of_block = 0, segments = 0;
  for (const zoned::segment& s : source) {
    if (s.bytes == 0) continue;
    if (++segments > segments_max) return blocks;
    of_block += s.bytes;
    if (of_block < block_bytes) continue;
    blocks += of_block / block_bytes;
    of_block %= block_bytes;
    segments = of_block > 0 ? 1 : 0;
  }
  return blocks;
}

error_code error_of(split_refusal why, const ordered_extent& e) {
  if (why == split_refusal::none) return {};
  if (why == split_refusal::failed) return e.error;
  if (why == split_refusal::out_of_memory)
    return boost::system::errc::make_error_code(boost::system::errc::not_enough_memory);
  return errc::invalid_argument;
}

split_parts split(ordered_extent& e, std::uint64_t pre, std::uint64_t post) {
  if (pre >= e.blocks || post >= e.blocks - pre) return {split_refusal::length, {}, {}};
  if (const split_refusal why = refusal(e); why != split_refusal::none) return {why, {}, {}};
  const cut begin, end{e.blocks, {e.source.size(), 0}, e.pieces.size()};
  const cut first = pre > 0 ? cut_at(e, pre) : begin;
  const cut last = post > 0 ? cut_at(e, e.blocks - post) : end;
  if ((pre > 0 && !between_pieces(e, first)) || (post > 0 && !between_pieces(e, last)))
    return {split_refusal::inside_piece, {}, {}};
  split_parts parts;
  if (pre > 0 && !(parts.pre = make_part(e, begin, first))) return {split_refusal::out_of_memory, {}, {}};
  if (post > 0 && !(parts.post = make_part(e, last, end))) return {split_refusal::out_of_memory, {}, {}};

  if (pre > 0) fill(*parts.pre, e, begin, first);
  if (post > 0) fill(*parts.post, e, last, end);
  shorten(e, first, last);
  if (e.in_flight != nullptr) e.in_flight->put_beside(e, parts.pre.get(), parts.post.get());
  return parts;
}

extraction extract(ordered_extent_ptr& stash, std::uint64_t blocks) {
  if (blocks == stash->blocks) return {split_refusal::none, std::move(stash)};
  if (blocks == 0) return {split_refusal::length, {}};
  split_parts parts = split(*stash, blocks, 0);
  return {parts.why, std::move(parts.pre)};
}

walk_counts walk_landed(const ordered_extent& landed, const zoned::geometry& shape,
                        std::vector<format::object_extent>& to) {
  FURROW_ASSERT(landed.blocks_left == 0 && !landed.failed);
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
