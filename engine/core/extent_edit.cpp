#include "core/extent_edit.hpp"

#include <algorithm>
#include <limits>

#include "core/canary.hpp"
#include "core/hint_grid.hpp"

namespace furrow::core {

namespace {

constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

/// The extent that the one in the cell before and a new one are together, if they are one.
std::optional<format::extent_value> joined(const tree_cell& cell, std::uint64_t object, const format::object_extent& e,
                                           format::zone_class cls, const context& c) {
  const auto parts = format::parse_extent_key(cell.key);
  if (!parts || parts->object != object) return {};
  auto before = format::decode_extent(cell.value);
  if (!before || !goes_on(parts->block, *before, e, cls, c.shape) ||
      before->blocks + e.where.blocks > format::extent_blocks_max)
    return {};
  before->blocks = before->logical_blocks = before->blocks + e.where.blocks;
  return before;
}

extent_slice slice_of(std::uint64_t cell_block, const format::extent_value& x, std::uint64_t first, std::uint64_t end) {
  const std::uint64_t from = std::max(cell_block, first);
  const std::uint64_t to = std::min(cell_block + x.blocks, end);
  return {
      from, {x.address.advanced(from - cell_block), static_cast<std::uint32_t>(to - from)}, x.shared, cell_block, x};
}

}  // namespace

const char* fault_of(const std::optional<format::extent_value>& x, const context& c) {
  if (!x || x->kind != format::extent_kind::data) return "an extent cannot be read";
  if (x->address.device() != 0 || c.shape.zone_of(x->address).value >= c.zones.count())
    return "an extent outside the device";
  if (c.shape.block_in_zone(x->address) + x->blocks > c.zones[c.shape.zone_of(x->address)].capacity_blocks)
    return "an extent behind the end of its zone";
  return nullptr;
}

bool goes_on(std::uint64_t block, const format::extent_value& x, const format::object_extent& e, format::zone_class cls,
             const zoned::geometry& shape) {
  return x.kind == format::extent_kind::data && !x.shared && x.cls == cls && block + x.blocks == e.object_block &&
         x.address.advanced(x.blocks) == e.where.address && shape.zone_of(x.address) == shape.zone_of(e.where.address);
}

readiness extent_editor::slices(std::uint64_t object, std::uint64_t first, std::uint64_t end, std::size_t max,
                                std::vector<extent_slice>& to) const {
  to.clear();
  if (first >= end) return readiness::yes();
  tree_lookup l = c_.objects->find_to(format::extent_key(object, first));
  for (bool before = true;; before = false) {
    if (!l.ready()) return readiness::wait(l.page());
    const auto parts = l.has_cell() ? format::parse_extent_key(l.cell().key) : std::nullopt;
    const bool own = parts && parts->object == object;
    std::uint64_t next = first;
    if (!before && (!own || parts->block >= end)) return readiness::yes();
    if (own) {
      const auto x = format::decode_extent(l.cell().value);
      if (const char* const fault = fault_of(x, c_)) return readiness::no(fault);
      if (parts->block + x->blocks > first) {
        to.push_back(slice_of(parts->block, *x, first, end));
        next = parts->block + x->blocks;
      }
    }
    if (next >= end || to.size() >= max) return readiness::yes();
    l = c_.objects->find_from(format::extent_key(object, next));
  }
}

readiness extent_editor::prepare_cut(std::uint64_t object, std::span<const extent_slice> found) const {
  for (const extent_slice& s : found) {
    if (auto need = c_.objects->prepare(format::extent_key(object, s.cell_block)))
      return readiness::wait(std::move(*need));
    const std::uint64_t end = s.object_block + s.where.blocks;
    if (end < s.cell_block + s.cell.blocks)
      if (auto need = c_.objects->prepare(format::extent_key(object, end))) return readiness::wait(std::move(*need));
    if (!s.shared) {
      if (c_.zones.of(s.where.address).live_blocks < s.where.blocks)
        return readiness::no("more blocks dropped than live in a zone");
    } else if (auto done = prepare_references(s.where, false); !done.ready()) {
      return done;
    } else if (done = prepare_hint_cut(object, s); !done.ready()) {
      return done;
    }
  }
  return readiness::yes();
}

void extent_editor::cut(format::object_value& v, std::uint64_t object, std::uint64_t first, std::uint64_t end) {
  std::vector<extent_slice> found;
  const readiness done = slices(object, first, end, all, found);
  FURROW_ASSERT(done.ready());  // E1
  for (const extent_slice& s : found) {
    const std::uint64_t front = s.object_block - s.cell_block;
    const std::uint64_t cut_end = s.object_block + s.where.blocks;
    const std::uint64_t back = s.cell_block + s.cell.blocks - cut_end;
    format::extent_value x = s.cell;
    if (front > 0) {
      x.blocks = x.logical_blocks = static_cast<std::uint32_t>(front);
      c_.objects->put(format::extent_key(object, s.cell_block), format::encode_fixed(x));
    } else {
      c_.objects->erase(format::extent_key(object, s.cell_block));
      --v.extent_count;
    }
    if (back > 0) {
      x.address = s.cell.address.advanced(cut_end - s.cell_block);
      x.blocks = x.logical_blocks = static_cast<std::uint32_t>(back);
      c_.objects->put(format::extent_key(object, cut_end), format::encode_fixed(x));
      ++v.extent_count;
    }
    v.blocks -= s.where.blocks;
    c_.collections.drop(v.collection, s.where.blocks);
    if (s.shared) cut_hints(object, s);
    const std::uint32_t dead = s.shared ? change_references(s.where, false).dead_blocks : s.where.blocks;
    c_.zones.drop_live(c_.zones.of(s.where.address), dead);
    if (FURROW_CANARY_SINGS(freed_twice)) c_.zones.drop_live(c_.zones.of(s.where.address), dead);
  }
}

readiness extent_editor::prepare_put(std::uint64_t object, std::uint64_t first_block) const {
  const auto first = format::extent_key(object, first_block);
  if (const tree_lookup l = c_.objects->find_to(first); !l.ready()) return readiness::wait(l.page());
  if (first_block > 0)  // what is before it when the cell at `first` is cut out
    if (const tree_lookup l = c_.objects->find_to(format::extent_key(object, first_block - 1)); !l.ready())
      return readiness::wait(l.page());
  auto need = c_.objects->prepare(first);
  return need ? readiness::wait(std::move(*need)) : readiness::yes();
}

void extent_editor::put(format::object_value& v, std::uint64_t object, const format::object_extent& e,
                        format::zone_class cls, bool shared) {
  v.blocks += e.where.blocks;
  c_.collections.add(v.collection, e.where.blocks);
  const auto first = format::extent_key(object, e.object_block);
  const format::extent_value x{e.where.address, e.where.blocks, e.where.blocks, format::extent_kind::data, shared, cls};
  if (const tree_lookup l = c_.objects->find_to(first); !shared && l.ready() && l.has_cell())
    if (const auto both = joined(l.cell(), object, e, cls, c_)) {
      const std::uint64_t begin = e.object_block - (both->blocks - e.where.blocks);
      c_.objects->put(format::extent_key(object, begin), format::encode_fixed(*both));
      return;
    }
  ++v.extent_count;
  c_.objects->put(first, format::encode_fixed(x));
}

std::optional<format::block_run> extent_editor::replaced_whole(std::uint64_t object, const format::object_extent& e,
                                                               format::zone_class cls) const {
  const auto found = c_.objects->at_hand(format::extent_key(object, e.object_block));
  if (!found) return {};
  const auto x = format::decode_extent(found->here.value);
  if (fault_of(x, c_) != nullptr || x->shared || x->blocks != e.where.blocks) return {};
  if (joined(found->before, object, e, cls, c_)) return {};
  return format::block_run{x->address, x->blocks};
}

void extent_editor::replace_whole(std::uint64_t object, const format::object_extent& e, format::zone_class cls,
                                  const format::block_run& was) {
  const format::extent_value x{e.where.address, e.where.blocks, e.where.blocks, format::extent_kind::data, false, cls};
  c_.objects->put(format::extent_key(object, e.object_block), format::encode_fixed(x));
  c_.zones.drop_live(c_.zones.of(was.address), was.blocks);
}

readiness extent_editor::prepare_share(std::uint64_t object, std::span<const extent_slice> found) const {
  for (const extent_slice& s : found) {
    if (auto need = c_.objects->prepare(format::extent_key(object, s.cell_block)))
      return readiness::wait(std::move(*need));
    if (auto done = prepare_references(s.where, true); !done.ready()) return done;
  }
  return readiness::yes();
}

void extent_editor::share(std::uint64_t object, std::span<const extent_slice> found) {
  for (const extent_slice& s : found) {
    format::extent_value x = s.cell;
    x.shared = true;
    c_.objects->put(format::extent_key(object, s.cell_block), format::encode_fixed(x));
    if (!FURROW_CANARY_SINGS(reference_uncounted)) static_cast<void>(change_references(s.where, true));
  }
}

readiness extent_editor::plan_references(const format::block_run& run, bool more, bool prepared,
                                         shared_plan& to) const {
  const zoned::zone_index zone = c_.shape.zone_of(run.address);
  const auto begin = static_cast<std::uint32_t>(c_.shape.block_in_zone(run.address));
  const std::uint32_t end = begin + run.blocks;
  const auto once = [&](std::uint32_t from, std::uint32_t until) {
    if (from == until) return;
    if (more)
      to.edits.push_back({from, until - from, 2});
    else
      to.dead_blocks += until - from;
  };
  std::uint32_t position = begin;
  tree_lookup l = c_.zone_pages->find_to(format::shared_key(0, zone, begin));
  for (bool before = true; position < end; before = false) {
    if (!l.ready() && !prepared) return readiness::wait(l.page());
    if (!l.ready()) l = tree_lookup::absent();
    const auto parts = l.has_cell() ? format::parse_shared_key(l.cell().key) : std::nullopt;
    const bool own = parts && parts->zone == zone;
    if (!before && (!own || parts->block >= end)) break;
    std::uint32_t next = begin;
    if (own) {
      const auto s = format::decode_shared(l.cell().value);
      if (!s || s->blocks > std::numeric_limits<std::uint32_t>::max() - parts->block ||
          (more && s->references == std::numeric_limits<std::uint32_t>::max()))
        return readiness::no("a number of references cannot be read");
      const std::uint32_t cell_end = parts->block + s->blocks;
      if (cell_end > begin) {
        const std::uint32_t first = std::max(parts->block, begin), last = std::min(cell_end, end);
        once(position, first);
        if (parts->block < first) to.edits.push_back({parts->block, first - parts->block, s->references});
        const std::uint32_t references = more ? s->references + 1 : s->references - 1;
        if (references > 1 || first == parts->block) to.edits.push_back({first, last - first, references});
        if (last < cell_end) to.edits.push_back({last, cell_end - last, s->references});
        position = last;
        next = cell_end;
      }
    }
    if (next >= end) break;
    l = c_.zone_pages->find_from(format::shared_key(0, zone, next));
  }
  once(position, end);
  return readiness::yes();
}

readiness extent_editor::prepare_references(const format::block_run& run, bool more) const {
  shared_plan plan;
  if (auto done = plan_references(run, more, false, plan); !done.ready()) return done;
  if (plan.dead_blocks > c_.zones.of(run.address).live_blocks)
    return readiness::no("more blocks dropped than live in a zone");
  for (const shared_edit& e : plan.edits)
    if (auto need = c_.zone_pages->prepare(format::shared_key(0, c_.shape.zone_of(run.address), e.block)))
      return readiness::wait(std::move(*need));
  return readiness::yes();
}

extent_editor::shared_plan extent_editor::change_references(const format::block_run& run, bool more) {
  shared_plan plan;
  const readiness done = plan_references(run, more, true, plan);
  FURROW_ASSERT(done.ready());  // E1
  for (const shared_edit& e : plan.edits) {
    const auto at = format::shared_key(0, c_.shape.zone_of(run.address), e.block);
    if (e.references > 1)
      c_.zone_pages->put(at, format::encode(format::shared_value{e.blocks, e.references}));
    else
      c_.zone_pages->erase(at);
  }
  return plan;
}

readiness extent_editor::prepare_hints(std::uint64_t object, const format::object_extent& e) const {
  const hint_grid grid{c_.shape, object, e.object_block, e.where};
  for (std::uint32_t b = grid.first(); b < grid.end(); b = grid.at(b).end)
    if (auto need = c_.zone_pages->prepare(grid.key(b))) return readiness::wait(std::move(*need));
  return readiness::yes();
}

void extent_editor::put_hints(std::uint64_t object, const format::object_extent& e) {
  const hint_grid grid{c_.shape, object, e.object_block, e.where};
  for (std::uint32_t b = grid.first(); b < grid.end(); b = grid.at(b).end)
    c_.zone_pages->put(grid.key(b), format::encode(format::hint_value{grid.at(b).blocks()}));
}

readiness extent_editor::prepare_hint_cut(std::uint64_t object, const extent_slice& s) const {
  const hint_grid grid{c_.shape, object, s.cell_block, {s.cell.address, s.cell.blocks}};
  const std::uint32_t end = grid.first() + static_cast<std::uint32_t>(s.object_block - s.cell_block) + s.where.blocks;
  for (std::uint32_t b = end - s.where.blocks; b < end; b = grid.at(b).end)
    if (auto need = c_.zone_pages->prepare(grid.key(grid.at(b).first))) return readiness::wait(std::move(*need));
  if (end == grid.end()) return readiness::yes();
  auto need = c_.zone_pages->prepare(grid.key(end));
  return need ? readiness::wait(std::move(*need)) : readiness::yes();
}

/// An extent that its blocks were written for has none, and gets none for what is left of it.
void extent_editor::cut_hints(std::uint64_t object, const extent_slice& s) {
  const hint_grid grid{c_.shape, object, s.cell_block, {s.cell.address, s.cell.blocks}};
  const std::uint32_t first = grid.first() + static_cast<std::uint32_t>(s.object_block - s.cell_block);
  const std::uint32_t end = first + s.where.blocks;
  for (std::uint32_t b = first; b < end; b = grid.at(b).end) {
    const hint_grid::part was = grid.at(b);
    const tree_lookup l = c_.zone_pages->find(grid.key(was.first));
    const auto old = l.has_cell() ? format::decode_hint(l.cell().value) : std::nullopt;
    if (!old || old->blocks > was.blocks()) continue;  // of an older store: for what it says of the rest
    if (was.first < first)
      c_.zone_pages->put(grid.key(was.first), format::encode(format::hint_value{first - was.first}));
    else
      c_.zone_pages->erase(grid.key(was.first));
    if (end < was.end) c_.zone_pages->put(grid.key(end), format::encode(format::hint_value{was.end - end}));
  }
}

readiness extent_editor::prepare_count(const format::block_run& run) const {
  const auto block = static_cast<std::uint32_t>(c_.shape.block_in_zone(run.address));
  auto need = c_.zone_pages->prepare(format::shared_key(0, c_.shape.zone_of(run.address), block));
  return need ? readiness::wait(std::move(*need)) : readiness::yes();
}

void extent_editor::put_count(const format::block_run& run, std::uint32_t references) {
  const auto block = static_cast<std::uint32_t>(c_.shape.block_in_zone(run.address));
  c_.zone_pages->put(format::shared_key(0, c_.shape.zone_of(run.address), block),
                     format::encode(format::shared_value{run.blocks, references}));
}

}  // namespace furrow::core
