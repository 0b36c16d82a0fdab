// Changes of objects elsewhere than behind their end: writes, holes, other ends, clones.
//
// Changes that touch the same blocks may be in flight together: the store does them in the order of asking. One that may
// move the end waits for all appends, and appends that are asked for later follow it, unless it is a write of several
// attempts, of which any may fail.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "sim/content.hpp"
#include "sim/workload.hpp"

namespace furrow::sim {
namespace {

constexpr std::uint64_t block = zoned::store_block_bytes;
constexpr std::uint64_t reach_bytes_max = 64 << 10;

std::uint64_t down(std::uint64_t bytes) { return bytes / block * block; }
std::uint64_t up(std::uint64_t bytes) { return down(bytes + block - 1); }

std::vector<content_span> moved(std::vector<content_span> spans, std::uint64_t from, std::uint64_t to) {
  for (content_span& s : spans) s = s.moved_to(s.begin_bytes - from + to);
  return spans;
}

/// Zeros between the end and what lies behind it.
std::vector<content_span> with_gap(std::uint64_t end, std::vector<content_span> spans) {
  if (spans.front().begin_bytes > end) spans.insert(spans.begin(), zeros(end, spans.front().begin_bytes));
  return spans;
}

}  // namespace

bool is_edit(action a) { return std::ranges::find(edit_actions, a) != edit_actions.end(); }

bool changes_content(action a) { return a == action::append || is_edit(a); }

bool workload::ask_edit(action kind) {
  using asking = bool (workload::*)(operation_ptr);
  struct row {
    action kind;
    asking ask;
  };
  static constexpr std::array rows{
      row{action::write, &workload::ask_write},       row{action::write_zeroes, &workload::ask_zero},
      row{action::punch, &workload::ask_zero},        row{action::trim_front, &workload::ask_zero},
      row{action::truncate, &workload::ask_truncate}, row{action::clone, &workload::ask_clone},
      row{action::clone_within, &workload::ask_clone}};
  const std::size_t at = pick_handle(true);
  if (at == none) return false;
  operation_ptr op = make(kind);
  op->handle = at;
  op->object = handles_[at].object;
  return (this->*std::ranges::find(rows, kind, &row::kind)->ask)(std::move(op));
}

bool workload::may_change(const model_object& o, std::uint64_t begin, std::uint64_t end) {
  const bool at_end = end > down(o.now.bytes);
  if (at_end && o.appends > 0) return false;
  return std::ranges::none_of(o.edits, [&](const busy_blocks& b) {
    const bool meets = b.first < up(end) && down(begin) < b.end;
    return b.at_end ? at_end || meets : meets && !chance_.chance(500);
  });
}

bool workload::draw_range(const operation& op, std::uint64_t& begin, std::uint64_t& end) {
  const model_object& o = truth_.at(op.object);
  const bool middle = o.appends > 0 || chance_.chance(600);
  const std::uint64_t beyond = chance_.chance(300) ? chance_.scaled(1, reach_bytes_max) : 1;
  const std::uint64_t reach = middle ? down(o.now.bytes) : o.asked_end + beyond;
  if (reach == 0) return false;
  begin = chance_.below(reach);
  if (chance_.chance(400)) begin = down(begin);
  end = begin +
        (chance_.chance(400) ? chance_.within(1, 12) * block : chance_.scaled(1, scenario_.work.append_bytes_max));
  if (chance_.chance(150)) end = o.asked_end;
  if (middle) end = std::min(end, reach);
  return end > begin && may_change(o, begin, end);
}

void workload::begin_edit(operation& op, std::uint64_t begin, std::uint64_t end, write_options& options) {
  model_object& o = truth_.at(op.object);
  lock_object(op, op.object);
  ++handles_[op.handle].users;
  op.bytes = end - begin;
  use_promise(op);
  op.durable = chance_.chance(scenario_.work.durable_per_mille);
  if (op.durable) options.level = durability::durable;
  options.hint = static_cast<lifetime>(chance_.below(5));
  options.priority = static_cast<priority>(chance_.below(2));
  if (o.appends == 0 && o.edits.empty() && chance_.chance(40)) {
    op.raise_fence_to = o.now.fence_epoch + chance_.within(1, 3);
    options.fence_epoch = op.raise_fence_to;
    o.exclusive = op.exclusive = true;
    op.durable = true;  // with it, whatever the level
  } else if (o.now.fence_epoch > 0 && chance_.chance(200)) {
    options.fence_epoch = o.now.fence_epoch;
  }
  busy_blocks b{op.serial, begin / block, up(end) / block, end > down(o.now.bytes), false};
  if (b.at_end) {
    b.first = std::min(b.first, o.now.bytes / block);
    b.end = endless;
    o.append_epoch = ++o.epoch;
  }
  o.edits.push_back(b);
}

/// Where the object ends when the operation's turn comes, if all goes well.
std::uint64_t workload::end_before(const operation& op) const {
  const model_object& o = truth_.at(op.object);
  std::uint64_t end = o.base.bytes;
  for (const content_step& s : o.steps) {
    if (s.operation > op.serial) break;
    if (s.sets_end) end = s.object_bytes;
  }
  return end;
}

void workload::plan_step(operation& op, std::vector<content_span> holds, std::uint64_t object_bytes) {
  model_object& o = truth_.at(op.object);
  const std::uint64_t end = end_before(op);
  // What was asked for later comes after all attempts of this one where they touch.
  const auto behind = std::ranges::upper_bound(o.steps, op.serial, {}, &content_step::operation);
  content_step& s = *o.steps.emplace(behind);
  s.by = truth_.ask();
  s.operation = op.serial;
  s.begin_bytes = holds.front().begin_bytes;
  s.end_bytes = holds.back().end_bytes;
  s.holds = std::move(holds);
  s.sets_end = object_bytes != end;
  s.object_bytes = object_bytes;
  s.raise_fence_to = op.raise_fence_to;
  op.publications.push_back(s.by);
  if (!s.sets_end) return;
  o.asked_end = object_bytes;
  end_may_be(op.object, object_bytes);
}

/// Whoever looks at the object now may see that end.
void workload::end_may_be(object_index i, std::uint64_t bytes) {
  for (const operation_ptr& op : operations_) {
    if (op->object != i || (op->kind != action::read && op->kind != action::stat)) continue;
    op->least_end = std::min(op->least_end, bytes);
    op->most_end = std::max(op->most_end, bytes);
  }
}

// -- writes --

bool workload::ask_write(operation_ptr op) {
  if (!draw_range(*op, op->position, op->end_byte)) return false;
  op->begin_byte = op->position;
  core::write_request r;
  begin_edit(*op, op->begin_byte, op->end_byte, r.options);
  model_object& o = truth_.at(op->object);
  op->memory.resize(op->bytes);
  op->target = ++o.epoch;
  fill_content(op->memory, o.tag, op->target << 32);
  r.handle = handles_[op->handle].id;
  r.offset_bytes = op->begin_byte;
  r.bytes = op->bytes;
  r.segments = give_source(*op, chance_.chance(500));
  if (op->publications.size() != 1 || op->position != op->end_byte)
    o.edits.back().holds_appends = o.edits.back().at_end;
  send(std::move(op), std::move(r));
  return true;
}

/// Memory of the source from where the next attempt begins, and the attempts that the store makes of it.
segment_list workload::give_source(operation& op, bool whole) {
  const std::uint64_t left = op.end_byte - op.position;
  const std::uint64_t count = whole ? left : chance_.chance(200) ? 0 : chance_.below(left + 1);
  op.given_end = op.position + count;
  segment_list to;
  for (const zoned::segment& s : cut_memory(std::span{op.memory}.subspan(op.position - op.begin_byte, count)))
    to.push_back(s);
  plan_attempts(op);
  return to;
}

/// An attempt goes to the end of the ordered extent, or as far as the source is held, in whole blocks of the object.
void workload::plan_attempts(operation& op) {
  const model_object& o = truth_.at(op.object);
  while (op.position < op.end_byte) {
    const std::uint64_t most = down(op.position) + scenario_.extent_bytes_max();
    const std::uint64_t wanted = std::min(op.end_byte, most);
    const std::uint64_t end = op.given_end >= wanted ? wanted : down(op.given_end);
    if (end <= op.position) return;
    const std::uint64_t stream = (op.target << 32) + (op.position - op.begin_byte);
    const std::uint64_t now = end_before(op);
    plan_step(op, with_gap(now, {{op.position, end, stuff::data, o.tag, stream}}), std::max(now, end));
    op.position = end;
  }
}

/// All that the store had of the source is published.
void workload::need_source(operation& op, const core::source_need& need) {
  ++counts_.source_needs;
  if (op.kind != action::write) broken(op, "a source is asked for");
  if (need.position_bytes != op.position - op.begin_byte)
    broken(op,
           fmt::format("the source is needed from {} on, not {}", op.position - op.begin_byte, need.position_bytes));
  if (op.position == op.end_byte) broken(op, "more of the source is needed than there is");
  for (; op.settled < op.publications.size(); ++op.settled)
    truth_.of(op.publications[op.settled]).answered = truth_.tick();
  truth_.changed(op.object, op.serial);
  core::source_request r;
  r.target = op.id;
  if (chance_.chance(30)) {
    r.error = errc::source_failed;
    op.source_refused = true;
    may_befall(op, excuse::source);
  } else {
    r.copied = chance_.chance(200);
    r.segments = give_source(op, chance_.chance(300));
  }
  source_ids_.push_back(store_.send(std::move(r)));
}

// -- holes and ends --

bool workload::ask_zero(operation_ptr op) {
  std::uint64_t begin = 0, end = 0;
  if (!draw_range(*op, begin, end)) return false;
  model_object& o = truth_.at(op->object);
  if (op->kind == action::trim_front) {
    begin = 0;
    if (!may_change(o, begin, end)) return false;
  }
  core::zero_request r;
  r.extends = op->kind == action::write_zeroes;
  begin_edit(*op, begin, end, r.options);
  r.handle = handles_[op->handle].id;
  r.offset_bytes = begin;
  r.bytes = end - begin;
  const std::uint64_t changed_end = r.extends ? end : std::min(end, o.asked_end);
  const std::uint64_t changed_begin = std::min(begin, o.asked_end);
  if (changed_begin < changed_end && begin < changed_end)
    plan_step(*op, {zeros(changed_begin, changed_end)}, std::max(o.asked_end, changed_end));
  send(std::move(op), std::move(r));
  return true;
}

bool workload::ask_truncate(operation_ptr op) {
  model_object& o = truth_.at(op->object);
  std::uint64_t to = chance_.below(o.asked_end + 1);
  if (full_ || chance_.chance(100)) to = 0;
  if (chance_.chance(100)) to = o.asked_end + chance_.scaled(0, reach_bytes_max);
  if (chance_.chance(300)) to = down(to);
  if (o.appends > 0 || std::ranges::any_of(o.edits, &busy_blocks::at_end)) return false;
  core::truncate_request r;
  begin_edit(*op, to, std::max(to, o.asked_end) + 1, r.options);
  op->bytes = to;
  r.handle = handles_[op->handle].id;
  r.bytes = to;
  if (to < o.asked_end) {
    plan_step(*op, {nothing_from(to)}, to);
  } else if (to > o.asked_end) {
    plan_step(*op, {zeros(o.asked_end, to)}, to);
  }
  send(std::move(op), std::move(r));
  return true;
}

// -- clones --

bool workload::ask_clone(operation_ptr op) {
  const bool within = op->kind == action::clone_within;
  const std::size_t at = within ? op->handle : pick_handle(true);
  if (at == none || (!within && handles_[at].object == op->object)) return false;
  const model_object& from = truth_.at(handles_[at].object);
  model_object& o = truth_.at(op->object);
  const bool whole = from.appends == 0 && std::ranges::none_of(from.edits, &busy_blocks::at_end) && chance_.chance(300);
  const std::uint64_t begin = down(chance_.below(from.now.bytes + 1));
  std::uint64_t bytes =
      whole ? from.asked_end - begin : std::min(chance_.within(1, 24) * block, down(from.now.bytes) - begin);
  const std::uint64_t reach = o.appends > 0 ? down(o.now.bytes) : o.asked_end + chance_.scaled(1, reach_bytes_max);
  const std::uint64_t to =
      bytes % block != 0 ? up(o.asked_end + chance_.scaled(0, reach_bytes_max)) : down(chance_.below(reach + 1));
  if (o.appends > 0) bytes = std::min(bytes, down(o.now.bytes) - to);
  if (bytes == 0 || !may_change(o, to, to + bytes)) return false;
  if (within && to < begin + bytes && begin < to + bytes) return false;
  const bool quiet = std::ranges::none_of(from.edits, [&](const busy_blocks& b) {
    return b.first * block < up(begin + bytes) && (b.end == endless || begin < b.end * block);
  });
  if (!quiet) return false;
  core::clone_request r;
  r.source = handles_[at].id;
  begin_edit(*op, to, to + bytes, r.options);
  r.handle = handles_[op->handle].id;
  r.offset_bytes = to;
  r.source_offset_bytes = begin;
  r.bytes = bytes;
  auto spans = moved(truth_.newest(handles_[at].object, begin, begin + bytes), begin, to);
  plan_step(*op, with_gap(o.asked_end, std::move(spans)), std::max(o.asked_end, to + bytes));
  op->replaced = handles_[at].object;  // its handle may be released, its object may not be forgotten
  ++truth_.at(op->replaced).other_users;
  send(std::move(op), std::move(r));
  return true;
}

bool workload::ask_reserve() {
  const std::size_t at = pick_handle(true);
  if (at == none) return false;
  operation_ptr op = make(action::reserve);
  lock_object(*op, handles_[at].object);
  op->handle = at;
  ++handles_[at].users;
  op->bytes = chance_.scaled(1, 2 * scenario_.work.append_bytes_max);
  core::reserve_request r{handles_[at].id, op->bytes};
  send(std::move(op), r);
  return true;
}

void workload::reserved(const operation& op, std::uint64_t bytes) {
  if (bytes != up(op.bytes)) broken(op, fmt::format("{} bytes are promised, not {}", bytes, up(op.bytes)));
  model_object& o = truth_.at(op.object);
  if (o.handles > 0) o.asked_blocks += bytes / block;
  const bool quiet = o.appends == 0 && o.edits.empty() && !o.exclusive;  // else who takes how much cannot be told
  if (quiet && o.handles > 0) o.promised_blocks += bytes / block;
}

/// Room of the promise for the operation's blocks, those at its ends, and one that the old tail may need.
void workload::use_promise(operation& op) {
  model_object& o = truth_.at(op.object);
  const std::uint64_t wanted = op.bytes / block + 3;
  op.promised = o.promised_blocks >= wanted;
  o.promised_blocks -= op.promised ? wanted : o.promised_blocks;
  if (op.promised) ++counts_.promises_used;
}

/// With the last handle. Until that is answered others may be refused for what the promise takes.
void workload::released(const operation& op) {
  const bool again = std::ranges::any_of(operations_, [&op](const operation_ptr& other) {
    return other.get() != &op && other->kind == action::release && other->object == op.object;
  });
  if (truth_.at(op.object).handles == 0 && !again) truth_.at(op.object).asked_blocks = 0;
}

/// When the last handle is asked to be released.
void workload::drop_promise(object_index i) {
  truth_.at(i).promised_blocks = 0;
  for (const operation_ptr& op : operations_) {
    if (op->object == i) op->promised = false;
  }
}

// -- answers --

void workload::edited(operation& op, const core::notification& n) {
  furrow::sequence sequence = 0;
  if (op.kind == action::write) {
    const auto* r = std::get_if<append_result>(&n.result);
    if (r == nullptr || r->offset_bytes != op.begin_byte || r->bytes != op.bytes)
      broken(op, "a result of the wrong kind, or of another range");
    if (op.position != op.end_byte) broken(op, "written before its source was given");
    sequence = r->sequence;
  } else {
    const auto* r = std::get_if<core::sequence_result>(&n.result);
    if (r == nullptr) broken(op, "a result of the wrong kind");
    sequence = r->sequence;
  }
  if (op.publications.empty()) return;
  for (; op.settled + 1 < op.publications.size(); ++op.settled)
    truth_.of(op.publications[op.settled]).answered = truth_.tick();
  published(op, op.publications.back(), sequence);
  truth_.changed(op.object, op.serial);
}

void workload::undo_edit(operation& op) {
  model_object& o = truth_.at(op.object);
  const std::size_t open = op.publications.size() - op.settled;
  if (open == 0) return;
  if (open == 1) {  // an attempt is whole or absent, and this one failed
    o.failed_at = truth_.tick();
    return drop_steps(op, op.object);
  }
  for (content_step& s : o.steps) s.failed = s.failed || s.operation == op.serial;
  o.unresolved = o.must_look = may_have_to_look_ = true;
}

/// Where nothing is in flight any more, what a failed write left is looked for.
bool workload::ask_look() {
  if (!may_have_to_look_) return false;
  may_have_to_look_ =
      std::ranges::any_of(truth_.remembered(), [this](object_index i) { return truth_.at(i).must_look; });
  for (std::size_t at = 0; at < handles_.size(); ++at) {
    const open_handle& h = handles_[at];
    if (!h.in_use || !truth_.at(h.object).must_look) continue;
    const model_object& o = truth_.at(h.object);
    const auto looks = [&](const operation_ptr& op) { return op->looks && op->object == h.object; };
    if (o.appends > 0 || !o.edits.empty() || o.exclusive || std::ranges::any_of(operations_, looks)) continue;
    operation_ptr op = make(action::stat);
    op->looks = true;
    ++counts_.looks;
    lock_object(*op, h.object);
    op->handle = at;
    ++handles_[at].users;
    op->most_end = endless;
    send(std::move(op), core::stat_request{h.id});
    return true;
  }
  return false;
}

void workload::look_closer(const operation& op, const object_status& status) {
  if (status.bytes == 0) return truth_.resolve_content(op.object, {});
  if (!handles_[op.handle].in_use) return;
  operation_ptr next = make(action::read);
  next->looks = true;
  lock_object(*next, op.object);
  next->handle = op.handle;
  ++handles_[op.handle].users;
  next->bytes = status.bytes;
  next->memory.resize(status.bytes);
  next->ranges.push_back({0, next->memory});
  truth_.at(op.object).reads.push_back(next->asked);
  core::read_request r;
  r.handle = handles_[op.handle].id;
  r.ranges = next->ranges;
  send(std::move(next), std::move(r));
}

}  // namespace furrow::sim
