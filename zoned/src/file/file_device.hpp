// The `file:` device: zones on an image (image.hpp), bytes through io_uring.
//
// What survives
//   the end of the process    every completed append and write: the zone table is advanced before the completion is
//                             handed out. With volatile_cache=1 the end without closing counts as the loss of the
//                             emulated device's power, and sequential zones are taken back to the last flush.
//   the loss of host power    what a completed flush (fdatasync) covers; so the device always promises a volatile
//   cache,
//                             O_DIRECT or not: neither the host's drive cache nor the mapped zone table is durable
//                             before. Conventional zones: the same, and a torn write tears at the host's sector.
//   A reset counts at once; a finish like a write. A failed append leaves bytes of unknown content below the write
//   pointer, as on a drive.
//
// Life of a command
//   submit    checked; the zone machine moves; the bytes go to the ring (read, append, write, flush, reset's hole), or
//             the answer is ready at once (report, open, close, finish, refusals)
//   waiting   a reset waits for the zone's writes in flight, and the zone's next changes wait for the reset
//   landed    the zone table is advanced to the furthest byte of the zone that a finished write reached
//   reaped
//
// Invariants
//   I1  The zone table never shows more than what was accepted, and never less than what was handed out as completed.
//   I2  No write is in flight to a zone whose hole is being punched.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "completion_queue.hpp"
#include "file/image.hpp"
#include "furrow/zoned/device.hpp"
#include "furrow/zoned/zone_machine.hpp"
#include "uring/transfer_ring.hpp"

namespace furrow::zoned {

class file_device final : public device {
 public:
  [[nodiscard]] static open_result open(const uri& where, const open_options& options);
  ~file_device() override;

  [[nodiscard]] const geometry& shape() const noexcept override { return shape_; }
  [[nodiscard]] const guarantees& promises() const noexcept override { return promises_; }
  [[nodiscard]] std::size_t submit(std::span<const command> commands) override;
  [[nodiscard]] std::size_t reap(std::span<completion> out) override;
  [[nodiscard]] int completion_fd() const noexcept override { return ready_.fd(); }
  void cancel(command_id id) noexcept override;
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] std::string writing() const override { return emulated_writing(promises_); }

 private:
  /// A command whose bytes are with the ring; its index is the ring's tag.
  struct flight {
    command_id id;
    opcode op = opcode::flush;
    place at;
    std::uint64_t bytes = 0;
  };
  /// What is in flight to one zone.
  struct activity {
    std::uint32_t writes = 0;
    std::uint32_t appends = 0;  // accepted and not finished, waiting ones included
    std::uint32_t waiting = 0;
    bool resetting = false;
    bool unflushed = false;
  };

  file_device(image i, const open_options& options);
  [[nodiscard]] error_code refusal(const command& c) const;
  [[nodiscard]] bool must_wait(const command& c) const;
  void start(const command& c);
  void start_read(const command& c);
  void start_write(const command& c);
  void start_reset(const command& c);
  void start_flush(const command& c);
  void manage(const command& c);
  void report(const command& c);
  void start_waiting();
  std::uint64_t take_flight(const command& c, place at, std::uint64_t bytes);
  void finish(const transfer_ring::outcome& o);
  void note_landed(place at, std::uint64_t bytes);
  void note_unflushed(zone_index zone);
  void answer(command_id id, error_code error, place at = {}, std::uint64_t bytes = 0);

  image image_;
  geometry shape_;
  guarantees promises_;
  bool read_only_;
  zone_machine machine_;
  slot_table<flight> flights_;
  completion_queue ready_;
  std::unique_ptr<transfer_ring> ring_;
  std::vector<activity> zones_;
  std::vector<zone_index> unflushed_;
  std::deque<command> waiting_;
};

}  // namespace furrow::zoned
