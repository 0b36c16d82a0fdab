// The superblock's two copies: where they were found, where the next ones go.
//
// States of a write
//   copy A (reset of the other zone first, if this one is full) -> flush -> copy B -> flush -> done
//
// Invariants
//   B1  A copy is written only after the other copy of the superblock before it is durable: one valid copy exists at
//   any moment. B2  In a pair of sequential zones one holds the newest copy; the other is reset only when that one is
//   full or cannot be
//       written on. In conventional zones block 0 of the two is written in turn.
//   B3  A write that fails in both copies is an unknown outcome and latches; in one, the store goes on degraded.
//
// Not here: what a superblock says (format/superblock), when it is written (checkpoint, recovery, formatter).
#pragma once

#include <functional>

#include "core/context.hpp"

namespace furrow::core {

class superblock_ring final : public io_client {
 public:
  explicit superblock_ring(context& c) : c_{c} {}

  /// Where writing goes on: `half` of `copy` at `next_block`; other_used: the other zone of the pair is not empty.
  /// partial: the zone is left for good although it is not full.
  void place(std::uint32_t copy, std::uint32_t half, std::uint32_t next_block, bool other_used, bool partial);
  /// Gives it the next serial and writes both copies; one call at a time.
  void write(format::superblock s, std::function<void(error_code)> call);
  [[nodiscard]] bool busy() const { return call_ != nullptr; }
  void io_done(std::uint64_t tag, const zoned::completion& c) override;

 private:
  struct position {
    std::uint32_t half = 0;
    std::uint32_t next_block = 0;
    bool other_used = false;
    bool partial = false;  ///< To be finished before it is left: else it would stay active.
  };
  void write_copy();
  void copy_done(const zoned::completion& c);
  void next_copy();
  void flush();
  void finish();
  [[nodiscard]] zone_state& zone() { return c_.zones[c_.zones.ring(copy_, at_[copy_].half)]; }

  context& c_;
  position at_[2];
  std::uint32_t copy_ = 0;
  std::uint32_t attempts_ = 0;
  std::uint32_t failed_ = 0;
  buffer block_;
  std::function<void(error_code)> call_;
};

}  // namespace furrow::core
