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

  /// Looks at all zones.
  [[nodiscard]] store_health now() const;
  /// An event when it has become degraded, and one when it is no more.
  void step() {
    if (is_degraded() != degraded_) tell();
  }

 private:
  [[nodiscard]] bool is_degraded() const { return c_.damaged || c_.ring->copies_lost() > 0 || is_any_needed(); }
  [[nodiscard]] bool is_any_needed() const;
  void tell();

  context& c_;
  bool degraded_ = false;
};

}  // namespace furrow::core
