// Recomputes from the trees what the store believes, and on demand reads every block.
//
// What is compared
//   object entry      its blocks, extent count and end == those of its extents and tail
//   name              leads to an object that bears it; an object's name leads back
//   extent            lies in a data zone, below its write pointer, overlaps no other, has sums
//   zone              live blocks == the sum of of the extents in it
//   block (data)      its sum
//
// Invariants
//   K1  Nothing is published while it runs, so it sees one state; what is accepted meanwhile waits.
//   K2  At most findings_max findings are kept; all are counted.
#pragma once

#include <functional>

#include "core/reader.hpp"

namespace furrow::core {

class checker {
 public:
  checker(context& c, reader& r) : c_{c}, reader_{r} {}
  void start(bool data, std::function<void(error_code, check_result)> call);
  [[nodiscard]] bool running() const { return call_ != nullptr; }

 private:
  enum class table : std::uint8_t { names, objects };
  void next();
  readiness look(const tree_cell& cell);
  readiness look_name(const format::name_parts& name, format::value_view value);
  void begin_object(object_id id, format::value_view value);
  void end_object();
  readiness look_extent(const format::extent_parts& parts, format::value_view value);
  void verify();
  void zones();
  void found(std::string what, error_detail detail = {});

  context& c_;
  reader& reader_;
  std::function<void(error_code, check_result)> call_;
  check_result out_;
  bool data_ = false;
  format::key from_;
  std::vector<std::uint64_t> live_;      // by zone
  std::vector<format::block_run> runs_;  // all extents, for overlap and for reading
  std::vector<object_id> owners_;        // of runs_, and where in the object each begins, in blocks
  std::vector<std::uint64_t> owner_blocks_;
  std::vector<std::size_t> order_;  // of runs_ by address: they are read in it
  std::size_t run_ = 0;
  // The object that is being looked at.
  object_id object_ = 0;
  format::object_value value_;
  std::uint64_t blocks_ = 0, extents_ = 0, end_block_ = 0, tail_bytes_ = 0;
};

}  // namespace furrow::core
