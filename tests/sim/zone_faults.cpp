// Turning zones, and the appetite of others.
#include "sim/zone_faults.hpp"

#include <array>
#include <utility>

#include "format/superblock.hpp"
#include "format/zone_header.hpp"

namespace furrow::sim {

using zoned::zone_condition;
using zoned::zone_index;

zone_faults::zone_faults(const zone_fault_weights& weights, zoned::memory_zones& zones, std::uint64_t seed)
    : weights_{weights},
      zones_{zones},
      holds_data_(zones.shape().zone_count),
      turned_(zones.shape().zone_count),
      superblock_chance_{mix(seed) + 1},
      metadata_chance_{seed} {}

std::optional<format::zone_header> zone_faults::header_of(zone_index zone) const {
  std::array<std::byte, zoned::store_block_bytes> block{};
  zones_.peek({zone, 0}, block);
  const auto header = format::decode_zone_header(block);
  return header ? std::optional{*header} : std::nullopt;
}

/// Some header names it as the zone that the journal goes on in, and it has not been begun as that.
bool zone_faults::is_kept(zone_index zone) const {
  const auto own = header_of(zone);
  for (std::uint32_t i = 0; i < zones_.shape().zone_count; ++i) {
    const auto h = header_of({i});
    if (h && h->next == zone && (!own || own->generation < h->next_generation)) return true;
  }
  return false;
}

std::optional<zone_index> zone_faults::pick_metadata(zone_condition to) {
  const std::uint64_t start = metadata_chance_.below(zones_.shape().zone_count);
  for (std::uint32_t i = 0; i < zones_.shape().zone_count; ++i) {
    const zone_index zone{static_cast<std::uint32_t>((start + i) % zones_.shape().zone_count)};
    const zone_condition now = zones_.machine().at(zone).condition;
    if (!zoned::is_active(now) && (now != zone_condition::full || to == zone_condition::full)) continue;
    const auto h = header_of(zone);
    if (!h || h->role != format::zone_role::metadata || is_kept(zone)) continue;
    if (to != zone_condition::offline || h->ordinal == 0) return zone;
  }
  return std::nullopt;
}

std::optional<zone_index> zone_faults::befall_metadata() {
  const auto comes = [this](std::uint32_t ppm) { return metadata_chance_.chance_per_million(ppm); };
  if (!allowed_ || !metadata_allowed_) return std::nullopt;
  const bool may_lose = lost_ < weights_.lost_max;
  std::optional<zone_condition> to;
  if (comes(weights_.metadata_full_ppm)) to = zone_condition::full;
  if (may_lose && comes(weights_.metadata_read_only_ppm)) to = zone_condition::read_only;
  if (may_lose && !pages_lost_ && comes(weights_.metadata_offline_ppm)) to = zone_condition::offline;
  const auto zone = to ? pick_metadata(*to) : std::nullopt;
  if (!zone) return std::nullopt;
  const zone_fault_counts before = counts_;
  turn(*zone, *to);
  counts_.metadata_full += std::exchange(counts_.full, before.full) - before.full;
  counts_.metadata_read_only += std::exchange(counts_.read_only, before.read_only) - before.read_only;
  counts_.metadata_offline += std::exchange(counts_.offline, before.offline) - before.offline;
  pages_lost_ = pages_lost_ || to == zone_condition::offline;
  return to == zone_condition::full ? zone : std::nullopt;
}

std::optional<zone_index> zone_faults::pick_superblock() {
  const std::uint64_t start = superblock_chance_.below(zones_.shape().zone_count);
  for (std::uint32_t i = 0; i < zones_.shape().zone_count; ++i) {
    const zone_index zone{static_cast<std::uint32_t>((start + i) % zones_.shape().zone_count)};
    std::array<std::byte, zoned::store_block_bytes> block{};
    zones_.peek({zone, 0}, block);
    if (zoned::is_active(zones_.machine().at(zone).condition) && format::decode_superblock(block)) return zone;
  }
  return std::nullopt;
}

std::optional<zone_index> zone_faults::befall_superblock() {
  if (!allowed_ || !metadata_allowed_ || !superblock_chance_.chance_per_million(weights_.superblock_ppm))
    return std::nullopt;
  const auto zone = pick_superblock();
  if (!zone) return std::nullopt;
  const std::uint64_t kind = superblock_lost_ ? 0 : superblock_chance_.below(3);
  const zone_fault_counts before = counts_;
  const std::uint32_t lost = lost_;
  turn(*zone, kind == 0 ? zone_condition::full : kind == 1 ? zone_condition::read_only : zone_condition::offline);
  lost_ = lost;
  superblock_lost_ = superblock_lost_ || kind != 0;
  counts_.superblock_full += std::exchange(counts_.full, before.full) - before.full;
  counts_.superblock_read_only += std::exchange(counts_.read_only, before.read_only) - before.read_only;
  counts_.superblock_offline += std::exchange(counts_.offline, before.offline) - before.offline;
  return kind == 0 ? zone : std::nullopt;
}

bool zone_faults::says_data(zone_index zone) const {
  std::array<std::byte, zoned::store_block_bytes> block{};
  zones_.peek({zone, 0}, block);
  const auto header = format::decode_zone_header(block);
  return header && header->role == format::zone_role::data;
}

bool zone_faults::eligible(zone_index zone) const {
  const zoned::zone_info& z = zones_.machine().at(zone);
  return holds_data_[zone.value] && (zoned::is_active(z.condition) || z.condition == zone_condition::full);
}

std::optional<zone_index> zone_faults::pick(prng& chance) const {
  const std::uint64_t start = chance.below(zones_.shape().zone_count);
  for (std::uint32_t i = 0; i < zones_.shape().zone_count; ++i) {
    const zone_index zone{static_cast<std::uint32_t>((start + i) % zones_.shape().zone_count)};
    if (eligible(zone)) return zone;
  }
  return std::nullopt;
}

void zone_faults::turn(zone_index zone, zone_condition to) {
  zoned::zone_info z = zones_.machine().at(zone);
  if (z.condition == to || (to == zone_condition::full && !zoned::is_active(z.condition))) return;
  z.condition = to;
  if (to == zone_condition::full) {
    z.write_pointer_bytes = z.capacity_bytes;
    ++counts_.full;
  } else {
    ++lost_;
    ++(to == zone_condition::offline ? counts_.offline : counts_.read_only);
  }
  zones_.force(z);
  turned_[zone.value] = true;
}

std::optional<zone_index> zone_faults::befall(prng& chance) {
  if (!allowed_) return std::nullopt;
  if (chance.chance_per_million(weights_.others_ppm))
    others_ = static_cast<std::uint32_t>(chance.below(weights_.others_active_max + 1));
  const bool may_lose = lost_ < weights_.lost_max;
  std::optional<zone_condition> to;
  if (chance.chance_per_million(weights_.full_ppm)) to = zone_condition::full;
  if (may_lose && chance.chance_per_million(weights_.read_only_ppm)) to = zone_condition::read_only;
  if (may_lose && chance.chance_per_million(weights_.offline_ppm)) to = zone_condition::offline;
  const auto zone = to ? pick(chance) : std::nullopt;
  if (!zone) return std::nullopt;
  turn(*zone, *to);
  return to == zone_condition::full ? zone : std::nullopt;
}

std::optional<zone_condition> zone_faults::befall_at(zone_index zone, prng& chance) {
  if (!allowed_ || !eligible(zone)) return std::nullopt;
  const bool may_lose = lost_ < weights_.lost_max;
  // A command to the very zone is rarer than a moment between two commands.
  if (chance.chance_per_million(4 * weights_.full_ppm)) return zone_condition::full;
  if (may_lose && chance.chance_per_million(4 * weights_.read_only_ppm)) return zone_condition::read_only;
  if (may_lose && chance.chance_per_million(4 * weights_.offline_ppm)) return zone_condition::offline;
  return std::nullopt;
}

bool zone_faults::fails(zone_index zone, prng& chance) {
  if (!allowed_ || !eligible(zone) || !chance.chance_per_million(weights_.failed_ppm)) return false;
  ++counts_.failed;
  return true;
}

std::optional<zoned::errc> zone_faults::refuse(const zoned::command& append, prng& chance) {
  if (!allowed_ || others_ == 0 || append.zone.value >= zones_.shape().zone_count) return std::nullopt;
  const zoned::zone_info& z = zones_.machine().at(append.zone);
  const auto active_max = zones_.shape().active_max;
  if (z.condition == zone_condition::empty) {
    if (!active_max || zones_.machine().active_count() + others_ < *active_max) return std::nullopt;
    const bool whole = !append.segments.empty() && append.segments[0].bytes >= zoned::store_block_bytes;
    if (!whole) return std::nullopt;
    const auto header = format::decode_zone_header({append.segments[0].data, zoned::store_block_bytes});
    const bool latches = !header || header->ordinal != 0;  // superblocks, the journal
    if (latches && !weights_.others_deny_metadata) return std::nullopt;
    counts_.metadata_refused += latches ? 1 : 0;
    ++counts_.refused;
    return zoned::errc::too_many_active;
  }
  if (z.condition != zone_condition::closed || !holds_data_[append.zone.value] || !chance.chance(300))
    return std::nullopt;
  ++counts_.refused;
  return zoned::errc::too_many_open;
}

void zone_faults::executed(const zoned::command& c, const zoned::completion& done) {
  if (done.error) return;
  if (c.op == zoned::opcode::reset) {
    holds_data_[c.zone.value] = false;
    turned_[c.zone.value] = false;
  } else if (c.op == zoned::opcode::append && done.at.offset_bytes == 0) {
    holds_data_[c.zone.value] = says_data(c.zone);
  }
}

void zone_faults::interrupted() {
  for (std::uint32_t i = 0; i < zones_.shape().zone_count; ++i) {
    const zone_condition now = zones_.machine().at({i}).condition;
    if (now != zone_condition::read_only && now != zone_condition::offline) turned_[i] = false;
    if (holds_data_[i] && !says_data({i})) holds_data_[i] = false;
  }
  others_ = 0;
}

}  // namespace furrow::sim
