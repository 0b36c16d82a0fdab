// The operators new and delete of a test program: they count what is alive, and an allocation fails if the program says so.
// For one source of a program, which is all that may include it. Threads: one allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace furrow::test {

inline std::int64_t blocks_alive = 0;
/// Asked at each allocation whether it fails. None: it does not.
inline bool (*allocation_fails)() = nullptr;

inline void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
  if (allocation_fails != nullptr && allocation_fails()) return nullptr;
  void* p = nullptr;
  if (alignment <= alignof(std::max_align_t))
    p = std::malloc(bytes == 0 ? 1 : bytes);
  else if (::posix_memalign(&p, alignment, bytes == 0 ? 1 : bytes) != 0)
    p = nullptr;
  if (p != nullptr) ++blocks_alive;
  return p;
}

inline void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
  void* const p = allocate(bytes, alignment);
  if (p == nullptr) throw std::bad_alloc{};
  return p;
}

inline void give_back(void* p) noexcept {
  if (p != nullptr) --blocks_alive;
  std::free(p);
}

}  // namespace furrow::test

[[gnu::noinline]] void* operator new(std::size_t bytes) { return furrow::test::allocate_or_throw(bytes, 0); }
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return furrow::test::allocate(bytes, 0);
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t a) {
  return furrow::test::allocate_or_throw(bytes, static_cast<std::size_t>(a));
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t a, const std::nothrow_t&) noexcept {
  return furrow::test::allocate(bytes, static_cast<std::size_t>(a));
}
[[gnu::noinline]] void operator delete(void* p) noexcept { furrow::test::give_back(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { furrow::test::give_back(p); }
[[gnu::noinline]] void operator delete(void* p, const std::nothrow_t&) noexcept { furrow::test::give_back(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { furrow::test::give_back(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept { furrow::test::give_back(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  furrow::test::give_back(p);
}
