#include "core/journal_scan.hpp"

#include <algorithm>

#include "core/canary.hpp"

namespace furrow::core {

void journal_scan::start(std::function<void(error_code, finding)> call) {
  call_ = std::move(call);
  const format::journal_head& head = c_.super.journal;
  enter_zone(head.zone, head.zone_generation, head.zone_ordinal, head.block);
}

void journal_scan::enter_zone(zoned::zone_index zone, std::uint64_t generation, std::uint64_t ordinal,
                              std::uint64_t block) {
  zone_state& z = c_.zones[zone];
  if (z.device.condition == zoned::zone_condition::offline) {
    if (zone_ == nullptr || zone_->written_blocks() == zone_->capacity_blocks) lost_zone_ = {zone, ordinal};
    return ended();
  }
  if (z.written_blocks() == 0) {
    if (zone_ != nullptr) return ended();
    return std::exchange(call_, nullptr)(errc::damaged, {"the zone in which the journal begins is empty", zone});
  }
  blocks_.read(zone, 0, 1, [=, this, &z](error_code ec, std::span<const std::byte> bytes) {
    if (ec) return std::exchange(call_, nullptr)(ec, {"the header of a journal zone cannot be read", z.device.index});
    header_read(z, generation, ordinal, block, bytes);
  });
}

void journal_scan::header_read(zone_state& z, std::uint64_t generation, std::uint64_t ordinal, std::uint64_t block,
                               std::span<const std::byte> bytes) {
  const zoned::zone_index zone = z.device.index;
  const auto h = format::decode_zone_header(bytes);
  const bool ours = h && h->store == c_.super.store && h->zone == zone && h->generation == generation &&
                    h->ordinal == ordinal && h->role == format::zone_role::metadata;
  if (!ours && zone_ == nullptr)
    return std::exchange(call_, nullptr)(errc::damaged,
                                         {"the zone in which the journal begins has another header", zone});
  if (!ours && z.written_blocks() > 1) return look_behind_header(z, generation, 1, h.has_value());
  if (!ours) return ended();  // a torn one has nothing behind it
  zone_ = &z;
  header_ = *h;
  ordinal_ = ordinal;
  zones_.push_back({zone, generation, ordinal});
  read_block_ = block;
  left_ = {};
  read_more();
}

/// `headed`: with a header, which is not the one that the zone before leads to.
void journal_scan::look_behind_header(zone_state& z, std::uint64_t generation, std::uint64_t first, bool headed) {
  const zoned::zone_index zone = z.device.index;
  const std::uint64_t count = std::min<std::uint64_t>(replay_chunk_bytes / block_bytes, z.written_blocks() - first);
  blocks_.read(zone, first, count, [=, this, &z](error_code ec, std::span<const std::byte> bytes) {
    if (ec) return std::exchange(call_, nullptr)(ec, {"the journal cannot be read", zone});
    for (; !bytes.empty(); bytes = bytes.subspan(block_bytes)) {
      const auto h = format::peek_group(bytes.first(block_bytes), c_.super.store);
      const bool begun = h && h->zone_generation == generation;
      // In a conventional zone an earlier life may have been cut off before the header was whole.
      const bool whole = begun && h->bytes <= bytes.size() && format::verify_group(bytes.first(h->bytes));
      if (z.conventional() ? whole : begun)
        damage_ = {headed ? "the header of a journal zone is another" : "the header of a journal zone is damaged",
                   zone};
    }
    if (z.conventional() || damage_) return ended();
    if (first + count < z.written_blocks()) return look_behind_header(z, generation, first + count, headed);
    if (!headed) foreign_ = zone;
    ended();
  });
}

void journal_scan::claim_zones() const {
  for (const entry& e : chain_)
    if (zone_state& z = c_.zones[e.zone]; z.conventional())
      z.next_block = std::max(z.next_block, static_cast<std::uint32_t>(e.block) + e.blocks);
  if (zone_state& z = c_.zones[c_.super.journal.zone]; z.conventional())
    z.next_block = std::max(z.next_block, static_cast<std::uint32_t>(c_.super.journal.block));
  for (const chain_zone& j : zones_) {
    zone_state& z = c_.zones[j.zone];
    z.role = format::zone_role::metadata;
    z.cls = format::zone_class::metadata;
    z.generation = j.generation;
    z.ordinal = j.ordinal;
    c_.zones.entry_changed(z);
  }
}

void journal_scan::read_more() {
  const std::uint64_t end = zone_->written_blocks();
  if (read_block_ >= end) {
    const zoned::zone_index next = header_.next;
    const bool leads_on =
        next.value != format::zone_header::no_next && next.value < c_.zones.count() && !c_.zones.is_ring(next);
    return leads_on ? enter_zone(next, header_.next_generation, ordinal_ + 1, 1) : ended();
  }
  const std::uint64_t count = std::min(replay_chunk_bytes / block_bytes, end - read_block_);
  bytes_ = {left_.begin(), left_.end()};
  blocks_.read(zone_->device.index, read_block_, count, [this, count](error_code ec, std::span<const std::byte> bytes) {
    if (ec) return std::exchange(call_, nullptr)(ec, {"the journal cannot be read", zone_->device.index});
    if (!bytes_.empty()) bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    left_ = bytes_.empty() ? bytes : std::span<const std::byte>{bytes_};
    read_block_ += count;
    look();
  });
}

void journal_scan::look() {
  while (!left_.empty()) {
    const std::size_t used = look_at(left_);
    if (used == 0) break;
    left_ = left_.subspan(used);
  }
  read_more();
}

/// How many bytes are done with; none if the rest of a group is yet to be read.
std::size_t journal_scan::look_at(std::span<const std::byte> bytes) {
  const auto h = format::peek_group(bytes.first(block_bytes), c_.super.store);
  if (!h || h->zone_generation != header_.generation) return block_bytes;
  if (h->bytes > bytes.size()) return read_block_ < zone_->written_blocks() ? 0 : block_bytes;
  if (!format::verify_group(bytes.first(h->bytes)) && !FURROW_CANARY_SINGS(torn_group_taken)) return block_bytes;
  judge(*h);
  return h->bytes;
}

void journal_scan::judge(const format::group_header& h) {
  const format::superblock& s = c_.super;
  if (h.number < s.journal.group) return;
  if (h.epoch < s.epoch && h.number >= s.epoch_group && !FURROW_CANARY_SINGS(epoch_unchecked)) return;
  const std::uint64_t index = h.number - s.journal.group;
  const std::uint64_t last_epoch = chain_.empty() ? 0 : chain_.back().epoch;
  const bool known = h.epoch <= s.epoch;
  const bool fits = known && index <= chain_.size() && h.previous == before(index);
  if (index < chain_.size()) {
    if (h.epoch <= chain_[index].epoch) return;
    if (fits) return take(h, index);
  } else {
    if (h.epoch < last_epoch) return;
    if (fits) return take(h, index);
  }
  lost_.push_back({h.number, h.epoch, zone_->device.index});
}

void journal_scan::take(const format::group_header& h, std::size_t index) {
  const std::uint64_t block = read_block_ - left_.size() / block_bytes;
  chain_.resize(index);
  const std::uint32_t blocks = h.bytes / static_cast<std::uint32_t>(block_bytes);
  chain_.push_back({zone_->device.index, block, blocks, h.record_bytes, h.epoch, h.checksum});
  std::erase_if(lost_, [&h](const lost_group& l) { return l.epoch < h.epoch && l.number >= h.number; });
}

void journal_scan::ended() {
  if (!lost_.empty())
    damage_ = {"the journal has a gap before group " + std::to_string(lost_.front().number), lost_.front().zone};
  else if (!damage_ && !lost_zone_ && next_number() < c_.super.epoch_group)
    damage_ = {"the journal ends before group " + std::to_string(c_.super.epoch_group) + "; the last open found more",
               zone_->device.index};
  std::exchange(call_, nullptr)({}, {});
}

const format::checksum_field& journal_scan::before(std::size_t index) const {
  return index == 0 ? c_.super.journal.previous : chain_[index - 1].checksum;
}

}  // namespace furrow::core
