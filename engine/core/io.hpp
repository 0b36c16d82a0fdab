// Commands on their way: slots for those given out, and who is told when one completes.
//
// Invariants
//   I1  An id is slot index | generation << 32: a completion with a stale id, or a second one, is a bug of the device
//       and asserted.
//   I2  A slot is free before its client is told, so the client may submit at once.
#pragma once

#include <deque>
#include <vector>

#include "core/assert.hpp"
#include "core/fifo.hpp"
#include "furrow/zoned/command.hpp"

namespace furrow::core {

class io_client {
 public:
  virtual void io_done(std::uint64_t tag, const zoned::completion& c) = 0;

 protected:
  ~io_client() = default;
};

/// The memory that a command names: one segment, or several that stay where they are until submit has copied them.
class memory_of_command {
 public:
  memory_of_command() = default;
  memory_of_command(std::initializer_list<zoned::segment> one) : one_{*one.begin()}, count_{1} {
    FURROW_ASSERT(one.size() == 1);
  }
  memory_of_command(const std::vector<zoned::segment>& many)  // NOLINT(google-explicit-constructor)
      : many_{many.data()}, count_{many.size()} {}
  [[nodiscard]] std::span<const zoned::segment> span() const { return {many_ != nullptr ? many_ : &one_, count_}; }

 private:
  zoned::segment one_;
  const zoned::segment* many_ = nullptr;
  std::size_t count_ = 0;
};

class io_table {
 public:
  struct ask {
    zoned::opcode op = zoned::opcode::flush;
    zoned::zone_index zone;
    std::uint64_t offset_bytes = 0;
    memory_of_command segments;
    std::span<zoned::zone_info> zones;
  };

  void submit(const ask& a, io_client& client, std::uint64_t tag);
  /// Returns who was told.
  const io_client* complete(const zoned::completion& c);
  [[nodiscard]] bool poll(zoned::command& to);
  [[nodiscard]] std::uint64_t submitted() const { return submitted_; }
  [[nodiscard]] std::size_t in_flight() const { return in_flight_; }

 private:
  struct slot {
    ask what;
    std::vector<zoned::segment> segments;
    io_client* client = nullptr;
    std::uint64_t tag = 0;
    std::uint32_t generation = 0;
  };
  std::deque<slot> slots_;
  std::vector<std::uint32_t> free_;
  fifo<std::uint32_t> out_;
  std::size_t in_flight_ = 0;
  std::uint64_t submitted_ = 0;
};

}  // namespace furrow::core
