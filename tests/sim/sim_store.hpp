// A core on a simulated device: the driver's part, without an executor.
//
// Invariants
//   I1  The core is called as its calling sequence says; commands that the device does not take wait in their order.
//   I2  Memory of the core outlives the commands that name it: interrupt() settles them before the core goes.
//
// Not here: what is asked of the store (workload.hpp), and when it is interrupted (simulation.hpp).
#pragma once

#include <memory>
#include <vector>

#include "core/core.hpp"
#include "sim/sim_device.hpp"

namespace furrow::sim {

/// Whether the core is being called, so that its allocations can be told from others.
inline bool core_is_called = false;

class sim_store {
 public:
  sim_store(sim_device& device, const store_options& options, std::uint64_t seed);

  /// Begins a life: a core that has not been opened.
  void start(bool for_repair = false, bool for_reading = false);
  /// Ends it with commands in flight.
  void interrupt(interruption how);
  /// Ends it after a close (or a refused open): nothing may be in flight.
  void end();
  [[nodiscard]] bool running() const { return core_ != nullptr; }

  /// The id to expect in the answer.
  core::operation_id send(core::request_body body);
  /// The next answer or event that is ready.
  [[nodiscard]] bool poll(core::notification& to);
  /// Moves the device on, or ticks if there is nothing to move.
  void step();
  /// Sends and steps until the answer is there. Other answers meanwhile are an error; events are dropped.
  [[nodiscard]] core::notification ask(core::request_body body);

  /// Allocations of the core that failed; whoever fails them counts them here, and stops when memory is back.
  void memory_lacked() { ++memory_failures_; }
  void memory_is_back() { memory_may_lack_ = false; }
  [[nodiscard]] bool memory_may_lack() const { return memory_may_lack_; }
  [[nodiscard]] std::uint64_t memory_failures() const { return memory_failures_; }

  [[nodiscard]] bool idle() const { return waiting_.empty() && device_.in_flight() == 0; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  /// Sent so far.
  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  [[nodiscard]] sim_device& device() { return device_; }

 private:
  void forward();

  sim_device& device_;
  store_options options_;
  prng chance_;
  std::unique_ptr<core::core> core_;
  std::vector<zoned::command> waiting_;
  bool stirred_ = false;  ///< The core was called since it was asked for commands.
  std::vector<zoned::completion> completions_;
  std::uint64_t requests_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t memory_failures_ = 0;
  bool memory_may_lack_ = true;
  static constexpr std::int64_t begin_ns = 1'700'000'000'000'000'000;
  std::int64_t now_ns_ = begin_ns;
};

}  // namespace furrow::sim
