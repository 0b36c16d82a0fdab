// Page tree: changes of single keys, and how nodes grow, split, shrink and merge. See page_tree.hpp.
//
// Where an overfull leaf is cut
//   the new cell is its last          -> before the new cell: what ascends leaves full leaves behind
//   it follows the last one inserted  -> behind the new cell: what ascends in the middle does so after one cut
//   else                              -> near the middle, where the separator is shortest
// The page itself tells what was inserted last: cells grow downwards, the latest lies lowest.
#include <algorithm>
#include <utility>

#include "core/page_tree.hpp"

namespace furrow::core {
namespace {

/// A leaf's cells with one more at `at`, to be cut before the cell `cut` of them.
class overfull_leaf {
 public:
  overfull_leaf(const format::page_view& page, std::size_t at, format::key_view key, std::size_t value_bytes)
      : page_{page},
        at_{at},
        key_{key},
        new_bytes_{cell_overhead_bytes + key.size() + value_bytes},
        total_bytes_{page.used_bytes() - format::page_header_bytes + new_bytes_} {}

  [[nodiscard]] std::size_t cut() const {
    const std::size_t count = page_.count();
    if (at_ == count) return count;
    if (ascends()) {
      for (const std::size_t behind_or_before : {at_ + 1, at_}) {
        if (behind_or_before > 0 && fits(behind_or_before)) return behind_or_before;
      }
    }
    return middle();
  }

 private:
  [[nodiscard]] std::size_t bytes(std::size_t i) const {
    if (i == at_) return new_bytes_;
    const std::size_t real = i < at_ ? i : i - 1;
    return cell_overhead_bytes + page_.key(real).size() + page_.value(real).size();
  }
  /// One more cell may be newer than the neighbour: an object's own cell is often put between its extents.
  [[nodiscard]] bool ascends() const {
    if (at_ == 0) return false;
    const char* neighbour = page_.key(at_ - 1).data();
    std::size_t newer = 0;
    for (std::size_t i = 0; i < page_.count(); ++i) newer += page_.key(i).data() < neighbour ? 1u : 0u;
    return newer <= 1;
  }
  [[nodiscard]] bool fits(std::size_t cut) const {
    std::size_t left = 0;
    for (std::size_t i = 0; i < cut; ++i) left += bytes(i);
    return std::max(left, total_bytes_ - left) + format::page_header_bytes <= format::page_bytes;
  }
  [[nodiscard]] format::key_view key(std::size_t i) const { return i == at_ ? key_ : page_.key(i < at_ ? i : i - 1); }
  /// Of the cuts that leave two fifths on either side, the nearest to the middle of those with the shortest separator:
  /// where objects or collections meet, so that what grows is the last of its leaf and leaves full ones behind.
  [[nodiscard]] std::size_t middle() const {
    std::size_t best = 0;
    std::size_t best_separator = 0;
    std::size_t best_distance = 0;
    std::size_t left = bytes(0);
    for (std::size_t i = 1; i <= page_.count(); left += bytes(i++)) {
      const std::size_t right = total_bytes_ - left;
      const std::size_t distance = left > right ? left - right : right - left;
      const bool central = std::min(left, right) * 5 >= total_bytes_ * 2;
      const std::size_t separator = central ? common_bytes(key(i - 1), key(i)) : format::page_bytes;
      if (best == 0 || separator < best_separator || (separator == best_separator && distance < best_distance)) {
        best = i;
        best_separator = separator;
        best_distance = distance;
      }
    }
    return best;
  }

