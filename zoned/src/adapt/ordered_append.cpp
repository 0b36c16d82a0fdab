// Lanes of ordered_append.hpp.
#include "adapt/ordered_append.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
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

guarantees promises_over(const guarantees& below) {
  guarantees p = below;
  p.appends_per_zone_max = ordered_append::appends_per_zone;
  return p;
}

}  // namespace

ordered_append::ordered_append(std::unique_ptr<device> below)
    : promises_{promises_over(below->promises())},
      either_ready_{readable_with(ready_event_.get(), below->completion_fd())},
      slots_(promises_.in_flight_max),
      lanes_(below->shape().zone_count),
      below_{std::move(below)} {
  ensure(!promises_.native_append);
  for (slot_index i = promises_.in_flight_max; i > 0; --i) free_slots_.push_back(i - 1);
}

std::size_t ordered_append::submit(std::span<const command> commands) {
  const auto accepted = commands.first(std::min(commands.size(), promises_.in_flight_max - in_flight_));
  in_flight_ += accepted.size();
  for (const command& c : accepted) accept(c);
  submit_below();
  if (!ready_.empty()) ready_event_.set();
  return accepted.size();
}

std::size_t ordered_append::reap(std::span<completion> out) {
  ready_event_.clear();
  std::array<completion, 64> landed;
  for (std::size_t count = below_->reap(landed); count > 0; count = below_->reap(landed)) {
    for (std::size_t i = 0; i < count; ++i) finish(landed[i]);
  }
  submit_below();
  const std::size_t count = std::min(out.size(), ready_.size());
  std::copy_n(ready_.begin(), count, out.begin());
  ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(count));
  in_flight_ -= count;
  if (!ready_.empty()) ready_event_.set();
  return count;
}

void ordered_append::cancel(command_id id) noexcept {
  for (slot_index i = 0; i < slots_.size(); ++i) {
    const slot& s = slots_[i];
    if (s.now == stage::free || s.what.id != id) continue;
    if (s.now == stage::waiting) {
      std::erase(lanes_[s.what.zone.value].waiting, i);
      refuse(i, errc::cancelled);
      ready_event_.set();
    } else if (s.now == stage::at_work) {
      below_->cancel({i});
    }
    return;
  }
}

void ordered_append::accept(const command& c) {
  ensure(!free_slots_.empty());
  const slot_index index = free_slots_.back();
  free_slots_.pop_back();
  slots_[index] = {.what = c, .now = stage::waiting, .offset_bytes = c.offset_bytes, .learned = {}};
  if (!is_mutation(c.op)) {
    pass_on(index, c);
    return;
  }
  if (c.zone.value >= shape().zone_count) {
    refuse(index, errc::out_of_range);
    return;
  }
  lane& l = lanes_[c.zone.value];
  if (l.known && l.zone.type == zone_type::conventional && c.op == opcode::write) {
    pass_on(index, c);
    return;
  }
  l.waiting.push_back(index);
  next(l);
}

void ordered_append::pass_on(slot_index index, const command& c) {
  slots_[index].now = stage::at_work;
  command own = c;
  own.id = {index};
  outgoing_.push_back(own);
}

void ordered_append::next(lane& l) {
  while (!l.busy && !l.waiting.empty()) {
    const slot_index index = l.waiting.front();
    if (!l.known) {
      learn(l, index);
      return;
    }
    l.waiting.erase(l.waiting.begin());
    l.busy = start(l, index);
  }
}

void ordered_append::learn(lane& l, slot_index index) {
  l.busy = true;
  slot& s = slots_[index];
  s.now = stage::learning;
  outgoing_.push_back({.id = {index},
                       .op = opcode::report,
                       .zone = s.what.zone,
                       .offset_bytes = 0,
                       .segments = {},
                       .zones = {&s.learned, 1}});
}

