// What the kernel's request queue of a block device promises, from sysfs.
//
//   write_cache "write back", or unknown   volatile_cache
//   max_sectors_kb, max_segments           append_bytes_max: the kernel splits larger requests, and the pieces of two
//                                          may change order; so a write must be one request
//   max_segments                           segments_max
//   dma_alignment, virt_boundary_mask      memory_alignment_bytes, and never less than the LBA, even where the queue allows
//                                          it: null_blk (up to Linux 6.17) copies a block that begins in mid-page over
//                                          the page's end, into memory that is not its own
//
// Invariants
//   I1  A write of append_bytes_max, from one piece of memory or from whole aligned pages, is never split.
#pragma once

#include <string>

#include "furrow/zoned/geometry.hpp"
#include "furrow/zoned/guarantees.hpp"

namespace furrow::zoned {

/// The folder of the queue of an open block device, or of the disk that a partition is on; empty if there is none.
[[nodiscard]] std::string queue_folder(int fd);

[[nodiscard]] guarantees read_queue_limits(const std::string& folder, std::uint32_t lba_bytes);

}  // namespace furrow::zoned
