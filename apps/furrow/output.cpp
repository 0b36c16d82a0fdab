#include "output.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "failure.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

std::size_t buffer_bytes_max = 64 * 1024;
bool written_to = false;

void write_all(std::string_view text) {
  written_to = written_to || !text.empty();
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      throw output_closed{};
    } else if (errno != EINTR) {
      throw system_failure("standard output", errno);
    }
  }
}

}  // namespace

void output::hold(std::size_t bytes_max) { buffer_bytes_max = bytes_max; }

bool output::is_written() { return written_to; }

output::output() : terminal_{::isatty(STDOUT_FILENO) == 1} {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  colours_ = terminal_ && (no_colour == nullptr || *no_colour == '\0') &&
             !(kind != nullptr && std::string_view{kind} == "dumb");
}

void output::write(std::string_view text) {
  if (buffer_.size() + text.size() > buffer_bytes_max) flush();
  if (text.size() >= buffer_bytes_max) return write_all(text);
  buffer_ += text;
}

void output::write(std::span<const std::byte> bytes) {
  write(std::string_view{reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

void output::line(std::string_view text) {
  write(text);
  write(std::string_view{"\n"});
}

void output::name(std::string_view bytes, bool nul_after) {
  if (nul_after) {
    write(bytes);
    write(std::string_view{"\0", 1});
  } else {
    line(shown(bytes));
  }
}

std::string output::shown(std::string_view bytes) const { return terminal_ ? escaped(bytes) : std::string{bytes}; }

void output::json(const nlohmann::json& value) {
  line(value.dump(terminal_ ? 2 : -1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void output::json_line(const nlohmann::json& value) {
  line(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void output::flush() {
  const std::string pending = std::move(buffer_);
  buffer_.clear();
  write_all(pending);
}

std::size_t output::columns() const {
  winsize size{};
  if (terminal_ && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

}  // namespace furrow::cli
