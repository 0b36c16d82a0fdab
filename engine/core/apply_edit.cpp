// Of apply.hpp: records that take blocks from an object, or let it share another's.
#include <algorithm>

#include "core/apply.hpp"
#include "core/canary.hpp"
#include "core/objects.hpp"

namespace furrow::core {

readiness applier::load_doomed(std::uint64_t object, std::optional<format::doomed_value>& to) {
  to.reset();
  const tree_lookup l = c_.objects->find(format::orphan_key(object));
  if (!l.ready()) return readiness::wait(l.page());
  if (!l.has_cell() || l.cell().value.empty()) return readiness::yes();
  to = format::decode_doomed(l.cell().value);
  return to ? readiness::yes() : readiness::no("an object's doomed blocks cannot be read");
}

readiness applier::prepare_replaced(std::uint64_t object, std::uint64_t first, std::uint64_t end,
                                    const std::vector<format::block_run>& dropped, std::size_t& at) {
  if (auto done = extents_.slices(object, first, end, dropped.size() + 1, slices_); !done.ready()) return done;
  for (const extent_slice& s : slices_) {
    if ((at == dropped.size() || dropped[at] != s.where) && assumed_ == nullptr) return readiness::no(others_replaced);
    ++at;
  }
  return extents_.prepare_cut(object, slices_);
}

readiness applier::prepare_end(std::uint64_t object, std::uint64_t bytes, std::size_t tail_bytes) {
  std::optional<format::object_value> v;
  if (auto done = load(object, v); !done.ready()) return done;
  if (!v) return readiness::no("blocks changed of an object that does not exist");
  if (tail_bytes != bytes % block_bytes) return readiness::no("a tail that is not as long as the object's end says");
  return prepare_chunks(object, true);
}

void applier::put_end(format::object_value& v, std::uint64_t object, std::uint64_t bytes, std::uint32_t tail_epoch,
                      std::int64_t modified_ns, std::span<const std::byte> tail) {
  if (v.bytes % block_bytes != 0 || !tail.empty()) put_chunks(object, true, tail);
  v.bytes = bytes;
  v.tail_epoch = tail_epoch;
  v.modified_ns = modified_ns;
}

readiness applier::prepare_punch(const format::punch_record& r) {
  if (auto done = prepare_end(r.object, r.object_bytes, r.tail.size()); !done.ready()) return done;
  if (r.more) {
    if (!r.extents.empty()) return readiness::no("blocks both gone and doomed");
    auto need = c_.objects->prepare(format::orphan_key(r.object));
    return need ? readiness::wait(std::move(*need)) : readiness::yes();
  }
  if (auto done = extents_.slices(r.object, r.first_block, r.end_block, r.extents.size() + 1, slices_); !done.ready())
    return done;
  const bool same = std::equal(slices_.begin(), slices_.end(), r.extents.begin(), r.extents.end(),
                               [](const extent_slice& s, const format::object_extent& e) {
                                 return s.object_block == e.object_block && s.where == e.where;
                               });
  if (!same && assumed_ == nullptr) return readiness::no("a hole made of other blocks than those that are there");
  return extents_.prepare_cut(r.object, slices_);
}

void applier::apply_punch(const format::punch_record& r) {
  format::object_value v = take(r.object);
  if (r.more) {
    const format::doomed_value doomed{r.first_block, r.end_block};
    const tree_lookup l = c_.objects->find(format::orphan_key(r.object));
    const bool removed = l.has_cell() && l.cell().value.empty();  // all of it is to be dropped, and that stays so
    if (!removed) c_.objects->put(format::orphan_key(r.object), format::encode(doomed));
    if (object_state* o = c_.table->find(r.object)) o->doomed = doomed;
  } else {
    extents_.cut(v, r.object, r.first_block, r.end_block);
  }
  put_end(v, r.object, r.object_bytes, r.tail_epoch, r.modified_ns, r.tail);
  store(r.object, v);
}

readiness applier::prepare_drop(const format::drop_record& r) {
  std::optional<format::object_value> v;
  if (auto done = load(r.object, v); !done.ready()) return done;
  if (!v) return readiness::no("extents dropped of an object that does not exist");
  for (const format::object_extent& e : r.extents) {
    if (auto done = extents_.slices(r.object, e.object_block, e.object_block + e.where.blocks, 2, slices_);
        !done.ready())
      return done;
    if (slices_.size() != 1 || slices_[0].object_block != e.object_block || slices_[0].where != e.where)
      return readiness::no("an extent dropped that does not exist");
    if (auto done = extents_.prepare_cut(r.object, slices_); !done.ready()) return done;
  }
  if (auto done = prepare_chunks(r.object, true); !done.ready() || r.ends == format::drop_end::more) return done;
  if (r.ends == format::drop_end::object)
    if (auto done = prepare_chunks(r.object, false); !done.ready()) return done;
  auto need = c_.objects->prepare(format::orphan_key(r.object));
  return need ? readiness::wait(std::move(*need)) : readiness::yes();
}

void applier::apply_drop(const format::drop_record& r) {
  format::object_value v = take(r.object);
  for (const format::object_extent& e : r.extents)
    extents_.cut(v, r.object, e.object_block, e.object_block + e.where.blocks);
  if (r.ends != format::drop_end::more) c_.objects->erase(format::orphan_key(r.object));
  if (r.ends == format::drop_end::range)
    if (object_state* o = c_.table->find(r.object)) o->doomed.reset();
  if (r.ends != format::drop_end::object) return store(r.object, v);
  c_.collections.drop(v.collection, v.blocks);  // nothing, unless its counts were damaged
  put_chunks(r.object, true, {});
  put_chunks(r.object, false, {});
  c_.objects->erase(format::object_key(r.object));
  kept_.erase(r.object);
  kept_last_ = {};
}

readiness applier::prepare_clone(const format::clone_record& r) {
  if (auto done = prepare_end(r.object, r.object_bytes, r.tail.size()); !done.ready()) return done;
  if (r.first_block + r.blocks > r.object_bytes / block_bytes) return readiness::no("a clone behind the object's end");
  if (auto done = extents_.slices(r.source, r.source_block, r.source_block + r.blocks, r.extents.size() + 1, slices_);
      !done.ready())
    return done;
  const bool same =
      std::equal(slices_.begin(), slices_.end(), r.extents.begin(), r.extents.end(),
                 [&r](const extent_slice& s, const format::object_extent& e) {
                   return s.object_block - r.source_block == e.object_block - r.first_block && s.where == e.where;
                 });
  if (!same) return readiness::no("a clone of other blocks than those that are there");
  if (auto done = extents_.prepare_share(r.source, slices_); !done.ready()) return done;
  for (const format::object_extent& e : r.extents) {
    if (auto done = extents_.prepare_put(r.object, e.object_block); !done.ready()) return done;
    if (auto done = extents_.prepare_hints(r.object, e); !done.ready()) return done;
  }
  std::size_t dropped = 0;
  if (auto done = prepare_replaced(r.object, r.first_block, r.first_block + r.blocks, r.dropped, dropped);
      !done.ready())
    return done;
  if (dropped != r.dropped.size()) return readiness::no("a clone that replaces others than those that are there");
  if (r.object != r.source) return readiness::yes();
  for (extent_slice& s : slices_) s.shared = true;  // by then they may be: of the extent that is cloned
  return extents_.prepare_cut(r.object, slices_);
}

void applier::apply_clone(const format::clone_record& r) {
  std::vector<extent_slice> from;
  const readiness done = extents_.slices(r.source, r.source_block, r.source_block + r.blocks, r.extents.size(), from);
  FURROW_ASSERT(done.ready() && from.size() == r.extents.size());  // I1
  extents_.share(r.source, from);
  format::object_value v = take(r.object);
  extents_.cut(v, r.object, r.first_block, r.first_block + r.blocks);
  for (std::size_t i = 0; i < from.size(); ++i) {
    extents_.put(v, r.object, r.extents[i], from[i].cell.cls, true);
    extents_.put_hints(r.object, r.extents[i]);
  }
  put_end(v, r.object, r.object_bytes, r.tail_epoch, r.modified_ns, r.tail);
  store(r.object, v);
}

readiness applier::prepare_move(const format::move_record& r) {
  if (!r.runs.empty() && r.sums.empty() == c_.keeps_sums()) return readiness::no(other_sums);
  for (const format::moved_run& run : r.runs)
    if (auto done = prepare_moved(run); !done.ready()) return done;
  return readiness::yes();
}

readiness applier::prepare_moved(const format::moved_run& run) {
  if (auto done = prepare_place(run.to); !done.ready()) return done;
  const bool shared = run.names.size() > 1;
  if (shared)
    if (auto done = extents_.prepare_count(run.to); !done.ready()) return done;
  for (const format::object_block& name : run.names) {
    std::optional<format::object_value> v;
    if (auto done = load(name.object, v); !done.ready()) return done;
    if (!v) return readiness::no("blocks moved of an object that does not exist");
    if (auto done = extents_.slices(name.object, name.block, name.block + run.to.blocks, run.to.blocks, slices_);
        !done.ready())
      return done;
    std::uint32_t blocks = 0;
    for (const extent_slice& s : slices_) {
      const bool there = s.where.address == run.from.advanced(blocks) || FURROW_CANARY_SINGS(stale_moved);
      if (s.object_block != name.block + blocks || !there)
        return readiness::no("blocks moved that are not where the record says");
      blocks += s.where.blocks;
    }
    if (blocks != run.to.blocks) return readiness::no("blocks moved that are a hole");
    if (auto done = extents_.prepare_cut(name.object, slices_); !done.ready()) return done;
    if (auto done = extents_.prepare_put(name.object, name.block); !done.ready()) return done;
    if (shared)
      if (auto done = extents_.prepare_hints(name.object, {name.block, run.to}); !done.ready()) return done;
    if (auto need = c_.objects->prepare(format::object_key(name.object))) return readiness::wait(std::move(*need));
  }
  return readiness::yes();
}

void applier::apply_move(std::uint64_t sequence, const format::move_record& r) {
  std::size_t sum = 0;
  for (const format::moved_run& run : r.runs) {
    const bool shared = run.names.size() > 1;
    for (const format::object_block& name : run.names) {
      format::object_value v = take(name.object);
      extents_.cut(v, name.object, name.block, name.block + run.to.blocks);
      extents_.put(v, name.object, {name.block, run.to}, r.cls, shared);
      store(name.object, v);
      if (shared) extents_.put_hints(name.object, {name.block, run.to});
    }
    if (shared) extents_.put_count(run.to, static_cast<std::uint32_t>(run.names.size()));
    const format::object_block& first = run.names.front();
    put_runs(first.object, {first.block, run.to}, sums_of(r.sums, sum, run.to.blocks));
    sum += run.to.blocks;
    zone_state& z = c_.zones.of(run.to.address);
    z.write_sequence = sequence;
    c_.zones.add_live(z, run.to.blocks);
  }
}

}  // namespace furrow::core
