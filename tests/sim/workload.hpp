// The users of a store: asks for random things, many at a time, and checks each answer.
//
// Every question is made so that its answer can be foretold: what is in flight locks what it would make uncertain (a
// name that is being given, the attributes that are being set), and nothing else. An error that was not foretold and
// has no injected cause is a broken promise.
//
// Invariants
//   I1  Memory that an operation names lives until its answer, or until forget_all().
//
// Not here: the truth (model.hpp), when the power goes (simulation.hpp).
#pragma once

#include <array>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sim/excuse_bounds.hpp"
#include "sim/fault_table.hpp"
#include "sim/model.hpp"
#include "sim/placed_bytes.hpp"
#include "sim/sim_store.hpp"
#include "sim/swarm.hpp"

namespace furrow::sim {

/// What a set of answers has come to.
struct workload_counts {
  std::uint64_t operations = 0;
  std::uint64_t answers = 0;
  std::uint64_t errors = 0;
  std::uint64_t reads_lost = 0;  ///< That met an offline zone.
  std::uint64_t source_needs = 0;
  std::uint64_t looks = 0;
  std::uint64_t promises_used = 0;
  nanoseconds longest_ns = 0;  ///< That an operation took on a healthy drive that has times.
  std::array<std::uint64_t, action_count> by_action{};
  std::array<std::uint64_t, action_count> done_by_action{};  ///< Those that succeeded.
  fault_table met{};
};

/// Told of acknowledgements of durability.
class durability_watcher {
 public:
  durability_watcher() = default;
  durability_watcher(const durability_watcher&) = delete;
  durability_watcher& operator=(const durability_watcher&) = delete;
  virtual ~durability_watcher() = default;
  virtual void acknowledged(furrow::sequence up_to) = 0;
};

class workload {
 public:
  workload(const scenario& s, model& truth, sim_store& store, durability_watcher* watcher);

  /// Asks for one thing; false if there was nothing to ask for, or no room.
  bool ask();
  /// Takes the answers that are ready.
  void collect();
  /// A fault has come.
  void meet(fault f);
  [[nodiscard]] std::size_t in_flight() const { return operations_.size(); }
  /// The store has latched needs_reopen.
  [[nodiscard]] bool wants_reopen() const { return wants_reopen_; }
  /// The store was asked to close: what is asked later is refused.
  void expect_close(core::operation_id close) { close_ = close; }
  [[nodiscard]] bool closed() const { return closed_; }
  /// What an open has found of all collections: each quota is one that may be in force, and is from now on.
  void adopt(const std::vector<collection_status>& found);
  /// Asks for statistics; what came last is in last_statistics().
  void ask_statistics() { statistics_id_ = store_.send(core::statistics_request{}); }
  [[nodiscard]] const std::optional<statistics>& last_statistics() const { return statistics_; }
  /// The store is gone, with all that was in flight; a new one begins.
  void forget_all();

  [[nodiscard]] const workload_counts& counts() const { return counts_; }
  [[nodiscard]] excuse_shares excused() const { return bounds_.shares(); }

 private:
  struct open_handle {
    core::handle_id id;
    object_index object = none;
    std::uint32_t users = 0;
    bool in_use = false;
  };
  struct batch_part {
    action what = action::append;
    object_index object = none;
    object_index replaced = none;
    name_index name = none;
    std::uint32_t version = 0;  ///< Of the attributes; of an append: its bytes.
    std::size_t member = none;  ///< Its number in the request; none: it only keeps a name busy.
  };
  struct operation {
    action kind = action::append;
    core::operation_id id;
    std::uint64_t serial = 0;  ///< Ascends in the order of asking.
    moment asked = 0;
    object_index object = none;
    object_index replaced = none;
    name_index name = none;
    name_index to = none;
    std::size_t handle = none;
    std::vector<publication_id> publications;
    bool durable = false;
    bool cancel_asked = false;
    bool fails_if_exists = false;
    bool exclusive = false;
    std::vector<errc> foretold;  ///< Errors of which one must come; empty: none must.
    std::uint64_t bytes = 0;
    std::uint64_t least_end = 0;   ///< Of the object, that somebody may have seen meanwhile,
    std::uint64_t most_end = 0;    ///< and the most.
    std::uint64_t begin_byte = 0;  ///< Of a write:
    std::uint64_t end_byte = 0;
    std::uint64_t position = 0;   ///< where the attempt begins that is still to be made,
    std::uint64_t given_end = 0;  ///< and how far the source was given.
    std::size_t settled = 0;      ///< Publications of which the outcome is known already.
    std::uint64_t raise_fence_to = 0;
    bool source_refused = false;
    bool became_long = false;        ///< It is of more ordered extents than when it was asked for.
    bool promised = false;           ///< Room for it was promised.
    bool looks = false;              ///< It finds out what a failed write has left.
    std::uint32_t may_befall = 0;    ///< One bit for each excuse that was allowed for it.
    std::uint64_t stale_before = 0;  ///< Reads that the device had answered with other bytes when it was asked,
    std::uint64_t copies_stale_before = 0;
    nanoseconds asked_ns = 0;         ///< By the drive's clock.
    std::uint64_t errors_before = 0;  ///< and commands with an error.
    std::uint64_t busy_count = 0;     ///< Operations in flight when it was asked.
    std::uint32_t version = 0;
    furrow::sequence target = 0;
    placed_bytes memory;
    std::vector<read_range> ranges;
    core::list_request listing;
    std::vector<batch_part> parts;
  };
  using operation_ptr = std::unique_ptr<operation>;

