#include "core/superblock_ring.hpp"

#include <utility>

namespace furrow::core {

namespace {
enum tag : std::uint64_t { tag_write = 1, tag_reset, tag_flush, tag_finish };
constexpr std::uint32_t attempts_max = 4;
}  // namespace

void superblock_ring::place(std::uint32_t copy, std::uint32_t half, std::uint32_t next_block, bool other_used,
                            bool partial) {
  at_[copy] = {half, next_block, other_used, partial};
}

void superblock_ring::write(format::superblock s, std::function<void(error_code)> call) {
  FURROW_ASSERT(!busy());
  call_ = std::move(call);
  s.serial = ++c_.super.serial;
  block_ = c_.buffers.take(block_bytes);
  format::encode(s, block_.part(0, block_bytes));
  copy_ = 0;
  failed_ = attempts_ = 0;
  write_copy();
}

void superblock_ring::write_copy() {
  position& at = at_[copy_];
  const std::vector<zoned::segment> memory{{block_.data(), block_bytes}};
  if (zone().conventional()) {
    at.half ^= 1;  // B2
    c_.io.submit({.op = zoned::opcode::write, .zone = zone().device.index, .segments = memory}, *this, tag_write);
    return;
  }
  if (at.next_block >= zone().capacity_blocks) {
    if (std::exchange(at.partial, false)) {
      ++c_.stats.zone_finishes;
      c_.io.submit({.op = zoned::opcode::finish, .zone = zone().device.index}, *this, tag_finish);
      return;
    }
    at.half ^= 1;
    at.next_block = 0;
    if (std::exchange(at.other_used, true)) {
      c_.io.submit({.op = zoned::opcode::reset, .zone = zone().device.index}, *this, tag_reset);
      return;
    }
  }
  c_.io.submit({.op = zoned::opcode::append, .zone = zone().device.index, .segments = memory}, *this, tag_write);
}

void superblock_ring::copy_done(const zoned::completion& c) {
  position& at = at_[copy_];
  c_.stats.superblock_bytes += c.error ? 0 : c.bytes;
  const bool whole = !c.error && c.bytes == block_bytes && c.at.offset_bytes % block_bytes == 0;
  if (!zone().conventional()) {
    // After anything but a whole block this zone is left, so that the next one begins on a block boundary.
    at.partial = !whole;
    at.next_block = whole ? static_cast<std::uint32_t>(c.at.offset_bytes / block_bytes) + 1 : zone().capacity_blocks;
    // So is one whose remainder would keep it active.
    if (at.next_block == zone().capacity_blocks && !zone().fills_up()) at.partial = true;
  }
  if (!whole && ++attempts_ < attempts_max) return write_copy();
  if (!whole) {
    ++failed_;
    c_.emit(event::kind::degraded,
            {.zone = zone().device.index, .what = "a copy of the superblock could not be written"});
  }
  flush();
}

void superblock_ring::flush() {
  if (!c_.promises.volatile_cache) return next_copy();
  ++c_.stats.flushes;
  c_.io.submit({.op = zoned::opcode::flush}, *this, tag_flush);
}

void superblock_ring::next_copy() {
  attempts_ = 0;
  if (++copy_ < 2) return write_copy();
  finish();
}

void superblock_ring::finish() {
  c_.buffers.give(std::move(block_));
  const bool lost = failed_ == 2;
  if (lost) c_.set_latch("neither copy of the superblock could be written");
  std::exchange(call_, nullptr)(lost ? c_.latch : error_code{});
}

void superblock_ring::io_done(std::uint64_t tag, const zoned::completion& c) {
  switch (tag) {
    case tag_write:
      return copy_done(c);
    case tag_reset:
      ++c_.stats.zone_resets;
      if (c.error && ++attempts_ < attempts_max) {
        at_[copy_].next_block = zone().capacity_blocks;
        return write_copy();
      }
      if (c.error) {
        ++failed_;
        return next_copy();
      }
      return write_copy();
    case tag_finish:
      return write_copy();
    case tag_flush:
      if (c.error) {
        c_.set_latch("a flush of the superblock failed");
        c_.buffers.give(std::move(block_));
        return std::exchange(call_, nullptr)(c_.latch);
      }
      return next_copy();
    default:
      FURROW_UNREACHABLE();
  }
}

}  // namespace furrow::core
