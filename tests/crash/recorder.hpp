// A device for one run of a workload that knows, at each moment, all that a loss of power may leave of it.
//
// A command is executed when it is submitted, and completes later, in order; so what is in flight is on the medium like
// what has completed and is not covered by a flush. Of each zone remains, each zone for itself:
//   written        any prefix, cut at an LBA, that is not shorter than what is durable
//   finished       undone, with any such prefix, or done, with all that was written
//   reset          undone: whole as it was before; or done, with any prefix of what was written since
// What is durable: without a volatile cache what has completed; with one what had completed before a flush was submitted
// that has completed. A durable write makes the reset before it durable.
//
// Invariants
//   I1  Outcomes of a zone are numbered: 0 loses the most, the last one nothing. A clean zone has one.
//   I2  The hash of a state covers condition, write pointer and bytes of each zone, and nothing else.
//   I3  A command that a device would refuse is the engine's fault: broken_promise.
//
// Not here: which outcomes are put together (enumerate.hpp), what is made of a state (inspector.hpp).
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "furrow/zoned/command.hpp"
#include "furrow/zoned/guarantees.hpp"
#include "memory/memory_zones.hpp"

namespace furrow::crash {

/// Zones in memory that execute all that a device of these promises would; what is volatile is the recorder's to say.
[[nodiscard]] zoned::memory_zones make_zones(const zoned::geometry& shape, const zoned::guarantees& promises,
                                             std::vector<zoned::zone_info> zones);

/// Hash of each prefix of a zone, at its LBAs.
using prefix_hashes = std::vector<std::uint64_t>;

/// What is not durable of a zone.
struct loose_zone {
  zoned::zone_index zone;
  std::uint64_t durable_bytes = 0;
  std::uint64_t completed_bytes = 0;
  std::uint64_t written_bytes = 0;
  bool finished = false;
  bool finish_completed = false;
  bool reset_completed = false;
  std::uint64_t resets = 0;
  std::vector<std::shared_ptr<const zoned::memory_zones>> before;  ///< Each reset that may be undone.
  std::vector<std::uint64_t> hashes_before;                        ///< Of the zone then.
};

/// All that a loss of power may leave, at one moment.
struct moment {
  zoned::memory_zones image;  ///< With nothing lost.
  std::vector<loose_zone> loose;
  std::vector<std::vector<std::uint64_t>> hashes;  ///< Of the outcomes of each loose zone.
  std::uint64_t base_hash = 0;                     ///< Of all others.

  /// Of the image as it is, with the zones that are open.
  [[nodiscard]] std::uint64_t image_hash() const;
  [[nodiscard]] std::size_t outcomes(std::size_t i) const { return hashes[i].size(); }
  /// The zones when each loose zone has this outcome; none if a device could not be in that state. Behind a write pointer
  /// that went back is what was never written; with `stale`, still what was lost.
  [[nodiscard]] std::unique_ptr<zoned::memory_zones> build(std::span<const std::uint32_t> outcome,
                                                           bool stale = false) const;
};

class recorder {
 public:
  /// Hashes are needed where states are to be told apart.
  recorder(zoned::memory_zones image, const zoned::guarantees& promises, bool hashes);

  [[nodiscard]] const zoned::geometry& shape() const { return image_.shape(); }
  [[nodiscard]] const zoned::guarantees& promises() const { return promises_; }
  void submit(const zoned::command& c);
  /// The oldest command that has not completed; false if there is none.
  [[nodiscard]] bool complete(zoned::completion& to);
  [[nodiscard]] bool idle() const { return pending_.empty(); }
  [[nodiscard]] std::uint64_t submitted() const { return submitted_; }
  [[nodiscard]] std::uint64_t flushes() const { return flushes_; }

  /// Called when a command has been submitted or has completed.
  std::function<void(const zoned::command& c, bool completed)> watch;
  /// For canaries: flushes that cover nothing though they say so.
  bool flushes_lie = false;

  [[nodiscard]] moment now() const;
  [[nodiscard]] const zoned::memory_zones& image() const { return image_; }
  /// The device changes a zone by itself.
  void force(const zoned::zone_info& zone);

 private:
  struct covered {
    std::uint32_t zone = 0;
    std::uint64_t resets = 0;
    std::uint64_t completed_bytes = 0;
    bool finish_completed = false;
    bool reset_completed = false;
  };
  struct pending {
    zoned::command what;
    zoned::completion done;
    std::uint64_t resets = 0;
    std::vector<covered> covers;
  };

  loose_zone& loose(zoned::zone_index zone);
  void note_written(zoned::zone_index zone, const zoned::command& c, std::uint64_t begin);
  void note_completed(const pending& p);
  void make_durable(const covered& c);
  void tidy(zoned::zone_index zone);
  [[nodiscard]] std::uint64_t zone_hash(const zoned::zone_info& z, std::uint64_t bytes) const;
  [[nodiscard]] std::vector<std::uint64_t> outcome_hashes(const loose_zone& l) const;

  zoned::memory_zones image_;
  zoned::guarantees promises_;
  bool hashing_;
  std::vector<prefix_hashes> prefixes_;
  std::vector<loose_zone> loose_;
  std::deque<pending> pending_;
  std::vector<std::uint64_t> resets_;
  std::uint64_t submitted_ = 0;
  std::uint64_t flushes_ = 0;
};

}  // namespace furrow::crash
