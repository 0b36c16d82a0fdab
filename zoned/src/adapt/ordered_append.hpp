// Supplies zone append on a device that has only writes at the write pointer. The one owner of the write pointers.
//
// A lane is a zone as this adaptor sees it
//   unknown    nothing is known. The first change asked of it is preceded by a report
//   known      type, capacity, condition and write pointer are right, for every change goes through here
//   One change (append, write, open, close, finish, reset) of a lane is with the device at a time; the others wait in
//   order. Reads, reports, flushes, and writes of conventional zones pass straight through.
//
// When a change fails
//   Its own completion carries the device's error. The appends and writes waiting behind it complete with cancelled:
//   nothing of them was written. Its `at` is where it was going to begin (command.hpp, I3). The lane is unknown again, so the next change is preceded by a report.
//
// Invariants
//   I1  The device has at most one change of a sequential zone in flight, so its writes keep their order.
//   I2  Each accepted command has at most one command of the device at work for it.
//   I3  A short completion passes through: what landed counts for the write pointer, the rest does not.
//
// Not here: retrying, splitting, choosing a zone.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "event_fd.hpp"
#include "furrow/zoned/device.hpp"

namespace furrow::zoned {

class ordered_append final : public device {
 public:
  /// Appends accepted of one zone: one at work and one waiting, so that the device need not wait for the caller.
  static constexpr std::uint32_t appends_per_zone = 2;

  explicit ordered_append(std::unique_ptr<device> below);

  [[nodiscard]] const geometry& shape() const noexcept override { return below_->shape(); }
  [[nodiscard]] const guarantees& promises() const noexcept override { return promises_; }
  [[nodiscard]] std::size_t submit(std::span<const command> commands) override;
  [[nodiscard]] std::size_t reap(std::span<completion> out) override;
  [[nodiscard]] int completion_fd() const noexcept override { return either_ready_.get(); }
  void cancel(command_id id) noexcept override;
  [[nodiscard]] std::string name() const override { return below_->name(); }

 private:
  using slot_index = std::uint32_t;
  enum class stage : std::uint8_t { free, waiting, learning, at_work };

  /// An accepted command; its index is the id of the device's command at work for it.
  struct slot {
    command what;
    stage now = stage::free;
    std::uint64_t offset_bytes = 0;
    zone_info learned;
  };
  struct lane {
    bool known = false;
    bool busy = false;
    zone_info zone;
    std::vector<slot_index> waiting;
  };

  void accept(const command& c);
  void pass_on(slot_index index, const command& c);
  void next(lane& l);
  void learn(lane& l, slot_index index);
  /// Starts the command on a known lane, or answers it; true if the lane is busy with it.
  [[nodiscard]] bool start(lane& l, slot_index index);
  [[nodiscard]] error_code place_write(const lane& l, slot& s) const;
  void finish(const completion& c);
  void finish_learning(lane& l, slot_index index, const completion& c);
  void finish_change(lane& l, slot_index index, const completion& c);
  void note_success(lane& l, const command& c, std::uint64_t bytes);
  void fail_waiting_writes(lane& l);
  /// Answers what never came to the device: its `at` is the zone's end.
  void refuse(slot_index index, error_code error);
  void answer(slot_index index, error_code error, place at = {}, std::uint64_t bytes = 0);
  void submit_below();

  guarantees promises_;
  event_fd ready_event_;
  unique_fd either_ready_;
  std::size_t in_flight_ = 0;
  std::vector<slot> slots_;
  std::vector<slot_index> free_slots_;
  std::vector<lane> lanes_;
  std::vector<command> outgoing_;
  std::deque<completion> ready_;
  std::unique_ptr<device> below_;  // the last member: it ends first, and may use the slots until then
};

}  // namespace furrow::zoned
