#include "core/data_writer.hpp"

#include <algorithm>
#include <utility>

#include "core/canary.hpp"
#include "core/checkpoint.hpp"
#include "core/cleaner.hpp"
#include "core/journal.hpp"
#include "core/publisher.hpp"
#include "core/reclaimer.hpp"
#include "core/zone_condition.hpp"

namespace furrow::core {

std::uint32_t data_writer::reserve_zones() const { return c_.checkpoint->reserve_zones(); }

std::uint64_t data_writer::available() const { return c_.checkpoint->room() ? room_for_users() : 0; }

std::uint64_t data_writer::room_for_users() const {
  const std::uint64_t room = room_with(reserve_zones()), kept = cleaner_zones() * c_.zones.typical_blocks();
  if (FURROW_CANARY_SINGS(room_promised_twice)) return room + reserved_;
  return room > kept ? room - kept : 0;
}

std::uint64_t data_writer::capacity_blocks() const {
  if (c_.zones.typical_blocks() == 0) return 0;
  const std::uint64_t kept = c_.zones.metadata_sequential() + reserve_zones() + std::uint64_t{cleaner_zones()};
  return c_.zones.usable_count() > kept ? (c_.zones.usable_count() - kept) * c_.zones.typical_blocks() : 0;
}

std::uint64_t data_writer::blocks_left() const {
  const std::uint64_t zones = c_.zones.clean_count() + std::uint64_t{c_.zones.resetting_count()};
  const std::uint64_t dead = c_.options.background_cleaning ? c_.zones.count_use().dead_blocks() : 0;
  const std::uint64_t kept = reserve_zones() + std::uint64_t{cleaner_zones()};
  const std::uint64_t room = open_room() + zones * c_.zones.typical_blocks() + dead;
  const std::uint64_t taken = reserved_ + kept * c_.zones.typical_blocks();
  return room > taken ? room - taken : 0;
}

/// What cleaning takes it brings back, and more: so it may take what the journal and pages are not to be without even then.
std::uint64_t data_writer::room_for_cleaner() const { return room_with(move_reserve_zones()); }

std::uint32_t data_writer::move_reserve_zones() const {
  const std::uint32_t kept = c_.checkpoint->kept_zones(), conventional = c_.zones.clean_conventional();
  return std::min(reserve_zones(), kept > conventional ? kept - conventional : 0);
}

/// One does. But what is kept for metadata grows, by a zone for each copy of pages at a time, and takes it from here: the
/// cleaner must have one left then, as nobody else brings more. Where there are many zones, more may change meanwhile.
std::uint32_t data_writer::cleaner_zones() const {
  const std::uint32_t growth = c_.zones.confined() ? 0 : c_.super.page_copies;
  return 1 + std::max(growth, std::min<std::uint32_t>(c_.zones.usable_count() / 64, 4));
}

/// In zones that are partly written.
std::uint64_t data_writer::open_room() const {
  std::uint64_t room = c_.reclaim->closed_data_room();
  for (const stream& s : streams_)
    for (const open_zone& z : s.zones)
      if (z.zone != nullptr && (z.usable() || !z.ready)) room += z.zone->room_blocks();
  return room;
}

std::uint64_t data_writer::room_with(std::uint32_t kept) const {
  std::uint64_t room = open_room();
  const std::uint32_t clean = c_.zones.clean_count();
  if (clean > kept) room += (clean - kept) * c_.zones.typical_blocks();
  return room > reserved_ ? room - reserved_ : 0;
}

bool data_writer::more_coming() const {
  return c_.zones.returning_count() > 0 || c_.reclaim->busy() || c_.reclaim->waits_for_reads() ||
         c_.checkpoint->relieve();
}

bool data_writer::more_coming_for(std::uint64_t blocks) {
  if (more_coming() || close_dead() || c_.clean->could_bring(blocks)) return true;
  c_.clean->refused();
  return false;
}

/// Zones that are written to, in which nothing is live: when room is short they are worth more clean.
bool data_writer::close_dead() {
  bool any = false;
  for (stream& s : streams_) {
    zone_state* const z = s.now().usable() ? s.now().zone : nullptr;
    if (z == nullptr || z->life != zone_life::open || z->live_blocks > 0 || z->holds > 0 || z->next_block <= 1)
      continue;
    c_.zones.set_life(*z, zone_life::closed);
    s.now() = {};
    c_.reclaim->consider(*z);
    any = true;
  }
  return any;
}

bool data_writer::reserve_for_cleaner(std::uint64_t blocks) {
  if (!c_.checkpoint->room_for_moves() || blocks > room_for_cleaner()) return false;
  reserved_ += blocks;
  room_known_at_ = ~std::uint64_t{0};
  return true;
}

bool data_writer::reserve(std::uint64_t blocks) {
  if (FURROW_CANARY_SINGS(space_denied) && c_.sequence % 64 == 0) return false;
  if (blocks > room_ || !room_is_known()) {
    room_known_at_ = c_.turn_settled;
    room_changes_ = c_.zones.changes();
    room_ = available();
  }
  return reserve_known(blocks);
}

data_writer::stream& data_writer::stream_of(format::zone_class cls) {
  const format::zone_class shared = placement::folded(cls, c_.zones.budget().data);
  return streams_[static_cast<std::size_t>(shared) - static_cast<std::size_t>(format::zone_class::unhinted)];
}

void data_writer::submit(ordered_extent& extent) {
  FURROW_ASSERT(extent.blocks > 0 && extent.sums.size() == (c_.keeps_sums() ? extent.blocks : 0));
  extent.bios_in_flight = 1;
  ++c_.stats.ordered_extents;
  stream& s = stream_of(extent.cls);
  const bio b{&extent, 0, extent.blocks, 0};
  if (extent.urgent)
    s.queue.push_front(b);
  else
    s.queue.push_back(b);
  ++queued_;
}

open_zone* data_writer::zone_for(stream& s) {
  if (const open_zone& now = s.now(); !now.usable() || now.zone->room_blocks() == 0) {
    if (now.zone != nullptr && !now.ready) return nullptr;  // its header is on the way
    s.now() = {};
    if (s.next().zone != nullptr) s.second = !s.second;
  }
  open_zone& z = s.now();
  if (z.usable() && z.zone->room_blocks() > 0) return &z;
  if (z.zone != nullptr && !z.ready) return nullptr;
  z = {};
  if (c_.opener->open(z, format::zone_role::data, class_of(s), reserve_zones())) return z.ready ? &z : nullptr;
  for (stream& other : streams_)
    for (open_zone& o : other.zones)
      if (o.usable() && o.zone->room_blocks() > 0) return &o;
  static_cast<void>(c_.opener->open(z, format::zone_role::data, class_of(s), move_reserve_zones()));
  return z.ready ? &z : nullptr;
}

format::zone_class data_writer::class_of(const stream& s) const {
  return static_cast<format::zone_class>(static_cast<std::size_t>(format::zone_class::unhinted) +
                                         static_cast<std::size_t>(&s - streams_.data()));
}

void data_writer::prepare_next(stream& s) {  // D5
  constexpr std::uint32_t parts = 16;
  const open_zone& now = s.now();
  if (s.next().zone != nullptr || !now.usable() || c_.closing) return;
  if (now.zone->room_blocks() > now.zone->capacity_blocks / parts) return;
  const auto have = static_cast<std::uint32_t>(
      std::count_if(streams_.begin(), streams_.end(), [](stream& o) { return o.now().zone != nullptr; }));
  const std::uint32_t streams_left = c_.zones.budget().data - std::min(c_.zones.budget().data, have);
  const std::uint32_t kept = reserve_zones() + cleaner_zones() + 1;
  if (c_.zones.clean_count() <= kept || !c_.zones.may_activate(c_.log->credit_kept() + streams_left)) return;
  const std::uint64_t beside = std::uint64_t{now.zone->device.index.value} << 32 | (now.zone->generation & 0xffff'ffff);
  if (std::exchange(s.prepared_beside, beside) == beside) return;  // it failed: who needs one asks again
  if (c_.opener->open(s.next(), format::zone_role::data, class_of(s), kept)) ++c_.stats.zones_prepared;
}

bool data_writer::opening() const {
  return std::any_of(streams_.begin(), streams_.end(), [](const stream& s) {
    return std::any_of(std::begin(s.zones), std::end(s.zones),
                       [](const open_zone& z) { return z.zone != nullptr && !z.ready; });
  });
}

bool data_writer::close_idle() {
  for (const bool next : {true, false})
    for (stream& s : streams_) {
      open_zone& z = next ? s.next() : s.now();
      if (!z.usable() || z.zone->life != zone_life::open || z.zone->writes > 0) continue;
      if (!z.zone->may_finish()) continue;
      c_.zones.set_life(*z.zone, zone_life::closed);
      z = {};
      return true;
    }
  return false;
}

void data_writer::step() {
  if (queued_ == 0) return;
  for (stream& s : streams_) {
    while (!s.queue.empty()) {
      if (c_.latch) {
        while (!s.queue.empty()) give_up_front(s, c_.latch);
        break;
      }
      if (const error_code why = c_.opener->hopeless()) {
        give_up_front(s, why);
        continue;
      }
      open_zone* z = zone_for(s);
      if (z != nullptr) {
        if (z->zone->writes >= c_.promises.appends_per_zone_max || gathers(s, *z->zone)) break;
        send(s, *z);
        prepare_next(s);
        continue;
      }
      const bool no_credit = !c_.zones.may_activate(c_.log->credit_kept());
      if (opening() || in_flight_ > 0) break;
      const bool by_others = c_.zones.capped();
      if (no_credit && (c_.opener->make_credit(true) || (!by_others && !c_.checkpoint->idle()))) break;
      if (more_coming()) break;
      give_up_front(s, no_credit ? error_code{zoned::errc::too_many_active} : errc::no_space);  // D3
    }
  }
}

void data_writer::give_up_front(stream& s, error_code why) {
  const bio b = s.queue.take();
  --queued_;
  give_up(b, why);
}

bool data_writer::gathers(const stream& s, const zone_state& zone) const {  // D4
  const std::uint64_t wanted = std::min<std::uint64_t>(c_.promises.coalesce_bytes / block_bytes, zone.room_blocks());
  if (zone.writes == 0 || wanted <= 1) return false;
  std::uint64_t queued = 0;
  for (const bio& b : s.queue) {
    queued += b.extent->begun ? b.blocks : b.extent->blocks;
    if (queued >= wanted || b.extent->urgent) return false;
  }
  return true;
}

void data_writer::send(stream& s, open_zone& to) {
  if (free_sent_.empty()) {
    free_sent_.push_back(sent_.size());
    sent_.emplace_back();
  }
  const std::size_t index = free_sent_.back();
  free_sent_.pop_back();
  sent& out = sent_[index];
  out.from = &s;
  out.zone = to.zone;
  out.bios.clear();
  segments_.clear();
  command_room room = room_of(c_.promises.append_bytes_max, to.zone->room_blocks(), c_.promises.segments_max);
  const std::uint64_t asked = room.blocks;
  while (!s.queue.empty() && room.blocks > 0 && room.segments > 0) {
    bio& b = s.queue.front();
    if (!std::exchange(b.extent->begun, true)) b.blocks = b.extent->blocks;
    const bio front = cut_front(b, room, segments_);
    if (front.blocks == 0) break;
    out.bios.push_back(front);
    ++c_.stats.bios;
    if (b.blocks > 0) {
      ++front.extent->bios_in_flight;
      break;
    }
    s.queue.pop_front();
    --queued_;
  }
  FURROW_ASSERT(!out.bios.empty());
  out.blocks = asked - room.blocks;
  ++c_.stats.data_commands;
  c_.stats.coalesced_bios += out.bios.size() - 1;
  to.zone->next_block += static_cast<std::uint32_t>(out.blocks);  // D1
  ++to.zone->holds;
  ++to.zone->writes;
  ++in_flight_;
  const zoned::zone_index zone = to.zone->device.index;
  if (to.zone->room_blocks() == 0) c_.zones.set_life(*to.zone, zone_life::full);
#if defined(FURROW_CANARY)
  if (FURROW_CANARY_SINGS(landed_too_early) && to.zone->writes == 1) {
    auto* const kept = new buffer{out.blocks * block_bytes};  // for the device: its owner is told that it has landed
    std::byte* to_byte = kept->data();
    for (const zoned::segment& from : segments_) to_byte = std::copy_n(from.data, from.bytes, to_byte);
    segments_ = {{kept->data(), out.blocks * block_bytes}};
    std::vector<bio> bios = std::exchange(out.bios, {});
    const std::uint64_t blocks = out.blocks, at_bytes = (to.zone->next_block - blocks) * block_bytes;
    c_.io.submit({.op = zoned::opcode::append, .zone = zone, .segments = segments_}, *this, index);
    return deal(s, bios, {zone, at_bytes}, blocks, false, {});
  }
#endif
  c_.io.submit({.op = zoned::opcode::append, .zone = zone, .segments = segments_}, *this, index);
}

void data_writer::io_done(std::uint64_t tag, const zoned::completion& c) {
  sent& out = sent_[tag];
  stream& s = *out.from;
  zone_state& zone = *out.zone;
  const std::uint64_t asked = out.blocks;
  std::vector<bio>& bios = out.bios;  // nothing is sent, and no slot taken, before step()
  free_sent_.push_back(tag);
  --in_flight_;
  --zone.holds;
  --zone.writes;
  if (c.error) {
    const auto index = static_cast<std::size_t>(&s - streams_.data());
    return failed({&zone, index, std::move(bios), asked, 0, c.error, false}, c.at);
  }
  c_.stats.data_bytes += c.bytes;
  const bool aligned = c.at.offset_bytes % block_bytes == 0 && c.at.zone == zone.device.index;
  std::uint64_t landed = aligned ? c.bytes / block_bytes : 0;
  if (FURROW_CANARY_SINGS(short_ignored)) landed = asked;
  if (landed < asked) {
    ++c_.stats.short_completions;
    if (!aligned || c.bytes % block_bytes != 0) {
      suspect(zone);
    } else {
      if (zone.life == zone_life::full) c_.zones.set_life(zone, zone_life::closed);
      zone.next_block -= static_cast<std::uint32_t>(asked - landed);
    }
  }
  c_.zones.drained(zone);
  zoned::place at{zone.device.index, c.at.offset_bytes};
  if (FURROW_CANARY_SINGS(place_assumed))
    at.offset_bytes = std::max(1u, zone.landed_blocks) * std::uint64_t{block_bytes};
  deal(s, bios, at, landed, false, {});
}

/// The first `landed` blocks are at `at`, front to back; the rest is queued again.
void data_writer::deal(stream& s, std::vector<bio>& bios, zoned::place at, std::uint64_t landed, bool failed,
                       error_code why) {
  std::vector<bio> rest;
  for (bio& b : bios) {
    const std::uint64_t part = std::min(landed, b.blocks);
    if (part > 0) {
      land({b.extent, b.first_block, part, b.attempts}, at);
      at.offset_bytes += part * block_bytes;
      landed -= part;
      b.first_block += part;
      b.blocks -= part;
    }
    if (b.blocks > 0)
      rest.push_back(b);
    else
      settle(*b.extent);
  }
  if (!rest.empty()) again(s, std::move(rest), failed, why);
}

void data_writer::land(bio b, zoned::place at) {
  ordered_extent& e = *b.extent;
  e.add_piece({e.object_block + b.first_block,
               {c_.shape.address_of(at.zone, at.offset_bytes / block_bytes), static_cast<std::uint32_t>(b.blocks)}});
  zone_state& z = c_.zones[at.zone];
  ++z.holds;  // D2
  c_.salvage->landed(z, at.offset_bytes / block_bytes, b.blocks);
  z.landed_blocks = std::max(z.landed_blocks, static_cast<std::uint32_t>(at.offset_bytes / block_bytes + b.blocks));
  if (z.landed_blocks > z.next_block) overtaken(z);
}

/// It landed behind all that was submitted: somebody else wrote to the zone.
void data_writer::overtaken(zone_state& z) {
  const zone_change::state expected = expected_state(z);
  z.next_block = z.landed_blocks;
  c_.emit_zone({zone_change::kind::pointer_ahead, z.device.index, expected, expected_state(z)});
  if (z.room_blocks() == 0 && z.life == zone_life::open) c_.zones.set_life(z, zone_life::full);
}

void data_writer::suspect(zone_state& z) {
  if (z.life == zone_life::full || z.life == zone_life::open || z.life == zone_life::closed)
    c_.zones.set_life(z, zone_life::suspect);
}

void data_writer::failed(failed_append f, zoned::place at) {
  zone_state& z = *f.zone;
  const refusal why = refusal_of(f.why);
  if (why == refusal::by_limit) return refused_by_limit(std::move(f));
  if (why != refusal::not_begun) {
    ++c_.stats.failed_appends;
    ++z.failures;
    c_.emit_zone({zone_change::kind::write_failed, z.device.index, expected_state(z), expected_state(z)}, f.why);
  }
  suspect(z);
  ++in_flight_;
  if (why == refusal::none && c_.salvage->take(f, at)) return;
  f.blameless = why != refusal::none;
  ++z.holds;
  settle_failed(std::move(f), 0);
}

void data_writer::refused_by_limit(failed_append f) {
  zone_state& z = *f.zone;
  ++c_.stats.limit_refusals;
  if (refused_at_bytes_ != c_.stats.data_bytes) refusals_ = 0;  // something has landed since
  refused_at_bytes_ = c_.stats.data_bytes;
  f.blameless = ++refusals_ < refusals_max;
  if (!f.blameless) refusals_ = 0;
  if (z.life == zone_life::full) c_.zones.set_life(z, zone_life::closed);
  z.next_block -= static_cast<std::uint32_t>(f.blocks);
  c_.zones.drained(z);
  c_.emit(event::kind::limit_exceeded, {.zone = z.device.index, .what = f.why.message()});
  c_.reclaim->give_up_closed(true);
  ++z.holds;
  ++in_flight_;
  settle_failed(std::move(f), 0);
}

void data_writer::settle_failed(failed_append f, std::uint64_t landed) {
  zone_state& z = *f.zone;
  --in_flight_;
  --z.holds;
  c_.stats.data_bytes += landed * block_bytes;
  deal(streams_[f.stream], f.bios, {z.device.index, f.at_block * block_bytes}, landed, !f.blameless, f.why);
  if (z.holds == 0) c_.reclaim->consider(z);
}

void data_writer::again(stream& s, std::vector<bio> bios, bool failed, error_code why) {
  for (auto it = bios.rbegin(); it != bios.rend(); ++it) {
    if (failed && ++it->attempts >= bio_attempts_max) {
      give_up(*it, why);
      continue;
    }
    if (why) ++c_.stats.retries;
    if (it->extent->failed) {
      settle(*it->extent);
      continue;
    }
    s.queue.push_front(*it);
    ++queued_;
  }
}

void data_writer::give_up(bio b, error_code why) {
  b.extent->failed = true;
  if (!b.extent->error) b.extent->error = why;
  settle(*b.extent);
}

void data_writer::settle(ordered_extent& e) {
  FURROW_ASSERT(e.bios_in_flight > 0);
  if (--e.bios_in_flight > 0) return;
  FURROW_ASSERT(e.failed || e.blocks_left == 0);
  c_.publish_queue->extent_done(e);
}

void data_writer::unhold(std::span<const landed_piece> pieces) {
  for (const landed_piece& p : pieces) {
    zone_state& z = c_.zones.of(p.where.address);
    if (--z.holds == 0 && z.live_blocks == 0) c_.reclaim->consider(z);
  }
}

}  // namespace furrow::core
