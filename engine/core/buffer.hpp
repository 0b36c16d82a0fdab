// Memory for device commands, aligned to the store block, and a pool of it so that steady work allocates nothing.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "core/limits.hpp"

namespace furrow::core {

class buffer {
 public:
  buffer() = default;
  explicit buffer(std::size_t bytes) : bytes_{round_up(bytes)} {
    memory_.reset(static_cast<std::byte*>(std::aligned_alloc(block_bytes, bytes_)));
    if (!memory_) throw std::bad_alloc{};
  }
  [[nodiscard]] std::byte* data() { return memory_.get(); }
  [[nodiscard]] const std::byte* data() const { return memory_.get(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::span<std::byte> span() { return {memory_.get(), bytes_}; }
  [[nodiscard]] std::span<std::byte> part(std::size_t from, std::size_t count) { return span().subspan(from, count); }
  explicit operator bool() const { return memory_ != nullptr; }

 private:
  struct free_memory {
    void operator()(std::byte* p) const noexcept { std::free(p); }
  };
  static std::size_t round_up(std::size_t bytes) { return (bytes + block_bytes - 1) / block_bytes * block_bytes; }

  std::unique_ptr<std::byte, free_memory> memory_;
  std::size_t bytes_ = 0;
};

/// Keeps a few buffers of each small power-of-two length.
class buffer_pool {
 public:
  [[nodiscard]] buffer take(std::size_t bytes) {
    const std::size_t c = class_of(bytes);
    if (c < classes && !kept_[c].empty()) {
      buffer b = std::move(kept_[c].back());
      kept_[c].pop_back();
      return b;
    }
    if (c < classes) kept_[c].reserve(kept_max);  // so that give() asks for nothing
    return buffer{c < classes ? block_bytes << c : bytes};
  }
  void give(buffer b) noexcept {
    if (!b) return;
    const std::size_t c = class_of(b.bytes());
    if (c < classes && b.bytes() == block_bytes << c && kept_[c].size() < kept_[c].capacity())
      kept_[c].push_back(std::move(b));
  }

 private:
  static constexpr std::size_t classes = 9;  // 4 KiB .. 1 MiB
  static constexpr std::size_t kept_max = 16;
  static std::size_t class_of(std::size_t bytes) {
    std::size_t c = 0;
    while (c < classes && (block_bytes << c) < bytes) ++c;
    return c;
  }
  std::vector<buffer> kept_[classes];
};

}  // namespace furrow::core
