// A place is filled to a share of what it says it holds, written over at random, and compared byte by byte.
//
// Invariants
//   I1  Each block belongs to one caller, so that what it holds last is known whatever the order of completions. The same
//       seed, share, block size and depth write the same.
//   I2  A run ends with the first error; what had been answered before is compared all the same. Blocks whose write failed
//       may hold either content and are counted apart.
//   I3  Seconds and device bytes are of the overwriting alone, a sync before and one after it included.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "furrow_full/place.hpp"

namespace furrow::full {

struct plan {
  double full = 0.8;                  ///< Of the capacity.
  double times = 3;                   ///< The device is written over so often.
  std::uint64_t overwrite_bytes = 0;  ///< In place of `times`; 0: none.
  std::uint32_t block_bytes = 64 << 10;
  std::uint32_t depth = 8;
  std::uint64_t seed = 1;
  double patience_seconds = 0;         ///< For so long a write that finds no room is tried again.
  double stuck_seconds = 120;          ///< Nothing completes for so long: given up as hanging.
  std::string counters;                ///< /sys/block/NAME/stat; empty: the place's own account.
  std::optional<std::uint64_t> spoil;  ///< This block is written wrongly before comparing.
};

struct first_failure {
  std::string when;
  std::string what;
  bool no_space = false;
  std::uint64_t after_bytes = 0;  ///< Of the overwriting.
};

struct outcome {
  std::uint64_t capacity_bytes = 0;
  std::uint64_t blocks = 0;  ///< Filled.
  std::uint64_t wanted_bytes = 0;
  std::uint64_t bytes = 0;  ///< Written over.
  double fill_seconds = 0;
  double seconds = 0;
  std::uint64_t device_written_bytes = 0;  ///< 0: not known.
  std::vector<double> slice_seconds;       ///< Of each tenth.
  double longest_seconds = 0;              ///< Of one write, its waiting for room included.
  std::uint64_t refusals = 0;              ///< Writes that found no room, and were tried again.
  std::optional<first_failure> failed;
  double compare_seconds = 0;
  std::uint64_t compared_blocks = 0;
  std::uint64_t wrong_blocks = 0;
  std::uint64_t unsure_blocks = 0;
  std::string first_wrong;
  nlohmann::ordered_json told_full;  ///< By the place, when it was filled.
  nlohmann::ordered_json told;       ///< When it was written over.

  [[nodiscard]] bool good() const { return !failed && wrong_blocks == 0; }
};

class run {
 public:
  run(place& where, const plan& how);

  outcome carry_out();

 private:
  using clock = std::chrono::steady_clock;

  void fill_all();
  void overwrite();
  void call(std::uint32_t caller);
  [[nodiscard]] bool write(std::uint64_t block, std::span<std::byte> memory);
  void note_done(double seconds);
  void fail(const char* when, const ending& how);
  void watch();
  void spoil(std::uint64_t block);
  void compare();
  void compare_block(std::uint64_t block, std::span<const std::byte> found, std::span<std::byte> wanted);
  [[nodiscard]] std::uint64_t device_written() const;

  place& where_;
  plan how_;
  outcome out_;
  std::vector<std::uint32_t> generations_;
  std::vector<std::uint8_t> unsure_;
  std::atomic<std::uint64_t> done_{0};
  std::atomic<std::uint32_t> at_work_{0};
  std::atomic<bool> over_{false};
  std::mutex guard_;  ///< Of out_ while callers run.
  clock::time_point slice_began_;
};

}  // namespace furrow::full
