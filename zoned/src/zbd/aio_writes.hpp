// Writes through Linux AIO, one slot for each in flight: the way on which the kernel writes to a zone in the call itself.
//
// From 6.10 on a write that must not block (all of io_uring's first attempts) is handed to a kernel thread if its zone is
// sequential, even when nothing else of the zone is in flight. AIO submits as a plain write does, and comes back when the
// device has taken it.
//
// Calling sequence: write() any number of times, then submit(); later complete(), which hands out what has finished. The
// event descriptor given at opening is signalled when complete() may have something.
//
// Invariants
//   I1  Each write is handed out exactly once, with its tag.
//   I2  At most `slots` writes are in flight; the caller keeps to it.
//   I3  No call submits more than two: more are held back by the kernel until the last, and those of one zone then go to
//       its thread all the same.
//
// Not here: reads (uring/transfer_ring.hpp), threads (one caller at a time), the order of writes.
#pragma once

#include <linux/aio_abi.h>
#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "completion_queue.hpp"
#include "furrow/zoned/command.hpp"

namespace furrow::zoned {

class aio_writes {
 public:
  struct outcome {
    std::uint64_t tag = 0;
    error_code error;
    std::uint64_t bytes = 0;
  };

  /// None where the kernel has no AIO, or no more of it for this user.
  [[nodiscard]] static std::unique_ptr<aio_writes> open(unsigned slots, int event_fd);
  /// Waits for what is in flight, and forgets it.
  ~aio_writes();
  aio_writes(const aio_writes&) = delete;
  aio_writes& operator=(const aio_writes&) = delete;

  void write(std::uint64_t tag, int fd, std::uint64_t offset_bytes, std::span<const segment> segments);
  /// True if complete() has something that no signal tells of: what was refused.
  [[nodiscard]] bool submit();

  template <class Take>
  void complete(const Take& take) {
    for (outcome o; next(o);) take(o);
  }
  [[nodiscard]] std::size_t in_flight() const noexcept { return slots_.taken(); }

 private:
  static constexpr std::size_t submitted_at_once = 2;  // I3

  struct ring;
  struct slot {
    ::iocb control{};
    std::uint64_t tag = 0;
    std::vector<iovec> vectors;
  };

  aio_writes(unsigned slots, int event_fd) : event_fd_{event_fd}, slots_(slots) { prepared_.reserve(slots); }
  [[nodiscard]] bool next(outcome& o);
  /// The oldest event that the kernel has left in its ring, taken out.
  [[nodiscard]] bool take_event(::io_event& e);
  void refused(::iocb& c, int number);

  int event_fd_;
  ::aio_context_t context_ = 0;
  ring* ring_ = nullptr;  // the kernel's, in our memory; none: it is asked by a call
  slot_table<slot> slots_;
  std::vector<::iocb*> prepared_;
  std::vector<outcome> refused_;  // by the call that should have submitted them
};

}  // namespace furrow::zoned
