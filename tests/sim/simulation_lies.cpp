// Of simulation.hpp: what the device has lied about is told, block by block, and nothing else is.
//
// A block may be told of if something was done to it and its bytes are not certainly the object's; it must be if they are
// certainly not.
#include <fmt/format.h>

#include <algorithm>

#include "sim/failure.hpp"
#include "sim/simulation.hpp"

namespace furrow::sim {

namespace {

constexpr std::uint64_t block_bytes = zoned::store_block_bytes;

}  // namespace

void simulation::look_at_extent(const recovered_object& r, const extent_status& x) {
  if (device_.zones().machine().at(x.where->zone).condition == zoned::zone_condition::offline) return;
  const object_index i = truth_.with_tag(r.tag);
  raw_bytes block(block_bytes);
  for (std::uint64_t at = 0; at < x.bytes; at += block_bytes) {
    const zoned::place where{x.where->zone, x.where->offset_bytes + at};
    const std::uint64_t offset = x.offset_bytes + at, end = std::min(offset + block_bytes, r.state.bytes);
    device_.zones().peek(where, block);
    const bool wrong = truth_.find_wrong_byte(i, offset, std::span{block}.first(end - offset)).has_value();
    const auto is_unknown = [](const content_span& s) { return s.what == stuff::unknown; };
    const bool known = end - offset == block_bytes && std::ranges::none_of(truth_.newest(i, offset, end), is_unknown);
    const bool spoiled = device_.lies().spoiled(where);
    if (wrong && !spoiled)
      throw broken_promise{fmt::format("object {} has other bytes at {} on the medium (zone {}, byte {})", r.id, offset,
                                       where.zone.value, where.offset_bytes)};
    if (spoiled && (wrong || !known)) spoiled_.emplace(block_name{r.id, offset}, wrong);
  }
}

/// Pages of a zone that is gone are elsewhere.
void simulation::look_at_copies() {
  const zone_fault_counts& z = device_.zone_faults().counts();
  if (z.metadata_offline == 0) return;
  const core::notification n = expect(core::info_request{}, "info");
  const store_health& health = std::get<store_info>(n.result).health;
  if (health.damaged) throw broken_promise{"the store says that it is damaged"};
  if (health.pages_at_risk == 0) device_.zone_faults().metadata_is_whole();
}

void simulation::look_for_spoiled(const std::vector<recovered_object>& found) {
  spoiled_.clear();
  objects_.clear();
  if (!device_.lies().told()) return;
  for (const recovered_object& r : found) {
    objects_.insert(r.id);
    const core::notification opened =
        expect(core::open_object_request{.collection = default_collection, .name = {}, .id = r.id}, "open object");
    const core::handle_id handle = std::get<core::opened_object>(opened.result).handle;
    for (std::uint64_t at = 0; at < r.state.bytes;) {
      const core::notification n = expect(core::extents_request{handle, at, r.state.bytes - at, 1000}, "extents");
      for (const extent_status& x : std::get<extent_list>(n.result).extents) {
        at = x.offset_bytes + x.bytes;
        if (x.where) look_at_extent(r, x);
      }
    }
    static_cast<void>(expect(core::release_request{handle}, "release"));
  }
}

/// Why this block's read must not have failed by its sum; none if it may.
std::optional<std::string> simulation::refute_spoiling(core::handle_id handle, std::uint64_t at,
                                                       const core::notification& n) {
  const core::notification told = expect(core::extents_request{handle, at, 1, 1}, "extents");
  const auto& extents = std::get<extent_list>(told.result).extents;
  if (extents.empty() || !extents[0].where) return "a block without a place does not verify";
  const std::uint64_t inside = (at - extents[0].offset_bytes) / block_bytes * block_bytes;
  const zoned::place where{extents[0].where->zone, extents[0].where->offset_bytes + inside};
  if (n.detail.zone != where.zone) return "another zone is named";
  if (!device_.lies().spoiled(where)) return "a block to which nothing was done does not verify";
  return std::nullopt;
}

/// A check names a run by its first block: somewhere in it is a spoiled one. What is being dropped is checked as well.
bool simulation::touches_spoiled(const error_detail& detail) {
  if (!detail.object || !detail.offset_bytes || !detail.bytes || !detail.zone) return false;
  if (!objects_.contains(*detail.object)) return device_.lies().spoiled(*detail.zone);
  const auto first = spoiled_.lower_bound({*detail.object, *detail.offset_bytes});
  return first != spoiled_.end() && first->first.first == *detail.object &&
         first->first.second < *detail.offset_bytes + *detail.bytes;
}

/// How many bytes of a finding are of spoiled blocks, which are named from now on.
std::uint64_t simulation::blocks_spoiled(const error_detail& detail, std::set<block_name>& named) const {
  if (!detail.object || !detail.offset_bytes || !detail.bytes) return 0;
  std::uint64_t bytes = 0;
  for (std::uint64_t at = *detail.offset_bytes; at < *detail.offset_bytes + *detail.bytes; at += block_bytes) {
    if (!spoiled_.contains({*detail.object, at})) continue;
    named.insert({*detail.object, at});
    bytes += block_bytes;
  }
  return bytes;
}

}  // namespace furrow::sim
