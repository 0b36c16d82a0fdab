#include "splitter_world.hpp"

#include <algorithm>

#include "core/limits.hpp"

namespace furrow::test {

using namespace core;

namespace {

/// Tells the memory of each block of a source by the runs of bytes that it is made of.
std::vector<std::uint64_t> memory_of_blocks(std::span<const zoned::segment> source) {
  std::vector<std::uint64_t> told;
  std::uint64_t of_block = 0, told_of_block = 0;
  for (const zoned::segment& s : source) {
    auto at = reinterpret_cast<std::uintptr_t>(s.data);
    for (std::size_t left = s.bytes; left > 0;) {
      const std::size_t part = std::min<std::size_t>(left, block_bytes - of_block);
      told_of_block = sim::mix(told_of_block ^ sim::mix(at) ^ part);
      of_block += part;
      at += part;
      left -= part;
      if (of_block == block_bytes) {
        told.push_back(told_of_block);
        of_block = told_of_block = 0;
      }
    }
  }
  if (of_block > 0) told.push_back(0);
  return told;
}

}  // namespace

splitter_world::~splitter_world() {
  while (!all.empty()) drop(*all.back().extent);
}

held_extent& splitter_world::held(const ordered_extent& e) {
  return *std::find_if(all.begin(), all.end(), [&e](const held_extent& h) { return h.extent.get() == &e; });
}
const held_extent& splitter_world::held(const ordered_extent& e) const {
  return *std::find_if(all.begin(), all.end(), [&e](const held_extent& h) { return h.extent.get() == &e; });
}

ordered_extent& splitter_world::create(std::uint64_t first_block, std::uint64_t blocks, const wish& w) {
  ordered_extent_ptr made = pool.make();
  ordered_extent& e = *made;
  e.owner = &owners_[w.owner];
  e.object_block = first_block;
  e.blocks = e.blocks_left = e.reserved_blocks = blocks;
  e.urgent = w.urgent;
  e.cls = w.cls;
  e.pinned = {first_block, blocks, {reservation_}};
  if (w.copied) {
    e.copy = buffers.take(blocks * block_bytes);
    e.source.push_back({e.copy.data(), blocks * block_bytes});
  } else {
    std::size_t next = 0;
    for (std::size_t left = blocks * block_bytes; left > 0;) {
      const std::size_t part = w.segments.empty() ? left : std::min(left, w.segments[next++ % w.segments.size()]);
      e.source.push_back({reinterpret_cast<std::byte*>(memory_), part});
      memory_ += part + 512;
      left -= part;
    }
  }
  const std::vector<std::uint64_t> memory = memory_of_blocks(e.source);
  for (std::uint64_t i = 0; i < blocks; ++i) {
    e.sums.push_back(sum_);
    model[first_block + i] = {.present = true,
                              .reserved = true,
                              .urgent = w.urgent,
                              .cls = w.cls,
                              .sum = sum_++,
                              .reservation = reservation_++,
                              .memory = memory[i],
                              .owner = e.owner};
  }
  if (!map.insert(e)) std::abort();
  all.push_back({std::move(made)});
  return e;
}

void splitter_world::send(ordered_extent& e) {
  e.begun = true;
  e.bios_in_flight = 1;
  held(e).sent = true;
}

void splitter_world::land(ordered_extent& e, std::uint64_t object_block, std::uint64_t blocks,
                          zoned::device_address at) {
  for (std::uint64_t i = 0; i < blocks; ++i) {
    block_facts& b = model[object_block + i];
    b.landed = true;
    b.begins_piece = i == 0;
    b.address = at.advanced(i).raw();
  }
  e.add_piece({object_block, {at, static_cast<std::uint32_t>(blocks)}});
  if (e.blocks_left == 0) e.bios_in_flight = 0;
}

void splitter_world::fail(ordered_extent& e) {
  e.failed = true;
  e.error = boost::system::errc::make_error_code(boost::system::errc::io_error);
  e.bios_in_flight = 0;
  held(e).failed = true;
}

split_refusal splitter_world::expected(const ordered_extent& e, std::uint64_t pre, std::uint64_t post) const {
  const std::uint64_t first = e.object_block, end = first + e.blocks;
  if (pre > e.blocks || post > e.blocks || pre + post >= e.blocks) return split_refusal::length;
  const held_extent& h = held(e);
  if (h.failed) return split_refusal::failed;
  std::uint64_t landed = 0;
  for (std::uint64_t b = first; b < end; ++b) landed += model[b].landed ? 1u : 0u;
  if (h.sent && landed < e.blocks) return split_refusal::in_progress;
  const bool inside =
      landed > 0 && ((pre > 0 && !model[first + pre].begins_piece) || (post > 0 && !model[end - post].begins_piece));
  return inside ? split_refusal::inside_piece : split_refusal::none;
}

split_refusal splitter_world::split(ordered_extent& e, std::uint64_t pre, std::uint64_t post) {
  split_parts parts = core::split(e, pre, post);
  const bool sent = held(e).sent;
  if (parts.pre) hold(std::move(parts.pre), sent);
  if (parts.post) hold(std::move(parts.post), sent);
  return parts.why;
}

void splitter_world::hold(ordered_extent_ptr part, bool sent) { all.push_back({std::move(part), sent}); }

void splitter_world::drop(ordered_extent& e) {
  for (std::uint64_t b = e.object_block; b < e.object_block + e.blocks && b < model.size(); ++b) model[b] = {};
  const auto at = std::find_if(all.begin(), all.end(), [&e](const held_extent& h) { return h.extent.get() == &e; });
  if (e.in_flight != nullptr) map.erase(e);
  all.erase(at);
}

std::vector<format::object_extent> splitter_world::landed_runs(std::uint64_t first, std::uint64_t end) const {
  std::vector<format::object_extent> runs;
  for (std::uint64_t b = first; b < end; ++b) {
    const auto at = zoned::device_address::from_raw(model[b].address);
    if (b > first && at.block() % shape.zone_blocks() != 0 && model[b - 1].address + 1 == model[b].address)
      ++runs.back().where.blocks;
    else
      runs.push_back({b, {at, 1}});
  }
  return runs;
}

std::string splitter_world::check_one(const ordered_extent& e) const {
  if (e.pinned.object_block != e.object_block || e.pinned.blocks != e.blocks) return "I4: the pinned entry is another";
  if (e.sums.size() != e.blocks) return "I5: sums are missing or too many";
  const std::vector<std::uint64_t> memory = memory_of_blocks(e.source);
  if (memory.size() != e.blocks) return "I5: memory is missing or too much";
  std::uint64_t landed = 0;
  const landed_piece* piece = e.pieces.begin();
  for (std::uint64_t i = 0; i < e.blocks; ++i) {
    const std::uint64_t block = e.object_block + i;
    if (block >= model.size()) return "I2: a block behind the end";
    block_facts now{.present = true,
                    .reserved = e.reserved_blocks > 0,
                    .urgent = e.urgent,
                    .cls = e.cls,
                    .sum = e.sums[i],
                    .reservation = e.pinned.reserved.number + i,
                    .memory = memory[i],
                    .owner = e.owner};
    while (piece != e.pieces.end() && block >= piece->object_block + piece->where.blocks) ++piece;
    if (piece != e.pieces.end() && block >= piece->object_block) {
      ++landed;
      now.landed = true;
      now.begins_piece = block == piece->object_block;
      now.address = piece->where.address.advanced(block - piece->object_block).raw();
    }
    const block_facts& m = model[block];
    if (now == m) continue;
    if (now.sum != m.sum || now.memory != m.memory) return "I5: the sum or the memory is another block's";
    if (now.urgent != m.urgent || now.cls != m.cls || now.owner != m.owner)
      return "I8: class, urgency or owner is lost";
    return "I3: the place or the reservation is another block's";
  }
  std::uint64_t in_pieces = 0;
  for (const landed_piece& p : e.pieces) in_pieces += p.where.blocks;
  if (in_pieces != landed || landed + e.blocks_left != e.blocks)
    return "I1: pieces and blocks left do not make the whole";
  if (e.reserved_blocks != 0 && e.reserved_blocks != e.blocks) return "I1: the reservation is not the blocks'";
  return {};
}

std::string splitter_world::check() const {
  std::uint64_t present = 0, missing = 0, reserved = 0;
  for (const block_facts& b : model) {
    present += b.present ? 1 : 0;
    missing += b.present && !b.landed ? 1 : 0;
    reserved += b.reserved ? 1 : 0;
  }
  std::uint64_t next = 0, count = 0, blocks = 0, left = 0, reserved_now = 0;
  for (const ordered_extent& e : map) {
    if (e.object_block < next || e.blocks == 0) return "I2: two overlap, or are in another order";
    next = e.object_block + e.blocks;
    ++count;
    blocks += e.blocks;
    left += e.blocks_left;
    reserved_now += e.reserved_blocks;
    if (std::string why = check_one(e); !why.empty()) return why;
    if (e.in_flight != &map) return "I7: one in the map does not know of it";
  }
  if (blocks != present || left != missing || reserved_now != reserved) return "I1: a sum has changed";
  if (map.blocks() != present || map.size() != count) return "I1: the map counts otherwise";
  if (count != all.size()) return "I7: who is held and who is in the map are not the same";
  std::vector<const ordered_extent*> known;  // also who has gone from the map, but has the memory of a part
  for (const held_extent& h : all) known.push_back(h.extent.get());
  for (const held_extent& h : all)
    if (h.extent->memory_of && std::find(known.begin(), known.end(), h.extent->memory_of.get()) == known.end())
      known.push_back(h.extent->memory_of.get());
  if (pool.live() != known.size()) return "I6: the pool counts otherwise";
  for (const held_extent& h : all) {
    std::uint32_t holders = 2;
    for (const held_extent& o : all) holders += o.extent->memory_of == h.extent ? 1u : 0u;
    if (h.extent->references() != holders) return "I6: references without a holder, or the other way round";
  }
  return {};
}

std::vector<vector3> vectors_of(const splitter_world& w) {
  std::vector<vector3> all;
  for (const ordered_extent& e : w.map) all.push_back({e.object_block, e.pinned.reserved.number, e.blocks});
  return all;
}

}  // namespace furrow::test
