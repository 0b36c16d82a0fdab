// Objects of a store that opens, however damaged it is.
//
// Invariants
//   S1  What fails is halved until it is one block: so no block is lost for another one's fault.
//   S2  Of one object at most failures_max lookups or reads fail; then the rest of it is named as lost, not looked at.
#pragma once

#include "furrow/engine/blocking.hpp"
#include "furrow/salvage/object_source.hpp"

namespace furrow::cli {

class store_source : public object_source {
 public:
  explicit store_source(const blocking_store& store) : store_{store} {}
  [[nodiscard]] found find(object_id id, object_status& to) override;
  void read(const take_piece& take) override;

 private:
  void look(std::uint64_t begin, std::uint64_t end, const take_piece& take);
  void read_data(std::uint64_t begin, std::uint64_t end, std::optional<zoned::zone_index> zone, const take_piece& take);
  [[nodiscard]] bool given_up(std::uint64_t begin, std::uint64_t end, const take_piece& take);

  const blocking_store& store_;
  blocking_object object_;
  std::uint64_t bytes_ = 0;
  std::uint64_t failures_ = 0;
  std::vector<std::byte> memory_;
};

}  // namespace furrow::cli
