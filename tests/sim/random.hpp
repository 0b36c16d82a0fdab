// The one source of chance of a simulation: everything that is drawn from the same seed is drawn alike everywhere.
//
// Invariants
//   I1  No draw depends on addresses, time or the order of a hash table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace furrow::sim {

/// A bijection of 64 bits that leaves no pattern (the finalizer of splitmix64).
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58'476d'1ce4'e5b9;
  x ^= x >> 27;
  x *= 0x94d0'49bb'1331'11eb;
  return x ^ (x >> 31);
}

/// splitmix64: one addition and one mix a draw.
class prng {
 public:
  explicit constexpr prng(std::uint64_t seed) : state_{mix(seed + 0x9e37'79b9'7f4a'7c15)} {}

  [[nodiscard]] constexpr std::uint64_t next() { return mix(state_ += 0x9e37'79b9'7f4a'7c15); }
  /// Uniform in [0, count); 0 if count is 0.
  [[nodiscard]] constexpr std::uint64_t below(std::uint64_t count) {
    return static_cast<std::uint64_t>((static_cast<wide>(next()) * count) >> 64);
  }
  /// Uniform in [first, last].
  [[nodiscard]] constexpr std::uint64_t within(std::uint64_t first, std::uint64_t last) {
    return first + below(last - first + 1);
  }
  [[nodiscard]] constexpr bool chance(std::uint32_t per_mille) { return below(1000) < per_mille; }
  [[nodiscard]] constexpr bool chance_per_million(std::uint32_t ppm) { return ppm != 0 && below(1'000'000) < ppm; }
  /// Like within(), but each power of two of the range is as likely as the others.
  [[nodiscard]] constexpr std::uint64_t scaled(std::uint64_t first, std::uint64_t last) {
    unsigned bits = 0;
    while ((std::uint64_t{1} << bits) <= last - first) ++bits;
    const std::uint64_t reach = (std::uint64_t{1} << below(bits + 1)) - 1;
    const std::uint64_t value = first + below(reach + 1);
    return value > last ? last : value;
  }
  /// An index, as likely as its weight; the weights' sum is not 0.
  [[nodiscard]] constexpr std::size_t pick(std::span<const std::uint32_t> weights) {
    std::uint64_t sum = 0;
    for (const std::uint32_t w : weights) sum += w;
    std::uint64_t at = below(sum);
    std::size_t i = 0;
    while (at >= weights[i]) at -= weights[i++];
    return i;
  }
  template <class... T>
  [[nodiscard]] constexpr std::uint64_t one_of(T... values) {
    const std::uint64_t list[] = {static_cast<std::uint64_t>(values)...};
    return list[below(sizeof...(values))];
  }

 private:
  __extension__ using wide = unsigned __int128;
  std::uint64_t state_;
};

}  // namespace furrow::sim
