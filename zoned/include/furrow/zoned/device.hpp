// The one interface between the engine and a zoned device.
//
// Invariants
//   I1  No call blocks, except the destructor, which waits for commands in flight.
//   I2  submit never completes a command inline: completions come from reap alone.
//   I3  One thread at a time calls a device.
//
// Not here: how a device is found and opened (registry.hpp).
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "furrow/zoned/command.hpp"
#include "furrow/zoned/geometry.hpp"
#include "furrow/zoned/guarantees.hpp"

namespace furrow::zoned {

class device {
 public:
  device() = default;
  device(const device&) = delete;
  device& operator=(const device&) = delete;
  virtual ~device() = default;

  /// Constant after open.
  [[nodiscard]] virtual const geometry& shape() const noexcept = 0;
  [[nodiscard]] virtual const guarantees& promises() const noexcept = 0;

  /// Accepts the commands from the front as far as there is room; returns how many.
  [[nodiscard]] virtual std::size_t submit(std::span<const command> commands) = 0;

  /// Fills `out` from the front with what has completed; returns how many. An empty answer means nothing is ready now.
  [[nodiscard]] virtual std::size_t reap(std::span<completion> out) = 0;

  /// To be waited for after a reap() that found nothing: readable from when another may find something, until one that
  /// finds nothing. As long as reaps find something, it need not tell of what else completes. Level-triggered. Never -1.
  [[nodiscard]] virtual int completion_fd() const noexcept = 0;

  /// Best effort; the completion still arrives, with errc::cancelled if the command had not begun.
  virtual void cancel(command_id id) noexcept = 0;

  /// What it is, for people: "memory", "file /tmp/x.img", "/dev/nvme0n1 (host-managed, io_uring)".
  [[nodiscard]] virtual std::string name() const = 0;

  /// How it writes sequential zones and why, for people: "zone append, up to 32 in flight in each zone: ...". May be empty.
  [[nodiscard]] virtual std::string writing() const { return {}; }
};

}  // namespace furrow::zoned
