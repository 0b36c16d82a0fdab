// Operators new and delete that the simulator's programs have: pieces that nobody else has, aligned, and used again.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

namespace {

struct piece {
  std::byte* at = nullptr;
  std::size_t bytes = 0;
  std::size_t alignment = 0;
  unsigned char mark = 0;

  [[nodiscard]] bool is_whole() const {
    for (std::size_t i = 0; i < bytes; ++i)
      if (at[i] != std::byte{mark}) return false;
    return true;
  }
  void give() const {
    if (alignment > 0)
      ::operator delete (at, bytes, std::align_val_t{alignment});
    else
      ::operator delete(at, bytes);
  }
};

piece take(std::size_t bytes, std::size_t alignment, unsigned char mark) {
  void* const at = alignment > 0 ? ::operator new (bytes, std::align_val_t{alignment}) : ::operator new(bytes);
  std::memset(at, mark, bytes);
  return {static_cast<std::byte*>(at), bytes, alignment, mark};
}

}  // namespace

TEST_CASE("pieces of all sizes are aligned, nobody else's, and stay as they were written") {
  std::vector<piece> all;
  unsigned char mark = 0;
  for (const std::size_t alignment : {0u, 32u, 64u, 128u, 4096u})
    for (std::size_t bytes = 1; bytes < 40'000; bytes += 1 + bytes / 7)
      for (int i = 0; i < 5; ++i) all.push_back(take(bytes, alignment, ++mark));
  const auto hold = [&] {
    for (const piece& p : all) {
      CAPTURE(p.bytes);
      CAPTURE(p.alignment);
      REQUIRE(p.is_whole());
      REQUIRE(reinterpret_cast<std::uintptr_t>(p.at) % std::max<std::size_t>(p.alignment, 16) == 0);
    }
  };
  hold();
  for (std::size_t i = 0; i < all.size(); i += 2) {  // every other one goes, and is taken again
    const piece p = all[i];
    p.give();
    all[i] = take(p.bytes, p.alignment, ++mark);
  }
  hold();
  for (const piece& p : all) p.give();
}

TEST_CASE("what was given back is used again") {
  void* const first = ::operator new(100);
  ::operator delete(first);
  void* const second = ::operator new(100);
  CHECK(second == first);
  ::operator delete (second, std::size_t{100});
  ::operator delete(static_cast<void*>(nullptr));
  auto none = std::make_unique<std::byte[]>(0);
  CHECK(none != nullptr);
}
