// What a loss of power takes from zones whose device has a volatile write cache.
//
//   sequential zone     keeps any prefix, cut at an LBA, that is not shorter than what a flush has covered. If it was
//                       reset and no flush has covered the reset, it may also be as it was before: then nothing of what
//                       was written since remains
//   conventional zone   each LBA has its flushed content, or that of any write since
//   finish              undone or not, unless covered
//   lost bytes          read as never written; or, if the device leaves stale bytes, as they were: a finish of the zone
//                       brings them back
//
// A flush covers what was reaped before it was submitted, and counts from its own completion on.
//
// Invariants
//   I1  durable_end <= reaped_end <= written_end of each version of a zone, where all three are of one reset
//       generation.
//   I2  What remains is within the device's limit of active zones, as a real device would see to.
//
// Not here: commands in flight when the power goes (sim_device.hpp).
#pragma once

#include <cstdint>
#include <vector>

#include "memory/memory_zones.hpp"
#include "sim/random.hpp"
#include "sim/raw_bytes.hpp"

namespace furrow::sim {

class cache_model {
 public:
  /// Names a submitted flush until it is committed or forgotten.
  using ticket = std::size_t;

  cache_model(zoned::memory_zones& zones, bool is_volatile, bool leaves_stale_bytes);

  // Called as commands are executed:
  /// Before a write to a conventional zone; the entry's number, for reaped_overwrite().
  [[nodiscard]] std::uint64_t before_overwrite(zoned::zone_index zone, std::uint64_t offset_bytes, std::uint64_t bytes);
  void before_reset(zoned::zone_index zone);
  void written(zoned::zone_index zone, std::uint64_t end_bytes);
  void finished(zoned::zone_index zone);
  [[nodiscard]] std::uint64_t generation(zoned::zone_index zone) const { return states_[zone.value].generation; }
  /// Up to there the power leaves what the zone has.
  [[nodiscard]] std::uint64_t durable_end(zoned::zone_index zone) const {
    const zone_state& s = states_[zone.value];
    return volatile_ ? s.durable_end : s.reaped_end;
  }

  // Called as completions are given out:
  void reaped_write(zoned::zone_index zone, std::uint64_t generation, std::uint64_t end_bytes);
  void reaped_overwrite(std::uint64_t entry);
  void reaped_reset(zoned::zone_index zone, std::uint64_t generation);
  void reaped_finish(zoned::zone_index zone);

  [[nodiscard]] ticket begin_flush();
  void commit_flush(ticket t);
  void forget_flush(ticket t);

  void lose_power(prng& chance);
  /// The device goes on without the process that used it: what was executed is as good as reaped.
  void end_process();

 private:
  struct version {  // a zone as it was before a reset that no flush has covered
    std::uint64_t generation = 0;
    zoned::zone_info info;
    std::uint64_t durable_end = 0;
    std::uint64_t written_end = 0;
    zoned::memory_zones::held_bytes bytes;
  };
  struct zone_state {
    std::uint64_t generation = 0;
    std::uint64_t reset_reaped = 0;  // the highest generation whose reset was reaped
    std::uint64_t durable_end = 0;
    std::uint64_t reaped_end = 0;
    std::uint64_t written_end = 0;
    bool finished = false;
    bool finish_reaped = false;
    bool dirty = false;
    std::vector<version> before;
  };
  struct overwrite {
    std::uint64_t number = 0;
    zoned::zone_index zone;
    std::uint64_t offset_bytes = 0;
    bool reaped = false;
    raw_bytes old_bytes;
  };
  struct covered_zone {
    zoned::zone_index zone;
    std::uint64_t generation = 0;
    std::uint64_t reset_reaped = 0;
    std::uint64_t reaped_end = 0;
    bool finish_reaped = false;
  };
  struct flush_record {
    bool in_use = false;
    std::vector<covered_zone> zones;
    std::vector<std::uint64_t> overwrites;
  };

  void mark_dirty(zoned::zone_index zone);
  void commit_zone(const covered_zone& covered);
  void commit_overwrite(std::uint64_t number);
  void restore(zoned::zone_index zone, const version& v);
  void lose_zone(zoned::zone_index zone, prng& chance);
  void lose_overwrites(prng& chance);
  void settle(zoned::zone_index zone);
  [[nodiscard]] bool would_exceed_active(const zoned::zone_info& now, std::uint64_t kept_bytes) const;

  zoned::memory_zones& zones_;
  bool volatile_;
  bool leaves_stale_bytes_;
  std::vector<zone_state> states_;
  std::vector<zoned::zone_index> dirty_;
  std::vector<overwrite> overwrites_;
  std::uint64_t overwrite_count_ = 0;
  std::vector<flush_record> flushes_;
};

}  // namespace furrow::sim
