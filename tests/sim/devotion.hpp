// Seeds that are devoted to one fault: it comes often, and the operations that have met it least are asked for most. So every
// cell of the table of operations and faults is met in a run of some hundred seeds, not in one of many thousands.
//
// Invariants
//   I1  Scenarios of other seeds are as if there was no devotion.
//
// Not here: the operation that is asked (workload.cpp), the table (fault_table.hpp).
#pragma once

#include <cstdint>
#include <optional>

#include "sim/fault_kind.hpp"

namespace furrow::sim {

struct scenario;

inline constexpr std::uint64_t one_seed_devoted_in = 5;

/// None for most seeds.
[[nodiscard]] std::optional<fault> devotion_of(std::uint64_t seed);
/// Makes the scenario one in which the fault comes.
void devote(scenario& s, fault f);

}  // namespace furrow::sim
