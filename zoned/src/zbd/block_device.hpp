// A zoned block device of the kernel: /dev/nullb0, /dev/sdX, /dev/nvme0n1. Without append; the registry adds it.
//
//   read, write, flush                     io_uring, O_DIRECT; writes through AIO where zones have write plugs
//   report, open, close, finish, reset     libzbd on a helper thread: these calls block for milliseconds to seconds
//
// Promises are those of the kernel's queue (queue_limits.hpp). The limits of open and active zones are those that the
// device states. A write to another place than the write pointer fails as the device says: errc::io.
//
// Invariants
//   I1  Everything goes through one open file: kernels keep their own copy of write pointers and learn of changes only
//       on the way they pass.
//
// Not here: the order of writes within a zone (adapt/ordered_append.hpp).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "completion_queue.hpp"
#include "furrow/zoned/device.hpp"
#include "furrow/zoned/registry.hpp"
#include "uri.hpp"
#include "uring/transfer_ring.hpp"
#include "write_choice.hpp"
#include "zbd/aio_writes.hpp"
#include "zbd/helper_thread.hpp"
#include "zbd/zone_calls.hpp"

namespace furrow::zoned {

class block_device final : public device {
 public:
  [[nodiscard]] static boost::system::result<std::unique_ptr<block_device>, failure> open(const uri& where,
                                                                                          const open_options& options);

  [[nodiscard]] const geometry& shape() const noexcept override { return shape_; }
  [[nodiscard]] const guarantees& promises() const noexcept override { return promises_; }
  [[nodiscard]] std::size_t submit(std::span<const command> commands) override;
  [[nodiscard]] std::size_t reap(std::span<completion> out) override;
  [[nodiscard]] int completion_fd() const noexcept override { return ready_.fd(); }
  void cancel(command_id id) noexcept override;
  [[nodiscard]] std::string name() const override {
    return path_ + " (" + model_ + (writes_ ? ", io_uring, aio)" : ", io_uring)");
  }

  /// Who keeps the order of several writes of one zone.
  [[nodiscard]] kept_order order() const noexcept { return order_; }

 private:
  static constexpr std::size_t learned_at_once = 1024;  // zones, while opening
  // With write plugs the parts of a write that the kernel splits keep their order; so much is one bio, which stays with
  // the call that submits it.
  static constexpr std::uint64_t split_write_bytes_max = 1 << 20;
  static constexpr std::uint32_t split_write_segments_max = 256;

  /// A command with the ring, the writes or the helper; its index is their tag.
  struct flight {
    bool in_use = false;
    command_id id;
    opcode op = opcode::flush;
    place at;
    std::uint64_t bytes = 0;
  };

  block_device(std::string path, opened_block_device opened, const guarantees& promises, bool read_only);
  void use_aio();
  [[nodiscard]] error_code learn_types();
  [[nodiscard]] error_code refusal(const command& c) const;
  void start(const command& c);
  void start_call(const command& c);
  [[nodiscard]] std::uint64_t take_flight(const command& c, std::uint64_t bytes);
  void finish(std::uint64_t tag, error_code error, std::uint64_t bytes);
  [[nodiscard]] std::uint64_t device_offset(place at) const {
    return at.zone.value * shape_.zone_bytes + at.offset_bytes;
  }

  std::string path_;
  std::string model_;
  unique_fd fd_;
  geometry shape_;
  guarantees promises_;
  bool read_only_;
  kept_order order_ = kept_order::nobody;
  std::vector<bool> is_conventional_;
  slot_table<flight> flights_;
  completion_queue ready_;
  std::unique_ptr<transfer_ring> ring_;
  std::unique_ptr<aio_writes> writes_;  // none: the ring has them
  helper_thread helper_;
};

}  // namespace furrow::zoned
