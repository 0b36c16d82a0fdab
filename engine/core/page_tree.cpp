// Page tree: lookups, and the life of nodes. See page_tree.hpp.
#include "core/page_tree.hpp"

#include <utility>

namespace furrow::core {
namespace {

/// a < b, of keys of numbers without a call: they have two words at most.
bool is_less(format::key_view a, format::key_view b) {
  constexpr std::size_t word_bytes = sizeof(std::uint64_t);
  const std::size_t common = std::min(a.size(), b.size());
  if (common < word_bytes) return a < b;
  const std::uint64_t first_a = head_of(a, 0), first_b = head_of(b, 0);
  if (first_a != first_b) return first_a < first_b;
  if (common > 2 * word_bytes) return a < b;
  const std::uint64_t last_a = head_of(a, common - word_bytes), last_b = head_of(b, common - word_bytes);
  return last_a != last_b ? last_a < last_b : a.size() < b.size();
}

/// A leaf is seldom in the processor's cache: its node, its page's header and most of its slots are asked for at once,
/// not each when the one before has come.
void prefetch(const tree_node& leaf) {
  constexpr std::size_t line_bytes = 64;
  constexpr std::size_t lines = 7;
  const auto* at = reinterpret_cast<const std::byte*>(&leaf);
  for (std::size_t line = 0; line < lines; ++line) __builtin_prefetch(at + line * line_bytes);
}

}  // namespace

page_tree::page_tree(format::page_kind kind, const format::uuid& store)
    : kind_{kind}, store_{store}, account_{new tree_account} {}

page_tree::~page_tree() { clean_leaves_.clear(); }

page_need page_tree::need_of(const tree_slot& slot, std::uint8_t level, format::key_view within) const {
  FURROW_ASSERT(!slot.child && !slot.ref.empty());
  return {kind_, slot.ref, level, format::key{within}};
}

void page_tree::touch(leaf_node& leaf) {
  if (leaf.used == now_) return;
  leaf.used = now_;
  if (!leaf.is_linked()) return;
  clean_leaves_.erase(clean_leaves_.iterator_to(leaf));
  clean_leaves_.push_front(leaf);
}

void page_tree::point_at(leaf_node& leaf, const tree_path& path) {
  finger_.leaf = &leaf;
  finger_.low = finger_.high = {};
  for (unsigned level = 1; level <= root_level_; ++level) {
    const tree_path::step& step = path.steps[level];
    finger_.path.steps[level] = step;
    if (finger_.low.empty() && step.at > 0) finger_.low = step.node->entries[step.at].separator;
    if (finger_.high.empty() && step.at + 1 < step.node->entries.size())
      finger_.high = step.node->entries[step.at + 1].separator;
  }
}

bool page_tree::finger::holds(format::key_view key) const {
  return leaf != nullptr && !is_less(key, low) && (high.empty() || is_less(key, high));
}

leaf_node* page_tree::descend(format::key_view key, tree_path& path, maybe_need* missing) {
  if (finger_.holds(key)) {
    for (unsigned level = 1; level <= root_level_; ++level) path.steps[level] = finger_.path.steps[level];
    touch(*finger_.leaf);
    return finger_.leaf;
  }
  tree_slot* slot = &root_;
  for (std::uint8_t level = root_level_;; --level) {
    if (!slot->child) {
      if (missing != nullptr) *missing = need_of(*slot, level, key);
      return nullptr;
    }
    if (level == 0) break;
    index_node& node = as_index(*slot->child);
    const std::size_t at = node.route(key);
    path.steps[level] = {&node, at};
    slot = &node.entries[at];
    if (level == 1 && slot->child) prefetch(*slot->child);
  }
  leaf_node& leaf = as_leaf(*slot->child);
  touch(leaf);
  point_at(leaf, path);
  return &leaf;
}

tree_lookup page_tree::find(format::key_view key) {
  if (root_.empty()) return tree_lookup::absent();
  tree_path path;
  maybe_need missing;
  const leaf_node* leaf = descend(key, path, &missing);
  if (leaf == nullptr) return tree_lookup::need(std::move(*missing));
  const format::page_view view = leaf->view();
  const std::size_t at = view.lower_bound(key);
  if (at == view.count() || view.key(at) != key) return tree_lookup::absent();
  return tree_lookup::found(cell_of(*leaf, at));
}

tree_lookup page_tree::find_from(format::key_view key) {
  if (root_.empty()) return tree_lookup::absent();
  tree_path path;
  maybe_need missing;
  const leaf_node* leaf = descend(key, path, &missing);
  if (leaf == nullptr) return tree_lookup::need(std::move(*missing));
  const std::size_t at = leaf->view().lower_bound(key);
  if (at == leaf->view().count()) return next_leaf(path);
  return tree_lookup::found(cell_of(*leaf, at));
}

page_tree::leaf_place page_tree::leaf_of(format::key_view key) {
  leaf_place to;
  if (root_.empty()) return to;
  tree_path path;
  to.leaf = descend(key, path, &to.missing);
  if (to.leaf == nullptr) return to;
  to.at = to.leaf->view().lower_bound(key);
  to.end = to.leaf->view().count();
  if (to.at < to.end) return to;
  to = {};
  const tree_entry* const next = next_entry(path);
  if (next == nullptr) return to;
  to.leaf = descend(next->separator, path, &to.missing);
  if (to.leaf != nullptr) to.end = to.leaf->view().count();
  return to;
}

tree_lookup page_tree::find_to(format::key_view key) {
  if (root_.empty()) return tree_lookup::absent();
  tree_path path;
  maybe_need missing;
  const leaf_node* leaf = descend(key, path, &missing);
  if (leaf == nullptr) return tree_lookup::need(std::move(*missing));
  const format::page_view view = leaf->view();
  const std::size_t at = view.lower_bound(key);
  if (at < view.count() && view.key(at) == key) return tree_lookup::found(cell_of(*leaf, at));
  if (at == 0) return previous_leaf(path);
  return tree_lookup::found(cell_of(*leaf, at - 1));
}

std::optional<page_tree::neighbours> page_tree::at_hand(format::key_view key) {
  if (root_.empty()) return {};
  tree_path path;
  maybe_need missing;
  const leaf_node* leaf = descend(key, path, &missing);
  if (leaf == nullptr) return {};
  const format::page_view view = leaf->view();
  const std::size_t at = view.lower_bound(key);
  if (at == 0 || at == view.count() || view.key(at) != key) return {};
  return neighbours{cell_of(*leaf, at - 1), cell_of(*leaf, at)};
}

page_tree::spot page_tree::find_spot(format::key_view key, const spot& near, const leaf_hint& hint) {
  spot to;
  if (root_.empty()) return to;
  leaf_node* leaf = hint.leaf;
  if (is_valid(hint)) {
    touch(*leaf);
  } else {
    tree_path path;
    leaf = descend(key, path, &to.missing);
  }
  if (leaf == nullptr) return to;
  const format::page_view view = leaf->view();
  to.at = near.leaf == leaf ? view.lower_bound_near(key, near.at) : view.lower_bound(key);
  if (to.at < view.count() && view.key(to.at) == key) to.leaf = leaf;
  to.shape = shape_;
  return to;
}

void page_tree::overwrite(const spot& of, format::value_view value) {
  FURROW_ASSERT(loaded() && of.leaf != nullptr && of.shape == shape_);
  if (of.leaf->dirty() && !of.leaf->shared() && !frozen_)  // I2, I5: so is all above it
    return of.leaf->editor().overwrite(of.at, value);
  tree_path path;
  const leaf_node* const leaf = descend(of.cell().key, path, nullptr);
  FURROW_ASSERT(leaf == of.leaf);
  own_path(path).editor().overwrite(of.at, value);
}

page_tree::leaf_hint page_tree::fetch_leaf(format::key_view key, const leaf_hint& before) const {
  if (is_valid(before) && (before.end.empty() || is_less(key, before.end))) return before;
  tree_node* node = root_.child.get();
  leaf_hint to;
  for (unsigned level = root_level_; level > 0 && node != nullptr; --level) {
    const index_node& index = as_index(*node);
    const std::size_t at = index.route(key);
    if (at + 1 < index.entries.size()) to.end = index.entries[at + 1].separator;
    node = index.entries[at].child.get();
  }
  if (node == nullptr) return {};
  prefetch(*node);
  to.leaf = static_cast<leaf_node*>(node);  // which is not looked at yet
  to.shape = shape_;
  return to;
}

void page_tree::fetch_cells(const leaf_hint& of) const {
  if (is_valid(of)) of.leaf->view().fetch_steps();
}

std::optional<tree_cell> page_tree::at_hand_to(format::key_view key) {
  tree_node* node = root_.child.get();
  for (unsigned level = root_level_; level > 0 && node != nullptr; --level) {
    const index_node& index = as_index(*node);
    node = index.entries[index.route(key)].child.get();
    if (level == 1 && node != nullptr) prefetch(*node);
  }
  if (node == nullptr) return {};
  leaf_node& leaf = as_leaf(*node);
  touch(leaf);
  const format::page_view view = leaf.view();
  const std::size_t at = view.lower_bound(key);
  if (at < view.count() && view.key(at) == key) return cell_of(leaf, at);
  return at == 0 ? std::nullopt : std::optional{cell_of(leaf, at - 1)};
}

tree_entry* page_tree::next_entry(const tree_path& path) const {
  for (unsigned turn = 1; turn <= root_level_; ++turn) {
    const tree_path::step& step = path.steps[turn];
    if (step.at + 1 < step.node->entries.size()) return &step.node->entries[step.at + 1];
  }
  return nullptr;
}

tree_lookup page_tree::next_leaf(const tree_path& path) {
  const tree_entry* const next = next_entry(path);
  if (next == nullptr) return tree_lookup::absent();
  tree_path down;
  maybe_need missing;
  leaf_node* leaf = descend(next->separator, down, &missing);
  if (leaf == nullptr) return tree_lookup::need(std::move(*missing));
  if (leaf->view().count() == 0) return next_leaf(down);  // while held
  return tree_lookup::found(cell_of(*leaf, 0));
}

tree_lookup page_tree::previous_leaf(const tree_path& path) {
  unsigned turn = 1;
  while (turn <= root_level_ && path.steps[turn].at == 0) ++turn;
  if (turn > root_level_) return tree_lookup::absent();
  format::key_view low;  // of what is below: a separator that is empty stands for the one above it
  for (unsigned level = root_level_; level > turn; --level) {
    const format::key& separator = path.steps[level].node->entries[path.steps[level].at].separator;
    if (!separator.empty()) low = separator;
  }
  tree_slot* slot = &path.steps[turn].node->entries[path.steps[turn].at - 1];
  for (unsigned level = turn;;) {
    const format::key& separator = static_cast<tree_entry*>(slot)->separator;
    if (!separator.empty()) low = separator;
    --level;
    if (!slot->child) return tree_lookup::need(need_of(*slot, static_cast<std::uint8_t>(level), low));
    if (level == 0) break;
    slot = &as_index(*slot->child).entries.back();
  }
  leaf_node& leaf = as_leaf(*slot->child);
  touch(leaf);
  if (leaf.view().count() == 0) return low.empty() ? tree_lookup::absent() : find_to(low);  // while held
  return tree_lookup::found(cell_of(leaf, leaf.view().count() - 1));
}

node_ptr page_tree::make_leaf() {
  auto* leaf = new leaf_node{account_.get()};
  leaf->used = now_;
  leaf->editor().init();
  ++pages_;
  ++dirty_nodes_;
  ++resident_leaves_;
  return node_ptr{leaf};
}

node_ptr page_tree::make_index(std::uint8_t level) {
  ++pages_;
  ++dirty_nodes_;
  return node_ptr{new index_node{level, account_.get()}};
}

tree_node& page_tree::own(tree_slot& slot) {
  tree_node& node = *slot.child;
  FURROW_ASSERT(!node.replaced);
  if (node.shared()) {
    let_go();
    if (dying_.size() == dying_.capacity())
      dying_.reserve(2 * dying_.size() + 16);  // once it is taken over, all goes well
    const node_ptr old =
        std::exchange(slot.child, node.level == 0 ? as_leaf(node).clone() : as_index(node).take_over());
    retire(*old);
    ++pages_;
    ++dirty_nodes_;
    if (old->level == 0) ++resident_leaves_;
  } else if (!node.dirty()) {
    dying_.push_back(std::exchange(node.ref, {}));
    ++dirty_nodes_;
    if (node.level == 0) clean_leaves_.erase(clean_leaves_.iterator_to(as_leaf(node)));
  }
  return *slot.child;
}

leaf_node& page_tree::own_path(tree_path& path) {
  tree_slot* slot = &root_;
  for (unsigned level = root_level_; level > 0; --level) {
    index_node& node = as_index(own(*slot));
    path.steps[level].node = &node;
    slot = &node.entries[path.steps[level].at];
  }
  return as_leaf(own(*slot));
}

void page_tree::retire(tree_node& node) {
  FURROW_ASSERT(!node.replaced);
  let_go();
  node.replaced = true;
  --pages_;
  if (node.dirty()) {
    --dirty_nodes_;
  } else {
    dying_.push_back(node.ref);
  }
  if (node.level > 0) return;
  --resident_leaves_;
  leaf_node& leaf = as_leaf(node);
  if (leaf.is_linked()) clean_leaves_.erase(clean_leaves_.iterator_to(leaf));
}

void page_tree::retire_below(tree_slot& slot, std::uint8_t level) {
  let_go();
  if (!slot.child) {
    FURROW_ASSERT(level == 0);  // index nodes are resident
    FURROW_ASSERT(!slot.ref.empty());
    dying_.push_back(slot.ref);
    --pages_;
    return;
  }
  if (level > 0) {
    for (tree_entry& e : as_index(*slot.child).entries) retire_below(e, static_cast<std::uint8_t>(level - 1));
  }
  retire(*slot.child);
}

}  // namespace furrow::core
