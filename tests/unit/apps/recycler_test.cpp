// The bench's memory for handlers: each block is in one hand at a time, and what does not fit is counted.
#include "bench/recycler.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <set>
#include <thread>
#include <vector>

namespace furrow::bench {
namespace {

TEST_CASE("recycler: blocks come again, and the heap only when all are out or one is too small") {
  recycler r;
  std::set<void*> first;
  for (std::size_t i = 0; i < recycler::blocks; ++i) first.insert(r.take(recycler::block_bytes));
  CHECK(first.size() == recycler::blocks);
  CHECK(r.missed() == 0);
  void* const fifth = r.take(1);
  CHECK(!first.contains(fifth));
  CHECK(r.missed() == 1);
  r.give_back(fifth);
  for (void* const block : first) r.give_back(block);
  void* const large = r.take(recycler::block_bytes + 1);
  CHECK(!first.contains(large));
  CHECK(r.missed() == 2);
  r.give_back(large);
  for (std::size_t i = 0; i < recycler::blocks; ++i) CHECK(first.contains(r.take(100)));
  CHECK(r.missed() == 2);
}

TEST_CASE("recycler: as an allocator of any type it is one recycler") {
  recycler r, other;
  const recycling_allocator<int> ints{r};
  recycling_allocator<double> doubles{ints};
  CHECK(ints == doubles);
  CHECK(!(recycling_allocator<char>{other} == doubles));
  double* const some = doubles.allocate(8);
  CHECK(r.missed() == 0);
  doubles.deallocate(some, 8);
}

TEST_CASE("recycler: several threads never hold the same block") {
  recycler r;
  std::vector<std::jthread> threads;
  std::atomic<int> wrong{0};
  for (int mark = 1; mark <= 3; ++mark) {
    threads.emplace_back([&r, &wrong, mark] {
      for (int i = 0; i < 20'000; ++i) {
        auto* const block = static_cast<unsigned char*>(r.take(64));
        std::memset(block, mark, 64);
        for (int at = 0; at < 64; ++at) wrong += block[at] != mark;
        r.give_back(block);
      }
    });
  }
  threads.clear();
  CHECK(wrong == 0);
  CHECK(r.missed() == 0);
}

}  // namespace
}  // namespace furrow::bench
