// A fuzzer's bytes, taken from the front as numbers and strings; zeros when there are no more.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace furrow::fuzz {

class input {
 public:
  input(const std::uint8_t* data, std::size_t bytes) : rest_{reinterpret_cast<const std::byte*>(data), bytes} {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  template <class T = std::uint8_t>
  [[nodiscard]] T number() {
    T value{};
    const auto from = bytes(sizeof value);
    if (!from.empty()) std::memcpy(&value, from.data(), from.size());
    return value;
  }
  /// As many as there are, at most `count`.
  [[nodiscard]] std::span<const std::byte> bytes(std::size_t count) {
    const auto taken = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::byte> rest_;
};

/// Ends the process: what was fuzzed broke a promise.
inline void demand(bool held) {
  if (!held) __builtin_trap();
}

}  // namespace furrow::fuzz
