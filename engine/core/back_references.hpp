// Who names the blocks of a zone: the runs' first writers and the hints of clones, each held to the extents as they are.
//
// Invariants
//   B1  What is said to be named is named by exactly these extents, all of them, as of now: as many as the blocks' number
//       of references. Blocks of which not all names are found, or more than asked for, are left out.
//   B2  Nothing is changed.
//
// Not here: writing runs and hints (apply, extent_edit), moving blocks (cleaner).
#pragma once

#include "core/extent_edit.hpp"

namespace furrow::core {

/// Consecutive live blocks, and where in objects the first of them is.
struct named_run {
  format::block_run where;
  std::vector<format::object_block> names;
};

class back_references {
 public:
  explicit back_references(context& c) : c_{c}, extents_{c} {}

  /// Adds the live parts of `run`, which lies in one zone, in its order; of blocks that more than `names_max` extents
  /// name, none.
  [[nodiscard]] readiness find(const format::block_run& run, std::size_t names_max, std::vector<named_run>& to);

 private:
  /// Blocks [first, end) of the zone that an object may name, or does.
  struct name {
    std::uint64_t object = 0;
    std::uint64_t object_block = 0;  ///< Of `first`.
    std::uint32_t first = 0;
    std::uint32_t end = 0;
  };
  struct counted {
    std::uint32_t first = 0;
    std::uint32_t end = 0;
    std::uint32_t references = 0;
  };
  readiness find_writers(zoned::zone_index zone, std::uint32_t first, std::uint32_t end);
  readiness find_hints(zoned::zone_index zone, std::uint32_t first, std::uint32_t end);
  readiness find_counts(zoned::zone_index zone, std::uint32_t first, std::uint32_t end);
  readiness hold_to_extents(zoned::zone_index zone);
  void join_names();
  void add_candidate(name n, std::uint32_t first, std::uint32_t end);
  void emit(zoned::zone_index zone, std::uint32_t first, std::uint32_t end, std::size_t names_max,
            std::vector<named_run>& to);

  context& c_;
  extent_editor extents_;
  std::vector<name> candidates_, names_;
  std::vector<counted> counts_;
  std::vector<std::uint32_t> edges_;
  std::vector<extent_slice> slices_;
};

}  // namespace furrow::core
