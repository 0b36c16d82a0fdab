// --live: a command that only reads, beside another process that writes to the store.
//
// It sees the store as it was durable at one moment. What it needs then may be moved or reset by the writer while it reads:
// nothing of that verifies, and the command begins again at a newer moment, so long as nothing was printed.
//
// Invariants
//   L1  What is printed is of one moment; what does not fit held_bytes_max is printed at once, and no attempt follows then.
//   L2  After attempts_max the command fails, and says that the store has moved on.
#pragma once

#include <functional>

#include "command.hpp"
#include "session.hpp"

namespace furrow::cli {

void add_live(CLI::App& app, bool& to);
[[nodiscard]] constexpr access reading(bool live) { return live ? access::live : access::read_only; }
/// Calls, and if it is live, again as long as the store has moved on.
[[nodiscard]] exit_status attach(bool live, const std::function<exit_status()>& run);
/// What a live command throws when what it has seen does not agree with itself.
[[nodiscard]] failure moved_on(const std::string& uri);

}  // namespace furrow::cli
