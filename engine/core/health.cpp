#include "core/health.hpp"

#include <algorithm>
#include <utility>

namespace furrow::core {

void health::look_at_zones() {
  if (std::exchange(looked_at_, c_.zones.changes()) == c_.zones.changes()) return;
  retired_.clear();
  bad_ = 0;
  for (std::uint32_t i = 0; i < c_.zones.count(); ++i) {
    const zone_state& z = c_.zones[{i}];
    if (z.life != zone_life::bad || !c_.zones.is_usable(z)) continue;
    if (z.retired)
      retired_.push_back(i);
    else
      ++bad_;
  }
}

store_health health::now() {
  store_health h;
  look_at_zones();
  h.zones_bad = bad_;
  h.zones_retired = static_cast<std::uint32_t>(retired_.size());
  for (const std::uint32_t i : retired_) {
    const zone_state& z = c_.zones[{i}];
    const bool gone = z.device.condition == zoned::zone_condition::offline;
    (gone ? h.lost_bytes : h.at_risk_bytes) += z.live_blocks * block_bytes;
    h.pages_at_risk += z.live_pages;
  }
  h.superblock_copies_lost = c_.ring->copies_lost();
  h.damaged = c_.damaged;
  h.journal_lost_from = c_.journal_lost_from;
  const auto add = [&h](std::uint64_t number, const char* of_what) {
    if (number > 0) h.reasons.push_back(std::to_string(number) + of_what);
  };
  add(h.lost_bytes, " bytes of data are lost with zones that are offline");
  add(h.at_risk_bytes, " bytes of data are in zones that have become read-only");
  add(h.pages_at_risk, " copies of metadata pages are in zones that are read-only or offline");
  add(h.superblock_copies_lost, " of two copies of the superblock could not be found or written");
  if (h.journal_lost_from > 0)
    h.reasons.push_back("what was published from sequence " + std::to_string(h.journal_lost_from) +
                        " on is lost with a zone of the journal");
  if (h.damaged) h.reasons.emplace_back("something on the device is not what was written");
  h.degraded = !h.reasons.empty();
  return h;
}

bool health::is_any_needed() const {
  if (!c_.evacuate->any()) return false;
  const auto& turned = c_.evacuate->zones();
  return std::any_of(turned.begin(), turned.end(), [this](std::uint32_t i) {
    const zone_state& z = c_.zones[{i}];
    return z.life == zone_life::bad && (z.live_blocks > 0 || z.live_pages > 0);
  });
}

void health::tell() {
  degraded_ = !degraded_;
  if (!degraded_) return c_.emit(event::kind::restored, {.what = "the store is not degraded any more"});
  const store_health h = now();
  c_.emit(event::kind::degraded, {.what = h.reasons.empty() ? "" : h.reasons.front()});
}

}  // namespace furrow::core
