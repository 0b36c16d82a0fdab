// What a device does without a word: writes that it acknowledges and does not make, or makes elsewhere, reads that
// give what was at their place before, or is at another, and bits that flip on the medium.
//
// Kinds
//   lost         of an append that succeeded some LBAs are what they were
//   misdirected  the same, and what was sent for them is in another zone, over what was there
//   stale        one read gives other bytes for one block; the medium is as it was
//   rot          bits of a block of data that has landed and is durable flip, and stay so
//
// Invariants
//   L1  Only blocks are lied about of which the store has sums and can know: those of data, of pages and of superblocks; not the
//       header of a zone, nor a group of the journal.
//   L2  Of a page or a superblock one copy is lied about, once: its other copy is as it was sent.
//   L3  At most blocks_max blocks of data are spoiled in a run.
//   L4  What is drawn for lies changes nothing that is drawn for anything else.
//
// Not here: which errors they excuse (lost_blocks.hpp), what else a device does (sim_device.hpp).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <unordered_set>
#include <vector>

#include "furrow/engine/types.hpp"
#include "memory/memory_zones.hpp"
#include "sim/cache_model.hpp"
#include "sim/random.hpp"
#include "sim/raw_bytes.hpp"

namespace furrow::sim {

struct lie_weights {
  std::uint32_t lost_ppm = 0;  ///< Of the appends of data.
  std::uint32_t misdirected_ppm = 0;
  std::uint32_t stale_ppm = 0;       ///< Of the reads of data.
  std::uint32_t copy_lost_ppm = 0;   ///< Of the appends of pages and superblocks.
  std::uint32_t copy_stale_ppm = 0;  ///< Of the reads of pages.
  std::uint32_t rot_ppm = 0;         ///< Of the commands executed.
  std::uint32_t blocks_max = 0;      ///< Of data, spoiled in a run.

  [[nodiscard]] bool any() const {
    return lost_ppm + misdirected_ppm + stale_ppm + copy_lost_ppm + copy_stale_ppm + rot_ppm > 0;
  }
  friend bool operator==(const lie_weights&, const lie_weights&) = default;
};

struct lie_counts {
  std::uint64_t lost = 0;
  std::uint64_t misdirected = 0;
  std::uint64_t stale = 0;
  std::uint64_t copies_lost = 0;
  std::uint64_t copies_stale = 0;
  std::uint64_t rotted = 0;
  /// After which blocks on the medium are not what was written.
  [[nodiscard]] std::uint64_t spoiling() const { return lost + misdirected + rotted; }
};

class lies {
 public:
  lies(const lie_weights& weights, zoned::memory_zones& zones, std::uint64_t seed);

  /// Before an append of so many bytes at this place; `holds_data` tells of each zone whether it does.
  void before_write(zoned::place at, const zoned::command& c, const std::vector<bool>& holds_data);
  /// When it has succeeded.
  void after_write(const zoned::command& c, const std::vector<bool>& holds_data);
  void after_read(const zoned::command& c, bool holds_data);
  /// Before each command that is executed.
  void rot(const std::vector<bool>& holds_data, const cache_model& cache);
  void allow(bool on) { allowed_ = on; }

  /// Something has been done to a block of data there at some time.
  [[nodiscard]] bool spoiled(zoned::place at) const { return spoiled_.contains(key_of(at)); }
  [[nodiscard]] bool spoiled(zoned::zone_index zone) const { return spoiled_zones_.contains(zone.value); }
  [[nodiscard]] bool copy_spoiled(zoned::zone_index zone) const { return copy_zones_.contains(zone.value); }
  /// Whether some block in this zone was spoiled, or was read as another one since so many stale reads, of which the bytes that
  /// should be there are what is looked for.
  using block_test = std::function<bool(std::span<const std::byte>)>;
  [[nodiscard]] bool hides(zoned::zone_index zone, std::uint64_t stale_since, const block_test& is_it) const;
  [[nodiscard]] bool told() const { return weights_.any(); }
  [[nodiscard]] const lie_counts& counts() const { return counts_; }

 private:
  enum class kind : std::uint8_t { truth, lost, misdirected, copy_lost };
  [[nodiscard]] static std::uint64_t key_of(zoned::place at);
  [[nodiscard]] bool is_new_copy(std::span<const std::byte> block);
  [[nodiscard]] bool are_new_copies(std::span<const std::byte> blocks);
  void misdirect(std::span<const std::byte> sent, const std::vector<bool>& holds_data);
  void put(zoned::place at, std::span<const std::byte> bytes);
  [[nodiscard]] raw_bytes block_at(zoned::place at) const;

  lie_weights weights_;
  zoned::memory_zones& zones_;
  prng chance_;
  prng rot_chance_;
  kind now_ = kind::truth;
  zoned::place at_;
  raw_bytes before_;
  struct hidden_block {
    zoned::zone_index zone;
    std::uint64_t stale = 0;  // number of the stale read; 0: spoiled on the medium
    raw_bytes bytes;          // that should be there
  };
  std::unordered_set<std::uint64_t> spoiled_;
  std::vector<hidden_block> hidden_;
  std::deque<hidden_block> hidden_once_;
  std::unordered_set<std::uint32_t> spoiled_zones_;
  std::unordered_set<std::uint32_t> copy_zones_;
  std::unordered_set<std::uint32_t> copies_told_;  // by their checksum
  lie_counts counts_;
  bool allowed_ = true;
};

}  // namespace furrow::sim
