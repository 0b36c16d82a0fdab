// Book-keeping of what a flush covers, and the choice of what remains.
#include "sim/cache_model.hpp"

#include <algorithm>
#include <map>

namespace furrow::sim {
namespace {

using zoned::zone_condition;
using zoned::zone_index;
using zoned::zone_info;

}  // namespace

cache_model::cache_model(zoned::memory_zones& zones, bool is_volatile, bool leaves_stale_bytes)
    : zones_{zones},
      volatile_{is_volatile},
      leaves_stale_bytes_{leaves_stale_bytes},
      states_(zones.shape().zone_count) {}

void cache_model::mark_dirty(zone_index zone) {
  if (states_[zone.value].dirty) return;
  states_[zone.value].dirty = true;
  dirty_.push_back(zone);
}

std::uint64_t cache_model::before_overwrite(zone_index zone, std::uint64_t offset_bytes, std::uint64_t bytes) {
  if (!volatile_) return 0;
  overwrite& entry = overwrites_.emplace_back();
  entry.number = ++overwrite_count_;
  entry.zone = zone;
  entry.offset_bytes = offset_bytes;
  entry.old_bytes.resize(bytes);
  zones_.peek({zone, offset_bytes}, entry.old_bytes);
  return entry.number;
}

void cache_model::before_reset(zone_index zone) {
  zone_state& s = states_[zone.value];
  if (volatile_) {
    mark_dirty(zone);
    version& v = s.before.emplace_back();
    v.generation = s.generation;
    v.info = zones_.machine().at(zone);
    v.durable_end = s.durable_end;
    v.written_end = s.written_end;
    v.bytes = zones_.hold(zone, s.written_end);
  }
  ++s.generation;
  s.durable_end = s.reaped_end = s.written_end = 0;
  s.finished = s.finish_reaped = false;
}

void cache_model::written(zone_index zone, std::uint64_t end_bytes) {
  zone_state& s = states_[zone.value];
  s.written_end = std::max(s.written_end, end_bytes);
  mark_dirty(zone);
}

void cache_model::finished(zone_index zone) {
  states_[zone.value].finished = true;
  mark_dirty(zone);
}

void cache_model::reaped_write(zone_index zone, std::uint64_t generation, std::uint64_t end_bytes) {
  zone_state& s = states_[zone.value];
  if (s.generation == generation) s.reaped_end = std::max(s.reaped_end, end_bytes);
}

void cache_model::reaped_overwrite(std::uint64_t entry) {
  for (overwrite& o : overwrites_) {
    if (o.number == entry) o.reaped = true;
  }
}

void cache_model::reaped_reset(zone_index zone, std::uint64_t generation) {
  zone_state& s = states_[zone.value];
  s.reset_reaped = std::max(s.reset_reaped, generation);
}

void cache_model::reaped_finish(zone_index zone) { states_[zone.value].finish_reaped = true; }

cache_model::ticket cache_model::begin_flush() {
  const auto unused = std::ranges::find_if(flushes_, [](const flush_record& f) { return !f.in_use; });
  const ticket t = static_cast<ticket>(unused - flushes_.begin());
  if (t == flushes_.size()) flushes_.emplace_back();
  flush_record& f = flushes_[t];
  f.in_use = true;
  f.zones.clear();
  f.overwrites.clear();
  if (!volatile_) return t;
  for (const zone_index zone : dirty_) {
    const zone_state& s = states_[zone.value];
    f.zones.push_back({zone, s.generation, s.reset_reaped, s.reaped_end, s.finish_reaped});
  }
  for (const overwrite& o : overwrites_) {
    if (o.reaped) f.overwrites.push_back(o.number);
  }
  return t;
}

void cache_model::commit_flush(ticket t) {
  flush_record& f = flushes_[t];
  for (const covered_zone& z : f.zones) commit_zone(z);
  for (const std::uint64_t number : f.overwrites) commit_overwrite(number);
  f.in_use = false;
  std::erase_if(dirty_, [&](zone_index zone) {
    zone_state& s = states_[zone.value];
    s.dirty = s.durable_end < s.written_end || !s.before.empty() || s.finished;
    return !s.dirty;
  });
}

void cache_model::forget_flush(ticket t) { flushes_[t].in_use = false; }

void cache_model::commit_zone(const covered_zone& covered) {
  zone_state& s = states_[covered.zone.value];
  // A version is superseded by the reset that led to the generation after it.
  std::erase_if(s.before, [&](const version& v) { return v.generation < covered.reset_reaped; });
  if (covered.generation == s.generation) {
    s.durable_end = std::max(s.durable_end, covered.reaped_end);
    if (s.durable_end > 0) s.before.clear();
    if (covered.finish_reaped) s.finished = false;
    return;
  }
  for (version& v : s.before) {
    if (v.generation == covered.generation) v.durable_end = std::max(v.durable_end, covered.reaped_end);
  }
}

void cache_model::commit_overwrite(std::uint64_t number) {
  const auto done = std::ranges::find_if(overwrites_, [&](const overwrite& o) { return o.number == number; });
  if (done == overwrites_.end()) return;
  const zone_index zone = done->zone;
  const std::uint64_t begin = done->offset_bytes;
  const std::uint64_t end = begin + done->old_bytes.size();
  // What lies below a durable write can come back no more, be it covered itself or not.
  std::erase_if(overwrites_, [&](const overwrite& o) {
    return o.number <= number && o.zone == zone && o.offset_bytes < end && begin < o.offset_bytes + o.old_bytes.size();
  });
}

bool cache_model::would_exceed_active(const zone_info& now, std::uint64_t kept_bytes) const {
  const auto limit = zones_.shape().active_max;
  return limit && kept_bytes > 0 && !zoned::is_active(now.condition) && zones_.machine().active_count() >= *limit;
}

void cache_model::restore(zone_index zone, const version& v) {
  zone_info info = v.info;
  if (zoned::is_open(info.condition)) info.condition = zone_condition::closed;
  if (zoned::is_active(info.condition) && would_exceed_active(zones_.machine().at(zone), info.write_pointer_bytes)) {
    return;
  }
  zones_.put_back(zone, v.bytes);
  zones_.force(info);
}

void cache_model::lose_zone(zone_index zone, prng& chance) {
  const zone_state& s = states_[zone.value];
  zone_info now = zones_.machine().at(zone);
  if (now.condition == zone_condition::read_only || now.condition == zone_condition::offline) return;
  if (!s.before.empty() && chance.chance(400)) {
    restore(zone, s.before[chance.below(s.before.size())]);
    return;
  }
  const std::uint64_t lba = zones_.shape().lba_bytes;
  const std::uint64_t loose = (s.written_end - s.durable_end) / lba;
  const std::uint64_t kept =
      s.durable_end + lba * chance.one_of(0, loose, chance.below(loose + 1), chance.below(loose + 1));
  const bool undo_finish = s.finished && chance.chance(500);
  if (kept == s.written_end && !undo_finish) return;
  if (kept == now.capacity_bytes || would_exceed_active(now, kept)) return;
  if (!leaves_stale_bytes_) zones_.erase({zone, kept}, s.written_end - kept);
  now.write_pointer_bytes = kept;
  now.condition = kept == 0 ? zone_condition::empty : zone_condition::closed;
  zones_.force(now);
}

void cache_model::lose_overwrites(prng& chance) {
  const std::uint64_t lba = zones_.shape().lba_bytes;
  std::map<std::pair<std::uint32_t, std::uint64_t>, bool> settled;
  for (auto o = overwrites_.rbegin(); o != overwrites_.rend(); ++o) {
    for (std::uint64_t at = 0; at < o->old_bytes.size(); at += lba) {
      bool& kept = settled[{o->zone.value, o->offset_bytes + at}];
      if (kept || chance.chance(500)) {
        kept = true;
        continue;
      }
      zones_.poke({o->zone, o->offset_bytes + at}, std::span{o->old_bytes}.subspan(at, lba));
    }
  }
  overwrites_.clear();
}

void cache_model::settle(zone_index zone) {
  zone_state& s = states_[zone.value];
  const zone_info& now = zones_.machine().at(zone);
  ++s.generation;
  s.reset_reaped = s.generation;
  s.before.clear();
  s.finished = s.finish_reaped = s.dirty = false;
  s.written_end = now.write_pointer_bytes;
  s.durable_end = s.reaped_end = s.written_end;
}

void cache_model::end_process() {
  for (const zone_index zone : dirty_) {
    zone_state& s = states_[zone.value];
    s.reaped_end = s.written_end;
    s.reset_reaped = s.generation;
    s.finish_reaped = s.finished;
  }
  for (overwrite& o : overwrites_) o.reaped = true;
  for (flush_record& f : flushes_) f.in_use = false;
}

void cache_model::lose_power(prng& chance) {
  if (volatile_) {
    // Zones that are active now first: those that come back empty make room for those that come back from full.
    std::ranges::stable_partition(
        dirty_, [&](zone_index zone) { return zoned::is_active(zones_.machine().at(zone).condition); });
    for (const zone_index zone : dirty_) lose_zone(zone, chance);
    lose_overwrites(chance);
  }
  for (const zone_index zone : dirty_) settle(zone);
  dirty_.clear();
  for (flush_record& f : flushes_) f.in_use = false;
  zones_.lose_power();
}

}  // namespace furrow::sim
