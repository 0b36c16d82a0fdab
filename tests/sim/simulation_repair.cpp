// Of simulation.hpp: before some opens the store is opened for repair, with failures and interruptions. Nothing of it is
// damaged but what failures have made of the copies of metadata and of zones: a repair changes nothing else, and what the
// store holds is looked at by the open behind it.
#include <fmt/format.h>

#include "sim/failure.hpp"
#include "sim/simulation.hpp"

namespace furrow::sim {

namespace {

constexpr std::uint64_t one_seed_in = 8;  // others do what they always did
constexpr std::uint64_t steps_max = 5'000'000;

bool is_of_a_copy(const repair_change& c) { return c.what.starts_with("a copy of"); }

}  // namespace

void simulation::repair_before_open() {
  prng own{mix(scenario_.seed) ^ device_.executed()};
  if (scenario_.seed % one_seed_in != one_seed_in - 1 || !own.chance(300)) return;
  const std::uint64_t failures = device_.faults().failures();
  device_.faults().allow_failures(own.chance(500));
  device_.zone_faults().allow(false);
  store_.start(true);
  for (core::request_body r : {core::request_body{core::open_request{}}, core::request_body{core::repair_request{}},
                               core::request_body{core::close_request{}}})
    static_cast<void>(store_.send(std::move(r)));
  const std::uint64_t limit = own.chance(300) ? own.scaled(1, 600) : steps_max;
  std::uint32_t answers = 0;
  bool failed = false;
  core::notification n;
  for (std::uint64_t i = 0; i < limit && answers < 3; ++i) {
    while (store_.poll(n)) {
      if (n.id.value == 0) continue;
      ++answers;
      failed = failed || n.error;
      if (n.error && device_.faults().failures() == failures && n.error != errc::damaged)
        throw broken_promise{fmt::format("a repair: {} {}", n.error.message(), n.detail.what)};
      if (const auto* const r = std::get_if<repair_result>(&n.result)) {
        for (const repair_change& c : r->changes)
          if (!is_of_a_copy(c)) throw broken_promise{"a repair of a sound store changes it: " + c.what};
        ++totals_.repairs;
      }
    }
    if (answers < 3) store_.step();
  }
  device_.faults().allow_failures(false);
  if (answers < 3 && limit == steps_max) throw broken_promise{"a repair hangs"};
  if (answers == 3 && !failed) return store_.end();
  ++totals_.repairs_interrupted;
  store_.interrupt(own.chance(300) ? interruption::process_end : interruption::power_loss);
}

}  // namespace furrow::sim
