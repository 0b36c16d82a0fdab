#include "driver/scrub.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <iterator>

namespace furrow::driver {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::uint64_t part_bytes_max = 4 << 20;
constexpr std::uint64_t part_bytes_min = 64 << 10;
constexpr std::uint64_t parts_per_second = 10;
constexpr std::chrono::milliseconds pause_max{100};

class paced_scrub : public std::enable_shared_from_this<paced_scrub> {
 public:
  paced_scrub(handler_for<scrub_result> h, const scrub_options& o, const asio::any_io_executor& on, scrub_part part)
      : handler_{std::move(h)}, options_{o}, part_{std::move(part)}, timer_{on} {
    all_.next = o.from;
    if (handler_.get().has_executor())
      executor_ = asio::prefer(handler_.get().executor(), asio::execution::outstanding_work.tracked);
  }
  void start() {
    if (auto slot = handler_.get().slot(); slot.is_connected())
      slot.assign([self = shared_from_this()](asio::cancellation_type type) {
        if (type != asio::cancellation_type::none) self->cancelled_ = true;
      });
    next_part();
  }

 private:
  [[nodiscard]] std::uint64_t part_bytes() const {
    const std::uint64_t rate = options_.bytes_per_second;
    const std::uint64_t paced = rate == 0 ? part_bytes_max : rate / parts_per_second;
    return std::min(std::clamp(paced, part_bytes_min, part_bytes_max), options_.bytes_max - all_.bytes_read);
  }
  void next_part() {
    if (cancelled_) return end(errc::cancelled);
    part_({[self = shared_from_this()](error_code ec, scrub_result r) { self->part_done(ec, std::move(r)); }, false},
          {all_.next, part_bytes(), options_.lost_only});
  }
  void part_done(error_code ec, scrub_result r) {
    if (ec) return end(ec);
    const bool any_read = r.bytes_read > 0;
    all_.next = r.next;
    all_.bytes_read += r.bytes_read;
    all_.blocks_verified += r.blocks_verified;
    all_.pages_verified += r.pages_verified;
    all_.pages_mended += r.pages_mended;
    std::move(r.findings.begin(), r.findings.end(), std::back_inserter(all_.findings));
    const bool all = all_.next.at == scrub_position::part::end;
    const bool enough = all_.bytes_read >= options_.bytes_max;
    const bool told_much = !options_.lost_only && all_.findings.size() >= findings_max;
    if (all || enough || told_much) return end({});
    any_read ? pause() : next_part();
  }
  void pause() {  // I1
    const std::uint64_t rate = options_.bytes_per_second;
    if (rate == 0) return next_part();
    const auto seconds = static_cast<double>(all_.bytes_read) / static_cast<double>(rate);
    const auto until = begun_ + std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(seconds));
    if (cancelled_ || until <= clock::now()) return next_part();
    timer_.expires_at(std::min(until, clock::now() + pause_max));
    timer_.async_wait([self = shared_from_this()](error_code) { self->pause(); });
  }
  void end(error_code ec) {
    handler_.get().slot().clear();
    auto call = [h = std::move(handler_), ec, r = std::move(all_)]() mutable { std::move(h)(ec, std::move(r)); };
    if (!executor_) return call();
    const auto where = *std::exchange(executor_, std::nullopt);
    asio::dispatch(where, std::move(call));
  }

  static constexpr std::size_t findings_max = 1000;

  handler_for<scrub_result> handler_;
  scrub_options options_;
  scrub_part part_;
  asio::steady_timer timer_;
  std::optional<asio::any_completion_executor> executor_;
  scrub_result all_;
  clock::time_point begun_ = clock::now();
  std::atomic<bool> cancelled_{false};
};

}  // namespace

void start_scrub(handler_for<scrub_result> h, const scrub_options& options, const asio::any_io_executor& on,
                 scrub_part part) {
  std::make_shared<paced_scrub>(std::move(h), options, on, std::move(part))->start();
}

}  // namespace furrow::driver
