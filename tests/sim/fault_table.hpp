// Which faults came while which operations were on their way: a table without a zero is what a long run is to show.
//
// An operation meets a fault if it was in flight when the device made it, or was the last one that was asked for.
//
// Not here: the faults (faults.hpp, zone_faults.hpp, sim_device.hpp).
#pragma once

#include <array>
#include <cstdint>

#include "sim/sim_device.hpp"
#include "sim/swarm.hpp"

namespace furrow::sim {

enum class fault : std::uint8_t {
  shortened,
  append_failed,
  write_failed,
  read_failed,
  flush_failed,
  reset_failed,
  finish_failed,
  report_failed,
  data_failed,
  refused,
  read_only,
  offline,
  full,
  power_loss,
  process_end,
  count
};
inline constexpr std::size_t fault_count = static_cast<std::size_t>(fault::count);
[[nodiscard]] const char* name_of(fault f);

using fault_numbers = std::array<std::uint64_t, fault_count>;
/// By operation and fault.
using fault_table = std::array<fault_numbers, action_count>;

/// How many of each kind the device has made; of what it has not, none.
[[nodiscard]] fault_numbers faults_so_far(sim_device& device);

}  // namespace furrow::sim
