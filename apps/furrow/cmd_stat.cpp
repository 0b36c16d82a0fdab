// furrow stat: one object, or the counters of the store.
#include <fmt/format.h>

#include <memory>
#include <string_view>

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
  std::vector<std::string> names;
  bool json = false;
};

void print_object(output& out, const object_status& o) {
  const auto row = [&out](const char* label, const std::string& value) {
    out.line(fmt::format("{:<12}{}", label, value));
  };
  row("name", out.shown(o.name));
  row("object", std::to_string(o.id));
  row("bytes", grouped(o.bytes));
  row("blocks",
      fmt::format("{} in {} {}", grouped(o.blocks), grouped(o.extents), o.extents == 1 ? "extent" : "extents"));
  row("mode", mode_text(o.attributes.mode));
  row("created", local_time(o.attributes.created_ns));
  row("modified", local_time(o.attributes.modified_ns));
  if (o.fence_epoch != 0) row("fence epoch", std::to_string(o.fence_epoch));
  if (!o.attributes.link_target.empty()) row("link to", out.shown(o.attributes.link_target));
  if (!o.attributes.user.empty()) row("user", fmt::format("{} bytes", o.attributes.user.size()));
}

void print_store(output& out, const statistics& s, bool json) {
  nlohmann::json all;
  std::string_view group;
  for (const counter& c : counters_of(s)) {
    if (json) {
      all[c.name] = c.value;
      continue;
    }
    if (group != c.group) out.line(c.group);
    group = c.group;
    out.line(fmt::format("  {:<20}{:>20}", c.name, grouped(c.value)));
  }
  if (json) out.json(all);
}

exit_status run(const arguments& a) {
  session s{a.uri, reading(a.live)};
  output out;
  if (a.names.empty()) print_store(out, take(s.blocking().statistics_now(), a.uri), a.json);
  for (std::size_t i = 0; i < a.names.size(); ++i) {
    const object_status o = take(s.open_object(a.names[i]).stat(), a.names[i]);
    if (a.json) {
      out.json_line(to_json(o));
    } else {
      if (i > 0) out.line("");
      print_object(out, o);
    }
  }
  out.flush();
  s.close();
  return exit_status::good;
}

}  // namespace

action declare_stat(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  add_live(app, a->live);
  add_names(app, "NAME", a->names, "Objects; none: the store's counters since it was opened, and its space");
  add_json(app, a->json)->description("Print JSON, one object a line");
  return [a] { return attach(a->live, [&a] { return run(*a); }); };
}

}  // namespace furrow::cli
