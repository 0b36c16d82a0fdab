#include "core/context.hpp"
#include <cstdio>
#include <cstdlib>

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
  if (getenv("FDBG")) { fprintf(stderr,"LATCH %s clean %u ret %u metazones cap reserve\n", why, zones.clean_count(), zones.returning_count()); for (auto& z : zones.all()) fprintf(stderr,"%u life %d role %d cls %d ord %lu live %u pages %u next %u/%u holds %u\n", z.device.index.value, int(z.life),int(z.role),int(z.cls),z.ordinal,z.live_blocks,z.live_pages,z.next_block,z.capacity_blocks,z.holds);}
  emit(event::kind::needs_reopen, {.zone = zone, .what = why});
}

}  // namespace furrow::core
