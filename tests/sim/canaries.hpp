// The canaries of core/canary.hpp: by which name each is asked for, which promise it breaks, and in what runs it is looked for.
//
// Not here: the runs (canary_main.cpp).
#pragma once

#include <cstdint>
#include <span>

#include "core/canary.hpp"

namespace furrow::sim {

/// The stores that a canary is let loose in: those of `furrow-sim`, with this option.
enum class canary_cage : std::uint8_t { swarm, tiny, full };

struct canary_row {
  core::canary which;
  const char* name;
  const char* promise;           ///< That it breaks.
  std::uint64_t first_seed = 1;  ///< Where the search begins: a rare one is found soon.
  canary_cage cage = canary_cage::swarm;
};

[[nodiscard]] std::span<const canary_row> canaries();

}  // namespace furrow::sim
