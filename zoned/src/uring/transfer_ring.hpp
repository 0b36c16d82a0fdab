// Reads, writes, syncs and hole punching through io_uring, one slot for each operation in flight.
//
// Calling sequence: read/write/sync/punch any number of times, then submit(); later complete(), which hands out what
// has finished. The event descriptor given at opening is signalled when complete() may have something.
//
// Invariants
//   I1  Each operation started is handed out exactly once, with its tag.
//   I2  An operation started with `whole` is continued until all bytes are transferred or nothing more is.
//   I3  At most `slots` operations are in flight; the caller keeps to it.
//
// Not here: threads (one caller at a time), what the bytes mean.
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

namespace furrow::zoned {

class transfer_ring {
 public:
  enum class extent : std::uint8_t { whole, may_be_short };

  /// The bytes transferred or the error of one operation.
  struct outcome {
    std::uint64_t tag = 0;
    error_code error;
    std::uint64_t bytes = 0;
  };

  [[nodiscard]] static boost::system::result<std::unique_ptr<transfer_ring>, failure> open(unsigned slots,
                                                                                           int event_fd);
  /// Waits for what is in flight, and forgets it.
  ~transfer_ring();
  transfer_ring(const transfer_ring&) = delete;
  transfer_ring& operator=(const transfer_ring&) = delete;

  void read(std::uint64_t tag, int fd, std::uint64_t offset_bytes, std::span<const segment> segments);
  void write(std::uint64_t tag, int fd, std::uint64_t offset_bytes, std::span<const segment> segments, extent e);
  void sync(std::uint64_t tag, int fd);  ///< fdatasync
  void punch(std::uint64_t tag, int fd, std::uint64_t offset_bytes, std::uint64_t bytes);
  void submit();

  /// Hands out what has finished; with `wait`, at least one if any is in flight.
  template <class Take>
  void complete(const Take& take, bool wait = false) {
    if (wait) await_one();
    for (outcome o; next(o);) take(o);
    submit();
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
  enum class kind : std::uint8_t { read, write, sync, punch };
  struct slot {
    kind what = kind::sync;
    extent wanted = extent::whole;
    int fd = -1;
    std::uint64_t tag = 0;
    std::uint64_t offset_bytes = 0;
    std::uint64_t done_bytes = 0;
    std::uint64_t total_bytes = 0;
    std::vector<iovec> vectors;
    std::size_t first_vector = 0;
  };

  explicit transfer_ring(unsigned slots) : slots_(slots) {}
  [[nodiscard]] slot& take_slot(kind what, std::uint64_t tag, int fd, std::uint64_t offset_bytes);
  void set_segments(slot& s, std::span<const segment> segments);
  void push(slot& s);
  static void prepare_transfer(::io_uring_sqe* sqe, const slot& s, std::uint64_t offset_bytes);
  void await_one();
  /// The next operation that has finished; those that go on are started again on the way.
  [[nodiscard]] bool next(outcome& o);
  /// True if the operation goes on.
  [[nodiscard]] bool continues(slot& s, int result);

  ::io_uring ring_{};
  bool is_open_ = false;
  bool signals_ = true;
  std::size_t prepared_ = 0;
  slot_table<slot> slots_;
};

}  // namespace furrow::zoned
