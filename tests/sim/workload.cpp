// Asking, and taking answers: what all kinds of operations have in common.
#include "sim/workload.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/failure.hpp"

namespace furrow::sim {
namespace {

constexpr std::uint32_t bringing_per_mille = 700;
constexpr std::uint64_t asked_in_vain_max = 100;

}  // namespace

workload::workload(const scenario& s, model& truth, sim_store& store, durability_watcher* watcher)
    : scenario_{s},
      truth_{truth},
      store_{store},
      watcher_{watcher},
      data_bytes_{s.data_bytes()},
      chance_{mix(s.seed) + 1},
      tenants_(s.work.collections + 1),
      tenants_chance_{mix(s.seed) + 6} {
  for (tenant& t : tenants_) t.may_be = {0};
}

workload::operation_ptr workload::make(action kind) {
  operation_ptr op;
  if (spare_.empty()) {
    op = std::make_unique<operation>();
  } else {
    op = std::move(spare_.back());
    spare_.pop_back();
    placed_bytes memory = std::move(op->memory);
    *op = {};
    op->memory = std::move(memory);
  }
  op->kind = kind;
  op->serial = ++serials_;
  op->memory.place(op->serial % 3 == 0 ? 0 : op->serial % 32 * 16);
  op->asked = truth_.tick();
  return op;
}

void workload::send(operation_ptr op, core::request_body body) {
  op->busy_count = operations_.size();
  op->stale_before = store_.device().lies().counts().stale;
  op->copies_stale_before = store_.device().lies().counts().copies_stale;
  op->asked_ns = store_.device().clock().now();
  op->errors_before = store_.device().errors_told();
  op->id = store_.send(std::move(body));
  if (std::FILE* file = store_.device().trace().file()) {
    const object_id object = op->object == none ? 0 : truth_.at(op->object).id;
    fmt::print(file, "ask {} {} object {} ({}) name {} to {} bytes {}{}\n", op->id.value, name_of(op->kind), object,
               static_cast<std::int64_t>(op->object), static_cast<std::int64_t>(op->name),
               static_cast<std::int64_t>(op->to), op->bytes, op->durable ? " durable" : "");
    for (const batch_part& part : op->parts) {
      fmt::print(file, "    with {} object {} ({}) name {}\n", name_of(part.what),
                 part.object == none ? 0 : truth_.at(part.object).id, static_cast<std::int64_t>(part.object),
                 static_cast<std::int64_t>(part.name));
    }
  }
  ++counts_.operations;
  ++counts_.by_action[static_cast<std::size_t>(op->kind)];
  last_asked_ = op->kind;
  operations_.push_back(std::move(op));
  note_asking(*operations_.back());
}

bool workload::ask() {
  if (operations_.size() >= scenario_.work.in_flight_max) return false;
  if (ask_look()) return true;
  if (full_ && chance_.chance(500)) {
    full_ = false;
    if (ask_one(chance_.chance(500) ? action::truncate : action::remove)) return true;
  }
  if (scenario_.devoted_to) return ask_devoted(*scenario_.devoted_to);
  return ask_any();
}

bool workload::ask_any() {
  for (int tries = 0; tries < 4; ++tries) {
    action kind = static_cast<action>(chance_.pick(scenario_.work.of));
    if (may_not_grow(kind)) kind = action::remove;
    if (ask_one(kind)) return true;
  }
  return ask_one(action::create_named) || ask_one(action::remove);
}

bool workload::may_not_grow(action kind) const {
  return changes_content(kind) && bytes_alive() * 100 > data_bytes_ * scenario_.work.fill_percent;
}

/// Something, mostly of what brings the fault, and behind it what has met it least: that is the last one asked when it comes,
/// and has the last place among those in flight.
bool workload::ask_devoted(fault f) {
  bool asked = false;
  if (operations_.size() + 1 < scenario_.work.in_flight_max) {
    const std::span<const action> bringers = bringers_of(f);
    const std::size_t at = chance_.below(bringers.size());
    asked = !bringers.empty() && chance_.chance(bringing_per_mille) && ask_first(bringers.subspan(at, 1));
    if (!asked) asked = ask_any();
  }
  return ask_least_met(f) || asked;
}

/// The first of these that can be.
bool workload::ask_first(std::span<const action> kinds) {
  return std::ranges::any_of(kinds, [this](action a) { return !may_not_grow(a) && ask_one(a); });
}

/// Or what makes it possible.
bool workload::ask_least_met(fault f) {
  const std::size_t first = first_action_of(scenario_.seed);
  std::array<bool, action_count> tried{};
  for (int tries = 0; tries < 4; ++tries) {
    std::size_t least = action_count;
    for (std::size_t n = 0; n < action_count; ++n) {
      const std::size_t i = (first + n) % action_count;
      const auto times = [&](std::size_t a) {
        return counts_.met[a][static_cast<std::size_t>(f)] + counts_.by_action[a] / asked_in_vain_max;
      };
      if (!tried[i] && (least == action_count || times(i) < times(least))) least = i;
    }
    tried[least] = true;
    const action kind = static_cast<action>(least);
    if (ask_first({&kind, 1}) || ask_first(openers_of(kind))) return true;
  }
  return false;
}

bool workload::ask_one(action kind) {
  if (scenario_.left_out[static_cast<std::size_t>(kind)]) return false;
  switch (kind) {
    case action::create_named:
    case action::create_anonymous:
      return ask_create(kind);
    case action::open_by_name:
    case action::open_by_id:
      return ask_open(kind);
    case action::release:
      return ask_release();
    case action::append:
      return ask_append();
    case action::read:
      return ask_read();
    case action::stat:
      return ask_stat();
    case action::set_attributes:
      return ask_attributes();
    case action::rename:
      return ask_rename();
    case action::remove:
      return ask_remove();
    case action::list:
      return ask_list();
    case action::batch:
      return ask_batch();
    case action::write:
    case action::write_zeroes:
    case action::punch:
    case action::trim_front:
    case action::truncate:
    case action::clone:
    case action::clone_within:
      return ask_edit(kind);
    case action::reserve:
      return ask_reserve();
    case action::sync_object:
    case action::sync_store:
    case action::wait_durable:
      return ask_sync(kind);
    case action::checkpoint:
    case action::clean:
    case action::statistics:
    case action::scrub:
    case action::collections:
      return ask_other(kind);
    case action::cancel:
      return ask_cancel();
    case action::set_quota:
      return ask_quota();
    case action::misuse:
      return ask_misuse();
    case action::count:
      break;
  }
  return false;
}

void workload::collect() {
  note_causes();
  core::notification n;
  while (store_.running() && store_.poll(n)) take(n);
}

void workload::take(core::notification& n) {
  if (n.id.value == 0) {
    if (const auto* e = std::get_if<core::event>(&n.result)) take_event(*e);
    return;
  }
  if (n.id == statistics_id_) {
    if (const auto* result = std::get_if<core::statistics_ptr>(&n.result)) statistics_ = **result;
    return;
  }
  if (std::erase(source_ids_, n.id) > 0) return;
  if (n.id == close_) {
    if (n.error) {
      if (!was_injected()) throw broken_promise{"close: " + n.error.message()};
      note_latch();
      return;
    }
    if (!operations_.empty()) {
      throw broken_promise{fmt::format("closed with {} operations unanswered, a {} among them", operations_.size(),
                                       name_of(operations_.front()->kind))};
    }
    closed_ = true;
    return;
  }
  const auto at = std::ranges::find_if(operations_, [&](const operation_ptr& op) { return op->id == n.id; });
  if (at == operations_.end()) throw broken_promise{fmt::format("an answer to {}, which is not in flight", n.id.value)};
  if (const auto* need = std::get_if<core::source_need>(&n.result); need != nullptr && !n.error)
    return need_source(**at, *need);
  if (n.error == errc::needs_reopen) note_latch();
  operation_ptr op = std::move(*at);
  *at = std::move(operations_.back());
  operations_.pop_back();
  answer(*op, n);
  spare_.push_back(std::move(op));
}

void workload::take_event(const core::event& e) {
  const bool injected = was_injected();
  if (e.what == core::event::kind::needs_reopen) {
    if (!injected) throw broken_promise{"the store needs to be reopened for no reason: " + e.detail.what};
    note_latch();
  }
  if (e.what != core::event::kind::damage) return;
  if (const auto why = refute_damage(e.detail))
    throw broken_promise{fmt::format("damage where none was done: {}: {}", e.detail.what, *why)};
}

void workload::answer(operation& op, core::notification& n) {
  ++counts_.answers;
  if (std::FILE* file = store_.device().trace().file()) {
    fmt::print(file, "answer {} {} {}\n", op.id.value, name_of(op.kind), n.error ? n.error.message() : "");
  }
  note_time(op);
  if (n.error) {
    ++counts_.errors;
    fail(op, n);
  } else {
    if (!op.foretold.empty()) broken(op, "success where an error had to come: " + error_code{op.foretold[0]}.message());
    ++counts_.done_by_action[static_cast<std::size_t>(op.kind)];
    succeed(op, n);
  }
  release_locks(op);
}

/// On a drive that has times, and does all that it is told, nobody waits for ever; but who asks for a command a block waits for each.
void workload::note_time(const operation& op) {
  const drive_times& clock = store_.device().clock();
  if (!clock.keeps_time() || !scenario_.is_healthy() || scenario_.hostile_options) return;
  constexpr nanoseconds longer_over_zones = 10;  // a cleaning or scrub goes over as many as there are
  const bool over_zones = op.kind == action::clean || op.kind == action::scrub;
  const nanoseconds took = clock.now() - op.asked_ns;
  const nanoseconds most = row_of(scenario_.order.times).answer_max_ns * (over_zones ? longer_over_zones : 1);
  counts_.longest_ns = std::max(counts_.longest_ns, took);
  if (took > most) broken(op, fmt::format("answered after {} ms", took / 1'000'000));
}

void workload::broken(const operation& op, const std::string& why) const {
  std::string whom;
  if (op.object != none) {
    const model_object& o = truth_.at(op.object);
    whom = fmt::format(" object {} (tag {:016x}, end {}..{})", o.id, o.tag, o.now.bytes, o.asked_end);
  }
  throw broken_promise{fmt::format("{} (operation {}){}: {}", name_of(op.kind), op.id.value, whom, why)};
}

void workload::succeed(operation& op, core::notification& n) {
  const auto expect = [&]<class T>(std::type_identity<T>) -> T& {
    T* result = std::get_if<T>(&n.result);
    if (result == nullptr) broken(op, fmt::format("a result of the wrong kind ({})", n.result.index()));
    return *result;
  };
  const auto sequence = [&] {
    const auto* result = std::get_if<core::sequence_result>(&n.result);
    return result == nullptr ? furrow::sequence{0} : result->sequence;
  };
  if (is_edit(op.kind)) return edited(op, n);
  switch (op.kind) {
    case action::create_named:
    case action::create_anonymous:
    case action::open_by_name:
    case action::open_by_id:
      return opened(op, expect(std::type_identity<core::opened_object>{}));
    case action::append:
      return appended(op, expect(std::type_identity<append_result>{}));
    case action::read:
      return check_read(op, expect(std::type_identity<core::read_result>{}));
    case action::stat:
      return check_status(op, expect(std::type_identity<object_status>{}));
    case action::list:
      return check_list(op, expect(std::type_identity<list_page>{}));
    case action::batch:
      return batch_done(op, expect(std::type_identity<core::batch_result>{}));
    case action::set_attributes:
      published(op, op.publications[0], sequence());
      return truth_.attributes_set(op.object, op.version);
    case action::rename:
      published(op, op.publications[0], sequence());
      if (op.replaced != none) truth_.removed(op.replaced);
      return truth_.renamed(op.object, op.to);
    case action::remove:
      published(op, op.publications[0], sequence());
      return truth_.removed(op.object);
    case action::sync_object:
      truth_.make_object_durable(op.object, op.asked);
      [[fallthrough]];
    case action::sync_store: {
      const furrow::sequence up_to = expect(std::type_identity<core::sequence_result>{}).sequence;
      truth_.make_durable(up_to, op.kind == action::sync_store ? op.asked : 0);
      if (watcher_ != nullptr) watcher_->acknowledged(up_to);
      return;
    }
    case action::wait_durable:
      truth_.make_durable(op.target);
      if (watcher_ != nullptr) watcher_->acknowledged(op.target);
      return;
    case action::statistics:
      if (expect(std::type_identity<core::statistics_ptr>{})->sequence < op.target)
        broken(op, "the sequence went back");
      return;
    case action::scrub:
      return scrubbed(op, expect(std::type_identity<core::scrub_result>{}));
    case action::set_quota:
      return quota_set(op);
    case action::collections:
      return check_collections(op, expect(std::type_identity<std::vector<collection_status>>{}));
    case action::reserve:
      return reserved(op, expect(std::type_identity<core::read_result>{}).bytes);
    case action::release:
      return released(op);
    case action::write:
    case action::write_zeroes:
    case action::punch:
    case action::trim_front:
    case action::truncate:
    case action::clone:
    case action::clone_within:
    case action::checkpoint:
    case action::clean:
    case action::cancel:
    case action::misuse:
    case action::count:
      return;
  }
}

void workload::published(operation& op, publication_id p, furrow::sequence sequence) {
  publication& known = truth_.of(p);
  if (sequence != 0 && sequence <= known.after) {
    broken(op, fmt::format("sequence {} after {} had been answered", sequence, known.after));
  }
  truth_.answer(p, sequence);
  if (!op.durable) return;
  truth_.make_durable(sequence, known.asked);
  if (watcher_ != nullptr) watcher_->acknowledged(sequence);
}

void workload::fail(operation& op, const core::notification& n) {
  if (op.kind == action::read && n.error == zoned::errc::zone_offline) ++counts_.reads_lost;
  note_failure(op);
  if (const auto why = excuse_of(op, n)) {
    if (const auto surplus = bounds_.spend(*why)) broken(op, *surplus + ": " + n.error.message());
  } else {
    broken(op, fmt::format("error without a cause: {} ({} {}) {}", n.error.message(), n.error.category().name(),
                           n.error.value(), n.detail.what));
  }
  if (n.error == errc::needs_reopen) return;  // the outcome is unknown: its publications stay asked
  if (n.error == errc::no_space || n.error == errc::quota_exceeded) full_ = true;
  if (op.kind == action::set_quota) return quota_not_set(op);
  const bool of_content = changes_content(op.kind);
  // Nothing of it was done. Of others that are long what has been done is looked for; but behind one that was not long when they
  // were asked for there may be appends that state no offset.
  const bool whole =
      n.error == errc::cancelled || n.error == errc::offset_mismatch || (n.error == errc::no_space && n.detail.object);
  const bool refused = n.error == errc::quota_exceeded || (op.became_long && whole);
  if (refused && of_content && op.settled == 0) {
    truth_.at(op.object).failed_at = truth_.tick();
    return drop_steps(op, op.object);
  }
  undo(op);
}

void workload::undo(operation& op) {
  if (is_edit(op.kind)) return undo_edit(op);
  if (op.kind == action::batch) batch_undone(op);
  for (const publication_id p : op.publications) truth_.make_void(p);
  if (op.object == none) return;
  model_object& o = truth_.at(op.object);
  const auto is_ours = [&](const auto& step) {
    return std::ranges::find(op.publications, step.by) != op.publications.end();
  };
  if (op.kind == action::create_named || op.kind == action::create_anonymous) {
    if (o.id == 0 && !o.now.exists) o.created_by = 0, o.names.clear(), o.attributes.clear();
  } else if (op.kind == action::append && !op.publications.empty()) {
    o.failed_at = truth_.tick();
    if (op.publications.size() == 1) return drop_steps(op, op.object);
    for (const publication_id p : op.publications) truth_.of(p).is_void = false;
    o.unresolved = true;
  } else if (op.kind == action::rename) {
    std::erase_if(o.names, is_ours);
    if (op.replaced != none) truth_.at(op.replaced).removed_by = 0;
  } else if (op.kind == action::remove) {
    o.removed_by = 0;
  } else if (op.kind == action::set_attributes) {
    std::erase_if(o.attributes, is_ours);
  }
}

/// Appends behind it may come to be of more ordered extents, or of fewer.
void workload::drop_steps(const operation& op, object_index i) {
  truth_.drop_steps(i, op.serial);
  for (const operation_ptr& later : operations_) {
    if (later->kind != action::append || later->object != i || later->publications.empty()) continue;
    std::vector<publication_id> now = truth_.publications_of(i, later->serial);
    if (now.size() > 1 && later->publications.size() == 1) {
      later->became_long = true;
      ++truth_.at(i).long_appends;
    }
    if (now.size() == 1 && later->publications.size() > 1) --truth_.at(i).long_appends;
    later->publications = std::move(now);
  }
}

void workload::lock_object(operation& op, object_index i) {
  op.object = i;
  ++truth_.at(i).other_users;
}

void workload::unlock_object(object_index i) {
  if (i != none) --truth_.at(i).other_users;
}

void workload::release_locks(operation& op) {
  if (op.handle != none) --handles_[op.handle].users;
  if (op.name != none) truth_.entry(op.name).busy = false;
  if (op.to != none) truth_.entry(op.to).busy = false;
  for (const object_index i : {op.object, op.replaced}) {
    if (i == none) continue;
    model_object& o = truth_.at(i);
    if (op.kind == action::rename || op.kind == action::remove) o.name_busy = o.removing = false;
    if (op.kind == action::set_attributes) o.attributes_busy = false;
    if (op.kind == action::append && !op.publications.empty()) {
      --o.appends;
      if (op.publications.size() > 1) --o.long_appends;
    }
    if (op.exclusive && i == op.object) o.exclusive = false;
    if (op.kind == action::read) o.reads.erase(std::ranges::find(o.reads, op.asked));
    std::erase_if(o.edits, [&](const busy_blocks& b) { return b.operation == op.serial; });
    unlock_object(i);
  }
  for (const batch_part& part : op.parts) {
    if (part.name != none) truth_.entry(part.name).busy = false;
    if (part.object != none) {
      model_object& o = truth_.at(part.object);
      if (part.what == action::append) o.exclusive = false;
      if (part.what == action::rename || part.what == action::remove) o.name_busy = false;
      if (part.what == action::remove) o.removing = false;
      if (part.what == action::set_attributes) o.attributes_busy = false;
    }
    if (part.replaced != none) {
      truth_.at(part.replaced).name_busy = false;
      truth_.at(part.replaced).removing = false;
    }
    unlock_object(part.object);
    unlock_object(part.replaced);
  }
}

std::size_t workload::pick_handle(bool for_append) {
  if (handles_.empty()) return none;
  const std::size_t start = chance_.below(handles_.size());
  for (std::size_t i = 0; i < handles_.size(); ++i) {
    const std::size_t at = (start + i) % handles_.size();
    if (!handles_[at].in_use) continue;
    const model_object& o = truth_.at(handles_[at].object);
    if (for_append && (!o.now.exists || o.exclusive || o.unresolved || o.removing)) continue;
    if (for_append && std::ranges::any_of(o.edits, &busy_blocks::holds_appends)) continue;
    return at;
  }
  return none;
}

object_index workload::pick_object(bool to_remove) {
  const std::vector<object_index>& all = truth_.remembered();
  if (all.empty()) return none;
  const std::size_t start = chance_.below(all.size());
  for (std::size_t n = 0; n < all.size(); ++n) {
    const object_index i = all[(start + n) % all.size()];
    const model_object& o = truth_.at(i);
    if (!o.now.exists || o.id == 0 || o.name_busy || o.removing) continue;
    if (to_remove && (o.exclusive || o.attributes_busy)) continue;
    if (o.now.name != none && truth_.entry(o.now.name).busy) continue;
    return i;
  }
  return none;
}

name_index workload::pick_free_name() {
  for (int tries = 0; tries < 4; ++tries) {
    const name_index n = chance_.below(truth_.name_count());
    if (!truth_.entry(n).busy) return n;
  }
  return none;
}

std::uint64_t workload::bytes_alive() const {
  std::uint64_t sum = 0;
  for (const object_index i : truth_.remembered()) {
    const model_object& o = truth_.at(i);
    if (o.now.exists || o.handles > 0) sum += o.asked_end + zoned::store_block_bytes;
  }
  return sum;
}

void workload::meet(fault f) {
  const auto note = [&](action a) { ++counts_.met[static_cast<std::size_t>(a)][static_cast<std::size_t>(f)]; };
  if (last_asked_ != action::count) note(last_asked_);
  for (const operation_ptr& op : operations_) note(op->kind);
}

void workload::forget_all() {
  operations_.clear();
  handles_.clear();
  bounds_.begin_life();
  causes_seen_ = causes_now();
  source_ids_.clear();
  full_ = false;
  wants_reopen_ = closed_ = false;
  close_ = statistics_id_ = {};
  statistics_.reset();
  failures_before_ = store_.device().faults().failures();
  memory_failures_before_ = store_.memory_failures();
  data_failures_before_ = store_.device().zone_faults().counts().failed;
  metadata_befallen_before_ = store_.device().zone_faults().counts().metadata_befallen();
  stale_before_ = store_.device().lies().counts().stale;
  copies_stale_before_ = store_.device().lies().counts().copies_stale;
  errors_before_ = store_.device().errors_told();
}

}  // namespace furrow::sim
