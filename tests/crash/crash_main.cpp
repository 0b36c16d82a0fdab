// furrow-crash: cuts small workloads at every device command, and looks at every state that the device's guarantees let a
// loss of power leave.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "crash/explorer.hpp"
#include "sim/random.hpp"

namespace {

using namespace furrow::crash;  // NOLINT(google-build-using-namespace): a program

struct arguments {
  choice how;
  std::uint64_t operations = 2;
  std::uint64_t sample = 0;
  std::vector<std::string> only;
  std::vector<std::string> starts;
  std::string run;
  std::string state;
  std::string canary;
  bool cleaner = false;
  bool json = false;
};

// For an assertion of the engine: what is needed to come back to it.
char crash_note[512];

void on_abort(int signal) {
  static_cast<void>(!::write(STDERR_FILENO, crash_note, std::strlen(crash_note)));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

std::string reproduction(const arguments& args, const workload& w, std::optional<std::uint64_t> hash) {
  return fmt::format(
      "furrow-crash --seed {} {}{}{} --verbose", args.how.seed, describe(w),
      hash ? fmt::format(" --state {:016x}", *hash) : "",
      (args.canary.empty() ? "" : " --canary " + args.canary) + (args.how.no_cache ? " --no-cache" : ""));
}

/// What moves blocks, frees zones and uses them again, in all its steps.
std::vector<workload> cleaner_workloads() {
  using enum kind;
  return {{start::full, {clean, append_many, append_many, append_many}},
          {start::full,
           {remove, clean, append_many, append_many, append_many, remove, append_many, append_many, append_many,
            append_many, remove, append_many, append_many, append_many, append_many}},
          {start::full, {remove, clean, append_many, checkpoint, append_many}},
          {start::full, {write_middle, append_durable, clean, create, append_many}},
          {start::full, {truncate, clean, reopen, append_many, clean, append_many}},
          {start::full, {punch, checkpoint, clean, sync_store, append_many, append_many, reopen}},
          {start::full, {append_many, sync_store, clean_later, write_middle, write_unaligned, punch, append_many}},
          {start::full, {clean_later, remove, checkpoint_later, append_many, sync_later, append_many}},
          {start::read_only, {}},
          {start::read_only, {remove}},
          {start::read_only, {append_small, sync_store, clone}},
          {start::read_only, {write_middle, checkpoint, append_many}},
          {start::objects, {remove, clean, append_many, append_many, append_many}}};
}

std::vector<kind> chosen_kinds(const arguments& args) {
  std::vector<kind> all;
  for (std::size_t i = 0; i < kind_count; ++i)
    if (args.only.empty() || std::ranges::find(args.only, name_of(static_cast<kind>(i))) != args.only.end())
      all.push_back(static_cast<kind>(i));
  return all;
}

std::vector<start> chosen_starts(const arguments& args) {
  std::vector<start> all;
  for (const start s : {start::fresh, start::objects, start::full})
    if (args.starts.empty() || std::ranges::find(args.starts, name_of(s)) != args.starts.end()) all.push_back(s);
  if (std::ranges::find(args.starts, name_of(start::read_only)) != args.starts.end()) all.push_back(start::read_only);
  return all;
}

void explore_all(explorer& e, const arguments& args) {
  const std::vector<kind> kinds = chosen_kinds(args);
  for (const start s : chosen_starts(args)) {
    for (std::uint64_t length = 0; length <= args.operations; ++length) {
      std::vector<std::size_t> at(length);
      for (;;) {
        workload w{s, {}};
        for (const std::size_t i : at) w.kinds.push_back(kinds[i]);
        e.explore(w);
        std::size_t digit = 0;
        while (digit < at.size() && ++at[digit] == kinds.size()) at[digit++] = 0;
        if (digit == at.size()) break;
      }
    }
  }
}

void explore_sample(explorer& e, const arguments& args) {
  const std::vector<kind> kinds = chosen_kinds(args);
  const std::vector<start> starts = chosen_starts(args);
  furrow::sim::prng chance{args.how.seed};
  while (!e.done()) {
    workload w{starts[chance.below(starts.size())], {}};
    for (std::uint64_t i = 0; i < args.operations; ++i) w.kinds.push_back(kinds[chance.below(kinds.size())]);
    e.explore(w);
  }
}

nlohmann::ordered_json to_json(const totals& t) {
  nlohmann::ordered_json j{{"workloads", t.workloads},
                           {"cuts", t.cuts},
                           {"states", t.states},
                           {"distinct", t.distinct},
                           {"skipped", t.skipped},
                           {"impossible", t.impossible},
                           {"moments_not_exhausted", t.partial},
                           {"states_with_something_lost", t.lost},
                           {"reopened", t.reopened},
                           {"recoveries_cut", t.recoveries_cut},
                           {"operations_refused", t.refused},
                           {"blocks_moved", t.blocks_moved},
                           {"zone_resets", t.zone_resets},
                           {"checkpoints", t.checkpoints}};
  for (std::size_t i = 0; i < command_kind_count; ++i) {
    const char* const name = name_of(static_cast<command_kind>(i));
    j["cuts_by_command"][name] = t.cuts_by_command[i];
    j["distinct_by_command"][name] = t.states_by_command[i];
  }
  for (std::size_t i = 0; i < kind_count; ++i) j["workloads_by_kind"][name_of(static_cast<kind>(i))] = t.by_kind[i];
  for (std::size_t i = 0; i < start_count; ++i) j["workloads_by_start"][name_of(static_cast<start>(i))] = t.by_start[i];
  for (std::size_t i = 0; i < cleaner_step_count; ++i)
    j["cuts_by_cleaner_step"][name_of(static_cast<cleaner_step>(i))] = t.cuts_by_step[i];
  return j;
}

void print(const totals& t, double seconds, bool as_json) {
  nlohmann::ordered_json j = to_json(t);
  j["seconds"] = seconds;
  j["distinct_per_second"] = static_cast<std::uint64_t>(static_cast<double>(t.distinct) / seconds);
  if (as_json) {
    fmt::print("{}\n", j.dump(2));
    return;
  }
  for (const auto& [key, value] : j.items()) {
    if (!value.is_object()) {
      fmt::print("{:<28}{}\n", key, value.dump());
      continue;
    }
    fmt::print("{}\n", key);
    for (const auto& [name, count] : value.items()) fmt::print("  {:<26}{}\n", name, count.dump());
  }
}

/// Each step of the cleaner was cut.
bool all_steps(const totals& t) {
  bool all = true;
  for (std::size_t i = 0; i < cleaner_step_count; ++i) {
    if (t.cuts_by_step[i] > 0) continue;
    fmt::print("the cleaner's step '{}' was never cut\n", name_of(static_cast<cleaner_step>(i)));
    all = false;
  }
  return all;
}

std::optional<workload> parse_run(const arguments& args) {
  workload w{start_named(args.starts.empty() ? "fresh" : args.starts.front()).value_or(start::fresh), {}};
  std::string_view left = args.run;
  if (left == "nothing") left = {};
  while (!left.empty()) {
    const std::size_t comma = std::min(left.find(','), left.size());
    const auto k = kind_named(left.substr(0, comma));
    if (!k) return std::nullopt;
    w.kinds.push_back(*k);
    left.remove_prefix(std::min(comma + 1, left.size()));
  }
  return w;
}

void run_chosen(explorer& e, const arguments& args) {
  if (!args.run.empty()) return e.explore(*parse_run(args));
  if (args.cleaner) {
    for (const workload& w : cleaner_workloads()) e.explore(w);
    return;
  }
  if (args.sample > 0) return explore_sample(e, args);
  explore_all(e, args);
}

int run(arguments& args) {
  explorer e{args.how};
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  e.before_workload = [&](const workload& w, std::optional<std::uint64_t> state) {
    const std::string note = "furrow-crash: reproduce with: " + reproduction(args, w, state) + "\n";
    std::snprintf(crash_note, sizeof crash_note, "%s", note.c_str());
  };
  try {
    run_chosen(e, args);
  } catch (const broken_state& b) {
    fmt::print("{}\nreproduce with: {}\n", b.what(), reproduction(args, b.what_of, b.hash));
    return 1;
  }
  print(e.result(), seconds(), args.json);
  const bool must_have_steps = args.cleaner && !args.how.no_cache;  // without a cache there is no flush
  return must_have_steps && !all_steps(e.result()) ? 1 : 0;
}

bool is_known(const arguments& args) {
  for (const std::string& k : args.only)
    if (!kind_named(k)) return fmt::print(stderr, "furrow-crash: no kind of operation is named {}\n", k), false;
  for (const std::string& s : args.starts)
    if (!start_named(s)) return fmt::print(stderr, "furrow-crash: no starting state is named {}\n", s), false;
  if (!parse_run(args)) return fmt::print(stderr, "furrow-crash: --run names no operations: {}\n", args.run), false;
  return true;
}

std::string list_kinds() {
  std::string text;
  for (std::size_t i = 0; i < kind_count; ++i) text += std::string{i == 0 ? "" : " "} + name_of(static_cast<kind>(i));
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  arguments args;
  CLI::App app{
      "Cuts small workloads at every device command and LBA, and opens each state that is left.\n"
      "Kinds of operations: " +
      list_kinds() + "\nEnds with status 0, 1 if a promise was broken, 2 if it was called wrongly."};
  app.add_option("--seed", args.how.seed, "Of payloads, and of what is drawn")->capture_default_str();
  app.add_option("--ops", args.operations, "Operations of a workload: all workloads of at most so many")
      ->capture_default_str();
  app.add_option("--only", args.only, "These kinds of operations alone");
  app.add_option("--start", args.starts, "These starting states alone: fresh objects full read_only");
  app.add_option("--sample", args.sample, "So many states of workloads that are drawn, each of --ops operations");
  app.add_flag("--cleaner", args.cleaner,
               "Workloads that take the cleaner through all its steps, each of which must be cut");
  app.add_option("--run", args.run, "One workload: kinds, with commas; or nothing");
  app.add_option("--state", args.state, "Of that workload, the state of this hash alone");
  app.add_option("--keep", args.how.keep_per_mille, "Of 1000 states, look at so many")->capture_default_str();
  app.add_option("--reopen", args.how.reopen_per_mille, "Of 1000 of these, look at another open, too")
      ->capture_default_str();
  app.add_option("--recut", args.how.recut_per_mille, "Of 1000 of these, cut the recovery, too")->capture_default_str();
  app.add_option("--product", args.how.product_max, "Moments of at most so many states have all of them looked at")
      ->capture_default_str();
  app.add_option("--canary", args.canary, "Break something, to see it found: flush (flushes cover nothing)")
      ->check(CLI::IsMember({"flush"}));
  app.add_flag("--no-cache", args.how.no_cache, "A device without a volatile write cache");
  app.add_flag("--json", args.json, "Print totals as JSON");
  app.add_flag("--verbose", args.how.verbose, "Tell of each state");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (!is_known(args)) return 2;
  if (args.sample > 0) args.how.states_max = args.sample;
  if (!args.state.empty()) args.how.only_state = std::stoull(args.state, nullptr, 16);
  args.how.flushes_lie = args.canary == "flush";
  std::signal(SIGABRT, on_abort);
  std::signal(SIGSEGV, on_abort);
  return run(args);
}
