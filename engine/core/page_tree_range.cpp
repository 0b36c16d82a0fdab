// Page tree: erasing a range of keys. Whole children inside the range go unseen; only the leaves at its two ends are
// opened. See page_tree.hpp.
//
// While going down, an empty `from` or `to` says that the range covers the node to that end.
#include "core/page_tree.hpp"

namespace furrow::core {
namespace {

/// Cells [first, last) of the leaf are in the range.
struct cell_range {
  std::size_t first;
  std::size_t last;
};

cell_range cells_of(const format::page_view& page, format::key_view from, format::key_view to) {
  return {page.lower_bound(from), to.empty() ? page.count() : page.lower_bound(to)};
}

}  // namespace

/// The leaf that this end of a range cuts, if it cuts one.
maybe_need page_tree::prepare_edge(format::key_view key) {
  if (root_.empty() || key.empty()) return {};
  const tree_slot* slot = &root_;
  for (std::uint8_t level = root_level_;; --level) {
    if (!slot->child) return need_of(*slot, level, key);
    if (level == 0) break;
    const index_node& node = as_index(*slot->child);
    const tree_entry& e = node.entries[node.route(key)];
    if (e.separator == key) return {};
    slot = &e;
  }
  touch(as_leaf(*slot->child));
  return {};
}

maybe_need page_tree::prepare_range(format::key_view from, format::key_view to) {
  if (!to.empty() && from >= to) return {};
  if (auto need = prepare_edge(from)) return need;
  return prepare_edge(to);
}

page_tree::range_cut page_tree::cut_of(const index_node& node, format::key_view from, format::key_view to) {
  range_cut cut{0, node.entries.size() - 1, false, false};
  if (!from.empty()) {
    cut.first = node.route(from);
    cut.first_in_part = node.entries[cut.first].separator != from;
  }
  if (!to.empty()) {
    cut.last = node.route(to);
    cut.last_in_part = cut.last == 0 || node.entries[cut.last].separator != to;
    if (!cut.last_in_part) --cut.last;
  }
  FURROW_ASSERT(cut.first <= cut.last);
  return cut;
}

/// Whether the range has any key below the slot. The leaves at its ends are resident.
bool page_tree::meets(const tree_slot& slot, format::key_view from, format::key_view to) {
  if (from.empty() && to.empty()) return true;  // I6
  FURROW_ASSERT(slot.child);
  if (slot.child->level == 0) {
    const cell_range cells = cells_of(as_leaf(*slot.child).view(), from, to);
    return cells.first < cells.last;
  }
  const index_node& node = as_index(*slot.child);
  const range_cut cut = cut_of(node, from, to);
  const std::size_t in_part = (cut.first_in_part ? 1u : 0u) + (cut.last_in_part ? 1u : 0u);
  if (cut.first == cut.last && in_part > 0) {
    return meets(node.entries[cut.first], cut.first_in_part ? from : "", cut.last_in_part ? to : "");
  }
  if (cut.last - cut.first + 1 > in_part) return true;
  return (cut.first_in_part && meets(node.entries[cut.first], from, {})) ||
         (cut.last_in_part && meets(node.entries[cut.last], {}, to));
}

void page_tree::erase_range(format::key_view from, format::key_view to) {
  FURROW_ASSERT(loaded());
  if (root_.empty() || (!to.empty() && from >= to)) return;
  let_go();
  if (from.empty() && to.empty()) {
    retire_below(root_, root_level_);
    root_ = {};
    root_level_ = 0;
    return;
  }
  erase_within(root_, from, to);
  settle_root();
}

/// Erases below a slot that the range meets in part.
void page_tree::erase_within(tree_slot& slot, format::key_view from, format::key_view to) {
  if (!meets(slot, from, to)) return;
  tree_node& node = own(slot);
  if (node.level > 0) {
    erase_children(as_index(node), from, to);
    return;
  }
  format::page_editor page = as_leaf(node).editor();
  const cell_range cells = cells_of(page, from, to);
  for (std::size_t i = cells.last; i > cells.first; --i) page.erase(i - 1);
}

void page_tree::erase_children(index_node& node, format::key_view from, format::key_view to) {
  const range_cut cut = cut_of(node, from, to);
  if (cut.first == cut.last && (cut.first_in_part || cut.last_in_part)) {
    erase_within(node.entries[cut.first], cut.first_in_part ? from : "", cut.last_in_part ? to : "");
    settle(node, cut.first);
    return;
  }
  if (cut.first_in_part) erase_within(node.entries[cut.first], from, {});
  if (cut.last_in_part) erase_within(node.entries[cut.last], {}, to);
  const std::size_t gone_first = cut.first + (cut.first_in_part ? 1 : 0);
  const std::size_t gone_last = cut.last + (cut.last_in_part ? 0 : 1);
  for (std::size_t i = gone_first; i < gone_last; ++i) {
    retire_below(node.entries[i], static_cast<std::uint8_t>(node.level - 1));
  }
  if (gone_first < gone_last) node.remove(gone_first, gone_last);
  if (cut.last_in_part) settle(node, gone_first);
  if (cut.first_in_part) settle(node, cut.first);
}

}  // namespace furrow::core
