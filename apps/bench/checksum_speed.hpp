// What a block's sum costs on this machine, with the implementation that the engine chose for it.
#pragma once

#include <cstdint>
#include <string>

namespace furrow::bench {

struct checksum_speed {
  std::string implementation;
  std::uint64_t block_bytes = 0;
  double ns_per_block = 0;  ///< The median of many batches.
};

[[nodiscard]] checksum_speed measure_checksum(double seconds);

}  // namespace furrow::bench
