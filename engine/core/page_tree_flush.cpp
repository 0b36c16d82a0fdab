// Page tree: snapshots and how their pages get places. See page_tree.hpp.
#include <cstring>
#include <utility>

#include "core/page_tree.hpp"

namespace furrow::core {
namespace {

void collect(const node_ptr& node, std::uint8_t level, std::vector<node_ptr>& to) {
  if (!node || !node->dirty() || node->level < level) return;  // I5: below a clean node all is clean
  if (node->level == level) {
    to.push_back(node);
    return;
  }
  for (const tree_entry& e : as_index(*node).entries) collect(e.child, level, to);
}

}  // namespace

tree_snapshot page_tree::freeze() {
  FURROW_ASSERT(!frozen_);
  FURROW_ASSERT(loaded());
  frozen_ = true;
  return {root_.child, root_level_, pages_};
}

std::vector<node_ptr> page_tree::collect_dirty(const tree_snapshot& snapshot, std::uint8_t level) {
  std::vector<node_ptr> nodes;
  collect(snapshot.root, level, nodes);
  return nodes;
}

format::page_ref page_tree::seal(tree_node& node, std::span<std::byte> to, std::uint64_t generation,
                                 std::uint64_t epoch, std::uint64_t sequence) const {
  FURROW_ASSERT(to.size() == format::page_bytes);
  FURROW_ASSERT(node.dirty());
  if (node.level == 0) {
    std::memcpy(to.data(), as_leaf(node).page.data(), to.size());
  } else {
    as_index(node).encode(to.first<format::page_bytes>());  // I2
  }
  format::page_ref ref;
  ref.generation = generation;
  ref.checksum = format::seal_page(to, {kind_, node.level, store_, generation, epoch, sequence});
  return ref;
}

void page_tree::placed(tree_node& node, const format::page_ref& ref) {
  FURROW_ASSERT(node.dirty());
  FURROW_ASSERT(!ref.empty());
  if (node.level > 0) {
    for (const tree_entry& e : as_index(node).entries) FURROW_ASSERT(!e.where().empty());  // I2
  }
  node.ref = ref;
  if (node.replaced) {
    dying_.push_back(ref);  // I3
    return;
  }
  --dirty_nodes_;
  if (node.level > 0) return;
  leaf_node& leaf = as_leaf(node);
  leaf.used = now_;
  clean_leaves_.push_front(leaf);
}

format::tree_root page_tree::root_of(const tree_snapshot& snapshot) {
  if (!snapshot.root) return {};
  FURROW_ASSERT(!snapshot.root->dirty());
  return {snapshot.root->ref, snapshot.level, snapshot.pages};
}

void page_tree::drop(tree_snapshot snapshot) {
  FURROW_ASSERT(frozen_);
  frozen_ = false;
  snapshot.root.reset();
}

std::vector<format::page_ref> page_tree::take_dying() { return std::exchange(dying_, {}); }

}  // namespace furrow::core
