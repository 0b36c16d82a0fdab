#include "core/zone_opener.hpp"

#include <algorithm>

#include "core/journal.hpp"
#include "core/reclaimer.hpp"
#include "core/zone_condition.hpp"
#include "format/zone_header.hpp"

namespace furrow::core {

bool zone_opener::open(open_zone& to, format::zone_role role, format::zone_class cls, std::uint32_t reserve,
                       std::span<const std::uint32_t> but) {
  FURROW_ASSERT(to.zone == nullptr);
  if (c_.zones.capped() && c_.io.submitted() - refused_at_ > refusal_memory) c_.zones.lift_cap();
  const bool metadata = role == format::zone_role::metadata;
  const bool no_clean = (metadata ? c_.zones.metadata_clean() : c_.zones.clean_count()) <= reserve;
  zone_state* closed = c_.zones.pick_closed(role, cls, false, but);
  const bool conventional_first = metadata && c_.zones.clean_conventional() > 0 && !no_clean;
  if (closed != nullptr && !closed->conventional() && conventional_first) closed = nullptr;
  if (closed == nullptr && no_clean) closed = c_.zones.pick_closed(role, cls, true, but);  // I4
  if (closed == nullptr && !no_clean && !c_.zones.may_activate(c_.log->credit_kept())) {
    closed = c_.zones.pick_closed(role, cls, true, but);
    if (closed != nullptr && closed->may_finish()) closed = nullptr;
  }
  if (closed != nullptr) {
    c_.zones.set_life(*closed, zone_life::open);
    to.zone = closed;
    to.ready = true;
    to.generation = closed->generation;
    ++c_.stats.zones_refilled;
    return true;
  }
  zone_state* z = pick(role, reserve);
  if (z == nullptr) return false;
  to.zone = z;
  to.ready = false;
  z->role = role;
  z->cls = cls;
  c_.zones.set_life(*z, zone_life::open);
  to.generation = ++z->generation;
  z->ordinal = 0;
  z->next_block = 1;
  ++c_.stats.zones_opened;
  write_header({&to, role, cls, reserve, c_.buffers.take(block_bytes)}, *z);
  return true;
}

zone_state* zone_opener::pick(format::zone_role role, std::uint32_t reserve) {  // I2
  const bool metadata = role == format::zone_role::metadata;
  if ((metadata ? c_.zones.metadata_clean() : c_.zones.clean_count()) <= reserve) return nullptr;
  zone_state* z = metadata ? c_.zones.pick_metadata() : c_.zones.pick_clean();
  return z->conventional() || c_.zones.may_activate(c_.log->credit_kept()) ? z : nullptr;
}

void zone_opener::write_header(opening o, zone_state& z) {
  format::zone_header h;
  h.store = c_.super.store;
  h.role = o.role;
  h.cls = o.cls;
  h.zone = z.device.index;
  h.generation = z.generation;
  h.epoch = c_.super.epoch;
  format::encode(h, o.header.part(0, block_bytes));
  ++z.holds;
  std::byte* const memory = o.header.data();
  std::size_t index = 0;
  while (index < opening_.size() && opening_[index].to != nullptr) ++index;
  if (index == opening_.size()) opening_.emplace_back();
  opening_[index] = std::move(o);
  c_.io.submit(c_.put(z, 0, {{memory, block_bytes}}), *this, index);
}

void zone_opener::io_done(std::uint64_t tag, const zoned::completion& c) {
  opening o = std::move(opening_[tag]);
  opening_[tag].to = nullptr;
  c_.buffers.give(std::move(o.header));
  zone_state& z = *o.to->zone;
  --z.holds;
  c_.stats.zone_header_bytes += c.bytes;
  if (!c.error && c.at.offset_bytes == 0 && c.bytes == block_bytes) {
    o.to->ready = true;
    z.landed_blocks = 1;
    refusals_ = failures_ = 0;
    c_.publish({format::zone_role_record{0, z.device.index, z.role, z.cls, z.generation, 0}});
    c_.emit(event::kind::zone_opened, {.zone = z.device.index});
    return;
  }
  z.role = format::zone_role::free;
  if (c.error)
    header_failed(z, c.error);
  else
    c_.zones.set_life(z, zone_life::dirty);
  o.to->zone = nullptr;  // the stream asks again
}

void zone_opener::header_failed(zone_state& z, error_code why) {  // I3
  if (refusal_of(why) != refusal::by_limit) {
    ++failures_;
    failed_with_ = why;
    c_.zones.set_life(z, zone_life::bad);
    c_.reclaim->give_credit_back(z);
    return c_.emit_zone({zone_change::kind::unwritable, z.device.index, expected_state(z), expected_state(z)}, why);
  }
  ++c_.stats.limit_refusals;
  z.next_block = 0;
  c_.zones.set_life(z, zone_life::clean);
  c_.zones.cap_active();
  refused_at_ = c_.io.submitted();
  c_.emit(event::kind::limit_exceeded, {.zone = z.device.index, .what = why.message()});
}

error_code zone_opener::hopeless() {
  if (failures_ < headers_failed_max) return {};
  failures_ = headers_failed_max - 1;
  return failed_with_;
}

bool zone_opener::is_opening() const {
  return std::any_of(opening_.begin(), opening_.end(), [](const opening& o) { return o.to != nullptr; });
}

bool zone_opener::make_credit(bool awaited, bool for_journal) {
  if (c_.reclaim->give_up_closed(awaited)) {
    refusals_ = 0;
    return true;
  }
  if (!c_.zones.capped() && c_.reclaim->credit_coming(for_journal)) return true;
  if (for_journal && c_.reclaim->give_up_freeing()) return true;
  if (!c_.zones.capped()) return false;
  c_.zones.lift_cap();
  if (++refusals_ <= refusals_max) return true;
  refusals_ = 0;
  return false;
}

}  // namespace furrow::core
