// The ioctls of admin_calls.hpp.
#include "nvme/admin_calls.hpp"

#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>

#include "nvme/nvme_layout.hpp"
#include "system_error.hpp"
#include "write_choice.hpp"
#include "zbd/queue_limits.hpp"

namespace furrow::zoned::nvme {
namespace {

constexpr std::uint8_t identify_opcode = 0x06;
constexpr std::uint32_t zoned_command_set = 2;

struct alignas(4096) page {
  std::array<std::byte, identify_bytes> bytes;
};

/// 0, a positive NVMe status, or a negative errno.
int identify(int fd, std::uint32_t namespace_id, std::uint32_t structure, std::uint32_t command_set, page& to) {
  ::nvme_admin_cmd c{};
  c.opcode = identify_opcode;
  c.nsid = namespace_id;
  c.addr = reinterpret_cast<std::uintptr_t>(to.bytes.data());
  c.data_len = identify_bytes;
  c.cdw10 = structure;
  c.cdw11 = command_set << 24;
  const int done = ::ioctl(fd, NVME_IOCTL_ADMIN_CMD, &c);
  return done < 0 ? -errno : done;
}

/// "/dev/nvme0n1" for "/dev/ng0n1"; empty for another name.
std::string block_path(const std::string& path) {
  const std::size_t name = path.rfind('/') + 1;
  if (path.compare(name, 2, "ng") != 0) return {};
  return path.substr(0, name) + "nvme" + path.substr(name + 2);
}

std::uint64_t least(std::uint64_t a, std::uint64_t limit_or_none) {
  return limit_or_none == 0 ? a : std::min(a, limit_or_none);
}

/// The kernel never splits a passthrough command, so the block queue's limits bound reads as well.
void set_promises(opened_namespace& o, const controller_limits& limits) {
  const std::string folder = o.guard.is_open() ? queue_folder(o.guard.get()) : std::string{};
  guarantees& p = o.promises;
  p = read_queue_limits(folder, o.shape.lba_bytes);
  p.in_flight_max = guarantees{}.in_flight_max;
  p.volatile_cache = limits.volatile_cache;
  p.transfer_bytes_max = least(p.append_bytes_max, limits.transfer_bytes_max);
  p.segments_max = std::min(p.segments_max, std::uint32_t{64});
  write_choice choice = choose_writing({.append_bytes_max = least(p.transfer_bytes_max, limits.append_bytes_max),
                                        .write_bytes_max = p.transfer_bytes_max});
  p.native_append = choice.append;
  p.append_bytes_max = choice.command_bytes_max;
  p.coalesce_bytes = choice.coalesce_bytes;
  p.appends_per_zone_max = choice.depth;
  o.writing = std::move(choice.because);
}

}  // namespace

boost::system::result<opened_namespace, failure> open_namespace(const std::string& path, bool read_only) {
  opened_namespace o;
  o.fd = unique_fd{::open(path.c_str(), O_CLOEXEC | (read_only ? O_RDONLY : O_RDWR))};
  if (!o.fd.is_open()) return system_failure(errno, "cannot open " + path);
  const int id = ::ioctl(o.fd.get(), NVME_IOCTL_ID);
  if (id <= 0)
    return failure{errc::not_zoned, path + " is no NVMe namespace; zoned block devices are /dev/nvme0n1, /dev/sdX"};
  o.id = static_cast<std::uint32_t>(id);
  if (const std::string block = block_path(path); !block.empty()) {
    o.guard = unique_fd{::open(block.c_str(), O_RDONLY | O_CLOEXEC | (read_only ? 0 : O_EXCL))};
    if (!o.guard.is_open() && errno == EBUSY) {
      return failure{errc::in_use, path + " is in use: " + block + " is mounted, or open in another process"};
    }
  }
  page controller, zoned_controller, space, zoned_space;
  if (const int e = identify(o.fd.get(), o.id, 0x05, zoned_command_set, zoned_space); e != 0) {
    if (e < 0 && e != -EINVAL) return system_failure(-e, "cannot identify " + path);
    return failure{errc::not_zoned, path + " is an NVMe namespace without zones; file:PATH emulates zones on a file"};
  }
  for (const int e : {identify(o.fd.get(), o.id, 0x00, 0, space), identify(o.fd.get(), 0, 0x01, 0, controller),
                      identify(o.fd.get(), 0, 0x06, zoned_command_set, zoned_controller)}) {
    if (e < 0) return system_failure(-e, "cannot identify " + path);
    if (e > 0) return failure{error_of_status(static_cast<unsigned>(e)), "cannot identify " + path};
  }
  const auto shape = parse_namespace(space.bytes, zoned_space.bytes);
  if (!shape) {
    return failure{
        errc::unsupported,
        path + " is formatted with blocks that are not 512 or 4096 bytes, or with metadata; nvme format --lbaf"};
  }
  o.shape = *shape;
  set_promises(o, parse_controller(controller.bytes, zoned_controller.bytes));
  return o;
}

}  // namespace furrow::zoned::nvme
