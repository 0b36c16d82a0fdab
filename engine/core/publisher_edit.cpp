// Of publisher.hpp: the records of edits and clones.
#include <algorithm>

#include "core/apply.hpp"
#include "core/back_references.hpp"
#include "core/publisher.hpp"
#include "core/reclaimer.hpp"
#include "core/splitter.hpp"

namespace furrow::core {

namespace {

/// Where the object ends when the step is published.
template <class Step>
object_end end_behind(const Step& s) {
  if (s.sets_end) return s.after;
  return {s.object->value.bytes, s.object->value.tail_epoch, s.object->tail};
}

}  // namespace

readiness publisher::build_step(publication& p, edit_step& s, names&, std::vector<format::record_body>& to) {
  const object_state& o = *s.object;
  if (o.value.bytes < s.needs_bytes) {
    p.error = errc::predecessor_failed;
    p.detail = {.object = o.id, .what = "what it changes part of was not written"};
    return readiness::yes();
  }
  const object_end end = end_behind(s);
  return s.hole_first < s.hole_end ? build_hole(s, end, to) : build_blocks(s, end, to);
}

readiness publisher::build_blocks(const edit_step& s, const object_end& end, std::vector<format::record_body>& to) {
  format::publish_record r;
  r.object = s.object->id;
  r.object_bytes = end.bytes;
  r.fence_epoch = s.fence_epoch;
  r.modified_ns = s.modified_ns;
  r.tail_epoch = end.tail_epoch;
  r.tail = end.tail;
  if (s.extent) {
    r.cls = s.extent->cls;
    const walk_counts counts = walk_landed(*s.extent, c_.shape, r.extents);
    s.extent->splits = counts.splits;
    s.extent->merges = counts.merges;
    std::vector<extent_slice> replaced;
    for (const format::object_extent& e : r.extents) {
      if (e.object_block >= s.object->value.bytes / block_bytes) break;
      if (auto done = c_.apply->extents().slices(s.object->id, e.object_block, e.object_block + e.where.blocks,
                                                 e.where.blocks, replaced);
          !done.ready())
        return done;
      for (const extent_slice& x : replaced) r.dropped.push_back(x.where);
    }
    r.sums.assign(s.extent->sums.begin(), s.extent->sums.end());
  }
  to.emplace_back(std::move(r));
  return readiness::yes();
}

/// Records of holes and clones carry no fence epoch: a publish record of nothing raises it in front of them.
void publisher::build_fence(const object_state& o, std::uint64_t fence_epoch, std::vector<format::record_body>& to) {
  if (fence_epoch <= o.value.fence_epoch) return;
  format::publish_record r;
  r.object = o.id;
  r.object_bytes = o.value.bytes;
  r.fence_epoch = fence_epoch;
  r.modified_ns = o.value.modified_ns;
  r.tail_epoch = o.value.tail_epoch;
  r.tail = o.tail;
  to.emplace_back(std::move(r));
}

readiness publisher::build_hole(const edit_step& s, const object_end& end, std::vector<format::record_body>& to) {
  build_fence(*s.object, s.fence_epoch, to);
  format::punch_record r;
  r.object = s.object->id;
  r.object_bytes = end.bytes;
  r.modified_ns = s.modified_ns;
  r.first_block = s.hole_first;
  r.end_block = s.hole_end;
  r.tail_epoch = end.tail_epoch;
  r.tail = end.tail;
  std::vector<extent_slice> gone;
  if (auto done = c_.apply->extents().slices(s.object->id, s.hole_first, s.hole_end, drop_extents_max + 1, gone);
      !done.ready())
    return done;
  r.more = gone.size() > drop_extents_max;
  if (!r.more)
    for (const extent_slice& x : gone) r.extents.push_back({x.object_block, x.where});
  to.emplace_back(std::move(r));
  return readiness::yes();
}

readiness publisher::build_step(publication& p, clone_step& s, names&, std::vector<format::record_body>& to) {
  const object_state& o = *s.object;
  if (o.value.bytes < s.needs_bytes || s.source->value.bytes / block_bytes < s.source_block + s.blocks) {
    p.error = errc::predecessor_failed;
    p.detail = {.object = o.id, .what = "what it is to share was not written"};
    return readiness::yes();
  }
  const object_end end = end_behind(s);
  format::clone_record r;
  r.object = o.id;
  r.source = s.source->id;
  r.object_bytes = end.bytes;
  r.modified_ns = s.modified_ns;
  r.first_block = s.first_block;
  r.source_block = s.source_block;
  r.blocks = s.blocks;
  r.tail_epoch = end.tail_epoch;
  r.tail = end.tail;
  const std::size_t most = clone_extents_max(c_.zones.typical_blocks());
  std::vector<extent_slice> found;
  if (auto done = c_.apply->extents().slices(r.source, s.source_block, s.source_block + s.blocks, most + 1, found);
      !done.ready())
    return done;
  for (const extent_slice& x : found) r.extents.push_back({x.object_block - s.source_block + s.first_block, x.where});
  if (auto done = c_.apply->extents().slices(r.object, s.first_block, s.first_block + s.blocks, most + 1, found);
      !done.ready())
    return done;
  for (const extent_slice& x : found) r.dropped.push_back(x.where);
  if (r.extents.size() + r.dropped.size() > most) {
    p.error = errc::too_fragmented;
    p.detail = {.object = r.source, .what = "the range has more extents than one record takes; clone it in parts"};
    return readiness::yes();
  }
  build_fence(o, s.fence_epoch, to);
  to.emplace_back(std::move(r));
  return readiness::yes();
}

readiness publisher::build_step(publication& p, move_step& s, names&, std::vector<format::record_body>& to) {
  static_cast<void>(p);
  format::move_record r;
  r.cls = s.extent->cls;
  std::vector<format::object_extent> landed;
  const walk_counts counts = walk_landed(*s.extent, c_.shape, landed);
  s.extent->splits = counts.splits;
  s.extent->merges = counts.merges;
  if (c_.zones.of(s.parts.front().from.address).generation != s.generation) return readiness::yes();
  back_references who{c_};
  std::vector<named_run> found;
  std::size_t names_left = s.names_max;
  for (const format::object_extent& e : landed)
    for (const move_step::part& part : s.parts) {
      const std::uint64_t first = std::max(e.object_block, part.first);
      const std::uint64_t end = std::min(e.object_block + e.where.blocks, part.first + part.from.blocks);
      if (first >= end) continue;
      found.clear();
      const format::block_run from{part.from.address.advanced(first - part.first),
                                   static_cast<std::uint32_t>(end - first)};
      if (auto done = who.find_all(from, names_left, found); !done.ready()) return done;
      for (named_run& n : found) {
        if (n.names.size() > names_left) continue;
        names_left -= n.names.size();
        const std::uint64_t at = first + (n.where.address.block() - from.address.block());
        if (c_.keeps_sums()) {
          const auto sum = s.extent->sums.begin() + at;
          r.sums.insert(r.sums.end(), sum, sum + n.where.blocks);
        }
        r.runs.push_back(
            {n.where.address, {e.where.address.advanced(at - e.object_block), n.where.blocks}, std::move(n.names)});
      }
    }
  if (!r.runs.empty()) to.emplace_back(std::move(r));
  return readiness::yes();
}

/// Zones in which nothing lives any more may be freed, and what is doomed is worked off.
void publisher::publish_dropped(const format::record_body& b) {
  const auto look = [this](const format::block_run& run) {
    if (zone_state& z = c_.zones.of(run.address); z.live_blocks == 0) c_.reclaim->consider(z);
  };
  if (const auto* r = std::get_if<format::publish_record>(&b)) {
    for (const format::block_run& run : r->dropped) look(run);
  } else if (const auto* k = std::get_if<format::clone_record>(&b)) {
    for (const format::block_run& run : k->dropped) look(run);
  } else if (const auto* h = std::get_if<format::punch_record>(&b)) {
    for (const format::object_extent& e : h->extents) look(e.where);
    if (h->more) c_.reclaim->drop_object(h->object, c_.table->find(h->object)->value.collection);
  } else if (const auto* m = std::get_if<format::move_record>(&b)) {
    for (const format::moved_run& run : m->runs) {
      look({run.from, run.to.blocks});
      c_.stats.cleaner_blocks_moved += run.to.blocks;
    }
  }
}

}  // namespace furrow::core
