// What happened on a simulated device, in its order: a hash that tells two runs apart, watchers that follow it, and a
// file for people.
//
// Invariants
//   I1  The hash covers every command, every completion and every loss of power, with all that is said in them but
//       addresses of memory.
//
// Not here: what a watcher proves (flush_rule.hpp).
#pragma once

#include <cstdint>
#include <cstdio>
#include <vector>

#include "furrow/zoned/command.hpp"
#include "memory/memory_zones.hpp"
#include "sim/random.hpp"

namespace furrow::sim {

/// Follows a device; called in the order in which the engine could have seen it.
class trace_watcher {
 public:
  trace_watcher() = default;
  trace_watcher(const trace_watcher&) = delete;
  trace_watcher& operator=(const trace_watcher&) = delete;
  virtual ~trace_watcher() = default;
  virtual void submitted(const zoned::command& c) = 0;
  /// `zones` as they are now.
  virtual void completed(const zoned::command& c, const zoned::completion& done, const zoned::memory_zones& zones) = 0;
  virtual void interrupted() = 0;  ///< All commands in flight are gone.
};

enum class interruption : std::uint8_t { power_loss = 1, process_end };

class trace {
 public:
  void submitted(const zoned::command& c);
  void completed(const zoned::command& c, const zoned::completion& done, const zoned::memory_zones& zones);
  void interrupted(interruption how);

  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  void watch(trace_watcher* w) { watchers_.push_back(w); }
  void write_to(std::FILE* file) { file_ = file; }
  [[nodiscard]] std::FILE* file() const { return file_; }

 private:
  void add(std::uint64_t value) { hash_ = mix(hash_ ^ value) + value; }

  std::uint64_t hash_ = 0xcbf2'9ce4'8422'2325;
  std::uint64_t count_ = 0;
  std::vector<trace_watcher*> watchers_;
  std::FILE* file_ = nullptr;
};

[[nodiscard]] const char* name_of(zoned::opcode op);

}  // namespace furrow::sim
