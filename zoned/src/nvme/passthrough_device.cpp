// Commands of a zoned NVMe namespace.
#include "nvme/passthrough_device.hpp"

#include <algorithm>
#include <utility>

#include "ensure.hpp"
#include "transfer_rules.hpp"

namespace furrow::zoned::nvme {
namespace {

constexpr std::uint32_t report_all = 0;             // dword 13: receive action and which zones
constexpr std::uint32_t report_partial = 1u << 16;  // the count is of the zones in this report

send_action action_of(opcode op) {
  switch (op) {
    case opcode::open:
      return send_action::open;
    case opcode::close:
      return send_action::close;
    case opcode::finish:
      return send_action::finish;
    case opcode::reset:
      return send_action::reset;
    case opcode::append:
    case opcode::write:
    case opcode::read:
    case opcode::flush:
    case opcode::report:
      break;
  }
  ensure(false);
  return {};
}

io_opcode transfer_of(opcode op) {
  return op == opcode::append ? io_opcode::zone_append : op == opcode::write ? io_opcode::write : io_opcode::read;
}

}  // namespace

open_result passthrough_device::open(const uri& where, const open_options& options) {
  const std::string path{where.path};
  if (!where.parameters.empty()) {
    return failure{errc::bad_uri, "device URI \"" + std::string{where.text} + "\": a namespace takes no parameters"};
  }
  auto opened = open_namespace(path, options.read_only);
  if (!opened) return opened.error();
  std::unique_ptr<passthrough_device> d{new passthrough_device{path, std::move(*opened), options.read_only}};
  auto ring = command_ring::open(d->opened_.promises.in_flight_max, d->ready_.fd(), d->opened_.fd.get(), d->opened_.id);
  if (!ring) return ring.error();
  d->ring_ = std::move(*ring);
  return d;
}

passthrough_device::passthrough_device(std::string path, opened_namespace opened, bool read_only)
    : path_{std::move(path)},
      opened_{std::move(opened)},
      read_only_{read_only},
      flights_{opened_.promises.in_flight_max},
      ready_{opened_.promises.in_flight_max, completion_queue::signalled::by_others_too} {}

passthrough_device::~passthrough_device() {
  ring_.reset();  // before what its commands read into
}

std::size_t passthrough_device::submit(std::span<const command> commands) {
  const auto accepted = commands.first(ready_.accept(commands.size()));
  for (const command& c : accepted) {
    if (const error_code e = refusal(c)) {
      ready_.push(c.id, e);
    } else {
      start(c);
    }
  }
  ring_->submit();
  ready_.announce_if_ready();
  return accepted.size();
}

std::size_t passthrough_device::reap(std::span<completion> out) {
  return ready_.reap(out, *ring_, [this] {
    ring_->complete([this](const command_ring::outcome& o) { finish(o); });
    ring_->submit();  // the next portions of reports
  });
}

error_code passthrough_device::refusal(const command& c) const {
  if (c.op == opcode::flush) return {};
  if (read_only_ && is_mutation(c.op)) return errc::unsupported;
  if (c.op == opcode::append && !promises().native_append) return errc::unsupported;
  if (c.zone.value >= shape().zone_count) return errc::out_of_range;
  if (!is_transfer(c.op)) return {};
  if (const error_code e = check_transfer(c, zone_type::sequential, shape(), promises())) return e;
  const bool beyond = c.op != opcode::append && total_bytes(c.segments) > shape().bytes_of(c.zone) - c.offset_bytes;
  return beyond ? error_code{errc::zone_boundary} : error_code{};
}

void passthrough_device::start(const command& c) {
  const std::uint64_t tag = flights_.take();
  flight& f = flights_[tag];
  f.id = c.id;
  f.op = c.op;
  f.at = {c.zone, c.op == opcode::append ? 0 : c.offset_bytes};
  f.bytes = total_bytes(c.segments);
  f.zones = c.zones;
  f.filled = 0;
  if (is_transfer(c.op)) {
    ring_->start(tag, {.op = transfer_of(c.op),
                       .lba = lba_of(f.at),
                       .dword12 = static_cast<std::uint32_t>(f.bytes / shape().lba_bytes - 1),
                       .memory = c.segments});
  } else if (c.op == opcode::flush) {
    ring_->start(tag, {.op = io_opcode::flush});
  } else if (c.op == opcode::report) {
    f.zones = c.zones.first(report_count(c, shape()));
    start_report(tag);
  } else {
    ring_->start(tag, {.op = io_opcode::zone_management_send,
                       .lba = lba_of({c.zone, 0}),
                       .dword13 = static_cast<std::uint32_t>(action_of(c.op))});
  }
}

void passthrough_device::start_report(std::uint64_t tag) {
  flight& f = flights_[tag];
  if (f.filled == f.zones.size()) {
    f.report = {};
    return answer(tag, {}, {}, f.filled);
  }
  const std::size_t zones = std::min(f.zones.size() - f.filled, report_zones);
  f.report.assign(report_header_bytes + zones * descriptor_bytes, std::byte{0});
  const zone_index first{f.at.zone.value + static_cast<std::uint32_t>(f.filled)};
  const segment memory{f.report.data(), f.report.size()};
  ring_->start(tag, {.op = io_opcode::zone_management_receive,
                     .lba = lba_of({first, 0}),
                     .dword12 = static_cast<std::uint32_t>(f.report.size() / 4 - 1),
                     .dword13 = report_all | report_partial,
                     .memory = {&memory, 1}});
}

void passthrough_device::finish(const command_ring::outcome& o) {
  flight& f = flights_[o.tag];
  if (f.op == opcode::report) return finish_report(o.tag, f, o.error);
  if (o.error) return answer(o.tag, o.error, f.at);
  if (f.op != opcode::append) return answer(o.tag, {}, f.at, f.bytes);
  const std::uint64_t first = lba_of({f.at.zone, 0});
  const std::uint64_t zone_blocks = shape().zone_bytes / shape().lba_bytes;
  if (o.result < first || o.result - first + f.bytes / shape().lba_bytes > zone_blocks) {
    return answer(o.tag, errc::io, f.at);  // I2
  }
  answer(o.tag, {}, {f.at.zone, (o.result - first) * shape().lba_bytes}, f.bytes);
}

void passthrough_device::finish_report(std::uint64_t tag, flight& f, error_code error) {
  const std::size_t count = error ? 0 : zones_in_report(f.report);
  if (count == 0) return answer(tag, error ? error : error_code{errc::io});
  const zone_index first{f.at.zone.value + static_cast<std::uint32_t>(f.filled)};
  for (std::size_t i = 0; i < count; ++i) {
    const auto zone = parse_descriptor(f.report, i, first, shape());
    if (!zone) return answer(tag, errc::io);  // I2
    f.zones[f.filled++] = *zone;
  }
  start_report(tag);
}

void passthrough_device::answer(std::uint64_t tag, error_code error, place at, std::uint64_t bytes) {
  ready_.push(flights_[tag].id, error, at, bytes);
  flights_.give_back(tag);
}

std::uint64_t passthrough_device::lba_of(place at) const {
  return (at.zone.value * shape().zone_bytes + at.offset_bytes) / shape().lba_bytes;
}

}  // namespace furrow::zoned::nvme
