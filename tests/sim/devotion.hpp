// Seeds that are devoted to one fault: it comes often, and what is asked for most are operations that have met it least, beside
// those that bring it. So every cell of the table of operations and faults is met in a run of some hundred seeds, not in one of
// many thousands.
//
// Invariants
//   I1  Scenarios of other seeds are as if there was no devotion.
//   I2  Faults take turns, but for `rot`, which has seeds of its own: what it came to later changes none of the turns.
//   I3  Seeds of one fault begin with different operations, so that a few of them have begun with each.
//
// Not here: the operation that is asked (workload.cpp), the table (fault_table.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sim/fault_kind.hpp"

namespace furrow::sim {

struct scenario;
enum class action : std::uint8_t;

inline constexpr std::uint64_t one_seed_devoted_in = 5;

/// Whether data rot in it, unless it is devoted to something else.
[[nodiscard]] bool is_of_rot(std::uint64_t seed);
/// None for most seeds.
[[nodiscard]] std::optional<fault> devotion_of(std::uint64_t seed);
/// Makes the scenario one in which the fault comes.
void devote(scenario& s, fault f);
/// So many zones may be active beyond what a store needs at the most, and others take them, also from metadata.
void let_others_take_metadata(scenario& s, std::uint32_t spare);
/// Where the seed begins among the operations, if it is devoted.
[[nodiscard]] std::size_t first_action_of(std::uint64_t seed);
/// Operations of which the device is given the commands that the fault befalls; none where any will do.
[[nodiscard]] std::span<const action> bringers_of(fault f);
/// What is to be asked for before there can be such an operation.
[[nodiscard]] std::span<const action> openers_of(action a);

}  // namespace furrow::sim
