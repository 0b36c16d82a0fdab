// furrow-full: whether a store that is nearly full goes on being written over, how fast, and at what cost; and whether every
// byte is as it was written. With --file the same is done to a file, to compare with a file system.
//
// Not here: amplification without a real device (furrow-wa); losses of power (furrow-torture, furrow-sim).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>

#include "furrow/failure.hpp"
#include "furrow_full/report.hpp"
#include "furrow_full/run.hpp"

namespace {

using namespace furrow;
using cli::exit_status;

struct arguments {
  std::string where;
  full::plan how;
  bool file = false;
  bool force = false;
  bool json = false;
};

exit_status carry_out(const arguments& a) {
  const auto where = a.file ? full::make_file_place(a.where) : full::make_store_place(a.where, a.force);
  const full::outcome o = full::run{*where, a.how}.carry_out();
  fmt::print("{}", a.json ? full::to_json(where->name(), a.how, o).dump(1) + "\n" : full::to_text(where->name(), o));
  return o.good() ? exit_status::good : exit_status::failed;
}

void add_options(CLI::App& app, arguments& a) {
  app.add_option("WHERE", a.where, "A device, by URI; with --file a path")->required();
  app.add_flag("--file", a.file, "Write a new file instead of a store");
  app.add_option("--full", a.how.full, "The share of the capacity that is filled; default 0.8")
      ->check(CLI::Range(1e-9, 1.0));
  app.add_option("--times", a.how.times, "How often the device is written over; default 3")
      ->check(CLI::Range(0.0, 1000.0));
  app.add_option("--overwrite", a.how.overwrite_bytes, "Bytes in place of that")->transform(CLI::AsSizeValue(false));
  app.add_option("--bytes", a.how.block_bytes, "Of each write; default 64K")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(4096, 16 << 20));
  app.add_option("--depth", a.how.depth, "Writes in flight, each by a thread; default 8")->check(CLI::Range(1, 256));
  app.add_option("--seed", a.how.seed, "Of places and content");
  app.add_option("--patience", a.how.patience_seconds,
                 "A write that finds no room is tried again so many seconds; default 0");
  app.add_option("--stuck", a.how.stuck_seconds, "Nothing completes for so many seconds: given up; default 120");
  app.add_option("--counters", a.how.counters, "/sys/block/NAME/stat, for what was written to the device");
  app.add_option("--spoil", a.how.spoil, "Write the last byte of this block wrongly, to see that it is found");
  app.add_flag("--force", a.force, "Even if the device holds a store");
  app.add_flag("--json", a.json, "Print JSON");
}

}  // namespace

int main(int count, char** given) {
  arguments a;
  CLI::App app{"Fills a store, writes it over at random and compares. ALL DATA OF THE DEVICE ARE LOST.", "furrow-full"};
  add_options(app, a);
  try {
    app.parse(count, given);
    if (a.how.block_bytes % 4096 != 0) throw CLI::ValidationError("--bytes", "is no multiple of 4096");
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    app.exit(e);
    return static_cast<int>(exit_status::wrong_usage);
  }
  try {
    return static_cast<int>(carry_out(a));
  } catch (const cli::failure& f) {
    cli::complain(f.what());
    return static_cast<int>(f.status());
  } catch (const std::exception& e) {
    cli::complain(e.what());
    return static_cast<int>(exit_status::failed);
  }
}
