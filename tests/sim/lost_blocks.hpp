// Whether a read may fail for an offline zone: only of a block whose bytes are in that zone and nowhere else to be had; or for
// bytes that are not what was written: only in a zone about which the device has lied.
#pragma once

#include <optional>
#include <string>

#include "core/messages.hpp"
#include "sim/model.hpp"
#include "sim/sim_device.hpp"

namespace furrow::sim {

/// The zone that the failure names, if it is offline.
[[nodiscard]] bool names_offline_zone(sim_device& device, const error_detail& detail);
/// Blocks of the zone that the failure names have been spoiled, and it is of that.
[[nodiscard]] bool names_spoiled_zone(sim_device& device, error_code error, const error_detail& detail);
/// Why the read of this object must not have failed so; none if it may.
[[nodiscard]] std::optional<std::string> refute_loss(const model& truth, sim_device& device, object_index object,
                                                     const core::notification& n);

}  // namespace furrow::sim
