// furrow scrub: reads all that lives and verifies it, at a pace, from any position on.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string_view>

#include "arguments.hpp"
#include "finding_text.hpp"
#include "interrupt.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "session.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

constexpr std::uint64_t step_bytes_min = 1 << 20;
constexpr std::uint64_t step_bytes_max = 64 << 20;

struct arguments {
  std::string uri;
  std::string rate;
  std::string from;
  bool read_only = false;
  bool json = false;
};

/// "50M", "1.5G", "4096"; none if it is no such number.
std::optional<std::uint64_t> bytes_of(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
  constexpr std::string_view units = "KMGT";
  double scale = 1;
  if (!unit.empty()) {
    const std::size_t at = units.find(unit.front());
    if (at == std::string_view::npos || unit.size() > 1) return std::nullopt;
    for (std::size_t i = 0; i <= at; ++i) scale *= 1024;
  }
  if (error != std::errc{} || !(number > 0) || number * scale > 1e18) return std::nullopt;
  return static_cast<std::uint64_t>(number * scale);
}

void add(scrub_result& to, scrub_result part) {
  to.next = part.next;
  to.bytes_read += part.bytes_read;
  to.blocks_verified += part.blocks_verified;
  to.pages_verified += part.pages_verified;
  to.pages_mended += part.pages_mended;
  std::move(part.findings.begin(), part.findings.end(), std::back_inserter(to.findings));
}

/// Step by step, so that it can be told how far it has come, and where it was when it is interrupted.
scrub_result scrub(const session& s, scrub_options options) {
  const statistics now = take(s.blocking().statistics_now(), s.uri());
  const std::uint64_t rate = options.bytes_per_second;
  options.bytes_max = rate == 0 ? step_bytes_max : std::clamp(rate, step_bytes_min, step_bytes_max);
  progress line{"scrub", 0, options.from == scrub_position{} ? now.live_bytes : 0};
  scrub_result all;
  all.next = options.from;
  while (all.next.at != scrub_position::part::end && !interrupt::requested()) {
    options.from = all.next;
    scrub_result part = take(s.blocking().scrub(options), s.uri());
    line.add_bytes(part.bytes_read);
    line.draw();
    add(all, std::move(part));
  }
  line.clear();
  return all;
}

nlohmann::json to_json(const scrub_result& r) {
  nlohmann::json to{{"complete", r.next.at == scrub_position::part::end},
                    {"next", to_string(r.next)},
                    {"bytes_read", r.bytes_read},
                    {"blocks_verified", r.blocks_verified},
                    {"pages_verified", r.pages_verified},
                    {"pages_mended", r.pages_mended},
                    {"findings", nlohmann::json::array()}};
  for (const check_finding& f : r.findings) to["findings"].push_back(cli::to_json(f));
  return to;
}

exit_status run_scrub(const arguments& a) {
  scrub_options options;
  if (!a.rate.empty()) {
    const auto rate = bytes_of(a.rate);
    if (!rate) throw wrong_usage(fmt::format("--rate {}: a number of bytes is wanted, like 50M", a.rate));
    options.bytes_per_second = *rate;
  }
  if (!a.from.empty()) {
    const auto from = parse_scrub_position(a.from);
    if (!from) throw wrong_usage(fmt::format("--from {}: what an earlier scrub printed is wanted", a.from));
    options.from = *from;
  }
  interrupt::install();
  session s{a.uri, a.read_only ? access::read_only : access::read_write};
  const scrub_result r = scrub(s, options);
  s.close();
  output out;
  if (a.json) {
    out.json(to_json(r));
  } else {
    print_findings(out, r.findings, "damage");
    const bool all = r.next.at == scrub_position::part::end;
    out.line(fmt::format("{}: {} blocks of data, {} pages, {} mended: {}{}", out.shown(a.uri),
                         grouped(r.blocks_verified), grouped(r.pages_verified), grouped(r.pages_mended),
                         r.findings.empty() ? "clean" : grouped(r.findings.size()) + " damaged",
                         all ? "" : "; go on with --from " + to_string(r.next)));
  }
  out.flush();
  if (interrupt::requested()) throw interrupted{};
  return r.findings.empty() ? exit_status::good : exit_status::damage_found;
}

}  // namespace

action declare_scrub(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  app.add_option("--rate", a->rate, "Bytes a second, like 50M; else as fast as it can be done");
  app.add_option("--from", a->from, "Go on where an earlier scrub has ended, as it printed that");
  app.add_flag("--read-only", a->read_only, "Mend nothing");
  add_json(app, a->json);
  app.footer("Exit status 3: something is damaged. Pages of which one copy is good are written anew.");
  return [a] { return run_scrub(*a); };
}

}  // namespace furrow::cli
