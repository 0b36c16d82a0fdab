// Proves from the device's trace alone that what was acknowledged as durable is durable.
//
// The rule, for each acknowledgement of a sequence n
//   1  every block that a group names had landed before a flush began, and that flush had completed, before the group
//      was submitted (without a volatile cache: it had landed before the group was submitted)
//   2  the groups up to the one that holds n have landed whole
//   3  and a flush began after that and has completed (with a volatile cache)
//
// Invariants
//   I1  Nothing is taken from the engine but the bytes that it writes and the sequence it acknowledges.
//
// Not here: whether what is durable is right (model.hpp).
#pragma once

#include <map>
#include <vector>

#include "format/group.hpp"
#include "format/record.hpp"
#include "sim/trace.hpp"
#include "sim/workload.hpp"

namespace furrow::sim {

class flush_rule final : public trace_watcher, public durability_watcher {
 public:
  flush_rule(const zoned::memory_zones& zones, bool has_volatile_cache, const uuid& store);

  void submitted(const zoned::command& c) override;
  void completed(const zoned::command& c, const zoned::completion& done, const zoned::memory_zones& zones) override;
  void interrupted() override;
  void acknowledged(furrow::sequence up_to) override;
  /// A store was opened; all up to this sequence is of an earlier life.
  void opened(furrow::sequence recovered);

  [[nodiscard]] std::uint64_t acknowledgements() const { return acknowledgements_; }
  [[nodiscard]] std::uint64_t groups_proven() const { return groups_proven_; }
  [[nodiscard]] std::uint64_t blocks_proven() const { return blocks_proven_; }

 private:
  using time = std::uint64_t;  // counts submissions and completions
  struct group_state {
    format::group_header header;
    zoned::command_id command;
    std::uint64_t in_command_bytes = 0;  // where it begins in its first command
    time submitted = 0;
    time flush_before = 0;  // when the latest flush began that had completed by then
    bool placed = false;
    zoned::place at;
    bool whole = false;
    time landed = 0;
  };

  void look_for_groups(const zoned::command& c);
  void mark(zoned::zone_index zone, std::uint64_t begin_bytes, std::uint64_t end_bytes, bool if_unmarked);
  [[nodiscard]] time landed_at(zoned::zone_index zone, std::uint64_t begin_bytes, std::uint64_t end_bytes) const;
  void look_at_open_groups(zoned::zone_index zone);
  void check_named_blocks(const group_state& g);
  void check_extent(const group_state& g, std::uint64_t sequence, const format::object_extent& e);

  const zoned::memory_zones& zones_;
  bool volatile_;
  uuid store_;
  time now_ = 0;
  time flush_begun_ = 0;  // the latest beginning of a completed flush
  std::vector<std::pair<zoned::command_id, time>> flushes_;
  std::vector<std::vector<time>> landed_;        // by zone and LBA; 0: has not
  std::map<std::uint64_t, group_state> groups_;  // by number
  std::vector<std::uint64_t> open_groups_;       // those that have not landed whole
  furrow::sequence proven_ = 0;
  std::vector<std::byte> buffer_;
  std::uint64_t acknowledgements_ = 0;
  std::uint64_t groups_proven_ = 0;
  std::uint64_t blocks_proven_ = 0;
};

}  // namespace furrow::sim
