// The engine without its executor: requests and completions in, commands and notifications out.
//
// Calling sequence
//   handle(request) and handle(completion) in any order; after each, or after a batch of them, poll(command) and
//   poll(notification) until both say false. Commands that the device does not accept now are kept by the caller and
//   offered again, in order. The first request is format_request (the core is then at its end) or open_request; the
//   last is close_request. tick() is called when there is nothing else to do: unhurried work goes on there.
//
// Invariants
//   I1  It never calls out: no clock, descriptor, thread, callback or random source of its own.
//   I2  Nothing is answered inside handle(): notifications wait for poll().
//   I3  The device accepts every command within its promises; each accepted command comes back as one completion.
//   I4  Where memory lacks, a split is refused and its write ends with not_enough_memory; anything else throws
//       std::bad_alloc out of the call. A core that has thrown is good for nothing but to be destroyed, which it can be at
//       any time; what is on the device is then as after a loss of power.
//
// Not here: how any of it is done (the machines it is made of: store_state.hpp names them).
#pragma once

#include <memory>

#include "core/messages.hpp"
#include "furrow/zoned/command.hpp"
#include "furrow/zoned/geometry.hpp"
#include "furrow/zoned/guarantees.hpp"

namespace furrow::core {

class machine;

class core {
 public:
  core(const zoned::geometry& shape, const zoned::guarantees& promises, const store_options& options);
  ~core();

  void handle(request&& r);
  void handle(const zoned::completion& c);
  /// False if there was nothing to do at the last one, and nothing came since but reads.
  bool tick();

  [[nodiscard]] bool poll(zoned::command& to);
  [[nodiscard]] bool poll(notification& to);
  /// The same in place: the oldest notification, or none, until pop(). It may be moved from, and may be of several answers
  /// (io_answers), which hold until then.
  [[nodiscard]] notification* next();
  void pop();

  /// For tests, which show with it what the split in front of the submission is for: a write whose source ends too early
  /// keeps one ordered extent, whose rest fails, and what was submitted with it.
  void debug_no_split();

  /// Commands given out and not yet completed: 0 means that the device owes nothing.
  [[nodiscard]] std::size_t commands_in_flight() const;

 private:
  std::unique_ptr<machine> machine_;
};

}  // namespace furrow::core
