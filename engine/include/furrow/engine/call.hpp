// What goes with any operation: a deadline, and a place for what a failure concerned. Both are carried by a handle:
//
//   furrow::error_detail why;
//   co_await object.with({.deadline = furrow::in(50ms), .detail = &why}).async_append(buffer, token);
//
// Cancellation and deadlines, for every operation of the API
//   - While the operation waits for its turn and nothing was done for it, it ends with errc::cancelled (cancellation)
//     or errc::timed_out (deadline), and has had no effect.
//   - Once commands for it were given to the device, it completes normally, whatever its caller has asked for.
//   - Waits (sync, wait_durable) can be ended at any time: what they waited for goes on.
//   So the cancellation types terminal, partial and total mean the same here. As with every asynchronous operation, a
//   signal is emitted in the execution context of the operation's handler.
#pragma once

#include <chrono>
#include <optional>

#include "furrow/engine/error.hpp"

namespace furrow {

struct call_options {
  std::optional<std::chrono::steady_clock::time_point> deadline{};
  error_detail* detail = nullptr;  ///< Filled before the completion of an operation that fails; valid until then.
};

/// A deadline that far from now.
[[nodiscard]] inline std::chrono::steady_clock::time_point in(std::chrono::steady_clock::duration how_long) {
  return std::chrono::steady_clock::now() + how_long;
}

}  // namespace furrow
