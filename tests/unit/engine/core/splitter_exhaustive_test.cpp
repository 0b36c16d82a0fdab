// Every split of a small ordered extent, against the model of single blocks.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "splitter_world.hpp"

using namespace furrow;
using namespace furrow::core;
using namespace furrow::test;

namespace {

constexpr std::uint64_t blocks_max = 12;

/// The lengths that the bits of `cuts` cut `length` blocks into.
std::vector<std::uint64_t> lengths_of(std::uint64_t length, std::uint64_t cuts) {
  std::vector<std::uint64_t> lengths{1};
  for (std::uint64_t b = 1; b < length; ++b)
    if ((cuts >> (b - 1) & 1) != 0)
      lengths.push_back(1);
    else
      ++lengths.back();
  return lengths;
}

/// Splits, and tells what is wrong with the outcome.
std::string split_and_check(splitter_world& w, ordered_extent& e, std::uint64_t pre, std::uint64_t post) {
  const std::size_t before = w.all.size();
  const std::uint64_t first = e.object_block, blocks = e.blocks;
  const split_refusal expected = w.expected(e, pre, post);
  if (w.split(e, pre, post) != expected) return "it was not the model's outcome";
  const bool done = expected == split_refusal::none;
  if (e.object_block != first + (done ? pre : 0)) return "the middle is elsewhere";
  if (e.blocks != blocks - (done ? pre + post : 0)) return "the middle is of another length";
  const std::size_t parts = done ? (pre > 0 ? 1u : 0u) + (post > 0 ? 1u : 0u) : 0u;
  if (w.all.size() != before + parts) return "not the number of parts";
  return w.check();
}

/// Lands the pieces in the given order; each goes behind the one before, or `gap` blocks further.
void land_all(splitter_world& w, ordered_extent& e, const std::vector<std::uint64_t>& lengths,
              const std::vector<std::size_t>& order, std::uint64_t gap) {
  std::vector<std::uint64_t> begins(lengths.size());
  std::exclusive_scan(lengths.begin(), lengths.end(), begins.begin(), e.object_block);
  std::uint64_t at = 100;
  w.send(e);
  for (const std::size_t i : order) {
    w.land(e, begins[i], lengths[i], {0, at});
    at += lengths[i] + gap;
  }
}

/// The extents of all that is held, walked in the object's order for one record.
std::vector<format::object_extent> walk_all(const splitter_world& w) {
  std::vector<format::object_extent> runs;
  for (const ordered_extent& e : w.map) static_cast<void>(walk_landed(e, w.shape, runs));
  return runs;
}

void drop_all(splitter_world& w) {
  while (!w.all.empty()) w.drop(*w.all.back().extent);
}

/// Every split of what has landed so, each on one of its own.
std::string all_splits_of_landed(splitter_world& w, std::uint64_t length, const std::vector<std::uint64_t>& lengths,
                                 const std::vector<std::size_t>& order, std::uint64_t gap) {
  for (std::uint64_t pre = 0; pre <= length; ++pre)
    for (std::uint64_t post = 0; pre + post <= length; ++post) {
      drop_all(w);
      ordered_extent& e = w.create(0, length);
      land_all(w, e, lengths, order, gap);
      const std::vector<format::object_extent> runs = walk_all(w);
      if (runs != w.landed_runs(0, length)) return "the walk is not the model's";
      if (std::string why = split_and_check(w, e, pre, post); !why.empty()) return why;
      if (walk_all(w) != runs) return "the parts walk to other extents than the whole";
    }
  return {};
}

}  // namespace

TEST_CASE("every offset, length, pre and post up to 12 blocks, with neighbours") {
  for (const std::size_t segment : {std::size_t{0}, std::size_t{4096}, std::size_t{1500}, std::size_t{7000}})
    for (std::uint64_t offset = 0; offset < blocks_max; ++offset)
      for (std::uint64_t length = 1; offset + length <= blocks_max; ++length)
        for (std::uint64_t pre = 0; pre <= length + 1; ++pre)
          for (std::uint64_t post = 0; post <= length + 1; ++post) {
            splitter_world w{blocks_max + 2};
            if (offset > 0) w.create(0, offset);
            ordered_extent& e =
                segment == 0 ? w.create(offset, length) : w.create(offset, length, {.segments = {segment}});
            w.create(offset + length, blocks_max + 2 - offset - length);
            CAPTURE(offset);
            CAPTURE(length);
            CAPTURE(pre);
            CAPTURE(post);
            REQUIRE(split_and_check(w, e, pre, post) == "");
          }
}

TEST_CASE("every split of a part of a split, up to 8 blocks") {
  for (std::uint64_t length = 1; length <= 8; ++length)
    for (std::uint64_t pre = 0; pre < length; ++pre)
      for (std::uint64_t post = 0; pre + post < length; ++post)
        for (std::size_t part = 0; part < 3; ++part)
          for (std::uint64_t pre2 = 0; pre2 <= length; ++pre2)
            for (std::uint64_t post2 = 0; pre2 + post2 <= length; ++post2) {
              splitter_world w{length};
              REQUIRE(split_and_check(w, w.create(0, length, {.segments = {4096 * 3, 1000}}), pre, post) == "");
              if (part >= w.all.size()) break;
              REQUIRE(split_and_check(w, *w.all[part].extent, pre2, post2) == "");
            }
}

TEST_CASE("every split of what landed in every cut, up to 12 blocks") {
  splitter_world w{blocks_max};
  for (std::uint64_t length = 1; length <= blocks_max; ++length)
    for (std::uint64_t cuts = 0; cuts < std::uint64_t{1} << (length - 1); ++cuts) {
      const std::vector<std::uint64_t> lengths = lengths_of(length, cuts);
      std::vector<std::size_t> order(lengths.size());
      std::iota(order.begin(), order.end(), std::size_t{0});
      CAPTURE(length);
      CAPTURE(cuts);
      REQUIRE(all_splits_of_landed(w, length, lengths, order, 0) == "");
      if (length > 10) continue;
      REQUIRE(all_splits_of_landed(w, length, lengths, order, 1) == "");
      std::reverse(order.begin(), order.end());
      REQUIRE(all_splits_of_landed(w, length, lengths, order, 0) == "");
    }
}

TEST_CASE("every split of up to 6 pieces that landed in every order") {
#ifdef NDEBUG
  constexpr std::uint64_t most = 8;
#else
  constexpr std::uint64_t most = 6;
#endif
  splitter_world w{most};
  for (std::uint64_t length = 1; length <= most; ++length)
    for (std::uint64_t cuts = 0; cuts < std::uint64_t{1} << (length - 1); ++cuts) {
      const std::vector<std::uint64_t> lengths = lengths_of(length, cuts);
      if (lengths.size() > 6) continue;
      std::vector<std::size_t> order(lengths.size());
      std::iota(order.begin(), order.end(), std::size_t{0});
      do {
        CAPTURE(length);
        CAPTURE(cuts);
        REQUIRE(all_splits_of_landed(w, length, lengths, order, 0) == "");
      } while (std::next_permutation(order.begin(), order.end()));
    }
}
