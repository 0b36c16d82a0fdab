// furrow dump: prints the on-disk structures, read below the engine, so also those of a store that does not open.
#include <fmt/format.h>

#include <memory>

#include "arguments.hpp"
#include "dump_journal.hpp"
#include "dump_store.hpp"
#include "dump_tree.hpp"
#include "failure.hpp"
#include "live.hpp"
#include "output.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

struct arguments {
  std::string uri;
  bool live = false;
  bool superblocks = false;
  bool headers = false;
  bool journal = false;
  bool tree = false;
  std::vector<std::uint32_t> zones;
  bool json = false;
};

bool is_everything(const arguments& a) {
  return !a.superblocks && !a.headers && !a.journal && !a.tree && a.zones.empty();
}

void dump(const arguments& a, const dump_context& c) {
  const bool all = is_everything(a);
  const auto newest = dump_superblocks(c, all || a.superblocks);
  const bool needs_one = a.journal || a.tree;
  if (!newest && needs_one)
    throw failure{escaped(a.uri) +
                      ": no superblock verifies, so nothing says where to begin; "
                      "--zone prints a zone without one",
                  exit_status::damage_found};
  if (all || a.headers) {
    dump_zone_headers(c, newest ? std::optional{newest->block.store} : std::nullopt);
  }
  if (newest && (all || a.journal)) dump_journal(c, newest->block);
  if (newest && (all || a.tree)) {
    dump_tree(c, newest->block, format::page_kind::object);
    dump_tree(c, newest->block, format::page_kind::zone);
  }
  for (const std::uint32_t zone : a.zones) {
    if (zone >= c.device.shape().zone_count) {
      throw failure{
          fmt::format("{}: zone {} is none of its {} zones", escaped(a.uri), zone, c.device.shape().zone_count)};
    }
    dump_zone(c, newest, {zone});
  }
}

exit_status run(const arguments& a) {
  raw_device device{a.uri, reading(a.live)};
  output out;
  dump_writer to{out, a.json};
  dump(a, {device, to});
  if (a.live && to.faults() > 0) throw moved_on(a.uri);
  out.flush();
  return to.faults() == 0 ? exit_status::good : exit_status::damage_found;
}

}  // namespace

action declare_dump(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  add_live(app, a->live);
  app.add_flag("--superblocks", a->superblocks, "Every copy in both rings, and the newest one at length");
  app.add_flag("--headers", a->headers, "The header of every zone");
  app.add_flag("--journal", a->journal, "Groups and records that an open would replay");
  app.add_flag("--tree", a->tree, "Pages and cells of both trees");
  app.add_option("--zone", a->zones, "Every block of this zone; may be given again")->expected(1)->take_all();
  add_json(app, a->json)->description("Print JSON, one structure a line");
  app.footer(
      "Without options, all but --zone. Places are printed as zone/block. Status 3: something that is\n"
      "referred to does not verify.");
  return [a] { return attach(a->live, [&a] { return run(*a); }); };
}

}  // namespace furrow::cli