  const format::page_view& page_;
  std::size_t at_;
  format::key_view key_;
  std::size_t new_bytes_;
  std::size_t total_bytes_;
};

/// Where to cut an index node that is over a page, entry `at` being the new one.
std::size_t index_cut(const index_node& node, std::size_t at) {
  const std::size_t count = node.entries.size();
  FURROW_ASSERT(count > 2);
  if (at + 1 == count) return count - 2;
  std::size_t left = format::page_header_bytes;
  std::size_t i = 0;
  while (left + entry_bytes(node.entries[i].separator) / 2 < node.page_bytes_used / 2) {
    left += entry_bytes(node.entries[i++].separator);
  }
  return std::clamp<std::size_t>(i, 1, count - 1);
}

std::size_t used_bytes(const tree_node& node) {
  return node.level == 0 ? as_leaf(node).view().used_bytes() : as_index(node).page_bytes_used;
}

bool has_nothing(const tree_node& node) {
  return node.level == 0 ? as_leaf(node).view().count() == 0 : as_index(node).entries.empty();
}

bool can_merge(const tree_entry& left, const tree_entry& right) {
  if (!left.child || !right.child) return false;
  if (has_nothing(*left.child) || has_nothing(*right.child)) return false;  // about to go
  const std::size_t gone = format::page_header_bytes;
  const std::size_t down = left.child->level > 0 ? right.separator.size() : 0;
  return used_bytes(*left.child) + used_bytes(*right.child) + down - gone <= merged_bytes_max;
}

}  // namespace

maybe_need page_tree::prepare(format::key_view key) {
  if (root_.empty()) return {};
  tree_path path;
  maybe_need missing;
  descend(key, path, &missing);
  return missing;
}

maybe_need page_tree::missing_leaf(format::key_view key, format::key_view& end) const {
  FURROW_ASSERT(loaded());
  end = {};
  if (root_.empty()) return {};
  const tree_slot* slot = &root_;
  for (unsigned level = root_level_; level > 0; --level) {
    const index_node& node = as_index(*slot->child);
    const std::size_t at = node.route(key);
    if (at + 1 < node.entries.size()) end = node.entries[at + 1].separator;
    slot = &node.entries[at];
  }
  return slot->child ? maybe_need{} : maybe_need{need_of(*slot, 0, key)};
}

void page_tree::put(format::key_view key, format::value_view value) {
  FURROW_ASSERT(key.size() + value.size() <= format::cell_bytes_max);
  FURROW_ASSERT(loaded());
  if (root_.empty()) root_.child = make_leaf();
  tree_path path;
  leaf_node* resident = descend(key, path, nullptr);
  FURROW_ASSERT(resident != nullptr);
  leaf_node& leaf = own_path(path);
  if (!leaf.editor().put(key, value)) split_leaf(path, leaf, key, value);
}

void page_tree::split_leaf(tree_path& path, leaf_node& leaf, format::key_view key, format::value_view value) {
  format::page_editor left = leaf.editor();
  const std::size_t at = left.lower_bound(key);
  if (at < left.count() && left.key(at) == key) left.erase(at);
  const std::size_t cut = overfull_leaf{left, at, key, value.size()}.cut();
  const bool new_is_left = at < cut;
  const std::size_t moved = new_is_left ? cut - 1 : cut;

  const node_ptr added = make_leaf();
  format::page_editor right = as_leaf(*added).editor();
  left.move_tail(moved, right);
  const bool fits = (new_is_left ? left : right).put(key, value);
  FURROW_ASSERT(fits);
  FURROW_ASSERT(left.count() > 0 && right.count() > 0);  // I6
  add_child(path, shortest_separator(left.key(left.count() - 1), right.key(0)), added);
}

void page_tree::add_child(tree_path& path, format::key separator, node_ptr child) {
  let_go();
  for (unsigned level = 1; level <= root_level_; ++level) {
    const auto [parent, left] = path.steps[level];
    parent->insert(left + 1, {{std::move(child), {}}, std::move(separator)});
    if (parent->page_bytes_used <= format::page_bytes) return;
    child = make_index(static_cast<std::uint8_t>(level));
    separator = parent->split(index_cut(*parent, left + 1), as_index(*child));
    FURROW_ASSERT(parent->page_bytes_used <= format::page_bytes);
    FURROW_ASSERT(as_index(*child).page_bytes_used <= format::page_bytes);
  }
  FURROW_ASSERT(root_level_ < tree_level_max);
  ++root_level_;
  const node_ptr top = make_index(root_level_);
  as_index(*top).insert(0, {{std::move(root_.child), {}}, {}});
  as_index(*top).insert(1, {{std::move(child), {}}, std::move(separator)});
  root_ = {top, {}};
}

bool page_tree::erase(format::key_view key) {
  FURROW_ASSERT(loaded());
  if (root_.empty()) return false;
  tree_path path;
  leaf_node* resident = descend(key, path, nullptr);
  FURROW_ASSERT(resident != nullptr);
  const std::size_t at = resident->view().lower_bound(key);
  if (at == resident->view().count() || resident->view().key(at) != key) return false;
  leaf_node& leaf = own_path(path);
  leaf.editor().erase(at);
  if (held_ && leaf.view().count() == 0) {
    hollow_.emplace_back(key);
  } else {
    settle_path(path);
  }
  return true;
}

void page_tree::settle_path(tree_path& path) {
  for (unsigned level = 1; level <= root_level_; ++level) settle(*path.steps[level].node, path.steps[level].at);
  settle_root();
}

void page_tree::hold(bool on) {
  held_ = on;
  for (const format::key& key : std::exchange(hollow_, {})) {
    tree_path path;
    const leaf_node* leaf = root_.empty() ? nullptr : descend(key, path, nullptr);
    if (leaf == nullptr || leaf->view().count() > 0) continue;
    static_cast<void>(own_path(path));
    settle_path(path);
  }
}

/// After the child at `at` has lost something: an empty one goes, an underfull one joins a resident neighbour.
void page_tree::settle(index_node& parent, std::size_t at) {
  const node_ptr& child = parent.entries[at].child;
  if (has_nothing(*child)) {
    retire(*child);
    parent.remove(at, at + 1);
  } else if (used_bytes(*child) >= underfull_bytes) {
    return;
  } else if (at + 1 < parent.entries.size() && can_merge(parent.entries[at], parent.entries[at + 1])) {
    merge(parent, at);
  } else if (at > 0 && can_merge(parent.entries[at - 1], parent.entries[at])) {
    merge(parent, at - 1);
  }
}

void page_tree::merge(index_node& parent, std::size_t left) {
  let_go();
  tree_node& to = own(parent.entries[left]);
  tree_node& from = own(parent.entries[left + 1]);
  if (to.level > 0) {
    as_index(to).absorb(as_index(from), parent.entries[left + 1].separator);
  } else {
    format::page_editor end = as_leaf(to).editor();
    as_leaf(from).editor().move_tail(0, end);
  }
  retire(from);
  parent.remove(left + 1, left + 2);
}

void page_tree::settle_root() {
  while (!root_.empty()) {
    if (has_nothing(*root_.child)) {
      retire(*root_.child);
      root_ = {};
      root_level_ = 0;
    } else if (root_level_ > 0 && as_index(*root_.child).entries.size() == 1 &&
               as_index(*root_.child).entries[0].child) {
      const node_ptr below = as_index(*root_.child).entries[0].child;
      retire(*root_.child);
      root_ = {below, {}};
      --root_level_;
    } else {
      return;
    }
  }
}

}  // namespace furrow::core
