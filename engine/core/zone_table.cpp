#include "core/zone_table.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace furrow::core {

std::uint32_t zone_state::written_blocks() const {
  switch (device.condition) {
    case zoned::zone_condition::empty:
    case zoned::zone_condition::offline:
    case zoned::zone_condition::not_write_pointer:
      return 0;
    case zoned::zone_condition::full:
    case zoned::zone_condition::read_only:
      return capacity_blocks;
    case zoned::zone_condition::implicit_open:
    case zoned::zone_condition::explicit_open:
    case zoned::zone_condition::closed:
      return static_cast<std::uint32_t>(device.write_pointer_bytes / block_bytes);
  }
  FURROW_UNREACHABLE();
}

void zone_table::init(const zoned::geometry& shape, std::vector<zoned::zone_info> report) {
  FURROW_ASSERT(report.size() == shape.zone_count);
  shape_ = shape;
  full_size_zones_ = shape.last_zone_bytes == shape.zone_bytes ? shape.zone_count : shape.zone_count - 1;
  zones_.assign(report.size(), {});
  unfinished_.clear();
  cap_.reset();
  budget_ = shape.active_max;
  if (budget_ && shape.open_max && *shape.open_max < *budget_)
    budget_ = std::max(*shape.open_max, std::min(*budget_, store_zones_active));
  clean_ = dirty_ = resetting_ = freeing_ = active_ = usable_ = suspect_ = 0;
  typical_blocks_ = 0;
  for (const zoned::zone_info& info : report) {
    zone_state& z = zones_[info.index.value];
    z.device = info;
    z.capacity_blocks = static_cast<std::uint32_t>(std::min(info.capacity_bytes, info.bytes) / block_bytes);
    z.life = zone_life::bad;
    if (is_ring(info.index)) z.life = zone_life::superblock;
    if (!is_ring(info.index))
      set_credit(z, zoned::is_active(info.condition));
    else
      z.credit = zoned::is_active(info.condition);
    if (!is_ring(info.index) && !z.conventional() && z.capacity_blocks >= 2) {
      ++usable_;
      typical_blocks_ = typical_blocks_ == 0 ? z.capacity_blocks - 1
                                             : std::min<std::uint64_t>(typical_blocks_, z.capacity_blocks - 1);
    }
  }
  active_ += ring_credits(0) + ring_credits(1);
  turn_ = 0;
}

zoned::zone_index zone_table::ring(std::uint32_t copy, std::uint32_t half) const {
  return {copy == 0 ? half : full_size_zones_ - 2 + half};
}

bool zone_table::is_ring(zoned::zone_index z) const {
  return z.value < 2 || (z.value + 2 >= full_size_zones_ && z.value < full_size_zones_);
}

void zone_table::set_life(zone_state& z, zone_life life) {
  const auto count = [this](zone_life l, std::uint32_t by) {
    if (l == zone_life::clean) clean_ += by;
    if (l == zone_life::dirty) dirty_ += by;
    if (l == zone_life::resetting) resetting_ += by;
    if (l == zone_life::freeing) freeing_ += by;
    if (l == zone_life::suspect) suspect_ += by;
    if (l == zone_life::closed) ++closed_changes_;
  };
  ++changes_;
  count(z.life, ~std::uint32_t{0});
  z.life = life;
  count(life, 1);
  switch (life) {
    case zone_life::open:
    case zone_life::closed:
    case zone_life::suspect:
      return set_credit(z, true);
    case zone_life::superblock:
    case zone_life::clean:
    case zone_life::reserved:
      return set_credit(z, false);
    case zone_life::full:
      return drained(z);
    case zone_life::dirty:
    case zone_life::resetting:
    case zone_life::freeing:
    case zone_life::bad:
      return;  // as it was
  }
}

void zone_table::drained(zone_state& z) {
  if (z.life != zone_life::full || z.writes > 0 || !z.credit) return;
  if (z.fills_up()) return set_credit(z, false);
  unfinished_.push_back(z.device.index);
}

std::uint32_t zone_table::ring_credits(std::uint32_t copy) const {
  std::uint32_t sequential = 0, held = 0;
  for (std::uint32_t half = 0; half < 2; ++half) {
    const zone_state& z = zones_[ring(copy, half).value];
    sequential += z.conventional() ? 0u : 1u;
    held += z.credit ? 1u : 0u;
  }
  return sequential > 0 ? std::max<std::uint32_t>(held, 1) : 0;  // one may become active at any time
}

void zone_table::set_ring_credit(zone_state& z, bool credit) {
  active_ -= ring_credits(0) + ring_credits(1);
  z.credit = credit;
  active_ += ring_credits(0) + ring_credits(1);
  ++changes_;
}

void zone_table::inactive(zone_state& z) { set_credit(z, false); }

void zone_table::set_credit(zone_state& z, bool credit) {
  if (z.credit == credit) return;
  z.credit = credit;
  active_ += credit ? 1 : ~std::uint32_t{0};
  ++changes_;
}

zone_state* zone_table::pick_clean() {
  if (clean_ == 0) return nullptr;
  for (std::uint32_t i = 0; i < count(); ++i) {
    zone_state& z = zones_[(turn_ + i) % count()];
    if (z.life == zone_life::clean) {
      turn_ = z.device.index.value + 1;
      return &z;
    }
  }
  FURROW_UNREACHABLE();
}

void zone_table::cap_active() {
  cap_ = active_;
  ++changes_;
}

void zone_table::lift_cap() {
  cap_.reset();
  ++changes_;
}

zone_state* zone_table::pick_to_give_up() {
  zone_state* best = nullptr;
  for (zone_state& z : zones_)
    if (z.life == zone_life::closed && z.writes == 0 && (best == nullptr || z.failures > best->failures)) best = &z;
  return best;
}

zone_state* zone_table::pick_closed(format::zone_role role, format::zone_class cls, bool failed) {
  zone_state* other = nullptr;
  if (active_ == 0) return nullptr;
  for (zone_state& z : zones_) {
    if (z.life != zone_life::closed || z.role != role || z.room_blocks() == 0) continue;
    if ((z.failures > 0) != failed) continue;
    if (z.cls == cls) return &z;
    other = &z;
  }
  return other;
}

}  // namespace furrow::core
