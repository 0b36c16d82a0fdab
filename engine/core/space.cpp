#include "core/space.hpp"

#include <algorithm>
#include <utility>

#include "core/checkpoint.hpp"
#include "core/cleaner.hpp"
#include "core/data_writer.hpp"
#include "core/reclaimer.hpp"

namespace furrow::core {

namespace {

const char* sentence(space_shortage::kind what) {
  switch (what) {
    case space_shortage::kind::free:
      return "no space: all that the store may hold is live";
    case space_shortage::kind::reclaimable:
      return "no space: what is dead cannot be won, as it is held or cleaning is off";
    case space_shortage::kind::reserved:
      return "no space: what is free is kept for metadata and cleaning";
    case space_shortage::kind::active_zones:
      return "no space: zones are free, but the device lets no more of them be active";
  }
  FURROW_UNREACHABLE();
}

}  // namespace

error_detail no_space_detail(context& c, std::uint64_t object, std::uint64_t blocks, bool no_credit) {
  const zone_table::use use = c.zones.count_use();
  const std::uint64_t zone_bytes = c.zones.typical_blocks() * block_bytes;
  const std::uint64_t kept_zones = c.data->reserve_zones() + std::uint64_t{c.data->cleaner_zones()};
  space_shortage s;
  s.wanted_bytes = blocks * block_bytes;
  s.free_bytes = c.data->available() * block_bytes;
  s.reclaimable_bytes = use.dead_blocks() * block_bytes;
  s.reserved_bytes = kept_zones * zone_bytes;
  s.zones_free = c.zones.clean_count();
  s.zones_active = c.zones.active();
  s.zones_active_max = c.shape.active_max.value_or(0);
  const std::uint64_t clean_bytes = c.zones.clean_count() * zone_bytes;
  if (no_credit)
    s.what = space_shortage::kind::active_zones;
  else if (s.reclaimable_bytes >= s.wanted_bytes + zone_bytes)  // of less, no whole zone is won
    s.what = space_shortage::kind::reclaimable;
  else if (clean_bytes + c.reclaim->closed_data_room() * block_bytes > s.wanted_bytes)
    s.what = space_shortage::kind::reserved;
  else
    s.what = space_shortage::kind::free;
  error_detail d{.bytes = s.wanted_bytes, .what = sentence(s.what), .space = s};
  if (object != 0) d.object = object;
  return d;
}

void low_space::look() {
  looked_at_ = c_.zones.changes();
  if (c_.read_only || c_.latch) return;
  const std::uint64_t zone = c_.zones.typical_blocks(), left = c_.data->blocks_left();
  const std::uint64_t least = std::max(c_.data->capacity_blocks() / low_space_parts, zone);
  if (left >= least + (low_ ? zone : 0)) {
    low_ = false;
  } else if (!std::exchange(low_, true)) {
    c_.emit(event::kind::low_space,
            {.bytes = left * block_bytes,
             .what = "low space: " + std::to_string(left * block_bytes) + " bytes may still be written"});
  }
}

std::vector<zone_keeper> keepers_of(const context& c, const zone_state& z) {
  std::vector<zone_keeper> all;
  const auto add_if = [&all](bool holds, zone_keeper k) {
    if (holds) all.push_back(k);
  };
  switch (z.life) {
    case zone_life::superblock:
      return {zone_keeper::superblock};
    case zone_life::clean:
      return {};
    case zone_life::reserved:
      return {zone_keeper::next_journal};
    case zone_life::dirty:
    case zone_life::resetting:
      all.push_back(zone_keeper::reset);
      break;
    case zone_life::freeing:
      all.push_back(zone_keeper::freeing);
      break;
    case zone_life::open:
      all.push_back(zone_keeper::open);
      break;
    case zone_life::closed:
      add_if(z.room_blocks() > 0, zone_keeper::refill);
      break;
    case zone_life::suspect:
      all.push_back(zone_keeper::suspect);
      break;
    case zone_life::bad:
      all.push_back(zone_keeper::bad);
      break;
    case zone_life::full:
      break;
  }
  add_if(z.live_blocks > 0, zone_keeper::live_blocks);
  add_if(z.live_pages > 0, zone_keeper::live_pages);
  add_if(z.ordinal != 0 && z.ordinal >= c.checkpoint->head_ordinal(), zone_keeper::journal);
  add_if(c.clean->cleans(z), zone_keeper::move);
  add_if(z.holds > (c.clean->cleans(z) ? 1u : 0u), zone_keeper::writes);
  add_if(z.readers > z.views, zone_keeper::reader);
  add_if(z.views > 0, zone_keeper::view);
  return all;
}

}  // namespace furrow::core
