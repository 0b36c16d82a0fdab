#include "format/group.hpp"

#include <algorithm>

namespace furrow::format {
namespace {

constexpr std::size_t checksum_at = 16;
constexpr std::size_t bytes_at = 12;
/// No record is shorter than its own header.
constexpr std::size_t record_bytes_min = 16;

bool in_range(const group_header& h) {
  if (h.bytes > group_bytes_max || h.record_bytes > group_bytes_max) {
    return false;
  }
  const bool lengths_agree =
      h.bytes % zoned::store_block_bytes == 0 && h.bytes >= group_blocks(h.record_bytes) * zoned::store_block_bytes;
  return lengths_agree && h.record_bytes % 8 == 0 && h.record_count <= h.record_bytes / record_bytes_min &&
         (h.record_count == 0) == (h.record_bytes == 0) && (h.record_count == 0 || h.first_sequence <= h.last_sequence);
}

}  // namespace

checksum_field seal_group(const group_header& h, std::span<std::byte> group) {
  FURROW_ASSERT(group.size() == h.bytes);
  FURROW_ASSERT(in_range(h));
  fixed_writer to{group.first(group_header_bytes)};
  to.u64(group_magic);
  to.u32(group_header_bytes);
  to.u32(h.bytes);
  to.zeros(checksum_field::encoded_bytes);
  to.bytes(h.store);
  to.u64(h.epoch);
  to.u64(h.number);
  to.u64(h.zone_generation);
  to.u64(h.first_sequence);
  to.u64(h.last_sequence);
  to.u64(h.acknowledged_sequence);
  to.u64(h.flushed_sequence);
  to.u32(h.record_bytes);
  to.u32(h.record_count);
  h.previous.encode(to.room(checksum_field::encoded_bytes));
  to.zeros(to.left());
  std::ranges::fill(group.subspan(group_header_bytes + h.record_bytes), std::byte{0});
  return seal(group, checksum_at);
}

std::optional<group_header> peek_group(std::span<const std::byte> from, const uuid& store) {
  if (from.size() < group_header_bytes) {
    return std::nullopt;
  }
  reader in{from.first(group_header_bytes)};
  if (in.u64() != group_magic || in.u32() != group_header_bytes) {
    return std::nullopt;
  }
  group_header h;
  h.bytes = in.u32();
  h.checksum = checksum_field::decode(in);
  std::ranges::copy(in.bytes(h.store.size()), h.store.begin());
  h.epoch = in.u64();
  h.number = in.u64();
  h.zone_generation = in.u64();
  h.first_sequence = in.u64();
  h.last_sequence = in.u64();
  h.acknowledged_sequence = in.u64();
  h.flushed_sequence = in.u64();
  h.record_bytes = in.u32();
  h.record_count = in.u32();
  h.previous = checksum_field::decode(in);
  in.zeros(in.left());
  return !in.failed() && h.store == store && in_range(h) ? std::optional{h} : std::nullopt;
}

bool verify_group(std::span<const std::byte> group) {
  if (group.size() < group_header_bytes || load_le<std::uint32_t>(group.data() + bytes_at) != group.size()) {
    return false;
  }
  uuid store;
  std::ranges::copy(group.subspan(checksum_at + checksum_field::encoded_bytes, store.size()), store.begin());
  const auto header = peek_group(group, store);
  return header && verify(group, checksum_at) && all_zero(group.subspan(group_header_bytes + header->record_bytes));
}

}  // namespace furrow::format
