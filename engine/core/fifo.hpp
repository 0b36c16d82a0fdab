// A queue in one piece of memory, which it keeps: steady work allocates nothing.
#pragma once

#include <boost/circular_buffer.hpp>
#include <cstddef>
#include <utility>

namespace furrow::core {

template <class T>
class fifo {
 public:
  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] T& front() { return items_.front(); }
  [[nodiscard]] const T& front() const { return items_.front(); }
  [[nodiscard]] T& back() { return items_.back(); }
  [[nodiscard]] const T& back() const { return items_.back(); }
  [[nodiscard]] T& operator[](std::size_t index) { return items_[index]; }
  [[nodiscard]] const T& operator[](std::size_t index) const { return items_[index]; }
  [[nodiscard]] auto begin() { return items_.begin(); }
  [[nodiscard]] auto end() { return items_.end(); }
  [[nodiscard]] auto begin() const { return items_.begin(); }
  [[nodiscard]] auto end() const { return items_.end(); }

  void push_back(T item) {
    make_room();
    items_.push_back(std::move(item));
  }
  void push_front(T item) {
    make_room();
    items_.push_front(std::move(item));
  }
  void pop_front() { items_.pop_front(); }
  /// The first, taken out.
  [[nodiscard]] T take() {
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

 private:
  static constexpr std::size_t capacity_min = 16;
  void make_room() {
    if (items_.full()) items_.set_capacity(items_.empty() ? capacity_min : 2 * items_.capacity());
  }
  boost::circular_buffer<T> items_;
};

}  // namespace furrow::core
