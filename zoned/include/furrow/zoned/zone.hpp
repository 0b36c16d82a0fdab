// One zone as a report describes it.
//
// Invariants
//   I1  write_pointer_bytes counts from the zone's start, in multiples of the LBA, and means something only in the
//       conditions empty, implicit_open, explicit_open and closed.
//   I2  0 < capacity_bytes <= bytes. A conventional zone has capacity_bytes == bytes and condition not_write_pointer.
//
// Not here: which commands are legal in which condition (zone_machine.hpp).
#pragma once

#include <cstdint>

#include "furrow/zoned/units.hpp"

namespace furrow::zoned {

enum class zone_type : std::uint8_t { conventional = 1, sequential = 2 };

/// The conditions of the NVMe ZNS and ZBC texts.
enum class zone_condition : std::uint8_t {
  not_write_pointer = 1,
  empty,
  implicit_open,
  explicit_open,
  closed,
  full,
  read_only,
  offline,
};

struct zone_info {
  zone_index index;
  zone_type type = zone_type::sequential;
  zone_condition condition = zone_condition::empty;
  std::uint64_t bytes = 0;
  std::uint64_t capacity_bytes = 0;
  std::uint64_t write_pointer_bytes = 0;
  friend bool operator==(const zone_info&, const zone_info&) = default;
};

[[nodiscard]] constexpr bool is_open(zone_condition c) {
  return c == zone_condition::implicit_open || c == zone_condition::explicit_open;
}
[[nodiscard]] constexpr bool is_active(zone_condition c) { return is_open(c) || c == zone_condition::closed; }
[[nodiscard]] constexpr bool is_writable(zone_condition c) { return is_active(c) || c == zone_condition::empty; }

}  // namespace furrow::zoned
