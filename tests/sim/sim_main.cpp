// furrow-sim: runs seeds and prints what they have come to. The same seed does the same, always.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sim/failure.hpp"
#include "sim/fault_table.hpp"
#include "sim/full_store.hpp"
#include "sim/reduction.hpp"
#include "sim/simulation.hpp"

namespace {

using furrow::sim::action;
using furrow::sim::action_count;
using furrow::sim::totals;

constexpr std::uint64_t seeds_for_all = 50;
constexpr std::uint64_t canary_operations = 2500;

struct arguments {
  std::uint64_t seed = 1;
  std::uint64_t count = 1;
  std::uint64_t operations = 10'000;
  bool verbose = false;
  bool json = false;
  bool keep_going = false;
  bool tiny = false;
  bool undevoted = false;
  bool full = false;
  bool full_table = false;
  std::string trace;
  std::string canary;
  std::vector<std::string> without;
  bool shorten = false;
  furrow::sim::reduction left_out;
};

// For an assertion of the engine: the seed is all that is needed to come back to it.
char crash_note[1024];

void on_abort(int signal) {
  static_cast<void>(!::write(STDERR_FILENO, crash_note, std::strlen(crash_note)));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

std::string reproduction(std::uint64_t seed, const arguments& args) {
  const std::string without = args.left_out.names();
  const char* const kind = args.tiny ? " --tiny" : args.undevoted ? " --undevoted" : "";
  return fmt::format("furrow-sim{} --seed {} --count 1 --ops {}{}{}{} --verbose", args.full ? " --full" : "", seed,
                     args.operations, kind, without.empty() ? "" : " --without ", without);
}

furrow::sim::scenario draw(std::uint64_t seed, const arguments& args) {
  furrow::sim::scenario s = args.tiny        ? furrow::sim::draw_tiny_scenario(seed)
                            : args.undevoted ? furrow::sim::draw_undevoted_scenario(seed)
                                             : furrow::sim::draw_scenario(seed);
  furrow::sim::apply(args.left_out, s);
  return s;
}

totals run_seed(std::uint64_t seed, const arguments& args, std::FILE* trace) {
  const std::string note =
      "furrow-sim: reproduce with: " + reproduction(seed, args) + ", make it shorter with --shorten\n";
  std::snprintf(crash_note, sizeof crash_note, "%s", note.c_str());
  const furrow::sim::scenario s = draw(seed, args);
  if (args.verbose) fmt::print("{}\n", furrow::sim::describe(s));
  furrow::sim::simulation run{s, trace};
  if (run.format()) run.run(args.operations);
  return run.result();
}

/// In a process of its own, as an assertion of the engine ends it.
bool fails_alone(std::uint64_t seed, const arguments& args) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    std::signal(SIGSEGV, SIG_DFL);
    if (const int nowhere = ::open("/dev/null", O_WRONLY); nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
    ::alarm(60);
    try {
      static_cast<void>(run_seed(seed, args, nullptr));
    } catch (const furrow::sim::broken_promise&) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

/// The command of a shorter run that fails as well.
std::string shorter(std::uint64_t seed, arguments args) {
  args.verbose = false;
  const auto fails = [&](const furrow::sim::reduction& r) {
    arguments less = args;
    less.left_out = r;
    less.operations = r.operations;
    return fails_alone(seed, less);
  };
  furrow::sim::reduction whole = args.left_out;
  whole.operations = args.operations;
  args.left_out = furrow::sim::shorten(whole, fails);
  args.operations = args.left_out.operations;
  return reproduction(seed, args);
}

nlohmann::ordered_json to_json(const totals& t) {
  nlohmann::ordered_json j{
      {"seeds", t.seeds},
      {"operations", t.operations},
      {"requests", t.requests},
      {"errors", t.errors},
      {"power_losses", t.power_losses},
      {"process_ends", t.process_ends},
      {"recoveries", t.recoveries},
      {"recoveries_interrupted", t.recoveries_interrupted},
      {"repairs", t.repairs},
      {"repairs_interrupted", t.repairs_interrupted},
      {"clean_reopens", t.clean_reopens},
      {"failures_injected", t.failures_injected},
      {"commands", t.commands},
      {"splits", t.splits},
      {"merges", t.merges},
      {"short_completions", t.short_completions},
      {"retries", t.retries},
      {"failed_appends", t.failed_appends},
      {"salvaged_blocks", t.salvaged_blocks},
      {"data_failures_injected", t.data_failures_injected},
      {"refusals_injected", t.refusals_injected},
      {"metadata_refusals_injected", t.metadata_refusals_injected},
      {"limit_refusals", t.limit_refusals},
      {"zones_retired", t.zones_retired},
      {"zones_misplaced", t.zones_misplaced},
      {"zones_made_read_only", t.zones_made_read_only},
      {"zones_found_read_only", t.zones_found_read_only},
      {"zones_made_offline", t.zones_made_offline},
      {"zones_found_offline", t.zones_found_offline},
      {"zones_made_full", t.zones_made_full},
      {"zones_found_full", t.zones_found_full},
      {"superblock_zones_turned", t.superblock_zones_turned},
      {"blocks_lost", t.blocks_lost},
      {"reads_lost", t.reads_lost},
      {"attempts", t.attempts},
      {"extracted", t.extracted},
      {"cancelled_blocks", t.cancelled_blocks},
      {"bounced_bytes", t.bounced_bytes},
      {"edge_reads", t.edge_reads},
      {"source_needs", t.source_needs},
      {"looks", t.looks},
      {"promises_used", t.promises_used},
      {"coalesced_bios", t.coalesced},
      {"checkpoints", t.checkpoints},
      {"blocks_moved", t.blocks_moved},
      {"zones_cleaned", t.zones_cleaned},
      {"zones_evacuated", t.zones_evacuated},
      {"scrubs", t.scrubs},
      {"rotten_blocks", t.rotten_blocks},
      {"blocks_spoiled", t.blocks_spoiled},
      {"evacuations_checked", t.evacuations_checked},
      {"evacuations_late", t.evacuations_late},
      {"zone_resets", t.zone_resets},
      {"groups", t.groups},
      {"acknowledgements_proven", t.acknowledgements_proven},
      {"groups_proven", t.groups_proven},
      {"blocks_proven", t.blocks_proven},
      {"journal_losses", t.journal.events},
      {"journal_zones_offline", t.journal.offline},
      {"journal_blocks_rotten", t.journal.rotten},
      {"journal_blocks_put_back", t.journal.put_back},
      {"journal_opens_refused", t.journal.refused},
      {"journal_opens_told", t.journal.told},
      {"journal_opens_untold", t.journal.untold},
      {"journal_opens_unneeded", t.journal.unneeded},
      {"journal_overwritten", t.journal.overwritten},
      {"formats_refused", t.formats_refused},
      {"options_refused", t.options_refused},
      {"drive_ms", t.drive_ns / 1'000'000},
      {"longest_ms_zns", t.longest_ns[static_cast<std::size_t>(furrow::sim::drive::zns)] / 1'000'000},
      {"longest_ms_smr", t.longest_ns[static_cast<std::size_t>(furrow::sim::drive::smr)] / 1'000'000},
      {"trace_hash", fmt::format("{:016x}", t.trace_hash)},
  };
  for (std::size_t i = 0; i < furrow::sim::excuse_count; ++i) {
    const auto e = static_cast<furrow::sim::excuse>(i);
    j["excused"][furrow::sim::name_of(e)] = t.excused[i].errors;
    if (furrow::sim::is_exact(e)) continue;
    j["excusable"][furrow::sim::name_of(e)] = t.excused[i].allowed;
    j["largest_share"][furrow::sim::name_of(e)] = fmt::format("{:.1f}%", t.excused[i].largest_per_mille / 10.0);
  }
  for (std::size_t i = 0; i < action_count; ++i) {
    const char* name = furrow::sim::name_of(static_cast<action>(i));
    j["by_action"][name] = t.by_action[i];
    j["done_by_action"][name] = t.done_by_action[i];
    for (std::size_t f = 0; f < furrow::sim::fault_count; ++f)
      j["met"][name][furrow::sim::name_of(static_cast<furrow::sim::fault>(f))] = t.met[i][f];
  }
  return j;
}

/// Operation by fault: how often the one met the other.
void print_faults(const totals& t) {
  fmt::print("{:<17}", "met by");
  for (std::size_t f = 0; f < furrow::sim::fault_count; ++f)
    fmt::print("{:>14}", furrow::sim::name_of(static_cast<furrow::sim::fault>(f)));
  for (std::size_t i = 0; i < action_count; ++i) {
    fmt::print("\n{:<17}", furrow::sim::name_of(static_cast<action>(i)));
    for (const std::uint64_t times : t.met[i]) fmt::print("{:>14}", times);
  }
  fmt::print("\n{} of {} are zero\n", furrow::sim::empty_cells(t.met).size(), action_count * furrow::sim::fault_count);
}

void print(const totals& t, double seconds, bool as_json) {
  nlohmann::ordered_json j = to_json(t);
  j["seconds"] = seconds;
  j["seconds_in_opens"] = t.seconds_in_opens;
  const auto rate = [](std::uint64_t count, double in_seconds) {
    return static_cast<std::uint64_t>(static_cast<double>(count) / in_seconds);
  };
  j["operations_per_second"] = rate(t.operations, seconds);
  j["between_opens_per_second"] = rate(t.operations, seconds - t.seconds_in_opens);
  j["requests_per_second"] = rate(t.requests, seconds);
  if (as_json) {
    fmt::print("{}\n", j.dump(2));
    return;
  }
  for (const auto& [key, value] : j.items()) {
    if (!value.is_object()) fmt::print("{:<26}{}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  std::string excuses;
  for (const auto& [key, value] : j["excused"].items()) {
    excuses += fmt::format(" {} {}", key, value.dump());
    if (j["excusable"].contains(key))
      excuses +=
          fmt::format(" of {} (most {})", j["excusable"][key].dump(), j["largest_share"][key].get<std::string>());
  }
  fmt::print("{:<26}{}\n", "errors, by their excuse", excuses);
  std::string actions;
  for (const auto& [key, value] : j["by_action"].items())
    actions += fmt::format(" {} {}/{}", key, value.dump(), j["done_by_action"][key].dump());
  fmt::print("{:<26}{}\n", "by action: asked/done", actions);
  print_faults(t);
}

/// Whether a run of many seeds has left something out that it is for.
bool is_idle(const totals& t) {
  const bool partial = t.extracted > 0 && t.cancelled_blocks > 0 && t.source_needs > 0;
  return !partial || std::ranges::any_of(furrow::sim::edit_actions,
                                         [&t](action a) { return t.done_by_action[static_cast<std::size_t>(a)] == 0; });
}

bool has_gaps(const totals& t) {
  const std::vector<std::string> cells = furrow::sim::empty_cells(t.met);
  for (const std::string& cell : cells) fmt::print("never met: {}\n", cell);
  return !cells.empty();
}

furrow::sim::full_counts run_full_seed(std::uint64_t seed, const arguments& args, std::FILE* trace) {
  const std::string note = "furrow-sim: reproduce with: " + reproduction(seed, args) + "\n";
  std::snprintf(crash_note, sizeof crash_note, "%s", note.c_str());
  const furrow::sim::full_plan plan = furrow::sim::draw_full_plan(seed);
  if (args.verbose) fmt::print("{}\n", describe(plan));
  furrow::sim::full_store run{plan, trace};
  if (run.format()) run.run(args.operations);
  return run.result();
}

void print(const furrow::sim::full_counts& c, double seconds, bool as_json) {
  const nlohmann::ordered_json j{{"seeds", c.seeds},
                                 {"too_small", c.too_small},
                                 {"operations", c.operations},
                                 {"appends", c.appends},
                                 {"writes", c.writes},
                                 {"deletes", c.deletes},
                                 {"refused", c.refused},
                                 {"refusals_judged", c.refusals_judged},
                                 {"quota_refused", c.quota_refused},
                                 {"quota_judged", c.quota_judged},
                                 {"reopens", c.reopens},
                                 {"power_losses", c.power_losses},
                                 {"blocks_compared", c.blocks_compared},
                                 {"blocks_moved", c.blocks_moved},
                                 {"zones_cleaned", c.zones_cleaned},
                                 {"zone_resets", c.zone_resets},
                                 {"zone_finishes", c.zone_finishes},
                                 {"finishes_waited", c.finishes_waited},
                                 {"zones_prepared", c.zones_prepared},
                                 {"checkpoints", c.checkpoints},
                                 {"slack_zones_seen", c.slack_zones_seen},
                                 {"seconds", seconds}};
  if (as_json) {
    fmt::print("{}\n", j.dump(2));
    return;
  }
  for (const auto& [key, value] : j.items()) fmt::print("{:<26}{}\n", key, value.dump());
}

int run_full(const arguments& args, std::FILE* trace) {
  furrow::sim::full_counts sum;
  std::uint64_t failed = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t seed = args.seed; seed < args.seed + args.count; ++seed) {
    try {
      sum.add(run_full_seed(seed, args, trace));
    } catch (const furrow::sim::broken_promise& e) {
      fmt::print("seed {}: {}\n{}\nreproduce with: {}\n", seed, e.what(), describe(furrow::sim::draw_full_plan(seed)),
                 reproduction(seed, args));
      std::fflush(stdout);
      ++failed;
      if (!args.keep_going) break;
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  if (failed == 0 || args.keep_going) print(sum, took.count(), args.json);
  if (failed > 0) fmt::print("{} of {} seeds failed\n", failed, args.count);
  const bool idle = failed == 0 && args.count >= seeds_for_all &&
                    (sum.refusals_judged == 0 || sum.quota_judged == 0 || sum.zones_cleaned == 0);
  if (idle) fmt::print("no store was ever full, none at its quota, or none was cleaned\n");
  return failed == 0 && !idle ? 0 : 1;
}

int run_shortening(const arguments& args) {
  if (!fails_alone(args.seed, args)) {
    fmt::print("seed {} does not fail\n", args.seed);
    return 0;
  }
  fmt::print("shorter: {}\n", shorter(args.seed, args));
  return 1;
}

int run(const arguments& args) {
  std::FILE* trace = args.trace.empty() ? nullptr : std::fopen(args.trace.c_str(), "w");
  if (!args.trace.empty() && trace == nullptr) {
    fmt::print(stderr, "furrow-sim: cannot write {}\n", args.trace);
    return 2;
  }
  if (args.full) {
    const int status = run_full(args, trace);
    if (trace != nullptr) std::fclose(trace);
    return status;
  }
  if (args.shorten) return run_shortening(args);
  totals sum;
  std::uint64_t failed = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t seed = args.seed; seed < args.seed + args.count; ++seed) {
    try {
      const totals t = run_seed(seed, args, trace);
      if (args.verbose) fmt::print("seed {}: {} operations, trace {:016x}\n", seed, t.operations, t.trace_hash);
      sum.add(t);
    } catch (const furrow::sim::broken_promise& e) {
      fmt::print("seed {}: {}\n{}\nreproduce with: {}\n", seed, e.what(), describe(draw(seed, args)),
                 reproduction(seed, args));
      std::fflush(stdout);
      ++failed;
      if (!args.keep_going) fmt::print("shorter: {}\n", shorter(seed, args));
      if (!args.keep_going) break;
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  if (trace != nullptr) std::fclose(trace);
  if (failed == 0 || args.keep_going) print(sum, took.count(), args.json);
  if (failed > 0) fmt::print("{} of {} seeds failed\n", failed, args.count);
  const bool idle = failed == 0 && args.count >= seeds_for_all && is_idle(sum);
  if (idle) fmt::print("some kind of change was never made, or no write in parts\n");
  const bool gaps = args.full_table && has_gaps(sum);
  return failed == 0 && !idle && !gaps ? 0 : 1;
}

/// A broken core is in another program, beside this one.
int run_canary(const arguments& args) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string() + "-canary";
  const std::string operations = std::to_string(args.operations);
  std::vector<const char*> line{program.c_str(), "--canary", args.canary.c_str(), "--ops", operations.c_str()};
  if (args.json) line.push_back("--json");
  line.push_back(nullptr);
  ::execv(program.c_str(), const_cast<char* const*>(line.data()));
  fmt::print(stderr, "furrow-sim: cannot run {}\n", program);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  arguments args;
  CLI::App app{"Runs the storage engine on a simulated device that fails as devices do."};
  app.add_option("--seed", args.seed, "First seed")->capture_default_str();
  app.add_option("--count", args.count, "Number of seeds, counted up from the first")->capture_default_str();
  app.add_option("--ops", args.operations, "Operations per seed")->capture_default_str();
  app.add_flag("--full", args.full, "Stores on tiny devices that are kept full, instead of all that befalls one");
  app.add_option("--trace", args.trace, "Write every command and completion to this file");
  app.add_flag("--verbose", args.verbose, "Describe each seed");
  app.add_flag("--json", args.json, "Print totals as JSON");
  app.add_flag("--require-full-table", args.full_table, "Fail if some operation has never met some fault");
  app.add_flag("--tiny", args.tiny, "Devices that hardly hold a store, always full; nothing fails");
  app.add_flag("--undevoted", args.undevoted, "As if no seed was devoted to a fault");
  app.add_option("--canary", args.canary,
                 "Run on a core that is broken in one way: NAME, `all` one after the other, or `list`");
  app.add_option("--without", args.without, "Leave out these actions and faults, by their names in the table")
      ->delimiter(',');
  app.add_flag("--shorten", args.shorten, "Look for a shorter run that fails as the seed does, also by an assertion");
  app.add_flag("--keep-going", args.keep_going, "Go on after a seed that failed");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  for (const std::string& name : args.without)
    if (!furrow::sim::leave_out(args.left_out, name)) {
      fmt::print(stderr, "furrow-sim: {} is no action or fault that can be left out\n", name);
      return 2;
    }
  if (!args.canary.empty()) {
    if (app.count("--ops") == 0) args.operations = canary_operations;
    return run_canary(args);
  }
  std::signal(SIGABRT, on_abort);
  std::signal(SIGSEGV, on_abort);
  return run(args);
}
