// Nodes of a page tree in memory: leaves, which are pages as they will lie on the device, and index nodes, decoded.
//
// A node is reached through slots: the root's, or an entry of its parent. Several slots may share a node (a frozen and
// a live parent); its use count is then above one and it must not be edited.
//
// Invariants
//   I1  slot.ref counts only while slot.child is not resident; else the child itself knows where it lies, if anywhere.
//   I2  The first separator of an index node is empty (minus infinity); the others ascend strictly. A child's keys are
//       >= its separator and < the next one.
//   I3  heads, prefix_bytes and page_bytes_used follow from the entries: reindex() after each change of a separator.
//   I4  A replaced node is no part of the live tree; when it is placed nevertheless, its page is already dying.
//
// Not here: what is shared with what, and why (page_tree).
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstring>
#include <vector>

#include "core/assert.hpp"
#include "format/keys.hpp"
#include "format/page.hpp"

namespace furrow::core {

struct tree_node;
using node_ptr = boost::intrusive_ptr<tree_node>;
void intrusive_ptr_add_ref(tree_node* n) noexcept;
void intrusive_ptr_release(tree_node* n) noexcept;

/// Levels of a tree, the leaves' being 0. The longest keys leave an index page with two entries, and a tree of so many
/// levels then still holds 2^32 leaves.
inline constexpr std::uint8_t tree_level_max = format::page_level_max;
/// Slot and lengths of a cell.
inline constexpr std::size_t cell_overhead_bytes = 6;
/// A node below the first is merged with a neighbour if both together stay below the second.
inline constexpr std::size_t underfull_bytes = format::page_bytes / 4;
inline constexpr std::size_t merged_bytes_max = format::page_bytes / 4 * 3;
// A page that one cell has made overfull can be halved, whatever its cells: the halves differ by one cell at most.
static_assert(2 * (cell_overhead_bytes + format::cell_bytes_max + format::page_ref::encoded_bytes) <
              format::page_bytes - format::page_header_bytes);

/// Counts the memory of a tree's nodes; outlives the tree if a snapshot does.
struct tree_account : boost::intrusive_ref_counter<tree_account, boost::thread_unsafe_counter> {
  std::size_t bytes = 0;
};

struct tree_node {
  std::uint32_t uses = 0;
  std::uint8_t level = 0;
  bool replaced = false;  ///< I4.
  format::page_ref ref;   ///< Empty: dirty.
  boost::intrusive_ptr<tree_account> account;

  [[nodiscard]] bool shared() const { return uses > 1; }
  [[nodiscard]] bool dirty() const { return ref.empty(); }

 protected:
  tree_node(std::uint8_t of_level, tree_account* a) : level{of_level}, account{a} {}
  ~tree_node() = default;
};

/// Where a child hangs.
struct tree_slot {
  node_ptr child;
  format::page_ref ref;  ///< I1.

  [[nodiscard]] const format::page_ref& where() const { return child ? child->ref : ref; }
  [[nodiscard]] bool empty() const { return !child && ref.empty(); }
};

struct leaf_node : tree_node, boost::intrusive::list_base_hook<> {
  std::uint64_t used = 0;  ///< Logical time of the last use.
  std::array<std::byte, format::page_bytes> page;

  explicit leaf_node(tree_account* a);
  ~leaf_node();
  leaf_node(const leaf_node&) = delete;
  leaf_node& operator=(const leaf_node&) = delete;

  [[nodiscard]] format::page_view view() const { return format::page_view{page}; }
  [[nodiscard]] format::page_editor editor() { return format::page_editor{page}; }
  [[nodiscard]] core::node_ptr clone() const;  // the list's hook has a node_ptr of its own
};

struct tree_entry : tree_slot {
  format::key separator;
};

struct index_node : tree_node {
  std::vector<tree_entry> entries;
  std::vector<std::uint64_t> heads;  ///< Of each separator: eight bytes behind the common prefix, as a number.
  std::size_t prefix_bytes = 0;      ///< Common to all separators but the first.
  std::size_t page_bytes_used = 0;   ///< As a page.
  std::size_t memory_bytes = 0;      ///< As told to the account.

  index_node(std::uint8_t of_level, tree_account* a);
  ~index_node();
  index_node(const index_node&) = delete;
  index_node& operator=(const index_node&) = delete;

  /// The entry whose child has the key's range.
  [[nodiscard]] std::size_t route(format::key_view key) const;
  void reindex();
  void insert(std::size_t at, tree_entry e);
  void remove(std::size_t first, std::size_t last);
  /// A live copy of a frozen node. Children that are clean go over to the copy, the frozen one keeps their references:
  /// so only what is dirty is shared, and clean leaves can be edited and evicted.
  [[nodiscard]] node_ptr take_over();
  /// Moves the entries from `at` on to a new node and returns the separator that went up.
  [[nodiscard]] format::key split(std::size_t at, index_node& right);
  /// Appends the neighbour's entries; `separator` was the neighbour's in the parent.
  void absorb(index_node& right, format::key separator);
  /// As a page, not sealed. All children have references.
  void encode(std::span<std::byte, format::page_bytes> to) const;
};

/// Eight bytes of the key from `at` on, as a number that orders like them; missing bytes are zero.
[[nodiscard]] inline std::uint64_t head_of(format::key_view key, std::size_t at) {
  std::uint64_t head = 0;
  if (key.size() >= at + sizeof head) {
    std::memcpy(&head, key.data() + at, sizeof head);
  } else if (key.size() > at) {
    std::memcpy(&head, key.data() + at, key.size() - at);
  }
  return boost::endian::big_to_native(head);
}

[[nodiscard]] inline std::size_t entry_bytes(format::key_view separator) {
  return cell_overhead_bytes + separator.size() + format::page_ref::encoded_bytes;
}
[[nodiscard]] std::size_t common_bytes(format::key_view a, format::key_view b);
/// The shortest key that is above `left` and not above `right`.
[[nodiscard]] format::key shortest_separator(format::key_view left, format::key_view right);

[[nodiscard]] inline leaf_node& as_leaf(tree_node& n) {
  FURROW_ASSERT(n.level == 0);
  return static_cast<leaf_node&>(n);
}
[[nodiscard]] inline index_node& as_index(tree_node& n) {
  FURROW_ASSERT(n.level > 0);
  return static_cast<index_node&>(n);
}
[[nodiscard]] inline const index_node& as_index(const tree_node& n) {
  FURROW_ASSERT(n.level > 0);
  return static_cast<const index_node&>(n);
}
[[nodiscard]] inline const leaf_node& as_leaf(const tree_node& n) {
  FURROW_ASSERT(n.level == 0);
  return static_cast<const leaf_node&>(n);
}

}  // namespace furrow::core
