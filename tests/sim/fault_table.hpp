// Which faults came while which operations were on their way: a table without a zero is what a long run is to show.
//
// An operation meets a fault if it was in flight when the device made it, or was the last one that was asked for. So each may
// meet each: there is no cell that cannot be.
//
// Not here: the faults (faults.hpp, zone_faults.hpp, sim_device.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/fault_kind.hpp"
#include "sim/sim_device.hpp"
#include "sim/swarm.hpp"

namespace furrow::sim {

using fault_numbers = std::array<std::uint64_t, fault_count>;
/// By operation and fault.
using fault_table = std::array<fault_numbers, action_count>;

/// Where it is zero, by name: "operation x fault".
[[nodiscard]] std::vector<std::string> empty_cells(const fault_table& met);

/// How many of each kind the device has made; of what it has not, none.
[[nodiscard]] fault_numbers faults_so_far(sim_device& device);

}  // namespace furrow::sim
