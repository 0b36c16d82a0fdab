// Whether several writes of a zone in flight reach a device in the order of their submission: tried out at opening.
//
// The kernel says so already (zbd/queue_limits.hpp); this finds the driver, the hypervisor or the disk behind which it
// is not true. It proves nothing for ever, and need not: ordered_append finds out later as well.
//
// What it does to the device
//   It uses one zone that is empty, and leaves it empty: a few blocks are written, several at a time; the zone is reported,
//   and reset. The zone is the first empty one from the middle on, for what a format keeps at fixed places lies at the ends.
//   No such zone, or no room for one more active zone: no test. Whoever opens for reading must not call it.
//   If the power goes in between, a zone without a reference has a few blocks: what a store finds after the loss of
//   power anyway, where it had begun a zone.
//   It sends at most 2 x depth writes, one reset, and reports; it takes as long as the device takes for these.
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
