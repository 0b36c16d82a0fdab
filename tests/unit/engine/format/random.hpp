// Seeded choices. FURROW_TEST_SEED repeats a run; without it the seed is fixed, so that a failure is the same each
// time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include "bytes.hpp"

namespace furrow::format::test {

class random_source {
 public:
  random_source() : random_source{seed_of_run()} {}
  explicit random_source(std::uint64_t seed) : seed_{seed}, engine_{seed} {}

  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  std::uint64_t any() { return engine_(); }
  /// In [0, end).
  std::uint64_t below(std::uint64_t end) { return engine_() % end; }
  /// In [first, last].
  std::uint64_t between(std::uint64_t first, std::uint64_t last) { return first + below(last - first + 1); }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  bytes some_bytes(std::size_t count) {
    bytes out(count);
    for (std::byte& b : out) {
      b = static_cast<std::byte>(below(256));
    }
    return out;
  }
  std::string text(std::size_t count) {
    std::string out(count, 'a');
    for (char& c : out) {
      c = static_cast<char>(below(256));
    }
    return out;
  }
  /// Small numbers, large ones and those at the edges of widths, with about equal weight.
  std::uint64_t hostile_number() {
    const std::uint64_t shift = below(65);
    const std::uint64_t edge = shift == 64 ? 0 : std::uint64_t{1} << shift;
    return edge + below(5) - 2;
  }

 private:
  static std::uint64_t seed_of_run() {
    const char* const text = std::getenv("FURROW_TEST_SEED");
    return text != nullptr ? std::strtoull(text, nullptr, 0) : 0x5eed'f0f0;
  }

  std::uint64_t seed_;
  std::mt19937_64 engine_;
};

/// Does to `in` what a medium or a forger may: flips, overwrites, moves or copies some bytes.
inline void mutate(std::span<std::byte> in, random_source& random) {
  if (in.empty()) {
    return;
  }
  const std::uint64_t steps = random.between(1, 4);
  for (std::uint64_t step = 0; step < steps; ++step) {
    switch (random.below(4)) {
      case 0:
        flip(in, random.below(in.size() * 8));
        break;
      case 1:
        in[random.below(in.size())] = static_cast<std::byte>(random.any());
        break;
      case 2: {  // a number of some width becomes another one
        const std::size_t width = std::size_t{1} << random.below(4);
        std::uint64_t value = random.hostile_number();
        const std::size_t at = random.below(in.size()) / width * width;
        for (std::size_t i = at; i < std::min(at + width, in.size()); ++i, value >>= 8) {
          in[i] = static_cast<std::byte>(value);
        }
        break;
      }
      default:
        in[random.below(in.size())] = in[random.below(in.size())];
        break;
    }
  }
}

}  // namespace furrow::format::test
