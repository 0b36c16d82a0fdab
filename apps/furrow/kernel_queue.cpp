#include "kernel_queue.hpp"

#include <sys/utsname.h>

#include <filesystem>
#include <fstream>

namespace furrow::cli {

namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& path) {
  std::ifstream in{path};
  std::string line;
  std::getline(in, line);
  const std::size_t last = line.find_last_not_of(" \t");
  return last == std::string::npos ? std::string{} : line.substr(0, last + 1);
}

/// "none [mq-deadline] bfq" -> "mq-deadline"
std::string chosen(const std::string& line) {
  const std::size_t begin = line.find('['), end = line.find(']');
  return begin == std::string::npos || end == std::string::npos ? line : line.substr(begin + 1, end - begin - 1);
}

}  // namespace

kernel_queue ask_kernel(const std::string& uri) {
  kernel_queue q;
  ::utsname name{};
  if (::uname(&name) == 0) q.kernel = std::string{name.sysname} + " " + name.release;
  std::error_code ignored;
  const fs::path path{uri};
  if (!path.is_absolute() || !fs::exists(path, ignored)) return q;
  const std::string device = path.filename();
  std::string block = device;
  if (device.starts_with("ng")) {
    block = "nvme" + device.substr(2);
  } else if (device.starts_with("nvme")) {
    const fs::path character = path.parent_path() / ("ng" + device.substr(4));
    if (fs::is_character_file(character, ignored)) q.character_device = character;
  }
  const fs::path folder = fs::path{"/sys/class/block"} / block;
  q.scheduler = chosen(first_line(folder / "queue/scheduler"));
  q.model = first_line(folder / "device/model");
  return q;
}

}  // namespace furrow::cli
