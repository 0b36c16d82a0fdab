// The drives, and their arms.
#include "sim/drive_times.hpp"

#include <algorithm>
#include <array>

namespace furrow::sim {
namespace {

using zoned::opcode;

constexpr nanoseconds us = 1'000, ms = 1'000'000, s = 1'000'000'000;
constexpr std::uint64_t mib = 1 << 20;

// A WD Ultrastar DC ZN540 as it was measured ("Performance Characterization of NVMe Flash Devices with Zoned Namespaces"), and a
// disk of 7,200 turns a minute.
constexpr std::array<drive_row, 3> rows{{
    {"no drive", 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, ~nanoseconds{0}},
    {"ZNS SSD", 32, 7'576, 3'800, 1146 * mib / 1000, 71 * us, 3200 * mib / 1000, 0, 11 * us, 1'600 * us, 15'800 * us,
     907 * ms, 11 * us, 4 * s},
    {"SMR disk", 0, 0, 200 * us, 200 * mib / 1000, 200 * us, 200 * mib / 1000, 8 * ms, 10 * ms, 2 * ms, 2 * ms, 20 * ms,
     1 * ms, 10 * s},
}};

nanoseconds of_bytes(std::uint64_t bytes, std::uint64_t bytes_a_ms) { return bytes * ms / bytes_a_ms; }

}  // namespace

const drive_row& row_of(drive d) { return rows[static_cast<std::size_t>(d)]; }

drive_times::drive_times(drive d, const zoned::geometry& shape, std::uint64_t seed)
    : drive_{d}, row_{row_of(d)}, chance_{seed}, dies_(row_.dies), zones_(shape.zone_count) {}

nanoseconds drive_times::managing_ns(const zoned::command& c, std::uint64_t fill_percent) const {
  if (c.op == opcode::reset)
    return row_.reset_empty_ns + (row_.reset_full_ns - row_.reset_empty_ns) * fill_percent / 100;
  if (drive_ == drive::smr) return row_.finish_ns;
  return fill_percent == 0 ? row_.other_ns : row_.finish_ns * (100 - std::min<std::uint64_t>(fill_percent, 100)) / 100;
}

nanoseconds drive_times::due_of_arm(const zoned::command& c, std::uint64_t fill_percent) {
  nanoseconds takes = row_.other_ns;
  switch (c.op) {
    case opcode::append:
    case opcode::write:
    case opcode::read: {
      const bool reads = c.op == opcode::read;
      const std::uint64_t bytes = zoned::total_bytes(c.segments);
      // Where an append will land is not known: behind the last one of its zone.
      const bool follows = head_.zone == c.zone && (!reads || head_.offset_bytes == c.offset_bytes);
      takes = (reads ? row_.read_ns : row_.append_ns) + (follows ? 0 : row_.seek_ns) +
              of_bytes(bytes, reads ? row_.read_bytes_a_ms : row_.write_bytes_a_ms);
      head_ = {c.zone, c.offset_bytes + bytes};
      break;
    }
    case opcode::flush:
      takes = row_.flush_ns;
      break;
    case opcode::reset:
    case opcode::finish:
      takes = managing_ns(c, fill_percent);
      break;
    case opcode::report:
    case opcode::open:
    case opcode::close:
      break;
  }
  return written_until_ = std::max(now_, written_until_) + takes + chance_.below(takes / 10 + 1);
}

nanoseconds drive_times::due_of_dies(const zoned::command& c, std::uint64_t fill_percent) {
  const std::uint64_t bytes = zoned::total_bytes(c.segments);
  const auto longer = [this](nanoseconds takes) { return takes + chance_.below(takes / 10 + 1); };
  switch (c.op) {
    case opcode::append:
    case opcode::write:
      turn_at_ = std::max(now_, turn_at_) + row_.turn_ns;
      written_until_ = std::max(turn_at_, written_until_) + of_bytes(bytes, row_.write_bytes_a_ms);
      return written_until_ + longer(row_.append_ns);
    case opcode::read: {
      nanoseconds& die = dies_[(c.zone.value * 7 + c.offset_bytes / zoned::store_block_bytes / 4) % dies_.size()];
      return die = std::max(now_, die) + longer(row_.read_ns + of_bytes(bytes, row_.read_bytes_a_ms));
    }
    case opcode::flush:
      return std::max(now_, sent_until_) + longer(row_.flush_ns);
    case opcode::reset:
    case opcode::finish:
      return managing_until_ = std::max(now_, managing_until_) + longer(managing_ns(c, fill_percent));
    case opcode::report:
    case opcode::open:
    case opcode::close:
      return now_ + longer(row_.other_ns);
  }
  return now_;
}

nanoseconds drive_times::due(const zoned::command& c, std::uint64_t fill_percent) {
  nanoseconds at = row_.dies == 0 ? due_of_arm(c, fill_percent) : due_of_dies(c, fill_percent);
  if ((c.op == opcode::append || c.op == opcode::write) && c.zone.value < zones_.size()) {
    at = zones_[c.zone.value] = std::max(at, zones_[c.zone.value]);  // T1
    sent_until_ = std::max(sent_until_, at);
  }
  return at;
}

void drive_times::interrupted() {
  sent_until_ = written_until_ = turn_at_ = managing_until_ = now_;
  std::ranges::fill(dies_, now_);
  std::ranges::fill(zones_, now_);
}

}  // namespace furrow::sim
