// furrow-fsx: its arguments. What it is for: fsx.hpp.
#include <fmt/format.h>

#include <csignal>
#include <exception>

#include "fsx.hpp"
#include "furrow/failure.hpp"

namespace {

using furrow::cli::exit_status;

exit_status carry_out(const furrow::fsx::run_options& options) {
  try {
    const furrow::fsx::totals t = run(options);
    fmt::print("{}", options.json ? to_json(options, t) : to_text(options, t));
    return exit_status::good;
  } catch (const furrow::cli::failure& f) {
    furrow::cli::complain(f.what());
    return f.status();
  } catch (const std::exception& e) {
    furrow::cli::complain(e.what());
    return exit_status::failed;
  }
}

}  // namespace

int main(int count, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  furrow::fsx::run_options options;
  bool no_verify = false;
  bool no_reopen = false;
  bool no_map = false;
  CLI::App app{"Changes objects at random and compares them with arrays of bytes. ALL DATA OF THE DEVICE IS LOST.",
               "furrow-fsx"};
  app.add_option("URI", options.uri, "A zoned device; a store is made on it")->required();
  app.add_option("--ops", options.ops, "Operations")->capture_default_str();
  app.add_option("--seed", options.seed, "Of all that is drawn")->capture_default_str();
  app.add_option("--object-bytes-max", options.object_bytes_max, "Largest object")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 30))
      ->capture_default_str();
  app.add_option("--objects", options.objects, "How many")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--depth", options.depth, "Operations in flight")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--verify-every", options.verify_every, "Operations between two full verifications")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 62))
      ->capture_default_str();
  app.add_flag("--no-verify", no_verify, "Verify all only at reopens and at the end");
  app.add_flag("--no-reopen", no_reopen, "Keep the store open");
  app.add_flag("--no-map", no_map, "Make no views; then all is done on one thread, and done again by the same seed");
  app.add_flag("--force", options.force, "Even if the device holds a store");
  app.add_flag("--json", options.json, "Print JSON");
  try {
    app.parse(count, arguments);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    app.exit(e);
    return static_cast<int>(exit_status::wrong_usage);
  }
  if (no_verify) options.verify_every = 0;
  options.reopens = !no_reopen;
  options.maps = !no_map;
  return static_cast<int>(carry_out(options));
}
