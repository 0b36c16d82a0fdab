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

bool is_write(opcode op) { return op == opcode::append || op == opcode::write; }

}  // namespace

sim_device::sim_device(const zoned::geometry& shape, std::vector<zoned::zone_info> zones,
                       const zoned::guarantees& promises, const fault_weights& faults, const disorder& order,
                       std::uint64_t seed)
    : zones_{shape, below_adaptor(promises), std::move(zones)},
      promises_{promises},
      cache_{zones_, promises.volatile_cache, order.stale_bytes},
      faults_{faults},
      order_{order},
      chance_{seed},
      appends_in_flight_(shape.zone_count) {
  pending_.reserve(promises.in_flight_max);
}

sim_device::sim_device(zoned::memory_zones image, const zoned::guarantees& promises, std::uint64_t seed)
    : zones_{std::move(image)},
      promises_{promises},
      cache_{zones_, promises.volatile_cache, false},
      faults_{fault_weights{}},
      order_{.in_order = true, .slow_per_mille = 0, .burst_max = 16, .stale_bytes = false},
      chance_{seed},
      appends_in_flight_(zones_.shape().zone_count) {}

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
    p.destiny = faults_.draw(c.op, chance_);
    p.slow = chance_.chance(order_.slow_per_mille);
    if (c.op == opcode::flush) p.flush = cache_.begin_flush();
    if (c.op == opcode::append && c.zone.value < shape().zone_count) ++appends_in_flight_[c.zone.value];
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
  return index;
}

std::size_t sim_device::reap(std::span<zoned::completion> out) {
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
      if (index + 1 != pending_.size()) p = pending_.back();
      pending_.pop_back();
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
  p.done = zones_.execute(front_of(p.what, bytes));
  if (p.done.error) return complain(p.what, "the device refuses: " + p.done.error.message());
  p.generation = cache_.generation(zone);
  if (!overwrites) cache_.written(zone, p.done.at.offset_bytes + bytes);
}

void sim_device::execute_other(pending& p) {
  const bool failed = p.destiny == fate::failed;
  if (p.what.op == opcode::flush) {
    p.done = {.id = p.what.id, .error = {}, .at = {}, .bytes = 0};
    return;
  }
  if (failed && (p.what.op != opcode::reset || chance_.chance(500))) return;
  if (p.what.op == opcode::reset && p.what.zone.value < shape().zone_count) {
    zoned::zone_machine trial = zones_.machine();
    if (!trial.manage(opcode::reset, p.what.zone)) cache_.before_reset(p.what.zone);
  }
  p.done = zones_.execute(p.what);
  if (p.done.error) return complain(p.what, "the device refuses: " + p.done.error.message());
  if (p.what.op == opcode::finish) cache_.finished(p.what.zone);
  if (p.what.op == opcode::reset) p.generation = cache_.generation(p.what.zone);
}

void sim_device::execute(pending& p) {
  ++executed_;
  p.executed = true;
  p.done = {.id = p.what.id, .error = {}, .at = {p.what.zone, p.what.offset_bytes}, .bytes = 0};
  if (!is_write(p.what.op)) {
    execute_other(p);
  } else {
    std::uint64_t bytes = zoned::total_bytes(p.what.segments);
    if (p.destiny == fate::shortened) bytes = part_of(bytes, 1);
    if (p.destiny == fate::failed) bytes = chance_.one_of(0, bytes, part_of(bytes, 0), part_of(bytes, 0));
    if (bytes > 0 || p.destiny != fate::failed) execute_write(p, bytes);
  }
  if (p.destiny == fate::failed) {
    p.done = {.id = p.what.id, .error = zoned::errc::io, .at = {}, .bytes = 0};
  }
}

void sim_device::give_out(pending& p) {
  const bool done = !p.done.error;
  switch (p.what.op) {
    case opcode::append:
    case opcode::write:
      if (done && p.overwrite != 0) cache_.reaped_overwrite(p.overwrite);
      if (done && p.overwrite == 0)
        cache_.reaped_write(p.what.zone, p.generation, p.done.at.offset_bytes + p.done.bytes);
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
    if (index + 1 != pending_.size()) pending_[index] = pending_.back();
    pending_.pop_back();
  }
  std::ranges::fill(appends_in_flight_, 0u);
  if (how == interruption::power_loss) {
    cache_.lose_power(chance_);
  } else {
    cache_.end_process();
  }
  trace_.interrupted(how);
}

}  // namespace furrow::sim