bool ordered_append::start(lane& l, slot_index index) {
  slot& s = slots_[index];
  if (l.zone.type == zone_type::conventional) {
    if (s.what.op == opcode::write) {
      pass_on(index, s.what);
    } else {
      refuse(index, errc::invalid_transition);
    }
    return false;
  }
  command own = s.what;
  if (is_write(s.what.op)) {
    if (const error_code refused = place_write(l, s)) {
      refuse(index, refused);
      return false;
    }
    own.op = opcode::write;
    own.offset_bytes = s.offset_bytes;
  }
  pass_on(index, own);
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

void ordered_append::finish(const completion& c) {
  const auto index = static_cast<slot_index>(c.id.value);
  ensure(index < slots_.size());
  slot& s = slots_[index];
  ensure(s.now == stage::learning || s.now == stage::at_work);
  if (s.now == stage::learning) {
    finish_learning(lanes_[s.what.zone.value], index, c);
    return;
  }
  const bool is_change = is_mutation(s.what.op) && lanes_[s.what.zone.value].zone.type == zone_type::sequential;
  if (is_change) {
    finish_change(lanes_[s.what.zone.value], index, c);
  } else {
    answer(index, c.error, c.at, c.bytes);
  }
}

void ordered_append::finish_learning(lane& l, slot_index index, const completion& c) {
  slot& s = slots_[index];
  s.now = stage::waiting;
  l.busy = false;
  if (!c.error && c.bytes == 1) {
    ensure(s.learned.index == s.what.zone);
    l.zone = s.learned;
    l.known = true;
  } else {
    l.waiting.erase(l.waiting.begin());
    refuse(index, c.error ? c.error : error_code{errc::io});
    fail_waiting_writes(l);
  }
  next(l);
}

void ordered_append::finish_change(lane& l, slot_index index, const completion& c) {
  const slot& s = slots_[index];
  ensure(l.busy);
  ensure(l.known);
  l.busy = false;
  const bool write = is_write(s.what.op);
  const bool landed = !c.error && (!write || c.bytes > 0);
  if (landed) {
    ensure(c.bytes <= total_bytes(s.what.segments));
    note_success(l, s.what, c.bytes);
    answer(index, {}, write ? place{s.what.zone, s.offset_bytes} : place{}, c.bytes);
  } else {
    l.known = false;
    answer(index, c.error ? c.error : error_code{errc::io}, write ? place{s.what.zone, s.offset_bytes} : place{});
    fail_waiting_writes(l);
  }
  next(l);
}

void ordered_append::note_success(lane& l, const command& c, std::uint64_t bytes) {
  switch (c.op) {
    case opcode::append:
    case opcode::write:
      l.zone.write_pointer_bytes += bytes;
      if (l.zone.write_pointer_bytes == l.zone.capacity_bytes) l.zone.condition = zone_condition::full;
      return;
    case opcode::finish:
      l.zone.condition = zone_condition::full;
      return;
    case opcode::reset:
      l.zone.condition = zone_condition::empty;
      l.zone.write_pointer_bytes = 0;
      return;
    case opcode::open:
    case opcode::close:
      return;
    case opcode::read:
    case opcode::flush:
    case opcode::report:
      break;
  }
  ensure(false);
}

void ordered_append::fail_waiting_writes(lane& l) {
  const std::vector<slot_index> waiting = std::exchange(l.waiting, {});
  for (const slot_index index : waiting) {
    if (is_write(slots_[index].what.op)) {
      refuse(index, errc::cancelled);
    } else {
      l.waiting.push_back(index);
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
  ready_.push_back({.id = s.what.id, .error = error, .at = at, .bytes = bytes});
  s.now = stage::free;
  free_slots_.push_back(index);
}

void ordered_append::submit_below() {
  if (outgoing_.empty()) return;
  ensure(below_->submit(outgoing_) == outgoing_.size());
  outgoing_.clear();
}

}  // namespace furrow::zoned
