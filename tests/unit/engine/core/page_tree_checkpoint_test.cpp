// Page tree under checkpoints: a snapshot stays as it was, each page dies once and in time, a root names a whole tree.
#include <doctest/doctest.h>

#include "unit/engine/core/tree_workload.hpp"

using namespace furrow;
using namespace furrow::core;

namespace {

/// The frozen tree, read through its nodes and, where these let go of clean children, through their pages.
void read_frozen(const tree_slot& slot, std::uint8_t level, const page_store& store, contents& to) {
  const auto take = [&](const format::page_view& view) {
    for (std::size_t i = 0; i < view.count(); ++i) to.emplace(view.key(i), as_string(view.value(i)));
  };
  if (slot.child && level > 0) {
    for (const tree_entry& e : as_index(*slot.child).entries) {
      read_frozen(e, static_cast<std::uint8_t>(level - 1), store, to);
    }
  } else if (slot.child) {
    take(as_leaf(*slot.child).view());
  } else if (level == 0) {
    take(format::page_view{store.read(slot.ref)});
  } else {
    const format::page_view view{store.read(slot.ref)};
    for (std::size_t i = 0; i < view.count(); ++i) {
      format::reader from{view.value(i)};
      read_frozen({nullptr, format::page_ref::decode(from)}, static_cast<std::uint8_t>(level - 1), store, to);
    }
  }
}

}  // namespace

TEST_CASE("checkpoint: pages placed less pages declared dead are what the durable root reaches, at every step") {
  unsigned levels = 0;
  std::size_t checkpoints = 0;
  std::size_t aborts = 0;
  for (std::uint64_t seed = 100; seed < 180; ++seed) {
    CAPTURE(seed);
    tree_harness h{seed % 2 == 0};
    tree_workload work{seed, h};
    random_source& random = work.random();
    for (int i = 0; i < 400; ++i) {
      CAPTURE(i);
      work.step();
      if (below(random, 6) == 0) h.evict(below(random, 8));
      if (!h.in_checkpoint()) {
        if (below(random, 12) == 0) h.begin_checkpoint();
      } else if (below(random, 60) == 0) {
        h.abort_checkpoint();
        ++aborts;
      } else if (below(random, 2) == 0 && !h.write_some(random, 1 + below(random, 8))) {
        h.finish_checkpoint();
        ++checkpoints;
        REQUIRE(h.durable_contents() == h.expected_durable());
      }
      h.check();
      levels = std::max(levels, h.levels());
      if (below(random, 150) == 0) {
        h.reopen();
        h.check();
      }
    }
    if (!h.in_checkpoint()) h.begin_checkpoint();
    while (h.write_some(random, 3)) {
    }
    h.finish_checkpoint();
    h.checkpoint();
    REQUIRE(h.durable_contents() == h.model());
    h.reopen();
    h.look_at_all();
    h.check();
  }
  CHECK(levels >= 5);
  CHECK(checkpoints > 500);
  CHECK(aborts > 50);
}

TEST_CASE("checkpoint: a snapshot equals the tree at the freeze while the live one changes and it is written") {
  for (std::uint64_t seed = 200; seed < 230; ++seed) {
    CAPTURE(seed);
    tree_harness h;
    tree_workload work{seed, h};
    random_source& random = work.random();
    for (int i = 0; i < 150; ++i) work.step();
    h.checkpoint();
    for (int i = 0; i < 50; ++i) work.step();

    const contents frozen = h.model();
    const auto dead_later = h.tree().take_dying();
    tree_snapshot snapshot = h.tree().freeze();
    std::uint64_t generation = 1'000'000;
    for (std::uint8_t level = 0; snapshot.root && level <= snapshot.level; ++level) {
      for (const node_ptr& node : page_tree::collect_dirty(snapshot, level)) {
        work.step();
        if (below(random, 3) == 0) h.evict(0);
        page_store::page bytes;
        format::page_ref ref = h.tree().seal(*node, bytes, ++generation, 1, 1);
        h.pages().write(ref, bytes);
        h.tree().placed(*node, ref);
        contents now;
        read_frozen({snapshot.root, {}}, snapshot.level, h.pages(), now);
        REQUIRE(now == frozen);
      }
    }
    page_tree reopened{tree_harness::kind, tree_harness::store_id};
    REQUIRE(reopened.open(page_tree::root_of(snapshot)));
    h.tree().drop(std::move(snapshot));
    tree_harness::load_index(reopened, h.pages());
    REQUIRE(tree_harness::read_all(reopened, h.pages()) == frozen);
    h.look_at_all();
  }
}

