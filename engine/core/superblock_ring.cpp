#include "core/superblock_ring.hpp"

#include <utility>

#include "core/canary.hpp"
#include "core/reclaimer.hpp"
#include "core/zone_condition.hpp"

namespace furrow::core {

namespace {
enum tag : std::uint64_t { tag_write = 1, tag_reset, tag_flush, tag_finish };
// Of one copy. A command that is cut off says nothing of the next one; one that fails is not tried so often.
constexpr std::uint32_t attempts_max = 16, attempts_of_failure = 4;
}  // namespace

void superblock_ring::place(std::uint32_t copy, std::uint32_t newest, const half_state& first,
                            const half_state& second) {
  at_[copy] = {newest, {first, second}};
}

void superblock_ring::write(format::superblock s, std::function<void(error_code)> call) {
  FURROW_ASSERT(!busy());
  call_ = std::move(call);
  s.serial = ++c_.super.serial;
  block_ = c_.buffers.take(block_bytes);
  format::encode(s, block_.part(0, block_bytes));
  copy_ = 0;
  failed_ = attempts_ = 0;
  begin_copy();
}

void superblock_ring::begin_copy() {
  const std::uint32_t newest = at_[copy_].newest;
  const bool goes_on = !zone_of(newest).conventional() && state_of(newest).next_block < zone_of(newest).capacity_blocks;
  target_ = goes_on ? newest : newest ^ 1;
  const std::uint32_t left = target_ ^ 1;
  if (std::exchange(state_of(left).partial, false)) {
    ++c_.stats.zone_finishes;
    finished_ = left;
    c_.io.submit({.op = zoned::opcode::finish, .zone = zone_of(left).device.index}, *this, tag_finish);
    return;
  }
  write_copy();
}

void superblock_ring::write_copy() {
  const zone_state& z = zone_of(target_);
  half_state& h = state_of(target_);
  const std::vector<zoned::segment> memory{{block_.data(), block_bytes}};
  if (z.conventional()) {
    c_.io.submit({.op = zoned::opcode::write, .zone = z.device.index, .segments = memory}, *this, tag_write);
    return;
  }
  c_.zones.set_ring_credit(zone_of(target_), true);  // or somebody else has it when the zone is reset, or written to
  if (h.next_block >= z.capacity_blocks) {
    FURROW_ASSERT(target_ != at_[copy_].newest);  // B2
    h.next_block = 0;
    if (std::exchange(h.used, false)) {
      c_.io.submit({.op = zoned::opcode::reset, .zone = z.device.index}, *this, tag_reset);
      return;
    }
  }
  h.used = true;
  c_.io.submit({.op = zoned::opcode::append, .zone = z.device.index, .segments = memory}, *this, tag_write);
}

void superblock_ring::copy_done(const zoned::completion& c) {
  const zone_state& z = zone_of(target_);
  half_state& h = state_of(target_);
  c_.stats.superblock_bytes += c.error ? 0 : c.bytes;
  const bool whole = !c.error && c.bytes == block_bytes && c.at.offset_bytes % block_bytes == 0;
  if (!z.conventional()) {
    // After anything but a whole block this zone is left, so that the next one begins on a block boundary.
    h.next_block = whole ? static_cast<std::uint32_t>(c.at.offset_bytes / block_bytes) + 1 : z.capacity_blocks;
    // So is one whose remainder would keep it active.
    h.partial = !whole || (h.next_block == z.capacity_blocks && !z.fills_up());
    c_.zones.set_ring_credit(zone_of(target_), h.next_block < z.capacity_blocks || h.partial);
  }
  if (!whole) return retry(c.error);
  at_[copy_].newest = target_;
  lost_[copy_] = false;
  flush();
}

void superblock_ring::retry(error_code why) {
  attempts_ += why ? attempts_of_failure : 1;
  if (attempts_ >= attempts_max) return copy_failed();
  target_ == at_[copy_].newest ? begin_copy() : write_copy();
}

void superblock_ring::copy_failed() {
  ++failed_;
  lost_[copy_] = true;
  c_.emit(event::kind::degraded,
          {.zone = zone_of(target_).device.index, .what = "a copy of the superblock could not be written"});
  flush();
}

/// It is active still if it was before, as far as is known.
void superblock_ring::reset_failed(error_code why) {
  half_state& h = state_of(target_);
  h.partial = h.partial && !has_turned(zone_of(target_));
  c_.zones.set_ring_credit(zone_of(target_), h.partial);
  retry(why);
}

void superblock_ring::finish_failed() {
  if (has_turned(zone_of(finished_))) {
    c_.zones.set_ring_credit(zone_of(finished_), false);
    return write_copy();
  }
  state_of(finished_).partial = true;
  attempts_ += attempts_of_failure;
  if (attempts_ < attempts_max) return begin_copy();
  return zone_of(target_).credit || c_.zones.may_activate(0) ? write_copy() : copy_failed();
}

void superblock_ring::flush() {
  if (!c_.promises.volatile_cache || FURROW_CANARY_SINGS(superblock_unflushed)) return next_copy();
  ++c_.stats.flushes;
  c_.io.submit({.op = zoned::opcode::flush}, *this, tag_flush);
}

void superblock_ring::next_copy() {
  attempts_ = 0;
  if (++copy_ < 2) return begin_copy();
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
      if (!c.error) {
        state_of(target_).partial = false;
        return write_copy();
      }
      state_of(target_).next_block = zone_of(target_).capacity_blocks;
      state_of(target_).used = true;
      return c_.reclaim->inquire(zone_of(target_), [this, why = c.error] { reset_failed(why); });
    case tag_finish:
      if (!c.error) {
        c_.zones.set_ring_credit(zone_of(finished_), false);
        return write_copy();
      }
      return c_.reclaim->inquire(zone_of(finished_), [this] { finish_failed(); });
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
