// An ordered map of byte keys in pages of 4 KiB: a B+tree, copy on write, written by checkpoints and read on demand.
//
// Index nodes are always resident; leaves come and go. A call that needs a leaf which is not resident changes nothing
// and answers with a page_need; the caller reads that page, hands it to supply() and asks again.
//
// States of a node
//   clean     has a reference to where it lies; its content is that page's     -> put/erase: dirty (the old place dies)
//   dirty     changed since, no reference                                      -> placed(): clean
//   shared    also part of a frozen snapshot: a change clones it first; the clone is dirty, the frozen one stays
//   replaced  frozen only: its place dies when the live tree lets go of it, or when it gets one      -> drop(): gone
//
// A checkpoint:  dying = take_dying(); snapshot = freeze();
//                for each level from 0 to the root's: collect_dirty(), seal() and write, placed();
//                a superblock naming root_of(snapshot) is durable; `dying` is dead; drop(snapshot).
// An aborted one drops its snapshot as well. What it placed is the live tree's or among the dying; its `dying` is dead
// with the next superblock.
//
// Invariants
//   I1  A snapshot never changes, but that its nodes learn where they were written.
//   I2  A node is written only after all its children have references (collect_dirty by level, leaves first).
//   I3  A page is named by the live tree or is dying, once and not both; what a snapshot alone names is dying already.
//   I4  The parent of a resident node is resident; so is the root.
//   I5  A clean node has clean children only. Of a frozen node's children a clone shares those alone that are dirty.
//   I6  No leaf is empty, no index node either. Leaves are evicted only while clean, and only the live tree's.
//
// Not here: where pages go and when (core/checkpoint), how they are read (core/page_reader), layout of a page
// (format/page).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/tree_node.hpp"
#include "format/keys.hpp"
#include "format/page.hpp"
#include "format/superblock.hpp"

namespace furrow::core {

/// A page to be read before a call can go on.
struct page_need {
  format::page_kind kind = format::page_kind::object;
  format::page_ref ref;
  std::uint8_t level = 0;
  format::key within;  ///< A key in the page's range: finds its parent again.
};

/// A page_need or none, as std::optional has it; but one that is none is made without clearing its memory, which is most
/// of what a lookup in the leaf at hand would take.
class maybe_need {
 public:
  maybe_need() noexcept {}
  maybe_need(std::nullopt_t) noexcept {}
  maybe_need(page_need n) noexcept : is_{true}, need_{std::move(n)} {}
  maybe_need(const maybe_need& other) : is_{other.is_} {
    if (is_) std::construct_at(&need_, other.need_);
  }
  maybe_need(maybe_need&& other) noexcept : is_{other.is_} {
    if (is_) std::construct_at(&need_, std::move(other.need_));
  }
  maybe_need& operator=(maybe_need other) noexcept {
    if (is_) std::destroy_at(&need_);
    is_ = other.is_;
    if (is_) std::construct_at(&need_, std::move(other.need_));
    return *this;
  }
  ~maybe_need() {
    if (is_) std::destroy_at(&need_);
  }

  [[nodiscard]] explicit operator bool() const noexcept { return is_; }
  [[nodiscard]] bool has_value() const noexcept { return is_; }
  [[nodiscard]] page_need& operator*() noexcept { return need_; }
  [[nodiscard]] const page_need& operator*() const noexcept { return need_; }
  [[nodiscard]] page_need* operator->() noexcept { return &need_; }
  [[nodiscard]] const page_need* operator->() const noexcept { return &need_; }

 private:
  bool is_ = false;
  union {
    page_need need_;
  };
};

/// What a lookup found. `value` and `key` point into the tree and hold until its next change or eviction.
struct tree_cell {
  format::key_view key;
  format::value_view value;
};

class tree_lookup {
 public:
  static tree_lookup found(tree_cell c) {
    tree_lookup l;
    l.cell_ = c;
    return l;
  }
  static tree_lookup absent() { return tree_lookup{}; }
  static tree_lookup need(page_need n) {
    tree_lookup l;
    l.need_ = std::move(n);
    return l;
  }
  [[nodiscard]] bool ready() const { return !need_; }
  [[nodiscard]] bool has_cell() const { return cell_.has_value(); }
  [[nodiscard]] const tree_cell& cell() const { return *cell_; }
  [[nodiscard]] const page_need& page() const { return *need_; }

 private:
  tree_lookup() noexcept {}

