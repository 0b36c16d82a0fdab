// Many copies at a time on one thread: workers take jobs one after the other, and share a budget of memory.
//
// Invariants
//   I1  At most workers_max jobs are begun and not ended; at most memory_bytes_max bytes are held through the budget.
//   I2  A job that fails is told on a line of its own and the others go on, unless its failure is final.
//
// Not here: what a job does (cmd_put.cpp, cmd_get.cpp).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <functional>
#include <optional>

#include "failure.hpp"
#include "progress.hpp"

namespace furrow::cli {

namespace asio = boost::asio;

/// Completes with (error_code, value): failures of the store are looked at where they happen.
inline constexpr auto with_code = asio::experimental::as_tuple(asio::use_awaitable);

/// Bytes that may be held; who asks for more waits. For one thread.
class byte_budget {
 public:
  byte_budget(asio::io_context& context, std::uint64_t bytes);
  /// Asking for more than there ever is gets all of it.
  asio::awaitable<void> take(std::uint64_t bytes);
  void give(std::uint64_t bytes);

 private:
  std::uint64_t total_bytes_;
  std::uint64_t free_bytes_;
  asio::steady_timer given_;
};

/// What a job has in flight: begun() before each operation, ended() from its handler.
class in_flight {
 public:
  explicit in_flight(asio::io_context& context);
  void begun() { ++count_; }
  void ended(error_code code, const error_detail& detail);
  /// Until at most `count` are left.
  asio::awaitable<void> until(std::size_t count);
  [[nodiscard]] error_code error() const { return error_; }
  [[nodiscard]] const error_detail& detail() const { return detail_; }

 private:
  std::size_t count_ = 0;
  error_code error_;  ///< The first one.
  error_detail detail_;
  asio::steady_timer ended_;
};

class copy_jobs {
 public:
  using job = std::function<asio::awaitable<void>()>;
  using next_job = std::function<std::optional<job>()>;

  explicit copy_jobs(progress& shown);

  /// Carries out what `next` gives until it gives none. Throws interrupted, and failures that are final.
  exit_status run(const next_job& next);

  [[nodiscard]] asio::io_context& context() { return context_; }
  [[nodiscard]] byte_budget& memory() { return memory_; }
  [[nodiscard]] progress& shown() { return shown_; }

 private:
  asio::awaitable<void> work(const next_job& next);
  void note(const failure& f);

  asio::io_context context_{1};
  byte_budget memory_;
  progress& shown_;
  bool stopped_ = false;
  exit_status status_ = exit_status::good;
  std::exception_ptr fatal_;
};

}  // namespace furrow::cli
