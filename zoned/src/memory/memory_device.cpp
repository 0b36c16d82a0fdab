// The queue in front of memory_zones.
#include "memory/memory_device.hpp"

#include <algorithm>
#include <utility>

#include "transfer_rules.hpp"

namespace furrow::zoned {

memory_device::memory_device(memory_zones zones, bool read_only)
    : zones_{std::move(zones)},
      read_only_{read_only},
      queue_{promises().in_flight_max},
      appends_(shape().zone_count),
      ready_{promises().in_flight_max, completion_queue::signalled::by_us} {}

memory_device::memory_device(const emulation& parameters, bool read_only)
    : memory_device{memory_zones{parameters.shape(), parameters.promises(), parameters.zones()}, read_only} {}

std::size_t memory_device::submit(std::span<const command> commands) {
  const auto accepted = commands.first(ready_.accept(commands.size()));
  for (const command& c : accepted) queue_.push({c, refusal(c)});
  if (!accepted.empty()) ready_.announce();
  return accepted.size();
}

std::size_t memory_device::reap(std::span<completion> out) {
  return ready_.reap(out, [&] {
    for (std::size_t i = 0; i < out.size() && !queue_.empty(); ++i) {
      ready_.push(execute(queue_.front()));
      queue_.pop();
    }
  });
}

void memory_device::cancel(command_id id) noexcept {
  for (std::size_t i = 0; i < queue_.size(); ++i) {
    pending& p = queue_[i];
    if (p.what.id != id || p.refused) continue;
    p.refused = errc::cancelled;
    if (p.what.op == opcode::append && p.what.zone.value < appends_.size()) --appends_[p.what.zone.value];
  }
}

/// What can be decided only at submission: the mode of opening, and how much one zone has in flight.
error_code memory_device::refusal(const command& c) {
  if (read_only_ && is_mutation(c.op)) return errc::unsupported;
  if (c.op != opcode::append || c.zone.value >= appends_.size()) return {};
  if (appends_[c.zone.value] >= promises().appends_per_zone_max) return errc::too_large;
  ++appends_[c.zone.value];
  return {};
}

completion memory_device::execute(const pending& p) {
  if (p.refused) return {.id = p.what.id, .error = p.refused, .at = {}, .bytes = 0};
  if (p.what.op == opcode::append && p.what.zone.value < appends_.size()) --appends_[p.what.zone.value];
  return zones_.execute(p.what);
}

}  // namespace furrow::zoned
