#include "core/back_references.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "core/canary.hpp"

namespace furrow::core {

readiness back_references::find(const format::block_run& run, std::size_t names_max, std::vector<named_run>& to) {
  const zoned::zone_index zone = c_.shape.zone_of(run.address);
  const auto first = static_cast<std::uint32_t>(c_.shape.block_in_zone(run.address));
  std::uint32_t end = first + run.blocks;
  candidates_.clear();
  counts_.clear();
  if (auto done = find_writers(zone, first, end); !done.ready()) return done;
  if (auto done = find_hints(zone, first, end, candidates_max(names_max)); !done.ready()) return done;
  if (auto done = find_counts(zone, first, end); !done.ready()) return done;
  if (auto done = hold_to_extents(zone); !done.ready()) return done;
  join_names();
  edges_ = {first, end};
  for (const name& n : names_) edges_.insert(edges_.end(), {n.first, n.end});
  for (const counted& n : counts_) edges_.insert(edges_.end(), {n.first, n.end});
  std::sort(edges_.begin(), edges_.end());
  edges_.erase(std::unique(edges_.begin(), edges_.end()), edges_.end());
  for (std::size_t i = 0; i + 1 < edges_.size(); ++i) emit(zone, edges_[i], edges_[i + 1], names_max, to);
  looked_at_ = end - first;
  return readiness::yes();
}

readiness back_references::find_all(format::block_run run, std::size_t names_max, std::vector<named_run>& to) {
  while (run.blocks > 0) {
    if (auto done = find(run, names_max, to); !done.ready()) return done;
    run = {run.address.advanced(looked_at_), run.blocks - looked_at_};
  }
  return readiness::yes();
}

void back_references::add_candidate(name n, std::uint32_t first, std::uint32_t end) {
  if (n.first < first) {
    n.object_block += first - n.first;
    n.first = first;
  }
  n.end = std::min(n.end, end);
  if (n.first < n.end) candidates_.push_back(n);
}

readiness back_references::find_writers(zoned::zone_index zone, std::uint32_t first, std::uint32_t end) {
  tree_lookup l = c_.zone_pages->find_to(format::run_key(0, zone, first));
  for (bool before = true;; before = false) {
    if (!l.ready()) return readiness::wait(l.page());
    const auto parts = l.has_cell() ? format::parse_run_key(l.cell().key) : std::nullopt;
    const bool own = parts && parts->zone == zone;
    if (!before && (!own || parts->block >= end)) return readiness::yes();
    std::uint32_t next = first;
    if (own) {
      const auto run = format::run_view::of(l.cell().value);
      if (!run) return readiness::no("the sums of blocks cannot be read");
      const auto run_end = static_cast<std::uint32_t>(parts->block + run->blocks());
      add_candidate({run->object(), run->object_block(), parts->block, run_end}, first, end);
      next = std::max(first, parts->block + 1);
    }
    if (next >= end) return readiness::yes();
    l = c_.zone_pages->find_from(format::run_key(0, zone, next));
  }
}

/// The first half of the blocks, and what of the candidates is about them.
void back_references::narrow(std::uint32_t first, std::uint32_t& end) {
  end = first + (end - first) / 2;
  std::erase_if(candidates_, [end](const name& n) { return n.first >= end; });
  for (name& n : candidates_) n.end = std::min(n.end, end);
}

readiness back_references::find_hints(zoned::zone_index zone, std::uint32_t first, std::uint32_t& end,
                                      std::size_t most) {
  format::key from = format::hints_from(0, zone, first - std::min(first, format::run_blocks_max - 1));
  for (;;) {
    const tree_lookup l = c_.zone_pages->find_from(from);
    if (!l.ready()) return readiness::wait(l.page());
    const auto parts = l.has_cell() ? format::parse_hint_key(l.cell().key) : std::nullopt;
    if (!parts || parts->zone != zone || parts->block >= end) return readiness::yes();
    const auto v = format::decode_hint(l.cell().value);
    if (!v) return readiness::no("a hint at who names blocks cannot be read");
    if (parts->object_block <= format::object_blocks_max - v->blocks)
      add_candidate({parts->object, parts->object_block, parts->block, parts->block + v->blocks}, first, end);
    while (candidates_.size() > most && end - first > 1) narrow(first, end);
    if (candidates_.size() > most) return readiness::yes();  // B3
    from = format::key{l.cell().key} + '\0';
  }
}

readiness back_references::find_counts(zoned::zone_index zone, std::uint32_t first, std::uint32_t end) {
  tree_lookup l = c_.zone_pages->find_to(format::shared_key(0, zone, first));
  for (bool before = true;; before = false) {
    if (!l.ready()) return readiness::wait(l.page());
    const auto parts = l.has_cell() ? format::parse_shared_key(l.cell().key) : std::nullopt;
    const bool own = parts && parts->zone == zone;
    if (!before && (!own || parts->block >= end)) return readiness::yes();
    std::uint32_t next = first;
    if (own) {
      const auto v = format::decode_shared(l.cell().value);
      if (!v || v->blocks > std::numeric_limits<std::uint32_t>::max() - parts->block)
        return readiness::no("a number of references cannot be read");
      const counted n{std::max(first, parts->block), std::min(end, parts->block + v->blocks), v->references};
      if (n.first < n.end) counts_.push_back(n);
      next = std::max(first, parts->block + 1);
    }
    if (next >= end) return readiness::yes();
    l = c_.zone_pages->find_from(format::shared_key(0, zone, next));
  }
}

/// Of the candidates, what extents name now.
readiness back_references::hold_to_extents(zoned::zone_index zone) {
  names_.clear();
  for (const name& n : candidates_) {
    const std::uint32_t blocks = n.end - n.first;
    if (auto done = extents_.slices(n.object, n.object_block, n.object_block + blocks, blocks, slices_); !done.ready())
      return done;
    for (const extent_slice& s : slices_) {
      const auto at = static_cast<std::uint32_t>(n.first + (s.object_block - n.object_block));
      if (s.where.address == c_.shape.address_of(zone, at) || FURROW_CANARY_SINGS(stale_moved))
        names_.push_back({n.object, s.object_block, at, at + s.where.blocks});
    }
  }
  return readiness::yes();
}

/// The same may have been found more than once: by its first writer and by a hint, or by hints that overlap.
void back_references::join_names() {
  const auto key = [](const name& n) { return std::tuple{n.object, n.object_block - n.first, n.first}; };
  std::sort(names_.begin(), names_.end(), [&key](const name& a, const name& b) { return key(a) < key(b); });
  std::size_t kept = 0;
  for (const name& n : names_) {
    name* const last = kept > 0 ? &names_[kept - 1] : nullptr;
    const bool same =
        last != nullptr && last->object == n.object && last->object_block - last->first == n.object_block - n.first;
    if (same && n.first <= last->end)
      last->end = std::max(last->end, n.end);
    else
      names_[kept++] = n;
  }
  names_.resize(kept);
}

void back_references::emit(zoned::zone_index zone, std::uint32_t first, std::uint32_t end, std::size_t names_max,
                           std::vector<named_run>& to) {
  named_run r;
  r.where = {c_.shape.address_of(zone, first), end - first};
  for (const name& n : names_)
    if (n.first <= first && end <= n.end) r.names.push_back({n.object, n.object_block + (first - n.first)});
  std::uint32_t references = 1;
  for (const counted& n : counts_)
    if (n.first <= first && end <= n.end) references = n.references;
  r.more = references > names_max && r.names.size() >= names_max && names_max > 0;
  if (!r.more && (r.names.size() != references || references > names_max)) return;  // B1; or dead
  std::sort(r.names.begin(), r.names.end(), [](const format::object_block& a, const format::object_block& b) {
    return std::tie(a.object, a.block) < std::tie(b.object, b.block);
  });
  if (r.more) r.names.resize(names_max);
  if (!to.empty()) {
    named_run& last = to.back();
    const auto goes_on = [&last](const format::object_block& a, const format::object_block& b) {
      return a.object == b.object && a.block + last.where.blocks == b.block;
    };
    if (last.where.address.advanced(last.where.blocks) == r.where.address &&
        c_.shape.zone_of(last.where.address) == zone && last.more == r.more &&
        std::equal(last.names.begin(), last.names.end(), r.names.begin(), r.names.end(), goes_on)) {
      last.where.blocks += r.where.blocks;
      return;
    }
  }
  to.push_back(std::move(r));
}

}  // namespace furrow::core
