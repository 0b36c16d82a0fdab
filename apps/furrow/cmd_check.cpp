// furrow check: verifies the metadata, and with --data every block. Damage is one line each, and status 3.
#include <fmt/format.h>

#include <memory>

#include "arguments.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "session.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

struct arguments {
  std::string uri;
  bool data = false;
  bool json = false;
};

nlohmann::json to_json(const error_detail& d, const std::string& what) {
  nlohmann::json to{{"what", what}};
  if (d.object) to["object"] = *d.object;
  if (d.offset_bytes) to["offset_bytes"] = *d.offset_bytes;
  if (d.bytes) to["bytes"] = *d.bytes;
  if (d.zone) to["zone"] = d.zone->value;
  return to;
}

std::string place_text(const error_detail& d) {
  std::string text;
  if (d.object) text += fmt::format(" object {}", *d.object);
  if (d.offset_bytes) text += fmt::format(" bytes {}..{}", *d.offset_bytes, *d.offset_bytes + d.bytes.value_or(0));
  if (d.zone) text += fmt::format(" zone {}", d.zone->value);
  return text;
}

nlohmann::json to_json(const check_result& r) {
  nlohmann::json to{{"sound", r.damage == 0},
                    {"damage", r.damage},
                    {"objects", r.objects},
                    {"extents", r.extents},
                    {"pages", r.pages},
                    {"blocks_verified", r.blocks_verified},
                    {"findings", nlohmann::json::array()}};
  for (const check_finding& f : r.findings) to["findings"].push_back(to_json(f.detail, f.what));
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

/// A store too damaged to be opened, or to be checked to the end, is a finding too.
check_result check(const arguments& a) {
  try {
    session s{a.uri, access::read_only};
    check_result r = take(s.blocking().check(a.data), a.uri);
    s.close();
    return r;
  } catch (const failure& f) {
    if (f.status() != exit_status::damage_found) throw;
    check_result r;
    r.damage = 1;
    r.findings.push_back({f.what(), {}});
    return r;
  }
}

exit_status run(const arguments& a) {
  const check_result r = check(a);
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
  app.add_flag("--data", a->data, "Read every block and verify its sum");
  add_json(app, a->json);
  return [a] { return run(*a); };
}

}  // namespace furrow::cli
