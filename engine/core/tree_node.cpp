// Nodes of a page tree: life, routing by heads, and the structural edits of index nodes. See tree_node.hpp.
#include "core/tree_node.hpp"

#include <algorithm>
#include <cstring>

namespace furrow::core {
namespace {

/// Of so many bytes; mostly they are in one word.
int compare_fronts(format::key_view a, format::key_view b, std::size_t bytes) {
  if (bytes == 0) return 0;
  if (bytes > sizeof(std::uint64_t) || std::min(a.size(), b.size()) < bytes)
    return a.substr(0, bytes).compare(b.substr(0, bytes));
  const unsigned behind = static_cast<unsigned>(8 * (sizeof(std::uint64_t) - bytes));
  const std::uint64_t front_a = head_of(a, 0) >> behind, front_b = head_of(b, 0) >> behind;
  return front_a == front_b ? 0 : front_a < front_b ? -1 : 1;
}

std::size_t heap_bytes(const format::key& k) {
  static const std::size_t inside = format::key{}.capacity();
  return k.capacity() > inside ? k.capacity() + 1 : 0;
}

}  // namespace

void intrusive_ptr_add_ref(tree_node* n) noexcept { ++n->uses; }

void intrusive_ptr_release(tree_node* n) noexcept {
  FURROW_ASSERT(n->uses > 0);
  if (--n->uses > 0) return;
  if (n->level == 0) {
    delete static_cast<leaf_node*>(n);
  } else {
    delete static_cast<index_node*>(n);
  }
}

leaf_node::leaf_node(tree_account* a) : tree_node{0, a} { account->bytes += sizeof *this; }

leaf_node::~leaf_node() {
  FURROW_ASSERT(!is_linked());
  account->bytes -= sizeof *this;
}

core::node_ptr leaf_node::clone() const {
  auto* copy = new leaf_node{account.get()};
  copy->used = used;
  copy->page = page;
  return core::node_ptr{copy};
}

index_node::index_node(std::uint8_t of_level, tree_account* a) : tree_node{of_level, a} {
  FURROW_ASSERT(of_level > 0 && of_level <= tree_level_max);
  memory_bytes = sizeof *this;
  account->bytes += memory_bytes;
}

index_node::~index_node() { account->bytes -= memory_bytes; }

std::size_t index_node::route(format::key_view key) const {
  const std::size_t count = entries.size();
  if (count == 1) return 0;
  const int against = compare_fronts(key, entries[1].separator, prefix_bytes);
  if (against < 0) return 0;
  if (against > 0) return count - 1;
  const std::uint64_t head = head_of(key, prefix_bytes);
  const std::uint64_t* first = heads.data() + 1;  // of those not above `head`, one past the last: `first` + `left` = 0
  std::size_t left = count - 1;
  while (left > 0) {
    const std::size_t half = left / 2;
    const bool above = first[half] > head;
    first = above ? first : first + half + 1;
    left = above ? half : left - half - 1;
  }
  std::size_t behind = static_cast<std::size_t>(first - heads.data());
  if (behind > 1 && heads[behind - 1] == head) {
    const auto equal = std::lower_bound(heads.begin() + 1, heads.begin() + static_cast<std::ptrdiff_t>(behind), head);
    const auto from = entries.begin() + (equal - heads.begin());
    const auto to = entries.begin() + static_cast<std::ptrdiff_t>(behind);
    const auto above =
        std::upper_bound(from, to, key, [](format::key_view k, const tree_entry& e) { return k < e.separator; });
    behind = static_cast<std::size_t>(above - entries.begin());
  }
  return behind - 1;
}

void index_node::reindex() {
  page_bytes_used = format::page_header_bytes;
  std::size_t heap = 0;
  prefix_bytes = entries.size() > 1 ? common_bytes(entries[1].separator, entries.back().separator) : 0;
  heads.resize(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const format::key& k = entries[i].separator;
    heads[i] = head_of(k, prefix_bytes);
    page_bytes_used += entry_bytes(k);
    heap += heap_bytes(k);
  }
  const std::size_t bytes =
      sizeof *this + entries.capacity() * sizeof(tree_entry) + heads.capacity() * sizeof(heads[0]) + heap;
  account->bytes += bytes - memory_bytes;
  memory_bytes = bytes;
}

void index_node::insert(std::size_t at, tree_entry e) {
  FURROW_ASSERT(at <= entries.size());
  FURROW_ASSERT(e.separator.empty() == (at == 0));  // I2
  entries.insert(entries.begin() + static_cast<std::ptrdiff_t>(at), std::move(e));
  reindex();
}

void index_node::remove(std::size_t first, std::size_t last) {
  FURROW_ASSERT(first < last && last <= entries.size());
  entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(first),
                entries.begin() + static_cast<std::ptrdiff_t>(last));
  if (first == 0 && !entries.empty()) entries[0].separator.clear();  // I2: the next child takes over the range
  reindex();
}

node_ptr index_node::take_over() {
  auto* copy = new index_node{level, account.get()};
  const node_ptr held{copy};
  copy->entries.reserve(entries.size() + 1);
  copy->entries.insert(copy->entries.end(), entries.begin(), entries.end());
  copy->reindex();
  for (tree_entry& e : entries) {  // all memory is there: clean leaves may not go with the copy
    if (!e.child || e.child->dirty()) continue;
    e.ref = e.child->ref;  // I1
    e.child.reset();
  }
  return held;
}

format::key index_node::split(std::size_t at, index_node& right) {
  FURROW_ASSERT(at > 0 && at < entries.size());
  FURROW_ASSERT(right.entries.empty() && right.level == level);
  const auto from = entries.begin() + static_cast<std::ptrdiff_t>(at);
  right.entries.assign(std::make_move_iterator(from), std::make_move_iterator(entries.end()));
  entries.erase(from, entries.end());
  format::key up = std::move(right.entries[0].separator);
  right.entries[0].separator.clear();
  reindex();
  right.reindex();
  return up;
}

void index_node::absorb(index_node& right, format::key separator) {
  FURROW_ASSERT(right.level == level && !separator.empty());
  right.entries[0].separator = std::move(separator);
  entries.insert(entries.end(), std::make_move_iterator(right.entries.begin()),
                 std::make_move_iterator(right.entries.end()));
  right.entries.clear();
  right.reindex();
  reindex();
}

void index_node::encode(std::span<std::byte, format::page_bytes> to) const {
  format::page_editor page{to};
  page.init();
  std::array<std::byte, format::page_ref::encoded_bytes> value;
  for (const tree_entry& e : entries) {
    FURROW_ASSERT(!e.where().empty());
    e.where().encode(value.data());
    const bool fits = page.put(e.separator, value);
    FURROW_ASSERT(fits);
  }
}

std::size_t common_bytes(format::key_view a, format::key_view b) {
  const std::size_t most = std::min(a.size(), b.size());
  return static_cast<std::size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(most), b.begin()).first - a.begin());
}

format::key shortest_separator(format::key_view left, format::key_view right) {
  FURROW_ASSERT(left < right);
  return format::key{right.substr(0, common_bytes(left, right) + 1)};
}

}  // namespace furrow::core
