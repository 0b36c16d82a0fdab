#include "core/zone_opener.hpp"

#include "core/journal.hpp"
#include "format/zone_header.hpp"

namespace furrow::core {

bool zone_opener::open(open_zone& to, format::zone_role role, format::zone_class cls, std::uint32_t reserve) {
  FURROW_ASSERT(to.zone == nullptr);
  const bool metadata = role == format::zone_role::metadata;
  zone_state* closed = c_.zones.pick_closed(role, cls);
  if (metadata && closed != nullptr && !closed->conventional() && c_.zones.clean_conventional() > 0 &&
      c_.zones.metadata_clean() > reserve)
    closed = nullptr;
  if (zone_state* z = closed) {
    c_.zones.set_life(*z, zone_life::open);
    to.zone = z;
    to.ready = true;
    to.generation = z->generation;
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
    c_.publish({format::zone_role_record{0, z.device.index, z.role, z.cls, z.generation, 0}});
    c_.emit(event::kind::zone_opened, {.zone = z.device.index});
    return;
  }
  z.role = format::zone_role::free;
  c_.zones.set_life(z, c.error ? zone_life::bad : zone_life::dirty);  // I3
  if (c.error)
    c_.emit(event::kind::zone_changed, {.zone = z.device.index, .what = "the header of a zone could not be written"});
  o.to->zone = nullptr;  // the stream asks again
}

}  // namespace furrow::core
