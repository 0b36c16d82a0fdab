// Chunks of memory under the zone machine.
#include "memory/memory_zones.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "ensure.hpp"
#include "transfer_rules.hpp"

namespace furrow::zoned {
namespace {

void fill_unwritten(std::span<std::byte> out, std::uint64_t offset_bytes) {
  constexpr std::string_view pattern = memory_zones::unwritten_pattern;
  const std::size_t first = std::min(out.size(), pattern.size());
  for (std::size_t i = 0; i < first; ++i) out[i] = static_cast<std::byte>(pattern[(offset_bytes + i) % pattern.size()]);
  // What is there is the pattern from its first byte on, and twice as long each time.
  for (std::size_t have = first; have < out.size(); have *= 2)
    std::memcpy(out.data() + have, out.data(), std::min(have, out.size() - have));
}

}  // namespace

memory_zones::memory_zones(const geometry& shape, const guarantees& promises, std::vector<zone_info> zones)
    : shape_{shape}, promises_{promises}, machine_{shape, std::move(zones)}, stores_(shape.zone_count) {
  static_assert(chunk_bytes % unwritten_pattern.size() == 0);
  for (const zone_info& zone : machine_.all()) stores_[zone.index.value].durable_bytes = zone.write_pointer_bytes;
}

completion memory_zones::execute(const command& c) {
  switch (c.op) {
    case opcode::append:
    case opcode::write:
    case opcode::read:
      return transfer(c);
    case opcode::flush:
      flush();
      return {.id = c.id, .error = {}, .at = {}, .bytes = 0};
    case opcode::report:
      if (c.zone.value >= shape_.zone_count) return {.id = c.id, .error = errc::out_of_range, .at = {}, .bytes = 0};
      report_into(c);
      return {.id = c.id, .error = {}, .at = {}, .bytes = report_count(c, shape_)};
    case opcode::open:
    case opcode::close:
    case opcode::finish:
    case opcode::reset: {
      const error_code e = machine_.manage(c.op, c.zone);
      if (!e) note_change(c.zone, c.op);
      return {.id = c.id, .error = e, .at = {}, .bytes = 0};
    }
  }
  ensure(false);
  return {};
}

completion memory_zones::transfer(const command& c) {
  completion done{.id = c.id, .error = {}, .at = {}, .bytes = 0};
  const zone_type type = c.zone.value < shape_.zone_count ? machine_.at(c.zone).type : zone_type::sequential;
  done.error = check_transfer(c, type, shape_, promises_);
  if (done.error) return done;
  const std::uint64_t bytes = total_bytes(c.segments);
  done.at = {c.zone, c.offset_bytes};
  if (c.op == opcode::read) {
    if (machine_.at(c.zone).condition == zone_condition::offline) {
      done.error = errc::zone_offline;
      return done;
    }
    read_into(done.at, c.segments);
  } else {
    if (c.op == opcode::write) {
      done.error = machine_.write(c.zone, c.offset_bytes, bytes);
    } else if (!promises_.native_append) {
      done.error = errc::unsupported;
    } else if (const result<place> at = machine_.append(c.zone, bytes)) {
      done.at = *at;
    } else {
      done.error = at.error();
    }
    if (done.error) return done;
    note_change(c.zone, c.op);
    std::uint64_t offset_bytes = done.at.offset_bytes;
    for (const segment& s : c.segments) {
      store_bytes(stores_[c.zone.value], c.zone, offset_bytes, {s.data, s.bytes});
      offset_bytes += s.bytes;
    }
  }
  done.bytes = bytes;
  return done;
}

void memory_zones::read_into(place at, std::span<const segment> segments) const {
  for (const segment& s : segments) {
    peek(at, {s.data, s.bytes});
    at.offset_bytes += s.bytes;
  }
}

void memory_zones::report_into(const command& c) const {
  for (std::size_t i = 0; i < report_count(c, shape_); ++i) {
    c.zones[i] = machine_.at({c.zone.value + static_cast<std::uint32_t>(i)});
  }
}

void memory_zones::peek(place from, std::span<std::byte> out) const {
  ensure(from.zone.value < shape_.zone_count);
  ensure(from.offset_bytes + out.size() <= shape_.bytes_of(from.zone));
  const store& s = stores_[from.zone.value];
  while (!out.empty()) {
    const std::size_t within = from.offset_bytes % chunk_bytes;
    const std::span<std::byte> part = out.first(std::min(out.size(), chunk_bytes - within));
    const chunk* c = s.chunks.empty() ? nullptr : s.chunks[from.offset_bytes / chunk_bytes].get();
    copy(c, within, part);
    from.offset_bytes += part.size();
    out = out.subspan(part.size());
  }
}

void memory_zones::copy(const chunk* c, std::size_t within, std::span<std::byte> out) {
  const std::size_t written = c == nullptr || c->end <= within ? 0 : std::min(out.size(), c->end - within);
  if (written > 0) std::memcpy(out.data(), c->bytes.data() + within, written);
  if (written < out.size()) fill_unwritten(out.subspan(written), within + written);
}

void memory_zones::poke(place to, std::span<const std::byte> bytes) {
  ensure(to.zone.value < shape_.zone_count);
  ensure(to.offset_bytes + bytes.size() <= shape_.bytes_of(to.zone));
  store_bytes(stores_[to.zone.value], to.zone, to.offset_bytes, bytes);
}

void memory_zones::erase(place from, std::uint64_t bytes) {
  ensure(from.zone.value < shape_.zone_count);
  ensure(from.offset_bytes + bytes <= shape_.bytes_of(from.zone));
  store& s = stores_[from.zone.value];
  if (s.chunks.empty()) return;
  while (bytes > 0) {
    const std::size_t within = from.offset_bytes % chunk_bytes;
    const std::size_t part = std::min<std::uint64_t>(bytes, chunk_bytes - within);
    std::shared_ptr<chunk>& c = s.chunks[from.offset_bytes / chunk_bytes];
    if (c != nullptr && within < c->end) {
      own(c);
      if (within + part < c->end)
        fill_unwritten(std::span{c->bytes}.subspan(within, part), within);
      else
        c->end = within;
    }
    from.offset_bytes += part;
    bytes -= part;
  }
}

memory_zones::held_bytes memory_zones::hold(zone_index zone, std::uint64_t bytes) const {
  ensure(zone.value < shape_.zone_count);
  ensure(bytes <= shape_.bytes_of(zone));
  const chunk_list& all = stores_[zone.value].chunks;
  const std::size_t count = std::min<std::size_t>(all.size(), (bytes + chunk_bytes - 1) / chunk_bytes);
  held_bytes held;
  held.chunks_.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count));
  held.bytes_ = bytes;
  return held;
}

