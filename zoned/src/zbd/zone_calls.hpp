// The blocking calls on a zoned block device: open, report, manage. The only user of libzbd.
//
// Not here: reads, writes and flushes (uring/), threads (helper_thread.hpp).
#pragma once

#include <span>
#include <string>

#include "furrow/zoned/command.hpp"
#include "furrow/zoned/geometry.hpp"
#include "unique_fd.hpp"

namespace furrow::zoned {

struct opened_block_device {
  unique_fd fd;
  geometry shape;     ///< Limits as the driver states them; 0 and "unknown" are absent.
  std::string model;  ///< "host-managed", "host-aware"
};

/// O_DIRECT; for writing also exclusively.
[[nodiscard]] boost::system::result<opened_block_device, failure> open_block_device(const std::string& path,
                                                                                    bool read_only);

/// Fills `out` with the zones from `first` on; returns how many there were. Asks in portions.
[[nodiscard]] result<std::size_t> report_zones(int fd, const geometry& shape, zone_index first,
                                               std::span<zone_info> out);

/// open, close, finish, reset
[[nodiscard]] error_code manage_zone(int fd, const geometry& shape, opcode op, zone_index zone);

}  // namespace furrow::zoned
