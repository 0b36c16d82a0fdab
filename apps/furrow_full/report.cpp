#include "furrow_full/report.hpp"

#include <fmt/format.h>

#include "furrow/text.hpp"

namespace furrow::full {

namespace {

constexpr double mib = 1 << 20;

double speed(std::uint64_t bytes, double seconds) {
  return seconds > 0 ? static_cast<double>(bytes) / mib / seconds : 0;
}

double amplification(const outcome& o) {
  return o.bytes == 0 ? 0 : static_cast<double>(o.device_written_bytes) / static_cast<double>(o.bytes);
}

}  // namespace

nlohmann::ordered_json to_json(const std::string& place, const plan& how, const outcome& o) {
  nlohmann::ordered_json j{{"place", place},
                           {"seed", how.seed},
                           {"full", how.full},
                           {"block_bytes", how.block_bytes},
                           {"depth", how.depth},
                           {"capacity_bytes", o.capacity_bytes},
                           {"filled_bytes", o.blocks * how.block_bytes},
                           {"wanted_bytes", o.wanted_bytes},
                           {"bytes", o.bytes},
                           {"fill_seconds", o.fill_seconds},
                           {"seconds", o.seconds},
                           {"mib_per_second", speed(o.bytes, o.seconds)},
                           {"device_written_bytes", o.device_written_bytes},
                           {"amplification", amplification(o)},
                           {"slice_seconds", o.slice_seconds},
                           {"longest_seconds", o.longest_seconds},
                           {"patience_seconds", how.patience_seconds},
                           {"refusals", o.refusals},
                           {"failed", nullptr},
                           {"compare_seconds", o.compare_seconds},
                           {"compared_blocks", o.compared_blocks},
                           {"wrong_blocks", o.wrong_blocks},
                           {"unsure_blocks", o.unsure_blocks},
                           {"first_wrong", o.first_wrong},
                           {"told_full", o.told_full},
                           {"told", o.told}};
  if (o.failed)
    j["failed"] = {{"when", o.failed->when},
                   {"what", o.failed->what},
                   {"no_space", o.failed->no_space},
                   {"after_bytes", o.failed->after_bytes}};
  return j;
}

std::string to_text(const std::string& place, const outcome& o) {
  std::string text;
  const auto row = [&text](const char* label, const std::string& value) {
    text += fmt::format("{:<18}{}\n", label, value);
  };
  row("place", place);
  row("capacity", cli::human_bytes(o.capacity_bytes));
  row("blocks", cli::grouped(o.blocks));
  row("written over", fmt::format("{} of {}", cli::human_bytes(o.bytes), cli::human_bytes(o.wanted_bytes)));
  row("throughput",
      fmt::format("{:.1f} MiB/s; the longest write took {:.3f} s", speed(o.bytes, o.seconds), o.longest_seconds));
  if (o.device_written_bytes != 0) row("amplification", fmt::format("{:.3f}", amplification(o)));
  if (o.refusals != 0) row("no room", fmt::format("{} times, and tried again", o.refusals));
  row("compared", fmt::format("{} blocks, {} wrong, {} that may be either", cli::grouped(o.compared_blocks),
                              o.wrong_blocks, o.unsure_blocks));
  if (!o.first_wrong.empty()) row("", o.first_wrong);
  if (o.failed)
    row("FAILED", fmt::format("{}, {} written over: {}", o.failed->when, cli::human_bytes(o.failed->after_bytes),
                              o.failed->what));
  return text;
}

}  // namespace furrow::full