void memory_zones::put_back(zone_index zone, const held_bytes& held) {
  ensure(zone.value < shape_.zone_count);
  store& s = stores_[zone.value];
  if (s.chunks.empty()) s.chunks.resize((shape_.bytes_of(zone) + chunk_bytes - 1) / chunk_bytes);
  const std::size_t whole = held.bytes_ / chunk_bytes;
  for (std::size_t i = 0; i < whole; ++i) s.chunks[i] = i < held.chunks_.size() ? held.chunks_[i] : nullptr;
  std::vector<std::byte> rest(held.bytes_ % chunk_bytes);
  if (rest.empty()) return;
  copy(whole < held.chunks_.size() ? held.chunks_[whole].get() : nullptr, 0, rest);
  store_bytes(s, zone, whole * chunk_bytes, rest);
}

void memory_zones::force(const zone_info& zone) {
  machine_.force(zone);
  store& s = stores_[zone.index.value];
  s.durable_bytes = std::min(s.durable_bytes, zone.write_pointer_bytes);
}

std::uint64_t memory_zones::durable_bytes(zone_index zone) const {
  const zone_info& z = machine_.at(zone);
  if (!promises_.volatile_cache) return z.write_pointer_bytes;
  return stores_[zone.value].durable_bytes;
}

std::uint64_t memory_zones::resident_bytes() const {
  std::uint64_t chunks = 0;
  for (const store& s : stores_) {
    chunks += static_cast<std::uint64_t>(std::ranges::count_if(s.chunks, [](const auto& c) { return c != nullptr; }));
  }
  return chunks * chunk_bytes;
}

