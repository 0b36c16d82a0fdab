// Whether several writes of a zone in flight reach a device in the order of their submission: tried out at opening.
//
// The kernel says so already (zbd/queue_limits.hpp); this finds the driver, the hypervisor or the disk behind which it
// is not true. It proves nothing for ever, and need not: ordered_append finds out later as well.
//
// Only on a device that is blank: every sequential zone is empty, so nothing can refer to one. A store keeps empty zones
// for what comes next and has written down which; if the power went between the writes of a test and its reset, the next
// open would find bytes there that it cannot explain. So a device with data is taken at the kernel's word, and watched.
//
// What it does to the device
//   In one zone, the first from the middle on, it writes a few blocks, several at a time, has the zone reported, and resets
//   it. At most 2 x depth writes and one reset; it takes as long as the device takes for these. Whoever opens for reading
//   must not call it.
//
// Invariants
//   I1  Nothing is in flight when it returns.
#pragma once

#include "furrow/zoned/device.hpp"
#include "write_choice.hpp"

namespace furrow::zoned {

/// `bare` has writes at the write pointer, and nothing in flight.
[[nodiscard]] order_test test_order(device& bare, std::uint32_t depth);

}  // namespace furrow::zoned
