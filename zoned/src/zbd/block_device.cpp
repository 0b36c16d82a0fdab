// Commands of a zoned block device.
#include "zbd/block_device.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "ensure.hpp"
#include "system_error.hpp"
#include "transfer_rules.hpp"
#include "zbd/queue_limits.hpp"

namespace furrow::zoned {

boost::system::result<std::unique_ptr<block_device>, failure> block_device::open(const uri& where,
                                                                                 const open_options& options) {
  const std::string path{where.path};
  if (!where.parameters.empty()) {
    return failure{errc::bad_uri, "device URI \"" + std::string{where.text} + "\": a block device takes no parameters"};
  }
  struct ::stat status {};
  if (::stat(path.c_str(), &status) != 0) return system_failure(errno, "cannot open " + path);
  if (!S_ISBLK(status.st_mode)) {
    return failure{errc::not_zoned, path + " is no block device" +
                                        (S_ISREG(status.st_mode) ? "; for zones on a file say file:" + path : "")};
  }
  auto opened = open_block_device(path, options.read_only);
  if (!opened) return opened.error();
  const std::string folder = queue_folder(opened->fd.get());
  const guarantees promises = read_queue_limits(folder, opened->shape.lba_bytes);
  std::unique_ptr<block_device> d{new block_device{path, std::move(*opened), promises, options.read_only}};
  d->order_ = read_kept_order(folder, kernel_release());
  auto ring = transfer_ring::open(d->promises_.in_flight_max, d->ready_.fd());
  if (!ring) return ring.error();
  d->ring_ = std::move(*ring);
  if (d->order_ == kept_order::zone_plugs && !options.read_only) d->use_aio();
  if (const error_code e = d->learn_types())
    return failure{e, "cannot report the zones of " + path + ": " + e.message()};
  return d;
}

block_device::block_device(std::string path, opened_block_device opened, const guarantees& promises, bool read_only)
    : path_{std::move(path)},
      model_{std::move(opened.model)},
      fd_{std::move(opened.fd)},
      shape_{opened.shape},
      promises_{promises},
      read_only_{read_only},
      is_conventional_(shape_.zone_count, false),
      flights_{promises_.in_flight_max},
      ready_{promises_.in_flight_max, completion_queue::signalled::by_others_too},
      helper_{ready_.event()} {}

void block_device::use_aio() {
  writes_ = aio_writes::open(promises_.in_flight_max, ready_.fd());
  if (!writes_) return;
  promises_.append_bytes_max = std::max(promises_.append_bytes_max, split_write_bytes_max);
  promises_.transfer_bytes_max = std::max(promises_.transfer_bytes_max, promises_.append_bytes_max);
  promises_.segments_max = std::max(promises_.segments_max, split_write_segments_max);
}

error_code block_device::learn_types() {
  std::vector<zone_info> portion(std::min<std::size_t>(shape_.zone_count, learned_at_once));
  for (std::uint32_t next = 0; next < shape_.zone_count;) {
    const auto wanted = std::span{portion}.first(std::min<std::size_t>(portion.size(), shape_.zone_count - next));
    const result<std::size_t> count = report_zones(fd_.get(), shape_, {next}, wanted);
    if (!count) return count.error();
    if (*count != wanted.size()) return errc::io;
    for (const zone_info& zone : wanted) {
      if (zone.bytes != shape_.bytes_of(zone.index)) return errc::unsupported;
      if (zone.type == zone_type::conventional) is_conventional_[zone.index.value] = true;
    }
    next += static_cast<std::uint32_t>(*count);
  }
  return {};
}

std::size_t block_device::submit(std::span<const command> commands) {
  const auto accepted = commands.first(ready_.accept(commands.size()));
  for (const command& c : accepted) {
    if (const error_code e = refusal(c)) {
      ready_.push(c.id, e);
    } else {
      start(c);
    }
  }
  ring_->submit();
  if (writes_ && writes_->submit()) ready_.announce();
  ready_.announce_if_ready();
  return accepted.size();
}

std::size_t block_device::reap(std::span<completion> out) {
  return ready_.reap(out, *ring_, [this] {
    ring_->complete([this](const transfer_ring::outcome& o) { finish(o.tag, o.error, o.bytes); });
    if (writes_) writes_->complete([this](const aio_writes::outcome& o) { finish(o.tag, o.error, o.bytes); });
    if (!helper_.has_answers()) return;
    for (const helper_thread::answer& a : helper_.take_answers()) finish(a.tag, a.error, a.count);
  });
}

void block_device::cancel(command_id id) noexcept {
  for (std::uint64_t tag = 0; tag < flights_.size(); ++tag) {
    if (!flights_[tag].in_use || flights_[tag].id != id) continue;
    if (!helper_.cancel(tag)) return;
    finish(tag, errc::cancelled, 0);
    ready_.announce();
    return;
  }
}

error_code block_device::refusal(const command& c) const {
  if (c.op == opcode::flush) return {};
  if (read_only_ && is_mutation(c.op)) return errc::unsupported;
  if (c.op == opcode::append) return errc::unsupported;
  if (c.zone.value >= shape_.zone_count) return errc::out_of_range;
  const bool conventional = is_conventional_[c.zone.value];
  if (is_management(c.op)) return conventional ? error_code{errc::invalid_transition} : error_code{};
  if (c.op == opcode::report) return {};
  const auto type = conventional ? zone_type::conventional : zone_type::sequential;
  if (const error_code e = check_transfer(c, type, shape_, promises_)) return e;
  const bool beyond = total_bytes(c.segments) > shape_.bytes_of(c.zone) - c.offset_bytes;
  return beyond ? error_code{errc::zone_boundary} : error_code{};
}

void block_device::start(const command& c) {
  const place at{c.zone, c.offset_bytes};
  switch (c.op) {
    case opcode::read:
      ring_->read(take_flight(c, total_bytes(c.segments)), fd_.get(), device_offset(at), c.segments);
      return;
    case opcode::write:
      if (writes_)
        return writes_->write(take_flight(c, total_bytes(c.segments)), fd_.get(), device_offset(at), c.segments);
      ring_->write(take_flight(c, total_bytes(c.segments)), fd_.get(), device_offset(at), c.segments,
                   transfer_ring::extent::may_be_short);
      return;
    case opcode::flush:
      ring_->sync(take_flight(c, 0), fd_.get());
      return;
    case opcode::report:
    case opcode::open:
    case opcode::close:
    case opcode::finish:
    case opcode::reset:
      start_call(c);
      return;
    case opcode::append:
      break;
  }
  ensure(false);
}

void block_device::start_call(const command& c) {
  const std::uint64_t tag = take_flight(c, 0);
  helper_.add(tag, [tag, fd = fd_.get(), shape = shape_, c]() -> helper_thread::answer {
    if (c.op != opcode::report) return {.tag = tag, .error = manage_zone(fd, shape, c.op, c.zone), .count = 0};
    const result<std::size_t> count = report_zones(fd, shape, c.zone, c.zones);
    return {.tag = tag, .error = count.error(), .count = count.has_value() ? *count : 0};
  });
}

std::uint64_t block_device::take_flight(const command& c, std::uint64_t bytes) {
  const std::uint64_t tag = flights_.take();
  flights_[tag] = {.in_use = true, .id = c.id, .op = c.op, .at = {c.zone, c.offset_bytes}, .bytes = bytes};
  return tag;
}

void block_device::finish(std::uint64_t tag, error_code error, std::uint64_t bytes) {
  flight& f = flights_[tag];
  ensure(f.in_use);
  f.in_use = false;
  flights_.give_back(tag);
  if (f.op == opcode::write) bytes = bytes / shape_.lba_bytes * shape_.lba_bytes;
  const bool nothing = f.op == opcode::write && bytes == 0;
  const bool short_read = f.op == opcode::read && bytes != f.bytes;
  if (!error && (nothing || short_read)) error = errc::io;
  ready_.push(f.id, error, f.at, error ? 0 : bytes);
}

}  // namespace furrow::zoned
