// When a real drive would have done what the simulated one is told: a clock that moves with its commands, so that they are
// carried out, and answered, in the order in which a ZNS SSD or an SMR disk would do it.
//
// The model
//   ZNS SSD    appends and writes take their turn, and then share one bandwidth; reads are a die's, of which there are some;
//              resets and finishes go one after the other, and nobody else waits for them
//   SMR disk   one arm does one command after the other; it seeks unless the command begins where the last one ended
//   both       a flush is behind all that was sent before it; each command takes up to a tenth longer
//
// Invariants
//   T1  Appends of one zone are done in the order in which they were sent.
//   T2  What is drawn here changes nothing that is drawn for anything else.
//
// Not here: what commands do (sim_device.hpp), which seeds have which drive (swarm.cpp).
#pragma once

#include <cstdint>
#include <vector>

#include "furrow/zoned/command.hpp"
#include "furrow/zoned/geometry.hpp"
#include "sim/random.hpp"

namespace furrow::sim {

using nanoseconds = std::uint64_t;

enum class drive : std::uint8_t { timeless, zns, smr };

struct drive_row {
  const char* name;
  std::uint32_t dies;              ///< That read beside each other; 0: one arm does everything.
  nanoseconds turn_ns;             ///< Of an append or write,
  nanoseconds append_ns;           ///< which takes this longer,
  std::uint64_t write_bytes_a_ms;  ///< and its bytes.
  nanoseconds read_ns;
  std::uint64_t read_bytes_a_ms;
  nanoseconds seek_ns;
  nanoseconds flush_ns;
  nanoseconds reset_empty_ns, reset_full_ns;
  nanoseconds finish_ns;  ///< Of a zone that holds little, less the more it holds; SMR disks take the same for each.
  nanoseconds other_ns;
  nanoseconds answer_max_ns;  ///< An operation of a user takes no longer where nothing fails and there is room.
};
[[nodiscard]] const drive_row& row_of(drive d);

class drive_times {
 public:
  drive_times(drive d, const zoned::geometry& shape, std::uint64_t seed);

  [[nodiscard]] bool keeps_time() const { return drive_ != drive::timeless; }
  [[nodiscard]] nanoseconds now() const { return now_; }
  /// When the command will be done; `fill_percent` of its zone is written.
  [[nodiscard]] nanoseconds due(const zoned::command& c, std::uint64_t fill_percent);
  void advance(nanoseconds to) { now_ = to > now_ ? to : now_; }
  /// Nothing is under way any more.
  void interrupted();

 private:
  [[nodiscard]] nanoseconds due_of_arm(const zoned::command& c, std::uint64_t fill_percent);
  [[nodiscard]] nanoseconds due_of_dies(const zoned::command& c, std::uint64_t fill_percent);
  [[nodiscard]] nanoseconds managing_ns(const zoned::command& c, std::uint64_t fill_percent) const;

  drive drive_;
  const drive_row& row_;
  prng chance_;
  nanoseconds now_ = 0;
  nanoseconds sent_until_ = 0;     // all that was sent before is done
  nanoseconds written_until_ = 0;  // by the arm, or the bandwidth of writes
  nanoseconds turn_at_ = 0;
  nanoseconds managing_until_ = 0;
  std::vector<nanoseconds> dies_;
  std::vector<nanoseconds> zones_;  // the last append of each
  zoned::place head_;
};

}  // namespace furrow::sim