  std::optional<tree_cell> cell_;
  maybe_need need_;
};

/// A tree as of one moment, kept until dropped.
struct tree_snapshot {
  node_ptr root;  ///< None: empty.
  std::uint8_t level = 0;
  std::uint64_t pages = 0;
};

class page_tree {
 public:
  page_tree(format::page_kind kind, const format::uuid& store);
  ~page_tree();
  page_tree(const page_tree&) = delete;
  page_tree& operator=(const page_tree&) = delete;

  /// Starts from what a superblock names, once. Its index pages are then to be supplied: see missing_index(). False: no
  /// tree has such a root.
  [[nodiscard]] bool open(const format::tree_root& root);
  /// Index pages (and a root leaf) that can be loaded now; to be asked again when all of them are supplied, until none
  /// are left. Before, lookups may need pages of any level, and changes and freeze() are not allowed.
  [[nodiscard]] std::vector<page_need> missing_index() const;

  /// Whether all of the index is there.
  [[nodiscard]] bool is_loaded() const { return loaded(); }
  /// The cell of exactly this key.
  [[nodiscard]] tree_lookup find(format::key_view key);
  /// The first cell whose key is >= `key`, and the last one whose key is <= `key`.
  [[nodiscard]] tree_lookup find_from(format::key_view key);
  [[nodiscard]] tree_lookup find_to(format::key_view key);
  /// The cell of exactly this key and the one before it, if both are in one leaf and nothing has to be supplied; else none,
  /// which says nothing.
  struct neighbours {
    tree_cell before, here;
  };
  [[nodiscard]] std::optional<neighbours> at_hand(format::key_view key);
  /// Where the cell of exactly this key lies until the tree's next change but by overwrite(): none in `leaf` if there is no such
  /// cell, or if something must be supplied first.
  struct spot {
    leaf_node* leaf = nullptr;
    std::size_t at = 0;
    std::uint64_t shape = 0;  ///< The tree's then.
    maybe_need missing;
    [[nodiscard]] tree_cell cell() const { return cell_of(*leaf, at); }
    /// The cell before it, if that is in the same leaf.
    [[nodiscard]] std::optional<tree_cell> before() const {
      return at == 0 ? std::nullopt : std::optional{cell_of(*leaf, at - 1)};
    }
  };
  [[nodiscard]] spot find_spot(format::key_view key) { return find_spot(key, {}, {}); }
  /// A leaf that is at hand, as long as the tree's shape is what it was.
  struct leaf_hint {
    leaf_node* leaf = nullptr;
    format::key_view end;  ///< Of its keys; empty: nowhere.
    std::uint64_t shape = 0;
  };
  /// The same behind `near`, which was found for a lesser key; the tree has changed by overwrite() alone since. The hint is the
  /// key's, or of no leaf.
  [[nodiscard]] spot find_spot(format::key_view key, const spot& near, const leaf_hint& hint);
  /// Another value of the same length for a cell that was found.
  void overwrite(const spot& of, format::value_view value);
  /// Has the processor fetch what a lookup of the key looks at first, and then what it looks at next: a lookup some records
  /// later need not wait for memory. `before` is the hint of a key that is not greater, or of no leaf.
  [[nodiscard]] leaf_hint fetch_leaf(format::key_view key, const leaf_hint& before) const;
  void fetch_cells(const leaf_hint& of) const;
  /// What find_to() finds, if it is in the key's own leaf and nothing has to be supplied; else none, which says nothing.
  [[nodiscard]] std::optional<tree_cell> at_hand_to(format::key_view key);
  /// Calls for the first cell whose key is >= `key`, and for those behind it in its leaf, until `call` returns false.
  /// None, or what must be supplied first.
  template <class Call>
  [[nodiscard]] maybe_need visit_leaf(format::key_view key, Call call) {
    leaf_place from = leaf_of(key);
    if (from.leaf == nullptr) return std::move(from.missing);
    for (; from.at < from.end && call(cell_of(*from.leaf, from.at)); ++from.at)
      ;
    return {};
  }

  /// Makes sure that put() or erase() of `key` can be called: none, or what must be supplied first.
  [[nodiscard]] maybe_need prepare(format::key_view key);
  /// The same without looking at the leaf, for all keys up to `end`, where those of the next leaf begin (empty: nowhere). `end`
  /// holds until the tree's next change.
  [[nodiscard]] maybe_need missing_leaf(format::key_view key, format::key_view& end) const;
  /// Whether the key lies in the leaf that was looked at last: it is prepared then.
  [[nodiscard]] bool is_at_hand(format::key_view key) const { return finger_.holds(key); }
  /// The same for erase_range(): the leaves at its two ends are needed, those between are dropped unseen.
  [[nodiscard]] maybe_need prepare_range(format::key_view from, format::key_view to);

