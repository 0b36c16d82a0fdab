// Whether a refusal for want of room may be true, by the zones of the device: not while more of them are empty than what is
// kept, and what is on its way, could take.
//
// Not here: what is dead and could be won back (full_store.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "furrow/engine/error.hpp"
#include "sim/sim_device.hpp"

namespace furrow::sim {

/// Why there must have been room; none if there may have been none. `blocks`: of all operations that are on their way, this one
/// too. `metadata_elsewhere`: metadata has conventional zones alone, and finds no room there whatever the others have. A zone to which a command has failed since so many errors may be suspect.
[[nodiscard]] std::optional<std::string> refute_no_space(sim_device& device, const space_shortage& told,
                                                         std::uint64_t blocks, bool metadata_elsewhere,
                                                         std::uint64_t errors_before = 0);

}  // namespace furrow::sim
