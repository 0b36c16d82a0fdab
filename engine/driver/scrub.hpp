// A scrub at a pace: parts, each a request to the core, and pauses between them.
//
// Invariants
//   I1  After each part it waits until, of all that was read, no more than bytes_per_second was read since it began. It is asked
//       whether it was cancelled before each part and at least every pause_max.
//   I2  The handler is called once, as those of other operations are, with what was found up to then also if it fails.
#pragma once

#include "driver/operation.hpp"
#include "furrow/engine/scrub.hpp"
#include "furrow/engine/store.hpp"

namespace furrow::driver {

/// `part` asks the core for one part.
using scrub_part = std::function<void(handler_for<scrub_result>, core::scrub_request)>;
void start_scrub(handler_for<scrub_result> h, const scrub_options& options, const asio::any_io_executor& on,
                 scrub_part part);

}  // namespace furrow::driver
