// Page tree against a medium that lies: pages that are not what the reference says are refused, and change nothing.
#include <doctest/doctest.h>

#include <functional>

#include "unit/engine/core/tree_harness.hpp"

using namespace furrow;
using namespace furrow::core;

namespace {

using page = page_store::page;

struct cell {
  std::string key;
  std::string value;
};

format::page_ref somewhere(std::uint64_t block) {
  format::page_ref ref;
  ref.copies[0] = zoned::device_address{0, block};
  ref.generation = block;
  return ref;
}

std::string encoded(const format::page_ref& ref) {
  std::array<std::byte, format::page_ref::encoded_bytes> bytes;
  ref.encode(bytes.data());
  return as_string(bytes);
}

/// A sealed page of these cells and the reference that leads to it.
struct forged_page {
  page bytes;
  format::page_ref ref;
  format::page_identity identity;

  forged_page(std::uint8_t level, const std::vector<cell>& cells) {
    format::page_editor editor{bytes};
    editor.init();
    for (const cell& c : cells) REQUIRE(editor.put(c.key, as_value(c.value)));
    identity = {format::page_kind::object, level, tree_harness::store_id, 7, 1, 1};
    ref = somewhere(99);
    seal();
  }
  void seal() {
    ref.generation = identity.generation;
    ref.checksum = format::seal_page(bytes, identity);
  }
};

bool root_accepted(const forged_page& p, std::uint8_t level, std::uint64_t pages) {
  page_tree tree{format::page_kind::object, tree_harness::store_id};
  REQUIRE(tree.open({p.ref, level, pages}));
  const auto missing = tree.missing_index();
  REQUIRE(missing.size() == 1);
  REQUIRE(missing[0].ref == p.ref);
  REQUIRE(missing[0].level == level);
  const std::size_t bytes = tree.resident_bytes();
  const bool accepted = tree.supply(missing[0], p.bytes);
  if (!accepted) {
    CHECK(tree.missing_index().size() == 1);
    CHECK(tree.resident_bytes() == bytes);
    CHECK(tree.resident_leaves() == 0);
  }
  return accepted;
}

const std::vector<cell> two_children = {{"", encoded(somewhere(1))}, {"m", encoded(somewhere(2))}};

}  // namespace

TEST_CASE("load: a root is refused when no tree has it") {
  const auto opens = [](const format::tree_root& root) {
    return page_tree{format::page_kind::object, tree_harness::store_id}.open(root);
  };
  CHECK(opens({}));
  CHECK(opens({somewhere(1), 0, 1}));
  CHECK(opens({somewhere(1), tree_level_max, 1000}));
  CHECK(!opens({somewhere(1), tree_level_max + 1, 1000}));
  CHECK(!opens({somewhere(1), 0, 0}));
  CHECK(!opens({somewhere(1), 0, 2}));
  CHECK(!opens({somewhere(1), 3, 3}));
  CHECK(!opens({{}, 1, 0}));
  CHECK(!opens({{}, 0, 1}));
}

TEST_CASE("load: a sound page is accepted, and every single flipped bit is not") {
  const forged_page leaf{0, {{"a", "1"}, {"b", "2"}}};
  CHECK(root_accepted(leaf, 0, 1));
  const forged_page index{1, two_children};
  CHECK(root_accepted(index, 1, 3));
  for (const forged_page* sound : {&leaf, &index}) {
    page_tree tree{format::page_kind::object, tree_harness::store_id};
    REQUIRE(tree.open({sound->ref, sound->identity.level, sound->identity.level == 0 ? 1u : 3u}));
    const page_need need = tree.missing_index().at(0);
    page bytes = sound->bytes;
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
      REQUIRE(!tree.supply(need, bytes));
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    }
    REQUIRE(!tree.supply(need, std::span{bytes}.first(100)));
    REQUIRE(tree.supply(need, bytes));
  }
}

TEST_CASE("load: a page of another identity is refused") {
  const auto refused = [](const std::function<void(forged_page&)>& change) {
    forged_page p{0, {{"a", "1"}}};
    change(p);
    return !root_accepted(p, 0, 1);
  };
  CHECK(!refused([](forged_page&) {}));
  CHECK(refused([](forged_page& p) { p.identity.kind = format::page_kind::zone, p.seal(); }));
  CHECK(refused([](forged_page& p) { p.identity.level = 1, p.seal(); }));
  CHECK(refused([](forged_page& p) { p.identity.store.fill(std::byte{1}), p.seal(); }));
  CHECK(refused([](forged_page& p) { p.ref.generation = 8; }));
  // An older page of the same generation, sealed and sound: only the reference's checksum tells.
  CHECK(refused([](forged_page& p) {
    const format::checksum_field expected = p.ref.checksum;
    p.identity.sequence = 9, p.seal();
    p.ref.checksum = expected;
  }));
}

