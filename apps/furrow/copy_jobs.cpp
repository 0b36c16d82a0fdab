#include "copy_jobs.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>

#include "interrupt.hpp"

namespace furrow::cli {

namespace {

constexpr std::size_t workers_max = 64;
constexpr std::uint64_t memory_bytes_max = 64 << 20;

}  // namespace

byte_budget::byte_budget(asio::io_context& context, std::uint64_t bytes)
    : total_bytes_{bytes}, free_bytes_{bytes}, given_{context, asio::steady_timer::time_point::max()} {}

asio::awaitable<void> byte_budget::take(std::uint64_t bytes) {
  bytes = std::min(bytes, total_bytes_);
  while (free_bytes_ < bytes) static_cast<void>(co_await given_.async_wait(with_code));
  free_bytes_ -= bytes;
}

void byte_budget::give(std::uint64_t bytes) {
  free_bytes_ += std::min(bytes, total_bytes_);
  given_.cancel();
}

in_flight::in_flight(asio::io_context& context) : ended_{context, asio::steady_timer::time_point::max()} {}

void in_flight::ended(error_code code, const error_detail& detail) {
  --count_;
  if (code && !error_) {
    error_ = code;
    detail_ = detail;
  }
  ended_.cancel();
}

asio::awaitable<void> in_flight::until(std::size_t count) {
  while (count_ > count) static_cast<void>(co_await ended_.async_wait(with_code));
}

copy_jobs::copy_jobs(progress& shown) : memory_{context_, memory_bytes_max}, shown_{shown} {}

void copy_jobs::note(const failure& f) {
  shown_.clear();
  complain(f.what());
  status_ = std::max(status_, f.status());
}

asio::awaitable<void> copy_jobs::work(const next_job& next) {
  while (!stopped_) {
    if (interrupt::requested()) throw interrupted{};
    const std::optional<job> todo = next();
    if (!todo) co_return;
    try {
      co_await (*todo)();
    } catch (const failure& f) {
      if (f.final()) throw;
      note(f);
    }
  }
}

exit_status copy_jobs::run(const next_job& next) {
  for (std::size_t i = 0; i < workers_max; ++i) {
    asio::co_spawn(context_, work(next), [this](const std::exception_ptr& e) {
      if (e && !fatal_) fatal_ = e;
      if (e) stopped_ = true;
    });
  }
  context_.run();
  shown_.clear();
  if (fatal_) std::rethrow_exception(fatal_);
  return status_;
}

}  // namespace furrow::cli
