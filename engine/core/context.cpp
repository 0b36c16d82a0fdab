#include "core/context.hpp"

#include "core/apply.hpp"
#include "core/journal.hpp"

namespace furrow::core {

std::uint64_t context::publish(const std::vector<format::record_body>& bodies) {
  ++sequence;
  objects->hold(true);  // what one record erases, the next may put
  for (const format::record_body& b : bodies) apply->apply(sequence, b);
  objects->hold(false);
  log->add(sequence, bodies);
  return sequence;
}

io_table::ask context::put(const zone_state& z, std::uint64_t offset_bytes, std::vector<zoned::segment> segments) {
  const bool conventional = z.conventional();
  return {.op = conventional ? zoned::opcode::write : zoned::opcode::append,
          .zone = z.device.index,
          .offset_bytes = conventional ? offset_bytes : 0,
          .segments = std::move(segments),
          .zones = {}};
}

void context::set_latch(const char* why, std::optional<zoned::zone_index> zone) {
  if (latch) return;
  latch = errc::needs_reopen;
  emit(event::kind::needs_reopen, {.zone = zone, .what = why});
}

}  // namespace furrow::core
