#include "core/splitter.hpp"

#include <algorithm>
#include <utility>

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

/// Where a part ends, in the lists of what it is cut off: so many whole segments, bytes of the one behind them, so many
/// pieces.
struct cut {
  std::size_t segments = 0;
  std::size_t bytes = 0;
  std::size_t pieces = 0;
  [[nodiscard]] std::size_t segments_before() const { return segments + (bytes > 0 ? 1 : 0); }
};

/// Both look only at what the part takes along. False: a piece lies across.
[[gnu::always_inline]] inline bool find_front_cut(const ordered_extent& e, std::uint64_t blocks, cut& c) {
  std::uint64_t bytes = e.source.empty() ? 0 : blocks * block_bytes;
  const zoned::segment* s = e.source.begin();
  for (; bytes > 0 && bytes >= s->bytes; ++s) bytes -= s->bytes;
  c.segments = static_cast<std::size_t>(s - e.source.begin());
  c.bytes = bytes;
  if (e.pieces.empty()) return true;
  const std::uint64_t end = e.object_block + blocks;
  const landed_piece* p = e.pieces.begin();
  while (p != e.pieces.end() && p->object_block < end) ++p;
  c.pieces = static_cast<std::size_t>(p - e.pieces.begin());
  return p != e.pieces.end() && p->object_block == end;
}

bool find_back_cut(const ordered_extent& e, std::uint64_t blocks, cut& c) {
  std::uint64_t bytes = e.source.empty() ? 0 : blocks * block_bytes;
  const zoned::segment* s = e.source.end();
  while (bytes > 0 && bytes >= s[-1].bytes) bytes -= (--s)->bytes;
  if (bytes > 0) c.bytes = (--s)->bytes - bytes;
  c.segments = static_cast<std::size_t>(s - e.source.begin());
  if (e.pieces.empty()) return true;
  const std::uint64_t begin = e.object_block + e.blocks - blocks;
  const landed_piece* p = e.pieces.end();
  while (p != e.pieces.begin() && p[-1].object_block >= begin) --p;
  c.pieces = static_cast<std::size_t>(p - e.pieces.begin());
  return p != e.pieces.end() && p->object_block == begin;
}

inline split_refusal refusal(const ordered_extent& e) {
  if (e.failed) return split_refusal::failed;
  if (e.bios_in_flight > 0) return split_refusal::in_progress;
  if (e.blocks_left == e.blocks) return e.begun ? split_refusal::in_progress : split_refusal::none;
  return e.blocks_left > 0 ? split_refusal::partly_landed : split_refusal::none;
}

/// Data may have none.
[[nodiscard]] inline std::uint64_t sums_at(const ordered_extent& e, std::uint64_t blocks) {
  return e.sums.empty() ? 0 : blocks;
}

/// What the part takes along from the block `from` of `e` on, in both maps; `e` has that much less.
[[gnu::always_inline]] inline void hand_over(ordered_extent& part, ordered_extent& e, std::uint64_t from,
                                             std::uint64_t blocks) noexcept {
  const std::uint64_t left = e.blocks_left == 0 ? 0 : blocks;
  const std::uint64_t reserved = e.reserved_blocks == 0 ? 0 : blocks;
  part.owner = e.owner;
  part.object_block = e.object_block + from;
  part.blocks = blocks;
  part.blocks_left = left;
  part.reserved_blocks = reserved;
  part.cls = e.cls;
  part.urgent = e.urgent;
  part.begun = e.begun;
  part.pinned = {e.pinned.object_block + from, blocks, {e.pinned.reserved.number + from}};
  if (e.copy)
    part.memory_of = &e;
  else if (e.memory_of)
    part.memory_of = e.memory_of;
  e.blocks -= blocks;
  e.pinned.blocks -= blocks;
  e.blocks_left -= left;
  e.reserved_blocks -= reserved;
}

