// What a subcommand is to main: a name, the arguments it declares, and what runs once they are parsed.
//
// Exit statuses are part of the interface: 0 good, 1 failed, 2 wrong usage, 3 damage found, 4 the store is degraded (info), or
// something is missing (salvage).
//
// Not here: the table of subcommands (main.cpp), errors and their lines (failure.hpp).
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>

namespace furrow::cli {

enum class exit_status : int {
  good = 0,
  failed = 1,
  wrong_usage = 2,
  damage_found = 3,
  degraded = 4,
  repairs_wanted = 5
};

using action = std::function<exit_status()>;

/// One row of main's table. `declare` adds the arguments to `app`; the action it returns runs after parsing.
struct command {
  const char* name;
  const char* summary;
  action (*declare)(CLI::App& app);
};

action declare_append(CLI::App& app);
action declare_cat(CLI::App& app);
action declare_check(CLI::App& app);
action declare_clean(CLI::App& app);
action declare_dump(CLI::App& app);
action declare_format(CLI::App& app);
action declare_get(CLI::App& app);
action declare_info(CLI::App& app);
action declare_lost(CLI::App& app);
action declare_ls(CLI::App& app);
action declare_mv(CLI::App& app);
action declare_probe(CLI::App& app);
action declare_put(CLI::App& app);
action declare_quota(CLI::App& app);
action declare_rm(CLI::App& app);
action declare_salvage(CLI::App& app);
action declare_scrub(CLI::App& app);
action declare_stat(CLI::App& app);
action declare_zones(CLI::App& app);

}  // namespace furrow::cli
