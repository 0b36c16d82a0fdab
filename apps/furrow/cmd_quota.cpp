// furrow quota: what each collection has of its quota; makes collections, and gives them other quotas.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "arguments.hpp"
#include "output.hpp"
#include "session.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

struct arguments {
  std::string uri;
  std::string which;  ///< A name or a number.
  std::string create;
  std::uint64_t set_bytes = 0;
  bool sets = false;
  bool json = false;
};

bool is_meant(const collection_status& c, const std::string& which) {
  return c.name == which || std::to_string(c.id) == which;
}

collection_status find(const session& s, const std::string& which) {
  const auto all = take(s.blocking().collections(), s.uri());
  const auto at = std::find_if(all.begin(), all.end(), [&](const collection_status& c) { return is_meant(c, which); });
  if (at == all.end()) throw make_failure(which, errc::collection_not_found, {});
  return *at;
}

void print(output& out, const std::vector<collection_status>& all, const std::string& which, bool json) {
  if (!json) out.line(fmt::format("{:>6} {:>20} {:>20} {:>6} {}", "number", "used", "quota", "share", "name"));
  for (const collection_status& c : all) {
    if (!which.empty() && !is_meant(c, which)) continue;
    if (json) {
      nlohmann::json entry{{"collection", c.id},
                           {"quota_bytes", c.quota_bytes},
                           {"used_bytes", c.used_bytes},
                           {"claimed_bytes", c.claimed_bytes},
                           {"created_ns", c.created_ns}};
      set_bytes(entry, "name", c.name);
      out.json_line(entry);
      continue;
    }
    const bool limited = c.quota_bytes != 0;
    const double share = limited ? 100.0 * static_cast<double>(c.used_bytes) / static_cast<double>(c.quota_bytes) : 0;
    out.line(fmt::format("{:>6} {:>20} {:>20} {:>6} {}", c.id, grouped(c.used_bytes),
                         limited ? grouped(c.quota_bytes) : "none", limited ? fmt::format("{:.0f}%", share) : "-",
                         out.shown(c.name)));
  }
}

exit_status run(const arguments& a) {
  if (a.sets && a.which.empty() && a.create.empty()) throw wrong_usage("--set needs --collection or --create");
  const bool changes = a.sets || !a.create.empty();
  session s{a.uri, changes ? access::read_write : access::read_only};
  std::string which = a.which;
  if (!a.create.empty()) {
    const auto all = take(s.blocking().collections(), a.uri);
    if (std::any_of(all.begin(), all.end(), [&](const collection_status& c) { return c.name == a.create; }))
      throw make_failure(a.create, errc::exists, {});
    which = std::to_string(take(s.blocking().create_collection(a.create, a.set_bytes), a.create));
  } else if (a.sets) {
    static_cast<void>(take(s.blocking().set_quota(find(s, which).id, a.set_bytes), which));
  } else if (!which.empty()) {
    which = std::to_string(find(s, which).id);
  }
  if (changes) static_cast<void>(take(s.blocking().sync(), a.uri));
  output out;
  print(out, take(s.blocking().collections(), a.uri), which, a.json);
  out.flush();
  s.close();
  return exit_status::good;
}

}  // namespace

action declare_quota(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  CLI::Option* which = app.add_option("--collection", a->which, "Only this one, by number or name");
  CLI::Option* set = app.add_option("--set", a->set_bytes, "Give it this quota; 0: none")
                         ->type_name("SIZE")
                         ->transform(CLI::AsSizeValue(false));
  app.add_option("--create", a->create, "Make a collection of this name")->excludes(which);
  add_json(app, a->json)->description("Print JSON, one collection a line");
  return [a, set] {
    a->sets = set->count() > 0;
    return run(*a);
  };
}

}  // namespace furrow::cli
