#include "sim/fault_table.hpp"

namespace furrow::sim {

const char* name_of(fault f) {
  constexpr std::array<const char*, fault_count> names{
      "shortened",    "append_failed", "write_failed",  "read_failed", "flush_failed",
      "reset_failed", "finish_failed", "report_failed", "data_failed", "refused",
      "read_only",    "offline",       "full",          "power_loss",  "process_end"};
  return names[static_cast<std::size_t>(f)];
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
  return n;
}

}  // namespace furrow::sim