TEST_CASE("load: an index page that is sealed but no index page is refused") {
  const auto accepted = [](const std::vector<cell>& cells, std::uint64_t pages = 3) {
    return root_accepted(forged_page{1, cells}, 1, pages);
  };
  CHECK(accepted(two_children));
  CHECK(!accepted({}));
  CHECK(!accepted({{"a", encoded(somewhere(1))}, {"m", encoded(somewhere(2))}}));           // no child for the least
  CHECK(!accepted({{"", encoded(somewhere(1))}, {"m", encoded(somewhere(2)) + '\0'}}));     // too long
  CHECK(!accepted({{"", encoded(somewhere(1))}, {"m", encoded(somewhere(2)).substr(1)}}));  // too short
  CHECK(!accepted({{"", encoded(somewhere(1))}, {"m", encoded({})}}));                      // names nothing
  CHECK(!accepted({{"", encoded(somewhere(1))}, {"m", std::string(48, '\x77')}}));          // no such checksum kind
}

TEST_CASE("load: the root's count of pages bounds the tree") {
  CHECK(!root_accepted(forged_page{1, two_children}, 1, 2));
  CHECK(!root_accepted(forged_page{1, two_children}, 1, 4));
  // Two levels of index: the count is known to be wrong with the last page only.
  const forged_page below_left{1, two_children};
  forged_page below_right{1, {{"", encoded(somewhere(3))}, {"t", encoded(somewhere(4))}}};
  below_right.ref.copies[0] = zoned::device_address{0, 98};
  const forged_page top{2, {{"", encoded(below_left.ref)}, {"q", encoded(below_right.ref)}}};
  for (std::uint64_t pages = 3; pages < 12; ++pages) {
    CAPTURE(pages);
    page_tree tree{format::page_kind::object, tree_harness::store_id};
    REQUIRE(tree.open({top.ref, 2, pages}));
    REQUIRE(tree.supply(tree.missing_index().at(0), top.bytes));
    const auto missing = tree.missing_index();
    REQUIRE(missing.size() == 2);
    const bool left = tree.supply(missing[0], below_left.bytes);
    CHECK(left == (pages >= 5));
    const bool right = tree.supply(missing[1], below_right.bytes);
    CHECK((left && right) == (pages == 7));
    CHECK(tree.missing_index().empty() == (pages == 7));
  }
}

TEST_CASE("load: keys outside the range that the parent gives are refused") {
  const auto accepted = [](std::uint8_t level, std::size_t child, const std::vector<cell>& cells) {
    forged_page below{level, cells};
    std::array<format::page_ref, 3> refs = {somewhere(1), somewhere(2), somewhere(3)};
    refs.at(child) = below.ref;
    const auto top_level = static_cast<std::uint8_t>(level + 1);
    const forged_page top{top_level, {{"", encoded(refs[0])}, {"h", encoded(refs[1])}, {"p", encoded(refs[2])}}};
    page_tree tree{format::page_kind::object, tree_harness::store_id};
    REQUIRE(tree.open({top.ref, top_level, level == 0 ? 4u : 100u}));
    REQUIRE(tree.supply(tree.missing_index().at(0), top.bytes));
    const page_need need{format::page_kind::object, below.ref, level, std::array{"", "h", "p"}.at(child)};
    return tree.supply(need, below.bytes);
  };
  CHECK(accepted(0, 0, {{"", "v"}, {"g\xff", "v"}}));
  CHECK(!accepted(0, 0, {{"a", "v"}, {"h", "v"}}));
  CHECK(accepted(0, 1, {{"h", "v"}, {"o\xff", "v"}}));
  CHECK(!accepted(0, 1, {{"g\xff", "v"}, {"i", "v"}}));
  CHECK(!accepted(0, 1, {{"i", "v"}, {"p", "v"}}));
  CHECK(accepted(0, 2, {{"p", "v"}, {"\xff", "v"}}));
  CHECK(!accepted(0, 2, {{"o", "v"}}));
  CHECK(!accepted(0, 1, {}));
  const std::string child = encoded(somewhere(5));
  const std::string other = encoded(somewhere(6));
  CHECK(accepted(1, 1, {{"", child}, {"i", other}}));
  CHECK(!accepted(1, 1, {{"", child}, {"h", other}}));  // the first child would have no keys
  CHECK(!accepted(1, 1, {{"", child}, {"p", other}}));
  CHECK(!accepted(1, 0, {{"", child}, {"h", other}}));
  CHECK(!accepted(1, 2, {{"", child}, {"b", other}}));
}

TEST_CASE("load: pages that nobody needs any more are dropped") {
  tree_harness h;
  for (std::uint64_t i = 0; i < 1000; ++i) h.put(format::extent_key(1, i), std::string(20, 'v'));
  h.checkpoint();
  page_tree& tree = h.tree();
  const page garbage{};
  std::vector<page_need> named;
  tree.for_each_ref([&](const page_need& n) { named.push_back(n); });
  REQUIRE(named.size() == tree.pages());
  for (const page_need& n : named) CHECK(tree.supply(n, garbage));  // all are resident
  h.evict(0);
  for (const page_need& n : named) CHECK(tree.supply(n, garbage) == (n.level > 0));
  h.erase_range("", "");
  for (const page_need& n : named) CHECK(tree.supply(n, garbage));
  page_need high = named[0];
  high.level = tree_level_max;
  CHECK(tree.supply(high, garbage));
  CHECK(tree.pages() == 0);
  CHECK(tree_inspector{tree}.fault() == "");
}
