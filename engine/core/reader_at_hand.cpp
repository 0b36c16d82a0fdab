// Reads that need resident pages and one command only. See reader.hpp, R7.
#include "core/reader.hpp"

namespace furrow::core {

bool reader::read_at_hand(object_state& o, const read_range& range, operation_id id) {
  const std::uint64_t bytes = range.to.size();
  const std::uint64_t blocks_end = o.value.bytes - o.tail.size();
  if (bytes == 0 || (range.offset_bytes | bytes) % block_bytes != 0 || !taken_uncopied(range.to) || o.doomed ||
      bytes > c_.transfer_blocks_max() * block_bytes || range.offset_bytes > blocks_end ||
      bytes > blocks_end - range.offset_bytes)
    return false;
  const auto where = blocks_at_hand(o, range.offset_bytes / block_bytes, bytes / block_bytes);
  if (!where) return false;
  const std::uint64_t tag = take_tag();
  sent& s = sent_[tag];
  if (verifies() && !sums_at_hand(*where, s.sums)) {
    free_tags_.push_back(tag);
    return false;
  }
  s.id = id;
  s.object = &o;
  s.offset_bytes = range.offset_bytes;
  s.where = *where;
  s.to = range.to;
  ++o.reads;
  ++live_;
  ++c_.stats.reads;
  const zoned::zone_index zone = c_.shape.zone_of(where->address);
  ++c_.zones[zone].readers;  // R2
  c_.io.submit({.op = zoned::opcode::read,
                .zone = zone,
                .offset_bytes = c_.shape.block_in_zone(where->address) * block_bytes,
                .segments = {{range.to.data(), range.to.size()}}},
               *this, tag);
  return true;
}

std::optional<format::block_run> reader::blocks_at_hand(const object_state& o, std::uint64_t first,
                                                        std::uint64_t blocks) {
  const auto cell = c_.objects->at_hand_to(format::extent_key(o.id, first));
  if (!cell) return {};
  const auto parts = format::parse_extent_key(cell->key);
  if (!parts || parts->object != o.id) return {};
  const auto x = format::decode_extent(cell->value);
  if (!x || first - parts->block + blocks > x->blocks || !is_on_device(*x)) return {};
  return format::block_run{x->address.advanced(first - parts->block), static_cast<std::uint32_t>(blocks)};
}

bool reader::sums_at_hand(format::block_run where, std::vector<std::uint32_t>& to) {
  const zoned::zone_index zone = c_.shape.zone_of(where.address);
  const auto block = static_cast<std::uint32_t>(c_.shape.block_in_zone(where.address));
  const auto cell = c_.zone_pages->at_hand_to(format::run_key(0, zone, block));
  const auto parts = cell ? format::parse_run_key(cell->key) : std::nullopt;
  const auto run = parts && parts->zone == zone ? format::run_view::of(cell->value) : std::nullopt;
  if (!run || !run->has_sums()) return false;
  if (std::size_t{block - parts->block} + where.blocks > run->blocks()) return false;
  to.clear();
  for (std::uint32_t i = 0; i < where.blocks; ++i) to.push_back(run->sum(block - parts->block + i));
  return true;
}

bool reader::at_hand_landed(std::uint64_t tag, const zoned::completion& c) {
  sent& s = sent_[tag];
  if (c.error || c.bytes != s.to.size()) return false;
  if (verifies())  // R4
    for (std::uint32_t b = 0; b < s.where.blocks; ++b)
      if (format::crc32c(s.to.subspan(b * block_bytes, block_bytes)) != s.sums[b]) return false;
  free_tags_.push_back(tag);
  --live_;
  --c_.zones.of(s.where.address).readers;
  c_.stats.read_bytes += s.to.size();
  c_.out.add({s.id, {0, s.to.size(), 0}, true});
  object_state& o = *s.object;
  --o.reads;
  c_.table->settle(o);
  return true;
}

void reader::make_operation(sent& s) {
  std::shared_ptr<operation> op = make();
  op->id = s.id;
  op->object = s.object;
  op->ranges.push_back({s.offset_bytes, s.to});
  op->bytes = s.to.size();
  op->sums = s.sums;
  op->pieces.push_back({.where = s.where, .object_offset_bytes = s.offset_bytes, .to = s.to});
  op->left = 1;
  s.op = std::move(op);
  s.piece = 0;
}

}  // namespace furrow::core
