// furrow rm: removes objects by name and by prefix.
//
// A name that fails is told on a line of its own, and the others are removed all the same.
#include <memory>

#include "arguments.hpp"
#include "interrupt.hpp"
#include "output.hpp"
#include "session.hpp"

namespace furrow::cli {

namespace {

struct arguments {
  std::string uri;
  std::vector<std::string> names;
  std::vector<std::string> prefixes;
  bool json = false;
};

struct tally {
  std::uint64_t removed = 0;
  exit_status status = exit_status::good;
};

void remove_one(const session& s, const std::string& name, tally& count) {
  if (interrupt::requested()) throw interrupted{};
  const auto removed = s.blocking().remove(object_key{name});
  if (removed) {
    ++count.removed;
    return;
  }
  const failure why = make_failure(name, removed.error().code, removed.error().detail);
  if (why.final()) throw why;
  complain(why.what());
  count.status = why.status();
}

/// Names are gathered page by page, so that no listing goes on while it is changed.
void remove_prefix(const session& s, const std::string& prefix, tally& count) {
  for (std::string after;;) {
    list_query query;
    query.prefix = prefix;
    query.after = after;
    const list_page page = take(s.blocking().list(query), s.uri());
    for (const list_entry& e : page.entries) remove_one(s, e.name, count);
    if (!page.more || page.entries.empty()) return;
    after = page.entries.back().name;
  }
}

exit_status run(const arguments& a) {
  if (a.names.empty() && a.prefixes.empty()) throw wrong_usage("rm: say what to remove: NAME.. or -r PREFIX");
  interrupt::install();
  session s{a.uri, access::read_write};
  tally count;
  bool stopped = false;
  try {
    for (const std::string& name : a.names) remove_one(s, name, count);
    for (const std::string& prefix : a.prefixes) remove_prefix(s, prefix, count);
  } catch (const interrupted&) {
    stopped = true;
  }
  static_cast<void>(take(s.blocking().sync(), a.uri));
  s.close();
  if (a.json) {
    output out;
    out.json({{"removed", count.removed}});
    out.flush();
  }
  if (stopped) throw interrupted{};
  return count.status;
}

}  // namespace

action declare_rm(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  add_names(app, "NAME", a->names, "Objects to remove");
  add_names(app, "-r,--prefix", a->prefixes, "Remove every object whose name begins with PREFIX; '' is all")
      ->expected(1)
      ->take_all()
      ->type_name("PREFIX");
  add_json(app, a->json);
  return [a] { return run(*a); };
}

}  // namespace furrow::cli
