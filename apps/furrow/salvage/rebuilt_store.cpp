#include "rebuilt_store.hpp"

#include <algorithm>

namespace furrow::cli {

namespace {

constexpr std::uint64_t block_bytes = zoned::store_block_bytes;
constexpr std::uint64_t piece_blocks = 256;

void append(std::vector<std::byte>& to, format::value_view bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

}  // namespace

found rebuilt_store::find(object_id id, object_status& to) {
  if (removed(id)) return found::no;
  if (!load(id)) return found::damaged;
  const format::object_value value = entry_.value.value_or(format::object_value{});
  to = {};
  to.id = id;
  to.collection = value.collection;
  to.name = value.name;
  to.attributes.mode = value.mode;
  to.attributes.created_ns = value.created_ns;
  to.attributes.modified_ns = value.modified_ns;
  format::attribute_set set;
  if (entry_.attributes.size() == value.attribute_bytes && format::decode_attribute_blob(entry_.attributes, set)) {
    to.attributes.link_target = std::move(set.link_target);
    to.attributes.user = std::move(set.user);
  }
  bytes_ = value.bytes;
  if (!entry_.value && !entry_.extents.empty()) {
    bytes_ = (entry_.extents.back().block + entry_.extents.back().blocks) * block_bytes;
  }
  to.bytes = bytes_;
  return found::yes;
}

bool rebuilt_store::load(object_id id) {
  id_ = id;
  entry_ = {};
  objects_.for_each(format::object_key(id), [&](const rebuilt_cell& cell) {
    if (object_of(cell.key) != id) return false;
    load_cell(cell);
    return true;
  });
  return entry_.value || !entry_.extents.empty();
}

void rebuilt_store::load_cell(const rebuilt_cell& cell) {
  if (format::parse_object_key(cell.key)) {
    entry_.value = format::decode_object(cell.value);
    entry_.from = cell.from;
  } else if (const auto x = format::parse_extent_key(cell.key)) {
    const auto value = format::decode_extent(cell.value);
    const bool stored = value && value->kind == format::extent_kind::data;
    if (stored) entry_.extents.push_back({x->block, value->blocks, value->address});
  } else if (entry_.value && of_one_time(cell.from, entry_.from)) {
    append(format::parse_tail_key(cell.key) ? entry_.tail : entry_.attributes, cell.value);
  }
}

bool rebuilt_store::removed(object_id id) {
  bool gone = false;
  first_doomed_ = end_doomed_ = 0;
  objects_.for_each(format::orphan_key(id), [&](const rebuilt_cell& cell) {
    if (format::parse_orphan_key(cell.key) != id) return false;
    gone = cell.value.empty();
    if (const auto doomed = format::decode_doomed(cell.value)) {
      first_doomed_ = doomed->first_block;
      end_doomed_ = doomed->end_block;
    }
    return false;
  });
  return gone;
}

void rebuilt_store::lost(std::uint64_t begin, std::uint64_t end, const take_piece& take, const char* why) {
  end = std::min(end, bytes_);
  if (begin < end) take({begin, end - begin, {}, {}, why});
}

void rebuilt_store::read(const take_piece& take) {
  std::uint64_t found_blocks = 0;
  for (const extent& e : entry_.extents) found_blocks += e.blocks;
  const bool complete = entry_.value && found_blocks >= entry_.value->blocks;
  const std::uint64_t whole_end = entry_.value ? bytes_ / block_bytes : format::object_blocks_max;
  const char* const unknown = "metadata of these blocks are lost; some may have been a hole";
  std::uint64_t at = 0;
  for (extent e : entry_.extents) {
    if (e.block < at) {  // cells of two times: what was first taken stays
      const std::uint64_t over = std::min(at - e.block, e.blocks);
      e = {e.block + over, e.blocks - over, e.address.advanced(over)};
    }
    e.blocks = std::min(e.blocks, whole_end - std::min(whole_end, e.block));
    const bool doomed = e.block >= first_doomed_ && e.block + e.blocks <= end_doomed_;
    if (e.blocks == 0 || doomed) continue;
    if (!complete) lost(at * block_bytes, e.block * block_bytes, take, unknown);
    read_extent(e, take);
    at = e.block + e.blocks;
  }
  if (!entry_.value)
    return take({bytes_, 0, {}, {}, "the object's entry is lost: its name, attributes and end are not known"});
  if (!complete) lost(at * block_bytes, whole_end * block_bytes, take, unknown);
  const std::uint64_t tail = bytes_ % block_bytes;
  if (tail == 0) return;
  if (entry_.tail.size() == tail) return take({bytes_ - tail, tail, entry_.tail, {}, {}});
  lost(bytes_ - tail, bytes_, take, "the metadata that held these bytes are lost");
}

void rebuilt_store::read_extent(const extent& e, const take_piece& take) {
  for (std::uint64_t from = 0; from < e.blocks; from += piece_blocks) {
    read_piece({e.block + from, std::min(piece_blocks, e.blocks - from), e.address.advanced(from)}, take);
  }
}

void rebuilt_store::read_piece(const extent& e, const take_piece& take) {
  const zoned::geometry& shape = device_.shape();
  const zoned::zone_index zone = shape.zone_of(e.address);
  if (zone.value >= shape.zone_count)
    return lost(e.block * block_bytes, (e.block + e.blocks) * block_bytes, take, "its place is none of the device's");
  const std::uint64_t first = shape.block_in_zone(e.address);
  const std::vector<proof> proofs = proofs_of(e);
  const auto all = device_.read(zone, first, e.blocks);
  for (std::uint64_t i = 0; i < e.blocks; ++i) {
    const std::uint64_t offset = (e.block + i) * block_bytes;
    std::vector<std::byte> one;
    std::string why;
    if (!all) {
      auto alone = device_.read(zone, first + i, 1);
      if (alone) one = std::move(*alone);
      if (!alone) why = alone.error().message();
    }
    const std::span<const std::byte> bytes =
        all ? std::span{*all}.subspan(i * block_bytes, block_bytes) : std::span{one};
    if (why.empty()) why = fault_of(proofs[i], bytes);
    take({offset, block_bytes, why.empty() ? bytes : std::span<const std::byte>{}, zone, why});
  }
}

std::string rebuilt_store::fault_of(const proof& of, std::span<const std::byte> block) {
  if (!of.known) return "its sum is lost";
  if (!of.ours) return "its place was given to other bytes";
  return format::crc32c(block) == of.sum ? "" : "the sum does not agree";
}

std::vector<rebuilt_store::proof> rebuilt_store::proofs_of(const extent& e) {
  std::vector<proof> proofs(e.blocks);
  const zoned::geometry& shape = device_.shape();
  const zoned::zone_index zone = shape.zone_of(e.address);
  const auto first = static_cast<std::uint32_t>(shape.block_in_zone(e.address));
  const std::uint32_t from = first - std::min(first, format::run_blocks_max - 1);
  zones_.for_each(format::run_key(0, zone, from), [&](const rebuilt_cell& cell) {
    const auto parts = format::parse_run_key(cell.key);
    if (!parts || parts->zone != zone || parts->block >= first + e.blocks) return false;
    const auto run = format::run_view::of(cell.value);
    if (!run) return true;
    for (std::uint64_t i = 0; i < run->blocks(); ++i) {
      const std::uint64_t block = parts->block + i;
      if (block < first || block >= first + e.blocks) continue;
      const bool ours = run->object() == id_ && run->object_block() + i == e.block + (block - first);
      proofs[block - first] = {true, ours, run->sum(i), cell.from};
    }
    return true;
  });
  if (std::any_of(proofs.begin(), proofs.end(), [](const proof& p) { return p.known && !p.ours; }))
    look_at_hints(e, proofs);
  return proofs;
}

void rebuilt_store::look_at_hints(const extent& e, std::vector<proof>& proofs) {
  const zoned::geometry& shape = device_.shape();
  const zoned::zone_index zone = shape.zone_of(e.address);
  const auto first = static_cast<std::uint32_t>(shape.block_in_zone(e.address));
  const std::uint32_t from = first - std::min(first, format::run_blocks_max - 1);
  zones_.for_each(format::hints_from(0, zone, from), [&](const rebuilt_cell& cell) {
    const auto hint = format::parse_hint_key(cell.key);
    if (!hint || hint->zone != zone || hint->block >= first + e.blocks) return false;
    const auto value = format::decode_hint(cell.value);
    if (!value || hint->object != id_) return true;
    for (std::uint64_t i = 0; i < value->blocks; ++i) {
      const std::uint64_t block = hint->block + i;
      if (block < first || block >= first + e.blocks) continue;
      proof& its = proofs[block - first];
      if (of_one_time(its.from, cell.from) && hint->object_block + i == e.block + (block - first)) its.ours = true;
    }
    return true;
  });
}

}  // namespace furrow::cli
