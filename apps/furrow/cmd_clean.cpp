// furrow clean: makes room of zones that are dead in part, until a share of the store is free or nothing can be won.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>

#include "arguments.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "session.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

constexpr double step_share = 0.01;  // after which the line on the terminal is drawn again

struct arguments {
  std::string uri;
  std::string until = "20%";
  bool json = false;
};

/// "20%" or "20" as 0.2; below 0 if it is neither.
double share_of(std::string_view text) {
  if (text.ends_with('%')) text.remove_suffix(1);
  double percent = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole && percent >= 0 && percent <= 100 ? percent / 100 : -1;
}

/// Step by step, so that it can be told how far it has come.
clean_result clean(const session& s, double until) {
  const auto capacity = static_cast<double>(take(s.blocking().statistics_now(), s.uri()).capacity_bytes);
  clean_result all;
  std::uint64_t free_bytes = take(s.blocking().clean(0), s.uri()).free_bytes;
  const auto wanted = static_cast<std::uint64_t>(until * capacity);
  progress line{"clean", 0, wanted > free_bytes ? wanted - free_bytes : 0};
  do {
    const double next = std::min(until, static_cast<double>(free_bytes) / std::max(capacity, 1.0) + step_share);
    const clean_result r = take(s.blocking().clean(next), s.uri());
    all.blocks_moved += r.blocks_moved;
    all.zones_cleaned += r.zones_cleaned;
    all.reached = r.reached && next >= until;
    if (r.free_bytes > free_bytes) line.add_bytes(r.free_bytes - free_bytes);
    line.draw();
    free_bytes = all.free_bytes = r.free_bytes;
    if (!r.reached) break;
  } while (!all.reached);
  line.clear();
  return all;
}

exit_status run(const arguments& a) {
  const double until = share_of(a.until);
  if (until < 0) {
    complain(fmt::format("--until {}: a share from 0% to 100% is wanted", a.until));
    return exit_status::wrong_usage;
  }
  session s{a.uri, access::read_write};
  const clean_result r = clean(s, until);
  const std::uint64_t capacity = take(s.blocking().statistics_now(), a.uri).capacity_bytes;
  s.close();
  output out;
  if (a.json) {
    out.json({{"blocks_moved", r.blocks_moved},
              {"zones_cleaned", r.zones_cleaned},
              {"free_bytes", r.free_bytes},
              {"capacity_bytes", capacity},
              {"reached", r.reached}});
  } else {
    out.line(fmt::format("{}: {} zones cleaned, {} blocks moved, {} of {} free{}", out.shown(a.uri),
                         grouped(r.zones_cleaned), grouped(r.blocks_moved), grouped(r.free_bytes), grouped(capacity),
                         r.reached ? "" : "; nothing more can be won"));
  }
  out.flush();
  return exit_status::good;
}

}  // namespace

action declare_clean(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  app.add_option("--until", a->until, "Stop when this share of the store is free")->capture_default_str();
  add_json(app, a->json);
  return [a] { return run(*a); };
}

}  // namespace furrow::cli
