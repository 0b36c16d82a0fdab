#include "core/salvager.hpp"

#include <algorithm>
#include <utility>

#include "core/data_writer.hpp"

namespace furrow::core {

bool salvager::take(failed_append& f, zoned::place at) {
  const zone_state& z = *f.zone;
  if (z.life != zone_life::suspect || c_.latch) return false;
  const bool comparable = c_.can_compare_landed();
  const bool aligned = at.zone == z.device.index && at.offset_bytes % block_bytes == 0;
  const std::uint64_t begin = at.offset_bytes / block_bytes;
  f.at_block = comparable && aligned && begin < z.capacity_blocks ? begin : 0;
  ++f.zone->holds;  // S1
  std::size_t index = 0;
  while (index < entries_.size() && entries_[index].now != state::none) ++index;
  if (index == entries_.size()) entries_.emplace_back();
  entries_[index].now = state::waiting;
  entries_[index].what = std::move(f);
  ++waiting_;
  return true;
}

bool salvager::has_failed(const zone_state& z) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&z](const entry& e) { return e.now != state::none && e.what.zone == &z; });
}

void salvager::landed(const zone_state& z, std::uint64_t first_block, std::uint64_t blocks) {
  if (!c_.can_compare_landed()) return;
  const bool needed = z.writes > 0 || has_failed(z);
  if (!needed && landed_.empty()) return;
  auto known = std::find_if(landed_.begin(), landed_.end(), [&z](const landed_zone& l) { return l.zone == &z; });
  if (!needed) {
    if (known != landed_.end()) landed_.erase(known);
    return;
  }
  if (known == landed_.end()) {
    std::erase_if(landed_, [this](const landed_zone& l) { return l.zone->writes == 0 && !has_failed(*l.zone); });
    known = landed_.insert(landed_.end(), {&z, z.generation});
  }
  if (known->generation != z.generation) *known = {&z, z.generation};
  std::pair<std::uint64_t, std::uint64_t> whole{first_block, first_block + blocks};
  std::erase_if(known->ranges, [&whole](const auto& r) {
    if (r.second != whole.first && whole.second != r.first) return false;
    whole = {std::min(r.first, whole.first), std::max(r.second, whole.second)};
    return true;
  });
  known->ranges.push_back(whole);
}

std::uint64_t salvager::free_of_others(const zone_state& z, std::uint64_t first, std::uint64_t blocks) const {
  for (const landed_zone& l : landed_) {
    if (l.zone != &z || l.generation != z.generation) continue;
    for (const auto& [begin, end] : l.ranges)
      if (begin < first + blocks && first < end) blocks = begin > first ? begin - first : 0;
  }
  return blocks;
}

void salvager::reported(zone_state& z, const zone_verdict* verdict) {
  if (waiting_ == 0) return;
  const bool pointer_counts = verdict != nullptr && verdict->then != zone_verdict::fate::bad;
  const bool full = z.device.condition == zoned::zone_condition::full;
  const std::uint64_t pointer = full ? z.capacity_blocks : z.device.write_pointer_bytes / block_bytes;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    entry& e = entries_[i];
    if (e.now != state::waiting || e.what.zone != &z) continue;
    --waiting_;
    e.now = state::reading;
    e.agreed = 0;
    e.end_block = 0;
    if (pointer_counts && e.what.at_block > 0 && pointer > e.what.at_block)
      e.end_block = std::min(e.what.blocks, pointer - e.what.at_block);
    e.what.blameless = verdict != nullptr && is_blameless(*verdict);
    read_on(i);
  }
}

void salvager::step() {
  if (!c_.latch || waiting_ == 0) return;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].now != state::waiting) continue;
    --waiting_;
    settle(i);
  }
}

void salvager::read_on(std::size_t index) {
  entry& e = entries_[index];
  if (e.agreed == e.end_block) return settle(index);
  e.reading = std::min(e.end_block - e.agreed, std::max<std::uint64_t>(1, c_.transfer_blocks_max()));
  if (!e.bytes) e.bytes = c_.buffers.take(e.reading * block_bytes);
  c_.io.submit({.op = zoned::opcode::read,
                .zone = e.what.zone->device.index,
                .offset_bytes = (e.what.at_block + e.agreed) * block_bytes,
                .segments = {{e.bytes.data(), e.reading * block_bytes}}},
               *this, index);
}

void salvager::io_done(std::uint64_t tag, const zoned::completion& c) {
  entry& e = entries_[tag];
  const std::uint64_t agreed = c.error || c.bytes != e.reading * block_bytes ? 0 : compare(e);
  e.agreed += agreed;
  if (agreed < e.reading) e.end_block = e.agreed;
  read_on(tag);
}

std::uint64_t salvager::compare(const entry& e) const {
  std::uint64_t skip = e.agreed, agreed = 0;
  for (const bio& b : e.what.bios) {
    const std::uint64_t passed = std::min(skip, b.blocks);
    skip -= passed;
    for (std::uint64_t i = passed; i < b.blocks; ++i, ++agreed) {
      if (agreed == e.reading) return agreed;
      const std::span<const std::byte> block{e.bytes.data() + agreed * block_bytes, block_bytes};
      if (format::crc32c(block) != b.extent->sums[b.first_block + i]) return agreed;
    }
  }
  return agreed;
}

void salvager::settle(std::size_t index) {
  entry& e = entries_[index];
  failed_append f = std::move(e.what);
  const std::uint64_t landed = free_of_others(*f.zone, f.at_block, std::exchange(e.agreed, 0));
  c_.buffers.give(std::move(e.bytes));
  e = {};
  c_.stats.salvaged_blocks += landed;
  c_.data->settle_failed(std::move(f), landed);
}

}  // namespace furrow::core
