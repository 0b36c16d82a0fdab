#include "driver/driver.hpp"

#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>
#include <utility>

#include "core/assert.hpp"
#include "driver/context_hook.hpp"

namespace furrow::driver {
asio::any_io_executor driver::executor_for_handlers(const run_on& where) {
  if (where.executor()) return *where.executor();
  return asio::require(asio::system_executor(), asio::execution::blocking.never);
}

result<std::shared_ptr<driver>> driver::make(const run_on& where, std::unique_ptr<zoned::device>& device,
                                             const store_options& options) {
  auto d = std::make_shared<driver>(where, options);
  if (const error_code e = d->start(device, options)) return e;
  return d;
}

driver::driver(const run_on& where, const store_options& options)
    : thread_(where.executor() ? nullptr : std::make_shared<own_thread>()),
      context_alive_(thread_ ? thread_->keep_alive() : nullptr),
      handler_executor_(executor_for_handlers(where)),
      operations_max_(options.operations_max),
      view_bytes_left_(std::make_shared<std::atomic<std::uint64_t>>(options.view_bytes_max)),
      executor_(thread_ ? asio::any_io_executor(thread_->executor()) : *where.executor()),
      admission_(options.in_flight_bytes_max),
      deliveries_(handler_executor_, thread_ != nullptr),
      event_strand_(asio::make_strand(handler_executor_)) {}

error_code driver::start(std::unique_ptr<zoned::device>& device, const store_options& options) {
  descriptor_.emplace(*executor_);
  timer_.emplace(*executor_);
  error_code e;
  descriptor_->assign(device->completion_fd(), e);
  if (e) return e;
  device_ = std::move(device);
  core_ = std::make_unique<core::core>(device_->shape(), device_->promises(), options);
  // Made after the services of descriptor and timer, so that it is shut down before them.
  hook_ = &asio::use_service<context_hook>(asio::query(*executor_, asio::execution::context));
  hook_->add(weak_from_this());
  return {};
}

driver::~driver() { abandon(); }

bool driver::leave(note&& n) {
  const std::lock_guard lock(mutex_);
  if (!executor_) return false;
  take_over_locked();
  schedule_locked();  // in front of what may not stay without: a turn that finds nothing does no harm
  inbox_.push_back(std::move(n));
  return true;
}

void driver::submit(operation_ptr o) {
  // The end of a store is not bounded by what it holds.
  const bool ends = o->kind == operation::role::close;
  if (operations_.fetch_add(1) >= operations_max_ && !ends) return refuse(std::move(o), errc::busy);
  if (!ends && handlers_are_here()) {
    operation* const mine = o.release();
    mine->next = newest_started_.load(std::memory_order_relaxed);
    while (!newest_started_.compare_exchange_weak(mine->next, mine, std::memory_order_release,
                                                  std::memory_order_relaxed)) {
    }
    return;
  }
  try {
    const std::lock_guard lock(mutex_);
    if (executor_ && accepting_) {
      take_over_locked();
      operation_queue& to = last_operations_locked();
      schedule_locked();
      if (ends) accepting_ = false;
      return to.push(std::move(o));
    }
  } catch (...) {  // the caller is told that memory lacks; the operation was not begun
    operations_.fetch_sub(1);
    throw;
  }
  refuse(std::move(o), errc::closed);
}

void driver::refuse(operation_ptr o, errc why) {
  operations_.fetch_sub(1);
  ending e;
  e.error = why;
  o->end(std::move(e));
  deliveries::send(std::move(o), handler_executor_);
}

void driver::cancel(core::operation_id id, errc reason) { static_cast<void>(leave(cancel_note{id, reason})); }

/// Called where nothing may be thrown: without memory the store keeps the object open until it ends.
void driver::release(core::handle_id handle) noexcept {
  try {
    static_cast<void>(leave(release_note{handle}));
  } catch (const std::bad_alloc&) {
  }
}

void give_object_back(ending& e) noexcept {
  const auto* const opened = e.by ? std::get_if<core::opened_object>(&e.result) : nullptr;
  if (opened != nullptr) e.by->release(opened->handle);
}

void driver::on_event(event_callback callback) { static_cast<void>(leave(std::move(callback))); }

void driver::stop() {
  std::shared_ptr<own_thread> thread;
  {
    const std::lock_guard lock(mutex_);
    if (!executor_) return;
    thread = thread_;
    take_over_locked();
    schedule_locked();
    inbox_.emplace_back(stop_note{});
  }
  if (thread) thread->join();
}

operation_queue driver::tear_down(std::unique_ptr<zoned::device>& device) {
  phase_ = phase::ended;
  std::vector<note> left;
  operation_queue unfinished, all;
  operation* started = nullptr;
  {
    const std::lock_guard lock(mutex_);
    accepting_ = false;
    executor_.reset();
    left.swap(inbox_);
    started = newest_started_.exchange(nullptr, std::memory_order_acquire);
  }
  end_views();
  if (descriptor_ && descriptor_->is_open()) descriptor_->release();
  descriptor_.reset();
  timer_.reset();
  device = std::move(device_);
  if (in_flight_ != 0) device.reset();  // I4; waits for them.
  core_.reset();
  fills_.clear();
  table_.take_all(all);
  for (note& n : left)
    if (auto* asked = std::get_if<operation_queue>(&n))
      while (!asked->empty()) all.push(asked->take());
  if (started != nullptr) all.push_newest_first(started);
  if (last_) all.push(std::move(last_));
  while (!all.empty()) {
    operation_ptr o = all.take();
    if (o->of_view) o->of_view->end();  // the helper may wait for pages of it
    unfinished.push(std::move(o));
  }
  if (helper_) helper_->end();
  work_.reset();
  event_strand_.reset();
  event_callback_.reset();
  if (hook_ != nullptr) std::exchange(hook_, nullptr)->remove(this);
  return unfinished;
}

void driver::abandon() {
  if (phase_ == phase::ended) return;
  std::unique_ptr<zoned::device> device;
  // The operations go with their handlers, after the device.
  const auto unfinished = tear_down(device);
  device.reset();
  if (thread_) thread_->end();
}

}  // namespace furrow::driver
