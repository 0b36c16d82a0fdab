// The life of a command on the simulated device.
#include "sim/sim_device.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

namespace furrow::sim {
namespace {

using zoned::opcode;

// The engine sees the device behind the adaptor that gives every device append; the zones below always have it.
zoned::guarantees below_adaptor(zoned::guarantees promises) {
  promises.native_append = true;
  promises.volatile_cache = false;
  return promises;
}

}  // namespace

sim_device::sim_device(const zoned::geometry& shape, std::vector<zoned::zone_info> zones,
                       const zoned::guarantees& promises, const fault_weights& faults, const disorder& order,
                       std::uint64_t seed, const zone_fault_weights& zone_faults, const lie_weights& lies)
    : zones_{shape, below_adaptor(promises), std::move(zones)},
      promises_{promises},
      cache_{zones_, promises.volatile_cache, order.stale_bytes},
      faults_{faults},
      zone_faults_{zone_faults, zones_, mix(seed) + 2},
      lies_{lies, zones_, mix(seed) + 1},
      order_{order},
      clock_{order.times, shape, mix(seed) + 3},
      chance_{seed},
      appends_in_flight_(shape.zone_count),
      last_errors_(shape.zone_count) {
  pending_.reserve(promises.in_flight_max);
}

sim_device::sim_device(zoned::memory_zones image, const zoned::guarantees& promises, std::uint64_t seed)
    : zones_{std::move(image)},
      promises_{promises},
      cache_{zones_, promises.volatile_cache, false},
      faults_{fault_weights{}},
      zone_faults_{zone_fault_weights{}, zones_},
      lies_{lie_weights{}, zones_, seed},
      order_{.in_order = true, .slow_per_mille = 0, .burst_max = 16, .stale_bytes = false},
      clock_{drive::timeless, zones_.shape(), seed},
      chance_{seed},
      appends_in_flight_(zones_.shape().zone_count),
      last_errors_(zones_.shape().zone_count) {}

sim_device::~sim_device() {
  if (completion_fd_ >= 0) ::close(completion_fd_);
}

int sim_device::completion_fd() const noexcept {
  if (completion_fd_ < 0) completion_fd_ = ::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
  return completion_fd_;
}

void sim_device::complain(const zoned::command& c, const std::string& why) {
  if (complaint_) return;
  complaint_ = fmt::format("{} of {} bytes at zone {} offset {} (command {}): {}", name_of(c.op),
                           zoned::total_bytes(c.segments), c.zone.value, c.offset_bytes, c.id.value, why);
}

void sim_device::check_promises(const zoned::command& c) {
  if (std::ranges::any_of(pending_, [&](const pending& p) { return p.what.id == c.id; })) complain(c, "id in use");
  if (c.op != opcode::append) return;
  if (c.zone.value >= shape().zone_count) return complain(c, "no such zone");
  if (appends_in_flight_[c.zone.value] >= promises_.appends_per_zone_max) complain(c, "over appends_per_zone_max");
}

std::size_t sim_device::submit(std::span<const zoned::command> commands) {
  std::size_t accepted = 0;
  for (const zoned::command& c : commands) {
    if (pending_.size() >= promises_.in_flight_max) break;
    check_promises(c);
    pending& p = pending_.emplace_back();
    p.what = c;
    p.serial = commands_;
    p.destiny = faults_.draw(c.op, chance_);
    p.slow = chance_.chance(order_.slow_per_mille);
    if (c.op == opcode::flush) p.flush = cache_.begin_flush();
    if (c.op == opcode::append && c.zone.value < shape().zone_count) ++appends_in_flight_[c.zone.value];
    if (clock_.keeps_time()) p.due = due_time(c);
    trace_.submitted(c);
    ++accepted;
    ++commands_;
  }
  return accepted;
}

std::size_t sim_device::choose() {
  if (order_.in_order) return 0;
  std::size_t index = chance_.below(pending_.size());
  for (int tries = 0; tries < 3 && pending_[index].slow; ++tries) index = chance_.below(pending_.size());
  const pending& chosen = pending_[index];
  if (promises_.native_append || chosen.what.op != opcode::append || chosen.executed) return index;
  for (std::size_t i = 0; i < pending_.size(); ++i) {  // I4
    const pending& p = pending_[i];
    const bool same = p.what.op == opcode::append && !p.executed && p.what.zone == chosen.what.zone;
    if (same && p.serial < pending_[index].serial) index = i;
  }
  return index;
}

nanoseconds sim_device::due_time(const zoned::command& c) {
  if (c.zone.value >= shape().zone_count) return clock_.due(c, 0);
  const zoned::zone_info& z = zones_.machine().at(c.zone);
  return clock_.due(c, z.capacity_bytes == 0 ? 0 : z.write_pointer_bytes * 100 / z.capacity_bytes);
}

void sim_device::remove(std::size_t index) {
  if (index + 1 != pending_.size()) pending_[index] = pending_.back();
  pending_.pop_back();
}

/// What is done next, and all that is done by then.
std::size_t sim_device::reap_due(std::span<zoned::completion> out) {
  const auto sooner = [](const pending& a, const pending& b) {
    return a.due != b.due ? a.due < b.due : a.serial < b.serial;
  };
  std::size_t given = 0;
  while (given < out.size() && !pending_.empty()) {
    const auto next = std::ranges::min_element(pending_, sooner);
    if (given > 0 && next->due > clock_.now()) break;
    clock_.advance(next->due);
    if (!next->executed) execute(*next);
    give_out(*next);
    out[given++] = next->done;
    remove(static_cast<std::size_t>(next - pending_.begin()));
  }
  return given;
}

std::size_t sim_device::reap(std::span<zoned::completion> out) {
  if (clock_.keeps_time()) return reap_due(out);
  std::size_t given = 0;
  for (std::uint64_t moves = chance_.within(1, order_.burst_max); moves > 0 && !pending_.empty(); --moves) {
    if (given == out.size()) break;
    const std::size_t index = choose();
    pending& p = pending_[index];
    const bool was_executed = p.executed;
    if (!was_executed) execute(p);
    if (!was_executed && !order_.in_order && chance_.chance(500)) continue;
    give_out(p);
    out[given++] = p.done;
    if (order_.in_order) {
      pending_.erase(pending_.begin());
    } else {
      remove(index);
    }
  }
  return given;
}

std::uint64_t sim_device::part_of(std::uint64_t bytes, std::uint64_t least) {
  const std::uint64_t lba = shape().lba_bytes;
  const std::uint64_t count = bytes / lba;
  // Half of the cuts lie between store blocks, also where the LBA is smaller.
  const std::uint64_t unit = chance_.chance(500) ? std::max<std::uint64_t>(1, zoned::store_block_bytes / lba) : 1;
  const std::uint64_t cut = chance_.within(0, count) / unit * unit;
  return std::clamp(cut, std::min(least, count), count) * lba;
}

zoned::command sim_device::front_of(const zoned::command& c, std::uint64_t bytes) {
  front_segments_.clear();
  for (const zoned::segment& s : c.segments) {
    if (bytes == 0) break;
    const std::size_t take = std::min<std::uint64_t>(bytes, s.bytes);
    front_segments_.push_back({s.data, take});
    bytes -= take;
  }
  zoned::command front = c;
  front.segments = front_segments_;
  return front;
}

void sim_device::execute_write(pending& p, std::uint64_t bytes) {
  const zoned::zone_index zone = p.what.zone;
  const bool overwrites = p.what.op == opcode::write && zone.value < shape().zone_count &&
                          zones_.machine().at(zone).type == zoned::zone_type::conventional;
  if (overwrites && p.what.offset_bytes + bytes <= shape().bytes_of(zone)) {
    p.overwrite = cache_.before_overwrite(zone, p.what.offset_bytes, bytes);
  }
  const zoned::command front = front_of(p.what, bytes);
  if (lies_.told() && zone.value < shape().zone_count)
    lies_.before_write({zone, zones_.machine().at(zone).write_pointer_bytes}, front, zone_faults_.holding_data());
  p.done = zones_.execute(front);
  if (p.done.error) {
    if (!zone_faults_.is_turned(zone)) return complain(p.what, "the device refuses: " + p.done.error.message());
    const bool says = zone_faults_.weights().says_why;
    return fail_append(p, says ? static_cast<zoned::errc>(p.done.error.value()) : zoned::errc::io,
                       {zone, shape().bytes_of(zone)});
  }
  if (lies_.told()) lies_.after_write(front, zone_faults_.holding_data());
  zone_faults_.executed(p.what, p.done);
  p.generation = cache_.generation(zone);
  p.end_bytes = p.done.at.offset_bytes + bytes;
  if (!overwrites) cache_.written(zone, p.end_bytes);
}

/// The place is told by a device without an append of its own, and then nothing that waits for it is begun.
void sim_device::fail_append(pending& p, zoned::errc why, zoned::place at) {
  p.done = {.id = p.what.id, .error = why, .at = {}, .bytes = 0};
  if (promises_.native_append || p.what.op != opcode::append) return;
  p.done.at = at;
  for (pending& q : pending_) {
    if (&q == &p || q.executed || q.what.op != opcode::append || q.what.zone != p.what.zone) continue;
    q.executed = true;
    q.done = {.id = q.what.id,
              .error = zoned::errc::cancelled,
              .at = {q.what.zone, shape().bytes_of(q.what.zone)},
              .bytes = 0};
  }
}

/// From some LBA on, or there alone, the bytes are not those that were sent.
void sim_device::spoil(zoned::place begin, std::uint64_t bytes) {
  const std::uint64_t lba = shape().lba_bytes;
  if (bytes < lba) return;
  const std::uint64_t first = chance_.below(bytes / lba);
  std::vector<std::byte> garbage((chance_.chance(500) ? 1 : bytes / lba - first) * lba);
  for (std::byte& b : garbage) b = static_cast<std::byte>(chance_.next());
  zones_.poke({begin.zone, begin.offset_bytes + first * lba}, garbage);
}

void sim_device::execute_append(pending& p) {
  const zoned::zone_index zone = p.what.zone;
  std::uint64_t bytes = zoned::total_bytes(p.what.segments);
  if (zone.value >= shape().zone_count) return execute_write(p, bytes);
  const zoned::place begin{zone, zones_.machine().at(zone).write_pointer_bytes};
  if (const auto refused = zone_faults_.refuse(p.what, chance_))
    return fail_append(p, *refused, {zone, shape().bytes_of(zone)});
  const auto turns = zone_faults_.befall_at(zone, chance_);
  const bool failed = p.destiny == fate::failed || turns || zone_faults_.fails(zone, chance_);
  if (!failed) return execute_write(p, p.destiny == fate::shortened ? part_of(bytes, 1) : bytes);
  bytes = chance_.one_of(0, bytes, part_of(bytes, 0), part_of(bytes, 0));
  const bool was_turned = zone_faults_.is_turned(zone);
  if (bytes > 0) execute_write(p, bytes);
  if (was_turned && p.done.error) return;
  if (bytes > 0 && zone_faults_.holds_data(zone) && chance_.chance(zone_faults_.weights().garbage_per_mille))
    spoil(begin, bytes);
  if (turns) zone_faults_.turn(zone, *turns);
  if (turns == zoned::zone_condition::full) cache_.finished(zone);
  fail_append(p, zoned::errc::io, begin);
}

/// The write pointer of a zone that is read-only or offline means nothing.
void sim_device::obscure(const zoned::command& report) {
  for (zoned::zone_info& z : report.zones) {
    if (z.condition != zoned::zone_condition::read_only && z.condition != zoned::zone_condition::offline) continue;
    z.write_pointer_bytes = chance_.one_of(0, z.capacity_bytes, z.write_pointer_bytes);
  }
}

void sim_device::execute_other(pending& p) {
  const bool failed = p.destiny == fate::failed;
  if (p.what.op == opcode::flush) {
    p.done = {.id = p.what.id, .error = {}, .at = {}, .bytes = 0};
    return;
  }
  if (failed && (p.what.op != opcode::reset || chance_.chance(500))) return;
  if (p.what.op == opcode::reset && p.what.zone.value < shape().zone_count) {
    const zoned::zone_info& z = zones_.machine().at(p.what.zone);
    const bool possible = z.type != zoned::zone_type::conventional && z.condition != zoned::zone_condition::read_only &&
                          z.condition != zoned::zone_condition::offline;
    if (possible) cache_.before_reset(p.what.zone);
  }
  p.done = zones_.execute(p.what);
  if (p.done.error) {
    if (!zone_faults_.is_turned(p.what.zone)) return complain(p.what, "the device refuses: " + p.done.error.message());
    if (!zone_faults_.weights().says_why) p.done.error = zoned::errc::io;
    return;
  }
  zone_faults_.executed(p.what, p.done);
  if (p.what.op == opcode::read && lies_.told()) lies_.after_read(p.what, zone_faults_.holds_data(p.what.zone));
  if (p.what.op == opcode::report) obscure(p.what);
  if (p.what.op == opcode::finish) cache_.finished(p.what.zone);
  if (p.what.op == opcode::reset) p.generation = cache_.generation(p.what.zone);
}

void sim_device::execute(pending& p) {
  ++executed_;
  p.executed = true;
  p.done = {.id = p.what.id, .error = {}, .at = {p.what.zone, p.what.offset_bytes}, .bytes = 0};
  if (const auto full = zone_faults_.befall(chance_)) cache_.finished(*full);
  if (const auto full = zone_faults_.befall_metadata()) cache_.finished(*full);
  if (const auto full = zone_faults_.befall_superblock()) cache_.finished(*full);
  if (lies_.told()) lies_.rot(zone_faults_.holding_data(), cache_);
  if (p.what.op == opcode::append) return execute_append(p);
  if (p.what.op == opcode::write) {
    std::uint64_t bytes = zoned::total_bytes(p.what.segments);
    if (p.destiny == fate::shortened) bytes = part_of(bytes, 1);
    if (p.destiny == fate::failed) bytes = chance_.one_of(0, bytes, part_of(bytes, 0), part_of(bytes, 0));
    if (bytes > 0 || p.destiny != fate::failed) execute_write(p, bytes);
  } else {
    execute_other(p);
  }
  if (p.destiny == fate::failed) p.done = {.id = p.what.id, .error = zoned::errc::io, .at = {}, .bytes = 0};
}

void sim_device::give_out(pending& p) {
  const bool done = !p.done.error;
  if (p.what.op == opcode::append) appends_failed_ = done ? 0 : appends_failed_ + 1;
  if (!done && p.done.error != zoned::errc::cancelled) {
    ++errors_told_;
    if (p.what.zone.value < shape().zone_count) last_errors_[p.what.zone.value] = errors_told_;
  }
  switch (p.what.op) {
    case opcode::append:
    case opcode::write:
      if (done && p.overwrite != 0) cache_.reaped_overwrite(p.overwrite);
      if (done && p.overwrite == 0)
        cache_.reaped_write(p.what.zone, p.generation, p.done.at.offset_bytes + p.done.bytes);
      // What a failed append left is in the cache like any other: the flushes to come cover it.
      if (!done && p.what.op == opcode::append && p.end_bytes > 0)
        cache_.reaped_write(p.what.zone, p.generation, p.end_bytes);
      break;
    case opcode::flush:
      done ? cache_.commit_flush(p.flush) : cache_.forget_flush(p.flush);
      break;
    case opcode::reset:
      if (done) cache_.reaped_reset(p.what.zone, p.generation);
      break;
    case opcode::finish:
      if (done) cache_.reaped_finish(p.what.zone);
      break;
    case opcode::read:
    case opcode::report:
    case opcode::open:
    case opcode::close:
      break;
  }
  if (p.what.op == opcode::append && p.what.zone.value < shape().zone_count) --appends_in_flight_[p.what.zone.value];
  trace_.completed(p.what, p.done, zones_);
}

void sim_device::cancel(zoned::command_id id) noexcept {
  for (pending& p : pending_) {
    if (p.what.id != id || p.executed) continue;
    p.executed = true;
    p.done = {.id = id, .error = zoned::errc::cancelled, .at = {}, .bytes = 0};
  }
}

/// In a conventional zone any of the LBAs may have been written.
void sim_device::tear_overwrite(const zoned::command& c) {
  const std::uint64_t lba = shape().lba_bytes;
  std::uint64_t at = c.offset_bytes;
  for (const zoned::segment& s : c.segments)
    for (std::size_t from = 0; from < s.bytes; from += lba, at += lba) {
      if (!chance_.chance(500)) continue;
      static_cast<void>(cache_.before_overwrite(c.zone, at, lba));
      zones_.poke({c.zone, at}, std::span{s.data + from, lba});
    }
}

void sim_device::interrupt_one(pending& p, interruption how) {
  if (p.executed || chance_.chance(400)) return;
  const std::uint64_t bytes = zoned::total_bytes(p.what.segments);
  switch (p.what.op) {
    case opcode::append:
    case opcode::write: {
      const bool whole = how == interruption::process_end || chance_.chance(400);
      if (!whole && p.what.op == opcode::write &&
          zones_.machine().at(p.what.zone).type == zoned::zone_type::conventional) {
        tear_overwrite(p.what);
        break;
      }
      const std::uint64_t landed = whole ? bytes : part_of(bytes, 0);
      if (landed > 0) execute_write(p, landed);
      break;
    }
    case opcode::flush:
      cache_.commit_flush(p.flush);
      break;
    case opcode::open:
    case opcode::close:
    case opcode::finish:
    case opcode::reset:
      p.destiny = fate::whole;
      execute_other(p);
      break;
    case opcode::read:
    case opcode::report:
      break;
  }
}

void sim_device::interrupt(interruption how) {
  while (!pending_.empty()) {
    const std::size_t index = chance_.below(pending_.size());
    interrupt_one(pending_[index], how);
    remove(index);
  }
  std::ranges::fill(appends_in_flight_, 0u);
  clock_.interrupted();
  if (how == interruption::power_loss) {
    cache_.lose_power(chance_);
  } else {
    cache_.end_process();
  }
  zone_faults_.interrupted();
  trace_.interrupted(how);
}

}  // namespace furrow::sim
