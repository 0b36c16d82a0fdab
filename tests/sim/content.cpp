// Words of eight bytes, each a mix of tag and word number; little-endian, as memory of the machines this runs on is.
#include "sim/content.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "sim/random.hpp"

namespace furrow::sim {
namespace {

constexpr std::size_t word_bytes = 8;

std::uint64_t word_of(std::uint64_t tag, std::uint64_t index) {
  const std::uint64_t x = (tag + index * 0x9e37'79b9'7f4a'7c15) * 0xbf58'476d'1ce4'e5b9;
  return (x ^ (x >> 29)) * 0x94d0'49bb'1331'11eb;
}

// Calls `whole(at, word)` for each whole word in the range and `part(at, bytes)` for what is left at its ends.
template <class Whole, class Part>
bool for_words(std::size_t bytes, std::uint64_t tag, std::uint64_t stream_offset, Whole whole, Part part) {
  const std::uint64_t stream = mix(tag);
  std::size_t at = 0;
  while (at < bytes) {
    const std::uint64_t word = word_of(stream, (stream_offset + at) / word_bytes);
    const std::size_t skip = (stream_offset + at) % word_bytes;
    if (skip == 0 && bytes - at >= word_bytes) {
      if (!whole(at, word)) return false;
      at += word_bytes;
      continue;
    }
    std::array<std::byte, word_bytes> piece;
    std::memcpy(piece.data(), &word, word_bytes);
    const std::size_t count = std::min(word_bytes - skip, bytes - at);
    if (!part(at, std::span{piece}.subspan(skip, count))) return false;
    at += count;
  }
  return true;
}

}  // namespace

void fill_content(std::span<std::byte> to, std::uint64_t tag, std::uint64_t stream_offset) {
  static_cast<void>(for_words(
      to.size(), tag, stream_offset,
      [&](std::size_t at, std::uint64_t word) {
        std::memcpy(to.data() + at, &word, word_bytes);
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
      [&](std::size_t at, std::uint64_t word) {
        if (std::memcmp(from.data() + at, &word, word_bytes) == 0) return true;
        return !differs(at, std::as_bytes(std::span{&word, 1}));
      },
      [&](std::size_t at, std::span<const std::byte> part) { return !differs(at, part); });
  if (same) return std::nullopt;
  return found;
}

}  // namespace furrow::sim
