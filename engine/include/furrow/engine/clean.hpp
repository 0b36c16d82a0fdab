// What cleaning on demand came to.
#pragma once

#include <cstdint>

namespace furrow {

struct clean_result {
  std::uint64_t blocks_moved = 0;   ///< While it ran.
  std::uint64_t zones_cleaned = 0;  ///< The same.
  std::uint64_t free_bytes = 0;     ///< What appends may take now, where metadata may grow.
  bool reached = false;             ///< The share asked for is free; else there was nothing more to win.
};

}  // namespace furrow
