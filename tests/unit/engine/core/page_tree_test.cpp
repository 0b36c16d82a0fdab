// Page tree as a map: lookups and changes, pages asked for, leaves well filled and evicted in order.
#include "core/page_tree.hpp"

#include <doctest/doctest.h>

#include "unit/engine/core/tree_workload.hpp"

using namespace furrow;
using namespace furrow::core;

namespace {

double fill_of(tree_harness& h) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : h.model()) bytes += cell_overhead_bytes + key.size() + value.size();
  const double room = static_cast<double>(format::page_bytes - format::page_header_bytes);
  return static_cast<double>(bytes) / (static_cast<double>(h.tree().pages()) * room);
}

/// Leaves left behind by a bulk load must be read and changed in place, not only be dense.
tree_harness loaded_with(std::uint64_t keys) {
  tree_harness h;
  for (std::uint64_t i = 0; i < keys; ++i) h.put(format::extent_key(1, i), std::string(20, 'v'));
  h.checkpoint();
  return h;
}

}  // namespace

TEST_CASE("page tree: an empty one has nothing and needs nothing") {
  page_tree tree{format::page_kind::object, tree_harness::store_id};
  CHECK(!tree.find("k").has_cell());
  CHECK(!tree.find_from("").has_cell());
  CHECK(!tree.find_to("\xff").has_cell());
  CHECK(!tree.prepare("k"));
  CHECK(!tree.prepare_range("", ""));
  CHECK(!tree.erase("k"));
  tree.erase_range("", "");
  CHECK(tree.pages() == 0);
  CHECK(tree.missing_index().empty());
  CHECK(page_tree::root_of(tree.freeze()).ref.empty());
}

TEST_CASE("page tree: random work agrees with a map, every page resident") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    tree_harness h;
    tree_workload work{seed, h};
    for (int i = 0; i < 600; ++i) {
      work.step();
      REQUIRE(tree_inspector{h.tree()}.fault() == "");
    }
    h.look_at_all();
  }
}

