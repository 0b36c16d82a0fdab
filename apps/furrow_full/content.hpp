// What a block holds: all of it follows from the seed, the block's number and how often it was written.
//
// Invariants
//   I1  Two blocks, and two generations of one, differ in every 64 bytes but by a chance of 2^-64 or so: a block that is
//       elsewhere, or old, is noticed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace furrow::full {

struct version {
  std::uint64_t seed = 0;
  std::uint64_t block = 0;
  std::uint32_t generation = 0;  ///< 0: as it was filled.
};

/// `to` is whole words of 8 bytes.
void fill(std::span<std::byte> to, const version& of);
/// A step of a sequence of pseudo-random numbers.
[[nodiscard]] std::uint64_t next_random(std::uint64_t& state);

}  // namespace furrow::full