  // workload.cpp
  [[nodiscard]] operation_ptr make(action kind);
  void send(operation_ptr op, core::request_body body);
  bool ask_one(action kind);
  bool ask_any();
  bool ask_devoted(fault f);
  bool ask_least_met(fault f);
  bool ask_first(std::span<const action> kinds);
  [[nodiscard]] bool may_not_grow(action kind) const;
  void take(core::notification& n);
  void take_event(const core::event& e);
  void answer(operation& op, core::notification& n);
  void note_time(const operation& op);
  void succeed(operation& op, core::notification& n);
  void fail(operation& op, const core::notification& n);
  void undo(operation& op);
  void drop_steps(const operation& op, object_index i);
  void release_locks(operation& op);
  void lock_object(operation& op, object_index i);
  void unlock_object(object_index i);
  void published(operation& op, publication_id p, furrow::sequence sequence);
  [[noreturn]] void broken(const operation& op, const std::string& why) const;
  [[nodiscard]] std::size_t pick_handle(bool for_append);
  [[nodiscard]] object_index pick_object(bool to_remove);
  [[nodiscard]] name_index pick_free_name();
  [[nodiscard]] std::uint64_t bytes_alive() const;

  // workload_excuses.cpp
  /// The device has failed, or a zone with metadata has turned, in this life of the store.
  [[nodiscard]] bool was_injected() const;
  [[nodiscard]] bool data_failed() const;
  [[nodiscard]] bool is_busy(const operation& op) const;
  [[nodiscard]] bool has_failed(const error_detail& detail, std::uint64_t errors_before) const;
  [[nodiscard]] std::optional<std::string> refute_damage(const error_detail& detail) const;
  /// None: the error has no cause.
  [[nodiscard]] std::optional<excuse> excuse_of(const operation& op, const core::notification& n) const;
  [[nodiscard]] bool loses_to_resets() const;
  [[nodiscard]] std::optional<std::string> refute_no_space(const operation& op, const error_detail& detail) const;
  [[nodiscard]] std::optional<excuse> excuse_of_callers(const operation& op, error_code e) const;
  [[nodiscard]] std::optional<excuse> excuse_of_room(const operation& op, const core::notification& n) const;
  [[nodiscard]] std::optional<excuse> excuse_of_device(const operation& op, const core::notification& n) const;
  [[nodiscard]] std::optional<excuse> excuse_of_object(const operation& op, error_code e) const;

  // workload_causes.cpp
  void may_befall(operation& op, excuse e);
  void note_asking(operation& op);
  void note_lasting();
  void note_causes();
  void note_latch();
  void note_failure(const operation& op);
  [[nodiscard]] bool has_small_zones() const;
  [[nodiscard]] static bool may_be_overtaken(action a);
  [[nodiscard]] bool may_follow_failure(object_index i) const;

  // workload_objects.cpp
  bool ask_create(action kind);
  bool ask_open(action kind);
  bool ask_release();
  bool ask_stat();
  bool ask_attributes();
  bool ask_rename();
  bool ask_remove();
  bool ask_list();
  void opened(operation& op, const core::opened_object& result);
  void check_status(const operation& op, const object_status& status);
  void check_list(const operation& op, const list_page& page) const;

  // workload_data.cpp
  bool ask_append();
  bool ask_read();
  bool ask_sync(action kind);
  bool ask_other(action kind);
  bool ask_cancel();
  void plan_append(operation& op, object_index i, std::uint64_t bytes, publication_id only);
  [[nodiscard]] std::uint64_t draw_append_bytes();
  [[nodiscard]] std::vector<zoned::segment> cut_memory(std::span<std::byte> memory);
  void appended(operation& op, const append_result& result);
  void check_read(const operation& op, const core::read_result& result);

