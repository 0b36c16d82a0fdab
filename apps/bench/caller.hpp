// One thread's share of a load: `depth` operations in flight on objects of its own, each completion starting the next,
// until the time is up.
//
// Objects that are appended to are replaced by new ones when they have grown to their share of the store, and removed; so a
// run may last as long as one likes. Reads choose from objects that were filled before, and are left as they are.
//
// Invariants
//   I1  After prepare() everything happens on the thread that is in run(): the context is the caller's alone, or is that of
//       a store which runs on the same thread.
//   I2  A slot has at most one operation in flight; its memory and its recycler belong to that one.
//   I3  One reading of the clock for each operation: the end of one is the beginning of the next.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <furrow/engine/store.hpp>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bench/plan.hpp"
#include "bench/recycler.hpp"

namespace furrow::bench {

using aligned_memory = std::unique_ptr<std::byte[], void (*)(void*)>;

/// Memory as reads and appends want it to need no copy, with random content. The kernel may make it of huge pages where it
/// has room for one.
[[nodiscard]] aligned_memory memory_of(std::size_t bytes, std::uint64_t seed);

class caller {
 public:
  using clock = std::chrono::steady_clock;

  /// `number` tells callers apart; `share_bytes` is how far each of its objects may grow.
  caller(asio::io_context& context, store on, const plan& what, std::size_t number, std::uint64_t share_bytes);
  caller(const caller&) = delete;
  caller& operator=(const caller&) = delete;

  /// Objects to be used, given by whoever prepares.
  void give_source(object filled, std::uint64_t bytes) { sources_.push_back({std::move(filled), bytes}); }
  void give_sink(object empty) { sinks_.push_back({std::move(empty)}); }

  /// Returns when the time is up and nothing is in flight. What is told below is of the last run.
  void run(double seconds);

  [[nodiscard]] error_code failed() const { return failed_; }
  [[nodiscard]] clock::time_point began() const { return began_; }
  [[nodiscard]] clock::time_point ended() const { return ended_; }
  [[nodiscard]] const latency& writes() const { return writes_; }
  [[nodiscard]] const latency& reads() const { return reads_; }
  [[nodiscard]] std::uint64_t heap_allocations() const;

 private:
  struct source {
    object handle;
    std::uint64_t bytes = 0;
    std::uint64_t reads = 0;
  };
  struct sink {
    object handle;
    std::uint64_t appended_bytes = 0;
    bool being_replaced = false;
  };
  struct slot {
    recycler handlers;
    clock::time_point began;
    std::size_t turn = 0;  ///< Whose object is next.
    bool reads = false;
  };
  struct on_done;
  struct on_done_here;

  void start(std::size_t index, clock::time_point now);
  void append(std::size_t index, sink& to);
  void read(std::size_t index, source& from);
  void write(std::size_t index, source& to);
  void done(std::size_t index, error_code e);
  void replace(std::size_t of);
  [[nodiscard]] bool reads_next();

  asio::io_context& context_;
  store store_;
  plan plan_;
  std::string prefix_;
  std::uint64_t share_bytes_;
  std::mt19937_64 chance_;
  std::size_t slot_bytes_;
  aligned_memory memory_;  ///< One piece for all slots, as fio has one for all its units.
  append_options append_options_;
  write_options write_options_;
  std::vector<source> sources_;
  std::vector<sink> sinks_;
  std::unique_ptr<slot[]> slots_;
  std::uint64_t made_ = 0;
  std::size_t in_flight_ = 0;
  clock::time_point began_, end_, ended_;
  error_code failed_;
  latency writes_, reads_;
};

}  // namespace furrow::bench
