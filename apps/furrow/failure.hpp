// Why a command could not do its job: one line, "furrow: THING: what; way out", and an exit status.
//
// Not here: who prints it (main.cpp).
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "command.hpp"
#include "furrow/engine/error.hpp"

namespace furrow::cli {

class failure : public std::runtime_error {
 public:
  /// `final`: what follows would fail for the same reason, so a command with much to do stops there.
  /// `moved_on`: of a store that another process is writing; it may go well from the beginning.
  explicit failure(const std::string& line, exit_status status = exit_status::failed, bool final = false,
                   bool moved_on = false)
      : std::runtime_error{line}, status_{status}, final_{final}, moved_on_{moved_on} {}
  [[nodiscard]] exit_status status() const { return status_; }
  [[nodiscard]] bool final() const { return final_; }
  [[nodiscard]] bool moved_on() const { return moved_on_; }

 private:
  exit_status status_;
  bool final_;
  bool moved_on_;
};

/// The reader of our output has gone away: not an error, but the end.
class output_closed {};

/// "THING: what; way out". A detail's own words win over the code's, which come with object, range and zone.
[[nodiscard]] std::string describe(std::string_view thing, error_code code, const error_detail& detail = {});
/// 3 where the code says that bytes on the device are not those that were written, else 1.
[[nodiscard]] exit_status status_of(error_code code);

[[nodiscard]] failure make_failure(std::string_view thing, error_code code, const error_detail& detail = {});
/// Of a system call on THING.
[[nodiscard]] failure system_failure(std::string_view thing, int error_number);
[[nodiscard]] failure wrong_usage(const std::string& line);

/// "furrow: LINE" on standard error.
void complain(std::string_view line);

}  // namespace furrow::cli
