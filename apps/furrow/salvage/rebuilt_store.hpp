// Objects of a store that does not open, or of parts of it that it cannot look up: from the cells that are left of its trees.
//
// A block comes out only if a run that is left has a sum for its place, what lies there has that sum, and the run, or a hint,
// says that it was written for, or cloned to, this block of this object. So a place that was given to another object since
// never passes for the old one's; a hint counts only where it was true when the run was (rebuilt_tree R2). Bytes of a tail or of attributes, which have no sum of their own, come out only where they
// were true when the object's entry was (rebuilt_tree R2). A store without sums has nothing to hold its blocks to: none come out.
//
// Invariants
//   T1  An object's end is its entry's, or, where that is lost, the end of its last block.
//   T2  Where fewer blocks are found than the entry counts, what has no extent is named as lost; else it is a hole.
//   T3  Objects that were removed, as far as is known, are not found; nor is a doomed range.
//
// Not here: what the journal says behind the last checkpoint.
#pragma once

#include <vector>

#include "furrow/salvage/object_source.hpp"
#include "furrow/salvage/rebuilt_tree.hpp"

namespace furrow::cli {

class rebuilt_store : public object_source {
 public:
  rebuilt_store(raw_device& device, rebuilt_tree& objects, rebuilt_tree& zones)
      : device_{device}, objects_{objects}, zones_{zones} {}
  [[nodiscard]] found find(object_id id, object_status& to) override;
  void read(const take_piece& take) override;

 private:
  struct extent {
    std::uint64_t block = 0;
    std::uint64_t blocks = 0;
    zoned::device_address address;
  };
  struct entry {
    std::optional<format::object_value> value;
    cell_origin from;
    std::vector<std::byte> tail;
    std::vector<std::byte> attributes;
    std::vector<extent> extents;
  };
  /// What is to be known of a block before it is given out.
  struct proof {
    bool known = false;  ///< There is a run of it.
    bool ours = false;
    std::uint32_t sum = 0;
    cell_origin from;
  };

  [[nodiscard]] bool load(object_id id);
  void load_cell(const rebuilt_cell& cell);
  [[nodiscard]] bool removed(object_id id);
  void read_extent(const extent& e, const take_piece& take);
  void read_piece(const extent& e, const take_piece& take);
  [[nodiscard]] std::vector<proof> proofs_of(const extent& e);
  /// Empty: the block may be given out.
  [[nodiscard]] static std::string fault_of(const proof& of, std::span<const std::byte> block);
  void look_at_hints(const extent& e, std::vector<proof>& proofs);
  void lost(std::uint64_t begin, std::uint64_t end, const take_piece& take, const char* why);

  raw_device& device_;
  rebuilt_tree& objects_;
  rebuilt_tree& zones_;
  object_id id_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t first_doomed_ = 0;
  std::uint64_t end_doomed_ = 0;
  entry entry_;
};

}  // namespace furrow::cli
