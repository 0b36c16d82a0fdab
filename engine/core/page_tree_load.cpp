// Page tree: what comes from the device and what may leave memory. See page_tree.hpp.
//
// A page is what a reference says iff
//   1  format::check_page accepts it for this store
//   2  its kind, level, generation and checksum are those of the reference
//   3  a leaf has a cell; an index page's values are references, its first key is empty
//   4  its keys lie in the range that its parent gives it
//   5  with it, the tree has no more pages than its root declared, and not fewer when it is the last of the index
#include <algorithm>
#include <utility>

#include "core/page_tree.hpp"

namespace furrow::core {
namespace {

/// The bytes of page.hpp's header where a page keeps its checksum.
constexpr std::size_t page_checksum_at = 48;

/// 1 and 2.
bool is_page_of(std::span<const std::byte> page, const format::page_ref& ref, format::page_kind kind,
                std::uint8_t level, const format::uuid& store) {
  if (page.size() != format::page_bytes) return false;
  const auto identity = format::check_page(page, store);
  if (!identity) return false;
  format::reader at{page.subspan(page_checksum_at, format::checksum_field::encoded_bytes)};
  const format::checksum_field checksum = format::checksum_field::decode(at);
  return identity->kind == kind && identity->level == level && identity->generation == ref.generation && !at.failed() &&
         checksum == ref.checksum;
}

}  // namespace

bool page_tree::open(const format::tree_root& root) {
  FURROW_ASSERT(root_.empty() && pages_ == 0 && !frozen_);
  if (root.ref.empty()) return root.level == 0 && root.pages == 0;
  if (root.level > tree_level_max || root.pages <= root.level || (root.level == 0 && root.pages != 1)) return false;
  root_ = {nullptr, root.ref};
  root_level_ = root.level;
  pages_declared_ = root.pages;
  pages_ = 1;
  index_missing_ = root.level > 0 ? 1 : 0;
  return true;
}

void page_tree::collect_missing(const tree_slot& slot, std::uint8_t level, format::key_view low,
                                std::vector<page_need>& to) const {
  if (!slot.child) {
    to.push_back(need_of(slot, level, low));
    return;
  }
  if (level < 2) return;
  for (const tree_entry& e : as_index(*slot.child).entries) {
    collect_missing(e, static_cast<std::uint8_t>(level - 1), e.separator.empty() ? low : e.separator, to);
  }
}

std::vector<page_need> page_tree::missing_index() const {
  std::vector<page_need> needs;
  if (!loaded()) collect_missing(root_, root_level_, {}, needs);
  return needs;
}

bool page_tree::supply(const page_need& need, std::span<const std::byte> page) {
  tree_slot* slot = &root_;
  format::key_view low;
  format::key_view high;  // empty: none
  if (need.kind != kind_ || root_.empty() || need.level > root_level_) return true;
  for (std::uint8_t level = root_level_; level > need.level; --level) {
    if (!slot->child) return true;
    index_node& node = as_index(*slot->child);
    const std::size_t at = node.route(need.within);
    if (at > 0) low = node.entries[at].separator;
    if (at + 1 < node.entries.size()) high = node.entries[at + 1].separator;
    slot = &node.entries[at];
  }
  if (slot->child || slot->ref != need.ref) return true;
  if (!is_page_of(page, slot->ref, kind_, need.level, store_)) return false;
  return need.level == 0 ? admit_leaf(*slot, page, low, high) : admit_index(*slot, need.level, page, low, high);
}

bool page_tree::admit_leaf(tree_slot& slot, std::span<const std::byte> page, format::key_view low,
                           format::key_view high) {
  const format::page_view view{page.first<format::page_bytes>()};
  const std::size_t count = view.count();
  if (count == 0 || view.key(0) < low || (!high.empty() && view.key(count - 1) >= high)) return false;
  auto* leaf = new leaf_node{account_.get()};
  slot.child = node_ptr{leaf};
  std::copy(page.begin(), page.end(), leaf->page.begin());
  leaf->ref = slot.ref;
  leaf->used = now_;
  clean_leaves_.push_front(*leaf);
  ++resident_leaves_;
  return true;
}

bool page_tree::admit_index(tree_slot& slot, std::uint8_t level, std::span<const std::byte> page, format::key_view low,
                            format::key_view high) {
  const format::page_view view{page.first<format::page_bytes>()};
  const std::size_t count = view.count();
  FURROW_ASSERT(index_missing_ > 0);
  const std::uint64_t missing = index_missing_ - 1 + (level > 1 ? count : 0);
  if (count == 0 || !view.key(0).empty()) return false;
  if (count > pages_declared_ - pages_ || (missing == 0 && pages_ + count != pages_declared_)) return false;
  if (count > 1 && (view.key(1) <= low || (!high.empty() && view.key(count - 1) >= high))) return false;
  const node_ptr held{new index_node{level, account_.get()}};
  index_node& node = as_index(*held);
  node.entries.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    format::reader from{view.value(i)};
    const format::page_ref ref = format::page_ref::decode(from);
    if (from.failed() || from.left() > 0 || ref.empty()) return false;
    node.entries.push_back({{nullptr, ref}, format::key{view.key(i)}});
  }
  node.reindex();
  node.ref = slot.ref;
  slot.child = held;
  pages_ += count;
  index_missing_ = missing;
  return true;
}

