#include "core/context.hpp"

#include "core/apply.hpp"
#include "core/journal.hpp"
#include "core/zone_condition.hpp"

namespace furrow::core {

bool context::does_not_verify(error_code error) {
  return error == errc::damaged || error == errc::checksum_mismatch || error == errc::not_a_store ||
         (error.category() == zoned::error_category() && error != zoned::errc::cancelled);
}

std::uint64_t context::publish(const std::vector<format::record_body>& bodies) {
  ++sequence;
  hold_trees(true);  // what one record erases, the next may put
  for (const format::record_body& b : bodies) apply->apply(sequence, b);
  hold_trees(false);
  log->add(sequence, bodies);
  return sequence;
}

written_place context::written_at(zoned::device_address a) const {
  const zone_state& z = zones[shape.zone_of(a)];
  return {z.cls, z.fill_sequence, z.write_sequence, z.next_block, static_cast<std::uint32_t>(shape.block_in_zone(a))};
}

io_table::ask context::put(const zone_state& z, std::uint64_t offset_bytes, memory_of_command segments) {
  const bool conventional = z.conventional();
  return {.op = conventional ? zoned::opcode::write : zoned::opcode::append,
          .zone = z.device.index,
          .offset_bytes = conventional ? offset_bytes : 0,
          .segments = segments,
          .zones = {}};
}

void context::emit_zone(zone_change change, error_code cause, bool damage) {
  switch (change.what) {
    case zone_change::kind::read_only:
      ++stats.zones_read_only;
      break;
    case zone_change::kind::offline:
      ++stats.zones_offline;
      break;
    case zone_change::kind::full_early:
      ++stats.zones_full_early;
      break;
    case zone_change::kind::pointer_ahead:
    case zone_change::kind::pointer_behind:
      ++stats.zones_misplaced;
      break;
    case zone_change::kind::retired:
    case zone_change::kind::unwritable:
    case zone_change::kind::unreported:
      ++stats.zones_retired;
      break;
    case zone_change::kind::evacuated:
      ++stats.zones_evacuated;
      break;
    case zone_change::kind::write_failed:
    case zone_change::kind::unfinished:
      break;
  }
  std::string what = sentence(change.what);
  if (cause) what += ": " + cause.message();
  damaged = damaged || damage;
  const auto kind = damage ? event::kind::damage : event::kind::zone_changed;
  out.add({}, {}).result = event{kind, {.zone = change.zone, .what = std::move(what)}, change};
}

format::written_totals context::written() const {
  const format::written_totals& before = super.written;
  return {before.user_bytes + stats.append_bytes + stats.write_bytes, before.data_bytes + stats.data_bytes,
          before.journal_bytes + stats.journal_bytes, before.page_bytes + stats.page_bytes,
          before.cleaner_bytes + stats.cleaner_blocks_moved * block_bytes};
}

void context::set_latch(const char* why, std::optional<zoned::zone_index> zone) {
  if (latch) return;
  latch = errc::needs_reopen;
  emit(event::kind::needs_reopen, {.zone = zone, .what = why});
}

}  // namespace furrow::core