  /// The leaf must be resident (prepare). Inserts or replaces. Key and value together are at most
  /// format::cell_bytes_max, and do not lie in the tree.
  void put(format::key_view key, format::value_view value);
  /// False if there was no such key.
  bool erase(format::key_view key);
  /// While held, a leaf that erase() has emptied stays, so that keys prepared in its range can still be put; let go, it goes.
  void hold(bool on);
  /// Erases all keys in [from, to); an empty `to` means to the end.
  void erase_range(format::key_view from, format::key_view to);

  /// A page that was read. False: it is not the page (identity, checksum, order, level); nothing changed, and the
  /// caller may try the other copy. A page that nobody needs any more is taken as true and dropped.
  [[nodiscard]] bool supply(const page_need& need, std::span<const std::byte> page);

  /// The state now, at the cost of O(1). One snapshot at a time.
  [[nodiscard]] tree_snapshot freeze();
  /// Nodes of `level` in the snapshot that have no reference, in key order.
  [[nodiscard]] static std::vector<node_ptr> collect_dirty(const tree_snapshot& snapshot, std::uint8_t level);
  /// Writes the node's page into `to` (page_bytes), sealed; the reference but for its copies is returned.
  [[nodiscard]] format::page_ref seal(tree_node& node, std::span<std::byte> to, std::uint64_t generation,
                                      std::uint64_t epoch, std::uint64_t sequence) const;
  /// The node lies there now. May come after drop(), when the node_ptr was kept: then the node was not edited
  /// meanwhile.
  void placed(tree_node& node, const format::page_ref& ref);
  /// The root's reference, all of it placed.
  [[nodiscard]] static format::tree_root root_of(const tree_snapshot& snapshot);
  /// Ends the snapshot, written or not. A node that was never placed and is no longer held has no page as far as the
  /// tree knows: a page sealed for it is the caller's to forget.
  void drop(tree_snapshot snapshot);

  /// Places named by a former snapshot and no longer by the live tree, since the last call. They are dead once a root
  /// that does not name them is durable: freeze() must follow this call in the same turn.
  [[nodiscard]] std::vector<format::page_ref> take_dying();

  /// Calls for each reference in the tree with its level and a key within (recovery counts pages; reclaim looks for a
  /// zone's).
  void for_each_ref(const std::function<void(const page_need&)>& call) const;
  /// Makes the page dirty without changing it, so that the next checkpoint writes it elsewhere. None, or what is needed
  /// first.
  [[nodiscard]] maybe_need rewrite(const page_need& page);
  /// Whether the tree still names that page, in these places.
  [[nodiscard]] bool names(const page_need& page) const;
  /// Whether these bytes are that page; its place in the tree is not looked at.
  [[nodiscard]] bool is_page(const page_need& page, std::span<const std::byte> bytes) const;

  /// Forgets clean leaves, those first that were not used for longest, until at most `leaves_max` are resident; leaves
  /// that were used at or after `since` stay, and those of a snapshot: it looks at a few of these, and leaves the rest to
  /// the next call. Returns how many are resident.
  std::size_t evict(std::size_t leaves_max, std::uint64_t since);
  /// Logical time for evict(): each call of the public functions above uses the time of the last advance().
  void advance(std::uint64_t now) { now_ = now; }

  [[nodiscard]] std::size_t resident_leaves() const { return resident_leaves_; }
  /// Of the live tree: what a checkpoint begun now would write.
  [[nodiscard]] std::size_t dirty_nodes() const { return dirty_nodes_; }
  [[nodiscard]] std::uint64_t pages() const { return pages_; }
  /// Memory of all nodes, those that only a snapshot holds included.
  [[nodiscard]] std::size_t resident_bytes() const { return account_->bytes; }
  [[nodiscard]] format::page_kind kind() const { return kind_; }

 private:
  friend class tree_inspector;
  /// The way from the root to a leaf: at each level the index node and the entry taken.
  struct tree_path {
    struct step {
      index_node* node;
      std::size_t at;
    };
    std::array<step, tree_level_max + 1> steps;
  };
  /// Children of an index node that a range of keys meets; the first and the last perhaps in part.
  struct range_cut {
    std::size_t first;
    std::size_t last;
    bool first_in_part;
    bool last_in_part;
  };

