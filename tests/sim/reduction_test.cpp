// Runs that fail are made short, and what is left out of them does not come.
#include "sim/reduction.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "sim/simulation.hpp"

namespace {

using namespace furrow::sim;

template <class T>
bool has(const std::vector<T>& all, T one) {
  return std::ranges::find(all, one) != all.end();
}

TEST_CASE(
    "A run that fails by an append and a loss of power behind the 37th operation is made that, and nothing more") {
  std::size_t runs = 0;
  const auto fails = [&runs](const reduction& r) {
    ++runs;
    return r.operations >= 37 && !has(r.actions, action::append) && !has(r.faults, fault::power_loss);
  };
  const reduction r = shorten({2500, {}, {}}, fails);
  CHECK(r.operations == 37);
  CHECK(r.faults.size() == fault_count - 1);
  CHECK(!has(r.faults, fault::power_loss));
  for (std::size_t a = 0; a < action_count; ++a) {
    const action one = static_cast<action>(a);
    CHECK(has(r.actions, one) == (may_leave_out(one) && one != action::append));
  }
  CHECK(runs < 300);
}

TEST_CASE("What a command leaves out is never asked, and never comes") {
  reduction r{800, {}, {}};
  for (const char* name : {"append", "write", "power_loss", "process_end", "shortened"}) REQUIRE(leave_out(r, name));
  CHECK(!leave_out(r, "create_named"));
  CHECK(!leave_out(r, "no such thing"));
  CHECK(r.names() == "append,write,power_loss,process_end,shortened");
  for (std::uint64_t seed = 1; seed < 30; ++seed) {
    scenario s = draw_scenario(seed);
    apply(r, s);
    simulation run{s, nullptr};
    if (!run.format()) continue;
    run.run(r.operations);
    const totals t = run.result();
    CHECK(t.by_action[static_cast<std::size_t>(action::append)] == 0);
    CHECK(t.by_action[static_cast<std::size_t>(action::write)] == 0);
    CHECK(t.short_completions == 0);
    CHECK(t.power_losses == 0);
  }
}

}  // namespace
