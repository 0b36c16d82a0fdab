// Memory for the handlers of one slot: blocks that every operation uses again, so that the bench allocates nothing while it
// measures, and what a run allocates is the engine's.
//
// Invariants
//   I1  Blocks may be taken and given back on any thread: a handler is made on the caller's, and may go on the store's.
//   I2  A recycler outlives what was allocated from it.
//   I3  What does not fit comes from the heap, and is counted.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

namespace furrow::bench {

class recycler {
 public:
  /// An operation of the engine lies in the memory of its handler.
  static constexpr std::size_t block_bytes = 2048;
  static constexpr std::size_t blocks = 4;

  recycler() = default;
  recycler(const recycler&) = delete;
  recycler& operator=(const recycler&) = delete;

  [[nodiscard]] void* take(std::size_t bytes) {
    if (bytes <= block_bytes) {
      std::uint32_t free = free_.load(std::memory_order_relaxed);
      while (free != 0) {
        if (free_.compare_exchange_weak(free, free & (free - 1), std::memory_order_acquire)) {
          return blocks_[static_cast<std::size_t>(std::countr_zero(free))].data();
        }
      }
    }
    missed_.fetch_add(1, std::memory_order_relaxed);
    return ::operator new(bytes);
  }
  void give_back(void* memory) noexcept {
    for (std::size_t i = 0; i < blocks; ++i) {
      if (memory == blocks_[i].data()) {
        free_.fetch_or(1u << i, std::memory_order_release);
        return;
      }
    }
    ::operator delete(memory);
  }
  /// Allocations that came from the heap.
  [[nodiscard]] std::uint64_t missed() const { return missed_.load(std::memory_order_relaxed); }

 private:
  struct alignas(std::max_align_t) block : std::array<std::byte, block_bytes> {};

  std::array<block, blocks> blocks_;
  std::atomic<std::uint32_t> free_{(1u << blocks) - 1};
  std::atomic<std::uint64_t> missed_{0};
};

/// The recycler as an allocator, for handlers.
template <class T>
class recycling_allocator {
 public:
  using value_type = T;

  explicit recycling_allocator(recycler& from) noexcept : from_{&from} {}
  template <class U>
  recycling_allocator(const recycling_allocator<U>& other) noexcept  // NOLINT(google-explicit-constructor)
      : from_{other.from_} {}

  [[nodiscard]] T* allocate(std::size_t count) { return static_cast<T*>(from_->take(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t) noexcept { from_->give_back(memory); }

  template <class U>
  [[nodiscard]] bool operator==(const recycling_allocator<U>& other) const noexcept {
    return from_ == other.from_;
  }

 private:
  template <class U>
  friend class recycling_allocator;
  recycler* from_;
};

}  // namespace furrow::bench
