// Supplies zone append on a device that has only writes at the write pointer. The one owner of the write pointers.
//
// A lane is a zone as this adaptor sees it
//   unknown     nothing is known. The first change asked of it is preceded by a report; one that somebody else asks for
//               makes it known as well, if no change of any lane began or ended since
//   learning    the report is with the device
//   known       type, capacity and condition are right; the write pointer is optimistic: where it will stand when all
//               writes at work have landed whole
//   changing    an open, close, finish or reset is with the device, and nothing else of the lane
//   troubled    a write has failed, or came short with others behind it. Nothing is started until all at work ended
//   Changes of a lane start in the order of submission: up to `depth` writes are with the device at a time, another
//   change waits for all before it. Reads, reports, flushes and writes of conventional zones pass straight through.
//
// Depth is above 1 only where the kernel keeps the order of a zone's writes (write_choice.hpp). It costs nothing to be
// wrong: a write names its place, so one that overtakes another is refused.
//
// When a write fails
//   The lane drains; if several failed, a report tells the write pointer. Of the writes that failed
//     the first                             has the device's error; command.hpp, I3 says what its `at` is
//     one behind, write pointer below it    cancelled: nothing of it was written. That is known, not believed
//     one behind, write pointer above it    the device's error: something of it may have landed
//     all, if nothing trustworthy is known  the device's error: the report failed, or the zone lost its write pointer
//   and those that waited are cancelled. A write behind one that came short is at fault as little as one behind one
//   that failed. If one failed before a write in front of it landed, the device has changed the order: what failed and
//   left no trace starts again, unseen by the caller, and from then on the depth is 1 for good.
//
// Invariants
//   I1  At most `depth` writes of a sequential zone are with the device, each beginning where the one before ends.
//   I2  Each accepted command has at most one command of the device at work for it.
//   I3  A short completion passes through: what landed counts for the write pointer, the rest does not.
//   I4  A write completes with cancelled only if nothing of it was written.
//
// Not here: retrying what the device refused, splitting, choosing a zone.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "completion_queue.hpp"
#include "furrow/zoned/device.hpp"
#include "write_choice.hpp"

namespace furrow::zoned {

class ordered_append final : public device {
 public:
  /// With depth 1 a zone still takes two appends: one at work and one waiting, so that the device need not wait for the
  /// caller.
  static constexpr std::uint32_t appends_per_zone(std::uint32_t depth) { return depth == 1 ? 2 : depth; }

  ordered_append(std::unique_ptr<device> below, write_choice choice);
  explicit ordered_append(std::unique_ptr<device> below, std::uint32_t depth = 1);

  [[nodiscard]] const geometry& shape() const noexcept override { return below_->shape(); }
  [[nodiscard]] const guarantees& promises() const noexcept override { return promises_; }
  [[nodiscard]] std::size_t submit(std::span<const command> commands) override;
  [[nodiscard]] std::size_t reap(std::span<completion> out) override;
  [[nodiscard]] int completion_fd() const noexcept override { return either_ready_.get(); }
  void cancel(command_id id) noexcept override;
  [[nodiscard]] std::string name() const override { return below_->name(); }
  [[nodiscard]] std::string writing() const override { return because_; }

  /// Writes of one zone that may be with the device now.
  [[nodiscard]] std::uint32_t depth() const noexcept { return depth_; }

 private:
  using slot_index = std::uint32_t;
  static constexpr slot_index none = UINT32_MAX;

  enum class stage : std::uint8_t { free, waiting, learning, passing, changing, writing, failed };
  enum class lane_state : std::uint8_t { unknown, learning, known, changing, troubled };

  /// An accepted command; its index is the id of the device's command at work for it.
  struct slot {
    command what;
    stage now = stage::free;
    slot_index next = none;          // in the list of its lane that it is in
    std::uint64_t offset_bytes = 0;  // of a write that was given its place
    error_code error;                // of a write that failed
    std::uint64_t changes = 0;       // when it was accepted; of a report
  };
  /// Slots of one lane in order, linked through slot::next.
  struct slot_list {
    slot_index first = none;
    slot_index last = none;
    [[nodiscard]] bool empty() const { return first == none; }
  };
  struct lane {
    zone_info zone;
    slot_list waiting;  // changes that are not with the device
    slot_list placed;   // writes with the device, and those of them that failed, in the order of their places
    std::uint32_t at_work = 0;
    lane_state state = lane_state::unknown;
    bool came_short = false;  // troubled: a write in front of all that failed came short
    bool overtaken = false;   // troubled: a write landed after one behind it had failed
  };

  void accept(const command& c);
  void pass_on(slot_index index, const command& c, stage as);
  void next(lane& l);
  /// Starts the front of the waiting changes, or answers it; false if it has to wait.
  [[nodiscard]] bool start(lane& l);
  [[nodiscard]] bool start_write(lane& l, slot_index index);
  [[nodiscard]] error_code place_write(const lane& l, slot& s) const;
  [[nodiscard]] error_code refusal_of_management(const lane& l, opcode op) const;
  void learn(lane& l, slot_index asking);
  void learn_from(const slot& report, std::uint64_t zones);
  void finish(const completion& c);
  void finish_learning(lane& l, slot_index asking, bool learned, error_code error);
  void finish_write(lane& l, slot_index index, const completion& c);
  void settle(lane& l);
  void finish_management(lane& l, slot_index index, error_code error);
  void judge_failed(lane& l, bool learned);
  void put_back_failed(lane& l);
  void cancel_waiting_writes(lane& l);
  /// Answers what never came to the device: its `at` is the zone's end.
  void refuse(slot_index index, error_code error);
  void answer(slot_index index, error_code error, place at = {}, std::uint64_t bytes = 0);
  void gather();
  void submit_below();

  void push_back(slot_list& list, slot_index index);
  slot_index pop_front(slot_list& list);
  void remove(slot_list& list, slot_index index);

  guarantees promises_;
  std::uint32_t depth_;
  std::string because_;
  completion_queue ready_;
  unique_fd either_ready_;
  slot_table<slot> slots_;
  std::vector<lane> lanes_;
  std::uint64_t changes_ = 0;  // of lanes, begun and ended
  std::vector<command> outgoing_;
  std::array<completion, 64> landed_;
  std::unique_ptr<device> below_;  // the last member: it ends first, and may use the slots and lanes until then
};

}  // namespace furrow::zoned
