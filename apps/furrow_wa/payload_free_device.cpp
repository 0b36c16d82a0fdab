#include "furrow_wa/payload_free_device.hpp"

#include <algorithm>
#include <cstring>

#include "furrow_wa/cpu_time.hpp"

namespace furrow::wa {

namespace {

constexpr std::uint64_t block_bytes = zoned::store_block_bytes;
constexpr std::uint32_t ring_zones_behind = 2;

std::vector<zoned::zone_info> zones_of(const payload_free_device::plan& p) {
  std::vector<zoned::zone_info> zones(p.metadata_zones + p.data_zones + ring_zones_behind);
  const std::uint64_t bytes = p.zone_blocks * block_bytes;
  for (std::uint32_t i = 0; i < zones.size(); ++i) {
    const bool conventional = i < p.metadata_zones;
    zones[i] = {.index = {i},
                .type = conventional ? zoned::zone_type::conventional : zoned::zone_type::sequential,
                .condition = conventional ? zoned::zone_condition::not_write_pointer : zoned::zone_condition::empty,
                .bytes = bytes,
                .capacity_bytes = bytes,
                .write_pointer_bytes = 0};
  }
  return zones;
}

}  // namespace

payload_free_device::payload_free_device(const plan& p)
    : p_{p},
      machine_{shape_of(p), zones_of(p)},
      metadata_{new block[std::size_t{p.metadata_zones} * p.zone_blocks]},
      clock_s_{cpu_clock_s()} {}

zoned::geometry payload_free_device::shape_of(const plan& p) {
  const std::uint64_t bytes = p.zone_blocks * block_bytes;
  return {
      .zone_bytes = bytes, .zone_count = p.metadata_zones + p.data_zones + ring_zones_behind, .last_zone_bytes = bytes};
}

zoned::guarantees payload_free_device::promises() {
  zoned::guarantees g;
  g.native_append = true;
  g.append_bytes_max = g.transfer_bytes_max = 1 << 20;
  g.appends_per_zone_max = 8;
  return g;
}

zoned::completion payload_free_device::execute(const zoned::command& c) {
  zoned::completion done{c.id, {}, {c.zone, c.offset_bytes}, zoned::total_bytes(c.segments)};
  switch (c.op) {
    case zoned::opcode::append: {
      const auto at = machine_.append(c.zone, done.bytes);
      if (!at) return {c.id, at.error(), {}, 0};
      done.at = *at;
      keep(done.at, c);
      break;
    }
    case zoned::opcode::write:
      done.error = machine_.write(c.zone, c.offset_bytes, done.bytes);
      if (!done.error) keep(done.at, c);
      break;
    case zoned::opcode::read:
      fetch(done.at, c);
      break;
    case zoned::opcode::report:
      for (std::size_t i = 0; i < c.zones.size(); ++i)
        c.zones[i] = machine_.at({c.zone.value + static_cast<std::uint32_t>(i)});
      done.bytes = c.zones.size();
      break;
    case zoned::opcode::flush:
      break;
    case zoned::opcode::open:
    case zoned::opcode::close:
    case zoned::opcode::finish:
    case zoned::opcode::reset:
      done.error = machine_.manage(c.op, c.zone);
      break;
  }
  return done;
}

std::size_t payload_free_device::kept_bytes() const {
  constexpr std::size_t node_bytes = 2 * sizeof(void*) + sizeof(std::uint64_t) + sizeof(std::vector<std::byte>);
  return std::size_t{p_.metadata_zones} * p_.zone_blocks * sizeof(block) + others_.size() * node_bytes + others_bytes_;
}

void payload_free_device::put(std::uint64_t number, std::span<const std::byte> bytes) {
  const std::uint64_t zone = number / p_.zone_blocks;
  if (zone < p_.metadata_zones) {
    std::memcpy(metadata_[number].data(), bytes.data(), bytes.size());
    return;
  }
  if (zone < p_.metadata_zones + p_.data_zones && number % p_.zone_blocks != 0) return;
  while (!bytes.empty() && bytes.back() == std::byte{0}) bytes = bytes.first(bytes.size() - 1);
  std::vector<std::byte>& to = others_[number];
  others_bytes_ += bytes.size() - to.size();
  to = {bytes.begin(), bytes.end()};
}

void payload_free_device::get(std::uint64_t number, std::span<std::byte> to) const {
  if (number / p_.zone_blocks < p_.metadata_zones) {
    std::memcpy(to.data(), metadata_[number].data(), to.size());
    return;
  }
  const auto it = others_.find(number);
  if (it == others_.end()) return;
  const auto behind = std::copy(it->second.begin(), it->second.end(), to.begin());
  std::fill(behind, to.end(), std::byte{0});
}

void payload_free_device::keep(zoned::place at, const zoned::command& c) {
  count(at, zoned::total_bytes(c.segments));
  if (is_data(at) && at.offset_bytes > 0) return;
  std::uint64_t number = std::uint64_t{at.zone.value} * p_.zone_blocks + at.offset_bytes / block_bytes;
  for (const zoned::segment& s : c.segments)
    for (std::size_t from = 0; from < s.bytes; from += block_bytes, ++number) put(number, {s.data + from, block_bytes});
}

void payload_free_device::fetch(zoned::place at, const zoned::command& c) {
  if (is_data(at) && at.offset_bytes > 0) return;
  const double before = cpu_s();
  std::uint64_t number = std::uint64_t{at.zone.value} * p_.zone_blocks + at.offset_bytes / block_bytes;
  for (const zoned::segment& s : c.segments)
    for (std::size_t from = 0; from < s.bytes; from += block_bytes, ++number) get(number, {s.data + from, block_bytes});
  reading_s_ += cpu_s() - before + clock_s_;
}

bool payload_free_device::is_data(zoned::place at) const {
  return at.zone.value >= p_.metadata_zones && at.zone.value < p_.metadata_zones + p_.data_zones;
}

void payload_free_device::count(zoned::place at, std::uint64_t bytes) {
  (is_data(at) ? data_bytes_ : metadata_bytes_) += bytes;
}

}  // namespace furrow::wa
