// furrow check: verifies the metadata, and with --data every block. Damage is one line each, and status 3.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <memory>

#include "arguments.hpp"
#include "copy_jobs.hpp"
#include "finding_text.hpp"
#include "live.hpp"
#include "output.hpp"
#include "repair_store.hpp"
#include "session.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

struct arguments {
  std::string uri;
  bool live = false;
  bool data = false;
  bool json = false;
  bool repair = false, yes = false;
  std::string log;
};

nlohmann::json to_json(const check_result& r) {
  nlohmann::json to{{"sound", r.damage == 0},
                    {"damage", r.damage},
                    {"objects", r.objects},
                    {"extents", r.extents},
                    {"pages", r.pages},
                    {"blocks_verified", r.blocks_verified},
                    {"findings", nlohmann::json::array()}};
  for (const check_finding& f : r.findings) to["findings"].push_back(cli::to_json(f));
  return to;
}

void print(output& out, const check_result& r, const std::string& uri, bool data) {
  for (const check_finding& f : r.findings) {
    const std::string place = place_text(f.detail);
    out.line(fmt::format("damage:{}{} {}", place, place.empty() ? "" : ":", out.shown(f.what)));
  }
  if (r.damage > r.findings.size()) out.line(fmt::format("and {} more", grouped(r.damage - r.findings.size())));
  const std::string blocks = data ? fmt::format(", {} blocks of data", grouped(r.blocks_verified)) : "";
  out.line(fmt::format("{}: {} objects, {} extents, {} pages{}: {}", out.shown(uri), grouped(r.objects),
                       grouped(r.extents), grouped(r.pages), blocks,
                       r.damage == 0 ? "clean" : grouped(r.damage) + " damaged"));
}

/// Damage that opening the store came upon is a finding too; so is a store that does not open for it.
class checking {
 public:
  explicit checking(const arguments& a) : arguments_{a} {}

  check_result run() {
    asio::co_spawn(context_, check(), [this](const std::exception_ptr& e) { failed_ = e; });
    context_.run();
    try {
      if (failed_) std::rethrow_exception(failed_);
    } catch (const failure& f) {
      if (f.status() != exit_status::damage_found) throw;
      add({f.what(), {}});
    }
    return std::move(result_);
  }

 private:
  asio::awaitable<void> check() {
    store_options options;
    options.read_only = true;
    options.live = arguments_.live;
    error_detail why;
    auto [refused, opened] = co_await store::async_open(context_, open_device(arguments_.uri, reading(arguments_.live)),
                                                        options, with_code, {.detail = &why});
    if (refused) throw make_failure(arguments_.uri, refused, why);
    opened.on_event([this](const event& e) {
      if (e.what == event::kind::damage) add({e.detail.what, e.detail});
    });
    auto [failed, result] = co_await opened.with({.detail = &why}).async_check(arguments_.data, with_code);
    if (failed) throw make_failure(arguments_.uri, failed, why);
    result.findings.insert(result.findings.begin(), result_.findings.begin(), result_.findings.end());
    result.damage += result_.damage;
    result_ = std::move(result);
    auto [unclosed, device] = co_await opened.with({.detail = &why}).async_close(with_code);
    if (unclosed) throw make_failure(arguments_.uri, unclosed, why);
  }

  void add(check_finding finding) {
    ++result_.damage;
    result_.findings.push_back(std::move(finding));
  }

  const arguments& arguments_;
  asio::io_context context_{1};
  check_result result_;
  std::exception_ptr failed_;
};

/// Whether something was found both times.
bool agree(const check_result& a, const check_result& b) {
  const auto same = [](const check_finding& f, const check_finding& g) {
    return f.what == g.what && place_text(f.detail) == place_text(g.detail);
  };
  return std::any_of(a.findings.begin(), a.findings.end(), [&](const check_finding& f) {
    return std::any_of(b.findings.begin(), b.findings.end(), [&](const check_finding& g) { return same(f, g); });
  });
}

exit_status run(const arguments& a) {
  if (a.repair && a.live) throw wrong_usage("--repair writes to the store, which --live leaves to another");
  if (a.repair) return repair_store({a.uri, a.yes, a.json, a.log});
  if (a.yes || !a.log.empty()) throw wrong_usage("--yes and --log go with --repair");
  check_result r = checking{a}.run();
  if (a.live && r.damage > 0) {  // what the writer has changed meanwhile is not there the next time
    const check_result again = checking{a}.run();
    if (again.damage > 0 && !agree(r, again)) throw moved_on(a.uri);
    r = again;
  }
  output out;
  if (a.json) {
    out.json(to_json(r));
  } else {
    print(out, r, a.uri, a.data);
  }
  out.flush();
  return r.damage == 0 ? exit_status::good : exit_status::damage_found;
}

}  // namespace

action declare_check(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  add_live(app, a->live);
  CLI::Option* const data = app.add_flag("--data", a->data, "Read every block and verify its sum");
  CLI::Option* const repair = app.add_flag("--repair", a->repair, "Mend what can be mended with certainty");
  app.add_flag("--yes", a->yes, "With --repair: do it without asking");
  app.add_option("--log", a->log, "With --repair: a file to which each change is added; else standard error");
  data->excludes(repair);
  add_json(app, a->json);
  app.footer(
      "Exit status 3: something is damaged. 5: --repair would mend something, and was not told to.\n"
      "--repair looks at every copy of every page, too. It counts anew, mends entries of which everything else says\n"
      "the same, and writes bad copies from good ones. Data are never changed: what does not verify is left, and "
      "said.");
  return [a] { return attach(a->live, [&a] { return run(*a); }); };
}

}  // namespace furrow::cli
