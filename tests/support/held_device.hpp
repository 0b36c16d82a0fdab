// A device without media, whose commands complete when the test says so; from any thread.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "furrow/zoned/device.hpp"

namespace furrow::test {

/// What the test holds of it; outlives the device.
class held_commands {
 public:
  held_commands() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  held_commands(const held_commands&) = delete;
  held_commands& operator=(const held_commands&) = delete;
  ~held_commands() { ::close(fd_); }

  /// From now on commands stay in flight; until then they complete at once.
  void hold() {
    const std::lock_guard lock(mutex_);
    holding_ = true;
  }
  /// Completes what is held, and all that follows.
  void let_go() {
    const std::lock_guard lock(mutex_);
    holding_ = false;
    complete_locked(held_.size());
  }
  /// Completes the oldest ones.
  void complete(std::size_t count) {
    const std::lock_guard lock(mutex_);
    complete_locked(count);
  }
  /// Accepts at most so many at a time.
  void set_room(std::size_t commands) {
    const std::lock_guard lock(mutex_);
    room_ = commands;
  }
  void wait_for_held(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_.size() >= count; });
  }
  [[nodiscard]] std::size_t held() const {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }
  [[nodiscard]] std::vector<std::uint64_t> accepted() const {
    const std::lock_guard lock(mutex_);
    return accepted_;
  }
  [[nodiscard]] bool device_is_gone() const {
    const std::lock_guard lock(mutex_);
    return gone_;
  }
  [[nodiscard]] std::thread::id submitting_thread() const {
    const std::lock_guard lock(mutex_);
    return submitting_thread_;
  }
  [[nodiscard]] std::size_t reaps() const {
    const std::lock_guard lock(mutex_);
    return reaps_;
  }

 private:
  friend class held_device;

  void complete_locked(std::size_t count) {
    for (count = std::min(count, held_.size()); count != 0; --count) {
      ready_.push_back(held_.front());
      held_.pop_front();
    }
    if (!ready_.empty()) static_cast<void>(::eventfd_write(fd_, 1));
  }

  const int fd_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool holding_ = false;
  bool gone_ = false;
  std::size_t room_ = 1000;
  std::size_t reaps_ = 0;
  std::thread::id submitting_thread_;
  std::deque<zoned::command_id> held_;
  std::deque<zoned::command_id> ready_;
  std::vector<std::uint64_t> accepted_;
};

class held_device final : public zoned::device {
 public:
  explicit held_device(std::shared_ptr<held_commands> state, std::uint32_t zones = 16) : state_(std::move(state)) {
    shape_.zone_bytes = 1 << 20;
    shape_.last_zone_bytes = 1 << 20;
    shape_.zone_count = zones;
    promises_.native_append = true;
  }
  ~held_device() override {
    const std::lock_guard lock(state_->mutex_);
    state_->gone_ = true;
    state_->held_.clear();
    state_->ready_.clear();
  }

  [[nodiscard]] const zoned::geometry& shape() const noexcept override { return shape_; }
  [[nodiscard]] const zoned::guarantees& promises() const noexcept override { return promises_; }

  [[nodiscard]] std::size_t submit(std::span<const zoned::command> commands) override {
    const std::lock_guard lock(state_->mutex_);
    const std::size_t busy = state_->held_.size() + state_->ready_.size();
    const std::size_t count = std::min(commands.size(), state_->room_ - std::min(state_->room_, busy));
    for (const zoned::command& c : commands.first(count)) {
      state_->held_.push_back(c.id);
      state_->accepted_.push_back(c.id.value);
    }
    state_->submitting_thread_ = std::this_thread::get_id();
    if (!state_->holding_) state_->complete_locked(state_->held_.size());
    state_->changed_.notify_all();
    return count;
  }
  [[nodiscard]] std::size_t reap(std::span<zoned::completion> out) override {
    const std::lock_guard lock(state_->mutex_);
    ++state_->reaps_;
    std::size_t count = 0;
    for (; count < out.size() && !state_->ready_.empty(); ++count) {
      out[count] = {};
      out[count].id = state_->ready_.front();
      state_->ready_.pop_front();
    }
    eventfd_t ignored = 0;
    if (state_->ready_.empty()) static_cast<void>(::eventfd_read(state_->fd_, &ignored));
    return count;
  }
  [[nodiscard]] int completion_fd() const noexcept override { return state_->fd_; }
  void cancel(zoned::command_id) noexcept override {}
  [[nodiscard]] std::string name() const override { return "held"; }

 private:
  std::shared_ptr<held_commands> state_;
  zoned::geometry shape_;
  zoned::guarantees promises_;
};

}  // namespace furrow::test
