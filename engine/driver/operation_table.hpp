// The operations between their acceptance and their end, by id. Owns them.
#pragma once

#include <utility>
#include <vector>

#include "core/assert.hpp"
#include "driver/operation.hpp"

namespace furrow::driver {

class operation_table {
 public:
  operation_table() : buckets_(64, nullptr) {}
  operation_table(const operation_table&) = delete;
  operation_table& operator=(const operation_table&) = delete;
  ~operation_table() {
    operation_queue gone;
    take_all(gone);
  }

  /// For one more.
  void make_room() {
    if (size_ >= buckets_.size()) grow();
  }
  /// There is room for it.
  operation& add(operation_ptr o) noexcept {
    operation*& at = place_of(o->id());
    FURROW_ASSERT(at == nullptr);
    ++size_;
    return *(at = o.release());
  }

  [[nodiscard]] operation* find(core::operation_id id) { return place_of(id); }

  [[nodiscard]] operation_ptr take(core::operation_id id) {
    operation*& at = place_of(id);
    if (at == nullptr) return nullptr;
    --size_;
    operation_ptr o(at);
    at = std::exchange(o->next, nullptr);
    return o;
  }

  /// Takes no memory.
  void take_all(operation_queue& to) noexcept {
    for (operation*& first : buckets_)
      while (first != nullptr) {
        operation_ptr o(first);
        first = std::exchange(o->next, nullptr);
        to.push(std::move(o));
      }
    size_ = 0;
  }

  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  /// Where it is named, or would be: at the end of its bucket. Ids are given in order, so that few share one.
  [[nodiscard]] operation*& place_of(core::operation_id id) {
    operation** at = &buckets_[id.value & (buckets_.size() - 1)];
    while (*at != nullptr && (*at)->id() != id) at = &(*at)->next;
    return *at;
  }

  void grow() {
    std::vector<operation*> more(buckets_.size() * 2, nullptr);
    buckets_.swap(more);
    for (operation* first : more)
      while (first != nullptr) {
        operation* const o = std::exchange(first, first->next);
        o->next = nullptr;
        place_of(o->id()) = o;
      }
  }

  std::vector<operation*> buckets_;  ///< The first of each; a power of two of them.
  std::size_t size_ = 0;
};

}  // namespace furrow::driver
