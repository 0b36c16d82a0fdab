#include "core/victim_index.hpp"

#include <algorithm>
#include <bit>

#include "core/assert.hpp"

namespace furrow::core {

namespace {

constexpr std::array<double, victim_index::buckets> make_gains() {
  std::array<double, victim_index::buckets> gains{};
  double wide = 1.0 / victim_index::linear_buckets, from = 0;
  for (std::uint32_t b = 0; b < victim_index::buckets; ++b) {
    if (b >= victim_index::linear_buckets - 1) wide /= 2;
    const double live = from + wide / 2;
    gains[b] = (1 - live) / live;
    from += wide;
  }
  return gains;
}
constexpr auto gains = make_gains();

}  // namespace

std::uint32_t victim_index::bucket_of(std::uint32_t live_blocks, std::uint32_t capacity_blocks) {
  FURROW_ASSERT(live_blocks <= capacity_blocks && capacity_blocks > 0);
  const std::uint64_t dead = capacity_blocks - live_blocks;
  if (dead == 0) return buckets;
  const std::uint64_t parts = dead * linear_buckets / capacity_blocks;
  if (parts > 0) return static_cast<std::uint32_t>(std::uint64_t{live_blocks} * linear_buckets / capacity_blocks);
  // capacity / dead is over 64: one more bucket for each time it doubles
  const auto doublings = static_cast<std::uint32_t>(std::bit_width(capacity_blocks / dead / linear_buckets)) - 1;
  return std::min(linear_buckets - 1 + doublings, buckets - 1);
}

double victim_index::gain_of(std::uint32_t bucket) { return gains[bucket]; }

void victim_index::init(std::uint32_t zone_count) {
  bucket_of_zone_.assign(zone_count, absent);
  nodes_ = std::make_unique_for_overwrite<node[]>(zone_count);
  for (heap& h : heaps_) h.clear();
  tops_.fill(nothing);
  size_ = 0;
}

void victim_index::add(zoned::zone_index zone, std::uint32_t live_blocks, std::uint32_t capacity_blocks,
                       std::uint64_t age_sequence) {
  FURROW_ASSERT(!contains(zone));
  bucket_of_zone_[zone.value] = static_cast<std::uint8_t>(bucket_of(live_blocks, capacity_blocks));
  nodes_[zone.value].age_sequence = age_sequence;
  ++size_;
  enter(zone.value);
}

void victim_index::update(zoned::zone_index zone, std::uint32_t live_blocks, std::uint32_t capacity_blocks,
                          std::uint64_t age_sequence) {
  FURROW_ASSERT(contains(zone));
  const auto bucket = static_cast<std::uint8_t>(bucket_of(live_blocks, capacity_blocks));
  std::uint8_t& in = bucket_of_zone_[zone.value];
  node& n = nodes_[zone.value];
  if (bucket == in && age_sequence == n.age_sequence) return;
  leave(zone.value);
  in = bucket;
  n.age_sequence = age_sequence;
  enter(zone.value);
}

void victim_index::remove(zoned::zone_index zone) {
  FURROW_ASSERT(contains(zone));
  leave(zone.value);
  bucket_of_zone_[zone.value] = absent;
  --size_;
}

std::optional<zoned::zone_index> victim_index::pick(std::uint64_t now, std::uint32_t first_buckets) const {
  const auto at = static_cast<double>(now);
  std::uint32_t best = buckets;
  double most = 0;
  for (std::uint32_t b = 0; b < first_buckets; ++b) {
    const double worth = gains[b] * (std::max(at - tops_[b], 0.0) + 1);
    if (worth <= most || tops_[b] == nothing) continue;
    most = worth;
    best = b;
  }
  if (best == buckets) return std::nullopt;
  return zoned::zone_index{heaps_[best].front()};
}

void victim_index::enter(std::uint32_t zone) {
  const std::uint8_t bucket = bucket_of_zone_[zone];
  if (bucket == buckets) return;
  heap& h = heaps_[bucket];
  h.push_back(zone);
  rise(h, h.size() - 1, zone);
}

void victim_index::leave(std::uint32_t zone) {
  const std::uint8_t bucket = bucket_of_zone_[zone];
  if (bucket == buckets) return;
  heap& h = heaps_[bucket];
  const std::size_t position = nodes_[zone].position;
  const std::uint32_t last = h.back();
  h.pop_back();
  if (h.empty()) tops_[bucket] = nothing;
  if (last == zone) return;
  if (before(last, zone))
    rise(h, position, last);
  else
    sink(h, position, last);
}

void victim_index::rise(heap& h, std::size_t position, std::uint32_t zone) {
  while (position > 0) {
    const std::size_t above = (position - 1) / 2;
    if (!before(zone, h[above])) break;
    put(h, position, h[above]);
    position = above;
  }
  put(h, position, zone);
}

void victim_index::sink(heap& h, std::size_t position, std::uint32_t zone) {
  for (std::size_t below = 2 * position + 1; below < h.size(); below = 2 * position + 1) {
    if (below + 1 < h.size() && before(h[below + 1], h[below])) ++below;
    if (!before(h[below], zone)) break;
    put(h, position, h[below]);
    position = below;
  }
  put(h, position, zone);
}

}  // namespace furrow::core
