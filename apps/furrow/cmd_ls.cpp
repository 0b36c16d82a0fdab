// furrow ls: names, and with -l what is known of each object.
#include <fmt/format.h>

#include <memory>

#include "arguments.hpp"
#include "live.hpp"
#include "object_text.hpp"
#include "output.hpp"
#include "session.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

struct arguments {
  std::string uri;
  bool live = false;
  std::string prefix;
  bool long_form = false;
  bool nul_after = false;
  bool json = false;
};

/// An object that went away between listing and opening is left out.
std::optional<object_status> status_of_object(const session& s, const std::string& name) {
  const auto opened = s.blocking().open_object(object_key{name});
  if (!opened && opened.error().code == errc::not_found) return std::nullopt;
  return take(take(opened, name).stat(), name);
}

void print_long(output& out, const object_status& o) {
  std::string line = fmt::format("{} {:>12} {} {}", mode_text(o.attributes.mode), o.bytes,
                                 local_time(o.attributes.modified_ns), out.shown(o.name));
  if (!o.attributes.link_target.empty()) line += " -> " + out.shown(o.attributes.link_target);
  out.line(line);
}

exit_status run(const arguments& a) {
  session s{a.uri, reading(a.live)};
  output out;
  s.for_each_name(a.prefix, [&](const list_entry& e) {
    if (!a.long_form && a.json) {
      nlohmann::json entry{{"id", e.id}};
      set_bytes(entry, "name", e.name);
      out.json_line(entry);
    } else if (!a.long_form) {
      out.name(e.name, a.nul_after);
    } else if (const auto found = status_of_object(s, e.name)) {
      if (a.json) {
        out.json_line(to_json(*found));
      } else {
        print_long(out, *found);
      }
    }
    return true;
  });
  out.flush();
  s.close();
  return exit_status::good;
}

}  // namespace

action declare_ls(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  add_live(app, a->live);
  add_name(app, "PREFIX", a->prefix, "Only names that begin with it");
  app.add_flag("-l,--long", a->long_form, "Mode, bytes, time, and where a link points");
  CLI::Option* nul = app.add_flag("-0,--null", a->nul_after, "A NUL after each name instead of a line end");
  add_json(app, a->json)->excludes(nul)->description("Print JSON, one object a line");
  return [a] { return attach(a->live, [&a] { return run(*a); }); };
}

}  // namespace furrow::cli
