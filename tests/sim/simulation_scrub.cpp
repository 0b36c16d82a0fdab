// Bits that rot, and scrubs that find exactly these.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sim/failure.hpp"
#include "sim/lost_blocks.hpp"
#include "sim/simulation.hpp"

namespace furrow::sim {
namespace {

constexpr std::uint32_t scrub_per_mille = 150;
constexpr std::uint32_t scrub_spoiled_per_mille = 500;
constexpr std::uint64_t rotten_max = 4;

}  // namespace

/// Any block that one object alone has, in a zone that can be read.
std::optional<simulation::rotten_block> simulation::pick_block(const std::vector<recovered_object>& found) {
  if (found.empty()) return std::nullopt;
  const recovered_object& o = found[chance_.below(found.size())];
  if (o.state.bytes == 0) return std::nullopt;
  const core::notification opened =
      expect(core::open_object_request{.collection = default_collection, .name = {}, .id = o.id}, "open object");
  const core::handle_id handle = std::get<core::opened_object>(opened.result).handle;
  const std::uint64_t at = chance_.below(o.state.bytes);
  const core::notification n = expect(core::extents_request{handle, at, o.state.bytes - at, 8}, "extents");
  static_cast<void>(expect(core::release_request{handle}, "release"));
  for (const extent_status& x : std::get<extent_list>(n.result).extents) {
    if (!x.where || x.shared) continue;
    if (device_.zones().machine().at(x.where->zone).condition == zoned::zone_condition::offline) continue;
    const std::uint64_t inside = x.offset_bytes % zoned::store_block_bytes;
    if (spoiled_.contains({o.id, x.offset_bytes - inside})) return std::nullopt;
    return rotten_block{o.id, x.offset_bytes - inside, {x.where->zone, x.where->offset_bytes - inside}};
  }
  return std::nullopt;
}

void simulation::flip(const rotten_block& b) {
  std::array<std::byte, zoned::store_block_bytes> block{};
  device_.zones().peek(b.where, block);
  block[b.offset_bytes / zoned::store_block_bytes % block.size()] ^= std::byte{0x20};
  device_.zones().poke(b.where, block);
}

std::vector<check_finding> simulation::scrub_all() {
  std::vector<check_finding> all;
  core::scrub_position at;
  for (int part = 0; at.at != core::scrub_position::part::end; ++part) {
    if (part > 100'000) throw broken_promise{"a scrub does not come to an end at " + to_string(at)};
    const core::notification n =
        expect(core::scrub_request{at, chance_.scaled(1, 4096) * zoned::store_block_bytes}, "scrub");
    const auto& r = std::get<core::scrub_result>(n.result);
    all.insert(all.end(), r.findings.begin(), r.findings.end());
    at = r.next;
  }
  return all;
}

/// While nothing changes: what is moved in the meantime was read before it rotted.
void simulation::compare_scrub(const std::vector<recovered_object>& found) {
  if (!chance_.chance(spoiled_.empty() ? scrub_per_mille : scrub_spoiled_per_mille)) return;
  std::vector<rotten_block> rotten;
  const std::uint64_t seen_max = scenario_.format.checksums ? rotten_max : 0;  // nothing tells of others
  for (std::uint64_t i = chance_.below(seen_max + 1); i > 0; --i) {
    const auto block = pick_block(found);
    const auto same = [&](const rotten_block& b) { return b.where == block->where; };
    if (block && std::ranges::none_of(rotten, same)) rotten.push_back(*block);
  }
  for (const rotten_block& b : rotten) flip(b);
  std::vector<bool> seen(rotten.size());
  std::set<block_name> named;
  for (const check_finding& f : scrub_all()) {
    if (names_offline_zone(device_, f.detail)) continue;
    if (!f.detail.object && f.detail.zone && device_.lies().copy_spoiled(*f.detail.zone)) continue;
    const std::uint64_t begin = f.detail.offset_bytes.value_or(0), end = begin + f.detail.bytes.value_or(0);
    std::uint64_t explained = blocks_spoiled(f.detail, named);
    for (std::size_t i = 0; i < rotten.size(); ++i) {
      const bool here = f.detail.object == rotten[i].object && f.detail.zone == rotten[i].where.zone &&
                        begin <= rotten[i].offset_bytes && rotten[i].offset_bytes < end;
      if (!here) continue;
      seen[i] = true;
      explained += zoned::store_block_bytes;
    }
    if (explained == 0 || explained != end - begin)
      throw broken_promise{fmt::format("a scrub finds what is not there: object {} bytes {}..{}: {}",
                                       f.detail.object.value_or(0), begin, end, f.what)};
  }
  if (const auto missed = std::ranges::find(seen, false); missed != seen.end()) {
    const rotten_block& b = rotten[static_cast<std::size_t>(missed - seen.begin())];
    throw broken_promise{fmt::format("a scrub does not find that object {} is rotten at {} (zone {}, byte {})",
                                     b.object, b.offset_bytes, b.where.zone.value, b.where.offset_bytes)};
  }
  for (const auto& [block, must] : spoiled_)
    if (must && !named.contains(block))
      throw broken_promise{
          fmt::format("a scrub does not find that object {} is spoiled at {}", block.first, block.second)};
  for (const rotten_block& b : rotten) flip(b);
  totals_.blocks_spoiled += named.size();
  ++totals_.scrubs;
  totals_.rotten_blocks += rotten.size();
}

}  // namespace furrow::sim
