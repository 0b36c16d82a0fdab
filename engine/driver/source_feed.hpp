// What one write holds of its source, and how it gets more.
//
//   hold(position)      in a turn: what can be held from there on
//   populate(position)  on the helper thread, with nothing held
//   bounce(position)    on the helper thread: a bounded copy, if even then nothing usable can be held
//
// Invariants
//   S1  At most one span is held, and none while populate() or bounce() runs. The driver touches nothing of this meanwhile.
//   S2  A span is usable if it completes a block of the object, or the source. Of less no attempt can be made.
//   S3  Whatever is held goes with this, on any thread.
//
// Not here: when (sources.cpp).
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "furrow/engine/source.hpp"
#include "furrow/engine/types.hpp"

namespace furrow::driver {

class source_feed {
 public:
  source_feed(std::shared_ptr<source> from, std::uint64_t offset_bytes)
      : from_(std::move(from)), bytes_(from_->bytes()), offset_bytes_(offset_bytes) {}
  source_feed(const source_feed&) = delete;
  source_feed& operator=(const source_feed&) = delete;
  ~source_feed() { drop(); }

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  /// Memory of the bytes from there on; none if what can be held is not usable.
  [[nodiscard]] segment_list hold(std::uint64_t position) {
    drop();
    held_ = from_->acquire(position, std::min(bytes_ - position, hold_bytes_max));
    if (usable(position)) return segments_of(held_);
    drop();
    return {};
  }
  [[nodiscard]] error_code populate(std::uint64_t position) {
    return from_->populate(position, std::min(bytes_ - position, hold_bytes_max));
  }
  [[nodiscard]] error_code bounce(std::uint64_t position) {
    const std::uint64_t whole = bounce_bytes_max - (offset_bytes_ + position) % block_bytes;
    bounce_.resize(std::min(bytes_ - position, whole));
    return from_->copy(position, bounce_);
  }
  [[nodiscard]] segment_list bounced() { return segments_of(bounce_); }
  void drop() {
    if (!held_.empty()) from_->release(std::exchange(held_, {}));
    bounce_ = {};
  }

 private:
  static constexpr std::uint64_t block_bytes = 4096;
  static constexpr std::uint64_t hold_bytes_max = 16 << 20;
  static constexpr std::uint64_t bounce_bytes_max = 1 << 20;

  [[nodiscard]] bool usable(std::uint64_t position) const {  // S2
    if (held_.empty()) return false;
    const std::uint64_t first = offset_bytes_ + position, end = first + held_.size();
    return position + held_.size() == bytes_ || end / block_bytes * block_bytes > first;
  }
  [[nodiscard]] static segment_list segments_of(std::span<const std::byte> s) {
    segment_list segments;
    // A device only reads the memory of a write.
    if (!s.empty()) segments.push_back({const_cast<std::byte*>(s.data()), s.size()});
    return segments;
  }

  std::shared_ptr<source> from_;
  std::uint64_t bytes_;
  std::uint64_t offset_bytes_;
  std::span<const std::byte> held_;
  std::vector<std::byte> bounce_;
};

}  // namespace furrow::driver
