#include "failure.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "text.hpp"

namespace furrow::cli {

namespace {

/// What a person can do about it; empty where the message says all.
const char* way_out(errc code) {
  switch (code) {
    case errc::not_found:
      return "'furrow ls' lists the names";
    case errc::exists:
      return "remove or rename it first";
    case errc::no_space:
      return "remove objects with 'furrow rm', or use a larger device";
    case errc::quota_exceeded:
      return "remove objects with 'furrow rm', or give it more with 'furrow quota --set'";
    case errc::offset_mismatch:
      return "'furrow stat' tells the object's end";
    case errc::checksum_mismatch:
    case errc::damaged:
      return "'furrow check --data' lists what is hurt";
    case errc::needs_reopen:
      return "run the command again: opening the store decides what was kept";
    case errc::not_a_store:
      return "'furrow format' makes one";
    case errc::formatted:
      return "--force erases it";
    case errc::older_format:
      return "copy out what it holds with the version of furrow that wrote it";
    case errc::newer_format:
    case errc::unsupported_feature:
      return "use the version of furrow that wrote it, or a later one";
    case errc::moved_on:
      return "run the command again; 'furrow check' tells whether it is damaged, when nothing writes to it";
    case errc::superseded:
      return "another program uses the store; end it first";
    case errc::out_of_range:
      return "'furrow stat' tells the object's size";
    case errc::name_empty:
    case errc::name_too_long:
    case errc::attributes_too_large:
    case errc::invalid_argument:
    case errc::collection_not_found:
    case errc::fenced:
    case errc::predecessor_failed:
    case errc::read_only:
    case errc::wrong_device:
    case errc::too_small:
    case errc::too_few_active_zones:
    case errc::busy:
    case errc::closed:
    case errc::cancelled:
    case errc::timed_out:
    case errc::needs_own_thread:
    case errc::unsupported:
    case errc::too_fragmented:
    case errc::source_failed:
      return "";
  }
  return "";
}

std::string place_of(const error_detail& detail) {
  std::string text;
  const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (detail.object) add(fmt::format("object {}", *detail.object));
  if (detail.offset_bytes && detail.bytes) {
    add(fmt::format("bytes {}..{}", *detail.offset_bytes, *detail.offset_bytes + *detail.bytes));
  } else if (detail.offset_bytes) {
    add(fmt::format("byte {}", *detail.offset_bytes));
  }
  if (detail.zone) add(fmt::format("zone {}", detail.zone->value));
  return text;
}

/// What can be done about it depends on what is short.
const char* way_out(space_shortage::kind what) {
  switch (what) {
    case space_shortage::kind::free:
    case space_shortage::kind::reserved:
      return way_out(errc::no_space);
    case space_shortage::kind::reclaimable:
      return "'furrow zones' tells why each zone is kept";
    case space_shortage::kind::active_zones:
      return "end what else writes to the device, or format with fewer copies";
  }
  return "";
}

std::string figures_of(const space_shortage& s) {
  std::string text =
      fmt::format("wanted {}; free {}, dead {}, reserved {}; {} zones free, {} active", human_bytes(s.wanted_bytes),
                  human_bytes(s.free_bytes), human_bytes(s.reclaimable_bytes), human_bytes(s.reserved_bytes),
                  s.zones_free, s.zones_active);
  if (s.zones_active_max != 0) text += fmt::format(" of {}", s.zones_active_max);
  return text;
}

bool is_final(error_code code) {
  return code == errc::no_space || code == errc::quota_exceeded || code == errc::needs_reopen ||
         code == errc::read_only || code == errc::closed || code == errc::superseded || code == errc::moved_on;
}

bool is_final(int error_number) {
  return error_number == ENOSPC || error_number == EDQUOT || error_number == EROFS || error_number == EIO ||
         error_number == EMFILE;
}

}  // namespace

std::string describe(std::string_view thing, error_code code, const error_detail& detail) {
  std::string line = detail.what;
  if (line.empty()) {
    line = code.message();
    if (const std::string place = place_of(detail); !place.empty()) line += " (" + place + ")";
  }
  if (detail.space) line += fmt::format(" ({}); {}", figures_of(*detail.space), way_out(detail.space->what));
  const std::string_view out =
      code.category() == furrow::error_category() ? way_out(static_cast<errc>(code.value())) : "";
  if (!out.empty() && line.find(';') == std::string::npos) line += fmt::format("; {}", out);
  return thing.empty() ? line : escaped(thing) + ": " + line;
}

exit_status status_of(error_code code) {
  return code == errc::damaged || code == errc::checksum_mismatch ? exit_status::damage_found : exit_status::failed;
}

failure make_failure(std::string_view thing, error_code code, const error_detail& detail) {
  return failure{describe(thing, code, detail), status_of(code), is_final(code), code == errc::moved_on};
}

failure system_failure(std::string_view thing, int error_number) {
  return failure{escaped(thing) + ": " + std::strerror(error_number), exit_status::failed, is_final(error_number)};
}

failure wrong_usage(const std::string& line) { return failure{line, exit_status::wrong_usage}; }

void complain(std::string_view line) {
  const std::string text = fmt::format("furrow: {}\n", line);
  // Nobody is left to be told if this fails.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace furrow::cli
