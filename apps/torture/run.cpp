// Tasks append to logs drawn at random, so that several appends to one log are in flight.
//
// Invariants
//   I1  Places are given in the order of the calls, so the offset of an append is known when it is called; the store is
//       told to refuse any other.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <vector>

#include "content.hpp"
#include "furrow/copy_jobs.hpp"
#include "furrow/interrupt.hpp"
#include "furrow/session.hpp"
#include "torture.hpp"

namespace furrow::torture {

namespace {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;
using cli::with_code;

void say(const std::string& line) {
  const std::string text = line + "\n";
  ssize_t written = 0;
  do {
    written = ::write(STDOUT_FILENO, text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(text.size())) throw cli::system_failure("standard output", errno);
}

void say_event(const event& e) {
  if (e.what == event::kind::checkpoint_begun) say("phase checkpoint begin");
  if (e.what == event::kind::checkpoint_ended) say("phase checkpoint end");
  if (e.what == event::kind::zone_opened)
    say(fmt::format("phase zone-switch {}", e.detail.zone.value_or(zoned::zone_index{}).value));
}

struct log_object {
  std::string name;
  furrow::object object;
  std::uint64_t end_bytes = 0;  ///< Behind the last append that was called.
};

class torturer {
 public:
  torturer(const run_options& options, const store& s) : options_{options}, store_{s}, random_{options.seed} {}

  void run() {
    asio::co_spawn(context_, open_logs(), [this](const std::exception_ptr& e) { note(e); });
    context_.run();
    begun_ = clock::now();
    for (unsigned i = 0; i < options_.tasks && !failed_; ++i) {
      asio::co_spawn(context_, task(), [this](const std::exception_ptr& e) { note(e); });
    }
    context_.restart();
    context_.run();
    if (failed_) std::rethrow_exception(failed_);
  }
  [[nodiscard]] std::uint64_t appends() const { return appends_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  asio::awaitable<void> open_logs() {
    for (unsigned i = 0; i < options_.tasks; ++i) {
      log_object& log = logs_.emplace_back();
      log.name = fmt::format("log-{}", i);
      error_detail why;
      create_options how;
      how.name = log.name;
      auto [code, opened] = co_await store_.with({.detail = &why}).async_create(std::move(how), with_code);
      if (code) throw cli::make_failure(log.name, code, why);
      auto [unknown, status] = co_await opened.with({.detail = &why}).async_stat(with_code);
      if (unknown) throw cli::make_failure(log.name, unknown, why);
      log.object = opened;
      log.end_bytes = status.bytes;
    }
  }

  asio::awaitable<void> task() {
    asio::steady_timer pause{context_};
    while (!over()) {
      if (options_.bytes_per_second) {
        pause.expires_at(begun_ + std::chrono::microseconds{bytes_ * 1'000'000 / *options_.bytes_per_second});
        co_await pause.async_wait(asio::use_awaitable);
      }
      co_await append_to(logs_[next_random(random_) % logs_.size()]);
    }
  }

  asio::awaitable<void> append_to(log_object& log) {
    append_options how;
    how.level = durability::durable;
    how.expected_offset_bytes = log.end_bytes;
    const std::uint64_t offset = log.end_bytes;
    std::vector<std::byte> bytes(append_bytes_at(options_.seed, log.name, offset));
    fill(bytes, options_.seed, log.name, offset);
    log.end_bytes += bytes.size();
    bytes_ += bytes.size();
    error_detail why;
    auto [code, done] = co_await log.object.with({.detail = &why}).async_append(asio::buffer(bytes), how, with_code);
    if (code) throw cli::make_failure(log.name, code, why);
    if (done.offset_bytes != offset || done.bytes != bytes.size()) {
      throw cli::failure{fmt::format("{}: {} bytes were to go to {}, and {} went to {}", log.name, bytes.size(), offset,
                                     done.bytes, done.offset_bytes)};
    }
    ++appends_;
    say(fmt::format("ack {} {} {} {}", log.name, offset, bytes.size(), options_.seed));
  }

  [[nodiscard]] bool over() const {
    if (failed_ || cli::interrupt::requested()) return true;
    if (options_.bytes_max && bytes_ >= *options_.bytes_max) return true;
    return options_.seconds && clock::now() - begun_ >= std::chrono::duration<double>{*options_.seconds};
  }

  void note(const std::exception_ptr& e) {
    if (e && !failed_) failed_ = e;
  }

  const run_options& options_;
  store store_;
  asio::io_context context_{1};
  std::vector<log_object> logs_;
  std::uint64_t random_;
  std::uint64_t appends_ = 0;
  std::uint64_t bytes_ = 0;
  clock::time_point begun_;
  std::exception_ptr failed_;
};

}  // namespace

cli::exit_status run(const run_options& options) {
  cli::interrupt::install();
  store_options how;
  how.checkpoint_journal_bytes_min = options.checkpoint_journal_bytes;
  say(fmt::format("begin {}", options.seed));
  cli::session s{options.uri, cli::access::read_write, how};
  s.blocking().on_event(say_event);
  torturer torture{options, s.async()};
  torture.run();
  s.close();
  say(fmt::format("done {} {}", torture.appends(), torture.bytes()));
  return cli::exit_status::good;
}

}  // namespace furrow::torture
