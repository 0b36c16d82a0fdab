#include "core/zone_table.hpp"

#include <algorithm>

namespace furrow::core {

std::uint32_t zone_state::written_blocks() const {
  switch (device.condition) {
    case zoned::zone_condition::empty:
    case zoned::zone_condition::offline:
      return 0;
    case zoned::zone_condition::not_write_pointer:
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
  *this = {};
  shape_ = shape;
  full_size_zones_ = shape.last_zone_bytes == shape.zone_bytes ? shape.zone_count : shape.zone_count - 1;
  zones_.resize(report.size());
  victims_.init(shape.zone_count);
  std::vector<std::uint32_t> others;  // than sequential zones of full size, which are all usable
  for (const zoned::zone_info& info : report) {
    FURROW_ASSERT(info.index.value < shape.zone_count);
    zone_state& z = zones_.data()[info.index.value];
    z.device = info;
    z.capacity_blocks = static_cast<std::uint32_t>(std::min(info.capacity_bytes, info.bytes) / block_bytes);
    const bool ring = is_ring(info.index);
    z.life = ring ? zone_life::superblock : zone_life::bad;
    z.credit = zoned::is_active(info.condition);
    if (ring) continue;
    if (z.conventional()) {
      others.push_back(info.index.value);
      continue;
    }
    if (z.credit) found_active_.push_back(info.index.value);
    if (z.capacity_blocks < 2) continue;
    if (info.index.value >= full_size_zones_) {
      others.push_back(info.index.value);
      continue;
    }
    const std::uint64_t blocks = z.capacity_blocks - 1;
    typical_blocks_ = ++usable_ == 1 ? blocks : std::min(typical_blocks_, blocks);
  }
  active_ = static_cast<std::uint32_t>(found_active_.size()) + ring_credits(0) + ring_credits(1);
  for (const std::uint32_t i : others)
    if (is_usable(zones_[i])) ++(zones_[i].conventional() ? usable_conventional_ : usable_);
  divide(1);
}

void zone_table::divide(std::uint32_t page_copies) {
  page_copies_ = page_copies;
  confined_ = false;
  confined_ = shape_.active_max && *shape_.active_max < credits_min() && usable_conventional_ >= zones_min(page_copies);
  budget_ = zone_budget::divide(question());
}

budget_question zone_table::question() const {
  budget_question q{.active_max = shape_.active_max,
                    .open_max = shape_.open_max,
                    .sequential_rings = 0,
                    .page_copies = page_copies_,
                    .confined = confined_,
                    .data_zones = usable_};
  for (std::uint32_t copy = 0; copy < 2; ++copy)
    q.sequential_rings +=
        zones_[ring(copy, 0).value].conventional() && zones_[ring(copy, 1).value].conventional() ? 0u : 1u;
  return q;
}

zoned::zone_index zone_table::ring(std::uint32_t copy, std::uint32_t half) const {
  return {copy == 0 ? half : full_size_zones_ - 2 + half};
}

void zone_table::link(zone_state& z) {
  zone_list& l = lists_[list_of(z)];
  const std::uint32_t index = z.device.index.value;
  z.previous = l.last;
  z.next = zone_state::no_zone;
  (l.last == zone_state::no_zone ? l.first : zones_[l.last].next) = index;
  l.last = index;
  ++l.count;
}

void zone_table::unlink(zone_state& z) {
  zone_list& l = lists_[list_of(z)];
  (z.previous == zone_state::no_zone ? l.first : zones_[z.previous].next) = z.next;
  (z.next == zone_state::no_zone ? l.last : zones_[z.next].previous) = z.previous;
  --l.count;
}

void zone_table::unsettle(zone_state& z) {
  if (z.settled_role == format::zone_role::free) return;
  use was;
  add_use(was, std::exchange(z.settled_role, format::zone_role::free), z.settled_blocks);
  settled_.data_blocks -= was.data_blocks;
  settled_.metadata_blocks -= was.metadata_blocks;
}

zone_table::use zone_table::count_use() const {
  use all = settled_;
  all.live_blocks = live_blocks_;
  for (const zone_life life : {zone_life::open, zone_life::closed, zone_life::suspect, zone_life::freeing})
    for (std::uint32_t i = lists_[list_of(life)].first; i != zone_state::no_zone; i = zones_[i].next)
      add_use(all, zones_[i].role, zones_[i].next_block);
  return all;
}

void zone_table::note_metadata(const zone_state& z) {
  const bool changed =
      z.in_metadata ? metadata_.insert(z.device.index.value).second : metadata_.erase(z.device.index.value) != 0;
  if (!changed || z.conventional()) return;
  if (z.in_metadata)
    ++metadata_sequential_;
  else
    --metadata_sequential_;
}

void zone_table::add_live(zone_state& z, std::uint32_t blocks) {
  z.live_blocks += blocks;
  live_blocks_ += blocks;
  tell_victims(z);
  entry_changed(z);
}

void zone_table::drop_live(zone_state& z, std::uint32_t blocks) {
  blocks = std::min(blocks, z.live_blocks);  // a damaged medium may name blocks twice
  z.live_blocks -= blocks;
  live_blocks_ -= blocks;
  if (blocks > 0) tell_victims(z);
  entry_changed(z);
}

void zone_table::tell_victims(const zone_state& z) {
  const zoned::zone_index i = z.device.index;
  const std::uint32_t blocks = z.capacity_blocks - 1;
  const bool full = z.life == zone_life::full && z.role == format::zone_role::data && z.views == 0;
  if (!full || z.live_blocks == 0 || z.live_blocks >= blocks)
    set_aside(z);
  else if (victims_.contains(i))
    victims_.update(i, z.live_blocks, blocks, z.write_sequence);
  else
    victims_.add(i, z.live_blocks, blocks, z.write_sequence);
}

void zone_table::entry_changed(zone_state& z) {
  if (!std::exchange(z.entry_changed, true)) changed_.push_back(z.device.index.value);
}

std::vector<std::uint32_t> zone_table::take_changed() {
  for (const std::uint32_t i : changed_) zones_[i].entry_changed = false;
  std::vector<std::uint32_t> taken;
  taken.swap(changed_);
  std::sort(taken.begin(), taken.end());
  return taken;
}

void zone_table::set_life(zone_state& z, zone_life life) {
  const auto resetting = [](zone_life l) { return l == zone_life::dirty || l == zone_life::resetting; };
  const auto returning = [&](zone_life l) { return resetting(l) || l == zone_life::freeing; };
  const bool full_before_or_now = z.life == zone_life::full || life == zone_life::full;
  ++changes_;
  if (z.life == zone_life::closed || life == zone_life::closed) ++closed_changes_;
  if (z.conventional()) {
    returning_conventional_ += (returning(life) ? 1u : 0u) - (returning(z.life) ? 1u : 0u);
    resetting_conventional_ += (resetting(life) ? 1u : 0u) - (resetting(z.life) ? 1u : 0u);
  }
  if (is_linked(z.life))
    unlink(z);
  else
    unsettle(z);
  z.life = life;
  if (is_linked(life))
    link(z);
  else
    settle(z);
  const bool in_metadata =
      life == zone_life::reserved || (z.role == format::zone_role::metadata && life != zone_life::freeing);
  if (std::exchange(z.in_metadata, in_metadata) != in_metadata) note_metadata(z);
  if (full_before_or_now) {
    tell_victims(z);
    if (z.credit || z.draining) note_draining(z);
  }
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

void zone_table::note_draining(zone_state& z) {
  const bool now = z.life == zone_life::full && z.credit && z.fills_up();
  if (std::exchange(z.draining, now) != now) draining_ += now ? 1 : ~std::uint32_t{0};
}

bool zone_table::credits_coming() const {
  if (draining_ > 0) return true;
  for (const zone_life life : {zone_life::dirty, zone_life::resetting})
    for (std::uint32_t i = lists_[list_of(life)].first; i != zone_state::no_zone; i = zones_[i].next)
      if (zones_[i].credit) return true;
  return false;
}

void zone_table::inactive(zone_state& z) { set_credit(z, false); }

void zone_table::set_credit(zone_state& z, bool credit) {
  if (z.credit == credit || z.conventional()) return;
  z.credit = credit;
  active_ += credit ? 1 : ~std::uint32_t{0};
  ++changes_;
  note_draining(z);
}

zone_state* zone_table::pick_clean() {
  const std::uint32_t first = lists_[list_of(zone_life::clean)].first;
  return first == zone_state::no_zone ? nullptr : &zones_[first];
}

zone_state* zone_table::pick_metadata() {
  const std::uint32_t first = lists_[clean_conventional_list].first;
  if (first != zone_state::no_zone) return &zones_[first];
  return confined_ ? nullptr : pick_clean();
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
  for_life(zone_life::closed, [&best](zone_state& z) {
    if (z.writes == 0 && !z.conventional() && z.may_finish() && (best == nullptr || z.failures > best->failures))
      best = &z;
    return true;
  });
  return best;
}

zone_state* zone_table::pick_closed(format::zone_role role, format::zone_class cls, bool failed,
                                    std::span<const std::uint32_t> but) {
  zone_state* best = nullptr;
  const auto better = [cls](const zone_state& a, const zone_state& b) {
    if (a.conventional() != b.conventional()) return a.conventional();
    return a.cls == cls && b.cls != cls;
  };
  for_life(zone_life::closed, [&](zone_state& z) {
    const bool fits = z.role == role && z.room_blocks() > 0 && (z.failures > 0) == failed;
    if (fits && std::find(but.begin(), but.end(), z.device.index.value) == but.end() &&
        (best == nullptr || better(z, *best)))
      best = &z;
    return true;
  });
  return best;
}

}  // namespace furrow::core
