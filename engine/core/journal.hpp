// Group commit: published records wait, are written as one group, and become durable in order.
//
// States
//   idle         nothing in flight                        -> pre_flush | writing (somebody waits, or enough is pending)
//   pre_flush    volatile cache: the flush that covers the data commands of the records that were pending when it began
//   opening      the next journal zone gets its header, made durable in a conventional one, and where a cut waits    -> writing
//   waiting      for a slot of the zone, which pages share, or for a zone to be given back
//   writing      the group, in one command or several in order
//   post_flush   volatile cache: the group's own bytes    -> idle (acknowledge)
//
// Invariants
//   I1  A group names only publications that were pending when the last flush before it began; their data had landed
//       by then.
//   I2  Groups are numbered without gaps; each names the checksum of the one before; one is in flight at a time.
//   I3  The header of a journal zone names the zone that follows it, which is kept clean for that.
//   I4  A zone is left only when it is full, padded by a group without records if need be, or when its write pointer
//       is inside a block and others write to it. Else a group goes on where a command of it was cut off: the more
//       commands it takes, the less it would ever be whole if it had to begin anew.
//   I5  After a failed flush or write nothing more is written: the store is latched.
//   I6  While it has no zone to write to that has a credit, one active credit is kept for it, unless the next one needs
//       none.
//   I7  In a conventional zone what did not land of a group is written again at its place. No group goes to such a zone
//       before its header is durable: a header that is not whole has no group behind it.
//   I8  The log is not cut at the start of a zone before its header is durable: the next open begins with it.
//
// Not here: what records do (apply), when the log is cut (checkpoint), reading it back (recovery).
#pragma once

#include <functional>
#include <map>

#include "core/context.hpp"
#include "format/group.hpp"

namespace furrow::core {

class journal final : public io_client {
 public:
  explicit journal(context& c) : c_{c} {}

  /// Where the next group goes: into `zone` at its next block, or into a new zone if there is none or no room.
  void start(zone_state* zone, zone_state* next, std::uint64_t next_group, const format::checksum_field& previous,
             std::uint64_t ordinal);

  void add(std::uint64_t sequence, const std::vector<format::record_body>& bodies);
  /// Called once `sequence` is durable, or with why it will not be.
  void when_durable(std::uint64_t sequence, std::function<void(error_code)> call);
  /// The same for an append, which is answered. In the order of sequences.
  void answer_when_durable(std::uint64_t sequence, operation_id id, const append_result& result);
  /// Called with the position behind everything published until now, once that is durable.
  void when_cut(std::function<void(error_code, const format::journal_head&)> call);
  void step();
  void fail_waiters();

  [[nodiscard]] std::uint64_t durable_sequence() const { return durable_; }
  /// Half a zone: where more waits to be written, it might find no zone.
  [[nodiscard]] std::uint64_t lag_bytes_max() const { return c_.zones.typical_blocks() * block_bytes / 2; }
  [[nodiscard]] std::uint64_t bytes_since_cut() const { return bytes_since_cut_; }
  void cut_done(std::uint64_t bytes) { bytes_since_cut_ -= bytes; }
  [[nodiscard]] zone_state* zone() const { return zone_; }
  [[nodiscard]] zone_state* next_zone() const { return next_; }
  [[nodiscard]] format::journal_head position() const;
  /// Active credits that others leave to the journal (I6).
  [[nodiscard]] std::uint32_t credit_kept() const;
  /// Makes sure that a next zone is kept (I3); false if there is no clean zone now.
  bool reserve_next();
  /// Pages may share the zone while no group is being written.
  [[nodiscard]] bool shareable() const {
    return zone_ != nullptr && !left_ && state_ != state::waiting && state_ != state::writing &&
           state_ != state::opening;
  }
  /// The zone was given up by somebody who shares it.
  void left(const zone_state& z);
  /// Goes to the next zone now: the zone has no room left for those who share it.
  void roll();
  void add_live_bytes(std::uint64_t bytes) { bytes_since_cut_ += bytes; }

  void io_done(std::uint64_t tag, const zoned::completion& c) override;

 private:
  enum class state : std::uint8_t { idle, pre_flush, opening, waiting, writing, post_flush };
  struct publication {
    std::uint64_t sequence = 0;
    std::uint32_t records = 0;
    std::vector<std::byte> bytes;
  };

  void begin();
  void write_group();
  void fill_group(std::uint64_t publications, std::uint64_t blocks);
  void submit_part();
  void part_done(const zoned::completion& c);
  void group_written();
  void acknowledge();
  void answer_durable();
  void cut_if_durable();
  [[nodiscard]] bool zone_is_coming() const;
  void open_next();
  void submit_header();
  void header_done(const zoned::completion& c);
  void opened();
  void leave_zone();

  context& c_;
  state state_ = state::idle;
  fifo<publication> pending_;
  std::vector<std::vector<std::byte>> spare_;  // memory of published records, to be used again
  std::size_t pending_bytes_ = 0;
  std::size_t cut_count_ = 0;  // publications that may go into groups now (I1)
  std::uint64_t wanted_ = 0;
  std::uint64_t durable_ = 0;
  std::uint64_t boundary_ = 0;  // no group spans this sequence
  std::multimap<std::uint64_t, std::function<void(error_code)>> waiters_;
  struct append_waiter {
    std::uint64_t sequence = 0;
    operation_id id;
    append_result result;
  };
  fifo<append_waiter> append_waiters_;
  std::function<void(error_code, const format::journal_head&)> cut_call_;

  zone_state* zone_ = nullptr;
  zone_state* next_ = nullptr;
  bool left_ = false;  // zone_ was given up while a part of a group was on its way to it
  std::uint64_t ordinal_ = 0;
  std::uint64_t number_ = 1;
  format::checksum_field previous_;
  std::uint64_t bytes_since_cut_ = 0;

  buffer group_;
  std::uint64_t group_bytes_ = 0;
  std::uint64_t group_written_ = 0;
  std::uint64_t group_publications_ = 0;
  std::uint64_t group_at_bytes_ = 0;
  std::uint64_t part_bytes_ = 0;
  std::uint32_t end_block_ = 0;  // behind the last whole group, in zone_
  buffer header_;
  format::checksum_field group_checksum_;
  std::uint32_t attempts_ = 0;
};

}  // namespace furrow::core