  // workload_edit.cpp: one function for each kind
  bool ask_edit(action kind);
  bool ask_write(operation_ptr op);
  bool ask_zero(operation_ptr op);
  bool ask_truncate(operation_ptr op);
  bool ask_clone(operation_ptr op);
  bool ask_reserve();
  void reserved(const operation& op, std::uint64_t bytes);
  void scrubbed(const operation& op, const core::scrub_result& r);
  void use_promise(operation& op);
  void released(const operation& op);
  void drop_promise(object_index i);
  bool ask_look();
  [[nodiscard]] bool may_change(const model_object& o, std::uint64_t begin, std::uint64_t end);
  [[nodiscard]] bool draw_range(const operation& op, std::uint64_t& begin, std::uint64_t& end);
  void begin_edit(operation& op, std::uint64_t begin, std::uint64_t end, write_options& options);
  void plan_step(operation& op, std::vector<content_span> holds, std::uint64_t object_bytes);
  void plan_attempts(operation& op);
  [[nodiscard]] std::uint64_t end_before(const operation& op) const;
  [[nodiscard]] segment_list give_source(operation& op, bool whole);
  void need_source(operation& op, const core::source_need& need);
  void edited(operation& op, const core::notification& n);
  void undo_edit(operation& op);
  void look_closer(const operation& op, const object_status& status);
  void end_may_be(object_index i, std::uint64_t bytes);

  // workload_quota.cpp
  struct tenant {
    std::vector<std::uint64_t> may_be;  ///< Quotas, that an open may find.
    std::uint64_t least = 0;            ///< Of those that may be in force now, 0 being the greatest,
    std::uint64_t known = 0;            ///< or the only one, if it is not busy.
    bool busy = false;
    moment set_at = 0;
    std::optional<std::uint64_t> most;  ///< Blocks that it may have, as it was seen to have them over its quota.
  };
  bool ask_quota();
  void quota_set(const operation& op);
  void quota_not_set(const operation& op);
  void check_collections(const operation& op, const std::vector<collection_status>& found);
  [[nodiscard]] std::optional<std::string> refute_quota(const operation& op) const;
  [[nodiscard]] std::uint64_t blocks_max(collection_id c, bool removed = false) const;
  [[nodiscard]] collection_id draw_collection();

  // workload_batch.cpp
  bool ask_batch();
  bool ask_misuse();
  void add_create(operation& op, core::batch_request& to);
  void add_append(operation& op, core::batch_request& to);
  void add_removal(operation& op, core::batch_request& to);
  void add_renaming(operation& op, core::batch_request& to);
  [[nodiscard]] object_index pick_for_batch(const operation& op);
  void keep_name_busy(operation& op, object_index i);
  void give_memory(operation& op, core::batch_request& to);
  void batch_done(operation& op, const core::batch_result& result);
  void batch_undone(operation& op);

  const scenario& scenario_;
  model& truth_;
  sim_store& store_;
  durability_watcher* watcher_;
  std::uint64_t data_bytes_;  // scenario_.data_bytes()
  prng chance_;
  std::vector<operation_ptr> operations_;
  std::vector<operation_ptr> spare_;
  std::vector<open_handle> handles_;
  workload_counts counts_;
  excuse_bounds bounds_;
  struct causes_seen {
    std::uint64_t errors = 0;
    std::uint64_t memory_failures = 0;
    std::uint64_t stale = 0;
  };
  [[nodiscard]] causes_seen causes_now();
  causes_seen causes_seen_;
  std::uint32_t versions_ = 0;
  action last_asked_ = action::count;
  std::uint64_t serials_ = 0;
  std::uint64_t failures_before_ = 0;
  std::uint64_t memory_failures_before_ = 0;
  core::scrub_position scrubbed_to_;
  std::uint64_t data_failures_before_ = 0;
  std::uint64_t stale_before_ = 0;
  std::uint64_t copies_stale_before_ = 0;
  std::uint64_t errors_before_ = 0;
  std::uint64_t metadata_befallen_before_ = 0;
  bool may_have_to_look_ = false;  ///< Some object must_look.
  bool wants_reopen_ = false;
  bool closed_ = false;
  core::operation_id close_;
  core::operation_id statistics_id_;
  std::vector<core::operation_id> source_ids_;  ///< Answers to these say nothing.
  bool full_ = false;                           ///< There was no space: something is to be given back.
  std::optional<statistics> statistics_;
  std::vector<tenant> tenants_;
  prng tenants_chance_;  ///< So that what else is drawn stays as it was.
};

/// Whether it changes an object elsewhere than behind its end.
[[nodiscard]] bool is_edit(action a);
/// An append or an edit.
[[nodiscard]] bool changes_content(action a);
/// Attributes that tell whose they are.
[[nodiscard]] attributes make_attributes(std::uint64_t tag, std::uint32_t version);
/// The tag in them; 0 if there is none.
[[nodiscard]] std::uint64_t tag_of(const attributes& a);
[[nodiscard]] bool same_but_times(const attributes& a, const attributes& b);

}  // namespace furrow::sim
