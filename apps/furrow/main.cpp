// The furrow command: a table of subcommands, and what is common to them all.
//
// Not here: the subcommands (cmd_*.cpp).
#include <array>
#include <csignal>
#include <exception>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "command.hpp"
#include "failure.hpp"
#include "interrupt.hpp"

namespace furrow::cli {

namespace {

constexpr std::array commands{
    command{"probe", "Tell what a zoned device is, and what will be made of it", declare_probe},
    command{"format", "Make a store on a zoned device", declare_format},
    command{"info", "Tell what a store and its device are", declare_info},
    command{"zones", "Draw the zones of a device", declare_zones},
    command{"put", "Store files and trees as objects", declare_put},
    command{"get", "Write objects back as files and trees", declare_get},
    command{"cat", "Write an object's bytes to standard output", declare_cat},
    command{"append", "Append standard input to an object", declare_append},
    command{"ls", "List names", declare_ls},
    command{"stat", "Describe an object, or count what a store holds", declare_stat},
    command{"mv", "Rename an object", declare_mv},
    command{"rm", "Remove objects", declare_rm},
    command{"check", "Verify a store", declare_check},
    command{"scrub", "Read all that lives, verify it, and mend metadata", declare_scrub},
    command{"lost", "List what offline zones have taken with them", declare_lost},
    command{"quota", "Tell what collections have and may have, and change it", declare_quota},
    command{"salvage", "Bring out of a damaged store what can be read", declare_salvage},
    command{"clean", "Make room of what is dead in part", declare_clean},
    command{"dump", "Print the on-disk structures", declare_dump},
};

constexpr const char* after_help =
    "A device is named by its URI: /dev/nvme0n1, /dev/sdX, file:PATH, or\n"
    "file:PATH?size=2G&zone_size=16M to make an emulated one in a file.\n\n"
    "Exit status: 0 good, 1 failed, 2 wrong usage, 3 damage found, 4 degraded (info), not all (salvage).";

/// Exceptions of a command as its exit status, each with one line on standard error.
exit_status carry_out(const action& run) {
  try {
    return run();
  } catch (const failure& f) {
    complain(f.what());
    return f.status();
  } catch (const interrupted&) {
    interrupt::die_of_it();
  } catch (const output_closed&) {
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
    return exit_status::failed;
  } catch (const std::bad_alloc&) {
    complain("out of memory");
    return exit_status::failed;
  } catch (const std::exception& e) {
    complain(e.what());
    return exit_status::failed;
  }
}

exit_status run(int count, char** arguments) {
  CLI::App app{"Crash-safe objects on zoned block devices", "furrow"};
  app.set_version_flag("--version", "furrow " FURROW_VERSION);
  app.require_subcommand(1);
  app.footer(after_help);
  std::vector<std::pair<CLI::App*, action>> actions;
  for (const command& c : commands) {
    CLI::App* sub = app.add_subcommand(c.name, c.summary);
    actions.emplace_back(sub, c.declare(*sub));
  }
  try {
    app.parse(arguments_of(count, arguments));
  } catch (const CLI::Success& e) {
    app.exit(e);
    return exit_status::good;
  } catch (const CLI::ParseError& e) {
    const auto used = app.get_subcommands();
    const std::string program = used.empty() ? "furrow" : "furrow " + used.front()->get_name();
    complain(std::string{e.what()} + "; '" + program + " --help' tells more");
    return exit_status::wrong_usage;
  }
  for (const auto& [sub, act] : actions) {
    if (sub->parsed()) return carry_out(act);
  }
  return exit_status::wrong_usage;
}

}  // namespace

}  // namespace furrow::cli

int main(int count, char** arguments) {
  // Written-to pipes that nobody reads are noticed where they are written to (output.hpp).
  std::signal(SIGPIPE, SIG_IGN);
  return static_cast<int>(furrow::cli::run(count, arguments));
}
