// The superblock's two copies: where they were found, where the next ones go.
//
// States of a write
//   copy A (reset of the other zone first, if this one is full) -> flush -> copy B -> flush -> done
//
// Invariants
//   B1  A copy is written only after the other copy of the superblock before it is durable: one valid copy exists at
//       any moment.
//   B2  In a pair of sequential zones one holds the newest copy; the other is reset only when that one is full or
//       cannot be written on. In conventional zones block 0 of the two is written in turn.
//   B3  A write that fails in both copies is an unknown outcome and latches; in one, the store goes on degraded.
//   B4  A sequential zone has its active credit before anything is sent to it. One that is left and cannot be finished,
//       or was active and cannot be reset, keeps it, unless the device says that it is read-only or offline.
//
// Not here: what a superblock says (format/superblock), when it is written (checkpoint, recovery, formatter).
#pragma once

#include <functional>

#include "core/context.hpp"

namespace furrow::core {

class superblock_ring final : public io_client {
 public:
  explicit superblock_ring(context& c) : c_{c} {}

  /// One zone of a pair.
  struct half_state {
    std::uint32_t next_block = 0;  ///< The zone's capacity: not to be written on before a reset.
    bool used = false;             ///< To be reset before it is written from the beginning.
    bool partial = false;          ///< To be finished when it is left: else it would stay active.
  };
  /// Where writing goes on: `newest` is the half that holds the newest superblock of this copy.
  void place(std::uint32_t copy, std::uint32_t newest, const half_state& first, const half_state& second);
  /// Gives it the next serial and writes both copies; one call at a time.
  void write(format::superblock s, std::function<void(error_code)> call);
  [[nodiscard]] bool busy() const { return call_ != nullptr; }
  /// A copy was not found at the open, or could not be written the last time.
  void set_lost(std::uint32_t copy, bool lost) {
    lost_[copy] = lost;
    if (lost) ++found_lost_;
  }
  /// Copies that were not found at the open.
  [[nodiscard]] std::uint32_t copies_found_lost() const { return found_lost_; }
  [[nodiscard]] std::uint32_t copies_lost() const { return (lost_[0] ? 1u : 0u) + (lost_[1] ? 1u : 0u); }
  void io_done(std::uint64_t tag, const zoned::completion& c) override;

 private:
  struct position {
    std::uint32_t newest = 0;
    half_state halves[2];
  };
  void begin_copy();
  void write_copy();
  void copy_done(const zoned::completion& c);
  void retry(error_code why);
  void copy_failed();
  void reset_failed(error_code why);
  void finish_failed();
  void next_copy();
  void flush();
  void finish();
  [[nodiscard]] zone_state& zone_of(std::uint32_t half) { return c_.zones[c_.zones.ring(copy_, half)]; }
  [[nodiscard]] half_state& state_of(std::uint32_t half) { return at_[copy_].halves[half]; }

  context& c_;
  position at_[2];
  std::uint32_t copy_ = 0;
  std::uint32_t target_ = 0;    ///< The half that is being written.
  std::uint32_t finished_ = 0;  ///< The half that is being finished.
  std::uint32_t attempts_ = 0;
  std::uint32_t failed_ = 0;
  bool lost_[2] = {false, false};
  std::uint32_t found_lost_ = 0;
  buffer block_;
  std::function<void(error_code)> call_;
};

}  // namespace furrow::core
