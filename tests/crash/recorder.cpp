#include "crash/recorder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "sim/failure.hpp"
#include "sim/random.hpp"
#include "sim/trace.hpp"

namespace furrow::crash {
namespace {

using sim::mix;
using zoned::opcode;
using zoned::zone_condition;
using zoned::zone_index;
using zoned::zone_info;

std::uint64_t hash_bytes(std::uint64_t from, std::span<const std::byte> bytes) {
  std::uint64_t a = from, b = ~from;
  for (std::size_t at = 0; at + 16 <= bytes.size(); at += 16) {
    std::uint64_t x = 0, y = 0;
    std::memcpy(&x, bytes.data() + at, 8);
    std::memcpy(&y, bytes.data() + at + 8, 8);
    a = (a ^ x) * 0x9e37'79b9'7f4a'7c15;
    b = (b ^ y) * 0xbf58'476d'1ce4'e5b9;
    a ^= a >> 29;
    b ^= b >> 31;
  }
  return mix(a) ^ mix(b + 1);
}

/// As a loss of power leaves it: nothing is open.
zone_condition settled(zone_condition c, std::uint64_t write_pointer_bytes) {
  if (!zoned::is_active(c)) return c;
  return write_pointer_bytes == 0 ? zone_condition::empty : zone_condition::closed;
}

zone_info cut_at(zone_info z, std::uint64_t bytes) {
  z.write_pointer_bytes = bytes;
  z.condition = bytes == 0                  ? zone_condition::empty
                : bytes == z.capacity_bytes ? zone_condition::full
                                            : zone_condition::closed;
  return z;
}

void erase(zoned::memory_zones& zones, zone_index zone, std::uint64_t begin, std::uint64_t end) {
  constexpr std::string_view pattern = zoned::memory_zones::unwritten_pattern;
  std::vector<std::byte> fill(end - begin);
  for (std::size_t i = 0; i < fill.size(); ++i) fill[i] = static_cast<std::byte>(pattern[(begin + i) % pattern.size()]);
  zones.poke({zone, begin}, fill);
}

}  // namespace

zoned::memory_zones make_zones(const zoned::geometry& shape, const zoned::guarantees& promises,
                               std::vector<zone_info> zones) {
  zoned::guarantees below = promises;
  below.native_append = true;
  below.volatile_cache = false;
  return {shape, below, std::move(zones)};
}

recorder::recorder(zoned::memory_zones image, const zoned::guarantees& promises, bool hashes)
    : image_{std::move(image)}, promises_{promises}, hashing_{hashes}, resets_(image_.shape().zone_count) {
  if (!hashing_) return;
  const std::uint64_t lba = shape().lba_bytes;
  std::vector<std::byte> bytes(lba);
  for (const zone_info& z : image_.machine().all()) {
    prefix_hashes& p = prefixes_.emplace_back(z.bytes / lba + 1);
    for (std::uint64_t at = 0; at < z.write_pointer_bytes && at < z.bytes; at += lba) {
      image_.peek({z.index, at}, bytes);
      p[at / lba + 1] = hash_bytes(p[at / lba], bytes);
    }
  }
}

loose_zone& recorder::loose(zone_index zone) {
  const auto at = std::ranges::find(loose_, zone, &loose_zone::zone);
  if (at != loose_.end()) return *at;
  loose_zone& l = loose_.emplace_back();
  l.zone = zone;
  l.durable_bytes = l.completed_bytes = l.written_bytes = image_.machine().at(zone).write_pointer_bytes;
  l.resets = resets_[zone.value];
  return l;
}

void recorder::note_written(zone_index zone, const zoned::command& c, std::uint64_t begin) {
  if (!hashing_) return;
  const std::uint64_t lba = shape().lba_bytes;
  prefix_hashes& p = prefixes_[zone.value];
  std::uint64_t at = begin;
  for (const zoned::segment& s : c.segments)
    for (std::size_t from = 0; from < s.bytes; from += lba, at += lba)
      p[at / lba + 1] = hash_bytes(p[at / lba], {s.data + from, lba});
}

void recorder::submit(const zoned::command& c) {
  ++submitted_;
  pending& p = pending_.emplace_back();
  p.what = c;
  const auto refused = [&](error_code ec) {
    throw sim::broken_promise{fmt::format("the device refuses a {} of {} bytes at zone {}: {}", sim::name_of(c.op),
                                          zoned::total_bytes(c.segments), c.zone.value, ec.message())};
  };
  switch (c.op) {
    case opcode::append:
    case opcode::write: {
      static_cast<void>(loose(c.zone));  // as it is before
      p.done = image_.execute(c);
      if (p.done.error) refused(p.done.error);
      note_written(c.zone, c, p.done.at.offset_bytes);
      loose(c.zone).written_bytes = p.done.at.offset_bytes + p.done.bytes;
      break;
    }
    case opcode::reset: {
      auto old = std::make_shared<const zoned::memory_zones>(image_);
      loose_zone& l = loose(c.zone);
      const std::uint64_t hash = hashing_ ? zone_hash(image_.machine().at(c.zone), l.written_bytes) : 0;
      p.done = image_.execute(c);
      if (p.done.error) refused(p.done.error);
      l.before.push_back(std::move(old));
      l.hashes_before.push_back(hash);
      l.durable_bytes = l.completed_bytes = l.written_bytes = 0;
      l.finished = l.finish_completed = l.reset_completed = false;
      l.resets = ++resets_[c.zone.value];
      if (hashing_) std::ranges::fill(prefixes_[c.zone.value], 0);
      break;
    }
    case opcode::finish: {
      loose_zone& l = loose(c.zone);
      p.done = image_.execute(c);
      if (p.done.error) refused(p.done.error);
      l.finished = true;
      break;
    }
    case opcode::flush:
      for (const loose_zone& l : loose_)
        p.covers.push_back({l.zone.value, l.resets, l.completed_bytes, l.finish_completed, l.reset_completed});
      p.done = {.id = c.id, .error = {}, .at = {}, .bytes = 0};
      break;
    case opcode::read:
    case opcode::report:
    case opcode::open:
    case opcode::close:
      p.done = image_.execute(c);
      if (p.done.error && c.op != opcode::read) refused(p.done.error);
      break;
  }
  if (c.zone.value < resets_.size()) p.resets = resets_[c.zone.value];
  if (watch) watch(c, false);
}

void recorder::note_completed(const pending& p) {
  const auto at = std::ranges::find(loose_, p.what.zone, &loose_zone::zone);
  const bool current = at != loose_.end() && at->resets == p.resets;
  switch (p.what.op) {
    case opcode::append:
    case opcode::write:
      if (current) at->completed_bytes = std::max(at->completed_bytes, p.done.at.offset_bytes + p.done.bytes);
      break;
    case opcode::reset:
      if (current) at->reset_completed = true;
      break;
    case opcode::finish:
      if (current) at->finish_completed = true;
      break;
    case opcode::flush:
      ++flushes_;
      if (!flushes_lie)
        for (const covered& c : p.covers) make_durable(c);
      return;
    case opcode::read:
    case opcode::report:
    case opcode::open:
    case opcode::close:
      return;
  }
  if (current && !promises_.volatile_cache)
    make_durable({at->zone.value, at->resets, at->completed_bytes, at->finish_completed, at->reset_completed});
}

void recorder::make_durable(const covered& c) {
  const auto at = std::ranges::find(loose_, zone_index{c.zone}, &loose_zone::zone);
  if (at == loose_.end() || at->resets != c.resets) return;
  at->durable_bytes = std::max(at->durable_bytes, c.completed_bytes);
  if (c.reset_completed || at->durable_bytes > 0) {
    at->before.clear();
    at->hashes_before.clear();
  }
  if (c.finish_completed) at->finished = false;
  tidy(at->zone);
}

void recorder::tidy(zone_index zone) {
  std::erase_if(loose_, [zone](const loose_zone& l) {
    return l.zone == zone && l.durable_bytes == l.written_bytes && l.before.empty() && !l.finished;
  });
}

bool recorder::complete(zoned::completion& to) {
  if (pending_.empty()) return false;
  const pending p = std::move(pending_.front());
  pending_.pop_front();
  to = p.done;
  note_completed(p);
  if (watch) watch(p.what, true);
  return true;
}

void recorder::force(const zone_info& zone) {
  image_.force(zone);
  std::erase_if(loose_, [&](const loose_zone& l) { return l.zone == zone.index; });
}

std::uint64_t recorder::zone_hash(const zone_info& z, std::uint64_t bytes) const {
  const std::uint64_t content = prefixes_[z.index.value][bytes / shape().lba_bytes];
  const auto condition = static_cast<std::uint64_t>(settled(z.condition, z.write_pointer_bytes));
  return mix(mix(content ^ (z.index.value + 1)) + mix(z.write_pointer_bytes * 16 + condition));
}

std::vector<std::uint64_t> recorder::outcome_hashes(const loose_zone& l) const {
  const zone_info& now = image_.machine().at(l.zone);
  std::vector<std::uint64_t> all = l.hashes_before;
  for (std::uint64_t at = l.durable_bytes; at <= l.written_bytes; at += shape().lba_bytes)
    all.push_back(hashing_ ? zone_hash(cut_at(now, at), at) : 0);
  if (l.finished) all.push_back(hashing_ ? zone_hash(now, l.written_bytes) : 0);
  return all;
}

moment recorder::now() const {
  moment m{.image = image_, .loose = loose_, .hashes = {}, .base_hash = 0};
  for (const loose_zone& l : loose_) m.hashes.push_back(outcome_hashes(l));
  if (!hashing_) return m;
  for (const zone_info& z : image_.machine().all()) {
    if (std::ranges::find(loose_, z.index, &loose_zone::zone) != loose_.end()) continue;
    // Behind what was written a finished zone has what was never written.
    const std::uint64_t lba = shape().lba_bytes;
    std::uint64_t bytes = std::min(z.write_pointer_bytes, z.bytes) / lba * lba;
    while (bytes > 0 && prefixes_[z.index.value][bytes / lba] == 0) bytes -= lba;
    m.base_hash += zone_hash(z, bytes);
  }
  return m;
}

std::uint64_t moment::image_hash() const {
  std::uint64_t hash = base_hash;
  for (const auto& outcomes_of_zone : hashes) hash += outcomes_of_zone.back();
  hash = mix(hash + image.machine().open_count());
  for (const zone_info& z : image.machine().all())
    if (zoned::is_open(z.condition)) hash = mix(hash ^ (z.index.value * 16 + static_cast<std::uint64_t>(z.condition)));
  return hash;
}

std::unique_ptr<zoned::memory_zones> moment::build(std::span<const std::uint32_t> outcome, bool stale) const {
  auto zones = std::make_unique<zoned::memory_zones>(image);
  const std::uint64_t lba = image.shape().lba_bytes;
  for (std::size_t i = 0; i < loose.size(); ++i) {
    const loose_zone& l = loose[i];
    zone_info now = image.machine().at(l.zone);
    std::size_t at = outcome[i];
    if (at < l.before.size()) {
      zone_info old = l.before[at]->machine().at(l.zone);
      old.condition = settled(old.condition, old.write_pointer_bytes);
      std::vector<std::byte> bytes(old.bytes);
      l.before[at]->peek({l.zone, 0}, bytes);
      zones->poke({l.zone, 0}, bytes);
      zones->force(old);
      continue;
    }
    at -= l.before.size();
    const std::uint64_t kept = l.durable_bytes + at * lba;
    if (kept > l.written_bytes) continue;  // the finish is done
    if (kept < l.written_bytes && !stale) erase(*zones, l.zone, kept, l.written_bytes);
    zones->force(cut_at(now, kept));
  }
  zones->lose_power();
  const auto limit = image.shape().active_max;
  if (limit && zones->machine().active_count() > *limit) return nullptr;
  return zones;
}

}  // namespace furrow::crash
