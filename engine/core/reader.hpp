// Reads: ranges of an object -> extents -> commands -> verified bytes in the caller's memory.
//
// Invariants
//   R1  What is read is one published state: extents, tail and end are taken in the turn in which the last page
//       needed was there.
//   R2  A zone with a read in flight, or planned, is not reset (readers).
//   R3  Commands of one request go out in the order of their addresses; what is adjacent on the device, in the object and in
//       memory is one.
//   R4  Each block's sum is verified before the answer; whole blocks go to the caller's memory uncopied where it is
//       aligned as the device asks, others through a buffer.
//   R5  A block that no extent names, or that is doomed, reads as zeros.
//   R6  A read that the device failed is answered when its zone was looked at: zone_offline, or the device's word.
//   R7  A read of whole blocks by one command, planned from resident pages, is all in that command's slot; if it fails, it
//       becomes an operation.
//
// Not here: pages (page_reader).
#pragma once

#include <memory>
#include <unordered_map>

#include "core/objects.hpp"

namespace furrow::core {

class reader final : public io_client {
 public:
  explicit reader(context& c) : c_{c} {}
  using answer = std::function<void(error_code, const error_detail&)>;

  void accept(operation_id id, read_request& r);
  /// For others of the core: calls when the bytes are there, or with what went wrong. What is published now is read.
  void read(object_state& of, range_list ranges, answer call);
  /// For a check: reads these blocks and verifies them; calls with what went wrong.
  void verify_blocks(format::block_run run, std::function<void(error_code)> call);
  /// A part of known blocks: bytes from `skip_bytes` of the first one on.
  struct part {
    zoned::device_address begin;
    std::uint64_t skip_bytes = 0;
    std::span<std::byte> to;
  };
  /// For views: calls when the parts are there, verified. Their zones have readers already.
  void read_parts(std::shared_ptr<const std::vector<part>> parts, answer call);
  void io_done(std::uint64_t tag, const zoned::completion& c) override;
  [[nodiscard]] bool idle() const { return live_ == 0; }

 private:
  /// Consecutive blocks of one zone, at most one command.
  struct piece {
    format::block_run where;
    std::size_t first_sum = 0;              ///< In the operation's.
    std::uint64_t object_offset_bytes = 0;  ///< Of the first byte wanted.
    std::uint32_t skip_bytes = 0;           ///< In the first block.
    std::span<std::byte> to;
    buffer copy;  ///< Used unless `to` itself can take the blocks.
  };
  struct operation {
    operation_id id;
    object_state* object = nullptr;
    range_list ranges;
    std::vector<piece> pieces;
    std::vector<std::uint32_t> sums;  ///< None of a store without.
    std::size_t left = 0;
    std::uint64_t bytes = 0;
    error_code error;
    error_detail detail;
    answer call;  ///< Of read() and verify_blocks().
  };

  [[nodiscard]] std::shared_ptr<operation> make();
  void recycle(std::shared_ptr<operation> op);
  void plan(std::shared_ptr<operation> op);
  void read(object_state& of, range_list ranges, operation_id id, answer call);
  readiness plan_range(operation& op, const read_range& range);
  /// The extent that `block` lies in, from `begin` on, or none; that holds up to `end`.
  readiness extent_at(const object_state& o, std::uint64_t block, std::optional<format::extent_value>& x,
                      std::uint64_t& begin, std::uint64_t& end);
  [[nodiscard]] bool is_on_device(const format::extent_value& x) const;
  readiness plan_blocks(operation& op, const format::extent_value& x, std::uint64_t first_block, std::uint64_t position,
                        std::span<std::byte> to);
  /// Adds the sums of the piece's blocks.
  readiness sums_of(operation& op, piece& p);
  void start(const std::shared_ptr<operation>& op);
  void arrange(operation& op);
  void join_sums(std::vector<std::uint32_t>& sums, piece& a, const piece& b) const;
  void submit(const std::shared_ptr<operation>& op, std::size_t index);
  [[nodiscard]] bool verifies() const { return c_.keeps_sums(); }
  void piece_done(operation& op, piece& p, const zoned::completion& c);
  void drop_plan(operation& op);
  void finish(operation& op);

  struct sent {
    std::shared_ptr<operation> op;  ///< None: the slot itself has all (R7).
    std::size_t piece = 0;
    operation_id id;
    object_state* object = nullptr;
    std::uint64_t offset_bytes = 0;  ///< In the object.
    format::block_run where;
    std::span<std::byte> to;
    std::vector<std::uint32_t> sums;
  };
  void landed(operation& op, std::size_t index, const zoned::completion& c);
  /// R7. False: it is not of that kind, and nothing was done.
  [[nodiscard]] bool read_at_hand(object_state& o, const read_range& range, operation_id id);
  [[nodiscard]] std::optional<format::block_run> blocks_at_hand(const object_state& o, std::uint64_t first,
                                                                std::uint64_t blocks);
  [[nodiscard]] bool sums_at_hand(format::block_run where, std::vector<std::uint32_t>& to);
  [[nodiscard]] bool at_hand_landed(std::uint64_t tag, const zoned::completion& c);
  void make_operation(sent& s);
  [[nodiscard]] bool taken_uncopied(std::span<const std::byte> to) const {
    return reinterpret_cast<std::uintptr_t>(to.data()) % c_.promises.memory_alignment_bytes == 0;
  }
  [[nodiscard]] std::uint64_t take_tag();

  context& c_;
  std::vector<sent> sent_;
  std::vector<std::uint64_t> free_tags_;
  std::vector<std::shared_ptr<operation>> spare_;  // memory to be used again
  std::size_t live_ = 0;
};

}  // namespace furrow::core
