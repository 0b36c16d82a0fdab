// Walks over the bytes of a list of memory segments as if they were one.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "core/assert.hpp"
#include "format/checksum.hpp"
#include "furrow/zoned/command.hpp"

namespace furrow::core {

class segment_cursor {
 public:
  explicit segment_cursor(std::span<const zoned::segment> segments)
      : segments_{segments}, left_{zoned::total_bytes(segments)} {}

  [[nodiscard]] std::uint64_t left() const { return left_; }

  void skip(std::uint64_t bytes) {
    each(bytes, [](std::byte*, std::size_t) {});
  }
  void copy(std::span<std::byte> to) {
    each(to.size(), [&to](const std::byte* from, std::size_t bytes) {
      std::memcpy(to.data(), from, bytes);
      to = to.subspan(bytes);
    });
  }
  [[nodiscard]] std::uint32_t crc32c(std::uint64_t bytes) {
    std::uint32_t crc = 0;
    bool first = true;
    each(bytes, [&](const std::byte* from, std::size_t part) {
      crc = first ? format::crc32c({from, part}) : format::crc32c_continue(crc, {from, part});
      first = false;
    });
    return crc;
  }
  /// Adds the next bytes as segments, without moving on.
  template <class List>
  void peek(std::uint64_t bytes, List& to) const {
    segment_cursor ahead = *this;
    ahead.each(bytes, [&to](std::byte* from, std::size_t part) { to.push_back({from, part}); });
  }

 private:
  template <class Call>
  void each(std::uint64_t bytes, Call call) {
    FURROW_ASSERT(bytes <= left_);
    left_ -= bytes;
    while (bytes > 0) {
      const zoned::segment& s = segments_.front();
      const std::size_t part = std::min<std::uint64_t>(s.bytes - at_, bytes);
      if (part > 0) call(s.data + at_, part);
      bytes -= part;
      at_ += part;
      if (at_ == s.bytes) {
        segments_ = segments_.subspan(1);
        at_ = 0;
      }
    }
  }
  std::span<const zoned::segment> segments_;
  std::size_t at_ = 0;
  std::uint64_t left_ = 0;
};

}  // namespace furrow::core
