#include "unit/engine/core/tree_inspector.hpp"

namespace furrow::core {

std::string tree_inspector::leaf_fault(const leaf_node& leaf, format::key_view low, format::key_view high) {
  const format::page_view view = leaf.view();
  if (view.count() == 0) return "an empty leaf";
  if (view.key(0) < low) return "a key below its leaf's range";
  if (!high.empty() && view.key(view.count() - 1) >= high) return "a key above its leaf's range";
  for (std::size_t i = 1; i < view.count(); ++i) {
    if (view.key(i - 1) >= view.key(i)) return "keys of a leaf do not ascend";
  }
  return {};
}

std::string tree_inspector::index_fault(const index_node& node, format::key_view low, format::key_view high) {
  if (node.entries.empty()) return "an empty index node";
  if (!node.entries[0].separator.empty()) return "the first separator is not empty";
  std::size_t bytes = format::page_header_bytes;
  format::key_view previous = low;
  for (std::size_t i = 0; i < node.entries.size(); ++i) {
    const format::key& k = node.entries[i].separator;
    bytes += entry_bytes(k);
    if (i == 0) continue;
    if (k <= previous) return "separators do not ascend";
    if (!high.empty() && k >= high) return "a separator above its node's range";
    if (k.compare(0, node.prefix_bytes, node.entries[1].separator, 0, node.prefix_bytes) != 0) return "no such prefix";
    if (node.route(k) != i) return "a separator does not route to its child";
    if (node.route(k.substr(0, k.size() - 1)) != i - 1 && k.substr(0, k.size() - 1) < k &&
        k.substr(0, k.size() - 1) >= node.entries[i - 1].separator) {
      return "a key below a separator does not route to the child before";
    }
    previous = k;
  }
  if (node.heads.size() != node.entries.size()) return "heads are stale";
  if (bytes != node.page_bytes_used || bytes > format::page_bytes) return "an index node's bytes are miscounted";
  return {};
}

std::string tree_inspector::walk(const tree_slot& slot, std::uint8_t level, format::key_view low, format::key_view high,
                                 bool parent_clean, tally& sum) {
  ++sum.pages;
  if (!slot.child) {
    if (level > 0) return "an index node is not resident";
    return slot.ref.empty() ? "a slot of nothing" : "";
  }
  const tree_node& node = *slot.child;
  if (node.level != level) return "a node at another level";
  if (sum.live && node.replaced) return "a replaced node in the live tree";
  if (parent_clean && node.dirty()) return "a dirty child of a clean node";  // I5
  if (node.dirty()) ++sum.dirty;
  if (level == 0) {
    const auto& leaf = as_leaf(node);
    ++sum.leaves;
    if (leaf.is_linked()) ++sum.listed;
    if (sum.live && leaf.is_linked() == node.dirty()) return "a leaf is listed iff it is clean";
    return leaf_fault(leaf, low, high);
  }
  const auto& index = as_index(node);
  if (std::string f = index_fault(index, low, high); !f.empty()) return f;
  for (std::size_t i = 0; i < index.entries.size(); ++i) {
    const tree_entry& e = index.entries[i];
    const format::key_view child_low = i == 0 ? low : format::key_view{e.separator};
    const format::key_view child_high =
        i + 1 == index.entries.size() ? high : format::key_view{index.entries[i + 1].separator};
    // A frozen node lets go of clean children of any level.
    if (!sum.live && !e.child && !e.ref.empty()) {
      continue;
    }
    std::string f = walk(e, static_cast<std::uint8_t>(level - 1), child_low, child_high, !node.dirty(), sum);
    if (!f.empty()) return f;
  }
  return {};
}

std::string tree_inspector::finger_fault() const {
  const auto& finger = tree_.finger_;
  if (finger.leaf == nullptr) return {};
  format::key_view low, high;
  const tree_slot* slot = &tree_.root_;
  for (unsigned level = tree_.root_level_; level > 0; --level) {
    const auto& step = finger.path.steps[level];
    if (slot->child.get() != step.node) return "the finger's way is not the tree's";
    const auto& entries = step.node->entries;
    if (step.at >= entries.size()) return "the finger's way leads nowhere";
    if (step.at > 0) low = entries[step.at].separator;
    if (step.at + 1 < entries.size()) high = entries[step.at + 1].separator;
    slot = &entries[step.at];
  }
  if (slot->child.get() != finger.leaf) return "the finger's leaf is not the tree's";
  return low == finger.low && high == finger.high ? "" : "the finger has another range than its leaf";
}

std::string tree_inspector::fault() const {
  tally sum;
  if (!tree_.root_.empty()) {
    if (!tree_.root_.child) return "the root is not resident";
    if (std::string f = walk(tree_.root_, tree_.root_level_, {}, {}, false, sum); !f.empty()) return f;
  }
  if (std::string f = finger_fault(); !f.empty()) return f;
  if (sum.pages != tree_.pages_) return "pages are miscounted";
  if (sum.dirty != tree_.dirty_nodes_) return "dirty nodes are miscounted";
  if (sum.leaves != tree_.resident_leaves_) return "resident leaves are miscounted";
  if (sum.listed != tree_.clean_leaves_.size()) return "a leaf that is gone is listed";
  const auto live = named_by_live();
  std::set<std::uint64_t> dead;
  for (const format::page_ref& r : tree_.dying_) {
    if (live.contains(r.generation)) return "a dying page is named by the live tree";  // I3
    if (!dead.insert(r.generation).second) return "a page dies twice";
  }
  return {};
}

std::string tree_inspector::fault_of(const tree_snapshot& snapshot) const {
  if (!snapshot.root) return {};
  tally sum;
  sum.live = false;
  return walk({snapshot.root, {}}, snapshot.level, {}, {}, false, sum);
}

std::set<std::uint64_t> tree_inspector::named_by(const tree_slot& root, std::uint8_t level) {
  std::set<std::uint64_t> named;
  if (root.empty()) return named;
  if (!root.where().empty()) named.insert(root.where().generation);
  if (!root.child || level == 0) return named;
  for (const tree_entry& e : as_index(*root.child).entries) {
    named.merge(named_by(e, static_cast<std::uint8_t>(level - 1)));
  }
  return named;
}

}  // namespace furrow::core
