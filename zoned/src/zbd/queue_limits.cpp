// Reading and rounding of queue_limits.hpp.
#include "zbd/queue_limits.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>

#include "furrow/zoned/units.hpp"

namespace furrow::zoned {
namespace {

constexpr std::uint64_t page_bytes = 4096;
constexpr std::uint64_t segments_hard_max = 1024;  // IOV_MAX

std::optional<std::string> read_line(const std::string& path) {
  std::ifstream in{path};
  std::string line;
  if (!std::getline(in, line)) return std::nullopt;
  return line;
}

std::optional<std::uint64_t> read_number(const std::string& path) {
  const std::optional<std::string> line = read_line(path);
  if (!line) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, status] = std::from_chars(line->data(), line->data() + line->size(), value);
  if (status != std::errc{} || end == line->data()) return std::nullopt;
  return value;
}

std::uint64_t whole_blocks(std::uint64_t bytes) {
  return std::max<std::uint64_t>(bytes / store_block_bytes * store_block_bytes, store_block_bytes);
}

}  // namespace

std::string queue_folder(int fd) {
  struct ::stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISBLK(status.st_mode)) return {};
  const std::string device =
      "/sys/dev/block/" + std::to_string(::major(status.st_rdev)) + ":" + std::to_string(::minor(status.st_rdev));
  std::error_code ignored;
  for (const char* const folder : {"/queue", "/../queue"}) {
    if (std::filesystem::is_directory(device + folder, ignored)) return device + folder;
  }
  return {};
}

guarantees read_queue_limits(const std::string& folder, std::uint32_t lba_bytes) {
  guarantees p;
  p.native_append = false;
  p.appends_per_zone_max = 1;
  p.volatile_cache = read_line(folder + "/write_cache").value_or("write back") != "write through";
  if (const auto kilobytes = read_number(folder + "/max_sectors_kb"); kilobytes && *kilobytes > 0) {
    p.append_bytes_max = *kilobytes * 1024;
  }
  if (const auto segments = read_number(folder + "/max_segments"); segments && *segments > 0) {
    p.segments_max = static_cast<std::uint32_t>(std::min(*segments, segments_hard_max));
    // One piece of memory that does not begin on a page touches one page more than it fills.
    p.append_bytes_max = std::min(p.append_bytes_max, std::max<std::uint64_t>(*segments - 1, 1) * page_bytes);
  }
  p.append_bytes_max = whole_blocks(p.append_bytes_max);
  if (const auto requests = read_number(folder + "/nr_requests"); requests && *requests > 0) {
    p.in_flight_max = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(*requests, 32, p.in_flight_max));
  }
  p.transfer_bytes_max = std::max(p.transfer_bytes_max, p.append_bytes_max);
  std::uint64_t alignment = lba_bytes;
  for (const char* const mask : {"/dma_alignment", "/virt_boundary_mask"}) {
    if (const auto bits = read_number(folder + mask); bits && *bits < page_bytes) {
      alignment = std::max(alignment, std::bit_ceil(*bits + 1));
    }
  }
  p.memory_alignment_bytes = static_cast<std::uint32_t>(alignment);
  return p;
}

kept_order read_kept_order(const std::string& folder, const std::string& release) {
  unsigned major = 0, minor = 0;
  const char* const end = release.data() + release.size();
  const auto [dot, status] = std::from_chars(release.data(), end, major);
  if (status == std::errc{} && dot != end && *dot == '.') std::from_chars(dot + 1, end, minor);
  if (major > 6 || (major == 6 && minor >= 10)) return kept_order::zone_plugs;
  const std::string schedulers = read_line(folder + "/scheduler").value_or("");
  return schedulers.find("[mq-deadline]") != std::string::npos ? kept_order::scheduler : kept_order::nobody;
}

std::string kernel_release() {
  ::utsname name{};
  return ::uname(&name) == 0 ? name.release : "";
}

}  // namespace furrow::zoned
