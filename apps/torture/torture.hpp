// A program to be killed: appends to logs, tells what was acknowledged, and verifies it after the next open.
//
// Lines on standard output, each written whole by one system call
//   begin SEED                     first of all
//   ack NAME OFFSET BYTES SEED     an append was acknowledged as durable
//   phase checkpoint begin|end     as the store tells them
//   phase zone-switch ZONE
//   done APPENDS BYTES             at an orderly end
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "furrow/command.hpp"

namespace furrow::torture {

struct run_options {
  std::string uri;
  unsigned tasks = 4;
  std::uint64_t seed = 1;
  std::optional<double> seconds;
  std::optional<std::uint64_t> bytes_max;
  std::optional<std::uint64_t> bytes_per_second;
  std::uint64_t checkpoint_journal_bytes = 256 << 10;
};

/// Appends until it is killed, time or bytes are over, or SIGINT comes.
[[nodiscard]] cli::exit_status run(const run_options& options);

/// Opens the store and compares it with the lines of all runs, one after the other, in `log_path`.
[[nodiscard]] cli::exit_status verify(const std::string& uri, const std::string& log_path);

}  // namespace furrow::torture