  /// Where the last descent ended: keys in that leaf's range are found without another. Its keys are the tree's.
  struct finger {
    leaf_node* leaf = nullptr;
    format::key_view low, high;  ///< Of the range [low, high); an empty `high`: no end.
    tree_path path;
    [[nodiscard]] bool holds(format::key_view key) const;
  };
  /// To be called before anything changes that a path may lead through.
  void let_go() {
    finger_.leaf = nullptr;
    ++shape_;
  }
  void point_at(leaf_node& leaf, const tree_path& path);
  [[nodiscard]] bool is_valid(const leaf_hint& h) const { return h.leaf != nullptr && h.shape == shape_; }

  [[nodiscard]] bool loaded() const { return index_missing_ == 0 && (root_.empty() || root_.child); }
  [[nodiscard]] page_need need_of(const tree_slot& slot, std::uint8_t level, format::key_view within) const;
  void touch(leaf_node& leaf);
  /// The leaf of the key; none if some page on the way is not resident, and then `missing` says which.
  leaf_node* descend(format::key_view key, tree_path& path, maybe_need* missing);
  /// Walks on from a path that ended at a leaf to the first or last cell of the leaf after or before it.
  [[nodiscard]] tree_lookup next_leaf(const tree_path& path);
  [[nodiscard]] tree_entry* next_entry(const tree_path& path) const;
  [[nodiscard]] tree_lookup previous_leaf(const tree_path& path);
  /// The slot that a page of that level is named by, and the way to it; all above is resident.
  using slot_way = std::array<std::size_t, tree_level_max + 1>;
  const tree_slot& slot_above(const page_need& page, slot_way& way) const;
  [[nodiscard]] static tree_cell cell_of(const leaf_node& leaf, std::size_t at) {
    const format::page_view::entry c = leaf.view().at(at);
    return {c.key, c.value};
  }
  struct leaf_place {
    leaf_node* leaf = nullptr;
    std::size_t at = 0, end = 0;  ///< Cells.
    maybe_need missing;
  };
  /// Where the first cell whose key is >= `key` is.
  leaf_place leaf_of(format::key_view key);

  // What a node's life is made of; see the states above.
  node_ptr make_leaf();
  node_ptr make_index(std::uint8_t level);
  /// The slot's child, made fit for editing: neither shared nor clean.
  tree_node& own(tree_slot& slot);
  leaf_node& own_path(tree_path& path);
  void retire(tree_node& node);
  void retire_below(tree_slot& slot, std::uint8_t level);

  void split_leaf(tree_path& path, leaf_node& leaf, format::key_view key, format::value_view value);
  void add_child(tree_path& path, format::key separator, node_ptr child);
  void settle(index_node& parent, std::size_t at);
  void merge(index_node& parent, std::size_t left);
  void settle_root();
  void settle_path(tree_path& path);

  [[nodiscard]] maybe_need prepare_edge(format::key_view key);
  [[nodiscard]] static range_cut cut_of(const index_node& node, format::key_view from, format::key_view to);
  [[nodiscard]] static bool meets(const tree_slot& slot, format::key_view from, format::key_view to);
  void erase_within(tree_slot& slot, format::key_view from, format::key_view to);
  void erase_children(index_node& node, format::key_view from, format::key_view to);

  bool admit_leaf(tree_slot& slot, std::span<const std::byte> page, format::key_view low, format::key_view high);
  bool admit_index(tree_slot& slot, std::uint8_t level, std::span<const std::byte> page, format::key_view low,
                   format::key_view high);
  void collect_missing(const tree_slot& slot, std::uint8_t level, format::key_view low,
                       std::vector<page_need>& to) const;
  void visit_refs(const tree_slot& slot, std::uint8_t level, format::key_view low, page_need& told,
                  const std::function<void(const page_need&)>& call) const;

  format::page_kind kind_;
  format::uuid store_;
  boost::intrusive_ptr<tree_account> account_;
  tree_slot root_;
  std::uint8_t root_level_ = 0;
  finger finger_;
  std::uint64_t shape_ = 0;  ///< Counts what made a finger let go.
  bool frozen_ = false;
  bool held_ = false;
  std::vector<format::key> hollow_;  ///< In the range of leaves that may have become empty while held.
  std::uint64_t now_ = 0;
  std::size_t resident_leaves_ = 0;
  std::size_t dirty_nodes_ = 0;
  std::uint64_t pages_ = 0;           ///< Of the live tree; while it is being loaded, those known of.
  std::uint64_t pages_declared_ = 0;  ///< What open() was told.
  std::uint64_t index_missing_ = 0;
  std::vector<format::page_ref> dying_;
  boost::intrusive::list<leaf_node, boost::intrusive::constant_time_size<false>> clean_leaves_;  ///< Last used first.
};

}  // namespace furrow::core
