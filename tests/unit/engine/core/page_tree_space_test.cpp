// Page tree, small spaces exhausted: leaves of three cells, index pages of three or four entries.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "unit/engine/core/tree_harness.hpp"

using namespace furrow;
using namespace furrow::core;

namespace {

/// Keys so long that their separators are, too.
std::string long_key(int i) { return std::string(1000, 'k') + static_cast<char>('a' + i); }
std::string short_key(int i) { return std::string(1, static_cast<char>('a' + i)); }

void put(tree_harness& h, const std::string& key) { h.put(key, std::string(format::cell_bytes_max - key.size(), 'v')); }

}  // namespace

TEST_CASE("small space: every order of six inserts, then every order of erasing them") {
  std::array<int, 6> in{};
  std::iota(in.begin(), in.end(), 0);
  std::array<int, 6> out = in;
  do {
    tree_harness h;
    for (const int i : in) {
      put(h, long_key(i));
      REQUIRE(tree_inspector{h.tree()}.fault() == "");
    }
    for (const int i : in) h.look(long_key(i));
    for (const int i : out) h.erase(long_key(i));
    REQUIRE(h.tree().pages() == 0);
    REQUIRE(h.tree().resident_bytes() == 0);
    std::next_permutation(out.begin(), out.end());
  } while (std::next_permutation(in.begin(), in.end()));

  do {
    tree_harness h;
    for (const int i : in) put(h, long_key(i));
    for (const int i : out) {
      h.erase(long_key(i));
      REQUIRE(tree_inspector{h.tree()}.fault() == "");
      h.look(long_key(i));
    }
  } while (std::next_permutation(out.begin(), out.end()));
}

TEST_CASE("small space: every range of every tree of up to fourteen keys is erased, resident or not") {
  // Leaves of three cells; then some that fall below a quarter and merge when one of theirs goes.
  const std::array<std::vector<std::size_t>, 3> value_bytes{{{1320}, {900, 150}, {1320, 10, 10, 10}}};
  for (const auto key : {&long_key, &short_key}) {
    for (const std::vector<std::size_t>& values : value_bytes) {
      for (int count = 0; count <= 14; count += values.size() == 1 ? 1 : 7) {
        for (int from = -1; from <= 2 * count; ++from) {
          for (int to = -1; to <= 2 * count; ++to) {
            for (const bool forgetful : {false, true}) {
              CAPTURE(count);
              CAPTURE(from);
              CAPTURE(to);
              tree_harness h{forgetful};
              // Edges are the keys at 1, 3, 5.. and the gaps between them; -1 is an open end.
              for (int i = 0; i < count; ++i) {
                const std::string k = key(2 * i + 1);
                const std::size_t bytes = values[static_cast<std::size_t>(i) % values.size()];
                h.put(k, std::string(std::min(bytes, format::cell_bytes_max - k.size()), 'v'));
              }
              if (forgetful) h.checkpoint();
              h.erase_range(from < 0 ? "" : key(from), to < 0 ? "" : key(to));
              h.check();
              h.look_at_all();
            }
          }
        }
      }
    }
  }
}

TEST_CASE("small space: a crash or an abort at every step of a checkpoint between every two changes") {
  // Five changes; before each of them one step of a checkpoint may be made: none, write a node, or end it one way.
  enum step : int { nothing, begin_or_write, finish, abort, crash, steps };
  constexpr int changes = 5;
  int total = 1;
  for (int i = 0; i < changes; ++i) total *= steps;
  for (int code = 0; code < total; ++code) {
    CAPTURE(code);
    tree_harness h{code % 2 == 0};
    random_source random{1};
    for (int i = 0; i < 5; ++i) put(h, long_key(2 * i));
    h.checkpoint();
    for (int i = 0, rest = code; i < changes; ++i, rest /= steps) {
      switch (static_cast<step>(rest % steps)) {
        case begin_or_write:
          if (!h.in_checkpoint()) h.begin_checkpoint();
          static_cast<void>(h.write_some(random, 2));
          break;
        case finish:
          if (!h.in_checkpoint()) h.begin_checkpoint();
          while (h.write_some(random, 2)) {
          }
          h.finish_checkpoint();
          break;
        case abort:
          if (h.in_checkpoint()) h.abort_checkpoint();
          break;
        case crash:
          h.reopen();
          break;
        case nothing:
        case steps:
          break;
      }
      if (i % 2 == 0) {
        put(h, long_key(2 * i + 1));
      } else {
        h.erase(long_key(2 * i));
      }
      h.check();
    }
    h.reopen();
    h.look_at_all();
    h.check();
  }
}
