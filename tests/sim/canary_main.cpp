// furrow-sim-canary: lets the simulator loose on a core that is broken in one way, one way after the other. What is not found
// is a fault of the simulator. Called by `furrow-sim --canary`.
//
// Each canary has a process of its own, as it may be an assertion or a crash that gives it away. The run that found it is made
// once more with a whole core, which must stand it.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>

#include "sim/canaries.hpp"
#include "sim/failure.hpp"
#include "sim/full_store.hpp"
#include "sim/simulation.hpp"

namespace {

using furrow::sim::canary_cage;
using furrow::sim::canary_row;

struct arguments {
  std::string name = "all";
  std::uint64_t operations = 2500;  // of each seed
  std::uint32_t seconds = 60;       // for each canary
  bool json = false;
};

struct finding {
  std::string what;
  std::uint64_t seed = 0;
  std::uint64_t operations = 0;
  double seconds = 0;
};

/// Throws what gives the canary away. `so_far` counts the operations.
void run_seed(canary_cage cage, std::uint64_t seed, std::uint64_t operations, std::uint64_t& so_far) {
  if (cage == canary_cage::full) {
    furrow::sim::full_store run{furrow::sim::draw_full_plan(seed), nullptr};
    if (run.format()) run.run(operations);
    so_far += run.result().operations;
    return;
  }
  furrow::sim::simulation run{
      cage == canary_cage::tiny ? furrow::sim::draw_tiny_scenario(seed) : furrow::sim::draw_scenario(seed), nullptr};
  try {
    if (run.format()) run.run(operations);
  } catch (const furrow::sim::broken_promise&) {
    so_far += run.result().operations;
    throw;
  }
  so_far += run.result().operations;
}

/// In a process of its own: writes each seed that it begins with, and what it found, a line each.
[[noreturn]] void search(const canary_row& row, const arguments& args, std::FILE* to) {
  ::alarm(args.seconds);
  furrow::core::singing = row.which;
  std::uint64_t operations = 0;
  for (std::uint64_t seed = row.first_seed;; ++seed) {
    fmt::print(to, "seed {} {}\n", seed, operations);
    std::fflush(to);
    try {
      run_seed(row.cage, seed, args.operations, operations);
    } catch (const furrow::sim::broken_promise& e) {
      std::string why = e.what();
      std::ranges::replace(why, '\n', ' ');
      fmt::print(to, "found {} {}\n", operations, why);
      std::fflush(to);
      ::_exit(0);
    }
  }
}

/// What the process said on its two channels, and how it ended.
struct child_report {
  std::string lines;
  std::string complaints;
  int status = 0;
};

std::string read_all(int from) {
  std::string all;
  char part[4096];
  for (ssize_t n = 0; (n = ::read(from, part, sizeof part)) > 0;) all.append(part, static_cast<std::size_t>(n));
  ::close(from);
  return all;
}

child_report run_child(const canary_row& row, const arguments& args) {
  int said[2], complained[2];
  if (::pipe(said) != 0 || ::pipe(complained) != 0) throw std::runtime_error{"no pipe"};
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(complained[1], STDERR_FILENO);
    for (const int fd : {said[0], complained[0], complained[1]}) ::close(fd);
    search(row, args, ::fdopen(said[1], "w"));
  }
  ::close(said[1]);
  ::close(complained[1]);
  child_report r;
  r.lines = read_all(said[0]);
  r.complaints = read_all(complained[0]);
  ::waitpid(child, &r.status, 0);
  return r;
}

/// Empty if nothing was found in time.
finding look_for(const canary_row& row, const arguments& args) {
  const auto begin = std::chrono::steady_clock::now();
  const child_report r = run_child(row, args);
  finding f;
  f.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::istringstream lines{r.lines};
  for (std::string line, word; std::getline(lines, line);) {
    std::istringstream words{line};
    words >> word;
    if (word == "seed") words >> f.seed >> f.operations;
    if (word != "found") continue;
    words >> f.operations;
    std::getline(words >> std::ws, f.what);
  }
  if (!f.what.empty() || (WIFSIGNALED(r.status) && WTERMSIG(r.status) == SIGALRM)) return f;
  const std::string why = r.complaints.substr(0, r.complaints.find('\n'));
  f.what = WIFSIGNALED(r.status) ? fmt::format("signal {}: {}", WTERMSIG(r.status), why) : "it ended: " + why;
  return f;
}

/// The same run with nothing broken.
bool stands_whole(const canary_row& row, std::uint64_t seed, const arguments& args) {
  std::uint64_t operations = 0;
  try {
    run_seed(row.cage, seed, args.operations, operations);
  } catch (const furrow::sim::broken_promise& e) {
    fmt::print("{}: seed {} fails with a whole core: {}\n", row.name, seed, e.what());
    return false;
  }
  return true;
}

int list(bool json) {
  nlohmann::ordered_json all;
  for (const canary_row& row : furrow::sim::canaries()) {
    if (json)
      all[row.name] = row.promise;
    else
      fmt::print("{:<26}{}\n", row.name, row.promise);
  }
  if (json) fmt::print("{}\n", all.dump(2));
  return 0;
}

int run(const arguments& args) {
  std::uint32_t looked_for = 0, alive = 0;
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const canary_row& row : furrow::sim::canaries()) {
    if (args.name != "all" && args.name != row.name) continue;
    ++looked_for;
    const finding f = look_for(row, args);
    const bool found = !f.what.empty() && stands_whole(row, f.seed, args);
    alive += found ? 0 : 1;
    all.push_back({{"canary", row.name},
                   {"promise", row.promise},
                   {"found", found},
                   {"seed", f.seed},
                   {"operations", f.operations},
                   {"seconds", f.seconds},
                   {"by", f.what}});
    if (!args.json)
      fmt::print("{:<24} {:<58} seed {:>4} {:>8} operations {:5.2f} s  {}\n", row.name, row.promise, f.seed,
                 f.operations, f.seconds, found ? f.what : "NOT FOUND");
    std::fflush(stdout);
  }
  if (args.json) fmt::print("{}\n", all.dump(2));
  if (looked_for == 0) fmt::print("there is no canary {}: furrow-sim --canary list\n", args.name);
  if (looked_for == 0) return 2;
  if (!args.json) fmt::print("{} of {} canaries found\n", looked_for - alive, looked_for);
  return alive == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  arguments args;
  CLI::App app{"Breaks the storage engine in one way after the other, and looks whether the simulator notices."};
  app.add_option("--canary", args.name, "One of `list`, or `all`")->capture_default_str();
  app.add_option("--ops", args.operations, "Operations per seed")->capture_default_str();
  app.add_option("--seconds", args.seconds, "For each canary")->capture_default_str();
  app.add_flag("--json", args.json, "Print the table as JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  return args.name == "list" ? list(args.json) : run(args);
}
