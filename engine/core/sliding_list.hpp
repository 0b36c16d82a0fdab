// A list of plain values from whose ends some come off for nothing: what an ordered extent keeps its memory, sums and places
// in.
//
// Invariants
//   I1  The items are [first_, last_) of the memory [memory_, limit_).
//   I2  drop_front() and keep_front() neither move nor allocate; append() does not allocate within what was reserved.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

namespace furrow::core {

template <class T>
class sliding_list {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  sliding_list() = default;
  sliding_list(const sliding_list&) = delete;
  sliding_list& operator=(const sliding_list&) = delete;
  ~sliding_list() { ::operator delete(memory_); }

  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(last_ - first_); }
  [[nodiscard]] bool empty() const { return first_ == last_; }
  /// Of the whole memory: what clear() makes room for.
  [[nodiscard]] std::size_t capacity() const { return static_cast<std::size_t>(limit_ - memory_); }
  [[nodiscard]] T* data() { return first_; }
  [[nodiscard]] const T* data() const { return first_; }
  [[nodiscard]] T* begin() { return first_; }
  [[nodiscard]] const T* begin() const { return first_; }
  [[nodiscard]] T* end() { return last_; }
  [[nodiscard]] const T* end() const { return last_; }
  [[nodiscard]] T& operator[](std::size_t index) { return first_[index]; }
  [[nodiscard]] const T& operator[](std::size_t index) const { return first_[index]; }
  [[nodiscard]] T& front() { return *first_; }
  [[nodiscard]] const T& front() const { return *first_; }
  [[nodiscard]] T& back() { return last_[-1]; }
  [[nodiscard]] const T& back() const { return last_[-1]; }

  void push_back(const T& item) {
    if (last_ == limit_) grow(1);
    ::new (static_cast<void*>(last_++)) T(item);
  }
  void insert(const T* before, const T& item) {
    const std::size_t at = static_cast<std::size_t>(before - first_);
    push_back(item);
    std::rotate(first_ + at, last_ - 1, last_);
  }
  void append(std::span<const T> more) {
    if (more.size() > static_cast<std::size_t>(limit_ - last_)) grow(more.size());
    if (!more.empty()) std::memcpy(static_cast<void*>(last_), more.data(), more.size_bytes());
    last_ += more.size();
  }
  /// A few, for which there is room.
  void append_reserved(const T* from, std::size_t count) {
    T* at = last_;
    for (const T* const end = from + count; from != end; ++from, ++at) ::new (static_cast<void*>(at)) T(*from);
    last_ = at;
  }
  /// Many, for which there is room.
  void copy_reserved(const T* from, std::size_t count) { last_ = std::uninitialized_copy_n(from, count, last_); }
  void drop_front(std::size_t count) { first_ += count; }
  void keep_front(std::size_t count) { last_ = first_ + count; }
  void clear() { first_ = last_ = memory_; }
  /// Room for so many in an empty list; false if memory lacks.
  [[nodiscard]] bool try_reserve(std::size_t count) noexcept { return count <= capacity() || reallocate(count); }

 private:
  void grow(std::size_t more) {
    if (!reallocate(std::max<std::size_t>({size() + more, 2 * size(), 4}))) throw std::bad_alloc{};
  }
  bool reallocate(std::size_t count) noexcept {
    T* const fresh = static_cast<T*>(::operator new(count * sizeof(T), std::nothrow));
    if (fresh == nullptr) return false;
    const std::size_t kept = size();
    if (kept > 0) std::memcpy(static_cast<void*>(fresh), first_, kept * sizeof(T));
    ::operator delete(memory_);
    memory_ = first_ = fresh;
    last_ = fresh + kept;
    limit_ = fresh + count;
    return true;
  }

  T* memory_ = nullptr;
  T* first_ = nullptr;
  T* last_ = nullptr;
  T* limit_ = nullptr;
};

}  // namespace furrow::core
