// Images with damage: a small store, ten thousand flipped bytes, each in process. What opens and what reads is either
// unharmed or says that it is not: never wrong bytes, never a durable object that is silently gone.
#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "sim/damaged_image.hpp"
#include "sim/failure.hpp"
#include "sim/random.hpp"
#include "sim/small_image.hpp"

namespace {

using namespace furrow;
using namespace furrow::sim;

void flip(zoned::memory_zones& zones, zoned::place at, prng& chance) {
  at.offset_bytes += chance.below(zoned::store_block_bytes);
  std::array<std::byte, 1> byte;
  zones.peek(at, byte);
  byte[0] ^= static_cast<std::byte>(chance.within(1, 255));
  zones.poke(at, byte);
}

void flip_many(const image& from, std::uint64_t first_seed, std::uint64_t count) {
  const std::vector<zoned::place> blocks = written_blocks(*from.zones);
  REQUIRE(blocks.size() > 100);
  outcome sum;
  for (std::uint64_t seed = first_seed; seed < first_seed + count; ++seed) {
    prng chance{seed};
    zoned::memory_zones damaged = *from.zones;
    const zoned::place at = blocks[chance.below(blocks.size())];
    flip(damaged, at, chance);
    try {
      try_image(from, std::move(damaged), false, sum);
    } catch (const broken_promise& e) {
      FAIL_CHECK("seed ", seed, ": a byte of zone ", at.zone.value, " block ", at.offset_bytes / 4096, ": ", e.what());
    }
  }
  MESSAGE(count, " flips: ", sum.describe());
  CHECK(sum.unharmed > 0);
  CHECK(sum.reads_refused > 0);
}

}  // namespace

TEST_CASE("The images are whole before they are damaged") {
  for (const image_end end : {image_end::closed, image_end::journal_to_replay}) {
    const image made = make_image(end, 1);
    outcome o;
    try_image(made, *made.zones, true, o);
    CHECK(o.unharmed == 1);
  }
}

TEST_CASE("5,000 flipped bytes of a store that was closed") { flip_many(make_image(image_end::closed, 1), 1, 5000); }

TEST_CASE("3,000 flipped bytes of a store with a journal to replay") {
  flip_many(make_image(image_end::journal_to_replay, 1), 10'001, 3000);
}

TEST_CASE("2,000 flipped bytes of a store with two copies of its pages") {
  flip_many(make_image(image_end::closed, 2), 20'001, 2000);
}
