#include "core/checker.hpp"

#include <algorithm>
#include <numeric>

#include "core/apply.hpp"
#include "core/page_reader.hpp"
#include "core/publisher.hpp"

namespace furrow::core {

void checker::start(bool data, std::function<void(error_code, check_result)> call) {
  call_ = std::move(call);
  data_ = data;
  out_ = {};
  from_.clear();
  live_.assign(c_.zones.count(), 0);
  runs_.clear();
  owners_.clear();
  owner_blocks_.clear();
  run_ = 0;
  object_ = 0;
  c_.publish_queue->pause(true);  // K1
  out_.pages = c_.objects->pages() + c_.zone_pages->pages();
  next();
}

void checker::found(std::string what, error_detail detail) {
  ++out_.damage;
  if (out_.findings.size() < findings_max) out_.findings.push_back({std::move(what), std::move(detail)});
}

void checker::next() {
  for (;;) {
    const tree_lookup l = c_.objects->find_from(from_);
    readiness done;
    if (!l.ready())
      done = readiness::wait(l.page());
    else if (!l.has_cell())
      break;
    else
      done = look(l.cell());
    if (done.need)
      return c_.pages->wait(*done.need, [this, within = done.need->within](error_code ec) {
        if (!ec) return next();
        found("a metadata page cannot be read in any copy; what it held is unknown");
        c_.publish_queue->pause(false);
        std::exchange(call_, nullptr)({}, std::move(out_));
      });
    from_ = format::key{l.cell().key} + '\0';
  }
  end_object();
  zones();
  order_.resize(runs_.size());
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  std::sort(order_.begin(), order_.end(),
            [this](std::size_t a, std::size_t b) { return runs_[a].address < runs_[b].address; });
  for (std::size_t i = 1; i < order_.size(); ++i) {
    const format::block_run& before = runs_[order_[i - 1]];
    if (before.address.advanced(before.blocks) > runs_[order_[i]].address)
      found("two extents name the same blocks",
            {.object = owners_[order_[i]], .zone = c_.shape.zone_of(before.address)});
  }
  verify();
}

readiness checker::look(const tree_cell& cell) {
  if (const auto name = format::parse_name_key(cell.key)) return look_name(*name, cell.value);
  if (const auto id = format::parse_object_key(cell.key)) {
    end_object();
    begin_object(*id, cell.value);
  } else if (const auto extent = format::parse_extent_key(cell.key)) {
    return look_extent(*extent, cell.value);
  } else if (const auto tail = format::parse_tail_key(cell.key)) {
    if (tail->object != object_) found("a tail without its object", {.object = tail->object});
    tail_bytes_ += cell.value.size();
  }
  return readiness::yes();
}

readiness checker::look_name(const format::name_parts& name, format::value_view value) {
  if (value.size() != 8) {
    found("an entry of the names cannot be read");
    return readiness::yes();
  }
  const object_id id = format::load_le<std::uint64_t>(value.data());
  const format::key own_name{name.name};
  const collection_id collection = name.collection;
  const tree_lookup l = c_.objects->find(format::object_key(id));
  if (!l.ready()) return readiness::wait(l.page());
  const auto v = l.has_cell() ? format::decode_object(l.cell().value) : std::nullopt;
  if (!v || v->name != own_name || v->collection != collection)
    found("a name that leads to no object of that name", {.object = id});
  return readiness::yes();
}

void checker::begin_object(object_id id, format::value_view value) {
  const auto v = format::decode_object(value);
  object_ = id;
  value_ = v.value_or(format::object_value{});
  blocks_ = extents_ = end_block_ = tail_bytes_ = 0;
  ++out_.objects;
  if (!v) found("an object's entry cannot be read", {.object = id});
}

void checker::end_object() {
  if (object_ == 0) return;
  if (blocks_ != value_.blocks || extents_ != value_.extent_count)
    found("an object's counts are not those of its extents", {.object = object_});
  const bool partly_dropped = value_.name.empty() && end_block_ < value_.bytes / block_bytes;
  if (end_block_ != value_.bytes / block_bytes && !partly_dropped)
    found("an object's extents do not reach its end", {.object = object_, .offset_bytes = end_block_ * block_bytes});
  if (tail_bytes_ != value_.bytes % block_bytes)
    found("an object's tail is not as long as its end says", {.object = object_});
  object_ = 0;
}

readiness checker::look_extent(const format::extent_parts& parts, format::value_view value) {
  const auto x = format::decode_extent(value);
  const error_detail detail{.object = parts.object, .offset_bytes = parts.block * block_bytes};
  if (!x || x->address.device() != 0 || c_.shape.zone_of(x->address).value >= c_.zones.count()) {
    found("an extent cannot be read, or lies outside the device", detail);
    return readiness::yes();
  }
  const zoned::zone_index zone = c_.shape.zone_of(x->address);
  const zone_state& z = c_.zones[zone];
  const std::uint64_t block = c_.shape.block_in_zone(x->address);
  for (std::uint64_t b = 0; b < x->blocks;) {
    const tree_lookup l = c_.zone_pages->find_to(format::run_key(0, zone, static_cast<std::uint32_t>(block + b)));
    if (!l.ready()) return readiness::wait(l.page());
    const auto run = l.has_cell() ? format::parse_run_key(l.cell().key) : std::nullopt;
    const auto sums = run && run->zone == zone ? format::decode_run(l.cell().value) : std::nullopt;
    if (!sums || block + b - run->block >= sums->sums.size()) {
      found("an extent's blocks have no sums", detail);
      break;
    }
    b = run->block + sums->sums.size() - block;
  }
  if (parts.object != object_) found("an extent without its object", detail);
  const bool lost = z.device.condition == zoned::zone_condition::offline;
  if (lost) {
    error_detail where = detail;
    where.bytes = x->blocks * block_bytes;
    where.zone = zone;
    found("lost: the device has taken its zone offline", where);
  }
  if (z.role != format::zone_role::data || block == 0 || block + x->blocks > z.next_block)
    found("an extent outside what its zone holds", detail);
  if (parts.block != end_block_ && !value_.name.empty()) found("an object with a gap or an overlap", detail);
  end_block_ = parts.block + x->blocks;
  blocks_ += x->blocks;
  ++extents_;
  ++out_.extents;
  live_[zone.value] += x->blocks;
  if (lost) return readiness::yes();
  runs_.push_back({x->address, x->blocks});
  owners_.push_back(parts.object);
  owner_blocks_.push_back(parts.block);
  return readiness::yes();
}

void checker::zones() {
  for (const zone_state& z : c_.zones.all())
    if (live_[z.device.index.value] != z.live_blocks)
      found("a zone's live blocks are " + std::to_string(z.live_blocks) + ", its extents have " +
                std::to_string(live_[z.device.index.value]),
            {.zone = z.device.index});
}

void checker::verify() {
  if (!data_ || run_ == runs_.size()) {
    c_.publish_queue->pause(false);
    return std::exchange(call_, nullptr)({}, std::move(out_));
  }
  reader_.verify_blocks(runs_[order_[run_]], [this](error_code ec) {
    const std::size_t index = order_[run_];
    const format::block_run& run = runs_[index];
    if (ec)
      found("a block is not what was written: " + ec.message(), {.object = owners_[index],
                                                                 .offset_bytes = owner_blocks_[index] * block_bytes,
                                                                 .bytes = run.blocks * block_bytes,
                                                                 .zone = c_.shape.zone_of(run.address)});
    out_.blocks_verified += run.blocks;
    ++run_;
    verify();
  });
}

}  // namespace furrow::core
