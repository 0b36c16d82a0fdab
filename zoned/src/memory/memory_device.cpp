// The queue in front of memory_zones.
#include "memory/memory_device.hpp"

#include <algorithm>
#include <utility>

#include "transfer_rules.hpp"

namespace furrow::zoned {

memory_device::memory_device(memory_zones zones, bool read_only) : zones_{std::move(zones)}, read_only_{read_only} {}

memory_device::memory_device(const emulation& parameters, bool read_only)
    : memory_device{memory_zones{parameters.shape(), parameters.promises(), parameters.zones()}, read_only} {}

std::size_t memory_device::submit(std::span<const command> commands) {
  const std::size_t room = promises().in_flight_max - queue_.size();
  const auto accepted = commands.first(std::min(room, commands.size()));
  for (const command& c : accepted) queue_.push_back({c, refusal(c)});
  if (!accepted.empty()) ready_.set();
  return accepted.size();
}

std::size_t memory_device::reap(std::span<completion> out) {
  std::size_t reaped = 0;
  for (; reaped < out.size() && !queue_.empty(); ++reaped) {
    out[reaped] = execute(queue_.front());
    queue_.pop_front();
  }
  if (queue_.empty()) ready_.clear();
  return reaped;
}

void memory_device::cancel(command_id id) noexcept {
  for (pending& p : queue_) {
    if (p.what.id == id && !p.refused) p.refused = errc::cancelled;
  }
}

/// What can be decided only at submission: the mode of opening, and how much one zone has in flight.
error_code memory_device::refusal(const command& c) const {
  if (read_only_ && is_mutation(c.op)) return errc::unsupported;
  if (c.op != opcode::append) return {};
  const auto of_zone = std::ranges::count_if(
      queue_, [&](const pending& p) { return p.what.op == opcode::append && p.what.zone == c.zone && !p.refused; });
  return of_zone >= promises().appends_per_zone_max ? error_code{errc::too_large} : error_code{};
}

completion memory_device::execute(const pending& p) {
  if (p.refused) return {.id = p.what.id, .error = p.refused, .at = {}, .bytes = 0};
  return zones_.execute(p.what);
}

}  // namespace furrow::zoned
