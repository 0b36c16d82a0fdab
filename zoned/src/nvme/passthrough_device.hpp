// A zoned NVMe namespace through its character device: /dev/ng0n1. Zone append is the device's own; it says where the
// bytes landed, and a zone takes many at a time.
//
//   append, write, read, flush             NVMe commands through io_uring. Where writes are the better way (write_choice.hpp)
//                                          append is not promised, and refused
//   report                                 Zone Management Receive, in portions of report_zones
//   open, close, finish, reset             Zone Management Send, through io_uring too: nothing blocks
//
// The kernel's page cache and its own write pointers are passed by. Cancelling is not possible once a command was
// submitted: it completes as it does.
//
// Invariants
//   I1  A command is one NVMe command, but a report: it is never split, so it lands whole or fails.
//   I2  Nothing that the device reports is believed without a check: a place outside the zone is errc::io.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "completion_queue.hpp"
#include "furrow/zoned/device.hpp"
#include "furrow/zoned/registry.hpp"
#include "nvme/admin_calls.hpp"
#include "nvme/command_ring.hpp"
#include "uri.hpp"

namespace furrow::zoned::nvme {

class passthrough_device final : public device {
 public:
  [[nodiscard]] static open_result open(const uri& where, const open_options& options);
  ~passthrough_device() override;

  [[nodiscard]] const geometry& shape() const noexcept override { return opened_.shape; }
  [[nodiscard]] const guarantees& promises() const noexcept override { return opened_.promises; }
  [[nodiscard]] std::size_t submit(std::span<const command> commands) override;
  [[nodiscard]] std::size_t reap(std::span<completion> out) override;
  [[nodiscard]] int completion_fd() const noexcept override { return ready_.fd(); }
  void cancel(command_id) noexcept override {}
  [[nodiscard]] std::string name() const override { return path_ + " (NVMe, io_uring)"; }
  [[nodiscard]] std::string writing() const override { return opened_.writing; }

 private:
  static constexpr std::size_t report_zones = 255;  // 16 KiB of descriptors: below every limit of transfers

  /// A command with the ring; its index is the ring's tag.
  struct flight {
    command_id id;
    opcode op = opcode::flush;
    place at;
    std::uint64_t bytes = 0;
    std::span<zone_info> zones;
    std::size_t filled = 0;  ///< Of zones.
    std::vector<std::byte> report;
  };

  passthrough_device(std::string path, opened_namespace opened, bool read_only);
  [[nodiscard]] error_code refusal(const command& c) const;
  void start(const command& c);
  void start_report(std::uint64_t tag);
  void finish(const command_ring::outcome& o);
  void finish_report(std::uint64_t tag, flight& f, error_code error);
  void answer(std::uint64_t tag, error_code error, place at = {}, std::uint64_t bytes = 0);
  [[nodiscard]] std::uint64_t lba_of(place at) const;

  std::string path_;
  opened_namespace opened_;
  bool read_only_;
  slot_table<flight> flights_;
  completion_queue ready_;
  std::unique_ptr<command_ring> ring_;
};

}  // namespace furrow::zoned::nvme
