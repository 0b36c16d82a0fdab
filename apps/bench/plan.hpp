// What is to be measured, and what was.
#pragma once

#include <cstdint>
#include <furrow/engine/statistics.hpp>
#include <furrow/engine/types.hpp>

#include "bench/latency.hpp"

namespace furrow::bench {

enum class workload : std::uint8_t { append, read_sequential, read_random, write_random, mixed };

struct plan {
  workload what = workload::append;
  durability level = durability::written;  ///< Of appends and writes.
  std::size_t operation_bytes = 4096;
  std::size_t threads = 1;
  std::size_t depth = 1;    ///< Operations in flight, of each thread.
  std::size_t objects = 1;  ///< Of each thread, used in turn.
  double seconds = 5;
  double warm_up_seconds = 0;            ///< The same before it, and not measured.
  std::uint64_t fill_bytes = 256 << 20;  ///< What reads and random writes find, in all objects together.
  unsigned reads_per_hundred = 70;       ///< Of a mixed workload.
  std::uint64_t seed = 1;
};

struct cpu_time {
  double user_seconds = 0;
  double system_seconds = 0;
};

struct outcome {
  double seconds = 0;
  latency writes;
  latency reads;
  statistics before;
  statistics after;
  cpu_time cpu;                        ///< Of the whole process while it was measured.
  std::uint64_t heap_allocations = 0;  ///< That the bench's own handlers needed.
};

}  // namespace furrow::bench
