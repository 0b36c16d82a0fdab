#include "core/ordered_extent.hpp"

#include "core/assert.hpp"

namespace furrow::core {

namespace {

constexpr std::size_t spare_max = 256;
constexpr std::size_t spare_blocks_max = 1024;

}  // namespace

extent_pool::~extent_pool() {
  FURROW_ASSERT(live_ == 0);
  while (spare_ != nullptr) delete std::exchange(spare_, spare_->next_spare_);
}

ordered_extent_ptr extent_pool::make() {
  ordered_extent* e = spare_;
  if (e == nullptr) {
    e = new ordered_extent;
    e->home_ = this;
  } else {
    spare_ = e->next_spare_;
    --spare_count_;
  }
  ++live_;
  return ordered_extent_ptr{e};
}

void extent_pool::give_back(ordered_extent* e) noexcept {
  --live_;
  if (e->copy) buffers_.give(std::exchange(e->copy, {}));
  if (spare_count_ >= spare_max || e->sums.capacity() > spare_blocks_max) {
    delete e;
    return;
  }
  e->owner = nullptr;
  e->object_block = e->blocks = e->blocks_left = e->reserved_blocks = 0;
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
