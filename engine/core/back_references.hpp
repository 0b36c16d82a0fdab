// Who names the blocks of a zone: the runs' first writers and the hints of clones, each held to the extents as they are.
//
// Invariants
//   B1  What is said to be named is named by exactly these extents, all of them, as of now: as many as the blocks' number
//       of references. Of blocks of which more than asked for name them there are so many as asked for, and it is said.
//       Blocks of which not all names are found are left out.
//   B2  Nothing is changed.
//   B3  One call holds at most candidates_max(names_max) names to their extents: it looks at fewer blocks if there are more.
//
// Not here: writing runs and hints (apply, extent_edit), moving blocks (cleaner).
#pragma once

#include "core/extent_edit.hpp"

namespace furrow::core {

/// Consecutive live blocks, and where in objects the first of them is.
struct named_run {
  format::block_run where;
  std::vector<format::object_block> names;
  bool more = false;  ///< Not all of them.
};

class back_references {
 public:
  explicit back_references(context& c) : c_{c}, extents_{c} {}

  /// Adds the live parts of the front of `run`, which lies in one zone, in its order, with at most `names_max` names each.
  [[nodiscard]] readiness find(const format::block_run& run, std::size_t names_max, std::vector<named_run>& to);
  /// The same for all of it.
  [[nodiscard]] readiness find_all(format::block_run run, std::size_t names_max, std::vector<named_run>& to);
  /// Blocks of the run, from its front on, that the last ready find() was about.
  [[nodiscard]] std::uint32_t looked_at() const { return looked_at_; }

 private:
  [[nodiscard]] static constexpr std::size_t candidates_max(std::size_t names_max) { return 4 * names_max + 16; }
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
  /// `end` comes nearer where there are more than `most` candidates.
  readiness find_hints(zoned::zone_index zone, std::uint32_t first, std::uint32_t& end, std::size_t most);
  void narrow(std::uint32_t first, std::uint32_t& end);
  readiness find_counts(zoned::zone_index zone, std::uint32_t first, std::uint32_t end);
  readiness hold_to_extents(zoned::zone_index zone);
  void join_names();
  void add_candidate(name n, std::uint32_t first, std::uint32_t end);
  void emit(zoned::zone_index zone, std::uint32_t first, std::uint32_t end, std::size_t names_max,
            std::vector<named_run>& to);

  context& c_;
  extent_editor extents_;
  std::uint32_t looked_at_ = 0;
  std::vector<name> candidates_, names_;
  std::vector<counted> counts_;
  std::vector<std::uint32_t> edges_;
  std::vector<extent_slice> slices_;
};

}  // namespace furrow::core
