// Objects of a store that does not open, or of parts of it that it cannot look up: from the cells that are left of its trees,
// and from what the journal says behind them.
//
// A block comes out only if a run that is left, or the journal, has a sum for its place, what lies there has that sum, and it,
// or a hint, says that it was written for, or cloned to, this block of this object. So a place that was given to another object
// since never passes for the old one's; a hint counts only where it was true when the run was (rebuilt_tree.hpp). Bytes of a
// tail or of attributes, which have no sum of their own, come out only where they were true when the object's entry was. A
// store without sums has nothing to hold its blocks to: none come out.
//
// An object of which neither a cell nor a record is left can be given what the zone tree's claims to it come to, adopt(): its
// blocks are held to the same.
//
// Records of the journal say what is, not what changes: an extent, an end, a name. So those that are in the trees already
// can be applied again, as long as all behind them are applied too.
//
// Invariants
//   T1  An object's end is its entry's, or the journal's; where both are lost, the end of its last block.
//   T2  Where fewer blocks are found than the entry counts, what has no extent is named as lost; else it is a hole.
//   T3  Objects that were removed, as far as is known, are not found; nor are blocks that are doomed.
//   T4  In memory are one object, and all that the journal is about: as much as its records take, whatever they say.
//   T5  What a record of the journal says of places holds until a later one gives them to others: each has its turn.
//
// Not here: which groups are the journal's (rebuilt_journal.hpp), which claim is the newest (zone_claims.hpp).
#pragma once

#include <map>
#include <vector>

#include "furrow/salvage/claim_order.hpp"
#include "furrow/salvage/object_source.hpp"
#include "furrow/salvage/rebuilt_tree.hpp"

namespace furrow::cli {

class rebuilt_store : public object_source {
 public:
  rebuilt_store(raw_device& device, rebuilt_tree& objects, rebuilt_tree& zones)
      : device_{device}, objects_{objects}, zones_{zones} {}
  [[nodiscard]] found find(object_id id, object_status& to) override;
  void read(const take_piece& take) override;

  /// The next record of the journal.
  void apply(const format::record_body& body);
  /// Objects that records were about.
  [[nodiscard]] std::vector<object_id> in_journal() const;
  /// From now on, and until the next one is adopted, this is what the object is found to be. Nothing else is left of it,
  /// except for what leads to it by a name.
  void adopt(object_id id, const format::name_parts& name, std::span<const claimed_extent> extents);

 private:
  struct extent {
    std::uint64_t blocks = 0;
    zoned::device_address address;
    std::uint64_t named_at = 0;  ///< The turn of the clone or move that gave it its blocks; 0 if none did.
    claim_answer place = claim_answer::one;
    [[nodiscard]] extent part(std::uint64_t first, std::uint64_t end) const {
      return {end - first, address.advanced(first), named_at, place};
    }
  };
  struct entry {
    bool known = false;     ///< It was created, as far as is left.
    bool complete = false;  ///< All its blocks were found.
    bool gone = false;
    bool adopted = false;
    format::object_value value;
    format::attribute_set attributes;
    std::vector<std::byte> tail;
    std::map<std::uint64_t, extent> extents;  ///< By the object's block. They do not overlap.
  };
  /// What is to be known of a block before it is given out.
  struct proof {
    bool known = false;  ///< There is a run of it.
    bool ours = false;
    std::uint32_t sum = 0;
    cell_origin from;
  };
  struct written {
    std::uint64_t blocks = 0;
    object_id object = 0;
    std::uint64_t object_block = 0;
    std::uint64_t turn = 0;
    std::vector<std::uint32_t> sums;  ///< None of data without.
    [[nodiscard]] written part(std::uint64_t first, std::uint64_t end) const;
  };
  struct piece {
    std::uint64_t block = 0;
    std::uint64_t blocks = 0;
    zoned::device_address address;
    std::uint64_t named_at = 0;
  };
  struct applier;

  [[nodiscard]] entry load(object_id id);
  void load_mark(object_id id, entry& to);
  /// The object as the journal has left it so far.
  entry& changed(object_id id);
  static void cut(entry& from, std::uint64_t first, std::uint64_t end);
  static void put(entry& to, const format::object_extent& e, std::uint64_t named_at = 0);
  /// From now on the journal says of these places what `w` says.
  void write(zoned::device_address address, written w);
  void read_extents(std::uint64_t whole_end, const take_piece& take);
  void read_piece(const piece& p, const take_piece& take);
  [[nodiscard]] std::vector<proof> proofs_of(const piece& p);
  void look_at_hints(const piece& p, std::vector<proof>& proofs);
  void look_at_journal(const piece& p, std::vector<proof>& proofs) const;
  /// Empty: the block may be given out.
  [[nodiscard]] static std::string fault_of(const proof& of, std::span<const std::byte> block);
  void lost(std::uint64_t begin, std::uint64_t end, const take_piece& take, const char* why,
            std::optional<zoned::zone_index> zone = {}) const;
  [[nodiscard]] const char* why_no_end() const;

  raw_device& device_;
  rebuilt_tree& objects_;
  rebuilt_tree& zones_;
  object_id id_ = 0;
  entry entry_;
  std::map<object_id, entry> changed_;
  object_id adopted_id_ = 0;
  entry adopted_;
  std::uint64_t turn_ = 0;                    ///< Of the record that is being applied.
  std::map<std::uint64_t, written> written_;  ///< By the first raw address: they do not overlap.
};

}  // namespace furrow::cli
