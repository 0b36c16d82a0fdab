// furrow lost: lists what zones that are offline have taken with them.
#include <fmt/format.h>

#include <memory>

#include "arguments.hpp"
#include "finding_text.hpp"
#include "output.hpp"
#include "session.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

struct arguments {
  std::string uri;
  bool json = false;
};

exit_status run(const arguments& a) {
  session s{a.uri, access::read_only};
  const scrub_result r = take(s.blocking().scrub({.lost_only = true}), a.uri);
  s.close();
  std::uint64_t bytes = 0;
  for (const check_finding& f : r.findings) bytes += f.detail.bytes.value_or(0);
  output out;
  if (a.json) {
    nlohmann::json to{{"lost_bytes", bytes}, {"ranges", nlohmann::json::array()}};
    for (const check_finding& f : r.findings) to["ranges"].push_back(to_json(f));
    out.json(to);
  } else {
    print_findings(out, r.findings, "lost");
    out.line(
        fmt::format("{}: {}", out.shown(a.uri),
                    bytes == 0 ? "nothing is lost" : human_bytes(bytes) + " are lost with zones that are offline"));
  }
  out.flush();
  return r.findings.empty() ? exit_status::good : exit_status::damage_found;
}

}  // namespace

action declare_lost(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  add_json(app, a->json);
  app.footer("Exit status 3: something is lost.");
  return [a] { return run(*a); };
}

}  // namespace furrow::cli
