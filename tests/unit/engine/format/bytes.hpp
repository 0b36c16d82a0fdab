// Bytes spelled in tests, and what tests do to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace furrow::format::test {

using bytes = std::vector<std::byte>;

/// The bytes of hexadecimal lines, blanks between them ignored.
inline bytes hex(std::initializer_list<std::string_view> lines) {
  bytes out;
  int nibbles = 0;
  for (const std::string_view line : lines) {
    for (const char c : line) {
      if (c == ' ') {
        continue;
      }
      const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
      if (nibbles++ % 2 == 0) {
        out.push_back(static_cast<std::byte>(digit << 4));
      } else {
        out.back() |= static_cast<std::byte>(digit);
      }
    }
  }
  return out;
}

/// `front`, and zeros up to `total_bytes`.
inline bytes padded(bytes front, std::size_t total_bytes) {
  front.resize(total_bytes);
  return front;
}

inline std::string to_hex(std::span<const std::byte> in) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const std::byte b : in) {
    out += digits[std::to_integer<unsigned>(b) >> 4];
    out += digits[std::to_integer<unsigned>(b) & 15];
  }
  return out;
}

/// A copy in memory of its own exact length, so that a sanitizer sees a read past its end.
inline bytes exact(std::span<const std::byte> in) { return {in.begin(), in.end()}; }

inline void flip(std::span<std::byte> in, std::size_t bit) { in[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8)); }

inline bytes of_text(std::string_view text) {
  const auto raw = std::as_bytes(std::span{text});
  return {raw.begin(), raw.end()};
}

}  // namespace furrow::format::test
