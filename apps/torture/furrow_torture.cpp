// furrow-torture: its arguments. What it is for: torture.hpp.
#include <csignal>
#include <exception>

#include "furrow/failure.hpp"
#include "furrow/interrupt.hpp"
#include "torture.hpp"

namespace {

using furrow::cli::exit_status;

exit_status carry_out(const furrow::torture::run_options& options, const std::string& log_path) {
  try {
    return log_path.empty() ? furrow::torture::run(options) : furrow::torture::verify(options.uri, log_path);
  } catch (const furrow::cli::failure& f) {
    furrow::cli::complain(f.what());
    return f.status();
  } catch (const furrow::cli::interrupted&) {
    furrow::cli::interrupt::die_of_it();
  } catch (const std::exception& e) {
    furrow::cli::complain(e.what());
    return exit_status::failed;
  }
}

}  // namespace

int main(int count, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  furrow::torture::run_options options;
  std::string log_path;
  CLI::App app{"Appends to logs until it is killed, and verifies what it acknowledged", "furrow-torture"};
  app.add_option("URI", options.uri, "A device with a store")->required();
  app.add_option("--tasks", options.tasks, "Logs, and appends in flight")->check(CLI::Range(1, 4096));
  app.add_option("--seed", options.seed, "Of contents and lengths");
  app.add_option("--seconds", options.seconds, "End after that time");
  app.add_option("--bytes", options.bytes_max, "End after so many bytes")->transform(CLI::AsSizeValue(false));
  app.add_option("--rate", options.bytes_per_second, "At most so many bytes a second")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--checkpoint-bytes", options.checkpoint_journal_bytes, "A checkpoint for so much journal")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--verify", log_path, "Compare the store with the lines that runs have printed to this file");
  try {
    app.parse(count, arguments);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    app.exit(e);
    return static_cast<int>(exit_status::wrong_usage);
  }
  return static_cast<int>(carry_out(options, log_path));
}
