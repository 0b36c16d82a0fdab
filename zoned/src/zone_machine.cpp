// The table of zone_machine.hpp as code.
#include "furrow/zoned/zone_machine.hpp"

#include <algorithm>
#include <utility>

#include "ensure.hpp"

namespace furrow::zoned {
namespace {

using enum zone_condition;

/// Why a zone in this condition takes neither data nor a change of state; none if it may.
error_code dead(zone_condition condition) {
  if (condition == read_only) return errc::zone_read_only;
  if (condition == offline) return errc::zone_offline;
  return {};
}

}  // namespace

zone_machine::zone_machine(const geometry& shape, std::vector<zone_info> zones)
    : shape_{shape}, zones_{std::move(zones)}, written_at_(zones_.size(), 0) {
  ensure(zones_.size() == shape_.zone_count);
  for (const zone_info& zone : zones_) {
    ensure(zone.capacity_bytes > 0);
    ensure(zone.capacity_bytes <= zone.bytes);
    ensure(zone.type == zone_type::conventional || zone.condition != not_write_pointer);
    open_count_ += is_open(zone.condition) ? 1U : 0U;
    active_count_ += is_active(zone.condition) ? 1U : 0U;
  }
}

result<place> zone_machine::append(zone_index index, std::uint64_t bytes) {
  if (index.value >= count()) return errc::out_of_range;
  if (bytes == 0 || bytes % shape_.lba_bytes != 0) return errc::unaligned;
  zone_info& zone = zones_[index.value];
  if (zone.type == zone_type::conventional) return errc::invalid_transition;
  if (const error_code e = check_room(zone, bytes)) return e;
  if (const error_code e = check_slots(zone)) return e;
  const place at{index, zone.write_pointer_bytes};
  advance(zone, bytes);
  return at;
}

error_code zone_machine::write(zone_index index, std::uint64_t offset_bytes, std::uint64_t bytes) {
  if (index.value >= count()) return errc::out_of_range;
  if (bytes == 0 || bytes % shape_.lba_bytes != 0 || offset_bytes % shape_.lba_bytes != 0) return errc::unaligned;
  zone_info& zone = zones_[index.value];
  if (zone.type == zone_type::conventional) {
    if (const error_code e = dead(zone.condition)) return e;
    if (offset_bytes > zone.bytes || bytes > zone.bytes - offset_bytes) return errc::zone_boundary;
    return {};
  }
  if (is_writable(zone.condition) && offset_bytes != zone.write_pointer_bytes) return errc::not_sequential;
  if (const error_code e = check_room(zone, bytes)) return e;
  if (const error_code e = check_slots(zone)) return e;
  advance(zone, bytes);
  return {};
}

error_code zone_machine::manage(opcode op, zone_index index) {
  if (index.value >= count()) return errc::out_of_range;
  zone_info& zone = zones_[index.value];
  if (zone.type == zone_type::conventional) return errc::invalid_transition;
  if (const error_code e = dead(zone.condition)) return e;
  switch (op) {
    case opcode::open:
      if (zone.condition == full) return errc::invalid_transition;
      if (const error_code e = check_slots(zone)) return e;
      make_open(zone, explicit_open);
      return {};
    case opcode::close:
      if (!is_active(zone.condition)) return errc::invalid_transition;
      set_condition(zone, zone.write_pointer_bytes == 0 ? empty : closed);
      return {};
    case opcode::finish:
      set_condition(zone, full);
      zone.write_pointer_bytes = zone.capacity_bytes;
      return {};
    case opcode::reset:
      set_condition(zone, empty);
      zone.write_pointer_bytes = 0;
      return {};
    case opcode::append:
    case opcode::write:
    case opcode::read:
    case opcode::flush:
    case opcode::report:
      break;
  }
  ensure(false);
  return errc::unsupported;
}

void zone_machine::force(const zone_info& zone) {
  ensure(zone.index.value < count());
  ensure(zone.write_pointer_bytes <= zone.capacity_bytes);
  zone_info& old = zones_[zone.index.value];
  set_condition(old, zone.condition);
  old = zone;
}

error_code zone_machine::check_room(const zone_info& zone, std::uint64_t bytes) const {
  if (const error_code e = dead(zone.condition)) return e;
  if (zone.condition == full) return errc::zone_full;
  ensure(zone.write_pointer_bytes < zone.capacity_bytes);
  if (bytes > zone.capacity_bytes - zone.write_pointer_bytes) return errc::zone_boundary;
  return {};
}

error_code zone_machine::check_slots(const zone_info& zone) const {
  if (is_open(zone.condition)) return {};
  if (zone.condition == empty && shape_.active_max && active_count_ >= *shape_.active_max) return errc::too_many_active;
  if (!shape_.open_max || open_count_ < *shape_.open_max) return {};
  const bool can_close = std::any_of(zones_.begin(), zones_.end(),
                                     [](const zone_info& other) { return other.condition == implicit_open; });
  return can_close ? error_code{} : errc::too_many_open;
}

void zone_machine::make_open(zone_info& zone, zone_condition as) {
  if (!is_open(zone.condition) && shape_.open_max && open_count_ >= *shape_.open_max) close_oldest_implicit();
  set_condition(zone, as);
}

void zone_machine::close_oldest_implicit() {
  zone_info* oldest = nullptr;
  for (zone_info& zone : zones_) {
    if (zone.condition != implicit_open) continue;
    if (oldest == nullptr || written_at_[zone.index.value] < written_at_[oldest->index.value]) oldest = &zone;
  }
  ensure(oldest != nullptr);
  set_condition(*oldest, oldest->write_pointer_bytes == 0 ? empty : closed);
}

void zone_machine::advance(zone_info& zone, std::uint64_t bytes) {
  if (!is_open(zone.condition)) make_open(zone, implicit_open);
  zone.write_pointer_bytes += bytes;
  written_at_[zone.index.value] = ++clock_;
  ensure(zone.write_pointer_bytes <= zone.capacity_bytes);
  if (zone.write_pointer_bytes == zone.capacity_bytes) set_condition(zone, full);
}

void zone_machine::set_condition(zone_info& zone, zone_condition condition) {
  open_count_ -= is_open(zone.condition) ? 1U : 0U;
  active_count_ -= is_active(zone.condition) ? 1U : 0U;
  zone.condition = condition;
  open_count_ += is_open(condition) ? 1U : 0U;
  active_count_ += is_active(condition) ? 1U : 0U;
}

}  // namespace furrow::zoned
