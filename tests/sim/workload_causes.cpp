// Of workload.hpp: what may excuse errors, noted as it comes, and whom of those in flight it may befall (excuse_bounds.hpp).
//
//   at the asking     an error that must come, a cancellation of the one that it names, a refusal to read its source, a close, an
//                     object that is being removed, records that may not fit together, a device on which no zone can be begun
//   in flight, or asked for while it lasts
//                     a zone of data that is offline, or a block of data that is spoiled, of those that read
//   in flight then    a command or an allocation that fails, the first needs_reopen; of the same object, one that fails in front
//   once              a stale read
#include <algorithm>
#include <utility>

#include "sim/workload.hpp"

namespace furrow::sim {
namespace {

bool reads_data(action a) { return a == action::read || is_edit(a); }

/// What a store that has latched goes on with.
bool is_of_readers(action a) {
  return a == action::read || a == action::stat || a == action::list || a == action::statistics ||
         a == action::collections || a == action::cancel || a == action::release;
}

}  // namespace

/// By a removal of its object that is asked for later.
bool workload::may_be_overtaken(action a) { return changes_content(a) || a == action::open_by_id; }

void workload::may_befall(operation& op, excuse e) {
  const std::uint32_t bit = 1u << static_cast<std::size_t>(e);
  if ((op.may_befall & bit) != 0) return;
  op.may_befall |= bit;
  bounds_.allow(e);
}

/// What is so when it is asked for.
void workload::note_asking(operation& op) {
  if (!op.foretold.empty()) may_befall(op, excuse::foretold);
  if (op.kind == action::cancel) may_befall(op, excuse::gone);
  if (close_.value != 0) may_befall(op, excuse::closed);
  if (wants_reopen_) may_befall(op, excuse::reopening);
  const bool no_zone_begun = store_.device().appends_failed() > 1;
  const bool none_finished = scenario_.faults.failing(zoned::opcode::finish) > 0 && was_injected();
  if (no_zone_begun || none_finished) may_befall(op, excuse::device_failed);
  if (op.kind == action::append && may_follow_failure(op.object)) may_befall(op, excuse::behind);
  const bool of_many_records = op.kind == action::batch && has_small_zones();
  if (of_many_records || op.kind == action::clone || op.kind == action::clone_within) may_befall(op, excuse::too_large);
  for (const operation_ptr& other : operations_) {
    if (!may_be_overtaken(other->kind) || other->object == none) continue;
    const model_object& o = truth_.at(other->object);
    if (o.removing || !o.now.exists) may_befall(*other, excuse::gone);
  }
  note_lasting();
}

/// In zones as small as these the group of a batch may find no room, whatever is in them.
bool workload::has_small_zones() const {
  constexpr std::uint64_t small_bytes = 256 << 10;
  return scenario_.shape.zone_bytes < small_bytes;
}

/// What is so for a while.
void workload::note_lasting() {
  sim_device& device = store_.device();
  const bool lost = device.zone_faults().counts().offline > 0;
  const bool spoiled = device.lies().counts().spoiling() > 0;
  if (!lost && !spoiled) return;
  for (const operation_ptr& op : operations_) {
    if (lost && reads_data(op->kind)) may_befall(*op, excuse::lost);
    if (spoiled && reads_data(op->kind)) may_befall(*op, excuse::lied);
  }
}

workload::causes_seen workload::causes_now() {
  sim_device& device = store_.device();
  return {device.errors_told(), store_.memory_failures(), device.lies().counts().stale};
}

/// What has come since it was looked for last.
void workload::note_causes() {
  const causes_seen now = causes_now();
  const causes_seen then = std::exchange(causes_seen_, now);
  bounds_.allow(excuse::lied, now.stale - then.stale);
  for (const operation_ptr& op : operations_) {
    if (now.memory_failures > then.memory_failures) may_befall(*op, excuse::memory);
    if (now.errors == then.errors) continue;
    may_befall(*op, excuse::device_failed);
    if (op->kind == action::append && truth_.at(op->object).appends > 1) may_befall(*op, excuse::behind);
  }
  note_lasting();
}

/// The first needs_reopen of a life.
void workload::note_latch() {
  if (wants_reopen_) return;
  wants_reopen_ = true;
  for (const operation_ptr& op : operations_)
    if (!is_of_readers(op->kind)) may_befall(*op, excuse::reopening);
}

/// What stands behind it in its object may not be done either.
void workload::note_failure(const operation& op) {
  if (!changes_content(op.kind) || op.object == none) return;
  for (const operation_ptr& other : operations_)
    if (other->object == op.object && changes_content(other->kind)) may_befall(*other, excuse::behind);
}

}  // namespace furrow::sim
