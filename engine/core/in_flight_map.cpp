#include "core/in_flight_map.hpp"

#include "core/assert.hpp"

namespace furrow::core {

namespace {

/// The first of the list that begins at the block or behind it; `indexed` is the first of the index.
template <class List, class Indexed>
typename List::iterator first_of(List& all, Indexed indexed, Indexed end, std::uint64_t object_block) {
  auto at = indexed == end ? all.end() : all.iterator_to(*indexed);
  while (at != all.begin() && std::prev(at)->object_block >= object_block) --at;
  return at;
}

}  // namespace

in_flight_map::~in_flight_map() {
  while (!all_.empty()) erase(*all_.begin());
}

in_flight_map::list::iterator in_flight_map::first_from(std::uint64_t object_block) {
  return first_of(all_, index_.lower_bound(object_block), index_.end(), object_block);
}

bool in_flight_map::insert(ordered_extent& e) {
  FURROW_ASSERT(e.in_flight == nullptr);
  const auto indexed = index_.lower_bound(e.object_block);
  const auto next = first_of(all_, indexed, index_.end(), e.object_block);
  if (e.blocks == 0 || (next != all_.end() && next->object_block - e.object_block < e.blocks)) return false;
  if (next != all_.begin()) {
    const ordered_extent& before = *std::prev(next);
    if (e.object_block - before.object_block < before.blocks) return false;
  }
  all_.insert(next, e);
  index_.insert_before(indexed, e);
  enter(e);
  blocks_ += e.blocks;
  return true;
}

void in_flight_map::leave_index(ordered_extent& e) noexcept {
  const auto is_part = [&](list::iterator o) { return o != all_.end() && !o->in_flight_index_hook::is_linked(); };
  const auto at = all_.iterator_to(e);
  const auto indexed = index_.iterator_to(e);
  if (const auto behind = std::next(at); is_part(behind))
    index_.replace_node(indexed, *behind);
  else if (at != all_.begin() && is_part(std::prev(at)))
    index_.replace_node(indexed, *std::prev(at));
  else
    index_.erase(indexed);
}

void in_flight_map::erase(ordered_extent& e) {
  FURROW_ASSERT(e.in_flight == this);
  if (e.in_flight_index_hook::is_linked()) leave_index(e);
  all_.erase(all_.iterator_to(e));
  e.in_flight = nullptr;
  --count_;
  blocks_ -= e.blocks;
  intrusive_ptr_release(&e);
}

ordered_extent* in_flight_map::find(std::uint64_t object_block) {
  ++lookups_;
  auto at = first_from(object_block + 1);
  if (at == all_.begin()) return nullptr;
  --at;
  return object_block - at->object_block < at->blocks ? &*at : nullptr;
}

}  // namespace furrow::core
