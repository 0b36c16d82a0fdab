// A core on a recorder: asks one thing after the other, or beside others, and lets the device work between.
//
// Invariants
//   I1  All that the core wants to submit is submitted before the next command completes: as much is in flight as may be.
//   I2  A store that neither answers nor does anything is a broken_promise, and so is an event of damage.
//
// Not here: what is asked (operations.hpp, inspector.hpp).
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "core/core.hpp"
#include "crash/recorder.hpp"

namespace furrow::crash {

class session {
 public:
  session(recorder& device, const store_options& options, std::int64_t now_ns);

  /// The answer, an error too.
  [[nodiscard]] core::notification ask(core::request_body body);
  /// The answer; an error is a broken promise, of which `what` says what was asked.
  core::notification must(core::request_body body, const char* what);
  /// Does not wait: the answer, which must be no error, is told while something else is asked, or by settle().
  void ask_later(core::request_body body, std::function<void()> call);
  /// Until there is nothing left to do.
  void settle();

 private:
  void send(core::operation_id id, core::request_body body);
  void deliver(const core::notification& n);
  /// Whether anything went on.
  bool step();
  /// A step, or a tick if there is none to make. False: `ticked` before, and at rest.
  bool go_on(bool& ticked);

  recorder& device_;
  std::unique_ptr<core::core> core_;
  std::map<std::uint64_t, std::function<void()>> later_;
  std::uint64_t asked_ = 0;
  std::int64_t now_ns_;
};

}  // namespace furrow::crash
