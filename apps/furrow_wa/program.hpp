// The frame of a measuring program: its options parsed, its exit status.
//
//   0   done, or --help    1   what it ran failed: said on standard error    2   the options are wrong
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

namespace furrow::wa {

/// `run` is called when the options are good, and returns the status.
template <class Run>
int run_program(CLI::App& app, int count, char** given, Run run) {
  try {
    app.parse(count, given);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    app.exit(e);
    return 2;
  }
  try {
    return run();
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}: {}\n", app.get_name(), e.what());
    return 1;
  }
}

}  // namespace furrow::wa
