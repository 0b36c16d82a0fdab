// One of a store's two trees, of the pages that are left of it, whether or not a root leads to them.
//
// Every page says what was in a range of keys at the time when it was written: a leaf its cells, an index page what its
// children say. So pages are taken from the newest to the oldest, by (epoch, generation), and each speaks for the keys for
// which none before it has. Where a child is lost, older pages speak; where none is left, nobody does. The range of a page
// with a parent is what the newest parent says; that of any other leaf goes from its least key to its greatest, that of
// any other index page is as wide as those of its children that are known. The page of the superblock's root
// speaks first, and for all keys; pages of a checkpoint that was not finished are as any others then.
//
// With a whole root this is the tree that it leads to. Without one, a key that a lost page took away may be back: who reads
// the tree holds data to their sums, and to whose they are (rebuilt_store.hpp).
//
// Invariants
//   R1  Segments do not overlap and ascend; each is of one leaf, whose cells outside of it are not seen.
//   R2  Cells that are of_one_time() were true at the same time: a page speaks with all that it leads to, and a checkpoint
//       writes pages of one moment.
//   R3  A page that does not verify any more when it is read has no cells.
//
// Not here: how pages are found (survey.hpp).
#pragma once

#include <functional>
#include <map>
#include <unordered_map>

#include "furrow/salvage/survey.hpp"

namespace furrow::cli {

/// Where a cell is from.
struct cell_origin {
  std::size_t spoken_by = 0;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
};
/// What two cells say was true at one time: one page spoke for both, or one checkpoint wrote both.
[[nodiscard]] inline bool of_one_time(const cell_origin& a, const cell_origin& b) {
  return a.spoken_by == b.spoken_by || (a.epoch == b.epoch && a.sequence == b.sequence);
}

struct rebuilt_cell {
  format::key_view key;
  format::value_view value;
  cell_origin from;
};

/// A page that the superblock's root leads to, and that is nowhere.
struct lost_page {
  std::uint8_t level = 0;
  format::page_ref ref;
};

class rebuilt_tree {
 public:
  rebuilt_tree(raw_device& device, const survey& from, format::page_kind kind);

  /// Cells from `first` on, in order, until `call` answers false. What it is given ends with the call; it may ask another tree, not this one.
  void for_each(format::key_view first, const std::function<bool(const rebuilt_cell&)>& call);
  [[nodiscard]] const std::vector<lost_page>& lost() const { return lost_; }
  /// The sequence as of which a cell is known to have been as it is.
  [[nodiscard]] std::uint64_t known_at(const cell_origin& from) const;
  /// The same of a key, whether there is a cell of it or not; nothing if nobody speaks for it.
  [[nodiscard]] std::optional<std::uint64_t> spoken_at(format::key_view key) const;

 private:
  /// Keys in [lo, hi); an empty `hi` is the end of all keys.
  struct range {
    format::key lo;
    format::key hi;
  };
  struct segment {
    range keys;
    std::size_t page = 0;
    std::size_t spoken_by = 0;
  };
  struct child {
    range keys;
    format::page_ref ref;
    bool open_below = false;  ///< The bound is the parent's, which is not known.
    bool open_above = false;
  };

  [[nodiscard]] std::optional<std::size_t> page_of(const format::page_ref& ref) const;
  [[nodiscard]] std::vector<child> children_of(std::size_t page);
  void speak(std::size_t page, const std::optional<range>& keys, std::size_t spoken_by);
  void speak_leaf(std::size_t page, const range& keys, std::size_t spoken_by);
  /// The parts of the range for which nobody has spoken; they are taken from then on.
  [[nodiscard]] std::vector<range> take(const range& keys);
  /// The first that ends behind the key.
  [[nodiscard]] std::vector<segment>::const_iterator segment_of(format::key_view key) const;
  const std::vector<std::byte>& bytes_of(std::size_t page);

  raw_device& device_;
  const survey& from_;
  std::vector<std::size_t> newest_first_;
  std::unordered_multimap<std::uint64_t, std::size_t> by_generation_;
  std::map<format::key, format::key> spoken_;  ///< Ranges, joined where they meet.
  std::vector<segment> segments_;
  bool from_root_ = false;  ///< What is missing now is missing in the tree as the superblock names it.
  std::vector<lost_page> lost_;
  std::unordered_map<std::size_t, std::vector<std::byte>> cache_;
};

/// Whose cell of the object tree it is: an object's entry, tail, attributes or extent.
[[nodiscard]] std::optional<std::uint64_t> object_of(format::key_view key);

}  // namespace furrow::cli
