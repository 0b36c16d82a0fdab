// furrow mv: renames an object, replacing one that has the name.
#include <memory>

#include "arguments.hpp"
#include "session.hpp"

namespace furrow::cli {

namespace {

struct arguments {
  std::string uri;
  std::string from;
  std::string to;
  bool no_replace = false;
};

exit_status run(const arguments& a) {
  session s{a.uri, access::read_write};
  auto renamed = s.blocking().rename(object_key{a.from}, a.to, !a.no_replace);
  if (!renamed) {
    // The line is to name the one of the two that is wrong.
    const error_code why = renamed.error().code;
    throw make_failure(why == errc::not_found ? a.from : a.to, why, renamed.error().detail);
  }
  static_cast<void>(take(s.blocking().sync(), a.uri));
  s.close();
  return exit_status::good;
}

}  // namespace

action declare_mv(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  add_name(app, "FROM", a->from, "The object's name")->required();
  add_name(app, "TO", a->to, "Its new name; an object that has it is replaced")->required();
  app.add_flag("-n,--no-replace", a->no_replace, "Fail if an object has the new name");
  return [a] { return run(*a); };
}

}  // namespace furrow::cli
