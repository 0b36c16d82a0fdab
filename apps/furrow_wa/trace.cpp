#include "furrow_wa/trace.hpp"

#include <algorithm>
#include <numeric>

namespace furrow::wa {

std::uint64_t chance::next() {
  std::uint64_t x = state_ += 0x9e37'79b9'7f4a'7c15;
  x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9;
  x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11eb;
  return x ^ (x >> 31);
}

std::uint32_t chance::below(std::uint32_t count) { return static_cast<std::uint32_t>(((next() >> 32) * count) >> 32); }

double chance::share() { return static_cast<double>(next() >> 11) * 0x1p-53; }

std::vector<std::uint32_t> uniform_trace(std::uint32_t blocks, std::uint64_t writes, std::uint64_t seed) {
  chance from{seed};
  std::vector<std::uint32_t> trace(writes);
  for (std::uint32_t& block : trace) block = from.below(blocks);
  return trace;
}

std::vector<std::uint32_t> zipf_trace(std::uint32_t blocks, std::uint64_t writes, std::uint64_t seed) {
  chance from{seed};
  std::vector<double> up_to(blocks);
  double all = 0;
  for (std::uint32_t rank = 0; rank < blocks; ++rank) up_to[rank] = all += 1.0 / (rank + 1);
  std::vector<std::uint32_t> block_of(blocks);
  std::iota(block_of.begin(), block_of.end(), 0);
  for (std::uint32_t left = blocks; left > 1; --left) std::swap(block_of[left - 1], block_of[from.below(left)]);
  std::vector<std::uint32_t> trace(writes);
  for (std::uint32_t& block : trace) {
    const auto rank = std::lower_bound(up_to.begin(), up_to.end() - 1, from.share() * all) - up_to.begin();
    block = block_of[static_cast<std::size_t>(rank)];
  }
  return trace;
}

}  // namespace furrow::wa
