// Legal commands on the zones of a device: one table, used by every emulated device, by asserts and by documents.
//
//   sequential zone   empty     imp_open  exp_open  closed    full  read_only  offline
//   append, write     imp_open  =/full    =/full    imp_open  x     x          x        full: last byte of capacity
//   open              exp_open  exp_open  =         exp_open  x     x          x
//   close             x         closed*   closed*   =         x     x          x        *empty if nothing is written
//   finish            full      full      full      full      =     x          x        takes no slot
//   reset             =         empty     empty     empty     empty x          x
//
//   conventional zone: write and read only; every other command is refused with invalid_transition.
//   x is zone_full (append and write of a full zone), zone_read_only, zone_offline, else invalid_transition.
//   A ZNS drive may leave a zone closed that an emulated device empties at close.
//
// A refused command changes nothing. Refusals are found in this order: range, alignment, type and condition, place,
// room, active limit, open limit.
//
// Invariants
//   I1  open + closed zones <= active_max; open zones <= open_max.
//   I2  A write or open that needs an open slot closes the implicitly open zone that was written longest ago; if all
//       are explicitly open it is refused with too_many_open. A slot of active_max is never freed by itself.
//   I3  empty => write pointer 0; full => write pointer at the capacity; it never passes the capacity.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "furrow/zoned/command.hpp"
#include "furrow/zoned/geometry.hpp"

namespace furrow::zoned {

/// Conditions and write pointers of all zones of an emulated device. A pure value: no data, no IO.
class zone_machine {
 public:
  /// `zones` gives type, capacity and initial state of each zone; limits come from `shape`.
  zone_machine(const geometry& shape, std::vector<zone_info> zones);

  [[nodiscard]] const zone_info& at(zone_index zone) const { return zones_[zone.value]; }
  [[nodiscard]] std::span<const zone_info> all() const { return zones_; }
  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(zones_.size()); }
  [[nodiscard]] std::uint32_t open_count() const { return open_count_; }
  [[nodiscard]] std::uint32_t active_count() const { return active_count_; }

  /// Checks, and on success performs, the transition of an append of `bytes`; `at` is where it lands.
  [[nodiscard]] result<place> append(zone_index zone, std::uint64_t bytes);
  /// The same for a write at `offset_bytes` (conventional: anywhere below the size).
  [[nodiscard]] error_code write(zone_index zone, std::uint64_t offset_bytes, std::uint64_t bytes);
  [[nodiscard]] error_code manage(opcode op, zone_index zone);  ///< open, close, finish, reset

  /// For fault injection and reload: forces the state of one zone, without checking transitions.
  void force(const zone_info& zone);

 private:
  [[nodiscard]] error_code check_room(const zone_info& zone, std::uint64_t bytes) const;
  [[nodiscard]] error_code check_slots(const zone_info& zone) const;
  void make_open(zone_info& zone, zone_condition as);
  void close_oldest_implicit();
  void advance(zone_info& zone, std::uint64_t bytes);
  void set_condition(zone_info& zone, zone_condition condition);

  geometry shape_;
  std::vector<zone_info> zones_;
  std::vector<std::uint64_t> written_at_;  // logical time of the last write, for I2
  std::uint64_t clock_ = 0;
  std::uint32_t open_count_ = 0;
  std::uint32_t active_count_ = 0;
};

}  // namespace furrow::zoned
