// One run: a scenario's device and store, its users, and what befalls them.
//
// A life of the store
//   start -> open (may be interrupted, any number of times) -> verify -> use -> close, or an interruption -> start
// Each verify compares names, objects, their content, the store's own check and its accounting with the model.
//
// Not here: what is asked (workload.hpp), what must come out (model.hpp).
#pragma once

#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "sim/flush_rule.hpp"
#include "sim/journal_on_medium.hpp"
#include "sim/model.hpp"
#include "sim/sim_store.hpp"
#include "sim/swarm.hpp"
#include "sim/workload.hpp"

namespace furrow::sim {

/// What was done to journals at the ends of runs, and what became of it.
struct journal_counts {
  std::uint64_t events = 0;
  std::uint64_t offline = 0;  ///< Zones,
  std::uint64_t rotten = 0;   ///< or blocks,
  std::uint64_t put_back = 0;
  std::uint64_t refused = 0;      ///< Opens: not opened,
  std::uint64_t told = 0;         ///< as before what was lost, and that is told,
  std::uint64_t untold = 0;       ///< or not: it was the last group,
  std::uint64_t unneeded = 0;     ///< and those where nothing was lost.
  std::uint64_t overwritten = 0;  ///< Blocks of earlier states.

  void add(const journal_counts& other);
};

/// What runs have come to; adds up.
struct totals {
  std::uint64_t seeds = 0;
  std::uint64_t operations = 0;
  std::uint64_t requests = 0;  ///< These, and what the simulation asks for itself: opens, closes, and what it compares.
  std::uint64_t errors = 0;
  std::uint64_t power_losses = 0;
  std::uint64_t process_ends = 0;
  std::uint64_t recoveries = 0;
  double seconds_in_opens = 0;  ///< Recoveries, and what is compared behind them.
  std::uint64_t recoveries_interrupted = 0;
  std::uint64_t repairs = 0;
  std::uint64_t repairs_interrupted = 0;
  std::uint64_t clean_reopens = 0;
  std::uint64_t failures_injected = 0;
  std::uint64_t commands = 0;
  std::uint64_t splits = 0;
  std::uint64_t merges = 0;
  std::uint64_t short_completions = 0;
  std::uint64_t retries = 0;
  std::uint64_t failed_appends = 0;
  std::uint64_t salvaged_blocks = 0;
  std::uint64_t limit_refusals = 0;
  std::uint64_t zones_retired = 0;
  std::uint64_t zones_misplaced = 0;
  std::uint64_t data_failures_injected = 0;
  std::uint64_t refusals_injected = 0;
  std::uint64_t metadata_refusals_injected = 0;  ///< Of these.
  std::uint64_t zones_made_read_only = 0;
  std::uint64_t zones_made_offline = 0;
  std::uint64_t zones_made_full = 0;
  std::uint64_t zones_found_read_only = 0;
  std::uint64_t zones_found_offline = 0;
  std::uint64_t zones_found_full = 0;
  std::uint64_t superblock_zones_turned = 0;
  std::uint64_t blocks_lost = 0;  ///< Found lost with their zones, and nothing else.
  std::uint64_t reads_lost = 0;
  std::uint64_t attempts = 0;   ///< Of writes,
  std::uint64_t extracted = 0;  ///< for less than was asked for,
  std::uint64_t cancelled_blocks = 0;
  std::uint64_t bounced_bytes = 0;
  std::uint64_t edge_reads = 0;
  std::uint64_t source_needs = 0;
  std::uint64_t looks = 0;          ///< After what failed writes have left.
  std::uint64_t promises_used = 0;  ///< Changes for which room had been promised.
  std::uint64_t coalesced = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t blocks_moved = 0;
  std::uint64_t zones_cleaned = 0;
  std::uint64_t zones_evacuated = 0;
  std::uint64_t scrubs = 0;               ///< Of all that lives,
  std::uint64_t rotten_blocks = 0;        ///< with so many blocks spoiled, which they found, and nothing else.
  std::uint64_t blocks_spoiled = 0;       ///< By lies, which they found, too.
  std::uint64_t evacuations_late = 0;     ///< Looks at zones that had turned read-only and were not empty yet.
  std::uint64_t evacuations_checked = 0;  ///< Zones that had turned read-only, after an open: empty.
  std::uint64_t zone_resets = 0;
  std::uint64_t groups = 0;
  std::uint64_t acknowledgements_proven = 0;
  std::uint64_t groups_proven = 0;
  std::uint64_t blocks_proven = 0;
  std::uint64_t formats_refused = 0;        ///< Of devices that are too small,
  std::uint64_t options_refused = 0;        ///< and with options that there are not.
  nanoseconds drive_ns = 0;                 ///< By the clocks of drives that have times,
  std::array<nanoseconds, 3> longest_ns{};  ///< and the longest operation of each kind of drive.
  std::uint64_t trace_hash = 0;
  std::array<std::uint64_t, action_count> by_action{};
  std::array<std::uint64_t, action_count> done_by_action{};
  excuse_shares excused{};
  fault_table met{};
  journal_counts journal;

  void add(const totals& other);
};

class simulation {
 public:
  /// `trace` may be null.
  simulation(const scenario& s, std::FILE* trace);

  /// False if the device is too small for a store, and no more. Throws broken_promise.
  [[nodiscard]] bool format();
  void run(std::uint64_t operations);
  /// A short life with everything in it: users, a loss of power, recovery, users, a close, an open, a close. A failure that
  /// `faults` was given, or of memory, may come anywhere in it; whatever fails for good is mended before the next open.
  void run_script(std::uint64_t operations);
  [[nodiscard]] sim_device& device() { return device_; }
  [[nodiscard]] sim_store& store() { return store_; }
  [[nodiscard]] totals result() const;

