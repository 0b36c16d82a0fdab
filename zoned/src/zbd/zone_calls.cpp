// libzbd's bytes-from-the-start-of-the-device into this layer's zones.
#include "zbd/zone_calls.hpp"

#include <fcntl.h>
#include <libzbd/zbd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "ensure.hpp"
#include "system_error.hpp"

namespace furrow::zoned {
namespace {

/// Zones asked for at once: the kernel holds a page for each 64 of them while it answers.
constexpr std::size_t portion_zones = 4096;

std::optional<std::uint32_t> limit(unsigned int stated, std::uint32_t zone_count) {
  if (stated == 0 || stated == UINT32_MAX || stated >= zone_count) return std::nullopt;
  return stated;
}

zone_condition condition_of(unsigned int condition) {
  switch (condition) {
    case ZBD_ZONE_COND_NOT_WP:
      return zone_condition::not_write_pointer;
    case ZBD_ZONE_COND_EMPTY:
      return zone_condition::empty;
    case ZBD_ZONE_COND_IMP_OPEN:
      return zone_condition::implicit_open;
    case ZBD_ZONE_COND_EXP_OPEN:
      return zone_condition::explicit_open;
    case ZBD_ZONE_COND_CLOSED:
      return zone_condition::closed;
    case ZBD_ZONE_COND_FULL:
      return zone_condition::full;
    case ZBD_ZONE_COND_READONLY:
      return zone_condition::read_only;
    default:
      return zone_condition::offline;  // and what later standards add: nothing may be done with it
  }
}

zone_info from_zbd(const zbd_zone& z, zone_index index) {
  zone_info zone{.index = index,
                 .type = z.type == ZBD_ZONE_TYPE_CNV ? zone_type::conventional : zone_type::sequential,
                 .condition = condition_of(z.cond),
                 .bytes = z.len,
                 .capacity_bytes = z.capacity == 0 ? z.len : std::min<std::uint64_t>(z.capacity, z.len),
                 .write_pointer_bytes = 0};
  if (zone.type == zone_type::conventional) {
    zone.capacity_bytes = zone.bytes;
  } else if (zone.condition == zone_condition::full) {
    zone.write_pointer_bytes = zone.capacity_bytes;
  } else if (z.wp > z.start) {
    zone.write_pointer_bytes = std::min<std::uint64_t>(z.wp - z.start, zone.capacity_bytes);
  }
  return zone;
}

failure refused_opening(const std::string& path, int number) {
  if (number == EBUSY) return {errc::in_use, path + " is in use: mounted, or open in another process"};
  if (number == ENXIO || number == ENOTTY) {
    return {errc::not_zoned, path + " has no zones; file:PATH emulates zones on a file"};
  }
  return system_failure(number, "cannot open " + path);
}

std::string model_name(unsigned int model) { return model == ZBD_DM_HOST_AWARE ? "host-aware" : "host-managed"; }

}  // namespace

boost::system::result<opened_block_device, failure> open_block_device(const std::string& path, bool read_only) {
  zbd_info info{};
  const int fd = ::zbd_open(path.c_str(), O_CLOEXEC | O_DIRECT | (read_only ? O_RDONLY : O_RDWR | O_EXCL), &info);
  if (fd < 0) return refused_opening(path, fd == -1 ? errno : -fd);
  opened_block_device opened{.fd = unique_fd{fd}, .shape = {}, .model = model_name(info.model)};
  if (info.zone_size == 0 || info.nr_zones == 0 || info.model == ZBD_DM_NOT_ZONED) return refused_opening(path, ENXIO);
  geometry& g = opened.shape;
  g.lba_bytes = info.lblock_size;
  if (g.lba_bytes != 512 && g.lba_bytes != 4096) {
    return failure{errc::unsupported,
                   path + " has blocks of " + std::to_string(g.lba_bytes) + " bytes, not 512 or 4096"};
  }
  const std::uint64_t bytes = info.nr_sectors * 512ULL;
  g.zone_bytes = info.zone_size;
  g.zone_count = static_cast<std::uint32_t>((bytes + g.zone_bytes - 1) / g.zone_bytes);
  g.last_zone_bytes = bytes - (std::uint64_t{g.zone_count} - 1) * g.zone_bytes;
  g.open_max = limit(info.max_nr_open_zones, g.zone_count);
  g.active_max = limit(info.max_nr_active_zones, g.zone_count);
  return opened;
}

result<std::size_t> report_zones(int fd, const geometry& shape, zone_index first, std::span<zone_info> out) {
  std::vector<zbd_zone> portion(std::min(out.size(), portion_zones));
  std::size_t filled = 0;
  while (filled < out.size()) {
    const std::uint32_t next = first.value + static_cast<std::uint32_t>(filled);
    if (next >= shape.zone_count) break;
    auto count = static_cast<unsigned int>(std::min(portion.size(), out.size() - filled));
    const auto offset = static_cast<off_t>(next * shape.zone_bytes);
    if (::zbd_report_zones(fd, offset, 0, ZBD_RO_ALL, portion.data(), &count) != 0) return device_error(errno);
    if (count == 0) break;
    for (unsigned int i = 0; i < count; ++i) {
      // The device is not believed blindly: a report that skips zones would shift every address.
      if (portion[i].start != (std::uint64_t{next} + i) * shape.zone_bytes) return errc::io;
      out[filled++] = from_zbd(portion[i], {next + i});
    }
  }
  return filled;
}

error_code manage_zone(int fd, const geometry& shape, opcode op, zone_index zone) {
  ensure(zone.value < shape.zone_count);
  zbd_zone_op what{};
  switch (op) {
    case opcode::open:
      what = ZBD_OP_OPEN;
      break;
    case opcode::close:
      what = ZBD_OP_CLOSE;
      break;
    case opcode::finish:
      what = ZBD_OP_FINISH;
      break;
    case opcode::reset:
      what = ZBD_OP_RESET;
      break;
    case opcode::append:
    case opcode::write:
    case opcode::read:
    case opcode::flush:
    case opcode::report:
      ensure(false);
  }
  const auto offset = static_cast<off_t>(zone.value * shape.zone_bytes);
  const auto length = static_cast<off_t>(shape.bytes_of(zone));
  return ::zbd_zones_operation(fd, what, offset, length) == 0 ? error_code{} : device_error(errno);
}

}  // namespace furrow::zoned
