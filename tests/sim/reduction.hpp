// A seed that fails, made short: fewer operations, of fewer kinds, with fewer kinds of faults, as long as it fails.
//
// Invariants
//   D1  What comes out fails, and each step left of it alone does not: one kind more left out, or one operation fewer.
//
// Not here: running it (sim_main.cpp).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/swarm.hpp"

namespace furrow::sim {

/// What is left out of a scenario.
struct reduction {
  std::uint64_t operations = 0;
  std::vector<action> actions;
  std::vector<fault> faults;

  /// Names of actions and faults, as `--without` takes them; empty if nothing is left out.
  [[nodiscard]] std::string names() const;
};

/// Those that a run cannot do without are none.
[[nodiscard]] bool may_leave_out(action a);
/// Adds what the name means; false if it means nothing, or nothing that can be left out.
[[nodiscard]] bool leave_out(reduction& r, const std::string& name);
void apply(const reduction& r, scenario& s);

/// Begins with one that fails.
[[nodiscard]] reduction shorten(reduction r, const std::function<bool(const reduction&)>& fails);

}  // namespace furrow::sim
