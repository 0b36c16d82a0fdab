// What can be said about a command without knowing any zone's state: place, alignment and limits.
//
// Not here: conditions and write pointers (zone_machine.hpp).
#pragma once

#include "furrow/zoned/command.hpp"
#include "furrow/zoned/geometry.hpp"
#include "furrow/zoned/guarantees.hpp"

namespace furrow::zoned {

/// Why a device of this shape, type of zone and promises refuses the command; none if it does not.
[[nodiscard]] error_code check_transfer(const command& c, zone_type type, const geometry& shape,
                                        const guarantees& promises);

/// The number of zones a report fills.
[[nodiscard]] std::size_t report_count(const command& c, const geometry& shape);

[[nodiscard]] constexpr bool is_transfer(opcode op) {
  return op == opcode::append || op == opcode::write || op == opcode::read;
}
[[nodiscard]] constexpr bool is_management(opcode op) {
  return op == opcode::open || op == opcode::close || op == opcode::finish || op == opcode::reset;
}
/// Whether the command changes the medium.
[[nodiscard]] constexpr bool is_mutation(opcode op) {
  return op == opcode::append || op == opcode::write || is_management(op);
}

}  // namespace furrow::zoned
