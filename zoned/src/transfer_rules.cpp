// The checks that every device makes before it looks at a zone.
#include "transfer_rules.hpp"

#include <algorithm>
#include <bit>

#include "ensure.hpp"

namespace furrow::zoned {
namespace {

bool is_aligned(const segment& s, const geometry& shape, const guarantees& promises) {
  return s.bytes != 0 && s.bytes % shape.lba_bytes == 0 &&
         std::bit_cast<std::uintptr_t>(s.data) % promises.memory_alignment_bytes == 0;
}

}  // namespace

error_code check_transfer(const command& c, zone_type type, const geometry& shape, const guarantees& promises) {
  ensure(is_transfer(c.op));
  if (c.zone.value >= shape.zone_count) return errc::out_of_range;
  if (c.segments.empty()) return errc::unaligned;
  if (c.segments.size() > promises.segments_max) return errc::too_large;
  for (const segment& s : c.segments) {
    if (!is_aligned(s, shape, promises)) return errc::unaligned;
  }
  const bool sequential_write = c.op != opcode::read && type == zone_type::sequential;
  const std::uint64_t bytes = total_bytes(c.segments);
  if (bytes > (sequential_write ? promises.append_bytes_max : promises.transfer_bytes_max)) return errc::too_large;
  if (c.op == opcode::append) return {};
  if (c.offset_bytes % shape.lba_bytes != 0) return errc::unaligned;
  const std::uint64_t zone_bytes = shape.bytes_of(c.zone);
  if (c.offset_bytes > zone_bytes) return errc::out_of_range;
  if (c.op == opcode::read && bytes > zone_bytes - c.offset_bytes) return errc::out_of_range;
  return {};
}

std::size_t report_count(const command& c, const geometry& shape) {
  ensure(c.zone.value < shape.zone_count);
  return std::min<std::size_t>(c.zones.size(), shape.zone_count - c.zone.value);
}

}  // namespace furrow::zoned
