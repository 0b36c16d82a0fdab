// Following the journal from the newest superblock.
#include "sim/journal_on_medium.hpp"

#include <algorithm>
#include <array>

namespace furrow::sim {
namespace {

constexpr std::uint64_t block_bytes = zoned::store_block_bytes;

/// Behind the last block that is there.
std::uint64_t end_of(const zoned::zone_info& z) {
  if (z.condition == zoned::zone_condition::offline) return 0;
  const bool to_pointer = z.type != zoned::zone_type::conventional && z.condition != zoned::zone_condition::full;
  return (to_pointer ? z.write_pointer_bytes : z.capacity_bytes) / block_bytes;
}

std::optional<format::superblock> newest_superblock(const zoned::memory_zones& zones) {
  std::optional<format::superblock> newest;
  const zoned::geometry& g = zones.shape();
  std::array<std::byte, block_bytes> block{};
  for (std::uint32_t i = 0; i < g.zone_count; ++i) {
    if (i >= 2 && i + 3 < g.zone_count) continue;  // a smaller one may be behind the last two
    for (std::uint64_t b = 0; b < end_of(zones.machine().at({i})); ++b) {
      zones.peek({{i}, b * block_bytes}, block);
      const auto s = format::decode_superblock(block);
      const auto is_newer = [&] {
        return s->epoch != newest->epoch ? s->epoch > newest->epoch : s->serial > newest->serial;
      };
      if (s && (!newest || is_newer())) newest = *s;
    }
  }
  return newest;
}

std::optional<format::zone_header> header_of(const zoned::memory_zones& zones, zoned::zone_index zone,
                                             std::uint64_t generation, std::uint64_t ordinal) {
  if (zone.value >= zones.shape().zone_count || end_of(zones.machine().at(zone)) == 0) return std::nullopt;
  std::array<std::byte, block_bytes> block{};
  zones.peek({zone, 0}, block);
  const auto h = format::decode_zone_header(block);
  if (!h || h->generation != generation || h->ordinal != ordinal || h->zone != zone) return std::nullopt;
  return *h;
}

/// Adds what this zone has of the chain.
void read_zone(const zoned::memory_zones& zones, zoned::zone_index zone, std::uint64_t generation, std::uint64_t first,
               journal_on_medium& to) {
  std::vector<std::byte> bytes(block_bytes);
  const std::uint64_t end = end_of(zones.machine().at(zone));
  for (std::uint64_t b = first; b < end;) {
    bytes.resize(block_bytes);
    zones.peek({zone, b * block_bytes}, bytes);
    const auto h = format::peek_group(bytes, to.super.store);
    const std::uint64_t blocks = h ? h->bytes / block_bytes : 1;
    const bool next = h && h->zone_generation == generation && h->epoch == to.super.epoch &&
                      h->number == to.super.journal.group + to.groups.size() && b + blocks <= end;
    if (next) {
      bytes.resize(h->bytes);
      zones.peek({zone, b * block_bytes}, bytes);
    }
    if (!next || !format::verify_group(bytes)) {
      ++b;
      continue;
    }
    to.groups.push_back({*h, {zone, b * block_bytes}});
    b += blocks;
  }
}

}  // namespace

std::size_t journal_on_medium::first_in(zoned::zone_index zone) const {
  const auto place = [this](zoned::zone_index z) { return std::ranges::find(zones, z) - zones.begin(); };
  const auto at = std::ranges::find_if(groups, [&](const found_group& g) { return place(g.at.zone) >= place(zone); });
  return static_cast<std::size_t>(at - groups.begin());
}

furrow::sequence journal_on_medium::sequence_before(std::size_t first) const {
  furrow::sequence last = super.sequence;
  for (const found_group& g : std::span{groups}.first(first))
    if (!g.empty()) last = std::max(last, g.header.last_sequence);
  return last;
}

bool journal_on_medium::is_idle_from(std::size_t first) const {
  return std::ranges::all_of(groups.begin() + static_cast<std::ptrdiff_t>(first), groups.end(),
                             [this](const auto& g) { return g.empty() || g.header.last_sequence <= super.sequence; });
}

std::optional<journal_on_medium> read_journal(const zoned::memory_zones& zones) {
  const auto newest = newest_superblock(zones);
  if (!newest || newest->journal.group < newest->epoch_group) return std::nullopt;
  journal_on_medium found{.super = *newest, .zones = {}, .groups = {}, .kept = {}};
  const format::journal_head& head = newest->journal;
  zoned::zone_index zone = head.zone;
  std::uint64_t generation = head.zone_generation, ordinal = head.zone_ordinal, first = head.block;
  while (const auto h = header_of(zones, zone, generation, ordinal)) {
    found.zones.push_back(zone);
    read_zone(zones, zone, generation, first, found);
    if (h->next.value == format::zone_header::no_next) return found;
    zone = h->next;
    generation = h->next_generation;
    ++ordinal;
    first = 1;
  }
  if (found.zones.empty()) return std::nullopt;
  if (zone.value < zones.shape().zone_count) found.kept = zone;
  return found;
}

}  // namespace furrow::sim
