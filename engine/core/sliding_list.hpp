// A list whose front comes off for nothing: what a cut ordered extent keeps its memory, sums and pieces in.
//
// Invariants
//   I1  The items are those of `items_` from `from_` on, in one piece of memory.
//   I2  drop_front() and keep_front() neither move nor allocate.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace furrow::core {

template <class T>
class sliding_list {
 public:
  [[nodiscard]] std::size_t size() const { return items_.size() - from_; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::size_t capacity() const { return items_.capacity(); }
  [[nodiscard]] T* data() { return items_.data() + from_; }
  [[nodiscard]] const T* data() const { return items_.data() + from_; }
  [[nodiscard]] T* begin() { return data(); }
  [[nodiscard]] const T* begin() const { return data(); }
  [[nodiscard]] T* end() { return items_.data() + items_.size(); }
  [[nodiscard]] const T* end() const { return items_.data() + items_.size(); }
  [[nodiscard]] T& operator[](std::size_t index) { return items_[from_ + index]; }
  [[nodiscard]] const T& operator[](std::size_t index) const { return items_[from_ + index]; }
  [[nodiscard]] T& front() { return items_[from_]; }
  [[nodiscard]] T& back() { return items_.back(); }

  void push_back(T item) { items_.push_back(std::move(item)); }
  void insert(const T* before, T item) { items_.insert(items_.begin() + (before - items_.data()), std::move(item)); }
  void append(std::span<const T> more) { items_.insert(items_.end(), more.begin(), more.end()); }
  void resize(std::size_t count) { items_.resize(from_ + count); }
  void reserve(std::size_t count) { items_.reserve(from_ + count); }
  void drop_front(std::size_t count) { from_ += count; }
  void keep_front(std::size_t count) {
    items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(from_ + count), items_.end());
  }
  void clear() {
    items_.clear();
    from_ = 0;
  }

  /// All of it, taken out, or put back.
  [[nodiscard]] std::vector<T> take() {
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(std::exchange(from_, 0)));
    return std::move(items_);
  }
  void put(std::vector<T> items) {
    items_ = std::move(items);
    from_ = 0;
  }

 private:
  std::vector<T> items_;
  std::size_t from_ = 0;
};

}  // namespace furrow::core
