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

void context::set_latch(const char* why, std::optional<zoned::zone_index> zone) {
  if (latch) return;
  latch = errc::needs_reopen;
  emit(event::kind::needs_reopen, {.zone = zone, .what = why});
}

}  // namespace furrow::core
