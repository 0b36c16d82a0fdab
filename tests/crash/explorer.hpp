// Cuts workloads: runs each once, and looks at every state that a loss of power may leave at each moment of it.
//
// What is held of each state, besides what inspector.hpp says
//   1  it is what the store held after some of the workload's publications
//   2  after no fewer than were durable at that moment
//   3  (of some) if recovery is cut in its turn, what the next one finds is the same
//
// Beside what a loss of power leaves, at each moment is looked at what is there when the process ends: all that was
// submitted, in zones that are still open. In half of the states, drawn by their hash, bytes that were lost are still behind
// the write pointer.
//
// Invariants
//   I1  A state is looked at once, whatever workloads and moments it belongs to; what was found is held to each of them.
//   I2  Which states are looked at does not depend on those that were before, but for I1.
//
// Not here: which workloads (crash_main.cpp).
#pragma once

#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "crash/command_watch.hpp"
#include "crash/enumerate.hpp"
#include "crash/inspector.hpp"
#include "crash/starts.hpp"

namespace furrow::crash {

struct workload {
  start from{};
  std::vector<kind> kinds;
};
[[nodiscard]] std::string describe(const workload& w);

struct choice {
  std::uint64_t seed = 1;
  std::uint64_t product_max = product_max_default;
  std::uint32_t keep_per_mille = 1000;    ///< States that are looked at, of those that there are.
  std::uint32_t reopen_per_mille = 1000;  ///< Of these, of which a second open is looked at,
  std::uint32_t recut_per_mille = 250;    ///< and of which recovery is cut.
  std::uint64_t states_max = ~std::uint64_t{0};
  std::optional<std::uint64_t> only_state;
  bool flushes_lie = false;
  bool no_cache = false;  ///< A device that has no volatile write cache.
  bool verbose = false;
};

struct totals {
  std::uint64_t workloads = 0;
  std::uint64_t cuts = 0;        ///< Moments: each command submitted, and each completed.
  std::uint64_t states = 0;      ///< At all moments,
  std::uint64_t distinct = 0;    ///< that were looked at.
  std::uint64_t skipped = 0;     ///< Distinct for a workload, and not looked at.
  std::uint64_t partial = 0;     ///< Moments with too many states for all of them.
  std::uint64_t impossible = 0;  ///< That no device could be left in.
  std::uint64_t reopened = 0;
  std::uint64_t recoveries_cut = 0;
  std::uint64_t refused = 0;  ///< Operations, for want of space.
  std::uint64_t lost = 0;     ///< States in which something that was asked is not there.
  std::uint64_t blocks_moved = 0;
  std::uint64_t zone_resets = 0;
  std::uint64_t checkpoints = 0;
  std::array<std::uint64_t, command_kind_count> cuts_by_command{};
  std::array<std::uint64_t, command_kind_count> states_by_command{};
  std::array<std::uint64_t, kind_count> by_kind{};
  std::array<std::uint64_t, start_count> by_start{};
  std::array<std::uint64_t, cleaner_step_count> cuts_by_step{};
};

/// What was broken, and where: enough to do it again.
struct broken_state : std::runtime_error {
  broken_state(workload of, std::optional<std::uint64_t> state_hash, const std::string& why)
      : std::runtime_error{why}, what_of{std::move(of)}, hash{state_hash} {}
  workload what_of;
  std::optional<std::uint64_t> hash;
};

class explorer {
 public:
  explicit explorer(const choice& how) : how_{how} {}

  /// Throws broken_state.
  void explore(const workload& w);
  [[nodiscard]] bool done() const { return totals_.distinct >= how_.states_max; }
  [[nodiscard]] const totals& result() const { return totals_; }

  /// Called before a workload is run, and before a state of it is looked at: for who reports an assertion of the engine.
  std::function<void(const workload&, std::optional<std::uint64_t> hash)> before_workload;

 private:
  struct cut {
    moment what;
    std::size_t durable = 0;
    command_kind during{};
    std::uint64_t number = 0;
  };
  struct recording {
    std::vector<cut> cuts;
    std::vector<contents> states;
    std::vector<std::uint64_t> digests;
    object_id id_max = 0;
  };

  class lottery;

  const start_state& start_of(start s);
  recording record(const workload& w);
  void explore_cut(const workload& w, const recording& r, const cut& c);
  void try_state(const workload& w, const recording& r, const cut& c, std::span<const std::uint32_t> outcome,
                 std::uint64_t hash, bool power_lost);
  [[nodiscard]] std::uint64_t look(const workload& w, const recording& r, const zoned::memory_zones& image,
                                   std::uint64_t hash);
  void judge(const recording& r, const cut& c, std::uint64_t digest) const;
  [[nodiscard]] contents recover(const start_state& from, const recording& r, const zoned::memory_zones& image,
                                 bool reopen, lottery* cuts);
  void cut_again(const start_state& from, const recording& r, lottery cuts, std::uint64_t digest);

  choice how_;
  totals totals_;
  std::array<std::unique_ptr<start_state>, start_count> starts_;
  std::unordered_map<std::uint64_t, std::uint64_t> verdicts_;  // by state: the digest of what it holds
  contents found_;                                             // in the state that was looked at last
};

}  // namespace furrow::crash