 private:
  void open(bool all);
  void open_and_verify(bool all);
  [[nodiscard]] bool try_open(bool may_interrupt);
  void begin_with_collections();
  bool make_collections();
  void use_until(std::uint64_t operations);
  void interrupt();
  void close_and_reopen();
  /// Whether the store said that it closed cleanly.
  bool drain_close();
  void plan_interruption();
  void allow_all(bool on);
  /// Something has failed since the store was opened: it reads on, and says needs_reopen to the rest.
  [[nodiscard]] bool may_be_latched() { return failures() != failures_before_open_; }
  /// Of which a store may not live through one.
  [[nodiscard]] std::uint64_t failures() {
    return device_.faults().failures() + device_.zone_faults().counts().metadata_refused;
  }
  [[nodiscard]] bool has_latched();
  void add_statistics();
  void note_progress();
  void note_faults();

  // simulation_script.cpp
  void step_of_script(const std::function<void()>& what);
  void mend();

  void repair_before_open();  // simulation_repair.cpp

  // simulation_verify.cpp
  void verify(bool all);
  [[nodiscard]] std::vector<list_entry> list_all();
  [[nodiscard]] std::vector<recovered_object> find_objects();
  [[nodiscard]] std::vector<recovered_object> find_unmoved();
  void find_object(object_id id, std::vector<recovered_object>& found);
  void compare_names(const std::vector<recovered_object>& found, const std::vector<list_entry>& names) const;
  void count_blocks(recovered_object& r, core::handle_id handle);
  void read_object(recovered_object& r);
  void read_blocks(recovered_object& r, core::handle_id handle, std::uint64_t at, std::uint64_t end);
  void compare_extents(const recovered_object& r, core::handle_id handle);
  void compare_content(recovered_object& r);
  void compare_accounts(const std::vector<recovered_object>& found);
  void compare_collections(const std::vector<recovered_object>& found);
  [[nodiscard]] std::optional<std::string> find_unevacuated(std::uint64_t free_bytes);
  void compare_evacuated(const statistics& s);

  // simulation_scrub.cpp
  struct rotten_block {
    object_id object = 0;
    std::uint64_t offset_bytes = 0;
    zoned::place where;
  };
  using block_name = std::pair<object_id, std::uint64_t>;  // an object's block, by its offset in bytes
  void compare_scrub(const std::vector<recovered_object>& found);
  [[nodiscard]] std::optional<rotten_block> pick_block(const std::vector<recovered_object>& found);
  void flip(const rotten_block& b);
  [[nodiscard]] std::vector<check_finding> scrub_all();
  // simulation_lies.cpp
  void look_at_copies();
  void look_for_spoiled(const std::vector<recovered_object>& found);
  void look_at_extent(const recovered_object& r, const extent_status& x);
  [[nodiscard]] std::optional<std::string> refute_spoiling(core::handle_id handle, std::uint64_t at,
                                                           const core::notification& n);
  [[nodiscard]] bool touches_spoiled(const error_detail& detail);
  [[nodiscard]] std::uint64_t blocks_spoiled(const error_detail& detail, std::set<block_name>& named) const;

  // simulation_journal.cpp
  struct journal_loss {
    zoned::zone_index zone;
    bool is_of_zone = false;  ///< Its header, or all of it.
    bool is_offline = false;
    std::size_t first = 0;  ///< Group that is lost.
    std::uint64_t at = 0;   ///< The block, in bytes.
  };
  void lose_journal(bool clean);
  [[nodiscard]] bool live_by_the_journal(prng& own, bool clean);
  [[nodiscard]] journal_loss draw_journal_loss(prng& own, const journal_on_medium& journal,
                                               const zoned::memory_zones& before);
  [[nodiscard]] core::notification open_once(bool for_reading, std::vector<error_detail>& told);
  [[nodiscard]] bool open_without(const journal_loss& loss, const journal_on_medium& journal, bool for_reading);
  void judge_telling(const journal_loss& loss, const journal_on_medium& journal, const core::notification& n,
                     const std::vector<error_detail>& told);
  void compare_earlier_state(furrow::sequence sequence, bool with_all);
  [[nodiscard]] std::uint64_t sequence_now();
  [[nodiscard]] bool is_used_again(zoned::zone_index zone);
  [[nodiscard]] std::optional<std::string> refute_overwriting(object_index i, core::handle_id handle, std::uint64_t at,
                                                              const core::notification& n);

  [[nodiscard]] core::notification expect(core::request_body body, const char* what);

  scenario scenario_;
  prng chance_;
  sim_device device_;
  sim_store store_;
  model truth_;
  flush_rule rule_;
  workload users_;
  totals totals_;
  uuid uuid_{};
  std::uint64_t next_interruption_ = 0;  // in commands executed by the device
  std::uint64_t last_answers_ = 0;
  std::uint64_t steps_at_answer_ = 0;
  std::string block_seen_twice_;                         // what is told of it
  std::unordered_map<std::uint64_t, bool> blocks_seen_;  // by address: whether it is said to be shared
  std::set<object_id> objects_;                          // that were found
  std::map<block_name, bool> spoiled_;                   // may be told of; whether it must be
  fault_numbers faults_seen_{};
  std::uint64_t failures_before_open_ = 0;
  std::uint64_t moves_seen_ = 0;  // of the device, when they were
  bool check_data_ = false;
  bool scripted_ = false;
  bool journal_lost_ = false;  ///< What is read is an earlier state.
};

}  // namespace furrow::sim
