// What becomes of the zones of a device without anybody's command, and what others take of its limits.
//
// Kinds
//   read_only, offline, full   between two commands, or while an append to the zone is at work: of that any front part
//                              has landed
//   active                     others hold so many active zones that one more is refused, for a while: one for data or pages,
//                              and in some seeds also the next one of the journal, or of superblocks
//   open                       a closed zone is not opened again, for a while
//   failed                     an append to a zone that holds data fails; a front part of it has landed, and may be
//                              other bytes than were sent
//
// Invariants
//   I1  Zones that hold data are befallen: those whose header, written since their last reset, says so. Zones with metadata are
//       by weights of their own, but not the one that the journal goes on in; of superblocks one becomes read-only or offline; offline goes no zone
//       of the journal, and one with pages only while each page has two copies.
//   I2  At most lost_max zones become read-only or offline in a run; others leave the store what it can live on.
//   I3  Of zones with data none of it but `failed` excuses a failure of the store, and that only one of an append.
//
// Not here: what was in a zone (cache_model.hpp, memory_zones.hpp), failures of commands (faults.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "format/zone_header.hpp"
#include "memory/memory_zones.hpp"
#include "sim/random.hpp"

namespace furrow::sim {

struct zone_fault_weights {
  std::uint32_t read_only_ppm = 0;  ///< Of the commands executed.
  std::uint32_t offline_ppm = 0;
  std::uint32_t full_ppm = 0;
  std::uint32_t failed_ppm = 0;              ///< Of the appends to zones that hold data.
  std::uint32_t others_ppm = 0;              ///< That what others hold changes.
  std::uint32_t others_active_max = 0;       ///< Zones they hold.
  bool others_deny_metadata = false;         ///< Also the next zone of the journal, and of superblocks.
  std::uint32_t metadata_read_only_ppm = 0;  ///< Of the commands executed: zones of the journal and of pages,
  std::uint32_t metadata_offline_ppm = 0;    ///< of pages alone, of which there are two copies,
  std::uint32_t metadata_full_ppm = 0;       ///< of the journal and of pages.
  std::uint32_t superblock_ppm = 0;     ///< That a zone of superblocks becomes full, and once read-only or offline.
  std::uint32_t lost_max = 0;           ///< Zones that become read-only or offline.
  std::uint32_t garbage_per_mille = 0;  ///< Of failed appends: not all that landed is what was sent.
  bool says_why = true;                 ///< Refusals carry their cause; else they are errc::io.
};

struct zone_fault_counts {
  std::uint64_t read_only = 0;
  std::uint64_t offline = 0;
  std::uint64_t full = 0;
  std::uint64_t metadata_read_only = 0;
  std::uint64_t metadata_offline = 0;
  std::uint64_t metadata_full = 0;
  std::uint64_t metadata_refused = 0;  ///< Of those refused: zones of the journal and of superblocks.
  /// What a store may not live through.
  [[nodiscard]] std::uint64_t metadata_befallen() const {
    return metadata_read_only + metadata_offline + metadata_full + metadata_refused;
  }
  // Of superblocks: there is another copy, and nothing else is lost by it.
  std::uint64_t superblock_read_only = 0;
  std::uint64_t superblock_offline = 0;
  std::uint64_t superblock_full = 0;
  std::uint64_t refused = 0;  ///< Appends, over a limit.
  std::uint64_t failed = 0;
};

class zone_faults {
 public:
  zone_faults(const zone_fault_weights& weights, zoned::memory_zones& zones, std::uint64_t seed = 0);

  /// Before each command that is executed. Returns a zone that has become full, if one has.
  [[nodiscard]] std::optional<zoned::zone_index> befall(prng& chance);
  /// The same for zones with metadata.
  [[nodiscard]] std::optional<zoned::zone_index> befall_metadata();
  /// The same for zones of superblocks, of which one turns read-only or offline in a run.
  [[nodiscard]] std::optional<zoned::zone_index> befall_superblock();
  /// All pages have two copies again: one may be lost.
  void metadata_is_whole() { pages_lost_ = false; }
  /// Whether the zone turns while this append to it is at work.
  [[nodiscard]] std::optional<zoned::zone_condition> befall_at(zoned::zone_index zone, prng& chance);
  [[nodiscard]] bool fails(zoned::zone_index zone, prng& chance);
  void turn(zoned::zone_index zone, zoned::zone_condition to);
  /// The refusal of an append over a limit.
  [[nodiscard]] std::optional<zoned::errc> refuse(const zoned::command& append, prng& chance);

  void executed(const zoned::command& c, const zoned::completion& done);
  void interrupted();
  void allow(bool on) { allowed_ = on; }
  void allow_of_metadata(bool on) { metadata_allowed_ = on; }

  [[nodiscard]] bool holds_data(zoned::zone_index zone) const { return holds_data_[zone.value]; }
  [[nodiscard]] const std::vector<bool>& holding_data() const { return holds_data_; }
  /// The zone is not what the store can know it to be: its commands may be refused. Of any number.
  [[nodiscard]] bool is_turned(zoned::zone_index zone) const {
    return zone.value < turned_.size() && turned_[zone.value];
  }
  [[nodiscard]] const zone_fault_weights& weights() const { return weights_; }
  [[nodiscard]] const zone_fault_counts& counts() const { return counts_; }

 private:
  [[nodiscard]] bool eligible(zoned::zone_index zone) const;
  [[nodiscard]] std::optional<zoned::zone_index> pick(prng& chance) const;
  [[nodiscard]] bool says_data(zoned::zone_index zone) const;
  [[nodiscard]] std::optional<format::zone_header> header_of(zoned::zone_index zone) const;
  [[nodiscard]] bool is_kept(zoned::zone_index zone) const;
  [[nodiscard]] std::optional<zoned::zone_index> pick_superblock();
  [[nodiscard]] std::optional<zoned::zone_index> pick_metadata(zoned::zone_condition to);

  zone_fault_weights weights_;
  zoned::memory_zones& zones_;
  std::vector<bool> holds_data_;
  std::vector<bool> turned_;
  std::uint32_t others_ = 0;
  std::uint32_t lost_ = 0;
  bool pages_lost_ = false;
  bool metadata_allowed_ = true;
  bool allowed_ = true;
  bool superblock_lost_ = false;
  prng superblock_chance_;
  prng metadata_chance_;  ///< So that what else is drawn stays as it was.
  zone_fault_counts counts_;
};

}  // namespace furrow::sim
