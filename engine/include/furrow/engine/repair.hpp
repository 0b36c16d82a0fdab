// What a repair of a store has changed, or would change, and what it leaves.
//
// Only what follows with certainty from what is sound is changed: what was counted is counted anew, an entry of which
// everything else says the same is made so, a copy is written from the other one. Data are never touched, and no sum is
// made to fit.
#pragma once

#include <string>
#include <vector>

#include "furrow/engine/check.hpp"

namespace furrow {

struct repair_change {
  std::string what;  ///< One line.
  error_detail detail;
  std::string from;  ///< What was there; empty: nothing.
  std::string to;    ///< What is there now; empty: nothing.
};

struct repair_result {
  bool applied = false;  ///< false: the store was opened read-only, and this is what would be changed.
  std::vector<repair_change> changes{};
  check_result left{};  ///< What a check found afterwards, or, if nothing was applied, what none of the changes mends.
};

}  // namespace furrow
