#include "rebuilt_store.hpp"

#include <algorithm>

namespace furrow::cli {

namespace {

constexpr std::uint64_t block_bytes = zoned::store_block_bytes;
constexpr std::uint64_t piece_blocks = 256;

void append(std::vector<std::byte>& to, format::value_view bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

}  // namespace

found rebuilt_store::find(object_id id, object_status& to) {
  id_ = id;
  const auto in_journal = changed_.find(id);
  if (adopted_id_ == id && id != 0) {
    entry_ = adopted_;
  } else {
    entry_ = in_journal != changed_.end() ? in_journal->second : load(id);
  }
  if (entry_.gone) return found::no;
  if (!entry_.known && entry_.extents.empty()) return found::damaged;
  const format::object_value& value = entry_.value;
  to = {};
  to.id = id;
  to.collection = value.collection;
  to.name = value.name;
  to.attributes.mode = value.mode;
  to.attributes.created_ns = value.created_ns;
  to.attributes.modified_ns = value.modified_ns;
  to.attributes.link_target = entry_.attributes.link_target;
  to.attributes.user = entry_.attributes.user;
  if (!entry_.known && !entry_.extents.empty()) {
    const auto& [block, last] = *entry_.extents.rbegin();
    entry_.value.bytes = std::max(value.bytes, (block + last.blocks) * block_bytes);
  }
  to.bytes = value.bytes;
  return found::yes;
}

void rebuilt_store::adopt(object_id id, const format::name_parts& name, std::span<const claimed_extent> extents) {
  adopted_id_ = id;
  adopted_ = {};
  adopted_.adopted = true;
  adopted_.value.collection = name.collection;
  adopted_.value.name = name.name;
  for (const claimed_extent& x : extents) {
    const zoned::device_address address = device_.shape().address_of(x.where.zone, x.where.block);
    adopted_.extents[x.where.object_block] = {x.where.blocks, address, 0, x.answer};
  }
}

rebuilt_store::entry rebuilt_store::load(object_id id) {
  entry to;
  cell_origin from;
  std::vector<std::byte> blob;
  objects_.for_each(format::object_key(id), [&](const rebuilt_cell& cell) {
    if (object_of(cell.key) != id) return false;
    if (format::parse_object_key(cell.key)) {
      const auto value = format::decode_object(cell.value);
      to.known = value.has_value();
      if (value) to.value = *value;
      from = cell.from;
    } else if (const auto x = format::parse_extent_key(cell.key)) {
      const auto value = format::decode_extent(cell.value);
      if (!value || value->kind != format::extent_kind::data) return true;
      put(to, {x->block, {value->address, value->blocks}});
    } else if (to.known && of_one_time(cell.from, from)) {
      append(format::parse_tail_key(cell.key) ? to.tail : blob, cell.value);
    }
    return true;
  });
  std::uint64_t blocks = 0;
  for (const auto& [block, x] : to.extents) blocks += x.blocks;
  to.complete = to.known && blocks >= to.value.blocks;
  if (blob.size() == to.value.attribute_bytes) static_cast<void>(format::decode_attribute_blob(blob, to.attributes));
  load_mark(id, to);
  return to;
}

void rebuilt_store::load_mark(object_id id, entry& to) {
  objects_.for_each(format::orphan_key(id), [&](const rebuilt_cell& cell) {
    if (format::parse_orphan_key(cell.key) != id) return false;
    to.gone = cell.value.empty();
    if (const auto doomed = format::decode_doomed(cell.value)) cut(to, doomed->first_block, doomed->end_block);
    return false;
  });
}

void rebuilt_store::cut(entry& from, std::uint64_t first, std::uint64_t end) {
  auto at = from.extents.upper_bound(first);
  if (at != from.extents.begin()) --at;
  while (at != from.extents.end() && at->first < end) {
    const std::uint64_t block = at->first;
    const extent e = at->second;
    ++at;
    if (block + e.blocks <= first || first == end) continue;
    from.extents.erase(block);
    if (block < first) from.extents[block] = e.part(0, first - block);
    if (block + e.blocks > end) from.extents[end] = e.part(end - block, e.blocks);
  }
}

void rebuilt_store::put(entry& to, const format::object_extent& e, std::uint64_t named_at) {
  cut(to, e.object_block, e.object_block + e.where.blocks);
  to.extents[e.object_block] = {e.where.blocks, e.where.address, named_at, claim_answer::one};
}

void rebuilt_store::lost(std::uint64_t begin, std::uint64_t end, const take_piece& take, const char* why,
                         std::optional<zoned::zone_index> zone) const {
  end = std::min(end, entry_.value.bytes);
  if (begin < end) take({begin, end - begin, {}, zone, why});
}

const char* rebuilt_store::why_no_end() const {
  if (!entry_.adopted) return "the object's entry is lost: its name, attributes and end are not known";
  return "all cells of the object are lost: its blocks are those that zone pages name, its attributes and its end "
         "behind the last of them are not known; it may be as it was at an earlier time, or have been removed";
}

void rebuilt_store::read(const take_piece& take) {
  const std::uint64_t end = entry_.value.bytes, tail = end % block_bytes;
  read_extents(end / block_bytes, take);
  if (tail != 0 && entry_.tail.size() == tail) {
    take({end - tail, tail, entry_.tail, {}, {}});
  } else if (tail != 0) {
    lost(end - tail, end, take, "the metadata that held these bytes are lost");
  }
  if (!entry_.known) take({end, 0, {}, {}, why_no_end()});
}

void rebuilt_store::read_extents(std::uint64_t whole_end, const take_piece& take) {
  const char* const unknown = "metadata of these blocks are lost; some may have been a hole";
  std::uint64_t at = 0;
  for (const auto& [block, e] : entry_.extents) {
    const std::uint64_t end = std::min(block + e.blocks, whole_end);
    if (block >= end) break;
    if (!entry_.complete) lost(at * block_bytes, block * block_bytes, take, unknown);
    at = end;
    if (e.place != claim_answer::one) {
      const char* const why = e.place == claim_answer::several
                                  ? "zone pages name several places for these blocks; which is the newest is not known"
                                  : "zone pages say of the place of these blocks that it is that of others too";
      lost(block * block_bytes, end * block_bytes, take, why, device_.shape().zone_of(e.address));
      continue;
    }
    for (std::uint64_t from = block; from < end; from += piece_blocks) {
      read_piece({from, std::min(piece_blocks, end - from), e.address.advanced(from - block), e.named_at}, take);
    }
  }
  if (!entry_.complete) lost(at * block_bytes, whole_end * block_bytes, take, unknown);
}

void rebuilt_store::read_piece(const piece& p, const take_piece& take) {
  const zoned::geometry& shape = device_.shape();
  const zoned::zone_index zone = shape.zone_of(p.address);
  const std::uint64_t first = shape.block_in_zone(p.address);
  if (p.address.device() != 0 || zone.value >= shape.zone_count || first + p.blocks > shape.zone_blocks()) {
    return lost(p.block * block_bytes, (p.block + p.blocks) * block_bytes, take, "its place is none of the device's");
  }
  const std::vector<proof> proofs = proofs_of(p);
  const auto all = device_.read(zone, first, p.blocks);
  for (std::uint64_t i = 0; i < p.blocks; ++i) {
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
    take({(p.block + i) * block_bytes, block_bytes, why.empty() ? bytes : std::span<const std::byte>{}, zone, why});
  }
}

std::string rebuilt_store::fault_of(const proof& of, std::span<const std::byte> block) {
  if (!of.known) return "its sum is lost";
  if (!of.ours) return "its place was given to other bytes";
  return format::crc32c(block) == of.sum ? "" : "the sum does not agree";
}

std::vector<rebuilt_store::proof> rebuilt_store::proofs_of(const piece& p) {
  std::vector<proof> proofs(p.blocks);
  const zoned::zone_index zone = device_.shape().zone_of(p.address);
  const auto first = static_cast<std::uint32_t>(device_.shape().block_in_zone(p.address));
  const std::uint32_t from = first - std::min(first, format::run_blocks_max - 1);
  zones_.for_each(format::run_key(0, zone, from), [&](const rebuilt_cell& cell) {
    const auto parts = format::parse_run_key(cell.key);
    if (!parts || parts->zone != zone || parts->block >= first + p.blocks) return false;
    const auto run = format::run_view::of(cell.value);
    if (!run) return true;
    for (std::uint64_t i = 0; i < run->blocks(); ++i) {
      const std::uint64_t block = parts->block + i;
      if (block < first || block >= first + p.blocks) continue;
      const bool ours = run->object() == id_ && run->object_block() + i == p.block + (block - first);
      proofs[block - first] = {run->has_sums(), ours, run->has_sums() ? run->sum(i) : 0, cell.from};
    }
    return true;
  });
  if (std::any_of(proofs.begin(), proofs.end(), [](const proof& q) { return q.known && !q.ours; })) {
    look_at_hints(p, proofs);
  }
  look_at_journal(p, proofs);
  return proofs;
}

void rebuilt_store::look_at_hints(const piece& p, std::vector<proof>& proofs) {
  const zoned::zone_index zone = device_.shape().zone_of(p.address);
  const auto first = static_cast<std::uint32_t>(device_.shape().block_in_zone(p.address));
  const std::uint32_t from = first - std::min(first, format::run_blocks_max - 1);
  zones_.for_each(format::hints_from(0, zone, from), [&](const rebuilt_cell& cell) {
    const auto hint = format::parse_hint_key(cell.key);
    if (!hint || hint->zone != zone || hint->block >= first + p.blocks) return false;
    const auto value = format::decode_hint(cell.value);
    if (!value || hint->object != id_) return true;
    for (std::uint64_t i = 0; i < value->blocks; ++i) {
      const std::uint64_t block = hint->block + i;
      if (block < first || block >= first + p.blocks) continue;
      proof& its = proofs[block - first];
      if (of_one_time(its.from, cell.from) && hint->object_block + i == p.block + (block - first)) its.ours = true;
    }
    return true;
  });
}

void rebuilt_store::look_at_journal(const piece& p, std::vector<proof>& proofs) const {
  const std::uint64_t first = p.address.raw(), end = first + p.blocks;
  if (p.named_at != 0)
    for (proof& its : proofs) its.ours = true;
  auto at = written_.upper_bound(first);
  if (at != written_.begin()) --at;
  for (; at != written_.end() && at->first < end; ++at) {
    const auto& [begin, w] = *at;
    for (std::uint64_t b = std::max(begin, first); b < std::min(begin + w.blocks, end); ++b) {
      const bool written_for_it = w.object == id_ && w.object_block + (b - begin) == p.block + (b - first);
      const bool known = !w.sums.empty();
      proofs[b - first] = {known, written_for_it || p.named_at >= w.turn, known ? w.sums[b - begin] : 0, {}};
    }
  }
}

}  // namespace furrow::cli
