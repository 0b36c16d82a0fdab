// Shows an observer every command and every completion that pass between a device and its user; changes nothing.
//
// Invariants
//   I1  The observer sees a command when it is accepted, and a completion when it is reaped, in that order of events.
//
// Not here: judging what is seen.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "furrow/zoned/device.hpp"

namespace furrow::zoned {

class trace_device final : public device {
 public:
  struct observer {
    std::function<void(const command&)> accepted;
    std::function<void(const completion&)> completed;
  };

  trace_device(std::unique_ptr<device> below, observer seen);

  [[nodiscard]] const geometry& shape() const noexcept override { return below_->shape(); }
  [[nodiscard]] const guarantees& promises() const noexcept override { return below_->promises(); }
  [[nodiscard]] std::size_t submit(std::span<const command> commands) override;
  [[nodiscard]] std::size_t reap(std::span<completion> out) override;
  [[nodiscard]] int completion_fd() const noexcept override { return below_->completion_fd(); }
  void cancel(command_id id) noexcept override { below_->cancel(id); }
  [[nodiscard]] std::string name() const override { return below_->name(); }
  [[nodiscard]] std::string writing() const override { return below_->writing(); }

 private:
  observer seen_;
  std::unique_ptr<device> below_;
};

}  // namespace furrow::zoned
