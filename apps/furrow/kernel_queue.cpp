#include "kernel_queue.hpp"

#include <sys/utsname.h>

#include <charconv>
#include <cstdio>
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

std::optional<std::uint64_t> number(const fs::path& path) {
  const std::string line = first_line(path);
  std::uint64_t value = 0;
  const auto [end, status] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (status != std::errc{} || end == line.data()) return std::nullopt;
  return value;
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
  if (::uname(&name) == 0) {
    q.kernel = std::string{name.sysname} + " " + name.release;
    unsigned major = 0, minor = 0;
    q.plugs_zone_writes =
        std::sscanf(name.release, "%u.%u", &major, &minor) == 2 && (major > 6 || (major == 6 && minor >= 10));
  }
  std::error_code ignored;
  const fs::path path{uri};
  if (!path.is_absolute() || !fs::exists(path, ignored)) return q;
  const std::string device = path.filename();
  std::string block = device;
  if (device.starts_with("ng")) {
    block = "nvme" + device.substr(2);
    q.is_passthrough = true;
  } else if (device.starts_with("nvme")) {
    const fs::path character = path.parent_path() / ("ng" + device.substr(4));
    if (fs::is_character_file(character, ignored)) q.character_device = character;
  }
  const fs::path folder = fs::path{"/sys/class/block"} / block;
  q.scheduler = chosen(first_line(folder / "queue/scheduler"));
  q.model = first_line(folder / "device/model");
  q.folder = folder / "queue";
  q.zones = first_line(folder / "queue/zoned");
  q.cache = first_line(folder / "queue/write_cache");
  q.open_max = number(folder / "queue/max_open_zones");
  q.active_max = number(folder / "queue/max_active_zones");
  q.request_kib = number(folder / "queue/max_sectors_kb");
  q.hardware_kib = number(folder / "queue/max_hw_sectors_kb");
  q.append_bytes = number(folder / "queue/zone_append_max_bytes");
  q.requests = number(folder / "queue/nr_requests");
  return q;
}

bool kernel_queue::open_max_is_default() const {
  constexpr std::uint64_t plugged_zones = 128;
  return !is_passthrough && plugs_zone_writes && open_max == plugged_zones && active_max.value_or(0) == 0;
}

}  // namespace furrow::cli
