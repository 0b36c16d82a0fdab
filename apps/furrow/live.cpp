#include "live.hpp"

#include <chrono>
#include <thread>

#include "interrupt.hpp"
#include "output.hpp"

namespace furrow::cli {

namespace {
constexpr int attempts_max = 20;
constexpr std::chrono::milliseconds pause{20};
constexpr std::size_t held_bytes_max = 64 << 20;
}  // namespace

void add_live(CLI::App& app, bool& to) {
  app.add_flag("--live", to, "Read beside another process that writes to the store, as it is durable at one moment");
}

failure moved_on(const std::string& uri) { return make_failure(uri, errc::moved_on); }

exit_status attach(bool live, const std::function<exit_status()>& run) {
  if (!live) return run();
  output::hold(held_bytes_max);
  for (int attempt = 1;; ++attempt) {
    try {
      return run();
    } catch (const failure& f) {
      if (!f.moved_on() || attempt == attempts_max || output::is_written() || interrupt::requested()) throw;
    }
    std::this_thread::sleep_for(pause * attempt);
  }
}

}  // namespace furrow::cli
