// The half of the driver that runs in its turn.
#include <boost/asio/post.hpp>
#include <chrono>
#include <span>
#include <utility>

#include "core/assert.hpp"
#include "driver/driver.hpp"

namespace furrow::driver {
namespace {

constexpr int rounds_max = 16;            ///< Of run() before others on the executor have their turn.
constexpr std::size_t commands_max = 64;  ///< Taken from the core before the device gets them.
/// Taken from the device before handlers are called: what these start reaches it while it works on the rest.
constexpr std::size_t completions_max = 8;
constexpr std::size_t kept_events_max = 64;

std::int64_t utc_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}

ending failed(errc why) {
  ending e;
  e.error = why;
  return e;
}

}  // namespace

void driver::turn() {
  again_ = false;
  now_ns_ = utc_ns();
  stirred_ = stirred_ || !notes_.empty();
  for (note& n : notes_) std::visit([this](auto& what) { take(what); }, n);
  notes_.clear();
  if (std::exchange(late_, false)) timer_at_.reset();
  if (deadlines_.earliest()) deadlines_passed();  // the timer is not set while one turn follows another
  run();
}

void driver::break_down() {
  if (phase_ == phase::ended) return;
  std::unique_ptr<zoned::device> device;
  auto unfinished = tear_down(device);
  device.reset();
  for (note& n : notes_)
    if (auto* all = std::get_if<operation_queue>(&n))
      while (!all->empty()) unfinished.push(all->take());
  notes_.clear();
  while (!unfinished.empty()) finish(unfinished.take(), failed(errc::needs_reopen));
  if (thread_) thread_->end();
}

void driver::take(operation_queue& all) {
  while (!all.empty()) {
    table_.make_room();  // if it throws, they stay
    operation_ptr o = all.take();
    if (phase_ != phase::running || o->kind != operation::role::ordinary || o->call.deadline)
      take(std::move(o));
    else
      accept(table_.add(std::move(o)));
  }
}

void driver::take(operation_ptr o) {
  if (phase_ != phase::running) return finish(std::move(o), failed(errc::closed));
  const bool may_end_early = o->kind == operation::role::ordinary;
  if (may_end_early && o->call.deadline && *o->call.deadline <= std::chrono::steady_clock::now()) {
    return finish(std::move(o), failed(errc::timed_out));
  }
  operation& accepted = table_.add(std::move(o));
  if (may_end_early && accepted.call.deadline) deadlines_.add(*accepted.call.deadline, accepted.id());
  if (accepted.kind == operation::role::close) {
    phase_ = phase::closing;
    close_waiting_ = accepted.id();
  } else {
    accept(accepted);
  }
}

void driver::accept(operation& o) {
  if (o.append_bytes != 0 && !admission_.admit_now(o.append_bytes)) {
    admission_.arrive(o.id(), o.append_bytes, o.urgency);
  } else {
    hand_over(o);
  }
}

void driver::take(const cancel_note& n) {
  if (phase_ != phase::ended) end_early(n.id, n.reason);
}

void driver::take(const release_note& n) {
  if (phase_ != phase::ended) to_core(core::request{unheard_id(), now_ns_, core::release_request{n.handle}});
}

void driver::take(event_callback& callback) {
  if (phase_ == phase::ended) return;
  event_callback_ = callback ? std::make_shared<event_callback>(std::move(callback)) : nullptr;
  if (!event_callback_) return;
  for (event& e : std::exchange(kept_events_, {})) tell(std::move(e));
}

void driver::take(const stop_note&) {
  if (phase_ == phase::ended) return;
  std::unique_ptr<zoned::device> device;
  auto unfinished = tear_down(device);
  device.reset();
  while (!unfinished.empty()) finish(unfinished.take(), failed(errc::closed));
  if (thread_) thread_->end();
}

void driver::run() {
  if (phase_ == phase::ended) return;
  for (int round = 0; round < rounds_max; ++round) {
    bool moved = reap();
    if (!admission_.empty() || close_waiting_) moved = admit() || moved;
    if (std::exchange(fed_, false) || !unsent_.empty()) {
      moved = give() || moved;
      moved = answer() || moved;
    }
    stirred_ = stirred_ || moved;
    if (last_ && device_at_rest()) return end();
    if (!moved && !rest()) return;
    if (!deliveries_.empty()) break;
  }
  again_ = true;
}

bool driver::reap() {
  if (in_flight_ == 0) return false;
  reaped_.resize(completions_max);
  const std::size_t count = device_->reap(reaped_);
  FURROW_ASSERT(count <= in_flight_);
  in_flight_ -= count;
  for (const zoned::completion& c : std::span(reaped_).first(count)) core_->handle(c);
  fed_ = fed_ || count != 0;
  return count != 0;
}

bool driver::admit() {
  bool any = false;
  while (!admission_.empty()) {
    const auto id = admission_.admit();
    if (!id) break;
    operation* o = table_.find(*id);
    FURROW_ASSERT(o != nullptr);
    hand_over(*o);
    any = true;
  }
  if (close_waiting_ && admission_.empty()) {
    hand_over(*table_.find(*std::exchange(close_waiting_, std::nullopt)));
    any = true;
  }
  return any;
}

bool driver::give() {
  bool any = false;
  for (;;) {
    if (unsent_.empty()) {
      while (unsent_.size() < commands_max && core_->poll(polled_)) unsent_.push_back(polled_);
      if (unsent_.empty()) return any;
    }
    const std::size_t accepted = device_->submit(unsent_);
    FURROW_ASSERT(accepted != 0 || in_flight_ != 0);  // Else nothing would ever offer them again.
    in_flight_ += accepted;
    any = any || accepted != 0;
    if (accepted < unsent_.size()) {
      unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(accepted));
      return any;
    }
    unsent_.clear();
  }
}

