// Following groups and the blocks they name through the trace.
#include "sim/flush_rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "sim/failure.hpp"

namespace furrow::sim {
namespace {

using zoned::opcode;
using zoned::store_block_bytes;

// Copies [offset, offset + to.size()) of what the segments name.
void gather(std::span<const zoned::segment> segments, std::uint64_t offset, std::span<std::byte> to) {
  for (const zoned::segment& s : segments) {
    if (to.empty()) return;
    if (offset >= s.bytes) {
      offset -= s.bytes;
      continue;
    }
    const std::size_t count = std::min<std::size_t>(s.bytes - offset, to.size());
    std::memcpy(to.data(), s.data + offset, count);
    to = to.subspan(count);
    offset = 0;
  }
}

}  // namespace

flush_rule::flush_rule(const zoned::memory_zones& zones, bool has_volatile_cache, const uuid& store)
    : zones_{zones}, volatile_{has_volatile_cache}, store_{store} {
  const zoned::geometry& g = zones.shape();
  for (std::uint32_t i = 0; i < g.zone_count; ++i) landed_.emplace_back(g.bytes_of({i}) / g.lba_bytes);
}

void flush_rule::look_for_groups(const zoned::command& c) {
  const std::uint64_t bytes = zoned::total_bytes(c.segments);
  std::array<std::byte, store_block_bytes> block;
  for (std::uint64_t at = 0; at + store_block_bytes <= bytes; at += store_block_bytes) {
    gather(c.segments, at, std::span{block}.first(sizeof(format::group_magic)));
    if (format::load_le<std::uint64_t>(block.data()) != format::group_magic) continue;
    gather(c.segments, at, block);
    const auto header = format::peek_group(block, store_);
    if (!header) continue;  // an object's bytes
    group_state g;
    g.header = *header;
    g.command = c.id;
    g.in_command_bytes = at;
    g.submitted = now_;
    g.flush_before = flush_begun_;
    groups_.insert_or_assign(header->number, g);
    if (std::ranges::find(open_groups_, header->number) == open_groups_.end()) open_groups_.push_back(header->number);
  }
}

void flush_rule::submitted(const zoned::command& c) {
  ++now_;
  if (c.op == opcode::flush) flushes_.emplace_back(c.id, now_);
  if (c.op == opcode::append || c.op == opcode::write) look_for_groups(c);
}

void flush_rule::mark(zoned::zone_index zone, std::uint64_t begin_bytes, std::uint64_t end_bytes, bool if_unmarked) {
  const std::uint64_t lba = zones_.shape().lba_bytes;
  std::vector<time>& landed = landed_[zone.value];
  for (std::uint64_t i = begin_bytes / lba; i < end_bytes / lba; ++i) {
    if (!if_unmarked || landed[i] == 0) landed[i] = now_;
  }
}

void flush_rule::completed(const zoned::command& c, const zoned::completion& done, const zoned::memory_zones& zones) {
  ++now_;
  switch (c.op) {
    case opcode::flush: {
      const auto at = std::ranges::find(flushes_, c.id, &std::pair<zoned::command_id, time>::first);
      if (!done.error) flush_begun_ = std::max(flush_begun_, at->second);
      flushes_.erase(at);
      return;
    }
    case opcode::reset:
      if (!done.error) std::ranges::fill(landed_[c.zone.value], time{0});
      return;
    case opcode::append:
    case opcode::write:
      if (done.error) {
        // What a failed command left is below the write pointer, and may be taken for landed from now on.
        if (c.op == opcode::append) mark(c.zone, 0, zones.machine().at(c.zone).write_pointer_bytes, true);
        return;
      }
      mark(c.zone, done.at.offset_bytes, done.at.offset_bytes + done.bytes, false);
      for (const std::uint64_t number : open_groups_) {
        group_state& g = groups_.at(number);
        if (g.placed || g.command != c.id) continue;
        g.placed = done.bytes > g.in_command_bytes;
        g.at = {c.zone, done.at.offset_bytes + g.in_command_bytes};
      }
      look_at_open_groups(c.zone);
      return;
    case opcode::read:
    case opcode::report:
    case opcode::open:
    case opcode::close:
    case opcode::finish:
      return;
  }
}

flush_rule::time flush_rule::landed_at(zoned::zone_index zone, std::uint64_t begin_bytes,
                                       std::uint64_t end_bytes) const {
  const std::uint64_t lba = zones_.shape().lba_bytes;
  const std::vector<time>& landed = landed_[zone.value];
  if (end_bytes > landed.size() * lba) return 0;
  const std::span<const time> range{landed.data() + begin_bytes / lba, (end_bytes - begin_bytes) / lba};
  const auto [least, most] = std::ranges::minmax(range);
  return least == 0 ? 0 : most;
}

void flush_rule::look_at_open_groups(zoned::zone_index zone) {
  std::erase_if(open_groups_, [&](std::uint64_t number) {
    group_state& g = groups_.at(number);
    if (!g.placed || g.at.zone != zone) return false;
    g.landed = landed_at(zone, g.at.offset_bytes, g.at.offset_bytes + g.header.bytes);
    if (g.landed == 0) return false;
    buffer_.resize(g.header.bytes);
    zones_.peek(g.at, buffer_);
    if (!format::verify_group(buffer_)) return false;  // another piece of it is still to come
    g.whole = true;
    check_named_blocks(g);
    return true;
  });
}

void flush_rule::check_extent(const group_state& g, std::uint64_t sequence, const format::object_extent& e) {
  const zoned::geometry& shape = zones_.shape();
  const zoned::zone_index zone = shape.zone_of(e.where.address);
  const std::uint64_t begin = shape.block_in_zone(e.where.address) * store_block_bytes;
  const time landed = landed_at(zone, begin, begin + std::uint64_t{e.where.blocks} * store_block_bytes);
  const time bound = volatile_ ? g.flush_before : g.submitted;
  if (landed == 0 || landed >= bound) {
    throw broken_promise{
        fmt::format("flush rule 1: group {} (submitted at {}) names {} blocks at zone {} offset {} for sequence {}, "
                    "which landed at "
                    "{}; the last flush before the group began at {}",
                    g.header.number, g.submitted, e.where.blocks, zone.value, begin, sequence, landed, g.flush_before)};
  }
  blocks_proven_ += e.where.blocks;
}

void flush_rule::check_named_blocks(const group_state& g) {
  format::reader from{std::span{buffer_}.subspan(format::group_header_bytes, g.header.record_bytes)};
  format::record record;
  while (from.left() > 0) {
    const auto known = format::decode_record_into(from, record);
    if (known.has_error()) {
      throw broken_promise{
          fmt::format("group {} holds a record that cannot be decoded: {}", g.header.number, known.error().why)};
    }
    if (!*known) continue;
    const format::record_body& body = record.body;
    const std::vector<format::object_extent>* named = nullptr;
    if (const auto* publish = std::get_if<format::publish_record>(&body)) named = &publish->extents;
    if (const auto* clone = std::get_if<format::clone_record>(&body)) named = &clone->extents;
    if (named == nullptr) continue;
    for (const format::object_extent& e : *named) check_extent(g, record.sequence, e);
  }
}

void flush_rule::acknowledged(furrow::sequence up_to) {
  ++acknowledgements_;
  while (!groups_.empty() && groups_.begin()->second.header.first_sequence <= up_to) {
    const group_state& g = groups_.begin()->second;
    if (proven_ >= up_to) return;
    if (!g.whole) {
      throw broken_promise{
          fmt::format("flush rule 2: sequence {} is acknowledged, group {} has not landed", up_to, g.header.number)};
    }
    if (volatile_ && flush_begun_ <= g.landed) {
      throw broken_promise{
          fmt::format("flush rule 3: sequence {} is acknowledged; group {} landed at {}, the last flush began at {}",
                      up_to, g.header.number, g.landed, flush_begun_)};
    }
    proven_ = std::max(proven_, g.header.last_sequence);
    ++groups_proven_;
    groups_.erase(groups_.begin());
  }
  if (proven_ < up_to) {
    throw broken_promise{
        fmt::format("flush rule: sequence {} is acknowledged; groups hold no more than {}", up_to, proven_)};
  }
}

void flush_rule::interrupted() {
  ++now_;
  flushes_.clear();
  groups_.clear();
  open_groups_.clear();
}

void flush_rule::opened(furrow::sequence recovered) {
  groups_.clear();
  open_groups_.clear();
  proven_ = recovered;
}

}  // namespace furrow::sim