TEST_CASE("page tree: random work agrees with a map when all leaves are forgotten after every call") {
  std::uint64_t needs = 0;
  unsigned levels = 0;
  for (std::uint64_t seed = 1; seed <= 70; ++seed) {
    CAPTURE(seed);
    tree_harness h{true};
    tree_workload work{seed, h};
    for (int i = 0; i < 500; ++i) {
      work.step();
      if (i % 7 == 0) h.checkpoint();
      h.check();
      levels = std::max(levels, h.levels());
    }
    h.look_at_all();
    needs += h.needs();
  }
  CHECK(needs > 10'000);
  CHECK(levels >= 5);
}

TEST_CASE("page tree: a lookup of what is not resident answers with the page, also when it is the neighbour's") {
  tree_harness h = loaded_with(1000);
  page_tree& tree = h.tree();
  h.evict(0);
  REQUIRE(tree.resident_leaves() == 0);
  const std::string key = format::extent_key(1, 500);
  const tree_lookup first = tree.find(key);
  REQUIRE(!first.ready());
  CHECK(first.page().level == 0);
  REQUIRE(tree.supply(first.page(), h.pages().read(first.page().ref)));
  REQUIRE(tree.find(key).has_cell());

  // The gap between two leaves: the last key of one and the first of the next.
  std::string last = key;
  for (tree_lookup l = tree.find_from(last); l.ready(); l = tree.find_from(last + '\0')) last = l.cell().key;
  const tree_lookup next = tree.find_from(last + '\0');
  REQUIRE(!next.ready());
  REQUIRE(tree.supply(next.page(), h.pages().read(next.page().ref)));
  const std::string first_of_next{tree.find_from(last + '\0').cell().key};
  CHECK(first_of_next == format::extent_key(1, format::parse_extent_key(last)->block + 1));
  h.evict(0);
  h.look(last + '\0');
  h.look(first_of_next);
  h.check();
}

TEST_CASE("page tree: the answer of find_to lies in the leaf before when the key is below its leaf's first") {
  for (const bool forgetful : {false, true}) {
    tree_harness h{forgetful};
    for (int i = 0; i < 9; ++i) h.put(std::string(900, 'k') + std::to_string(i), std::string(400, 'v'));
    for (int i = 0; i < 8; ++i) {
      h.checkpoint();
      h.erase(std::string(900, 'k') + std::to_string(i));
      for (int k = -1; k < 10; ++k) h.look(std::string(900, 'k') + std::to_string(k));
      h.look("");
      h.look("z");
      h.check();
    }
  }
}

TEST_CASE("page tree: values of all sizes replace each other") {
  for (const std::size_t key_bytes : {0u, 1u, 16u, 1040u}) {
    tree_harness h;
    const std::string key(key_bytes, 'k');
    const std::size_t most = format::cell_bytes_max - key_bytes;
    for (int i = 0; i < 6; ++i) h.put(key + static_cast<char>('a' + i), std::string(most - 1, 'n'));
    for (std::size_t bytes = 0; bytes <= most; bytes += 13) h.put(key, std::string(bytes, 'v'));
    for (std::size_t bytes = most; bytes > 13; bytes -= 13) h.put(key, std::string(bytes, 'w'));
    h.check();
    h.look_at_all();
  }
}

TEST_CASE("page tree: ascending inserts leave full pages") {
  tree_harness one;
  for (std::uint64_t i = 0; i < 20'000; ++i) one.put(format::extent_key(1, i), std::string(20, 'v'));
  CHECK(fill_of(one) > 0.95);
  CHECK(tree_inspector{one.tree()}.fault() == "");

  // Objects that grow in turn, each in the middle of the tree.
  tree_harness many;
  for (std::uint64_t i = 0; i < 400; ++i) {
    for (std::uint64_t object = 0; object < 40; ++object) {
      many.put(format::extent_key(object, i), std::string(20, 'v'));
      many.put(format::object_key(object), std::string(60, static_cast<char>(i)));
    }
  }
  CHECK(fill_of(many) > 0.80);
  CHECK(tree_inspector{many.tree()}.fault() == "");

  tree_harness scattered;
  random_source random{7};
  for (std::uint64_t i = 0; i < 16'000; ++i) {
    scattered.put(format::extent_key(below(random, 1000), below(random, 1000)), std::string(20, 'v'));
  }
  CHECK(fill_of(scattered) > 0.60);
}

TEST_CASE("page tree: leaves that were used last are evicted last, those used since stay") {
  tree_harness h = loaded_with(2000);
  page_tree& tree = h.tree();
  h.evict(0);
  REQUIRE(tree.resident_leaves() == 0);
  const auto use = [&](std::uint64_t block, std::uint64_t now) {
    tree.advance(now);
    const std::string key = format::extent_key(1, block);
    const tree_lookup l = tree.find(key);
    if (!l.ready()) REQUIRE(tree.supply(l.page(), h.pages().read(l.page().ref)));
    REQUIRE(tree.find(key).has_cell());
  };
  const auto resident = [&](std::uint64_t block) { return !tree.prepare(format::extent_key(1, block)); };
  const std::uint64_t start = 1'000'000;
  for (std::uint64_t i = 0; i < 10; ++i) use(i * 200, start + i);
  use(0, start + 10);
  CHECK(tree.evict(4, start + 11) == 4);
  tree.advance(start + 11);
  for (std::uint64_t i = 0; i < 10; ++i) CHECK(resident(i * 200) == (i == 0 || i >= 7));
  use(1400, start + 20);
  tree.advance(start + 30);
  CHECK(tree.evict(0, start + 11) == 4);  // all were looked at
  CHECK(tree.evict(0, start + 12) == 1);
  CHECK(resident(1400));
  CHECK(tree_inspector{tree}.fault() == "");
}

TEST_CASE("page tree: dirty leaves stay, and memory is given back") {
  tree_harness h = loaded_with(5000);
  const std::size_t all = h.tree().resident_bytes();
  h.evict(0);
  CHECK(h.tree().resident_bytes() < all / 20);
  h.put(format::extent_key(1, 77), "changed");
  h.put(format::extent_key(1, 4077), "changed");
  h.evict(0);
  CHECK(h.tree().resident_leaves() == 2);
  CHECK(h.tree().dirty_nodes() == 2 + h.levels() - 1 + (h.levels() - 2));
  h.erase_range("", "");
  CHECK(h.tree().resident_bytes() == 0);
  CHECK(h.tree().pages() == 0);
  h.check();
}

TEST_CASE("page tree: erasing everything shrinks it to nothing") {
  for (const bool forgetful : {false, true}) {
    tree_harness h{forgetful};
    random_source random{11};
    std::vector<std::string> keys;
    for (int i = 0; i < 300; ++i) keys.push_back(std::string(700, 'p') + std::to_string(i));
    for (const std::string& k : keys) h.put(k, std::string(300, 'v'));
    h.checkpoint();
    CHECK(h.levels() >= 3);
    std::shuffle(keys.begin(), keys.end(), random);
    for (const std::string& k : keys) {
      h.erase(k);
      h.check();
    }
    CHECK(h.tree().pages() == 0);
    h.checkpoint();
    CHECK(h.pages().pages() == 0);
  }
}
