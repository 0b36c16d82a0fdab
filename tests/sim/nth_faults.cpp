// One short life of a store, again and again: each command of it fails in turn, each allocation of the core, once, or it and all
// that follow until the next open. What was answered as durable is there afterwards, errors have their cause, nothing hangs
// (the oracle of the simulator), and all memory is given back.
//
// FURROW_NTH_STRIDE=N takes every Nth place, 1 all; FURROW_NTH_SEED=N another life.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "sim/failure.hpp"
#include "sim/simulation.hpp"
#include "support/failing_memory.hpp"

namespace {

using namespace furrow::sim;
using furrow::test::blocks_alive;

std::uint64_t core_asked = 0;   // allocations of the core
std::uint64_t first_fails = 0;  // of these; 0: none does
bool all_after_fail = false;
sim_store* to_be_told = nullptr;

bool fails() {
  if (!core_is_called || to_be_told == nullptr || !to_be_told->memory_may_lack()) return false;
  ++core_asked;
  if (first_fails == 0 || !(core_asked == first_fails || (all_after_fail && core_asked > first_fails))) return false;
  to_be_told->memory_lacked();
  return true;
}

constexpr std::uint64_t operations = 150;
constexpr std::uint64_t usual_seed = 28;  // one in which all is done

std::uint64_t number_given(const char* name, std::uint64_t usual) {
  const char* const given = std::getenv(name);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : usual;
}

struct place {
  std::uint64_t command = 0;     // the Nth command fails,
  std::uint64_t allocation = 0;  // or the Nth allocation
  bool persistent = false;
};

struct came_to {
  totals result;
  std::uint64_t allocations = 0;
  std::uint64_t memory_failures = 0;
};

/// Throws broken_promise.
came_to live(const place& p) {
  const scenario s = draw_script_scenario(number_given("FURROW_NTH_SEED", usual_seed));
  simulation run{s, nullptr};
  REQUIRE(run.format());
  if (p.command != 0) run.device().faults().fail_nth({p.command, p.persistent, {}});
  core_asked = 0;
  furrow::test::allocation_fails = fails;
  first_fails = p.allocation;
  all_after_fail = p.persistent;
  to_be_told = &run.store();
  run.run_script(operations);
  to_be_told = nullptr;
  return {run.result(), core_asked, run.store().memory_failures()};
}

/// Whether the place was reached.
bool live_and_look(const place& p) {
  const std::string where = std::string{p.command != 0 ? "command " : "allocation "} +
                            std::to_string(p.command + p.allocation) + (p.persistent ? " and all after it" : "");
  const std::int64_t before = blocks_alive;
  bool reached = false;
  try {
    const came_to c = live(p);
    reached = (p.command != 0 ? c.result.failures_injected : c.memory_failures) > 0;
  } catch (const broken_promise& e) {
    to_be_told = nullptr;
    FAIL(where, ": ", std::string{e.what()});
  }
  if (blocks_alive != before) FAIL(where, ": ", blocks_alive - before, " pieces of memory are not given back");
  return reached;
}

}  // namespace

TEST_CASE("The script has everything in it") {
  const came_to c = live({});
  CHECK(c.result.operations >= 60);
  CHECK(c.result.recoveries > 0);
  CHECK(c.result.clean_reopens > 0);
  CHECK(c.result.checkpoints > 0);
  CHECK(c.result.blocks_moved > 0);
  CHECK(c.result.zone_resets > 0);
  for (const action a :
       {action::append, action::read, action::write, action::clone, action::punch, action::truncate, action::rename,
        action::remove, action::batch, action::sync_store, action::checkpoint, action::clean}) {
    const std::string name = name_of(a);
    CAPTURE(name);
    CHECK(c.result.done_by_action[static_cast<std::size_t>(a)] > 0);
  }
  MESSAGE(c.result.operations, " operations, ", c.result.commands, " commands, ", c.allocations, " allocations");
}

TEST_CASE("Whichever command fails, once or with all that follow") {
  const std::uint64_t stride = number_given("FURROW_NTH_STRIDE", 1);
  std::uint64_t runs = 0;
  for (const bool persistent : {false, true})
    for (std::uint64_t n = 1; live_and_look({n, 0, persistent}); n += stride) ++runs;
  CHECK(runs * stride > 4 * operations);  // an operation has more than two commands, and each fails in two lives
  MESSAGE(runs, " lives of ", operations, " operations");
}

TEST_CASE("Whichever allocation fails, once or with all that follow") {
  const std::uint64_t stride = number_given("FURROW_NTH_STRIDE", FURROW_NTH_STRIDE);
  std::uint64_t runs = 0;
  for (const bool persistent : {false, true})
    for (std::uint64_t n = 1; live_and_look({0, n, persistent}); n += stride) ++runs;
  CHECK(runs * stride + 2 >= 2 * live({}).allocations);
  MESSAGE(runs, " lives of ", operations, " operations");
}
