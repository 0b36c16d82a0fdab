// furrow check --repair: mends what follows with certainty, after it was asked for; the rest is named, with why it is left.
//
// Invariants
//   I1  Without consent (--yes, or an answer on a terminal) the store is opened read-only, and nothing is changed.
//   I2  Each change is in the log: what, where, what was there and what is there now.
//
// Not here: what can be mended (engine/core/checker), how (engine/core/repairer).
#pragma once

#include <string>

#include "command.hpp"

namespace furrow::cli {

struct repair_arguments {
  std::string uri;
  bool yes = false;
  bool json = false;
  std::string log;  ///< A file that lines are added to; empty: standard error.
};

[[nodiscard]] exit_status repair_store(const repair_arguments& a);

}  // namespace furrow::cli
