// Every single bit of all metadata of a small store, flipped, opened, read and checked, one after the other.
//
// Of its blocks those that are void, or stood in for by another, say nothing; of the others no bit may be silent. The counts of
// each are printed.
// FURROW_FLIP_STRIDE=N takes every Nth bit.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <cstdlib>

#include "sim/damaged_image.hpp"
#include "sim/failure.hpp"
#include "sim/small_image.hpp"

namespace {

using namespace furrow;
using namespace furrow::sim;

constexpr std::uint64_t metadata_bytes_max = 64 << 10;
/// Journal groups behind the checkpoint, the header of the zone they begin in, and the pages that it leads to.
constexpr std::uint64_t blocks_that_count = 7;
constexpr std::uint64_t block_bits = zoned::store_block_bytes * 8;

void flip(zoned::memory_zones& zones, zoned::place block, std::uint64_t bit) {
  const zoned::place at{block.zone, block.offset_bytes + bit / 8};
  std::array<std::byte, 1> byte{};
  zones.peek(at, byte);
  byte[0] ^= std::byte{1} << (bit % 8);
  zones.poke(at, byte);
}

/// The image is flipped in place, and back: a copy shares what is not written.
void try_bit(const image& from, zoned::place block, std::uint64_t bit, outcome& sum) {
  flip(*from.zones, block, bit);
  try {
    try_image(from, *from.zones, true, sum);
  } catch (const broken_promise& e) {
    FAIL("bit ", bit, " of zone ", block.zone.value, " block ", block.offset_bytes / zoned::store_block_bytes, ": ",
         e.what());
  }
  flip(*from.zones, block, bit);
}

/// One of two halves, so that they run beside each other.
void flip_each(std::uint64_t first_bit) {
  const char* const given = std::getenv("FURROW_FLIP_STRIDE");
  const std::uint64_t stride = 2 * (given != nullptr ? std::strtoull(given, nullptr, 10) : FURROW_FLIP_STRIDE);
  const image from = make_smallest_image();
  const std::vector<zoned::place> blocks = metadata_blocks(from);
  CHECK(blocks.size() >= 12);
  REQUIRE(blocks.size() * zoned::store_block_bytes <= metadata_bytes_max);
  outcome sum;
  std::uint64_t flips = 0, blocks_that_tell = 0;
  for (const zoned::place& block : blocks) {
    outcome of_block;
    const std::uint64_t before = flips;
    for (std::uint64_t bit = first_bit; bit < block_bits; bit += stride, ++flips) try_bit(from, block, bit, of_block);
    CHECK((of_block.unharmed == 0 || of_block.unharmed == flips - before));  // all of its bits are told, or it is void
    blocks_that_tell += of_block.unharmed == 0 ? 1 : 0;
    sum.add(of_block);
    MESSAGE("zone ", block.zone.value, " block ", block.offset_bytes / zoned::store_block_bytes, ": ",
            of_block.describe());
  }
  MESSAGE(flips, " bits of ", blocks.size(), " blocks: ", sum.describe());
  CHECK(blocks_that_tell == blocks_that_count);
}

}  // namespace

TEST_CASE("Every even bit of the metadata of a small store") { flip_each(0); }

TEST_CASE("Every odd bit of the metadata of a small store") { flip_each(1); }
