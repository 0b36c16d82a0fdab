// A device whose every completion is decided by the test: when, in which order, with what error or length.
//
// Not here: zones; the test plays them.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <deque>
#include <stdexcept>
#include <vector>

#include "furrow/zoned/device.hpp"

namespace furrow::test {

class scripted_device final : public zoned::device {
 public:
  scripted_device(const zoned::geometry& shape, const zoned::guarantees& promises)
      : shape_{shape}, promises_{promises}, fd_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {}
  ~scripted_device() override { ::close(fd_); }

  [[nodiscard]] const zoned::geometry& shape() const noexcept override { return shape_; }
  [[nodiscard]] const zoned::guarantees& promises() const noexcept override { return promises_; }
  [[nodiscard]] std::size_t submit(std::span<const zoned::command> commands) override {
    const std::size_t count = std::min<std::size_t>(commands.size(), promises_.in_flight_max - at_work_.size());
    at_work_.insert(at_work_.end(), commands.begin(), commands.begin() + static_cast<std::ptrdiff_t>(count));
    most_at_work_ = std::max(most_at_work_, at_work_.size());
    return count;
  }
  [[nodiscard]] std::size_t reap(std::span<zoned::completion> out) override {
    const std::size_t count = std::min(out.size(), done_.size());
    std::copy_n(done_.begin(), count, out.begin());
    done_.erase(done_.begin(), done_.begin() + static_cast<std::ptrdiff_t>(count));
    eventfd_t ignored = 0;
    if (done_.empty()) static_cast<void>(::eventfd_read(fd_, &ignored));
    return count;
  }
  [[nodiscard]] int completion_fd() const noexcept override { return fd_; }
  void cancel(zoned::command_id id) noexcept override { cancelled_.push_back(id); }
  [[nodiscard]] std::string name() const override { return "scripted"; }

  [[nodiscard]] const std::vector<zoned::command>& at_work() const { return at_work_; }
  [[nodiscard]] const std::vector<zoned::command_id>& cancelled() const { return cancelled_; }
  [[nodiscard]] std::size_t most_at_work() const { return most_at_work_; }

  /// Completes the command at `position` of at_work().
  void complete(std::size_t position, error_code error, std::uint64_t bytes = 0) {
    const zoned::command c = at_work_.at(position);
    at_work_.erase(at_work_.begin() + static_cast<std::ptrdiff_t>(position));
    done_.push_back({.id = c.id, .error = error, .at = {c.zone, c.offset_bytes}, .bytes = bytes});
    if (::eventfd_write(fd_, 1) != 0) throw std::runtime_error{"eventfd"};
  }
  /// Completes a report of one zone.
  void answer_report(std::size_t position, const zoned::zone_info& zone) {
    at_work_.at(position).zones[0] = zone;
    complete(position, {}, 1);
  }

 private:
  zoned::geometry shape_;
  zoned::guarantees promises_;
  int fd_;
  std::vector<zoned::command> at_work_;
  std::deque<zoned::completion> done_;
  std::vector<zoned::command_id> cancelled_;
  std::size_t most_at_work_ = 0;
};

}  // namespace furrow::test
