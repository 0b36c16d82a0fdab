// A store that is kept at its limit: appends, writes and deletes for as long as is asked, with nothing free but what the
// store keeps for itself, on devices so small, and with so few active zones, that one more zone makes the difference.
//
// What must hold
//   - Each operation is answered: who deletes always, who writes with success or no_space.
//   - no_space is true: asked again alone, with nothing else on its way, it is answered only if what is dead, or free, and
//     not the store's own reserve would not hold what was asked for and the slack (below).
//   - All blocks are what was written last; after a loss of power, too.
//   - In some plans there is a quota, below what the device holds: asked alone, quota_exceeded comes if and only if what is there
//     and what would be added are more, block by block; and what is there is told to the block.
//
// The slack is what no cleaner can win: a zone that is being written to for each stream of data, and its dead part.
//
// Invariants
//   I1  A plan is a function of its seed alone, and a run of its plan and its number of operations.
//   I2  An object has one operation on its way at a time, which is whole or has had no effect.
//
// Not here: faults, clones, names, batches (workload.hpp).
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "sim/placed_bytes.hpp"
#include "sim/sim_store.hpp"

namespace furrow::sim {

struct full_plan {
  std::uint64_t seed = 0;
  zoned::geometry shape;
  std::vector<zoned::zone_info> zones;
  zoned::guarantees promises;
  disorder order;
  fault_weights faults;
  store_options store;
  format_options format;
  std::uint32_t objects_max = 8;
  std::uint32_t in_flight_max = 4;
  std::uint32_t blocks_max = 8;             ///< Of one operation.
  std::uint32_t durable_per_mille = 100;    ///< Of what is written.
  std::uint32_t reopens_per_million = 100;  ///< Of the operations; half of them after a loss of power.
  std::uint64_t quota_blocks = 0;           ///< 0: none.
};
[[nodiscard]] full_plan draw_full_plan(std::uint64_t seed);
/// One line for people.
[[nodiscard]] std::string describe(const full_plan& p);

/// What runs have come to; adds up.
struct full_counts {
  std::uint64_t seeds = 0;
  std::uint64_t too_small = 0;
  std::uint64_t operations = 0;
  std::uint64_t appends = 0;
  std::uint64_t writes = 0;
  std::uint64_t deletes = 0;  ///< Of whole objects, their ends, and parts of them.
  std::uint64_t refused = 0;  ///< With no_space.
  std::uint64_t refusals_judged = 0;
  std::uint64_t quota_refused = 0;
  std::uint64_t quota_judged = 0;
  std::uint64_t reopens = 0;
  std::uint64_t power_losses = 0;
  std::uint64_t blocks_compared = 0;
  std::uint64_t blocks_moved = 0;
  std::uint64_t zones_cleaned = 0;
  std::uint64_t zone_resets = 0;
  std::uint64_t zone_finishes = 0;
  std::uint64_t finishes_waited = 0;
  std::uint64_t zones_prepared = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t slack_zones_seen = 0;  ///< The most that was left over at a refusal, beyond what was asked for.

  void add(const full_counts& other);
};

class full_store {
 public:
  /// `trace` may be null.
  full_store(const full_plan& p, std::FILE* trace);
  /// False if the device is too small for a store. Throws broken_promise, as does run().
  [[nodiscard]] bool format();
  void run(std::uint64_t operations);
  [[nodiscard]] full_counts result() const;

 private:
  enum class action : std::uint8_t { create, append, write, punch, truncate, remove };
  struct held_object {
    object_id id = 0;
    core::handle_id handle;
    std::vector<std::uint32_t> blocks;  ///< The version that each is of; 0: a hole.
    bool busy = false;
    bool exists = false;
  };
  struct operation {
    action what{};
    core::operation_id id;
    std::size_t object = 0;
    std::uint64_t first = 0, count = 0;  ///< Blocks.
    std::uint32_t version = 0;
    placed_bytes memory;
  };

  void open();
  void close();
  void lose_power();
  void settle();
  void ask();
  void ask_less(std::size_t object);
  void send(operation op);
  [[nodiscard]] core::request_body request_of(operation& op);
  void collect();
  void take(core::notification& n);
  void done(const operation& op, core::notification& n);
  void judge(operation op);
  [[nodiscard]] std::uint64_t used() const;
  [[nodiscard]] std::uint64_t added(const operation& op) const;
  void compare_used();
  void compare(held_object& o);
  void compare_all();
  void note_progress();
  [[nodiscard]] core::notification must(core::request_body body, const char* what);
  [[nodiscard]] std::uint64_t tag_of(const held_object& o, std::uint64_t block) const;
  [[noreturn]] void broken(const operation& op, const std::string& why) const;

  full_plan plan_;
  prng chance_;
  sim_device device_;
  sim_store store_;
  std::vector<held_object> objects_;
  std::vector<operation> in_flight_;
  std::vector<operation> to_judge_;
  std::vector<std::byte> memory_;
  full_counts counts_;
  std::uint32_t versions_ = 0;
  std::uint64_t answers_ = 0, answers_seen_ = 0, steps_at_answer_ = 0;
  std::uint32_t pressed_ = 0;  ///< Operations that were refused since room was made.
};

}  // namespace furrow::sim
