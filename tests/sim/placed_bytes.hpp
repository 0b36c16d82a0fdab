// Memory of users, at addresses that a simulation has chosen: what the engine does with memory depends on how it is aligned,
// and what a heap gives would not be the same in the next run.
//
// Invariants
//   I1  The address modulo page_bytes is what place() said; the bytes are not initialised.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace furrow::sim {

class placed_bytes {
 public:
  static constexpr std::size_t page_bytes = 4096;

  placed_bytes() = default;
  placed_bytes(placed_bytes&& other) noexcept
      : memory_{std::exchange(other.memory_, nullptr)},
        room_{std::exchange(other.room_, 0)},
        lead_{other.lead_},
        size_{std::exchange(other.size_, 0)} {}
  placed_bytes& operator=(placed_bytes&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(room_, other.room_);
    std::swap(lead_, other.lead_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~placed_bytes() { ::operator delete (memory_, std::align_val_t{page_bytes}); }

  /// Where in a page it is to begin from now on.
  void place(std::size_t lead_bytes) { lead_ = lead_bytes % page_bytes, size_ = 0; }
  void resize(std::size_t bytes) {
    if (const std::size_t needed = lead_ + bytes; needed > room_) {
      ::operator delete (std::exchange(memory_, nullptr), std::align_val_t{page_bytes});
      room_ = (2 * needed + page_bytes - 1) / page_bytes * page_bytes;
      memory_ = static_cast<std::byte*>(::operator new (room_, std::align_val_t{page_bytes}));
    }
    size_ = bytes;
  }

  [[nodiscard]] std::byte* data() const { return memory_ + lead_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::byte* begin() const { return data(); }
  [[nodiscard]] std::byte* end() const { return data() + size_; }

 private:
  std::byte* memory_ = nullptr;
  std::size_t room_ = 0;
  std::size_t lead_ = 0;
  std::size_t size_ = 0;
};

}  // namespace furrow::sim