/// `told` is one object for all calls: its key keeps its memory.
void page_tree::visit_refs(const tree_slot& slot, std::uint8_t level, format::key_view low, page_need& told,
                           const std::function<void(const page_need&)>& call) const {
  if (const format::page_ref& ref = slot.where(); !ref.empty()) {
    told.ref = ref;
    told.level = level;
    told.within.assign(low);
    call(told);
  }
  if (!slot.child || level == 0) return;
  for (const tree_entry& e : as_index(*slot.child).entries) {
    visit_refs(e, static_cast<std::uint8_t>(level - 1), e.separator.empty() ? low : e.separator, told, call);
  }
}

void page_tree::for_each_ref(const std::function<void(const page_need&)>& call) const {
  page_need told{kind_, {}, 0, {}};
  if (!root_.empty()) visit_refs(root_, root_level_, {}, told, call);
}

const tree_slot& page_tree::slot_above(const page_need& page, slot_way& way) const {
  const tree_slot* seen = &root_;
  for (unsigned level = root_level_; level > page.level; --level) {
    const index_node& node = as_index(*seen->child);
    way[level] = node.route(page.within);
    seen = &node.entries[way[level]];
  }
  return *seen;
}

bool page_tree::names(const page_need& page) const {
  FURROW_ASSERT(loaded());
  slot_way way;
  return !root_.empty() && page.level <= root_level_ && slot_above(page, way).where() == page.ref;
}

bool page_tree::is_page(const page_need& page, std::span<const std::byte> bytes) const {
  return is_page_of(bytes, page.ref, kind_, page.level, store_);
}

maybe_need page_tree::rewrite(const page_need& page) {
  FURROW_ASSERT(loaded());
  if (root_.empty() || page.level > root_level_) return {};
  slot_way way;
  const tree_slot* const seen = &slot_above(page, way);
  if (seen->where() != page.ref) return {};
  if (!seen->child) return need_of(*seen, page.level, page.within);
  tree_slot* slot = &root_;
  for (unsigned level = root_level_; level > page.level; --level) slot = &as_index(own(*slot)).entries[way[level]];
  own(*slot);
  return {};
}

std::size_t page_tree::evict(std::size_t leaves_max, std::uint64_t since) {
  if (root_level_ == 0) return resident_leaves_;  // I4
  std::size_t may_skip = std::min<std::size_t>(resident_leaves_, 64);
  while (resident_leaves_ > leaves_max && may_skip > 0 && !clean_leaves_.empty() && clean_leaves_.back().used < since) {
    leaf_node& leaf = clean_leaves_.back();
    clean_leaves_.pop_back();
    if (leaf.shared()) {  // held by a checkpoint at work: as good as used now
      leaf.used = now_;
      clean_leaves_.push_front(leaf);
      --may_skip;
      continue;
    }
    tree_slot* slot = &root_;
    while (slot->child->level > 0) {
      index_node& node = as_index(*slot->child);
      slot = &node.entries[node.route(leaf.view().key(0))];
    }
    FURROW_ASSERT(slot->child.get() == &leaf);
    let_go();
    slot->ref = leaf.ref;  // tree_node I1
    slot->child.reset();
    --resident_leaves_;
  }
  return resident_leaves_;
}

}  // namespace furrow::core
