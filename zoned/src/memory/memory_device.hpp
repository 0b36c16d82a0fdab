// The `memory:` device: memory_zones behind the queue of a device. Lives and dies with the object.
//
// Invariants
//   I1  A command is executed by reap, in the order of submission, and completes in the same call; so memory named by a
//       command is touched only between its submission and its completion, and cancel works until then.
//   I2  A command waits => completion_fd is readable.
//
// Not here: faults, disorder and delay; a simulated device builds them on memory_zones.
#pragma once

#include <string>
#include <vector>

#include "completion_queue.hpp"
#include "emulation.hpp"
#include "furrow/zoned/device.hpp"
#include "memory/memory_zones.hpp"

namespace furrow::zoned {

class memory_device final : public device {
 public:
  explicit memory_device(memory_zones zones, bool read_only = false);
  explicit memory_device(const emulation& parameters, bool read_only = false);

  [[nodiscard]] const geometry& shape() const noexcept override { return zones_.shape(); }
  [[nodiscard]] const guarantees& promises() const noexcept override { return zones_.promises(); }
  [[nodiscard]] std::size_t submit(std::span<const command> commands) override;
  [[nodiscard]] std::size_t reap(std::span<completion> out) override;
  [[nodiscard]] int completion_fd() const noexcept override { return ready_.fd(); }
  void cancel(command_id id) noexcept override;
  [[nodiscard]] std::string name() const override { return "memory"; }
  [[nodiscard]] std::string writing() const override { return emulated_writing(promises()); }

  [[nodiscard]] memory_zones& zones() noexcept { return zones_; }

 private:
  struct pending {
    command what;
    error_code refused;
  };
  [[nodiscard]] error_code refusal(const command& c);
  [[nodiscard]] completion execute(const pending& p);

  memory_zones zones_;
  bool read_only_;
  fixed_queue<pending> queue_;
  std::vector<std::uint32_t> appends_;  // of each zone, waiting and not refused
  completion_queue ready_;
};

}  // namespace furrow::zoned
