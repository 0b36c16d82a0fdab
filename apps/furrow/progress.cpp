#include "progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "text.hpp"

namespace furrow::cli {

namespace {

void to_terminal(const std::string& text) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::uint64_t rate_of(std::uint64_t bytes, double seconds) {
  return seconds > 0 ? static_cast<std::uint64_t>(static_cast<double>(bytes) / seconds) : 0;
}

}  // namespace

progress::progress(std::string verb, std::uint64_t files_total, std::uint64_t bytes_total)
    : verb_{std::move(verb)},
      files_total_{files_total},
      bytes_total_{bytes_total},
      enabled_{::isatty(STDERR_FILENO) == 1} {}

progress::~progress() { clear(); }

void progress::add_bytes(std::uint64_t bytes) {
  bytes_ += bytes;
  draw();
}

void progress::add_file() {
  ++files_;
  draw();
}

double progress::done_share() const {
  const auto share = [](std::uint64_t done, std::uint64_t total) {
    return static_cast<double>(done) / static_cast<double>(total);
  };
  if (bytes_total_ > 0) return std::min(1.0, share(bytes_, bytes_total_));
  return files_total_ > 0 ? std::min(1.0, share(files_, files_total_)) : 0;
}

double progress::seconds() const { return std::chrono::duration<double>(clock::now() - begun_).count(); }

void progress::draw() {
  if (!enabled_) return;
  const auto now = clock::now();
  if (drawn_ && now - drawn_at_ < std::chrono::milliseconds{100}) return;
  drawn_ = true;
  drawn_at_ = now;
  const double elapsed = seconds();
  const std::uint64_t rate = rate_of(bytes_, elapsed);
  std::string line = verb_ + "  ";
  line += files_total_ > 0 ? fmt::format("{}/{} files", grouped(files_), grouped(files_total_))
                           : fmt::format("{} files", grouped(files_));
  line += "  " + human_bytes(bytes_);
  if (bytes_total_ > 0) line += " of " + human_bytes(bytes_total_);
  line += fmt::format("  {}/s", human_bytes(rate));
  if (const double share = done_share(); share > 0) line += "  ETA " + human_seconds(elapsed * (1 - share) / share);
  const std::size_t room = terminal_columns() - 1;
  if (line.size() > room) line.resize(room);
  to_terminal("\r" + line + "\x1b[K");
}

void progress::clear() {
  if (!drawn_) return;
  drawn_ = false;
  to_terminal("\r\x1b[K");
}

std::string progress::summary() const {
  const double elapsed = seconds();
  return fmt::format("{} {} {}, {} in {:.1f} s ({}/s)", verb_, grouped(files_), files_ == 1 ? "file" : "files",
                     human_bytes(bytes_), elapsed, human_bytes(rate_of(bytes_, elapsed)));
}

}  // namespace furrow::cli