bool driver::answer() {
  bool any = false;
  while (core::notification* n = core_->next()) {
    if (const auto* several = std::get_if<core::io_answers>(&n->result))
      answer(several->all);
    else
      answer(*n);
    core_->pop();
    any = true;
  }
  return any;
}

void driver::answer(std::span<const core::io_answer> several) {
  for (const core::io_answer& a : several) {
    operation_ptr o = withdraw(a.id);
    FURROW_ASSERT(o != nullptr);  // I2
    o->plain = a.result;
    operations_.fetch_sub(1);
    deliveries_.add(std::move(o));
  }
}

void driver::answer(core::notification& n) {
  if (n.id == core::operation_id{}) {
    auto* e = std::get_if<event>(&n.result);
    FURROW_ASSERT(e != nullptr);
    return tell(std::move(*e));
  }
  if ((n.id.value & unheard) != 0) return;
  if (const auto* need = std::get_if<core::source_need>(&n.result)) return need_source(n.id, need->position_bytes);
  if (const auto* m = std::get_if<core::mapped_view>(&n.result)) return mapped(n.id, m->view);
  if ((n.id.value & filling) != 0) return filled(n);
  operation_ptr o = withdraw(n.id);
  FURROW_ASSERT(o != nullptr);  // I2
  if (o->kind == operation::role::open && !n.error) opened_ = true;
  if (o->kind == operation::role::ordinary || (o->kind == operation::role::open && !n.error)) {
    try {
      o->end(n);
    } catch (...) {  // the store ends, and its operation is told
      finish(std::move(o), failed(errc::needs_reopen));
      throw;
    }
    const bool is_handle = o->ended && (std::holds_alternative<core::opened_object>(o->ended->result) ||
                                        std::holds_alternative<open_result>(o->ended->result));
    if (is_handle) o->ended->by = shared_from_this();
    operations_.fetch_sub(1);
    return deliveries_.add(std::move(o));
  }
  last_ = std::move(o);
  last_answer_ = std::move(n);
}

bool driver::rest() {
  if (!opened_ || last_ || !stirred_ || !device_at_rest()) return false;
  stirred_ = false;
  if (!core_->tick()) return false;
  const bool given = give();
  stirred_ = answer() || given;
  return stirred_;
}

void driver::to_core(core::request&& r) {
  fed_ = true;
  core_->handle(std::move(r));
}

void driver::hand_over(operation& o) {
  if ((o.feed || o.of_view) && !begin_helped(o)) return;
  o.with_core = true;
  o.request.now_ns = now_ns_;
  to_core(std::move(o.request));
}

void driver::end_early(core::operation_id id, errc reason) {
  operation* o = table_.find(id);
  if (o == nullptr) return;  // It has ended meanwhile.
  if (o->with_core) {
    to_core(core::request{unheard_id(), now_ns_, core::cancel_request{id, reason}});
  } else {
    finish(withdraw(id), failed(reason));
  }
}

operation_ptr driver::withdraw(core::operation_id id) {
  operation_ptr o = table_.take(id);
  if (!o) return o;
  if (o->append_bytes != 0 && o->with_core) admission_.leave(o->append_bytes);
  if (o->call.deadline || !o->with_core) forget(*o);
  return o;
}

void driver::forget(const operation& o) {
  if (o.call.deadline) deadlines_.remove(*o.call.deadline, o.id());
  if (o.append_bytes != 0 && !o.with_core) admission_.withdraw(o.id());
}

void driver::finish(operation_ptr o, ending e) {
  operations_.fetch_sub(1);
  o->end(std::move(e));
  deliveries_.add(std::move(o));
}

void driver::tell(event e) {
  if (!event_callback_) {
    if (kept_events_.size() < kept_events_max) kept_events_.push_back(std::move(e));
    return;
  }
  asio::post(*event_strand_, [callback = event_callback_, e = std::move(e)] { (*callback)(e); });
}

void driver::end() {
  ending e;
  e.error = last_answer_.error;
  e.detail = std::move(last_answer_.detail);
  e.result = std::move(last_answer_.result);
  operation_ptr last = std::move(last_);
  auto unfinished = tear_down(e.device);
  if (last->kind == operation::role::open) e.device.reset();
  while (!unfinished.empty()) finish(unfinished.take(), failed(errc::closed));
  if (thread_) thread_->end();
  e.ended_thread = thread_;
  finish(std::move(last), std::move(e));
}

void driver::arm() {
  if (phase_ == phase::ended) return;
  set_timer();
  const bool busy = in_flight_ != 0 || !table_.empty();
  if (busy && !work_) work_.emplace(*executor_);
  if (!busy) work_.reset();  // I3
  if (in_flight_ != 0 && !waiting_) wait_for_device();
  if (in_flight_ == 0 && waiting_) descriptor_->cancel();
}

void driver::wait_for_device() {
  waiting_ = true;
  descriptor_->async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](error_code) { self->signal(&driver::device_signalled_); });
}

void driver::set_timer() {
  const auto earliest = deadlines_.earliest();
  if (earliest == timer_at_) return;
  timer_at_ = earliest;
  if (!earliest) {
    timer_->cancel();
    return;
  }
  timer_->expires_at(*earliest);
  timer_->async_wait([self = shared_from_this()](error_code e) {
    if (!e) self->signal(&driver::timer_signalled_);
  });
}

void driver::deadlines_passed() {
  if (phase_ == phase::ended) return;
  while (const auto id = deadlines_.take_passed(std::chrono::steady_clock::now())) end_early(*id, errc::timed_out);
}

}  // namespace furrow::driver
