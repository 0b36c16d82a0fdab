// One line on standard error that tells how far a copy has come; nothing at all unless that is a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace furrow::cli {

class progress {
 public:
  /// Totals of 0 are not known: no estimate is given then.
  progress(std::string verb, std::uint64_t files_total, std::uint64_t bytes_total);
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  void add_bytes(std::uint64_t bytes);
  void add_file();
  /// Draws the line again if it is time to.
  void draw();
  /// Erases the line, so that others can be printed.
  void clear();

  [[nodiscard]] std::uint64_t files() const { return files_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] double seconds() const;
  /// "put 1,234 files, 56.7 MiB in 1.2 s (47.3 MiB/s)"
  [[nodiscard]] std::string summary() const;
  [[nodiscard]] bool enabled() const { return enabled_; }

 private:
  using clock = std::chrono::steady_clock;
  /// By bytes where their total is known, else by files; 0: not known.
  [[nodiscard]] double done_share() const;

  std::string verb_;
  std::uint64_t files_total_;
  std::uint64_t bytes_total_;
  std::uint64_t files_ = 0;
  std::uint64_t bytes_ = 0;
  bool enabled_;
  bool drawn_ = false;
  clock::time_point begun_ = clock::now();
  clock::time_point drawn_at_ = begun_;
};

}  // namespace furrow::cli
