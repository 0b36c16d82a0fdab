// Commands of a zone image.
#include "file/file_device.hpp"

#include <algorithm>
#include <utility>

#include "ensure.hpp"
#include "transfer_rules.hpp"

namespace furrow::zoned {
namespace {

guarantees promises_of(const image& i) {
  guarantees p = i.parameters().promises();
  p.volatile_cache = true;
  return p;
}

bool is_write(opcode op) { return op == opcode::append || op == opcode::write; }

}  // namespace

open_result file_device::open(const uri& where, const open_options& options) {
  auto opened = image::open(where, options);
  if (!opened) return opened.error();
  std::unique_ptr<file_device> d{new file_device{std::move(*opened), options}};
  auto ring = transfer_ring::open(d->promises_.in_flight_max, d->ready_.fd());
  if (!ring) return ring.error();
  d->ring_ = std::move(*ring);
  return d;
}

file_device::file_device(image i, const open_options& options)
    : image_{std::move(i)},
      shape_{image_.parameters().shape()},
      promises_{promises_of(image_)},
      read_only_{options.read_only},
      machine_{shape_, image_.zones()},
      flights_{promises_.in_flight_max},
      ready_{promises_.in_flight_max, completion_queue::signalled::by_others_too},
      zones_(shape_.zone_count) {}

file_device::~file_device() {
  while (ring_ != nullptr && ring_->in_flight() > 0) {
    ring_->complete([this](const transfer_ring::outcome& o) { finish(o); }, true);
  }
}

std::string file_device::name() const {
  return "file " + image_.path() + (image_.is_direct() ? " (O_DIRECT)" : " (buffered)");
}

std::size_t file_device::submit(std::span<const command> commands) {
  const auto accepted = commands.first(ready_.accept(commands.size()));
  for (const command& c : accepted) {
    if (const error_code e = refusal(c)) {
      answer(c.id, e);
      continue;
    }
    if (c.op == opcode::append) ++zones_[c.zone.value].appends;
    if (must_wait(c)) {
      ++zones_[c.zone.value].waiting;
      waiting_.push_back(c);
    } else {
      start(c);
    }
  }
  ring_->submit();
  ready_.announce_if_ready();
  return accepted.size();
}

std::size_t file_device::reap(std::span<completion> out) {
  return ready_.reap(out, *ring_, [this] {
    ring_->complete([this](const transfer_ring::outcome& o) { finish(o); });
    start_waiting();
  });
}

void file_device::cancel(command_id id) noexcept {
  const auto found = std::ranges::find_if(waiting_, [&](const command& c) { return c.id == id; });
  if (found == waiting_.end()) return;
  activity& zone = zones_[found->zone.value];
  --zone.waiting;
  if (found->op == opcode::append) --zone.appends;
  waiting_.erase(found);
  answer(id, errc::cancelled);
  ready_.announce();
}

/// What is refused before the zone's state matters.
error_code file_device::refusal(const command& c) const {
  if (c.op == opcode::flush) return {};
  if (read_only_ && is_mutation(c.op)) return errc::unsupported;
  if (c.zone.value >= shape_.zone_count) return errc::out_of_range;
  if (is_transfer(c.op)) {
    if (const error_code e = check_transfer(c, machine_.at(c.zone).type, shape_, promises_)) return e;
  }
  if (c.op == opcode::append) {
    if (!promises_.native_append) return errc::unsupported;
    if (zones_[c.zone.value].appends >= promises_.appends_per_zone_max) return errc::too_large;
  }
  return {};
}

bool file_device::must_wait(const command& c) const {
  if (!is_mutation(c.op)) return false;
  const activity& zone = zones_[c.zone.value];
  return zone.waiting > 0 || zone.resetting || (c.op == opcode::reset && zone.writes > 0);
}

void file_device::start(const command& c) {
  switch (c.op) {
    case opcode::append:
    case opcode::write:
      start_write(c);
      return;
    case opcode::read:
      start_read(c);
      return;
    case opcode::flush:
      start_flush(c);
      return;
    case opcode::report:
      report(c);
      return;
    case opcode::reset:
      start_reset(c);
      return;
    case opcode::open:
    case opcode::close:
    case opcode::finish:
      manage(c);
      return;
  }
  ensure(false);
}

void file_device::start_read(const command& c) {
  if (machine_.at(c.zone).condition == zone_condition::offline) {
    answer(c.id, errc::zone_offline);
    return;
  }
  const place at{c.zone, c.offset_bytes};
  ring_->read(take_flight(c, at, total_bytes(c.segments)), image_.fd(), image_.file_offset(at), c.segments);
}

void file_device::start_write(const command& c) {
  const std::uint64_t bytes = total_bytes(c.segments);
  place at{c.zone, c.offset_bytes};
  error_code refused;
  if (c.op == opcode::write) {
    refused = machine_.write(c.zone, c.offset_bytes, bytes);
  } else if (const result<place> chosen = machine_.append(c.zone, bytes)) {
    at = *chosen;
  } else {
    refused = chosen.error();
  }
  if (refused) {
    if (c.op == opcode::append) --zones_[c.zone.value].appends;
    answer(c.id, refused);
    return;
  }
  ++zones_[c.zone.value].writes;
  ring_->write(take_flight(c, at, bytes), image_.fd(), image_.file_offset(at), c.segments,
               transfer_ring::extent::whole);
}

void file_device::start_reset(const command& c) {
  ensure(zones_[c.zone.value].writes == 0);
  const bool untouched = machine_.at(c.zone).condition == zone_condition::empty;
  if (const error_code e = machine_.manage(opcode::reset, c.zone); e || untouched) {
    answer(c.id, e);
    return;
  }
  image_.set_flushed(c.zone, {});
  image_.set_state(c.zone, {});
  zones_[c.zone.value].resetting = true;
  const place at{c.zone, 0};
  ring_->punch(take_flight(c, at, 0), image_.fd(), image_.file_offset(at), shape_.bytes_of(c.zone));
}

/// The flushed words may be ahead of the sync: until it has completed nothing is promised of them.
void file_device::start_flush(const command& c) {
  for (const zone_index zone : unflushed_) {
    image_.set_flushed(zone, image_.state(zone));
    zones_[zone.value].unflushed = false;
  }
  unflushed_.clear();
  ring_->sync(take_flight(c, {}, 0), image_.fd());
}

void file_device::manage(const command& c) {
  const error_code e = machine_.manage(c.op, c.zone);
  if (!e && c.op == opcode::finish) {
    image_.set_state(c.zone, {zone_condition::full, machine_.at(c.zone).capacity_bytes});
    note_unflushed(c.zone);
  }
  answer(c.id, e);
}

void file_device::report(const command& c) {
  const std::size_t count = report_count(c, shape_);
  if (image_.beside_writer())
    for (const zone_info& zone : image_.zones()) machine_.force(zone);
  for (std::size_t i = 0; i < count; ++i) c.zones[i] = machine_.at({c.zone.value + static_cast<std::uint32_t>(i)});
  answer(c.id, {}, {}, count);
}

/// In order of submission within each zone: one that goes on waiting holds back those behind it.
void file_device::start_waiting() {
  if (waiting_.empty()) return;
  const std::deque<command> before = std::exchange(waiting_, {});
  for (const command& c : before) zones_[c.zone.value].waiting = 0;
  for (const command& c : before) {
    if (must_wait(c)) {
      ++zones_[c.zone.value].waiting;
      waiting_.push_back(c);
    } else {
      start(c);
    }
  }
  ring_->submit();
}

std::uint64_t file_device::take_flight(const command& c, place at, std::uint64_t bytes) {
  const std::uint64_t index = flights_.take();
  flights_[index] = {c.id, c.op, at, bytes};
  return index;
}

void file_device::finish(const transfer_ring::outcome& o) {
  const flight f = flights_[o.tag];
  flights_.give_back(o.tag);
  activity& zone = zones_[f.at.zone.value];
  error_code error = o.error;
  if (is_write(f.op)) {
    --zone.writes;
    if (f.op == opcode::append) --zone.appends;
    note_landed(f.at, f.bytes);
  } else if (f.op == opcode::reset) {
    zone.resetting = false;
    // The zone is empty whether or not the file gave back its blocks.
    error = {};
  }
  if (!error && (is_write(f.op) || f.op == opcode::read) && o.bytes != f.bytes) error = errc::io;
  answer(f.id, error, f.at, error ? 0 : o.bytes);
}

/// Also after a failure: the bytes below are of unknown content, but the write pointer must not fall back.
void file_device::note_landed(place at, std::uint64_t bytes) {
  const zone_info& zone = machine_.at(at.zone);
  if (zone.type == zone_type::conventional) return;
  const std::uint64_t end = at.offset_bytes + bytes;
  const zone_word before = image_.state(at.zone);
  if (before.condition == zone_condition::full || end <= before.write_pointer_bytes) return;
  const bool fills = end == zone.capacity_bytes;
  image_.set_state(at.zone, {fills ? zone_condition::full : zone_condition::closed, end});
  note_unflushed(at.zone);
}

void file_device::note_unflushed(zone_index zone) {
  if (std::exchange(zones_[zone.value].unflushed, true)) return;
  unflushed_.push_back(zone);
}

void file_device::answer(command_id id, error_code error, place at, std::uint64_t bytes) {
  ready_.push(id, error, at, bytes);
}

}  // namespace furrow::zoned
