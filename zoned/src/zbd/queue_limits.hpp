// What the kernel's request queue of a block device promises, from sysfs, and whether it keeps the order of writes.
//
//   write_cache "write back", or unknown   volatile_cache
//   max_sectors_kb, max_segments           append_bytes_max: the kernel splits larger requests, and the pieces of two
//                                          may change order; so a write must be one request
//   max_segments                           segments_max
//   nr_requests                            in_flight_max, at least 32: io_uring gives what finds no room to threads that
//                                          keep no order
//   dma_alignment, virt_boundary_mask      memory_alignment_bytes, and never less than the LBA, even where the queue allows
//                                          it: null_blk (up to Linux 6.17) copies a block that begins in mid-page over
//                                          the page's end, into memory that is not its own
//
// Order of writes of one zone (kept_order): Linux 6.10 and later hold them back in zone write plugs; before that
// mq-deadline locks the zone, and no other scheduler does.
//
// Invariants
//   I1  A write of append_bytes_max, from one piece of memory or from whole aligned pages, is never split.
#pragma once

#include <string>

#include "furrow/zoned/geometry.hpp"
#include "furrow/zoned/guarantees.hpp"
#include "write_choice.hpp"

namespace furrow::zoned {

/// The folder of the queue of an open block device, or of the disk that a partition is on; empty if there is none.
[[nodiscard]] std::string queue_folder(int fd);

/// For one write at a time; choose_writing() says if it can be more.
[[nodiscard]] guarantees read_queue_limits(const std::string& folder, std::uint32_t lba_bytes);

/// `release` as uname has it: "6.1.0-56-amd64".
[[nodiscard]] kept_order read_kept_order(const std::string& folder, const std::string& release);
[[nodiscard]] std::string kernel_release();

}  // namespace furrow::zoned
