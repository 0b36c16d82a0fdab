// Drawing lies, and telling them.
#include "sim/lies.hpp"

#include <algorithm>
#include <cstring>

#include "format/checksum.hpp"
#include "format/codec.hpp"
#include "format/page.hpp"
#include "format/superblock.hpp"

namespace furrow::sim {
namespace {

constexpr std::uint64_t block_bytes = zoned::store_block_bytes;
constexpr std::size_t page_store_at = 8;
constexpr std::size_t stale_kept_max = 1024;

raw_bytes gather(std::span<const zoned::segment> segments) {
  raw_bytes all;
  for (const zoned::segment& s : segments) all.insert(all.end(), s.data, s.data + s.bytes);
  return all;
}

bool is_page(std::span<const std::byte> block) {
  return format::load_le<std::uint32_t>(block.data()) == format::page_magic;
}

/// Of a page or a superblock, whole: what it says of itself is believed.
bool is_copied(std::span<const std::byte> block) {
  if (format::load_le<std::uint64_t>(block.data()) == format::superblock_magic)
    return format::decode_superblock(block).has_value();
  if (!is_page(block)) return false;
  format::uuid store;
  std::memcpy(store.data(), block.data() + page_store_at, store.size());
  return format::check_page(block, store).has_value();
}

}  // namespace

lies::lies(const lie_weights& weights, zoned::memory_zones& zones, std::uint64_t seed)
    : weights_{weights}, zones_{zones}, chance_{seed}, rot_chance_{mix(seed) + 1} {}

std::uint64_t lies::key_of(zoned::place at) {
  return (std::uint64_t{at.zone.value} << 32) | (at.offset_bytes / block_bytes);
}

/// L2
bool lies::is_new_copy(std::span<const std::byte> block) {
  return is_copied(block) && !copies_told_.contains(format::crc32c(block));
}

bool lies::are_new_copies(std::span<const std::byte> blocks) {
  if (blocks.empty() || blocks.size() % block_bytes != 0) return false;
  for (; !blocks.empty(); blocks = blocks.subspan(block_bytes))
    if (!is_new_copy(blocks.first(block_bytes))) return false;
  return true;
}

void lies::before_write(zoned::place at, const zoned::command& c, const std::vector<bool>& holds_data) {
  now_ = kind::truth;
  if (!allowed_ || !weights_.any() || c.op != zoned::opcode::append) return;
  const std::uint64_t bytes = zoned::total_bytes(c.segments);
  if (at.offset_bytes + bytes > zones_.shape().bytes_of(at.zone)) return;  // it will be refused
  if (holds_data[at.zone.value] && spoiled_.size() < weights_.blocks_max) {
    if (chance_.chance_per_million(weights_.lost_ppm)) now_ = kind::lost;
    if (chance_.chance_per_million(weights_.misdirected_ppm)) now_ = kind::misdirected;
  } else if (!holds_data[at.zone.value] && chance_.chance_per_million(weights_.copy_lost_ppm)) {
    if (at.offset_bytes % block_bytes == 0 && are_new_copies(gather(c.segments))) now_ = kind::copy_lost;
  }
  if (now_ == kind::truth) return;
  at_ = at;
  before_.resize(bytes);
  zones_.peek(at, before_);
}

/// As far as the zone goes.
raw_bytes lies::block_at(zoned::place at) const {
  const std::uint64_t begin = at.offset_bytes / block_bytes * block_bytes;
  raw_bytes block(std::min(block_bytes, zones_.shape().bytes_of(at.zone) - begin));
  zones_.peek({at.zone, begin}, block);
  block.resize(block_bytes, std::byte{});
  return block;
}

bool lies::hides(zoned::zone_index zone, std::uint64_t stale_since, const block_test& is_it) const {
  const auto here = [&](const hidden_block& h) {
    return h.zone == zone && (h.stale == 0 || h.stale > stale_since) && is_it(h.bytes);
  };
  return std::ranges::any_of(hidden_, here) || std::ranges::any_of(hidden_once_, here);
}

/// Puts bytes where they do not belong, or were to be no more.
void lies::put(zoned::place at, std::span<const std::byte> bytes) {
  for (std::uint64_t done = 0; done < bytes.size();) {
    const zoned::place here{at.zone, at.offset_bytes + done};
    const std::uint64_t count = std::min(bytes.size() - done, block_bytes - here.offset_bytes % block_bytes);
    const auto part = bytes.subspan(done, count);
    raw_bytes there(count);
    zones_.peek(here, there);
    if (std::memcmp(there.data(), part.data(), count) != 0) {
      hidden_.push_back({here.zone, 0, block_at(here)});
      spoiled_.insert(key_of(here));
      spoiled_zones_.insert(here.zone.value);
      zones_.poke(here, part);
    }
    done += count;
  }
}

/// Over what is written, in any zone with data, at the same place within a block.
void lies::misdirect(std::span<const std::byte> sent, const std::vector<bool>& holds_data) {
  const std::uint64_t start = chance_.below(holds_data.size());
  for (std::size_t n = 0; n < holds_data.size(); ++n) {
    const zoned::zone_index zone{static_cast<std::uint32_t>((start + n) % holds_data.size())};
    const zoned::zone_info& z = zones_.machine().at(zone);
    const bool full = z.condition == zoned::zone_condition::full;
    const std::uint64_t end = full ? z.capacity_bytes : zoned::is_active(z.condition) ? z.write_pointer_bytes : 0;
    if (!holds_data[zone.value] || zone == at_.zone || end < 2 * block_bytes + sent.size()) continue;
    const std::uint64_t blocks = (end - sent.size()) / block_bytes;
    return put({zone, chance_.within(1, blocks - 1) * block_bytes + at_.offset_bytes % block_bytes}, sent);
  }
}

void lies::after_write(const zoned::command& c, const std::vector<bool>& holds_data) {
  if (now_ == kind::truth) return;
  const kind what = std::exchange(now_, kind::truth);
  const raw_bytes sent = gather(c.segments);
  const std::uint64_t lba = zones_.shape().lba_bytes, count = sent.size() / lba;
  if (what == kind::copy_lost) {
    for (std::uint64_t at = 0; at < sent.size(); at += block_bytes)
      copies_told_.insert(format::crc32c(std::span{sent}.subspan(at, block_bytes)));
    copy_zones_.insert(at_.zone.value);
    zones_.poke(at_, before_);
    ++counts_.copies_lost;
    return;
  }
  if (at_.offset_bytes < block_bytes || count == 0) return;  // its header
  const std::uint64_t first = chance_.below(count);
  const std::uint64_t most = (weights_.blocks_max - spoiled_.size()) * block_bytes / lba;
  const std::uint64_t lost = std::min({chance_.within(1, count - first), most, 2 * block_bytes / lba});
  at_.offset_bytes += first * lba;
  const auto part = std::span{sent}.subspan(first * lba, lost * lba);
  if (what == kind::misdirected) misdirect(part, holds_data);
  put(at_, std::span{before_}.subspan(first * lba, lost * lba));
  ++(what == kind::misdirected ? counts_.misdirected : counts_.lost);
}

void lies::after_read(const zoned::command& c, bool holds_data) {
  if (!allowed_ || !weights_.any() || c.offset_bytes % block_bytes != 0) return;
  const std::uint32_t ppm = holds_data ? weights_.stale_ppm : weights_.copy_stale_ppm;
  const bool one_block = zoned::total_bytes(c.segments) == block_bytes && c.segments.size() == 1;
  if (!chance_.chance_per_million(ppm) || (!holds_data && !one_block)) return;
  const zoned::segment& s = c.segments[chance_.below(c.segments.size())];
  if (s.bytes < zones_.shape().lba_bytes) return;
  if (!holds_data) {
    const std::span<const std::byte> read{s.data, s.bytes};
    if (!is_page(read) || !is_new_copy(read)) return;
    copies_told_.insert(format::crc32c(read));
  }
  // What a zone further on has at the same place, or nothing that was written.
  const zoned::zone_index other{static_cast<std::uint32_t>(chance_.below(zones_.shape().zone_count))};
  const std::uint64_t lba = zones_.shape().lba_bytes;
  const std::uint64_t at = chance_.below(s.bytes / lba) * lba;
  if (c.offset_bytes + lba > zones_.shape().bytes_of(other)) return;
  raw_bytes stale(lba);
  zones_.peek({other, c.offset_bytes}, stale);
  if (std::memcmp(s.data + at, stale.data(), lba) == 0) return;
  std::memcpy(s.data + at, stale.data(), lba);
  ++(holds_data ? counts_.stale : counts_.copies_stale);
  if (!holds_data) return;
  const auto before = static_cast<std::uint64_t>(&s - c.segments.data());
  const zoned::place read{c.zone, c.offset_bytes + zoned::total_bytes(c.segments.first(before)) + at};
  hidden_once_.push_back({c.zone, counts_.stale, block_at(read)});
  if (hidden_once_.size() > stale_kept_max) hidden_once_.pop_front();
}

void lies::rot(const std::vector<bool>& holds_data, const cache_model& cache) {
  if (!allowed_ || spoiled_.size() >= weights_.blocks_max || !rot_chance_.chance_per_million(weights_.rot_ppm)) return;
  constexpr std::uint64_t bits = block_bytes * 8;
  const std::uint64_t start = rot_chance_.below(holds_data.size());
  for (std::size_t n = 0; n < holds_data.size(); ++n) {
    const zoned::zone_index zone{static_cast<std::uint32_t>((start + n) % holds_data.size())};
    const std::uint64_t blocks = cache.durable_end(zone) / block_bytes;
    if (!holds_data[zone.value] || blocks < 2) continue;
    const zoned::place at{zone, rot_chance_.within(1, blocks - 1) * block_bytes};
    raw_bytes block = block_at(at);
    const std::uint64_t first = rot_chance_.below(bits), last = std::min(first + rot_chance_.below(3), bits - 1);
    for (std::uint64_t bit = first; bit <= last; ++bit) block[bit / 8] ^= std::byte{1} << (bit % 8);
    put(at, block);
    ++counts_.rotted;
    return;
  }
}

}  // namespace furrow::sim
