// The traces that furrow-wa measures with: which block of one object is written over next. From a seed alone.
#pragma once

#include <cstdint>
#include <vector>

namespace furrow::wa {

/// splitmix64
class chance {
 public:
  explicit chance(std::uint64_t seed) : state_{seed} {}
  [[nodiscard]] std::uint64_t next();
  [[nodiscard]] std::uint32_t below(std::uint32_t count);
  [[nodiscard]] double share();  ///< In [0, 1).

 private:
  std::uint64_t state_;
};

[[nodiscard]] std::vector<std::uint32_t> uniform_trace(std::uint32_t blocks, std::uint64_t writes, std::uint64_t seed);
/// The n-th of the blocks, in an order drawn from the seed, is written 1/n as often as the first.
[[nodiscard]] std::vector<std::uint32_t> zipf_trace(std::uint32_t blocks, std::uint64_t writes, std::uint64_t seed);

}  // namespace furrow::wa
