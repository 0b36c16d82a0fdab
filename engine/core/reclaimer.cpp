#include "core/reclaimer.hpp"
#include "core/appender.hpp"

#include <algorithm>
#include <cstring>

#include "core/apply.hpp"
#include "core/canary.hpp"
#include "core/checkpoint.hpp"
#include "core/data_writer.hpp"
#include "core/direct_writer.hpp"
#include "core/evacuation.hpp"
#include "core/journal.hpp"
#include "core/objects.hpp"
#include "core/page_reader.hpp"
#include "core/publisher.hpp"
#include "core/salvager.hpp"
#include "core/superblock_ring.hpp"
#include "core/zone_condition.hpp"
#include "core/zone_opener.hpp"

namespace furrow::core {

namespace {
enum class work : std::uint64_t { reset = 1, report, align, finish, fill_up, retire, inquire };
std::uint64_t tag_of(work w, const zone_state& z) { return static_cast<std::uint64_t>(w) << 32 | z.device.index.value; }
}  // namespace

void reclaimer::drop_object(object_id id, collection_id collection) {
  if (c_.read_only) return;
  drops_.push_back({id, collection});
  ++c_.collections.of(collection).drops;
}

void reclaimer::end_drop() {
  --c_.collections.of(drops_.front().collection).drops;
  drops_.pop_front();
}

void reclaimer::consider(zone_state& z) {
  if (std::exchange(z.considered, true)) return;
  candidates_.push_back(z.device.index.value);
}

void reclaimer::checkpoint_done() {
  for (const std::uint32_t i : c_.zones.metadata())
    if (zone_state& z = c_.zones[{i}]; z.role == format::zone_role::metadata && z.live_pages == 0) consider(z);
}

std::uint64_t reclaimer::closed_data_room() const {
  if (closed_seen_ != c_.zones.closed_changes()) {
    closed_seen_ = c_.zones.closed_changes();
    closed_room_ = 0;
    c_.zones.for_life(zone_life::closed, [this](const zone_state& z) {
      if (z.role == format::zone_role::data) closed_room_ += z.room_blocks();
      return true;
    });
  }
  return closed_room_;
}

bool reclaimer::give_up_closed(bool awaited) {
  awaited_ = awaited_ || (awaited && finishes_ > 0);
  if (c_.zones.credits_coming()) return true;
  if (!reports_.empty() || remainders_ > 0) return true;  // one is on its way already, or may turn out to be full
  if (zone_state* z = c_.zones.pick_to_give_up()) {
    c_.zones.set_life(*z, zone_life::suspect);
    reports_[z->device.index.value].info = z->device;
    finish(*z);
    awaited_ = awaited_ || awaited;
    return true;
  }
  return c_.data->close_idle() || c_.checkpoint->close_idle();  // for the next time
}

bool reclaimer::give_up_freeing() {
  bool any = false;
  c_.zones.for_life(zone_life::freeing, [this, &any](zone_state& z) {
    if (!z.credit || z.writes > 0 || z.conventional() || !z.may_finish()) return true;
    finish_remainder(z);
    any = true;
    return false;
  });
  return any;
}

bool reclaimer::credit_coming(bool for_journal) const {
  const std::uint32_t returning = for_journal ? c_.zones.resetting_count() : c_.zones.returning_count();
  return (returning > 0 && !c_.keeps_zones) || c_.zones.suspect_count() > 0 || remainders_ > 0 ||
         c_.zones.has_unfinished() || c_.ring->busy() || c_.opener->is_opening() || c_.data->writing() ||
         c_.checkpoint->writing();
}

void reclaimer::step(bool awaited) {
  if (c_.latch) return forget_drops();
  if (c_.read_only) return;
  resolve_suspects();
  finish_remainders();
  if (!c_.keeps_zones) reset_some();
  if (c_.publish_queue->paused() || c_.options.for_repair) return;
  const bool wanted = !c_.closing || awaited || !c_.data->idle() || !c_.append->idle() || !c_.direct->idle() ||
                      !c_.publish_queue->idle();
  if (!drops_.empty() && !dropping_ && wanted) drop_some();
  for (std::size_t i = 0; i < candidates_.size();) {
    zone_state& z = c_.zones[{candidates_[i]}];
    const bool free = freeable(z);
    const bool later = z.holds > 0 || (z.readers > 0 && !FURROW_CANARY_SINGS(reset_under_reader));  // F1
    if (!free || !later) {
      z.considered = false;
      candidates_[i] = candidates_.back();
      candidates_.pop_back();
      if (free) free_zone(z);
    } else {
      ++i;
    }
  }
}

bool reclaimer::waits_for_reads() const {
  return std::any_of(candidates_.begin(), candidates_.end(), [this](std::uint32_t i) {
    const zone_state& z = c_.zones[{i}];
    return z.readers > 0 && z.views == 0 && z.role == format::zone_role::data && freeable(z);
  });
}

bool reclaimer::freeable(const zone_state& z) const {
  const bool to_retire = z.life == zone_life::bad && z.retired && z.role != format::zone_role::free;
  if (z.life != zone_life::full && z.life != zone_life::closed && !to_retire) return false;
  if (z.live_blocks != 0 || z.live_pages != 0) return false;
  if (z.life == zone_life::closed && z.room_blocks() > 0 && z.next_block <= 1) return false;  // as good as new
  return z.ordinal == 0 || z.ordinal < c_.checkpoint->head_ordinal();
}

void reclaimer::free_zone(zone_state& z) {
  const format::record_body body = format::zone_free_record{0, z.device.index, z.generation};
  if (z.life != zone_life::freeing) {
    c_.zones.set_life(z, zone_life::freeing);
    ++freeing_;
    if (z.role == format::zone_role::data && !z.retired) c_.place.zone_ended(z.cls, z.fill_sequence, c_.sequence);
  }
  const readiness done = c_.apply->prepare(body);
  if (done.need)
    return c_.pages->wait(*done.need, [this, &z](error_code ec) {
      if (ec)
        c_.set_latch("the pages of a zone to be freed cannot be read", z.device.index);
      else
        free_zone(z);
    });
  FURROW_ASSERT(done.fault == nullptr);
  const std::uint64_t freed = c_.publish({body});
  c_.log->when_durable(FURROW_CANARY_SINGS(reset_before_durable) ? 0 : freed, [this, &z](error_code ec) {
    --freeing_;
    if (ec) return;
    const bool empty = z.next_block == 0;
    c_.stats.resets_skipped += empty ? 1 : 0;
    retire_or(z, empty ? zone_life::clean : zone_life::dirty);
  });
}

void reclaimer::retire_or(zone_state& z, zone_life life) {
  if (z.retired) {
    c_.zones.set_life(z, zone_life::bad);
    return c_.emit_zone({zone_change::kind::evacuated, z.device.index, expected_state(z), expected_state(z)});
  }
  if (z.failures < zone_failures_max) {
    z.spoiled_uses = 0;
  } else if (++z.spoiled_uses >= zone_trials_max) {
    c_.zones.set_life(z, zone_life::bad);
    c_.zones.entry_changed(z);  // the flag of a bad zone is kept
    return c_.emit_zone({zone_change::kind::retired, z.device.index, expected_state(z), expected_state(z)});
  }
  c_.zones.set_life(z, life);
}

void reclaimer::reset_some() {
  c_.zones.for_life(zone_life::dirty, [this](zone_state& z) {
    if (resets_ >= resets_in_flight_max) return false;
    if ((z.readers > 0 && !FURROW_CANARY_SINGS(reset_under_reader)) || z.holds > 0) return true;
    if (z.conventional()) {  // nothing to reset: the next use has another generation
      z.next_block = 0;
      ++c_.stats.resets_skipped;
      c_.zones.set_life(z, z.failures >= zone_failures_max ? zone_life::bad : zone_life::clean);
      return true;
    }
    ++resets_;
    c_.zones.set_life(z, zone_life::resetting);
    c_.io.submit({.op = zoned::opcode::reset, .zone = z.device.index}, *this, tag_of(work::reset, z));
    return true;
  });
}

/// One that fails is tried again, but not for ever: the next may not fail.
void reclaimer::reset_done(zone_state& z, error_code ec) {
  if (!ec) {
    --resets_;
    z.next_block = z.landed_blocks = 0;
    z.failures = z.finishes_failed = z.resets_failed = 0;
    return c_.zones.set_life(z, c_.zones.is_usable(z) ? zone_life::clean : zone_life::bad);
  }
  inquire(z, [this, &z, ec] {
    --resets_;
    if (has_turned(z)) {
      c_.zones.inactive(z);
      return c_.evacuate->turned(z);
    }
    if (++z.resets_failed < reset_trials_max) return c_.zones.set_life(z, zone_life::dirty);
    c_.zones.set_life(z, zone_life::bad);
    c_.zones.entry_changed(z);  // the flag of a bad zone is kept
    c_.emit_zone({zone_change::kind::unwritable, z.device.index, expected_state(z), expected_state(z)}, ec);
    give_credit_back(z);
  });
}

void reclaimer::resolve_suspects() {
  c_.zones.for_life(zone_life::suspect, [this](zone_state& z) {
    if (z.writes > 0 || reports_.contains(z.device.index.value)) return true;
    zoned::zone_info& info = reports_[z.device.index.value].info;
    c_.io.submit({.op = zoned::opcode::report, .zone = z.device.index, .zones = {&info, 1}}, *this,
                 tag_of(work::report, z));
    return true;
  });
}

void reclaimer::finish_remainders() {
  for (const zoned::zone_index index : c_.zones.take_unfinished()) {
    zone_state& z = c_.zones[index];
    if (z.life == zone_life::full && z.credit) finish_remainder(z);
  }
}

/// Held, so that it is not reset meanwhile.
void reclaimer::finish_remainder(zone_state& z) {
  ++z.holds;
  ++remainders_;
  submit_finish(z, tag_of(work::fill_up, z));
}

void reclaimer::give_credit_back(zone_state& z) {
  if (!z.credit || z.conventional()) return;
  ++remainders_;
  submit_finish(z, tag_of(work::retire, z));
}

void reclaimer::report_done(zone_state& z, const zoned::completion& c) {
  const zoned::zone_info info = reports_[z.device.index.value].info;
  const zone_change::state expected = expected_state(z);
  if (c.error || c.bytes != 1) {
    reports_.erase(z.device.index.value);
    if (++z.reports_failed < report_trials_max) return;  // reported anew, still suspect
    c_.zones.set_life(z, zone_life::bad);
    give_credit_back(z);
    c_.salvage->reported(z, nullptr);
    return c_.emit_zone({zone_change::kind::unreported, z.device.index, expected, expected}, c.error);
  }
  const zone_verdict verdict = judge(z, info);
  z.device = info;
  z.reports_failed = 0;
  if (!zoned::is_active(info.condition)) c_.zones.inactive(z);
  if (verdict.found) {
    const bool lost = z.live_blocks > 0 || z.live_pages > 0;
    c_.emit_zone({*verdict.found, z.device.index, expected, {info.condition, info.write_pointer_bytes}}, {},
                 lost && verdict.found == zone_change::kind::pointer_behind);
  }
  using fate = zone_verdict::fate;
  if (verdict.then == fate::go_on || verdict.then == fate::full) {
    const bool written = zoned::is_writable(info.condition);
    z.next_block = written ? static_cast<std::uint32_t>(info.write_pointer_bytes / block_bytes) : z.capacity_blocks;
  } else if (verdict.then == fate::bad) {
    z.next_block = z.capacity_blocks;
  }
  c_.salvage->reported(z, &verdict);
  switch (verdict.then) {
    case fate::pad:
      return align(z);
    case fate::finish:
      if (z.may_finish()) return finish(z);
      z.next_block = z.capacity_blocks;
      c_.zones.set_life(z, zone_life::bad);
      break;
    case fate::go_on:
      c_.zones.set_life(z, zone_life::closed);
      break;
    case fate::full:
      c_.zones.set_life(z, zone_life::full);
      break;
    case fate::bad:
      c_.evacuate->turned(z);
      break;
  }
  reports_.erase(z.device.index.value);
  consider(z);
}

void reclaimer::inquire(zone_state& z, std::function<void()> then) {
  question& q = questions_[z.device.index.value];
  q.then.push_back(std::move(then));
  if (q.then.size() > 1) return;
  c_.io.submit({.op = zoned::opcode::report, .zone = z.device.index, .zones = {&q.info, 1}}, *this,
               tag_of(work::inquire, z));
}

void reclaimer::inquiry_done(zone_state& z, const zoned::completion& c) {
  const question q = std::move(questions_.extract(z.device.index.value).mapped());
  const bool gone = q.info.condition == zoned::zone_condition::offline;
  if (!c.error && c.bytes == 1 && q.info.condition != z.device.condition &&
      (gone || q.info.condition == zoned::zone_condition::read_only)) {
    const zone_change::state expected = expected_state(z);
    z.device = q.info;
    c_.emit_zone({gone ? zone_change::kind::offline : zone_change::kind::read_only,
                  z.device.index,
                  expected,
                  {q.info.condition, q.info.write_pointer_bytes}});
    // A zone that is being written to, emptied or looked at finds out for itself.
    const bool settled = z.life == zone_life::full || z.life == zone_life::closed || z.life == zone_life::bad;
    if (settled && z.writes == 0) {
      c_.zones.inactive(z);
      c_.evacuate->turned(z);
    }
  }
  for (const auto& then : q.then) then();
}

void reclaimer::align(zone_state& z) {
  inquiry& q = reports_[z.device.index.value];
  const std::uint64_t bytes = block_bytes - q.info.write_pointer_bytes % block_bytes;
  q.padding = c_.buffers.take(block_bytes);
  z.next_block = static_cast<std::uint32_t>(q.info.write_pointer_bytes / block_bytes) + 1;
  std::memset(q.padding.data(), 0, bytes);
  c_.io.submit({.op = zoned::opcode::append, .zone = z.device.index, .segments = {{q.padding.data(), bytes}}}, *this,
               tag_of(work::align, z));
}

void reclaimer::align_done(zone_state& z, const zoned::completion& c) {
  c_.buffers.give(std::move(reports_[z.device.index.value].padding));
  if (c.error) {
    ++z.failures;
    return finish(z);
  }
  reports_.erase(z.device.index.value);  // reported anew, still suspect
}

void reclaimer::finish(zone_state& z) { submit_finish(z, tag_of(work::finish, z)); }

void reclaimer::submit_finish(zone_state& z, std::uint64_t tag) {
  ++c_.stats.zone_finishes;
  ++finishes_;
  c_.io.submit({.op = zoned::opcode::finish, .zone = z.device.index}, *this, tag);
}

void reclaimer::finish_ended() {
  if (awaited_) ++c_.stats.finishes_waited;
  if (--finishes_ == 0) awaited_ = false;
}

void reclaimer::note_unfinished(zone_state& z, error_code ec) {
  if (++z.finishes_failed != finish_trials_max) return;
  unfinished_ = z.device.index;
  c_.emit_zone({zone_change::kind::unfinished, z.device.index, expected_state(z), expected_state(z)}, ec);
}

std::optional<zoned::zone_index> reclaimer::unfinished() const {
  const bool still = unfinished_ && c_.zones[*unfinished_].credit && !c_.zones[*unfinished_].may_finish();
  return still ? unfinished_ : std::nullopt;
}

/// What failed leaves the zone a suspect: it is reported anew.
void reclaimer::finish_done(zone_state& z, error_code ec) {
  reports_.erase(z.device.index.value);
  if (ec) return note_unfinished(z, ec);
  z.next_block = z.capacity_blocks;
  c_.zones.set_life(z, zone_life::full);
  c_.zones.inactive(z);
  consider(z);
}

/// A zone that cannot be finished is asked for: one that is offline or read-only is not active any more.
void reclaimer::remainder_done(zone_state& z, error_code ec) {
  --remainders_;
  if (!ec) {
    c_.zones.inactive(z);
    return consider(z);
  }
  ++remainders_;
  ++z.holds;  // not reset before it is known what it is
  inquire(z, [this, &z, ec] {
    --remainders_;
    --z.holds;
    if (has_turned(z)) {
      c_.zones.inactive(z);
    } else if (z.credit && (z.life == zone_life::full || z.life == zone_life::bad || z.life == zone_life::freeing)) {
      note_unfinished(z, ec);
      if (z.may_finish() && z.life == zone_life::full) c_.zones.still_unfinished(z);
      if (z.may_finish() && z.life == zone_life::bad) give_credit_back(z);
    }
    consider(z);
  });
}

void reclaimer::io_done(std::uint64_t tag, const zoned::completion& c) {
  zone_state& z = c_.zones[{static_cast<std::uint32_t>(tag)}];
  switch (static_cast<work>(tag >> 32)) {
    case work::reset:
      ++c_.stats.zone_resets;
      return reset_done(z, c.error);
    case work::inquire:
      return inquiry_done(z, c);
    case work::report:
      return report_done(z, c);
    case work::align:
      return align_done(z, c);
    case work::finish:
      finish_ended();
      return finish_done(z, c.error);
    case work::fill_up:
      --z.holds;
      [[fallthrough]];
    case work::retire:
      finish_ended();
      return remainder_done(z, c.error);
  }
  FURROW_UNREACHABLE();
}

/// Nothing is dropped any more; what waits for it is to fail. The next open goes on.
void reclaimer::forget_drops() {
  for (const drop& d : std::exchange(drops_, {})) {
    --c_.collections.of(d.collection).drops;
    if (object_state* o = c_.table->find(d.object)) c_.publish_queue->wake(*o);
  }
}

/// The next step for the object: its doomed blocks, or, if it is removed, all of it.
readiness reclaimer::collect(object_id id, format::drop_record& to) {
  to.object = id;
  const object_state* const o = c_.table->find(id);
  std::optional<format::doomed_value> doomed;
  if (o != nullptr && o->loaded)
    doomed = o->doomed;
  else if (auto done = c_.apply->load_doomed(id, doomed); !done.ready())
    return done;
  const std::uint64_t first = doomed ? doomed->first_block : 0;
  const std::uint64_t end = doomed ? doomed->end_block : format::object_blocks_max;
  std::vector<extent_slice> found;
  if (auto done = c_.apply->extents().slices(id, first, end, drop_extents_max, found); !done.ready()) return done;
  for (const extent_slice& s : found) to.extents.push_back({s.object_block, s.where});
  if (found.size() == drop_extents_max) return readiness::yes();
  if (!doomed)
    to.ends = format::drop_end::object;
  else if (o == nullptr || !o->orphan)
    to.ends = format::drop_end::range;
  return readiness::yes();
}

void reclaimer::drop_some() {
  dropping_ = true;
  const object_id id = drops_.front().object;
  std::optional<format::object_value> v;
  readiness done = c_.apply->load(id, v);
  object_state* const open = c_.table->find(id);
  if (done.ready() && (!v || (open != nullptr && open->loaded && !open->doomed))) {  // done by an earlier entry
    dropping_ = false;
    return end_drop();
  }
  format::drop_record r;
  if (done.ready()) done = collect(id, r);
  if (done.ready()) done = c_.apply->prepare(r);
  if (done.need)
    return c_.pages->wait(*done.need, [this](error_code ec) {
      dropping_ = false;  // the next step tries again
      if (ec) c_.set_latch("the pages of a removed object cannot be read");
    });
  dropping_ = false;
  if (done.fault != nullptr) return c_.set_latch(done.fault);
  const bool last = r.extents.size() < drop_extents_max;
  if (!r.extents.empty() || r.ends != format::drop_end::more) c_.publish({r});
  for (const format::object_extent& e : r.extents)
    if (zone_state& z = c_.zones.of(e.where.address); z.live_blocks == 0) consider(z);
  if (!last) return;
  end_drop();
  if (object_state* o = c_.table->find(id); o != nullptr && r.ends != format::drop_end::object) {
    o->doomed.reset();  // of one that was removed meanwhile, too
    c_.publish_queue->wake(*o);
  }
}

}  // namespace furrow::core
