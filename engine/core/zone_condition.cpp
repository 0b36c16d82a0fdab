#include "core/zone_condition.hpp"

#include "core/assert.hpp"

namespace furrow::core {

refusal refusal_of(error_code of_append) {
  if (of_append.category() != zoned::error_category()) return refusal::none;
  switch (static_cast<zoned::errc>(of_append.value())) {
    case zoned::errc::cancelled:
      return refusal::not_begun;
    case zoned::errc::not_sequential:
    case zoned::errc::zone_boundary:
    case zoned::errc::zone_full:
    case zoned::errc::zone_read_only:
    case zoned::errc::zone_offline:
      return refusal::by_zone;
    case zoned::errc::too_many_open:
    case zoned::errc::too_many_active:
      return refusal::by_limit;
    case zoned::errc::io:
    case zoned::errc::out_of_range:
    case zoned::errc::unaligned:
    case zoned::errc::too_large:
    case zoned::errc::invalid_transition:
    case zoned::errc::unsupported:
    case zoned::errc::not_zoned:
    case zoned::errc::in_use:
    case zoned::errc::bad_uri:
    case zoned::errc::bad_image:
    case zoned::errc::device_gone:
      return refusal::none;
  }
  return refusal::none;
}

zone_verdict judge(const zone_state& z, const zoned::zone_info& reported) {
  using fate = zone_verdict::fate;
  using change = zone_change::kind;
  switch (reported.condition) {
    case zoned::zone_condition::offline:
    case zoned::zone_condition::not_write_pointer:
      return {fate::bad, change::offline};
    case zoned::zone_condition::read_only:
      return {fate::bad, change::read_only};
    case zoned::zone_condition::full:
      if (z.room_blocks() == 0) return {.then = fate::full, .in_doubt = true};
      return {fate::full, change::full_early};
    case zoned::zone_condition::empty:
    case zoned::zone_condition::implicit_open:
    case zoned::zone_condition::explicit_open:
    case zoned::zone_condition::closed:
      break;
  }
  const std::uint64_t pointer = reported.write_pointer_bytes;
  if (pointer < z.landed_blocks * block_bytes) return {fate::finish, change::pointer_behind};
  const bool inside = pointer % block_bytes != 0;
  std::optional<change> found;
  if (pointer / block_bytes > z.next_block) found = change::pointer_ahead;
  // What is padded in a zone of the journal could make a whole group of one that was cut off and written elsewhere.
  if (z.failures >= zone_failures_max || (inside && z.ordinal != 0)) return {fate::finish, found};
  if (pointer / block_bytes >= z.capacity_blocks) return {fate::full, found};
  return {inside ? fate::pad : fate::go_on, found};
}

bool is_blameless(const zone_verdict& v) { return v.found.has_value() || v.in_doubt; }

zone_change::state expected_state(const zone_state& z) {
  const std::uint64_t pointer = z.next_block * block_bytes;
  if (z.next_block == 0) return {zoned::zone_condition::empty, 0};
  const bool full = z.room_blocks() == 0 && z.writes == 0;
  return {full ? zoned::zone_condition::full : zoned::zone_condition::implicit_open, pointer};
}

const char* sentence(zone_change::kind k) {
  switch (k) {
    case zone_change::kind::write_failed:
      return "a write to a zone failed";
    case zone_change::kind::read_only:
      return "the device has made a zone read-only";
    case zone_change::kind::offline:
      return "the device has taken a zone offline: what is in it is lost";
    case zone_change::kind::full_early:
      return "the device has made a zone full";
    case zone_change::kind::pointer_ahead:
      return "a zone's write pointer is behind what was written to it";
    case zone_change::kind::pointer_behind:
      return "a zone's write pointer is before what had been written to it";
    case zone_change::kind::unreported:
      return "a zone cannot be reported any more";
    case zone_change::kind::unwritable:
      return "a zone cannot be opened or reset any more";
    case zone_change::kind::retired:
      return "writes to a zone failed too often: it is not used any more";
    case zone_change::kind::unfinished:
      return "a zone cannot be finished, and keeps its place among the active ones";
    case zone_change::kind::evacuated:
      return "nothing lives any more in a zone that takes no writes: it is not used any more";
  }
  FURROW_UNREACHABLE();
}

}  // namespace furrow::core
