#include "core/in_flight_map.hpp"

#include <iterator>

#include "core/assert.hpp"

namespace furrow::core {

in_flight_map::~in_flight_map() {
  while (!all_.empty()) erase(*all_.begin());
}

void in_flight_map::enter(ordered_extent& e) noexcept {
  intrusive_ptr_add_ref(&e);
  e.in_flight = this;
  ++count_;
}

bool in_flight_map::insert(ordered_extent& e) {
  FURROW_ASSERT(e.in_flight == nullptr);
  const auto next = all_.lower_bound(e.object_block);
  if (e.blocks == 0 || (next != all_.end() && next->object_block - e.object_block < e.blocks)) return false;
  if (next != all_.begin()) {
    const ordered_extent& before = *std::prev(next);
    if (e.object_block - before.object_block < before.blocks) return false;
  }
  all_.insert_before(next, e);
  enter(e);
  blocks_ += e.blocks;
  return true;
}

void in_flight_map::erase(ordered_extent& e) {
  FURROW_ASSERT(e.in_flight == this);
  all_.erase(all_.iterator_to(e));
  e.in_flight = nullptr;
  --count_;
  blocks_ -= e.blocks;
  intrusive_ptr_release(&e);
}

ordered_extent* in_flight_map::find(std::uint64_t object_block) {
  ++lookups_;
  auto at = all_.upper_bound(object_block);
  if (at == all_.begin()) return nullptr;
  --at;
  return object_block - at->object_block < at->blocks ? &*at : nullptr;
}

void in_flight_map::put_beside(ordered_extent& e, ordered_extent* before, ordered_extent* behind) noexcept {
  const auto at = all_.iterator_to(e);
  if (before != nullptr) {
    all_.insert_before(at, *before);
    enter(*before);
  }
  if (behind != nullptr) {
    all_.insert_before(std::next(at), *behind);
    enter(*behind);
  }
}

}  // namespace furrow::core
