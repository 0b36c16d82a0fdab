// A zoned device that does all that its promises allow: completes in any order, places appends in any order, shortens
// them, fails them, and forgets what it was not made to keep.
//
// States of a command
//   submitted   -> executed: at any time after submit, in any order     -> settled by interrupt(): whole, partly, not
//   at all executed    -> reaped: at any time after, in any order              -> its completion is never seen
//
// Invariants
//   I1  Everything is drawn from one seed; nothing depends on time or addresses (trace::hash tells).
//   I2  What the engine may not ask is noted in complaint(): more than the promises, or what a device has to refuse.
//   I3  Memory of a command is touched between submit and the return of its completion (or of interrupt) only.
//
//   I4  A device without an append of its own executes the appends of a zone in order. When one fails, those that wait
//       behind it are cancelled, and its completion tells where it was to begin.
//
// Not here: state and bytes of zones (zoned/src/memory/memory_zones.hpp), what a cache loses (cache_model.hpp), which
// commands fail (faults.hpp), how long they take (drive_times.hpp), what zones become (zone_faults.hpp), what is not as it was said (lies.hpp).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "furrow/zoned/device.hpp"
#include "memory/memory_zones.hpp"
#include "sim/cache_model.hpp"
#include "sim/drive_times.hpp"
#include "sim/faults.hpp"
#include "sim/lies.hpp"
#include "sim/random.hpp"
#include "sim/trace.hpp"
#include "sim/zone_faults.hpp"

namespace furrow::sim {

/// How unruly the order is.
struct disorder {
  bool in_order = false;             ///< Execute and complete in the order of submission.
  std::uint32_t slow_per_mille = 0;  ///< Of commands that wait until nearly nothing else is left.
  std::uint32_t burst_max = 4;       ///< Commands moved on in one call of reap.
  drive times = drive::timeless;     ///< In the order of a real one's times instead.
  bool stale_bytes = false;          ///< Bytes that the power took are still on the medium, behind the write pointer.
};

class sim_device final : public zoned::device {
 public:
  sim_device(const zoned::geometry& shape, std::vector<zoned::zone_info> zones, const zoned::guarantees& promises,
             const fault_weights& faults, const disorder& order, std::uint64_t seed,
             const zone_fault_weights& zone_faults = {}, const lie_weights& lies = {});
  /// On zones that hold something already; nothing fails, and all goes in order.
  sim_device(zoned::memory_zones image, const zoned::guarantees& promises, std::uint64_t seed);
  ~sim_device() override;

  [[nodiscard]] const zoned::geometry& shape() const noexcept override { return zones_.shape(); }
  [[nodiscard]] const zoned::guarantees& promises() const noexcept override { return promises_; }
  [[nodiscard]] std::size_t submit(std::span<const zoned::command> commands) override;
  /// Moves some of the commands on. May give nothing though commands are in flight; not for ever.
  [[nodiscard]] std::size_t reap(std::span<zoned::completion> out) override;
  [[nodiscard]] int completion_fd() const noexcept override;
  void cancel(zoned::command_id id) noexcept override;
  [[nodiscard]] std::string name() const override { return "simulated"; }

  /// The power goes, or the process that used the device. Nothing is in flight afterwards.
  void interrupt(interruption how);

  [[nodiscard]] std::size_t in_flight() const { return pending_.size(); }
  [[nodiscard]] std::uint64_t commands() const { return commands_; }
  [[nodiscard]] std::uint64_t executed() const { return executed_; }
  [[nodiscard]] const std::optional<std::string>& complaint() const { return complaint_; }
  [[nodiscard]] fault_plan& faults() { return faults_; }
  [[nodiscard]] sim::zone_faults& zone_faults() { return zone_faults_; }
  [[nodiscard]] const sim::zone_faults& zone_faults() const { return zone_faults_; }
  [[nodiscard]] sim::lies& lies() { return lies_; }
  [[nodiscard]] std::uint64_t faults_injected() const { return faults_.failures(); }
  /// Commands that have been answered with an error, of their own; and the number of the last of them to that zone.
  [[nodiscard]] std::uint64_t errors_told() const { return errors_told_; }
  [[nodiscard]] std::uint64_t last_error_of(zoned::zone_index zone) const { return last_errors_[zone.value]; }
  /// Of appends, in a row.
  [[nodiscard]] std::uint64_t appends_failed() const { return appends_failed_; }
  [[nodiscard]] const drive_times& clock() const { return clock_; }
  [[nodiscard]] sim::trace& trace() { return trace_; }
  [[nodiscard]] std::uint64_t trace_hash() const { return trace_.hash(); }
  [[nodiscard]] zoned::memory_zones& zones() { return zones_; }

 private:
  struct pending {
    zoned::command what;
    zoned::completion done;
    fate destiny = fate::whole;
    bool executed = false;
    bool slow = false;
    std::uint64_t serial = 0;
    nanoseconds due = 0;
    std::uint64_t generation = 0;  // of the zone, when it was executed
    std::uint64_t end_bytes = 0;   // behind what landed
    std::uint64_t overwrite = 0;
    cache_model::ticket flush = 0;
  };

  void check_promises(const zoned::command& c);
  void complain(const zoned::command& c, const std::string& why);
  [[nodiscard]] std::size_t choose();
  [[nodiscard]] nanoseconds due_time(const zoned::command& c);
  [[nodiscard]] std::size_t reap_due(std::span<zoned::completion> out);
  void remove(std::size_t index);
  void execute(pending& p);
  void execute_append(pending& p);
  void fail_append(pending& p, zoned::errc why, zoned::place at);
  void spoil(zoned::place begin, std::uint64_t bytes);
  void obscure(const zoned::command& report);
  void execute_write(pending& p, std::uint64_t bytes);
  void execute_other(pending& p);
  void give_out(pending& p);
  [[nodiscard]] std::uint64_t part_of(std::uint64_t bytes, std::uint64_t least);
  [[nodiscard]] zoned::command front_of(const zoned::command& c, std::uint64_t bytes);
  void tear_overwrite(const zoned::command& c);
  void interrupt_one(pending& p, interruption how);

  zoned::memory_zones zones_;
  zoned::guarantees promises_;
  cache_model cache_;
  fault_plan faults_;
  sim::zone_faults zone_faults_;
  sim::lies lies_;
  disorder order_;
  drive_times clock_;
  prng chance_;
  sim::trace trace_;
  std::vector<pending> pending_;
  std::vector<std::uint32_t> appends_in_flight_;
  std::vector<zoned::segment> front_segments_;
  std::optional<std::string> complaint_;
  std::uint64_t commands_ = 0;
  std::uint64_t executed_ = 0;
  std::uint64_t errors_told_ = 0;
  std::uint64_t appends_failed_ = 0;
  std::vector<std::uint64_t> last_errors_;  // by zone
  mutable int completion_fd_ = -1;
};

}  // namespace furrow::sim
