// What a split costs: parts of 16 blocks off ordered extents of 4,096, which stand in a map of what is in flight, or do not.
//
//   split_cost KIND [--alone]       KIND: front middle scattered landed; --alone: not in a map
//
// Prints the splits, the new parts, and how often the heap was asked for memory, by a pool that is cold and by one that is
// warm. Under `valgrind --tool=callgrind --toggle-collect=..` the functions named are counted for the warm pool alone.
//
// Not here: the bound (split_cost_test.py).
#include <valgrind/callgrind.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "core/in_flight_map.hpp"
#include "core/limits.hpp"
#include "core/splitter.hpp"

namespace {

bool counting = false;
std::uint64_t allocations = 0;

}  // namespace

void* operator new(std::size_t bytes) {
  allocations += counting ? 1 : 0;
  void* const p = std::malloc(bytes);
  if (p == nullptr) throw std::bad_alloc{};
  return p;
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  allocations += counting ? 1 : 0;
  return std::malloc(bytes);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }

namespace {

using namespace furrow;
using namespace furrow::core;

constexpr std::uint64_t blocks = 4096;
constexpr std::uint64_t piece_blocks = 16;

enum class kind : std::uint8_t { front, middle, scattered, landed };

ordered_extent_ptr make(extent_pool& pool, kind what) {
  ordered_extent_ptr e = pool.make();
  e->blocks = e->blocks_left = e->reserved_blocks = blocks;
  e->pinned = {0, blocks, {}};
  std::uintptr_t memory = 1 << 20;
  const std::uint64_t segments = what == kind::scattered ? blocks : 1;
  for (std::uint64_t i = 0; i < segments; ++i, memory += 2 * block_bytes)
    e->source.push_back({reinterpret_cast<std::byte*>(memory), blocks / segments * block_bytes});
  for (std::uint64_t i = 0; i < blocks; ++i) e->sums.push_back(static_cast<std::uint32_t>(i));
  for (std::uint64_t b = 0; what == kind::landed && b < blocks; b += piece_blocks)
    e->add_piece({b, {{0, 1 + 2 * b}, piece_blocks}});
  e->begun = what == kind::landed;
  return e;
}

/// Takes an ordered extent to pieces; returns how many were made.
std::uint64_t take_apart(extent_pool& pool, kind what, bool alone) {
  in_flight_map map;
  std::vector<ordered_extent_ptr> held(blocks);
  ordered_extent_ptr stash = make(pool, what);
  if (!alone && !map.insert(*stash)) std::abort();
  std::uint64_t pieces = 0;
  const ordered_extent* const whole = stash.get();
  counting = true;
  while (stash && stash->blocks > (what == kind::middle ? 2 * piece_blocks : piece_blocks)) {
    if (what == kind::middle) {
      split_parts parts = split(*stash, piece_blocks, piece_blocks);
      held[pieces++].swap(parts.pre);
      held[pieces++].swap(parts.post);
    } else {
      extraction x = extract(stash, piece_blocks);
      held[pieces++].swap(x.front);
    }
  }
  counting = false;
  if (whole->object_block + whole->blocks > blocks || (!alone && map.blocks() != blocks) || map.lookups() != 0)
    std::abort();
  return pieces;
}

}  // namespace

int main(int count, char** values) {
  const char* const name = count > 1 ? values[1] : "front";
  const kind what = std::strcmp(name, "middle") == 0      ? kind::middle
                    : std::strcmp(name, "scattered") == 0 ? kind::scattered
                    : std::strcmp(name, "landed") == 0    ? kind::landed
                                                          : kind::front;
  const bool alone = count > 2 && std::strcmp(values[2], "--alone") == 0;
  buffer_pool buffers;
  extent_pool pool{buffers};
  const std::uint64_t pieces = take_apart(pool, what, alone);
  const std::uint64_t cold = allocations;
  CALLGRIND_ZERO_STATS;
  const std::uint64_t again = take_apart(pool, what, alone);
  const std::uint64_t splits = what == kind::middle ? pieces / 2 : pieces;
  std::printf("{\"splits\": %llu, \"parts\": %llu, \"cold\": %llu, \"warm\": %llu}\n",
              static_cast<unsigned long long>(splits), static_cast<unsigned long long>(pieces),
              static_cast<unsigned long long>(cold), static_cast<unsigned long long>(allocations - cold));
  return pieces == again ? 0 : 1;
}
