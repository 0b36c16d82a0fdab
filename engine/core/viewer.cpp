#include "core/viewer.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "core/apply.hpp"
#include "core/page_reader.hpp"

namespace furrow::core {

void viewer::map(operation_id id, const map_request& r) {
  object_state* o = c_.table->of(r.handle);
  if (o == nullptr) return c_.answer(id, errc::closed);
  if (r.offset_bytes % block_bytes != 0)
    return c_.answer(id, errc::invalid_argument, {}, {.object = o->id, .what = "a view begins on a whole block"});
  ++o->users;
  take(id, *o, r);
}

void viewer::take(operation_id id, object_state& o, const map_request& r) {
  error_code ec;
  error_detail detail{.object = o.id, .offset_bytes = r.offset_bytes, .bytes = r.bytes};
  if (r.offset_bytes > o.value.bytes || r.bytes > o.value.bytes - r.offset_bytes) ec = errc::out_of_range;
  state v;
  v.object = o.id;
  v.first_byte = r.offset_bytes;
  v.end_byte = r.offset_bytes + r.bytes;
  v.tail_begin = o.value.bytes - o.tail.size();
  std::vector<extent_slice> found;
  if (!ec) {
    const std::uint64_t end = (std::min(v.end_byte, v.tail_begin) + block_bytes - 1) / block_bytes;
    const readiness done = c_.apply->extents().slices(o.id, v.first_byte / block_bytes, end,
                                                      std::numeric_limits<std::size_t>::max(), found);
    if (done.need)
      return c_.pages->wait(*done.need, [this, id, &o, r](error_code e) {
        if (!e) return take(id, o, r);
        c_.answer(id, e, {}, {.object = o.id});
        c_.table->unuse(o);
      });
    if (done.fault != nullptr) {
      ec = errc::damaged;
      detail.what = done.fault;
    }
  }
  if (ec) {
    c_.answer(id, ec, {}, std::move(detail));
  } else {
    for (const extent_slice& s : found) add_run(v, o, s.object_block, s.where);
    if (v.end_byte > v.tail_begin)
      v.tail.assign(o.tail.begin(), o.tail.begin() + static_cast<std::ptrdiff_t>(v.end_byte - v.tail_begin));
    views_.emplace(++next_, std::move(v));
    c_.answer(id, {}, mapped_view{next_});
  }
  c_.table->unuse(o);
}

/// Without what is doomed of it.
void viewer::add_run(state& v, const object_state& o, std::uint64_t first, format::block_run where) {
  const std::uint64_t end = first + where.blocks;
  const auto add = [&](std::uint64_t from, std::uint64_t until) {
    if (from >= until) return;
    v.runs.push_back({from, {where.address.advanced(from - first), static_cast<std::uint32_t>(until - from)}});
    c_.zones.add_view(c_.zones.of(where.address));  // V2
  };
  if (!o.doomed) return add(first, end);
  add(first, std::min(end, o.doomed->first_block));
  add(std::max(first, o.doomed->end_block), end);
}

std::vector<reader::part> viewer::parts_of(const state& v, std::uint64_t from, std::span<std::byte> to) {
  std::vector<reader::part> parts;
  auto run = std::partition_point(v.runs.begin(), v.runs.end(), [from](const viewer::run& r) {
    return (r.object_block + r.where.blocks) * block_bytes <= from;
  });
  while (!to.empty()) {
    std::size_t count = to.size();
    if (from >= v.tail_begin) {
      std::memcpy(to.data(), v.tail.data() + (from - v.tail_begin), count);
    } else {
      count = std::min<std::uint64_t>(count, v.tail_begin - from);
      const std::uint64_t begin = run == v.runs.end() ? v.tail_begin : run->object_block * block_bytes;
      if (from < begin) {
        count = std::min<std::uint64_t>(count, begin - from);
        std::memset(to.data(), 0, count);
      } else {
        count = std::min<std::uint64_t>(count, begin + run->where.blocks * block_bytes - from);
        parts.push_back({run->where.address, from - begin, to.first(count)});
        ++run;
      }
    }
    from += count;
    to = to.subspan(count);
  }
  return parts;
}

void viewer::fill(operation_id id, const fill_request& r) {
  const auto it = views_.find(r.view);
  if (it == views_.end() || it->second.unmapped) return c_.answer(id, errc::closed);
  state& v = it->second;
  const std::uint64_t bytes = v.end_byte - v.first_byte;
  if (r.offset_bytes > bytes || r.to.size() > bytes - r.offset_bytes) return c_.answer(id, errc::out_of_range);
  ++v.fills;
  ++c_.stats.fills;
  c_.stats.fill_bytes += r.to.size();
  auto parts = std::make_shared<const std::vector<reader::part>>(parts_of(v, v.first_byte + r.offset_bytes, r.to));
  reader_.read_parts(std::move(parts),
                     [this, id, view = r.view, bytes = r.to.size()](error_code ec, const error_detail& d) {
                       state& of = views_.at(view);
                       error_detail detail = d;
                       detail.object = of.object;
                       c_.answer(id, ec, read_result{ec ? 0 : bytes}, std::move(detail));
                       --of.fills;
                       drop_unused(view);
                     });
}

void viewer::unmap(std::uint64_t view) {
  const auto it = views_.find(view);
  if (it == views_.end()) return;
  it->second.unmapped = true;
  drop_unused(view);
}

void viewer::drop_unused(std::uint64_t view) {
  const state& v = views_.at(view);
  if (!v.unmapped || v.fills > 0) return;
  for (const run& r : v.runs) c_.zones.drop_view(c_.zones.of(r.where.address));
  views_.erase(view);
}

}  // namespace furrow::core
