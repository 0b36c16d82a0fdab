#include "sim/fault_table.hpp"

namespace furrow::sim {

const char* name_of(fault f) {
  constexpr std::array<const char*, fault_count> names{
      "shortened",     "append_failed",  "write_failed", "read_failed", "flush_failed", "reset_failed",
      "finish_failed", "report_failed",  "data_failed",  "refused",     "read_only",    "offline",
      "full",          "meta_read_only", "meta_offline", "meta_full",   "lost_write",   "misdirected",
      "stale_read",    "copy_lost",      "copy_stale",   "power_loss",  "process_end",  "rot"};
  return names[static_cast<std::size_t>(f)];
}

std::vector<std::string> empty_cells(const fault_table& met) {
  std::vector<std::string> cells;
  for (std::size_t a = 0; a < action_count; ++a)
    for (std::size_t f = 0; f < fault_count; ++f)
      if (met[a][f] == 0)
        cells.push_back(std::string{name_of(static_cast<action>(a))} + " x " + name_of(static_cast<fault>(f)));
  return cells;
}

fault_numbers faults_so_far(sim_device& device) {
  using zoned::opcode;
  const fault_plan& failures = device.faults();
  const zone_fault_counts& zones = device.zone_faults().counts();
  fault_numbers n{};
  const auto set = [&n](fault f, std::uint64_t times) { n[static_cast<std::size_t>(f)] = times; };
  set(fault::shortened, failures.shortened());
  set(fault::append_failed, failures.failures_of(opcode::append));
  set(fault::write_failed, failures.failures_of(opcode::write));
  set(fault::read_failed, failures.failures_of(opcode::read));
  set(fault::flush_failed, failures.failures_of(opcode::flush));
  set(fault::reset_failed, failures.failures_of(opcode::reset));
  set(fault::finish_failed, failures.failures_of(opcode::finish));
  set(fault::report_failed, failures.failures_of(opcode::report));
  set(fault::data_failed, zones.failed);
  set(fault::refused, zones.refused);
  set(fault::read_only, zones.read_only);
  set(fault::offline, zones.offline);
  set(fault::full, zones.full);
  set(fault::metadata_read_only, zones.metadata_read_only + zones.superblock_read_only);
  set(fault::metadata_offline, zones.metadata_offline + zones.superblock_offline);
  set(fault::metadata_full, zones.metadata_full + zones.superblock_full);
  const lie_counts& lied = device.lies().counts();
  set(fault::lost_write, lied.lost);
  set(fault::misdirected, lied.misdirected);
  set(fault::stale_read, lied.stale);
  set(fault::copy_lost, lied.copies_lost);
  set(fault::copy_stale, lied.copies_stale);
  set(fault::rot, lied.rotted);
  return n;
}

}  // namespace furrow::sim
