// When a WD Ultrastar DC ZN540 would have done what it is told: a clock of its own over a device that does it at once.
//
// Figures from measurements published with "Performance Characterization of NVMe Flash Devices with Zoned Namespaces"
// (IEEE Cluster 2023): an append of 4 KiB alone 14.8 us; 132,000 appends a second at most; 1,146 MiB/s of writes; a read of 4 KiB
// 72.6 us; a reset 1.6 ms of an empty zone and 15.8 ms of a full one; a finish 907 ms of a zone that holds one block, less the more
// it holds.
//
// The model
//   append, write   wait their turn at 132,000 a second; their bytes then share the bandwidth with all others'
//   read            share a bandwidth of their own
//   reset, finish   one after the other; nobody else waits for them
//
// Invariants
//   I1  Commands are carried out in the order of submission, and are told in the order of the model's time.
//
// Not here: what writes do to reads, and queues inside the drive beyond these.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "furrow_wa/payload_free_device.hpp"

namespace furrow::latency {

using nanoseconds = std::uint64_t;

/// Bytes of several that share a bandwidth equally.
class shared_bandwidth {
 public:
  explicit shared_bandwidth(double bytes_a_ns) : bytes_a_ns_{bytes_a_ns} {}
  void add(std::uint64_t tag, std::uint64_t bytes, nanoseconds now);
  /// When the first of them will have all its bytes; none, if there are none.
  [[nodiscard]] std::optional<nanoseconds> next() const;
  /// That one.
  [[nodiscard]] std::uint64_t take(nanoseconds now);

 private:
  struct part {
    std::uint64_t tag;
    double left;
  };
  void advance(nanoseconds now);
  [[nodiscard]] std::size_t least() const;

  double bytes_a_ns_;
  nanoseconds at_ = 0;
  std::vector<part> parts_;
};

class zn540 {
 public:
  explicit zn540(wa::payload_free_device& does) : does_{does} {}

  void submit(const zoned::command& c, nanoseconds now);
  [[nodiscard]] std::optional<nanoseconds> next() const;
  /// What is due at `now`, a step of the model: not each step completes a command.
  [[nodiscard]] std::optional<zoned::completion> step(nanoseconds now);

  [[nodiscard]] static double write_bytes_a_second();

 private:
  enum class stage : std::uint8_t { to_write, to_read, done };
  struct due {
    stage then;
    std::uint64_t tag;
  };
  [[nodiscard]] nanoseconds managed(const zoned::command& c, nanoseconds now, double fill);

  wa::payload_free_device& does_;
  std::map<std::uint64_t, zoned::completion> at_work_;
  std::map<std::uint32_t, double> fill_bytes_;
  std::multimap<nanoseconds, due> due_;
  shared_bandwidth writes_{write_bytes_a_second() * 1e-9};
  shared_bandwidth reads_{3.2};
  nanoseconds turn_at_ = 0;
  nanoseconds managing_until_ = 0;
  std::uint64_t last_ = 0;
};

}  // namespace furrow::latency