/// Before it is written: it is there, and nobody else's.
void memory_zones::own(std::shared_ptr<chunk>& c) {
  if (c != nullptr && c.use_count() == 1) return;
  auto mine = std::make_shared_for_overwrite<chunk>();
  mine->end = c == nullptr ? 0 : c->end;
  if (c != nullptr) std::memcpy(mine->bytes.data(), c->bytes.data(), c->end);
  c = std::move(mine);
}

void memory_zones::store_bytes(store& s, zone_index zone, std::uint64_t offset_bytes,
                               std::span<const std::byte> bytes) {
  if (s.chunks.empty()) s.chunks.resize((shape_.bytes_of(zone) + chunk_bytes - 1) / chunk_bytes);
  while (!bytes.empty()) {
    const std::size_t within = offset_bytes % chunk_bytes;
    const auto part = bytes.first(std::min(bytes.size(), chunk_bytes - within));
    std::shared_ptr<chunk>& c = s.chunks[offset_bytes / chunk_bytes];
    own(c);
    if (within > c->end) fill_unwritten(std::span{c->bytes}.subspan(c->end, within - c->end), c->end);
    std::memcpy(c->bytes.data() + within, part.data(), part.size());
    c->end = std::max(c->end, within + part.size());
    offset_bytes += part.size();
    bytes = bytes.subspan(part.size());
  }
}

void memory_zones::forget_from(store& s, zone_index zone, std::uint64_t offset_bytes) {
  if (s.chunks.empty()) return;
  const std::uint64_t boundary = std::min((offset_bytes + chunk_bytes - 1) / chunk_bytes, s.chunks.size() + 0UL);
  const std::uint64_t begun_end = std::min(boundary * chunk_bytes, shape_.bytes_of(zone));
  if (begun_end > offset_bytes) erase({zone, offset_bytes}, begun_end - offset_bytes);
  for (std::size_t i = boundary; i < s.chunks.size(); ++i) s.chunks[i] = nullptr;
  if (offset_bytes == 0) s.chunks = {};
}

void memory_zones::note_change(zone_index zone, opcode op) {
  store& s = stores_[zone.value];
  if (op == opcode::reset) {
    s = {.chunks = {}, .flushed_chunks = {}, .durable_bytes = 0, .unflushed = s.unflushed, .finish_unflushed = false};
    return;
  }
  if (op == opcode::open || op == opcode::close || !promises_.volatile_cache) return;
  if (op == opcode::finish) s.finish_unflushed = true;
  if (s.unflushed) return;
  s.unflushed = true;
  unflushed_.push_back(zone);
  if (machine_.at(zone).type == zone_type::conventional) s.flushed_chunks = s.chunks;
}

void memory_zones::flush() {
  for (const zone_index zone : unflushed_) {
    store& s = stores_[zone.value];
    s.durable_bytes = machine_.at(zone).write_pointer_bytes;
    s.flushed_chunks = {};
    s.unflushed = false;
    s.finish_unflushed = false;
  }
  unflushed_.clear();
}

void memory_zones::lose_power() {
  for (const zone_index zone : unflushed_) lose_power_of(zone);
  unflushed_.clear();
  for (const zone_info& zone : machine_.all()) {
    if (is_open(zone.condition)) ensure(!machine_.manage(opcode::close, zone.index));
  }
}

void memory_zones::lose_power_of(zone_index zone) {
  store& s = stores_[zone.value];
  s.unflushed = false;
  zone_info z = machine_.at(zone);
  if (z.type == zone_type::conventional) {
    s.chunks = std::exchange(s.flushed_chunks, {});
    return;
  }
  const bool rewound = s.durable_bytes < z.write_pointer_bytes || s.finish_unflushed;
  s.finish_unflushed = false;
  if (!rewound) return;
  forget_from(s, zone, s.durable_bytes);
  if (!is_writable(z.condition) && z.condition != zone_condition::full) return;
  z.write_pointer_bytes = s.durable_bytes;
  z.condition = s.durable_bytes == 0 ? zone_condition::empty : zone_condition::closed;
  machine_.force(z);
}

}  // namespace furrow::zoned
