// What is told of space: which kind is short when somebody gets none, and why each zone is not free.
//
// Invariants
//   S1  What is short is asked only when nothing more is coming: no zone is on its way back, and cleaning gains nothing.
//
// Not here: whether there is room (data_writer, checkpoint), what frees a zone (reclaimer).
#pragma once

#include "core/context.hpp"

namespace furrow::core {

/// For an answer of no_space to who wanted so many blocks; 0: room for metadata only. `no_credit`: the device refused one
/// more active zone, again and again.
[[nodiscard]] error_detail no_space_detail(context& c, std::uint64_t object, std::uint64_t blocks,
                                           bool no_credit = false);

/// All that keeps it from being free.
[[nodiscard]] std::vector<zone_keeper> keepers_of(const context& c, const zone_state& z);

}  // namespace furrow::core
