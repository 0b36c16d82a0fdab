// Lanes of ordered_append.hpp.
#include "adapt/ordered_append.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "ensure.hpp"
#include "transfer_rules.hpp"

namespace furrow::zoned {
namespace {

bool is_write(opcode op) { return op == opcode::append || op == opcode::write; }

/// A descriptor that is readable while either of the two is.
unique_fd readable_with(int a, int b) {
  unique_fd both{::epoll_create1(EPOLL_CLOEXEC)};
  ensure(both.is_open());
  for (const int fd : {a, b}) {
    ::epoll_event interest{};
    interest.events = EPOLLIN;
    ensure(::epoll_ctl(both.get(), EPOLL_CTL_ADD, fd, &interest) == 0);
  }
  return both;
}

guarantees promises_over(const guarantees& below, const write_choice& choice) {
  guarantees p = below;
  p.appends_per_zone_max = ordered_append::appends_per_zone(choice.depth);
  p.coalesce_bytes = choice.coalesce_bytes;
  return p;
}

/// Whether the write pointer of a report means anything.
bool has_write_pointer(const zone_info& zone) {
  return is_writable(zone.condition) || zone.condition == zone_condition::full;
}

}  // namespace

ordered_append::ordered_append(std::unique_ptr<device> below, std::uint32_t depth)
    : ordered_append{std::move(below), write_choice{.depth = depth, .coalesce_bytes = store_block_bytes}} {}

ordered_append::ordered_append(std::unique_ptr<device> below, write_choice choice)
    : promises_{promises_over(below->promises(), choice)},
      depth_{choice.depth},
      because_{std::move(choice.because)},
      ready_{promises_.in_flight_max, completion_queue::signalled::by_us},
      either_ready_{readable_with(ready_.fd(), below->completion_fd())},
      slots_{promises_.in_flight_max},
      lanes_(below->shape().zone_count),
      below_{std::move(below)} {
  ensure(!promises_.native_append);
  ensure(depth_ > 0);
  outgoing_.reserve(promises_.in_flight_max);
}

std::size_t ordered_append::submit(std::span<const command> commands) {
  const auto accepted = commands.first(ready_.accept(commands.size()));
  for (const command& c : accepted) accept(c);
  submit_below();
  ready_.announce_if_ready();
  return accepted.size();
}

std::size_t ordered_append::reap(std::span<completion> out) {
  return ready_.reap(out, [this] { gather(); });
}

/// Until there is something to give, or nothing: only then does the device below tell of what comes later.
void ordered_append::gather() {
  std::size_t count = 0;
  do {
    count = below_->reap(landed_);
    for (std::size_t i = 0; i < count; ++i) finish(landed_[i]);
    submit_below();
  } while (count == landed_.size() || (count > 0 && ready_.empty()));
}

void ordered_append::cancel(command_id id) noexcept {
  for (slot_index i = 0; i < slots_.size(); ++i) {
    const slot& s = slots_[i];
    if (s.now == stage::free || s.what.id != id) continue;
    if (s.now == stage::waiting) {
      remove(lanes_[s.what.zone.value].waiting, i);
      refuse(i, errc::cancelled);
      ready_.announce();
    } else if (s.now != stage::learning && s.now != stage::failed) {
      below_->cancel({i});
    }
    return;
  }
}

void ordered_append::accept(const command& c) {
  const slot_index index = slots_.take();
  slots_[index] = {
      .what = c, .now = stage::waiting, .next = none, .offset_bytes = c.offset_bytes, .error = {}, .changes = changes_};
  if (!is_mutation(c.op)) return pass_on(index, c, stage::passing);
  if (c.zone.value >= shape().zone_count) return refuse(index, errc::out_of_range);
  lane& l = lanes_[c.zone.value];
  push_back(l.waiting, index);
  next(l);
}

void ordered_append::pass_on(slot_index index, const command& c, stage as) {
  slots_[index].now = as;
  if (as != stage::passing) ++changes_;
  outgoing_.push_back(c);
  outgoing_.back().id = {index};
}

void ordered_append::next(lane& l) {
  while (!l.waiting.empty()) {
    if (l.state == lane_state::unknown) return learn(l, l.waiting.first);
    if (l.state != lane_state::known || !start(l)) return;
  }
}

bool ordered_append::start(lane& l) {
  const slot_index index = l.waiting.first;
  const command& c = slots_[index].what;
  if (l.zone.type == zone_type::conventional) {
    pop_front(l.waiting);
    if (c.op == opcode::write) {
      pass_on(index, c, stage::passing);
    } else {
      refuse(index, errc::invalid_transition);
    }
    return true;
  }
  if (is_write(c.op)) return start_write(l, index);
  if (l.at_work > 0) return false;
  pop_front(l.waiting);
  l.state = lane_state::changing;
  pass_on(index, c, stage::changing);
  return true;
}

bool ordered_append::start_write(lane& l, slot_index index) {
  if (l.at_work >= depth_) return false;
  slot& s = slots_[index];
  if (const error_code refused = place_write(l, s)) {
    if (l.at_work > 0) return false;  // what is at work may land otherwise than thought
    pop_front(l.waiting);
    refuse(index, refused);
    return true;
  }
  pop_front(l.waiting);
  push_back(l.placed, index);
  ++l.at_work;
  l.zone.write_pointer_bytes = s.offset_bytes + total_bytes(s.what.segments);
  command own = s.what;
  own.op = opcode::write;
  own.offset_bytes = s.offset_bytes;
  pass_on(index, own, stage::writing);
  return true;
}

/// The refusals of the table in zone_machine.hpp that the write pointer and the condition decide.
error_code ordered_append::place_write(const lane& l, slot& s) const {
  if (const error_code e = check_transfer(s.what, l.zone.type, shape(), promises_)) return e;
  switch (l.zone.condition) {
    case zone_condition::read_only:
      return errc::zone_read_only;
    case zone_condition::offline:
      return errc::zone_offline;
    case zone_condition::full:
      return errc::zone_full;
    case zone_condition::not_write_pointer:
      return errc::invalid_transition;
    case zone_condition::empty:
    case zone_condition::implicit_open:
    case zone_condition::explicit_open:
    case zone_condition::closed:
      break;
  }
  if (s.what.op == opcode::append) s.offset_bytes = l.zone.write_pointer_bytes;
  if (s.offset_bytes != l.zone.write_pointer_bytes) return errc::not_sequential;
  if (total_bytes(s.what.segments) > l.zone.capacity_bytes - s.offset_bytes) return errc::zone_boundary;
  return {};
}

/// What the same table says of a zone command that a driver refused with io.
error_code ordered_append::refusal_of_management(const lane& l, opcode op) const {
  switch (l.zone.condition) {
    case zone_condition::read_only:
      return errc::zone_read_only;
    case zone_condition::offline:
      return errc::zone_offline;
    case zone_condition::full:
      return op == opcode::open || op == opcode::close ? errc::invalid_transition : errc::io;
    case zone_condition::empty:
      return op == opcode::close ? errc::invalid_transition : errc::io;
    case zone_condition::not_write_pointer:
    case zone_condition::implicit_open:
    case zone_condition::explicit_open:
    case zone_condition::closed:
      break;
  }
  return errc::io;
}

/// The device fills the lane's own zone: nothing looks at it until the report has completed.
void ordered_append::learn(lane& l, slot_index asking) {
  l.state = lane_state::learning;
  slot& s = slots_[asking];
  s.now = stage::learning;
  outgoing_.push_back({.id = {asking},
                       .op = opcode::report,
                       .zone = s.what.zone,
                       .offset_bytes = 0,
                       .segments = {},
                       .zones = {&l.zone, 1}});
}

void ordered_append::learn_from(const slot& report, std::uint64_t zones) {
  if (report.changes != changes_) return;  // it may be older than them
  for (const zone_info& z : report.what.zones.first(std::min<std::uint64_t>(zones, report.what.zones.size()))) {
    if (z.index.value >= lanes_.size()) continue;
    lane& l = lanes_[z.index.value];
    if (l.state != lane_state::unknown) continue;
    l.zone = z;
    l.state = lane_state::known;
  }
}

void ordered_append::finish(const completion& c) {
  const auto index = static_cast<slot_index>(c.id.value);
  ensure(c.id.value < slots_.size());
  const slot& s = slots_[index];
  switch (s.now) {
    case stage::passing:
      if (s.what.op == opcode::report && !c.error) learn_from(s, c.bytes);
      return answer(index, c.error, c.at, c.bytes);
    case stage::learning:
      return finish_learning(lanes_[s.what.zone.value], index, !c.error && c.bytes == 1, c.error);
    case stage::changing:
      ++changes_;
      return finish_management(lanes_[s.what.zone.value], index, c.error);
    case stage::writing:
      ++changes_;
      return finish_write(lanes_[s.what.zone.value], index, c);
    case stage::free:
    case stage::waiting:
    case stage::failed:
      break;
  }
  ensure(false);
}

void ordered_append::finish_learning(lane& l, slot_index asking, bool learned, error_code error) {
  slot& s = slots_[asking];
  ensure(!learned || l.zone.index == s.what.zone);
  l.state = learned ? lane_state::known : lane_state::unknown;
  if (!l.placed.empty()) {
    s.now = stage::failed;
    judge_failed(l, learned);
  } else {
    s.now = stage::waiting;
    if (!learned) {
      pop_front(l.waiting);
      refuse(asking, error ? error : error_code{errc::io});
      cancel_waiting_writes(l);
    }
  }
  next(l);
}

void ordered_append::finish_write(lane& l, slot_index index, const completion& c) {
  slot& s = slots_[index];
  ensure(l.at_work > 0);
  --l.at_work;
  const std::uint64_t asked = total_bytes(s.what.segments);
  if (c.error || c.bytes == 0) {
    s.now = stage::failed;
    s.error = c.error ? c.error : error_code{errc::io};
    l.state = lane_state::troubled;
  } else {
    ensure(c.bytes <= asked);
    bool failed_in_front = false;
    for (slot_index i = l.placed.first; i != index; i = slots_[i].next)
      failed_in_front |= slots_[i].now == stage::failed;
    bool failed_behind = false;
    for (slot_index i = s.next; i != none; i = slots_[i].next) failed_behind |= slots_[i].now == stage::failed;
    const bool is_last = s.next == none;
    remove(l.placed, index);
    if (c.bytes == asked) {
      l.overtaken |= failed_behind;
    } else if (is_last && l.state == lane_state::known) {
      l.zone.write_pointer_bytes = s.offset_bytes + c.bytes;
    } else {
      l.came_short |= !failed_in_front;
      l.state = lane_state::troubled;
    }
    answer(index, {}, {s.what.zone, s.offset_bytes}, c.bytes);
  }
  if (l.at_work > 0) return next(l);
  if (l.state == lane_state::troubled) return settle(l);
  if (l.zone.write_pointer_bytes == l.zone.capacity_bytes) {
    l.zone.condition = zone_condition::full;
  } else if (!is_active(l.zone.condition)) {
    l.zone.condition = zone_condition::implicit_open;
  }
  next(l);
}

/// All that was at work has ended. A write that failed alone is judged without a report: it is guilty.
void ordered_append::settle(lane& l) {
  if (!l.placed.empty() && (l.placed.first != l.placed.last || l.came_short || l.overtaken)) {
    return learn(l, l.placed.first);
  }
  l.state = lane_state::unknown;
  judge_failed(l, false);
  next(l);
}

void ordered_append::finish_management(lane& l, slot_index index, error_code error) {
  const opcode op = slots_[index].what.op;
  answer(index, error == errc::io ? refusal_of_management(l, op) : error);
  if (error) {
    l.state = lane_state::unknown;
    cancel_waiting_writes(l);
    return next(l);
  }
  l.state = lane_state::known;
  if (op == opcode::open) l.zone.condition = zone_condition::explicit_open;
  if (op == opcode::close) l.zone.condition = zone_condition::closed;
  if (op == opcode::finish) l.zone.condition = zone_condition::full;
  if (op == opcode::reset) {
    l.zone.condition = zone_condition::empty;
    l.zone.write_pointer_bytes = 0;
  }
  next(l);
}

/// The table in the header: nothing of the lane is at work, and all that is placed has failed.
void ordered_append::judge_failed(lane& l, bool learned) {
  const bool trusted = learned && has_write_pointer(l.zone);
  const std::uint64_t pointer_bytes = l.zone.write_pointer_bytes;
  const auto left_nothing = [&](slot_index i) { return trusted && pointer_bytes <= slots_[i].offset_bytes; };
  bool innocent = std::exchange(l.came_short, false);
  if (std::exchange(l.overtaken, false)) {
    depth_ = 1;
    because_ = "one after the other in each zone: the device has changed the order of two";
    if (left_nothing(l.placed.first)) return put_back_failed(l);
  }
  while (!l.placed.empty()) {
    const slot_index index = pop_front(l.placed);
    const slot& s = slots_[index];
    if (innocent && left_nothing(index)) {
      refuse(index, errc::cancelled);
    } else {
      answer(index, s.error, {s.what.zone, s.offset_bytes});
    }
    innocent = true;
  }
  cancel_waiting_writes(l);
}

/// In their order, in front of what waits.
void ordered_append::put_back_failed(lane& l) {
  for (slot_index i = l.placed.first; i != none; i = slots_[i].next) slots_[i].now = stage::waiting;
  slots_[l.placed.last].next = l.waiting.first;
  if (l.waiting.empty()) l.waiting.last = l.placed.last;
  l.waiting.first = l.placed.first;
  l.placed = {};
}

void ordered_append::cancel_waiting_writes(lane& l) {
  slot_list waiting = std::exchange(l.waiting, {});
  while (!waiting.empty()) {
    const slot_index index = pop_front(waiting);
    if (is_write(slots_[index].what.op)) {
      refuse(index, errc::cancelled);
    } else {
      push_back(l.waiting, index);
    }
  }
}

void ordered_append::refuse(slot_index index, error_code error) {
  const command& c = slots_[index].what;
  const bool placed = is_write(c.op) && c.zone.value < shape().zone_count;
  answer(index, error, placed ? place{c.zone, shape().bytes_of(c.zone)} : place{});
}

void ordered_append::answer(slot_index index, error_code error, place at, std::uint64_t bytes) {
  slot& s = slots_[index];
  ensure(s.now != stage::free);
  ready_.push(s.what.id, error, at, bytes);
  s.now = stage::free;
  slots_.give_back(index);
}

void ordered_append::submit_below() {
  if (outgoing_.empty()) return;
  ensure(below_->submit(outgoing_) == outgoing_.size());
  outgoing_.clear();
}

void ordered_append::push_back(slot_list& list, slot_index index) {
  slots_[index].next = none;
  if (list.empty()) {
    list.first = index;
  } else {
    slots_[list.last].next = index;
  }
  list.last = index;
}

ordered_append::slot_index ordered_append::pop_front(slot_list& list) {
  const slot_index index = list.first;
  list.first = slots_[index].next;
  if (list.empty()) list.last = none;
  return index;
}

void ordered_append::remove(slot_list& list, slot_index index) {
  if (list.first == index) {
    pop_front(list);
    return;
  }
  slot_index before = list.first;
  while (slots_[before].next != index) before = slots_[before].next;
  slots_[before].next = slots_[index].next;
  if (list.last == index) list.last = before;
}

}  // namespace furrow::zoned
