// Changes the extents of an object in the trees: puts them, cuts a range out of them, lets two objects name the same
// blocks. What blocks live follows from it, and is counted here alone.
//
// What cutting [first, end) out does to an extent [s, e) that meets it
//   s < first, e <= end     keeps its front
//   s >= first, e <= end    goes
//   s >= first, e > end     keeps its back, under a key of its own
//   s < first, e > end      becomes two
//
// Invariants
//   E1  prepare_*() and slices() change nothing. The changes follow a ready prepare of the same range in the same turn,
//       with both trees held; they cannot fail.
//   E2  A block is live in its zone while at least one extent names it. Blocks that more than one names have a
//       shared_value with their number; extents that name such blocks are flagged. An extent may be flagged though its
//       blocks are no longer shared. Of every name of a block but the first writer's there is a hint in the zone tree, that
//       of the first writer is its run's. The hints of a flagged extent that is not the first writer's are exactly its
//       blocks, parted where the zone's block is a multiple of run_blocks_max: cutting changes those at its ends alone.
//   E3  What is put continues the extent in front of it if it is its neighbour in object and zone too, of the same class,
//       and neither is flagged. It is not joined with the one behind.
//
// Not here: which records do what (apply), sums (zone tree's runs).
#pragma once

#include "core/context.hpp"

namespace furrow::core {

/// The part of an extent that lies in a range.
struct extent_slice {
  std::uint64_t object_block = 0;
  format::block_run where;
  bool shared = false;
  std::uint64_t cell_block = 0;  ///< Where the extent begins.
  format::extent_value cell;
};

/// What is wrong with an extent that stands in a page; null: nothing.
[[nodiscard]] const char* fault_of(const std::optional<format::extent_value>& x, const context& c);
/// Whether an extent that begins at `block` goes on with a new one, so that the two are one if that is not too long.
[[nodiscard]] bool goes_on(std::uint64_t block, const format::extent_value& x, const format::object_extent& e,
                           format::zone_class cls, const zoned::geometry& shape);

class extent_editor {
 public:
  explicit extent_editor(context& c) : c_{c} {}

  /// What of the object lies in blocks [first, end), in order, at most `max` slices.
  [[nodiscard]] readiness slices(std::uint64_t object, std::uint64_t first, std::uint64_t end, std::size_t max,
                                 std::vector<extent_slice>& to) const;

  /// `found` are the slices of the range.
  [[nodiscard]] readiness prepare_cut(std::uint64_t object, std::span<const extent_slice> found) const;
  void cut(format::object_value& v, std::uint64_t object, std::uint64_t first, std::uint64_t end);

  [[nodiscard]] readiness prepare_put(std::uint64_t object, std::uint64_t first_block) const;
  /// The blocks must be a hole. Counts of the zone are not touched.
  void put(format::object_value& v, std::uint64_t object, const format::object_extent& e, format::zone_class cls,
           bool shared);

  /// The blocks that this extent would take the place of, if they are all of one that is not shared, at hand, and the new
  /// one joins none: then there is nothing to cut. None says nothing.
  [[nodiscard]] std::optional<format::block_run> replaced_whole(std::uint64_t object, const format::object_extent& e,
                                                                format::zone_class cls) const;
  /// cut() and put() in one.
  void replace_whole(std::uint64_t object, const format::object_extent& e, format::zone_class cls,
                     const format::block_run& was);

  /// For slices that are to be named once more.
  [[nodiscard]] readiness prepare_share(std::uint64_t object, std::span<const extent_slice> found) const;
  void share(std::uint64_t object, std::span<const extent_slice> found);

  /// For an extent that is put beside those that its blocks were written for: that it names them.
  [[nodiscard]] readiness prepare_hints(std::uint64_t object, const format::object_extent& e) const;
  void put_hints(std::uint64_t object, const format::object_extent& e);
  /// For blocks that as many extents name from now on as are put.
  [[nodiscard]] readiness prepare_count(const format::block_run& run) const;
  void put_count(const format::block_run& run, std::uint32_t references);

 private:
  [[nodiscard]] readiness prepare_hint_cut(std::uint64_t object, const extent_slice& s) const;
  void cut_hints(std::uint64_t object, const extent_slice& s);
  struct shared_edit {
    std::uint32_t block = 0;
    std::uint32_t blocks = 0;
    std::uint32_t references = 0;  ///< Less than two: the cell goes.
  };
  struct shared_plan {
    std::vector<shared_edit> edits;
    std::uint32_t dead_blocks = 0;
  };
  /// What one reference more or less does to the shared values of these blocks.
  /// Once prepared, a page that is not there holds nothing of these blocks: it was seen that none does, and what was in
  /// front may be gone by now.
  [[nodiscard]] readiness plan_references(const format::block_run& run, bool more, bool prepared,
                                          shared_plan& to) const;
  [[nodiscard]] readiness prepare_references(const format::block_run& run, bool more) const;
  [[nodiscard]] shared_plan change_references(const format::block_run& run, bool more);

  context& c_;
};

}  // namespace furrow::core
