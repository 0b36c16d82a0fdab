// What may befall a store in a simulation, by name: the columns of the table of operations and faults.
//
// Not here: who makes them (faults.hpp, zone_faults.hpp, lies.hpp), who counts them (fault_table.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

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
  metadata_read_only,
  metadata_offline,
  metadata_full,
  lost_write,
  misdirected,
  stale_read,
  copy_lost,
  copy_stale,
  power_loss,
  process_end,
  rot,
  count
};
inline constexpr std::size_t fault_count = static_cast<std::size_t>(fault::count);
[[nodiscard]] const char* name_of(fault f);

}  // namespace furrow::sim
