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
/// Why the read of this object must not have failed so; none if it may.
[[nodiscard]] std::optional<std::string> refute_loss(const model& truth, sim_device& device, object_index object,
                                                     const core::notification& n);
/// Why the blocks that are named must have verified; none if each of them was lied about: it is in that zone, and was spoiled, or
/// read as another one since so many stale reads. Of an object that the model does not know any block of the zone will do.
[[nodiscard]] std::optional<std::string> refute_lie(const model& truth, sim_device& device, const error_detail& detail,
                                                    std::uint64_t stale_since);

}  // namespace furrow::sim
