// A short life in which one thing fails, at a place that the caller counts up.
#include <new>

#include "sim/simulation.hpp"

namespace furrow::sim {

/// What fails for good is replaced before the store is opened again.
void simulation::mend() {
  device_.faults().fail_nth({});
  store_.memory_is_back();
}

/// A core that ran out of memory is destroyed: as after a loss of power.
void simulation::step_of_script(const std::function<void()>& what) {
  try {
    return what();
  } catch (const std::bad_alloc&) {
    mend();
  }
  if (!store_.running()) return open(false);
  ++totals_.recoveries;
  store_.interrupt(interruption::power_loss);
  users_.forget_all();
  open(false);
}

void simulation::run_script(std::uint64_t operations) {
  scripted_ = check_data_ = true;
  next_interruption_ = ~std::uint64_t{0};
  step_of_script([&] { open(true); });
  step_of_script([&] { use_until(operations / 3); });
  step_of_script([&] { interrupt(); });
  step_of_script([&] { use_until(2 * operations / 3); });
  step_of_script([&] { close_and_reopen(); });
  step_of_script([&] { use_until(operations); });
  bool clean = false;
  step_of_script([&] { clean = drain_close(); });
  if (store_.running()) clean = drain_close();
  step_of_script([&] { open(clean); });
  step_of_script([&] { static_cast<void>(drain_close()); });
  if (store_.running()) static_cast<void>(drain_close());
}

}  // namespace furrow::sim
