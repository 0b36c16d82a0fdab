#include "zone_claims.hpp"

#include <algorithm>

#include "furrow/dump_store.hpp"

namespace furrow::cli {

namespace {

constexpr std::uint64_t block_bytes = zoned::store_block_bytes;

struct by_object {
  bool operator()(const block_claim& c, object_id id) const { return c.object < id; }
  bool operator()(object_id id, const block_claim& c) const { return id < c.object; }
};

}  // namespace

zone_claims::zone_claims(const raw_device& device, const survey& from, rebuilt_tree& objects, rebuilt_tree& zones)
    : device_{device}, rings_{ring_zones(device.shape())}, from_{from}, objects_{objects}, zones_{zones} {
  read_entries();
  count();
}

void zone_claims::read_entries() {
  zones_.for_each(format::zone_key(0, {0}), [&](const rebuilt_cell& cell) {
    const auto zone = format::parse_zone_key_parts(cell.key);
    if (!zone) return false;
    const auto value = format::decode_zone(cell.value);
    const bool ours = zone->device == 0 && zone->zone.value < device_.shape().zone_count;
    if (ours && value) entries_[zone->zone.value] = {*value, zones_.known_at(cell.from)};
    return true;
  });
}

void zone_claims::count() {
  block_claim widest;
  each_claim(
      [&](const block_claim& c) {
        ++counts_[c.object];
        if (!c.hint) look_for_dispute(c, widest);
      },
      true);
}

void zone_claims::look_for_dispute(const block_claim& c, block_claim& widest) {
  const std::uint32_t widest_end = widest.block + widest.blocks;
  if (widest.blocks == 0 || widest.zone != c.zone || widest_end <= c.block) {
    widest = c;
    return;
  }
  const std::uint32_t end = std::min(widest_end, c.block + c.blocks);
  const bool agree = widest.object == c.object && widest.object_block + (c.block - widest.block) == c.object_block;
  if (!agree) {
    const bool goes_on = !disputed_.empty() && disputed_.back().zone == c.zone.value && disputed_.back().end >= c.block;
    if (goes_on) {
      disputed_.back().end = std::max(disputed_.back().end, end);
    } else {
      disputed_.push_back({c.zone.value, c.block, end});
    }
  }
  if (c.block + c.blocks > widest_end) widest = c;
}

void zone_claims::each_claim(const std::function<void(block_claim)>& call, bool counts_impossible) {
  const auto offer = [&](block_claim c, const cell_origin& from) {
    if (c.object == 0 || !possible(c)) {
      const std::uint32_t zone = std::min(c.zone.value, device_.shape().zone_count);
      if (counts_impossible) ++impossible_[zone];
    } else if (date(c, from)) {
      call(c);
    }
  };
  zones_.for_each(format::run_key(0, {0}, 0), [&](const rebuilt_cell& cell) {
    const std::uint32_t beyond = device_.shape().zone_count;
    if (const auto key = format::parse_run_key(cell.key)) {
      const auto run = format::run_view::of(cell.value);
      const zoned::zone_index zone = key->device == 0 ? key->zone : zoned::zone_index{beyond};
      if (run)
        offer({run->object(),
               run->object_block(),
               static_cast<std::uint32_t>(run->blocks()),
               zone,
               key->block,
               false,
               false,
               {},
               {}},
              cell.from);
    } else if (const auto of = format::parse_hint_key(cell.key)) {
      const auto hint = format::decode_hint(cell.value);
      const zoned::zone_index zone = of->device == 0 ? of->zone : zoned::zone_index{beyond};
      if (hint) offer({of->object, of->object_block, hint->blocks, zone, of->block, true, false, {}, {}}, cell.from);
    }
    return true;
  });
}

bool zone_claims::possible(const block_claim& c) const {
  const zoned::geometry& shape = device_.shape();
  if (std::find(rings_.begin(), rings_.end(), c.zone) != rings_.end()) return false;
  return c.zone.value < shape.zone_count && c.block != 0 && c.block < shape.zone_blocks() &&
         c.blocks <= shape.zone_blocks() - c.block && c.end() <= format::object_blocks_max;
}

bool zone_claims::date(block_claim& c, const cell_origin& from) const {
  c.sequence = {0, from.sequence};
  c.epoch = {0, from.epoch};
  const auto& header = from_.headers[c.zone.value];
  if (header) {
    if (header->store != *from_.store || header->role != format::zone_role::data) return false;
    if (header->epoch > from.epoch) return false;
    c.epoch.first = header->epoch;
  }
  const auto entry = entries_.find(c.zone.value);
  if (entry == entries_.end()) return true;
  const format::zone_value& v = entry->second.value;
  const bool covers = entry->second.sequence >= from.sequence;
  if (covers && (v.role != format::zone_role::data || v.live_blocks == 0)) return false;
  if (header && header->generation != v.generation) return !covers || header->generation < v.generation;
  if (v.role != format::zone_role::data) return true;
  if (from.sequence < v.fill_sequence) return false;
  c.sequence.first = v.fill_sequence;
  if (covers && !c.hint) c.sequence.last = std::clamp(v.write_sequence, v.fill_sequence, from.sequence);
  return true;
}

std::vector<object_id> zone_claims::objects() const {
  std::vector<object_id> ids;
  ids.reserve(counts_.size());
  for (const auto& [id, count] : counts_) ids.push_back(id);
  return ids;
}

std::vector<object_id> zone_claims::load_some(std::vector<object_id>& from) {
  std::vector<object_id> ids;
  std::uint64_t claims = 0;
  while (!from.empty()) {
    const auto counted = counts_.find(from.back());
    const std::uint64_t its = counted != counts_.end() ? counted->second : 0;
    if (!ids.empty() && claims + its > claims_max) break;
    claims += its;
    ids.push_back(from.back());
    from.pop_back();
  }
  std::reverse(ids.begin(), ids.end());
  loaded_.clear();
  if (claims == 0) return ids;
  each_claim(
      [&](const block_claim& c) {
        if (std::binary_search(ids.begin(), ids.end(), c.object)) loaded_.push_back(c);
      },
      false);
  std::stable_sort(loaded_.begin(), loaded_.end(),
                   [](const block_claim& a, const block_claim& b) { return a.object < b.object; });
  return ids;
}

claimed_object zone_claims::of(object_id id) {
  const std::uint64_t device_bytes = device_.shape().zone_count * device_.shape().zone_bytes;
  const std::uint64_t reach = std::max(reach_bytes_max, device_bytes) / block_bytes;
  const auto denied_at = objects_.spoken_at(format::object_key(id));
  claimed_object to;
  std::vector<block_claim> claims;
  const auto [begin, end] = std::equal_range(loaded_.begin(), loaded_.end(), id, by_object{});
  for (auto c = begin; c != end; ++c) {
    if (denied_at && c->sequence.last <= *denied_at) continue;
    if (c->end() > reach) {
      to.too_far.push_back(*c);
    } else {
      add_parts(*c, claims);
    }
  }
  to.extents = newest_of(std::move(claims), [&](const auto& a, const auto& b) { return same_sums(a, b); });
  return to;
}

void zone_claims::add_parts(const block_claim& c, std::vector<block_claim>& to) const {
  const std::uint32_t end = c.block + c.blocks;
  const auto add = [&](std::uint32_t first, std::uint32_t behind, bool disputed) {
    if (first >= behind) return;
    to.push_back(c.part(c.object_block + (first - c.block), c.object_block + (behind - c.block)));
    to.back().disputed = disputed;
  };
  std::uint32_t at = c.block;
  auto d = std::partition_point(disputed_.begin(), disputed_.end(), [&](const place& p) {
    return p.zone < c.zone.value || (p.zone == c.zone.value && p.end <= c.block);
  });
  for (; d != disputed_.end() && d->zone == c.zone.value && d->first < end; ++d) {
    add(at, d->first, false);
    add(std::max(at, d->first), std::min(end, d->end), true);
    at = std::min(end, d->end);
  }
  add(at, end, false);
}

bool zone_claims::same_sums(const block_claim& a, const block_claim& b) {
  const std::vector<std::uint32_t> sums = sums_of(a);
  return sums.size() == a.blocks && sums == sums_of(b);
}

std::vector<std::uint32_t> zone_claims::sums_of(const block_claim& c) {
  std::vector<std::uint32_t> sums;
  const std::uint32_t from = c.block - std::min(c.block, format::run_blocks_max - 1);
  zones_.for_each(format::run_key(0, c.zone, from), [&](const rebuilt_cell& cell) {
    const auto key = format::parse_run_key(cell.key);
    if (!key || key->device != 0 || key->zone != c.zone || key->block >= c.block + c.blocks) return false;
    const auto run = format::run_view::of(cell.value);
    if (!run || !run->has_sums()) return true;
    for (std::uint64_t i = 0; i < run->blocks(); ++i) {
      const std::uint64_t block = key->block + i;
      if (block >= c.block && block < c.block + c.blocks && block == c.block + sums.size()) sums.push_back(run->sum(i));
    }
    return true;
  });
  return sums;
}

}  // namespace furrow::cli
