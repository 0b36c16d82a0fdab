#include "core/direct_plan.hpp"

#include <algorithm>

namespace furrow::core {

namespace {

std::uint64_t up(std::uint64_t bytes) { return (bytes + block_bytes - 1) / block_bytes; }

}  // namespace

direct_plan plan_write(const end_shape& now, std::uint64_t first_byte, std::uint64_t end_byte) {
  direct_plan p;
  p.sets_end = end_byte > now.tail_begin();
  p.end.bytes = std::max(now.bytes, end_byte);
  p.first_block = first_byte / block_bytes;
  p.end_block = std::max(p.first_block, std::min(up(end_byte), p.end.tail_begin() / block_bytes));
  const bool whole = p.first_block == p.end_block;
  if (!whole && first_byte % block_bytes != 0 && p.first_block * block_bytes < now.tail_begin()) p.head = p.first_block;
  if (!whole && !p.sets_end && end_byte % block_bytes != 0) p.last = p.end_block - 1;
  p.kept_tail = now.bytes > now.tail_begin() && p.end.tail_begin() > now.tail_begin() &&
                p.first_block * block_bytes > now.tail_begin();
  return p;
}

direct_plan plan_zero(const end_shape& now, std::uint64_t first_byte, std::uint64_t end_byte, bool extends) {
  direct_plan p;
  if (!extends) end_byte = std::min(end_byte, now.bytes);
  p.end.bytes = std::max(now.bytes, end_byte);
  if (first_byte >= end_byte) return p;
  p.sets_end = end_byte > now.tail_begin();
  p.hole_first = up(first_byte);
  p.hole_end = std::max(p.hole_first, std::min(end_byte, now.tail_begin()) / block_bytes);
  const std::uint64_t head = first_byte / block_bytes, last = end_byte / block_bytes;
  if (first_byte % block_bytes != 0 && head * block_bytes < now.tail_begin()) p.head = head;
  if (end_byte % block_bytes != 0 && last * block_bytes < now.tail_begin()) p.last = last;
  p.kept_tail = now.bytes > now.tail_begin() && p.end.tail_begin() > now.tail_begin() && first_byte > now.tail_begin();
  return p;
}

direct_plan plan_clone(const end_shape& now, std::uint64_t first_byte, std::uint64_t end_byte) {
  direct_plan p;
  p.sets_end = end_byte > now.tail_begin();
  p.end.bytes = std::max(now.bytes, end_byte);
  p.kept_tail = now.bytes > now.tail_begin() && p.end.tail_begin() > now.tail_begin() && first_byte > now.tail_begin();
  return p;
}

direct_plan plan_truncate(const end_shape& now, std::uint64_t bytes) {
  direct_plan p;
  p.sets_end = true;
  p.end.bytes = bytes;
  p.hole_first = p.end.tail_begin() / block_bytes;
  p.hole_end = std::max(p.hole_first, now.tail_begin() / block_bytes);
  if (bytes % block_bytes != 0 && p.end.tail_begin() < now.tail_begin()) p.cut = p.hole_first;
  return p;
}

}  // namespace furrow::core