[[gnu::always_inline]] inline void move_front(ordered_extent& e, ordered_extent& part, std::uint64_t blocks,
                                              const cut& c) noexcept {
  hand_over(part, e, 0, blocks);
  part.pieces.append_reserved(e.pieces.data(), c.pieces);
  e.object_block += blocks;
  e.pinned.object_block += blocks;
  e.pinned.reserved.number += blocks;
  e.pieces.drop_front(c.pieces);
  if (e.source.empty()) return;  // nor are there sums yet
  const std::uint64_t sums = sums_at(e, blocks);
  part.sums.copy_reserved(e.sums.data(), sums);
  part.source.append_reserved(e.source.data(), c.segments_before());
  if (c.bytes > 0) part.source.back().bytes = c.bytes;
  e.sums.drop_front(sums);
  e.source.drop_front(c.segments);
  e.source.front().data += c.bytes;
  e.source.front().bytes -= c.bytes;
}

void move_back(ordered_extent& e, ordered_extent& part, std::uint64_t blocks, const cut& c) noexcept {
  const std::uint64_t from = e.blocks - blocks;
  hand_over(part, e, from, blocks);
  part.pieces.append_reserved(e.pieces.data() + c.pieces, e.pieces.size() - c.pieces);
  e.pieces.keep_front(c.pieces);
  if (e.source.empty()) return;
  const std::uint64_t sums = sums_at(e, blocks), sums_kept = sums_at(e, from);
  part.sums.copy_reserved(e.sums.data() + sums_kept, sums);
  part.source.append_reserved(e.source.data() + c.segments, e.source.size() - c.segments);
  part.source.front().data += c.bytes;
  part.source.front().bytes -= c.bytes;
  e.sums.keep_front(sums_kept);
  e.source.keep_front(c.segments_before());
  if (c.bytes > 0) e.source.back().bytes = c.bytes;
}

/// All of it, if it is the whole ordered extent and fits.
bool cut_whole(bio& b, command_room& room, std::vector<zoned::segment>& to) {
  const auto& source = b.extent->source;
  if (b.blocks != b.extent->blocks || b.blocks > room.blocks || source.size() > room.segments) return false;
  to.insert(to.end(), source.begin(), source.end());
  room.blocks -= b.blocks;
  room.segments -= source.size();
  b.first_block += std::exchange(b.blocks, 0);
  return true;
}

}  // namespace

command_room room_of(std::uint64_t append_bytes_max, std::uint64_t zone_blocks, std::uint64_t segments_max) {
  return {std::min(append_bytes_max / block_bytes, zone_blocks), segments_max};
}

bio cut_front(bio& b, command_room& room, std::vector<zoned::segment>& to) {
  if (bio whole = b; cut_whole(b, room, to)) return whole;
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
  const bool fits = pre < e.blocks && post < e.blocks - pre;
  if (const split_refusal why = fits ? refusal(e) : split_refusal::length; why != split_refusal::none)
    return {why, {}, {}};
  cut first, last;
  if ((pre > 0 && !find_front_cut(e, pre, first)) || (post > 0 && !find_back_cut(e, post, last)))
    return {split_refusal::inside_piece, {}, {}};
  extent_pool& pool = e.home();
  split_parts parts;
  if (pre > 0) parts.pre = pool.try_make({first.segments_before(), pre, first.pieces});
  if (post > 0) parts.post = pool.try_make({e.source.size() - last.segments, post, e.pieces.size() - last.pieces});
  if ((pre > 0 && !parts.pre) || (post > 0 && !parts.post)) return {split_refusal::out_of_memory, {}, {}};

  if (post > 0) move_back(e, *parts.post, post, last);
  if (pre > 0) move_front(e, *parts.pre, pre, first);
  if (e.in_flight != nullptr) e.in_flight->put_beside(e, parts.pre.get(), parts.post.get());
  return parts;
}

extraction extract(ordered_extent_ptr& stash, std::uint64_t blocks) {  // split(*stash, blocks, 0), without detours
  ordered_extent& e = *stash;
  extraction x;
  if (blocks == e.blocks) {
    x.front.swap(stash);
    return x;
  }
  x.why = blocks > 0 && blocks < e.blocks ? refusal(e) : split_refusal::length;
  if (x.why != split_refusal::none) return x;
  cut c;
  if (!find_front_cut(e, blocks, c)) {
    x.why = split_refusal::inside_piece;
    return x;
  }
  x.front = e.home().try_make({c.segments_before(), blocks, c.pieces});
  if (!x.front) {
    x.why = split_refusal::out_of_memory;
    return x;
  }
  move_front(e, *x.front, blocks, c);
  if (e.in_flight != nullptr) e.in_flight->put_beside(e, x.front.get(), nullptr);
  return x;
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
