// NVMe commands through io_uring, to the character device of a namespace: 128-byte submissions, 32-byte completions.
//
// Calling sequence: start() any number of times, then submit(); later complete(). The event descriptor given at opening is
// signalled when complete() may have something.
//
// Invariants
//   I1  Each command started is handed out exactly once, with its tag.
//   I2  At most `slots` commands are in flight; the caller keeps to it.
//   I3  Memory of a command belongs to the device until it is handed out.
//
// Not here: what a command means (passthrough_device.hpp).
#pragma once

#include <liburing.h>
#include <sys/uio.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "completion_queue.hpp"
#include "furrow/zoned/command.hpp"
#include "nvme/nvme_layout.hpp"

namespace furrow::zoned::nvme {

struct ring_command {
  io_opcode op = io_opcode::flush;
  std::uint64_t lba = 0;      ///< Command dwords 10 and 11.
  std::uint32_t dword12 = 0;  ///< Blocks or dwords, counted from 0.
  std::uint32_t dword13 = 0;
  std::span<const segment> memory;
};

class command_ring {
 public:
  struct outcome {
    std::uint64_t tag = 0;
    error_code error;
    std::uint64_t result = 0;  ///< Of an append: the LBA where it landed.
  };

  [[nodiscard]] static boost::system::result<std::unique_ptr<command_ring>, failure> open(unsigned slots, int event_fd,
                                                                                          int device_fd,
                                                                                          std::uint32_t namespace_id);
  /// Waits for what is in flight, and forgets it.
  ~command_ring();
  command_ring(const command_ring&) = delete;
  command_ring& operator=(const command_ring&) = delete;

  void start(std::uint64_t tag, const ring_command& c);
  void submit();
  /// Hands out what has finished; with `wait`, at least one if any is in flight.
  template <class Take>
  void complete(const Take& take, bool wait = false) {
    if (wait) await_one();
    for (outcome o; next(o);) take(o);
  }
  [[nodiscard]] std::size_t in_flight() const noexcept { return slots_.taken(); }
  /// Whether the event descriptor is signalled; at first it is.
  void signal(bool on) {
    if (on == signals_) return;
    signals_ = on;
    ::io_uring_cq_eventfd_toggle(&ring_, on);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // before the ring is looked at again
  }

 private:
  struct slot {
    std::uint64_t tag = 0;
    std::vector<iovec> vectors;
  };

  command_ring(unsigned slots, int device_fd, std::uint32_t namespace_id)
      : device_fd_{device_fd}, namespace_id_{namespace_id}, slots_{slots} {}
  void await_one();
  [[nodiscard]] bool next(outcome& o);

  ::io_uring ring_{};
  bool is_open_ = false;
  bool signals_ = true;
  int device_fd_;
  std::uint32_t namespace_id_;
  std::size_t prepared_ = 0;
  slot_table<slot> slots_;
};

}  // namespace furrow::zoned::nvme
