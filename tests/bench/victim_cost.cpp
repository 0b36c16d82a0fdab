// What choosing victims costs, by a life of so many zones: blocks die at random, each death is told to the index and
// followed by a pick; at times the victim goes, and comes back full. Prints a line of JSON; instructions are callgrind's
// to count (victim_cost_test.py).
//
//   victim_cost ZONES ROUNDS
//
// Not here: bounds (victim_cost_test.py), whether the choice is right (victim_index_test).
#include <malloc.h>

#include <cstdio>
#include <string>

#include "core/victim_index.hpp"
#include "sim/random.hpp"

namespace {

using namespace furrow;

constexpr std::uint32_t capacity = 255;

struct world {
  explicit world(std::uint32_t zones) : live(zones, capacity), written(zones) {}
  std::vector<std::uint32_t> live;
  std::vector<std::uint64_t> written;
  core::victim_index index;
};

void kill_one(world& w, sim::prng& random) {
  const auto z = static_cast<std::uint32_t>(random.below(w.live.size()));
  if (w.live[z] > 0) --w.live[z];
  w.index.update({z}, w.live[z], capacity, w.written[z]);
}

void recycle(world& w, zoned::zone_index z, std::uint64_t now) {
  w.index.remove(z);
  w.live[z.value] = capacity;
  w.written[z.value] = now;
  w.index.add(z, capacity, capacity, now);
}

int run(std::uint32_t zones, std::uint64_t rounds) {
  world w{zones};
  sim::prng random{1};
  const std::size_t before = ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
  w.index.init(zones);
  for (std::uint32_t z = 0; z < zones; ++z) {
    w.live[z] = static_cast<std::uint32_t>(random.within(0, capacity));
    w.written[z] = random.below(zones);
    w.index.add({z}, w.live[z], capacity, w.written[z]);
  }
  const std::size_t after = ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
  std::uint64_t picked = 0, now = zones;
  for (std::uint64_t i = 0; i < rounds; ++i) {
    kill_one(w, random);
    const auto victim = w.index.pick(++now);
    if (!victim) continue;
    ++picked;
    if (i % 16 == 0) recycle(w, *victim, now);
  }
  std::printf("{\"zones\": %u, \"rounds\": %llu, \"picked\": %llu, \"memory\": %zu}\n", zones,
              static_cast<unsigned long long>(rounds), static_cast<unsigned long long>(picked), after - before);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("victim_cost ZONES ROUNDS\n", stderr);
    return 2;
  }
  return run(static_cast<std::uint32_t>(std::stoul(argv[1])), std::stoull(argv[2]));
}
