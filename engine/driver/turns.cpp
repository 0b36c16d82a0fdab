// Who has the turn of a driver, and the handlers that are called between turns.
#include <boost/asio/post.hpp>
#include <new>
#include <utility>

#include "driver/driver.hpp"

namespace furrow::driver {

namespace {

constexpr int turns_max = 16;  ///< In a row, before others on the executor have their turn.

}  // namespace

/// While one is alive its thread is in handlers of a driver, which takes a turn on that thread when they are done.
class driver::caller_of_handlers {
 public:
  explicit caller_of_handlers(const driver* of) : of_(of), outer_(std::exchange(innermost_, this)) {}
  caller_of_handlers(const caller_of_handlers&) = delete;
  caller_of_handlers& operator=(const caller_of_handlers&) = delete;
  ~caller_of_handlers() { innermost_ = outer_; }

  [[nodiscard]] static bool is_here(const driver* d) {
    for (const caller_of_handlers* c = innermost_; c != nullptr; c = c->outer_)
      if (c->of_ == d) return true;
    return false;
  }

 private:
  const driver* of_;
  caller_of_handlers* outer_;
  static thread_local caller_of_handlers* innermost_;
};

thread_local driver::caller_of_handlers* driver::caller_of_handlers::innermost_ = nullptr;

bool driver::handlers_are_here() const { return caller_of_handlers::is_here(this); }

void driver::take_over_locked() {
  while (newest_started_.load(std::memory_order_relaxed) != nullptr) {
    operation_queue& to = last_operations_locked();  // if it throws, they stay for the next time
    to.push_newest_first(newest_started_.exchange(nullptr, std::memory_order_acquire));
  }
}

operation_queue& driver::last_operations_locked() {
  if (inbox_.empty() || !std::holds_alternative<operation_queue>(inbox_.back()))
    inbox_.emplace_back(std::in_place_type<operation_queue>);
  return std::get<operation_queue>(inbox_.back());
}

void driver::schedule_locked() {  // I5
  if (!pump_scheduled_ && !in_turn_ && !handlers_are_here()) post_pump_locked();
}

void driver::post_pump_locked() {
  asio::post(*executor_, [self = shared_from_this()] { self->pump(); });
  pump_scheduled_ = true;  // pump() waits for the mutex
}

void driver::pump() {
  {
    const std::lock_guard lock(mutex_);
    pump_scheduled_ = false;
    if (in_turn_) return;
    begin_turn_locked();
  }
  take_turns();
}

void driver::signal(bool driver::*which) {
  {
    const std::lock_guard lock(mutex_);
    this->*which = true;
    if (in_turn_) return;
    begin_turn_locked();
  }
  take_turns();
}

/// Where memory lacks for what is to be taken over, the turn ends the store.
void driver::begin_turn_locked() noexcept {
  in_turn_ = true;
  try {
    take_over_locked();
  } catch (...) {
    short_of_memory_ = true;
  }
  notes_.swap(inbox_);
  if (std::exchange(device_signalled_, false)) waiting_ = false;
  late_ = std::exchange(timer_signalled_, false) || late_;
}

void driver::take_turns() {
  const auto self = shared_from_this();  // a handler may let the last store go
  for (int turns = 1;; ++turns) {
    deliveries::list ended;
    try {
      if (short_of_memory_) throw std::bad_alloc{};
      turn();
      ended = deliveries_.take();
      if (ended.empty() && !again_) arm();
    } catch (...) {
      break_down();  // I6
      ended = deliveries_.take();
    }
    if (ended.empty()) {
      if (!stay(turns)) return;
      continue;
    }
    leave();
    try {
      const caller_of_handlers here(this);
      deliveries_.call(std::move(ended));
    } catch (...) {
      static_cast<void>(come_back(turns_max));
      throw;
    }
    if (!come_back(turns)) return;
  }
}

bool driver::stay(int turns) {
  const std::lock_guard lock(mutex_);
  if (executor_ && has_notes_locked() && !again_ && turns < turns_max) {
    begin_turn_locked();
    return true;
  }
  in_turn_ = false;
  if (!executor_ || !(again_ || has_notes_locked()) || pump_scheduled_ || may_post_pump_locked()) return false;
  begin_turn_locked();
  return true;
}

/// False if memory lacks: whoever has the turn keeps it then, as nobody else would come.
bool driver::may_post_pump_locked() noexcept {
  try {
    post_pump_locked();
    return true;
  } catch (...) {
    return false;
  }
}

void driver::leave() {
  const std::lock_guard lock(mutex_);
  in_turn_ = false;
  // If memory lacks, it is come_back() that goes on.
  if (executor_ && has_notes_locked() && !pump_scheduled_) static_cast<void>(may_post_pump_locked());
}

bool driver::come_back(int turns) {
  std::vector<note> left;
  operation_queue too_late;
  {
    const std::lock_guard lock(mutex_);
    if (executor_) {
      if (in_turn_ || pump_scheduled_) return false;
      if (turns >= turns_max && may_post_pump_locked()) return false;
      begin_turn_locked();
      return true;
    }
    left.swap(inbox_);
    for (note& n : left)
      if (auto* const all = std::get_if<operation_queue>(&n))
        while (!all->empty()) too_late.push(all->take());
    if (operation* const started = newest_started_.exchange(nullptr, std::memory_order_acquire))
      too_late.push_newest_first(started);
  }
  while (!too_late.empty()) refuse(too_late.take(), errc::closed);
  return false;
}

}  // namespace furrow::driver
