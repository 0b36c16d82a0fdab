// One workload on an open store: `depth` operations in flight, each completion starting the next, until the time is up.
//
// Objects that are appended to are replaced by new ones when they have grown to their share of the store, and removed; so a
// run may last as long as one likes.
//
// Not here: what is printed of it (report.hpp).
#pragma once

#include <furrow/engine/store.hpp>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bench/latency.hpp"

namespace furrow::bench {

enum class workload : std::uint8_t { append, durable, read_sequential, read_random, mixed };

struct plan {
  workload what = workload::append;
  std::size_t operation_bytes = 4096;
  std::size_t depth = 1;
  std::size_t objects = 1;
  double seconds = 5;
  std::uint64_t fill_bytes = 256 << 20;  ///< What reads find, in all objects together.
  unsigned reads_per_hundred = 70;       ///< Of a mixed workload.
  std::uint64_t seed = 1;
};

struct outcome {
  double seconds = 0;
  latency writes;
  latency reads;
  statistics before;
  statistics after;
};

/// The value of an operation that was started with asio::use_future, its handlers run on this thread meanwhile. Throws
/// what the future does.
template <class Value>
Value await(asio::io_context& context, std::future<Value> result) {
  while (result.wait_for(std::chrono::seconds{0}) != std::future_status::ready) {
    if (context.stopped()) context.restart();
    context.run_one();
  }
  return result.get();
}

class load {
 public:
  load(asio::io_context& context, store on, const plan& what);
  /// Throws boost::system::system_error if an operation fails.
  [[nodiscard]] outcome run();

 private:
  using clock = std::chrono::steady_clock;
  struct target {
    object handle;
    std::uint64_t appended_bytes = 0;
    std::uint64_t filled_bytes = 0;  ///< Before the run: what reads choose from.
    std::uint64_t reads = 0;
    bool being_replaced = false;
  };
  struct slot {
    std::unique_ptr<std::byte[], void (*)(void*)> memory{nullptr, std::free};
    clock::time_point began;
    bool reads = false;
  };

  void prepare();
  void next(std::size_t index);
  void append(slot& s, std::size_t index, target& to);
  void read(slot& s, std::size_t index, target& from);
  void done(std::size_t index, error_code e);
  void replace(std::size_t of);
  [[nodiscard]] object create(std::size_t of);
  [[nodiscard]] bool reads_next();

  asio::io_context& context_;
  store store_;
  plan plan_;
  std::mt19937_64 chance_;
  std::vector<target> targets_;
  std::vector<slot> slots_;
  std::uint64_t share_bytes_ = 0;
  std::uint64_t made_ = 0;
  std::size_t turn_ = 0;
  std::size_t in_flight_ = 0;
  clock::time_point end_;
  error_code failed_;
  outcome outcome_;
};

}  // namespace furrow::bench
