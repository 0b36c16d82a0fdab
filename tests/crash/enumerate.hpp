// Which outcomes of the loose zones of a moment are put together.
//
// All of them, if they are at most product_max. Else: all zones lose the most; none loses anything; and each outcome of
// each zone, once with all others losing the most, once with none of them losing anything.
//
// Not here: what an outcome is (recorder.hpp).
#pragma once

#include <functional>
#include <span>

#include "crash/recorder.hpp"

namespace furrow::crash {

inline constexpr std::uint64_t product_max_default = 1024;

/// Calls with each combination and its hash. True if they are all that there are.
bool enumerate(const moment& m, std::uint64_t product_max,
               const std::function<void(std::span<const std::uint32_t>, std::uint64_t)>& call);

}  // namespace furrow::crash
