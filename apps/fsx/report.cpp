// What a run tells at its end.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "fsx.hpp"
#include "furrow/text.hpp"

namespace furrow::fsx {

std::string to_text(const run_options& options, const totals& t) {
  std::string text = fmt::format("{}: {} operations, seed {}, {} in flight\n", cli::escaped(options.uri),
                                 cli::grouped(options.ops), options.seed, options.depth);
  for (std::size_t i = 0; i < op_kinds; ++i)
    text += fmt::format("  {:<14}{:>12}\n", name_of(static_cast<op_kind>(i)), cli::grouped(t.ops[i]));
  const auto line = [&text](const char* what, const std::string& value) {
    text += fmt::format("  {:<26}{:>18}\n", what, value);
  };
  line("bytes written", cli::human_bytes(t.bytes_written));
  line("bytes compared", cli::human_bytes(t.bytes_compared));
  line("full verifications", cli::grouped(t.verifications));
  line("checks with data", cli::grouped(t.checks));
  line("times without space", cli::grouped(t.no_space));
  line("zone resets", cli::grouped(t.store.zone_resets));
  line("checkpoints", cli::grouped(t.store.checkpoints));
  line("ordered extents", cli::grouped(t.store.ordered_extents));
  line("splits", cli::grouped(t.store.splits));
  line("merges", cli::grouped(t.store.merges));
  line("attempts of writes", cli::grouped(t.store.attempts));
  line("ordered extents cut", cli::grouped(t.store.extracted));
  line("blocks cancelled", cli::grouped(t.store.cancelled_blocks));
  line("edge reads", cli::grouped(t.store.edge_reads));
  line("bytes filled of views", cli::human_bytes(t.store.fill_bytes));
  line("views that were copies", cli::grouped(t.copied_views));
  line("bytes bounced", cli::human_bytes(t.store.bounced_bytes));
  return text + "no difference\n";
}

std::string to_json(const run_options& options, const totals& t) {
  nlohmann::ordered_json j{{"uri", options.uri}, {"seed", options.seed}, {"depth", options.depth}};
  for (std::size_t i = 0; i < op_kinds; ++i) j["ops"][name_of(static_cast<op_kind>(i))] = t.ops[i];
  j["bytes_written"] = t.bytes_written;
  j["bytes_compared"] = t.bytes_compared;
  j["verifications"] = t.verifications;
  j["checks"] = t.checks;
  j["no_space"] = t.no_space;
  j["zone_resets"] = t.store.zone_resets;
  j["checkpoints"] = t.store.checkpoints;
  j["ordered_extents"] = t.store.ordered_extents;
  j["splits"] = t.store.splits;
  j["merges"] = t.store.merges;
  j["attempts"] = t.store.attempts;
  j["extracted"] = t.store.extracted;
  j["cancelled_blocks"] = t.store.cancelled_blocks;
  j["edge_reads"] = t.store.edge_reads;
  j["fill_bytes"] = t.store.fill_bytes;
  j["copied_views"] = t.copied_views;
  j["bounced_bytes"] = t.store.bounced_bytes;
  return j.dump(2) + "\n";
}

}  // namespace furrow::fsx
