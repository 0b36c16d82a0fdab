// SIGINT and SIGTERM as a question that long commands ask between steps, so that they end with everything in order.
//
// States
//   not installed   signals have their usual effect                                  -> install(): armed
//   armed           the first signal only raises the flag                            -> a signal: requested
//   requested       the command winds up; a second signal ends the process at once   -> die_of_it()
#pragma once

#include <csignal>

namespace furrow::cli::interrupt {

void install();
[[nodiscard]] bool requested();
/// While it lives, threads that are started get no signals: they are for the thread that asks.
class kept_from_new_threads {
 public:
  kept_from_new_threads();
  ~kept_from_new_threads();
  kept_from_new_threads(const kept_from_new_threads&) = delete;
  kept_from_new_threads& operator=(const kept_from_new_threads&) = delete;

 private:
  sigset_t before_;
};

/// Ends the process by the signal that asked for it, so that a shell sees what happened.
[[noreturn]] void die_of_it();

}  // namespace furrow::cli::interrupt

namespace furrow::cli {

/// Thrown by a command that stopped because it was asked to.
class interrupted {};

}  // namespace furrow::cli
