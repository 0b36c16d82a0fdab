// Bytes that are not zeroed before they are filled.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace furrow::sim {

template <class T>
struct uninitialised : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = uninitialised<U>;
  };
  template <class U>
  void construct(U* at) noexcept {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Parts>
  void construct(U* at, Parts&&... parts) {
    std::construct_at(at, std::forward<Parts>(parts)...);
  }
};

using raw_bytes = std::vector<std::byte, uninitialised<std::byte>>;

}  // namespace furrow::sim
