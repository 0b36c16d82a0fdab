#include "core/ordered_extent.hpp"

#include <algorithm>
#include <new>

#include "core/assert.hpp"

namespace furrow::core {

namespace {

constexpr std::size_t spare_max = 256;
constexpr std::size_t spare_blocks_max = 1024;

}  // namespace

void ordered_extent::add_piece(const landed_piece& p) {
  FURROW_ASSERT(p.where.blocks > 0 && p.where.blocks <= blocks_left);
  FURROW_ASSERT(p.object_block >= object_block && p.object_block + p.where.blocks <= object_block + blocks);
  blocks_left -= p.where.blocks;
  if (pieces.empty() || pieces.back().object_block < p.object_block) return pieces.push_back(p);
  pieces.insert(std::upper_bound(pieces.begin(), pieces.end(), p.object_block,
                                 [](std::uint64_t block, const landed_piece& o) { return block < o.object_block; }),
                p);
}

extent_pool::~extent_pool() {
  FURROW_ASSERT(live_ == 0);
  while (spare_ != nullptr) delete std::exchange(spare_, spare_->next_spare_);
}

ordered_extent_ptr extent_pool::make() {
  if (spare_ != nullptr) return take_spare();
  auto* const e = new ordered_extent;
  e->home_ = this;
  ++live_;
  return ordered_extent_ptr{e};
}

bool extent_pool::may_allocate() noexcept {
  if (allowed_ == 0) return false;
  --allowed_;
  ++allocations_;
  return true;
}

template <class List>
bool extent_pool::make_room(List& list, std::size_t count) noexcept {
  return count <= list.capacity() || (may_allocate() && list.try_reserve(count));
}

ordered_extent_ptr extent_pool::make_fitting(const needs& n) noexcept {
  ordered_extent_ptr made;
  if (spare_ != nullptr) {
    made = take_spare();
  } else {
    auto* const e = may_allocate() ? new (std::nothrow) ordered_extent : nullptr;
    if (e == nullptr) return {};
    e->home_ = this;
    ++live_;
    made = ordered_extent_ptr{e};
  }
  const bool fits =
      make_room(made->source, n.segments) && make_room(made->sums, n.sums) && make_room(made->pieces, n.pieces);
  return fits ? made : ordered_extent_ptr{};
}

void extent_pool::give_back(ordered_extent* e) noexcept {
  --live_;
  FURROW_ASSERT(e->in_flight == nullptr);
  if (e->copy) buffers_.give(std::exchange(e->copy, {}));
  e->memory_of.reset();
  if (spare_count_ >= spare_max || e->sums.capacity() > spare_blocks_max) {
    delete e;
    return;
  }
  e->owner = nullptr;
  e->object_block = e->blocks = e->blocks_left = e->reserved_blocks = e->claimed_blocks = 0;
  e->cls = format::zone_class::unhinted;
  e->urgent = e->begun = e->failed = false;
  e->error = {};
  e->pinned = {};
  e->source.clear();
  e->sums.clear();
  e->pieces.clear();
  e->bios_in_flight = 0;
  e->splits = e->merges = 0;
  e->next_spare_ = std::exchange(spare_, e);
  ++spare_count_;
}

}  // namespace furrow::core
