// furrow info: what a store and its device are.
#include <fmt/format.h>

#include <memory>

#include "arguments.hpp"
#include "device_text.hpp"
#include "live.hpp"
#include "output.hpp"
#include "session.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

struct arguments {
  std::string uri;
  bool live = false;
  bool json = false;
};

nlohmann::json to_json(const store_health& h) {
  return {{"degraded", h.degraded},
          {"lost_bytes", h.lost_bytes},
          {"at_risk_bytes", h.at_risk_bytes},
          {"pages_at_risk", h.pages_at_risk},
          {"superblock_copies_lost", h.superblock_copies_lost},
          {"journal_lost_from", h.journal_lost_from},
          {"damaged", h.damaged},
          {"zones_retired", h.zones_retired},
          {"zones_bad", h.zones_bad},
          {"reasons", h.reasons}};
}

nlohmann::json to_json(const store_info& i, const statistics& s) {
  return {{"uuid", uuid_text(i.uuid)},
          {"format_version", i.format_version},
          {"epoch", i.epoch},
          {"clean", !i.recovered},
          {"checksum", i.checksum},
          {"block_bytes", i.block_bytes},
          {"page_copies", i.page_copies},
          {"formatted_ns", i.formatted_ns},
          {"health", to_json(i.health)},
          {"capacity_bytes", i.capacity_bytes},
          {"live_bytes", s.live_bytes},
          {"dead_bytes", s.dead_bytes},
          {"metadata_bytes", s.metadata_bytes},
          {"free_bytes", s.free_bytes},
          {"reserved_bytes", s.reserved_bytes},
          {"objects", s.objects}};
}

void print(output& out, const store_info& i, const statistics& s) {
  const auto row = [&out](const char* label, const std::string& value) {
    out.line(fmt::format("{:<18}{}", label, value));
  };
  row("store", uuid_text(i.uuid));
  row("format version", std::to_string(i.format_version));
  row("formatted", local_time(i.formatted_ns));
  row("opened", fmt::format("{} times to write", i.epoch));
  row("last close", i.recovered ? "not clean: the journal was replayed" : "clean");
  const store_health& h = i.health;
  row("health", h.degraded ? "degraded" : "good");
  for (const std::string& reason : h.reasons) row("", reason);
  if (h.zones_retired + h.zones_bad > 0)
    row("zones given up", fmt::format("{} read-only or offline once, {} failed", h.zones_retired, h.zones_bad));
  row("checksums", i.checksum);
  row("page copies", std::to_string(i.page_copies));
  row("objects", grouped(s.objects));
  row("capacity", human_bytes(i.capacity_bytes));
  row("  live", human_bytes(s.live_bytes));
  row("  dead", human_bytes(s.dead_bytes));
  row("  metadata", human_bytes(s.metadata_bytes));
  row("  free", human_bytes(s.free_bytes));
}

exit_status run(const arguments& a) {
  auto device = open_device(a.uri, reading(a.live));
  const device_text description = describe_device(*device);
  store_options options;
  options.read_only = true;
  options.live = a.live;
  const blocking_store store = take(blocking_store::open(std::move(device), options), a.uri);
  const store_info info = take(store.info(), a.uri);
  const statistics counts = take(store.statistics_now(), a.uri);
  static_cast<void>(take(store.close(), a.uri));
  output out;
  if (a.json) {
    out.json({{"store", to_json(info, counts)}, {"device", description.json}});
  } else {
    print(out, info, counts);
    for (const auto& [label, value] : description.rows) out.line(fmt::format("{:<18}{}", label, value));
  }
  out.flush();
  return info.health.degraded ? exit_status::degraded : exit_status::good;
}

}  // namespace

action declare_info(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  add_live(app, a->live);
  add_json(app, a->json);
  app.footer("Exit status 4: the store is degraded, which is told under 'health'.");
  return [a] { return attach(a->live, [&a] { return run(*a); }); };
}

}  // namespace furrow::cli
