// Words of eight bytes, each a mix of tag and word number; little-endian, as memory of the machines this runs on is.
#include "sim/content.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "sim/random.hpp"

namespace furrow::sim {
namespace {

constexpr std::size_t word_bytes = 8;

/// The words of one stream, one after the other.
class words {
 public:
  words(std::uint64_t tag, std::uint64_t index) : at_{(mix(tag) + index * step) * factor} {}
  std::uint64_t next() {
    const std::uint64_t x = at_;
    at_ += step * factor;
    return (x ^ (x >> 29)) * 0x94d0'49bb'1331'11eb;
  }

 private:
  static constexpr std::uint64_t step = 0x9e37'79b9'7f4a'7c15;
  static constexpr std::uint64_t factor = 0xbf58'476d'1ce4'e5b9;
  std::uint64_t at_;
};

constexpr std::size_t words_at_once = 16;

/// Whether any of so many words from `at` on is another than those that come.
bool differ(const std::byte* at, words& expected) {
  std::uint64_t difference = 0;
#pragma GCC unroll 16
  for (std::size_t i = 0; i < words_at_once; ++i) {
    std::uint64_t actual;
    std::memcpy(&actual, at + i * word_bytes, word_bytes);
    difference |= actual ^ expected.next();
  }
  return difference != 0;
}

// Calls `whole(at, count, from)` for the whole words in the range, which it is to take from there, and `part(at, bytes)` for
// what is left at its ends.
template <class Whole, class Part>
bool for_words(std::size_t bytes, std::uint64_t tag, std::uint64_t stream_offset, Whole whole, Part part) {
  words from{tag, stream_offset / word_bytes};
  std::array<std::byte, word_bytes> piece;
  const auto cut = [&](std::size_t at, std::size_t skip, std::size_t count) {
    const std::uint64_t word = from.next();
    std::memcpy(piece.data(), &word, word_bytes);
    return part(at, std::span{piece}.subspan(skip, count));
  };
  std::size_t at = 0;
  if (const std::size_t skip = stream_offset % word_bytes; skip != 0) {
    at = std::min(word_bytes - skip, bytes);
    if (!cut(0, skip, at)) return false;
  }
  const std::size_t count = (bytes - at) / word_bytes;
  if (!whole(at, count, from)) return false;
  at += count * word_bytes;
  return at == bytes || cut(at, 0, bytes - at);
}

}  // namespace

void fill_content(std::span<std::byte> to, std::uint64_t tag, std::uint64_t stream_offset) {
  static_cast<void>(for_words(
      to.size(), tag, stream_offset,
      [&](std::size_t at, std::size_t count, words& from) {
        std::byte* p = to.data() + at;
#pragma GCC unroll 8
        for (; count > 0; --count, p += word_bytes) {
          const std::uint64_t word = from.next();
          std::memcpy(p, &word, word_bytes);
        }
        return true;
      },
      [&](std::size_t at, std::span<const std::byte> part) {
        std::ranges::copy(part, to.begin() + static_cast<std::ptrdiff_t>(at));
        return true;
      }));
}

std::optional<std::size_t> find_foreign_byte(std::span<const std::byte> from, std::uint64_t tag,
                                             std::uint64_t stream_offset) {
  std::size_t found = 0;
  const auto differs = [&](std::size_t at, std::span<const std::byte> expected) {
    const auto actual = from.subspan(at, expected.size());
    const auto where = std::ranges::mismatch(actual, expected).in1;
    found = at + static_cast<std::size_t>(where - actual.begin());
    return where != actual.end();
  };
  const bool same = for_words(
      from.size(), tag, stream_offset,
      [&](std::size_t at, std::size_t count, words& expected) {
        for (; count >= words_at_once; count -= words_at_once, at += words_at_once * word_bytes) {
          const words here = expected;
          if (differ(from.data() + at, expected)) {
            expected = here;
            break;
          }
        }
        for (; count > 0; --count, at += word_bytes) {
          const std::uint64_t word = expected.next();
          std::uint64_t actual;
          std::memcpy(&actual, from.data() + at, word_bytes);
          if (actual != word) return !differs(at, std::as_bytes(std::span{&word, 1}));
        }
        return true;
      },
      [&](std::size_t at, std::span<const std::byte> part) { return !differs(at, part); });
  if (same) return std::nullopt;
  return found;
}

std::optional<std::size_t> find_nonzero_byte(std::span<const std::byte> from) {
  // All bytes are equal to the one before, and the first one is zero.
  if (from.empty() || (from[0] == std::byte{} && std::memcmp(from.data(), from.data() + 1, from.size() - 1) == 0))
    return std::nullopt;
  const auto first = std::ranges::find_if(from, [](std::byte b) { return b != std::byte{}; });
  return static_cast<std::size_t>(first - from.begin());
}

}  // namespace furrow::sim
