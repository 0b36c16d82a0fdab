// Of direct_writer.hpp: how an attempt is made of a plan.
#include <algorithm>
#include <cstring>

#include "core/apply.hpp"
#include "core/data_writer.hpp"
#include "core/direct_writer.hpp"
#include "core/extent_source.hpp"
#include "core/splitter.hpp"

namespace furrow::core {

/// How far the held memory goes: to the end of what is asked for, or to the end of a block of the object.
std::uint64_t direct_writer::held_end(const direct_io& io, std::uint64_t end_byte) {
  const std::uint64_t held = io.held_from + zoned::total_bytes(io.held);
  return held >= end_byte ? end_byte : held / block_bytes * block_bytes;
}

ordered_extent_ptr direct_writer::make_extent(const direct_io& io, std::uint64_t first, std::uint64_t blocks) {
  ordered_extent_ptr e = c_.extents.make();
  e->object_block = first;
  e->blocks = e->blocks_left = e->reserved_blocks = blocks;
  e->pinned = {first, blocks, {reservation_}};
  reservation_ += blocks;
  e->cls = class_for(io, first);
  e->urgent = io.options.priority == priority::high;
  return e;
}

/// A caller's hint, or else what is told by the block that is written over. Nobody waits for a page to know it: what is
/// written over often has its own in memory.
format::zone_class direct_writer::class_for(const direct_io& io, std::uint64_t block) {
  if (io.options.hint != lifetime::unhinted) return class_of(io.options.hint);
  const readiness done = c_.apply->extents().slices(io.object->id, block, block + 1, 1, written_over_);
  if (!done.ready() || written_over_.empty()) return format::zone_class::unhinted;
  return c_.place.of_overwrite(c_.written_at(written_over_.front().where.address), c_.sequence);
}

void direct_writer::attempt_write(direct_io& io, const direct_plan& whole, std::uint64_t whole_end) {
  if (std::exchange(io.fresh, false)) ++c_.stats.attempts;
  if (whole.first_block < whole.end_block) {
    io.stash = make_extent(io, whole.first_block, whole.end_block - whole.first_block);
    const bool alone = io.object->writes.insert(*io.stash);
    FURROW_ASSERT(alone);  // W3
  }
  const std::uint64_t end_byte = held_end(io, whole_end);
  direct_plan p = whole;
  ordered_extent_ptr front;
  if (end_byte == whole_end) {
    front = std::move(io.stash);
  } else if (end_byte > io.position) {
    p = plan_write({io.object->reserved.bytes}, io.position, end_byte);
    front = cut_stash(io, p.end_block - p.first_block);
  }
  if (io.stash) {  // W1: nothing is left of it when others are asked for memory
    c_.stats.cancelled_blocks += io.stash->blocks;
    give_back(io, std::exchange(io.stash->reserved_blocks, 0));
    io.object->writes.erase(*io.stash);
    io.stash.reset();
  }
  const bool submits = !io.error && end_byte > io.position;
  if (whole.kept_tail && !(submits && p.kept_tail)) give_back(io, 1);
  if (!submits) return;

  edit_step like = step_of(io, p, {}, end_byte);
  if (p.sets_end) {
    like.after.tail = tail_of(io, p);
    const std::uint64_t from = std::max(io.position, p.end.tail_begin());
    if (from < end_byte) {
      segment_cursor cursor{io.held};
      cursor.skip(from - io.held_from);
      cursor.copy(std::span{like.after.tail}.subspan(from - p.end.tail_begin(), end_byte - from));
    }
  }
  std::unique_ptr<publication> to = c_.publish_queue->make();
  if (p.kept_tail) add_block(io, *to, like, io.object->reserved.bytes / block_bytes, 0, 0);
  if (front) fill(io, *front, end_byte);
  if (front && end_byte < whole_end && c_.debug_no_split) {
    front->failed = true;
    front->error = zoned::errc::io;
  }
  if (front || !p.kept_tail) {
    like.extent = std::move(front);
    to->steps.emplace_back(std::move(like));
  }
  submit(io, std::move(to), end_byte - io.position);
}

ordered_extent_ptr direct_writer::cut_stash(direct_io& io, std::uint64_t blocks) {
  if (!io.stash || blocks == 0) return nullptr;
  if (blocks == io.stash->blocks) return std::move(io.stash);
  extraction cut = extract(io.stash, blocks);
  if (cut.why != split_refusal::none) {
    io.error = error_of(cut.why, *io.stash);
    io.detail = {.object = io.object->id, .offset_bytes = io.position};
    return nullptr;
  }
  ++c_.stats.extracted;
  return std::move(cut.front);
}

edit_step direct_writer::step_of(const direct_io& io, const direct_plan& p, std::vector<std::byte> tail,
                                 std::uint64_t needs_bytes) const {
  edit_step s;
  s.object = io.object;
  s.sets_end = p.sets_end;
  s.fence_epoch = io.options.fence_epoch.value_or(0);
  s.modified_ns = *io.options.modified_ns;
  if (p.sets_end) {
    s.before = io.object->reserved;
    s.after = {p.end.bytes, io.object->reserved.tail_epoch + 1, std::move(tail)};
  } else {
    s.needs_bytes = needs_bytes;
  }
  return s;
}

/// The new tail as far as it is the old one's; zeros behind.
std::vector<std::byte> direct_writer::tail_of(const direct_io& io, const direct_plan& p) const {
  const object_end& now = io.object->reserved;
  std::vector<std::byte> tail;
  if (p.end.tail_begin() == end_shape{now.bytes}.tail_begin()) tail = now.tail;
  tail.resize(p.end.bytes - p.end.tail_begin());
  return tail;
}

void direct_writer::old_bytes(const direct_io& io, std::uint64_t block, std::span<std::byte> to) const {
  const object_end& now = io.object->reserved;
  const std::uint64_t tail_block = now.bytes / block_bytes;
  if (block < tail_block) {
    const auto it =
        std::find_if(io.old.begin(), io.old.end(), [block](const direct_io::old_block& o) { return o.block == block; });
    FURROW_ASSERT(it != io.old.end());
    std::memcpy(to.data(), it->bytes.data(), block_bytes);
    return;
  }
  std::memset(to.data(), 0, block_bytes);
  if (block == tail_block && !now.tail.empty()) std::memcpy(to.data(), now.tail.data(), now.tail.size());
}

/// The source of an extent that begins with io.position's block: caller's memory where the device takes it, a copy of
/// blocks that are changed in part, or of all.
void direct_writer::fill(const direct_io& io, ordered_extent& e, std::uint64_t end_byte) {
  const std::uint64_t run_end = e.object_block + e.blocks;
  const bool head = io.position % block_bytes != 0;
  const bool last = end_byte < run_end * block_bytes && !(head && e.blocks == 1);
  const std::uint64_t middle = e.object_block + (head ? 1 : 0), middle_end = run_end - (last ? 1 : 0);
  std::vector<zoned::segment> segments;
  bool uncopied = true;
  if (middle < middle_end) {
    segment_cursor cursor{io.held};
    cursor.skip(middle * block_bytes - io.held_from);
    cursor.peek((middle_end - middle) * block_bytes, segments);
    uncopied =
        usable_uncopied(segments, c_) && blocks_cuttable(segments, c_.promises.segments_max) >= middle_end - middle;
  }
  if (!uncopied) {
    fill_copied(io, e, end_byte);
  } else {
    if (head || last) e.copy = c_.buffers.take(2 * block_bytes);
    if (head) {
      fill_edge(io, e.object_block, end_byte, e.copy.part(0, block_bytes));
      e.source.push_back({e.copy.data(), block_bytes});
    }
    for (const zoned::segment& s : segments) e.source.push_back(s);
    if (last) {
      fill_edge(io, run_end - 1, end_byte, e.copy.part(block_bytes, block_bytes));
      e.source.push_back({e.copy.data() + block_bytes, block_bytes});
    }
  }
  add_sums(c_, e, 0, e.blocks);
}

void direct_writer::fill_copied(const direct_io& io, ordered_extent& e, std::uint64_t end_byte) {
  e.copy = c_.buffers.take(e.blocks * block_bytes);
  const std::uint64_t begin = e.object_block * block_bytes, run_end = begin + e.blocks * block_bytes;
  if (io.position > begin) old_bytes(io, e.object_block, e.copy.part(0, block_bytes));
  if (end_byte < run_end)
    old_bytes(io, e.object_block + e.blocks - 1, e.copy.part((e.blocks - 1) * block_bytes, block_bytes));
  const std::uint64_t count = std::min(end_byte, run_end) - io.position;
  segment_cursor cursor{io.held};
  cursor.skip(io.position - io.held_from);
  cursor.copy(e.copy.part(io.position - begin, count));
  c_.stats.copied_bytes += count;
  e.source.push_back({e.copy.data(), e.blocks * block_bytes});
}

void direct_writer::fill_edge(const direct_io& io, std::uint64_t block, std::uint64_t end_byte,
                              std::span<std::byte> to) {
  old_bytes(io, block, to);
  const std::uint64_t begin = block * block_bytes;
  const std::uint64_t from = std::max(io.position, begin), until = std::min(end_byte, begin + block_bytes);
  segment_cursor cursor{io.held};
  cursor.skip(from - io.held_from);
  cursor.copy(to.subspan(from - begin, until - from));
  c_.stats.copied_bytes += until - from;
}

void direct_writer::add_block(const direct_io& io, publication& p, const edit_step& like, std::uint64_t block,
                              std::uint64_t zero_first, std::uint64_t zero_end) {
  edit_step s = like;
  s.hole_first = s.hole_end = 0;
  s.extent = make_extent(io, block, 1);
  s.extent->copy = c_.buffers.take(block_bytes);
  const auto bytes = s.extent->copy.part(0, block_bytes);
  old_bytes(io, block, bytes);
  const std::uint64_t begin = block * block_bytes;
  const std::uint64_t from = std::max(zero_first, begin), until = std::min(zero_end, begin + block_bytes);
  if (from < until) std::memset(bytes.data() + (from - begin), 0, until - from);
  s.extent->source.push_back({bytes.data(), block_bytes});
  add_sums(c_, *s.extent, 0, 1);
  p.steps.emplace_back(std::move(s));
}

void direct_writer::attempt_zero(direct_io& io, const direct_plan& p, std::uint64_t first_byte) {
  io.made = true;
  const std::uint64_t old_end = io.object->reserved.bytes;
  const std::uint64_t end_byte =
      io.extends || io.what == direct_io::kind::truncate ? io.end_byte : std::min(io.end_byte, old_end);
  edit_step like = step_of(io, p, {}, end_byte);
  if (p.sets_end) {
    like.after.tail = tail_of(io, p);
    const std::uint64_t from = std::max(first_byte, p.end.tail_begin());
    if (from < end_byte) std::memset(like.after.tail.data() + (from - p.end.tail_begin()), 0, end_byte - from);
  }
  std::unique_ptr<publication> to = c_.publish_queue->make();
  if (p.head) add_block(io, *to, like, *p.head, first_byte, end_byte);
  if (p.last && p.last != p.head) add_block(io, *to, like, *p.last, first_byte, end_byte);
  if (p.kept_tail) add_block(io, *to, like, old_end / block_bytes, first_byte, end_byte);
  const bool hole = p.hole_first < p.hole_end;
  if (hole || (p.sets_end && to->steps.empty())) {
    like.hole_first = p.hole_first;
    like.hole_end = p.hole_end;
    to->steps.emplace_back(std::move(like));
  }
  if (!to->steps.empty()) submit(io, std::move(to), 0);
}

void direct_writer::attempt_truncate(direct_io& io, const direct_plan& p) {
  const object_end& now = io.object->reserved;
  if (io.end_byte >= now.bytes) return attempt_zero(io, p, now.bytes);
  io.made = true;
  std::vector<std::byte> tail(io.end_byte % block_bytes);
  if (p.cut) {
    buffer old = c_.buffers.take(block_bytes);
    old_bytes(io, *p.cut, old.part(0, block_bytes));
    std::memcpy(tail.data(), old.data(), tail.size());
    c_.buffers.give(std::move(old));
  } else if (!tail.empty()) {
    std::memcpy(tail.data(), now.tail.data(), tail.size());
  }
  edit_step s = step_of(io, p, std::move(tail), 0);
  s.hole_first = p.hole_first;
  s.hole_end = p.hole_end;
  std::unique_ptr<publication> to = c_.publish_queue->make();
  to->steps.emplace_back(std::move(s));
  submit(io, std::move(to), 0);
}

error_code direct_writer::check_clone(const direct_io& io) const {
  const std::uint64_t bytes = io.end_byte - io.first_byte, source_bytes = io.source->reserved.bytes;
  if (io.source_byte > source_bytes || bytes > source_bytes - io.source_byte) return errc::out_of_range;
  if (bytes % block_bytes == 0) return {};
  const bool ends = io.source_byte + bytes == source_bytes && io.end_byte >= io.object->reserved.bytes;
  return ends ? error_code{} : errc::invalid_argument;
}

void direct_writer::attempt_clone(direct_io& io, const direct_plan& p) {
  io.made = true;
  io.error = check_clone(io);
  if (io.error) {
    if (p.kept_tail) give_back(io, 1);
    io.detail = {.object = io.source->id,
                 .offset_bytes = io.source_byte,
                 .bytes = io.end_byte - io.first_byte,
                 .what = "a clone is whole blocks of the source, or reaches to the end of both objects"};
    return;
  }
  const std::uint64_t blocks = (io.end_byte - io.first_byte) / block_bytes;
  edit_step like = step_of(io, p, {}, io.end_byte);
  if (p.sets_end) {
    const std::vector<std::byte>& from = io.source->reserved.tail;
    const std::size_t rest = (io.end_byte - io.first_byte) % block_bytes;
    like.after.tail.assign(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(rest));
  }
  std::unique_ptr<publication> to = c_.publish_queue->make();
  if (p.kept_tail) add_block(io, *to, like, io.object->reserved.bytes / block_bytes, 0, 0);
  if (blocks == 0) {
    to->steps.emplace_back(std::move(like));
    return submit(io, std::move(to), 0);
  }
  clone_step s;
  s.object = io.object;
  s.source = io.source;
  s.first_block = io.first_byte / block_bytes;
  s.source_block = io.source_byte / block_bytes;
  s.blocks = blocks;
  s.sets_end = p.sets_end;
  s.needs_bytes = like.needs_bytes;
  s.before = std::move(like.before);
  s.after = std::move(like.after);
  s.fence_epoch = like.fence_epoch;
  s.modified_ns = like.modified_ns;
  to->steps.emplace_back(std::move(s));
  submit(io, std::move(to), 0);
}

}  // namespace furrow::core