TEST_CASE("checkpoint: one change dirties one node a level, and the rest of the tree is shared") {
  tree_harness h;
  for (std::uint64_t i = 0; i < 20'000; ++i) h.put(format::extent_key(1, i), std::string(20, 'v'));
  h.checkpoint();
  REQUIRE(h.levels() == 3);
  const std::size_t before = h.tree().resident_bytes();
  h.put(format::extent_key(1, 10'000), std::string(20, 'w'));
  CHECK(h.tree().dirty_nodes() == 3);
  CHECK(h.tree().resident_bytes() == before);
  h.begin_checkpoint();
  h.put(format::extent_key(1, 10'000), std::string(20, 'x'));
  CHECK(h.tree().dirty_nodes() == 3);
  h.put(format::extent_key(1, 15'000), std::string(20, 'x'));
  CHECK(h.tree().dirty_nodes() == 5);
  h.check();
  random_source random{3};
  while (h.write_some(random, 1)) h.check();
  h.finish_checkpoint();
  CHECK(h.tree().dirty_nodes() == 5);
  CHECK(tree_inspector{h.tree()}.dying().size() == 5);
  h.checkpoint();
  CHECK(h.tree().dirty_nodes() == 0);
  h.check();
}

TEST_CASE("checkpoint: a frozen tree holds on to what it has yet to write, not to clean leaves") {
  tree_harness h;
  for (std::uint64_t i = 0; i < 20'000; ++i) h.put(format::extent_key(1, i), std::string(20, 'v'));
  h.checkpoint();
  const std::size_t leaves = h.tree().resident_leaves();
  h.put(format::extent_key(1, 10'000), std::string(20, 'w'));
  h.begin_checkpoint();
  const std::size_t before = h.tree().resident_bytes();
  h.put(format::extent_key(1, 10'000), std::string(20, 'x'));
  const std::size_t cloned = h.tree().resident_bytes() - before;
  h.put(format::extent_key(1, 10'100), std::string(20, 'x'));  // a clean neighbour is not cloned
  CHECK(h.tree().resident_bytes() - before == cloned);
  CHECK(h.tree().resident_leaves() == leaves);
  h.evict(0);
  CHECK(h.tree().resident_leaves() == 2);
  h.check();
  random_source random{3};
  while (h.write_some(random, 1)) h.check();
  h.finish_checkpoint();

  // A leaf that was just placed belongs to the snapshot, too, and stays until that is dropped.
  h.begin_checkpoint();
  h.put(format::extent_key(1, 10'200), std::string(20, 'y'));  // another leaf of their parent, which is cloned
  while (h.write_some(random, 100)) {
  }
  h.evict(0);
  CHECK(h.tree().resident_leaves() == 3);
  h.finish_checkpoint();
  h.evict(0);
  CHECK(h.tree().resident_leaves() == 1);
  h.look_at_all();
  h.check();
}

TEST_CASE("checkpoint: an aborted one leaves what it placed to the live tree or among the dying") {
  // At each number of nodes written, with and without changes meanwhile.
  for (const bool changes : {false, true}) {
    for (std::size_t written = 0;; ++written) {
      CAPTURE(written);
      tree_harness h;
      for (std::uint64_t i = 0; i < 40; ++i) h.put(std::string(600, 'k') + std::to_string(i), std::string(500, 'v'));
      h.checkpoint();
      for (std::uint64_t i = 0; i < 40; i += 4) h.put(std::string(600, 'k') + std::to_string(i), "1");
      random_source random{written};
      h.begin_checkpoint();
      bool more = true;
      for (std::size_t i = 0; i < written && more; ++i) {
        more = h.write_some(random, 1);
        if (changes) h.put(std::string(600, 'k') + std::to_string(i % 40), "2");
        h.check();
      }
      h.abort_checkpoint();
      h.check();
      h.put(std::string(600, 'k') + "9", "3");
      h.check();
      CHECK(h.durable_contents() == h.expected_durable());
      h.checkpoint();
      CHECK(h.durable_contents() == h.model());
      h.check();
      if (!more) break;
      REQUIRE(written < 200);
    }
  }
}

TEST_CASE("checkpoint: a rewritten page lies elsewhere after the next one, and nothing else changed") {
  tree_harness h{true};
  for (std::uint64_t i = 0; i < 4000; ++i) h.put(format::extent_key(1, i), std::string(20, 'v'));
  h.checkpoint();
  h.evict(0);
  const auto before = tree_inspector{h.tree()}.named_by_live();
  page_need page;
  h.tree().for_each_ref([&](const page_need& n) {
    if (n.level == 0) page = n;
  });
  const auto need = h.tree().rewrite(page);
  REQUIRE(need);
  CHECK(need->ref == page.ref);
  REQUIRE(h.tree().supply(*need, h.pages().read(need->ref)));
  REQUIRE(!h.tree().rewrite(page));
  CHECK(h.tree().dirty_nodes() == h.levels());
  CHECK(!h.tree().rewrite(page));  // it is not there any more
  CHECK(h.tree().dirty_nodes() == h.levels());
  h.checkpoint();
  const auto after = tree_inspector{h.tree()}.named_by_live();
  CHECK(after.size() == before.size());
  CHECK(!after.contains(page.ref.generation));
  h.look_at_all();
}
