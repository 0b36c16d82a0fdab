#include "repair_store.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <iostream>
#include <memory>

#include "failure.hpp"
#include "finding_text.hpp"
#include "output.hpp"
#include "session.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

nlohmann::json to_json(const repair_change& c) {
  nlohmann::json to = cli::to_json(check_finding{c.what, c.detail});
  to["from"] = c.from;
  to["to"] = c.to;
  return to;
}

nlohmann::json to_json(const repair_result& r) {
  nlohmann::json to{{"applied", r.applied},
                    {"changes", nlohmann::json::array()},
                    {"left", nlohmann::json::array()},
                    {"damage_left", r.left.damage}};
  for (const repair_change& c : r.changes) to["changes"].push_back(to_json(c));
  for (const check_finding& f : r.left.findings) {
    to["left"].push_back(cli::to_json(f));
    to["left"].back()["because"] = f.left_because;
  }
  return to;
}

std::string text_of(const repair_change& c, const char* word) {
  const std::string place = place_text(c.detail);
  std::string line = fmt::format("{}:{}{} {}", word, place, place.empty() ? "" : ":", c.what);
  if (c.from.empty())
    line += "; now: " + c.to;
  else if (c.to.empty())
    line += "; was: " + c.from + ", now: nothing";
  else
    line += fmt::format("; was: {}, now: {}", c.from, c.to);
  return line;
}

/// Where changes are told of: a line for each.
class change_log {
 public:
  explicit change_log(const std::string& path) : path_{path} {
    if (path.empty()) return;
    file_.reset(std::fopen(path.c_str(), "a"));
    if (!file_) throw system_failure(path, errno);
  }
  void add(const repair_change& c, bool json) {
    const std::string line =
        json ? to_json(c).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) : text_of(c, "mended");
    std::FILE* const to = file_ ? file_.get() : stderr;
    if (std::fprintf(to, "%s\n", line.c_str()) < 0 && file_) throw system_failure(path_, errno);
  }
  void close() {
    if (file_ && std::fclose(file_.release()) != 0) throw system_failure(path_, errno);
  }

 private:
  struct closer {
    void operator()(std::FILE* f) const { static_cast<void>(std::fclose(f)); }
  };
  std::string path_;
  std::unique_ptr<std::FILE, closer> file_;
};

/// A store that does not open, or that has lost more than entries, is for somebody else.
repair_result repair(const std::string& uri, access how) {
  store_options options;
  options.read_only = how == access::read_only;
  options.for_repair = !options.read_only;
  const auto taken = [&uri](auto from) {
    if (!from && (from.error().code == errc::damaged || from.error().code == errc::not_a_store))
      throw failure{describe(uri, from.error().code, from.error().detail) +
                        "; a repair does not mend that, 'furrow salvage' brings out what can be read",
                    exit_status::damage_found};
    return take(std::move(from), uri);
  };
  const blocking_store store = taken(blocking_store::open(open_device(uri, how), options));
  repair_result r = taken(store.repair());
  static_cast<void>(take(store.close(), uri));
  return r;
}

void print(output& out, const repair_arguments& a, const repair_result& r) {
  if (a.json) return out.json(to_json(r));
  if (!r.applied)
    for (const repair_change& c : r.changes) out.line(text_of(c, "would mend"));
  for (const check_finding& f : r.left.findings) {
    const std::string place = place_text(f.detail);
    out.line(fmt::format("left:{}{} {}; not repaired, because {}", place, place.empty() ? "" : ":", out.shown(f.what),
                         f.left_because.empty() ? "too much else was to be" : f.left_because));
  }
  if (r.left.damage > r.left.findings.size())
    out.line(fmt::format("and {} more", grouped(r.left.damage - r.left.findings.size())));
  out.line(fmt::format("{}: {} {}, {} left: {}", out.shown(a.uri), grouped(r.changes.size()),
                       r.applied ? "mended" : "to be mended", grouped(r.left.damage),
                       r.left.damage > 0                ? "damaged"
                       : r.applied || r.changes.empty() ? "clean"
                                                        : "not clean yet"));
}

bool is_agreed() {
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDERR_FILENO) == 0) return false;
  std::cerr << "Mend these? [y/N] " << std::flush;
  std::string answer;
  return std::getline(std::cin, answer) && (answer == "y" || answer == "yes");
}

}  // namespace

exit_status repair_store(const repair_arguments& a) {
  output out;
  repair_result r = repair(a.uri, access::read_only);
  if (!r.changes.empty()) {
    if (!a.yes) {
      print(out, a, r);
      out.flush();
      if (!is_agreed()) return exit_status::repairs_wanted;
    }
    change_log log{a.log};
    r = repair(a.uri, access::read_write);
    for (const repair_change& c : r.changes) log.add(c, a.json);
    log.close();
  }
  print(out, a, r);
  out.flush();
  return r.left.damage == 0 ? exit_status::good : exit_status::damage_found;
}

}  // namespace furrow::cli
