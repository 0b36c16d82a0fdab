// The two calls that are observed.
#include "adapt/trace_device.hpp"

#include <utility>

#include "ensure.hpp"

namespace furrow::zoned {

trace_device::trace_device(std::unique_ptr<device> below, observer seen)
    : seen_{std::move(seen)}, below_{std::move(below)} {
  ensure(static_cast<bool>(seen_.accepted));
  ensure(static_cast<bool>(seen_.completed));
}

std::size_t trace_device::submit(std::span<const command> commands) {
  const std::size_t accepted = below_->submit(commands);
  for (const command& c : commands.first(accepted)) seen_.accepted(c);
  return accepted;
}

std::size_t trace_device::reap(std::span<completion> out) {
  const std::size_t reaped = below_->reap(out);
  for (const completion& c : out.first(reaped)) seen_.completed(c);
  return reaped;
}

}  // namespace furrow::zoned
