// Back-pressure: which appends the core may see, by the bytes that it has.
//
// Invariants
//   I1  The admitted bytes are at most bytes_max, or one append alone is admitted.
//   I2  Among appends of one priority, the order of arrival is the order of admission; those of high priority go before
//       all others that wait, and a large one that waits is not overtaken by small ones.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <optional>

#include "core/assert.hpp"
#include "core/messages.hpp"

namespace furrow::driver {

class admission {
 public:
  explicit admission(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

  void arrive(core::operation_id id, std::uint64_t bytes, priority p) {
    queue_of(p).push_back({id, bytes});
    ++waiting_;
  }

  /// Whether an append that has just come goes at once; it then counts as admitted.
  [[nodiscard]] bool admit_now(std::uint64_t bytes) {
    if (!empty() || !fits(bytes)) return false;
    admitted_bytes_ += bytes;
    return true;
  }

  /// The next append that may go now; it counts as admitted.
  [[nodiscard]] std::optional<core::operation_id> admit() {
    for (auto* q : {&queue_of(priority::high), &queue_of(priority::normal)}) {
      if (q->empty()) continue;
      const entry e = q->front();
      if (!fits(e.bytes)) return std::nullopt;
      q->pop_front();
      --waiting_;
      admitted_bytes_ += e.bytes;
      return e.id;
    }
    return std::nullopt;
  }

  /// An admitted append has ended.
  void leave(std::uint64_t bytes) {
    FURROW_ASSERT(bytes <= admitted_bytes_);
    admitted_bytes_ -= bytes;
  }

  /// Takes back one that waits.
  void withdraw(core::operation_id id) {
    for (auto& q : queues_) waiting_ -= std::erase_if(q, [&](const entry& e) { return e.id == id; });
  }

  [[nodiscard]] bool empty() const { return waiting_ == 0; }
  [[nodiscard]] std::uint64_t admitted_bytes() const { return admitted_bytes_; }

 private:
  [[nodiscard]] bool fits(std::uint64_t bytes) const {  // I1
    return admitted_bytes_ == 0 || bytes <= bytes_max_ - std::min(bytes_max_, admitted_bytes_);
  }
  struct entry {
    core::operation_id id;
    std::uint64_t bytes = 0;
  };
  [[nodiscard]] std::deque<entry>& queue_of(priority p) { return queues_[p == priority::high ? 0 : 1]; }

  std::uint64_t bytes_max_;
  std::uint64_t admitted_bytes_ = 0;
  std::array<std::deque<entry>, 2> queues_;  ///< High, normal.
  std::size_t waiting_ = 0;                  ///< In both.
};

}  // namespace furrow::driver
