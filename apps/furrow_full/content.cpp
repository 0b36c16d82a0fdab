#include "furrow_full/content.hpp"

#include <cstring>

namespace furrow::full {

namespace {

/// Finalizer of splitmix64.
std::uint64_t mix(std::uint64_t v) {
  v = (v ^ v >> 30) * 0xbf58'476d'1ce4'e5b9;
  v = (v ^ v >> 27) * 0x94d0'49bb'1331'11eb;
  return v ^ v >> 31;
}

}  // namespace

std::uint64_t next_random(std::uint64_t& state) { return mix(state += 0x9e37'79b9'7f4a'7c15); }

void fill(std::span<std::byte> to, const version& of) {
  std::uint64_t word = mix(mix(mix(of.seed + 0x9e37'79b9'7f4a'7c15) + of.block) + of.generation);
  // Cheap: what makes the content is timed with the writes.
  const std::uint64_t step = mix(word) | 1;
  for (std::size_t i = 0; i < to.size(); i += sizeof word, word += step) std::memcpy(to.data() + i, &word, sizeof word);
}

}  // namespace furrow::full
