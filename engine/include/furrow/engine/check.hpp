// What a check of a store found.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "furrow/engine/error.hpp"

namespace furrow {

struct check_finding {
  std::string what;  ///< One line.
  error_detail detail;
  std::string left_because{};  ///< Why a repair leaves it as it is; empty: a repair mends it.
};

struct check_result {
  std::uint64_t objects = 0;
  std::uint64_t extents = 0;
  std::uint64_t blocks_verified = 0;
  std::uint64_t pages = 0;
  std::vector<check_finding> findings{};  ///< The first ones; `damage` counts all.
  std::uint64_t damage = 0;               ///< 0: the store is sound.
};

}  // namespace furrow
