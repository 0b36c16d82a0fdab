// What a store lacks, and telling when it begins or ends to.
//
// Not here: what is done about it (evacuation, superblock_ring, scrub).
#pragma once

#include "core/evacuation.hpp"
#include "core/superblock_ring.hpp"
#include "furrow/engine/health.hpp"

namespace furrow::core {

class health {
 public:
  explicit health(context& c) : c_{c} {}

  /// Looks at all zones if some have changed.
  [[nodiscard]] store_health now();
  /// An event when it has become degraded, and one when it is no more.
  void step() {
    if (is_degraded() != degraded_) tell();
  }

 private:
  [[nodiscard]] bool is_degraded() const { return c_.damaged || c_.ring->copies_lost() > 0 || is_any_needed(); }
  [[nodiscard]] bool is_any_needed() const;
  void tell();
  void look_at_zones();

  context& c_;
  std::uint64_t looked_at_ = ~std::uint64_t{0};  ///< zones.changes()
  std::uint32_t bad_ = 0;
  std::vector<std::uint32_t> retired_;
  bool degraded_ = false;
};

}  // namespace furrow::core
