// What is left of the zone tree, read as a list of objects: for those of which no cell of the object tree and no record is left.
//
// Runs say whose the blocks of a zone are and where in the object they belong, hints who else names them. That is no list of
// what objects have now: what was written over, cut off, made a hole or removed is in it until its zone is reset. So what
// comes of it is called rebuilt from zone pages alone, and has neither attributes nor an end of its own.
//
// Dropped without a word, since they are of the past for certain
//   - claims of an earlier use of their zone: its header, or its entry, is of a later epoch or sequence than their leaf
//   - claims to a zone of which its entry says, at the same time or later, that nothing lives in it
//   - claims that were true before a leaf of the object tree that has no such object
//
// Invariants
//   Z1  In memory are every id that there is, all places that runs dispute, and claims_max claims, or those of one object.
//   Z2  Claims to what no data zone of the device can hold are counted, and stand for nothing.
//   Z3  No object reaches further than reach_bytes_max, or the device's bytes if these are more: what would is named.
//
// Not here: which of several claims is the newest (claim_order.hpp).
#pragma once

#include <map>

#include "furrow/salvage/claim_order.hpp"
#include "furrow/salvage/rebuilt_tree.hpp"

namespace furrow::cli {

/// What the claims to one object come to.
struct claimed_object {
  std::vector<claimed_extent> extents;
  std::vector<block_claim> too_far;
  [[nodiscard]] bool empty() const { return extents.empty() && too_far.empty(); }
};

class zone_claims {
 public:
  static constexpr std::uint64_t claims_max = 1 << 19;
  static constexpr std::uint64_t reach_bytes_max = std::uint64_t{1} << 40;

  zone_claims(const raw_device& device, const survey& from, rebuilt_tree& objects, rebuilt_tree& zones);

  /// All that a claim is of, ascending.
  [[nodiscard]] std::vector<object_id> objects() const;
  /// Takes ids from the end of an ascending list, as many as memory allows, and has their claims ready. They ascend.
  [[nodiscard]] std::vector<object_id> load_some(std::vector<object_id>& from);
  /// Of one that was loaded.
  [[nodiscard]] claimed_object of(object_id id);
  /// Cells that Z2 is about: by their zone, or under the number of zones.
  [[nodiscard]] const std::map<std::uint32_t, std::uint64_t>& impossible() const { return impossible_; }

 private:
  struct zone_entry {
    format::zone_value value;
    std::uint64_t sequence = 0;  ///< At which it was still so.
  };
  struct place {
    std::uint32_t zone = 0;
    std::uint32_t first = 0;
    std::uint32_t end = 0;
  };

  void read_entries();
  void count();
  void each_claim(const std::function<void(block_claim)>& call, bool counts_impossible);
  [[nodiscard]] bool possible(const block_claim& c) const;
  /// Sets its bounds; false: it is of the past.
  [[nodiscard]] bool date(block_claim& c, const cell_origin& from) const;
  void look_for_dispute(const block_claim& c, block_claim& widest);
  /// Cut where a dispute begins or ends.
  void add_parts(const block_claim& c, std::vector<block_claim>& to) const;
  [[nodiscard]] bool same_sums(const block_claim& a, const block_claim& b);
  [[nodiscard]] std::vector<std::uint32_t> sums_of(const block_claim& c);

  const raw_device& device_;
  const std::vector<zoned::zone_index> rings_;
  const survey& from_;
  rebuilt_tree& objects_;
  rebuilt_tree& zones_;
  std::map<std::uint32_t, zone_entry> entries_;
  std::map<object_id, std::uint64_t> counts_;
  std::vector<place> disputed_;  ///< They ascend and do not overlap.
  std::map<std::uint32_t, std::uint64_t> impossible_;
  std::vector<block_claim> loaded_;  ///< By object.
};

}  // namespace furrow::cli
