#include "core/reader.hpp"

#include <algorithm>

#include "core/canary.hpp"
#include "core/page_reader.hpp"
#include "core/reclaimer.hpp"
#include "core/segment_cursor.hpp"

namespace furrow::core {

namespace {

constexpr std::size_t spare_max = 256;

}  // namespace

void reader::accept(operation_id id, read_request& r) {
  object_state* o = c_.table->of(r.handle);
  if (o == nullptr) return c_.answer(id, errc::closed);
  if (r.ranges.size() == 1 && read_at_hand(*o, *r.ranges.begin(), id)) return;
  read(*o, std::move(r.ranges), id, nullptr);
}

void reader::read(object_state& of, range_list ranges, answer call) {
  read(of, std::move(ranges), {}, std::move(call));
}

void reader::read(object_state& of, range_list ranges, operation_id id, answer call) {
  object_state* const o = &of;
  std::shared_ptr<operation> op = make();
  op->id = id;
  op->call = std::move(call);
  op->object = o;
  op->ranges = std::move(ranges);
  for (const read_range& range : op->ranges) op->bytes += range.to.size();
  ++o->reads;
  ++live_;
  ++c_.stats.reads;
  plan(std::move(op));
}

std::shared_ptr<reader::operation> reader::make() {
  if (spare_.empty()) return std::make_shared<operation>();
  std::shared_ptr<operation> op = std::move(spare_.back());
  spare_.pop_back();
  return op;
}

void reader::recycle(std::shared_ptr<operation> op) {
  if (spare_.size() >= spare_max || op.use_count() > 1) return;
  op->object = nullptr;
  op->ranges = {};
  op->pieces.clear();
  op->sums.clear();
  op->left = 0;
  op->bytes = 0;
  if (op->error) {
    op->error = {};
    op->detail = {};
  }
  op->call = nullptr;
  spare_.push_back(std::move(op));
}

void reader::verify_blocks(format::block_run run, std::function<void(error_code)> call) {
  auto op = std::make_shared<operation>();
  ++live_;
  const std::uint64_t step = std::max<std::uint64_t>(1, c_.transfer_blocks_max());
  for (std::uint64_t b = 0; b < run.blocks; b += step) {
    piece p;
    p.where = {run.address.advanced(b), static_cast<std::uint32_t>(std::min<std::uint64_t>(step, run.blocks - b))};
    const readiness done = sums_of(*op, p);
    if (!done.ready()) {
      drop_plan(*op);
      --live_;
      if (!done.need) return call(errc::damaged);
      return c_.pages->wait(*done.need, [this, run, call = std::move(call)](error_code ec) mutable {
        if (ec) return call(ec);
        verify_blocks(run, std::move(call));
      });
    }
    ++c_.zones.of(p.where.address).readers;
    op->pieces.push_back(std::move(p));
  }
  op->call = [call = std::move(call)](error_code ec, const error_detail&) { call(ec); };
  start(op);
}

void reader::read_parts(std::shared_ptr<const std::vector<part>> parts, answer call) {
  auto op = std::make_shared<operation>();
  ++live_;
  for (const part& p : *parts) {
    format::extent_value x;
    x.address = p.begin;
    const readiness done = plan_blocks(*op, x, p.skip_bytes / block_bytes, p.skip_bytes, p.to);
    if (done.ready()) continue;
    drop_plan(*op);
    --live_;
    if (!done.need) return call(errc::damaged, {.what = done.fault});
    return c_.pages->wait(*done.need, [this, parts = std::move(parts), call = std::move(call)](error_code ec) mutable {
      if (ec) return call(ec, {.what = "the pages that hold the sums of a view cannot be read"});
      read_parts(std::move(parts), std::move(call));
    });
  }
  op->call = std::move(call);
  start(op);
}

void reader::plan(std::shared_ptr<operation> op) {
  readiness done;
  for (const read_range& range : op->ranges) {
    if (range.offset_bytes > op->object->value.bytes ||
        range.to.size() > op->object->value.bytes - range.offset_bytes) {
      op->error = errc::out_of_range;
      op->detail = {.object = op->object->id, .offset_bytes = range.offset_bytes, .bytes = range.to.size()};
      break;
    }
    done = plan_range(*op, range);
    if (!done.ready()) break;
  }
  if (done.fault != nullptr) {
    op->error = errc::damaged;
    op->detail = {.object = op->object->id, .what = done.fault};
  }
  if (done.need) {
    drop_plan(*op);  // R1: from the beginning, when the page is there
    return c_.pages->wait(*done.need, [this, op](error_code ec) {
      if (!ec) return plan(op);
      op->error = ec;
      op->detail = {.object = op->object->id, .what = "the pages that say where the bytes are cannot be read"};
      finish(*op);
    });
  }
  if (op->error) {
    drop_plan(*op);
    return finish(*op);
  }
  start(op);
}

void reader::drop_plan(operation& op) {
  for (const piece& p : op.pieces) --c_.zones.of(p.where.address).readers;
  op.pieces.clear();
  op.sums.clear();
}

readiness reader::plan_range(operation& op, const read_range& range) {
  const object_state& o = *op.object;
  std::uint64_t position = range.offset_bytes;
  std::span<std::byte> to = range.to;
  const std::uint64_t tail_begin = o.value.bytes - o.tail.size();
  while (!to.empty()) {
    if (position >= tail_begin) {
      std::memcpy(to.data(), o.tail.data() + (position - tail_begin), to.size());
      return readiness::yes();
    }
    const std::uint64_t block = position / block_bytes;
    std::optional<format::extent_value> x;
    std::uint64_t begin = 0, end = 0;
    if (auto done = extent_at(o, block, x, begin, end); !done.ready()) return done;
    const std::size_t count = std::min<std::uint64_t>(to.size(), std::min(end * block_bytes, tail_begin) - position);
    if (!x)
      std::memset(to.data(), 0, count);
    else if (auto done = plan_blocks(op, *x, block - begin, position, to.first(count)); !done.ready())
      return done;
    position += count;
    to = to.subspan(count);
  }
  return readiness::yes();
}

bool reader::is_on_device(const format::extent_value& x) const {
  return x.address.device() == 0 && c_.shape.zone_of(x.address).value < c_.zones.count() &&
         c_.shape.block_in_zone(x.address) + x.blocks <= c_.zones.of(x.address).capacity_blocks;
}

readiness reader::extent_at(const object_state& o, std::uint64_t block, std::optional<format::extent_value>& x,
                            std::uint64_t& begin, std::uint64_t& end) {
  x.reset();
  end = format::object_blocks_max;
  if (o.doomed && block >= o.doomed->first_block && block < o.doomed->end_block) {
    end = o.doomed->end_block;
    return readiness::yes();
  }
  if (o.doomed && block < o.doomed->first_block) end = o.doomed->first_block;
  tree_lookup l = c_.objects->find_to(format::extent_key(o.id, block));
  if (!l.ready()) return readiness::wait(l.page());
  auto parts = l.has_cell() ? format::parse_extent_key(l.cell().key) : std::nullopt;
  if (parts && parts->object == o.id) {
    x = format::decode_extent(l.cell().value);
    if (!x || x->kind != format::extent_kind::data) return readiness::no("an extent cannot be read");
    if (!is_on_device(*x)) return readiness::no("an extent outside the device, or behind the end of its zone");
    if (block < parts->block + x->blocks) {
      begin = parts->block;
      end = std::min(end, parts->block + x->blocks);
      return readiness::yes();
    }
    x.reset();
  }
  l = c_.objects->find_from(format::extent_key(o.id, block));
  if (!l.ready()) return readiness::wait(l.page());
  parts = l.has_cell() ? format::parse_extent_key(l.cell().key) : std::nullopt;
  if (parts && parts->object == o.id) end = std::min(end, parts->block);
  return readiness::yes();
}

readiness reader::plan_blocks(operation& op, const format::extent_value& x, std::uint64_t first_block,
                              std::uint64_t position, std::span<std::byte> to) {
  const std::uint64_t command_bytes = std::max<std::uint64_t>(1, c_.transfer_blocks_max()) * block_bytes;
  if (x.address.device() != 0 || c_.shape.zone_of(x.address).value >= c_.zones.count())
    return readiness::no("an extent outside the device");
  while (!to.empty()) {
    piece p;
    p.skip_bytes = static_cast<std::uint32_t>(position % block_bytes);
    p.object_offset_bytes = position;
    p.to = to.first(std::min<std::uint64_t>(to.size(), command_bytes - p.skip_bytes));
    p.where = {x.address.advanced(first_block),
               static_cast<std::uint32_t>((p.skip_bytes + p.to.size() + block_bytes - 1) / block_bytes)};
    if (auto done = sums_of(op, p); !done.ready()) return done;
    position += p.to.size();
    first_block += (p.skip_bytes + p.to.size()) / block_bytes;
    to = to.subspan(p.to.size());
    ++c_.zones.of(p.where.address).readers;  // R2
    op.pieces.push_back(std::move(p));
  }
  return readiness::yes();
}

readiness reader::sums_of(operation& op, piece& p) {
  p.first_sum = op.sums.size();
  if (!verifies()) return readiness::yes();
  const format::block_run where = p.where;
  const zoned::zone_index zone = c_.shape.zone_of(where.address);
  auto block = static_cast<std::uint32_t>(c_.shape.block_in_zone(where.address));
  for (std::uint32_t left = where.blocks; left > 0;) {
    const tree_lookup l = c_.zone_pages->find_to(format::run_key(0, zone, block));
    if (!l.ready()) return readiness::wait(l.page());
    const auto parts = l.has_cell() ? format::parse_run_key(l.cell().key) : std::nullopt;
    const auto run = parts && parts->zone == zone ? format::run_view::of(l.cell().value) : std::nullopt;
    if (!run || !run->has_sums() || block - parts->block >= run->blocks())
      return readiness::no("no sums for blocks that an extent names");
    const std::size_t from = block - parts->block;
    const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(run->blocks() - from, left));
    for (std::uint32_t i = 0; i < count; ++i) op.sums.push_back(run->sum(from + i));
    block += count;
    left -= count;
  }
  return readiness::yes();
}

/// Those of `b` follow those of `a`.
void reader::join_sums(std::vector<std::uint32_t>& sums, piece& a, const piece& b) const {
  if (!verifies() || a.first_sum + a.where.blocks == b.first_sum) return;
  const auto add = [&sums](const piece& p) {
    for (std::size_t i = 0; i < p.where.blocks; ++i) sums.push_back(std::uint32_t{sums[p.first_sum + i]});
  };
  if (a.first_sum + a.where.blocks != sums.size()) {
    const std::size_t first = sums.size();
    add(a);
    a.first_sum = first;
  }
  add(b);
}

void reader::arrange(operation& op) {  // R3
  std::vector<piece>& pieces = op.pieces;
  const auto by_address = [](const piece& a, const piece& b) { return a.where.address < b.where.address; };
  if (pieces.size() < 2) return;
  if (!std::is_sorted(pieces.begin(), pieces.end(), by_address))
    std::stable_sort(pieces.begin(), pieces.end(), by_address);
  std::size_t last = 0;
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    piece& a = pieces[last];
    piece& b = pieces[i];
    const bool whole = a.to.size() == a.where.blocks * block_bytes && b.to.size() == b.where.blocks * block_bytes;
    const bool adjacent = a.where.address.advanced(a.where.blocks) == b.where.address &&
                          c_.shape.zone_of(a.where.address) == c_.shape.zone_of(b.where.address) &&
                          a.object_offset_bytes + a.to.size() == b.object_offset_bytes &&
                          a.to.data() + a.to.size() == b.to.data();
    if (!whole || !adjacent || a.where.blocks + b.where.blocks > c_.transfer_blocks_max()) {
      if (++last != i) pieces[last] = std::move(b);
      continue;
    }
    --c_.zones.of(b.where.address).readers;
    join_sums(op.sums, a, b);
    a.where.blocks += b.where.blocks;
    a.to = {a.to.data(), a.to.size() + b.to.size()};
  }
  pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(last + 1), pieces.end());
}

void reader::start(const std::shared_ptr<operation>& op) {
  arrange(*op);
  op->left = op->pieces.size();
  if (op->left == 0) return finish(*op);
  for (std::size_t i = 0; i < op->pieces.size(); ++i) submit(op, i);
}

void reader::submit(const std::shared_ptr<operation>& op, std::size_t index) {
  piece& p = op->pieces[index];
  const std::size_t bytes = p.where.blocks * block_bytes;
  const bool uncopied = p.to.size() == bytes && taken_uncopied(p.to);
  if (!uncopied) p.copy = c_.buffers.take(bytes);
  const std::uint64_t tag = take_tag();
  sent_[tag].op = op;
  sent_[tag].piece = index;
  c_.io.submit({.op = zoned::opcode::read,
                .zone = c_.shape.zone_of(p.where.address),
                .offset_bytes = c_.shape.block_in_zone(p.where.address) * block_bytes,
                .segments = {{uncopied ? p.to.data() : p.copy.data(), bytes}}},
               *this, tag);
}

std::uint64_t reader::take_tag() {
  if (free_tags_.empty()) {
    free_tags_.push_back(sent_.size());
    sent_.emplace_back();
  }
  const std::uint64_t tag = free_tags_.back();
  free_tags_.pop_back();
  return tag;
}

void reader::io_done(std::uint64_t tag, const zoned::completion& c) {
  if (!sent_[tag].op) {
    if (at_hand_landed(tag, c)) return;
    make_operation(sent_[tag]);
  }
  std::shared_ptr<operation> op = std::move(sent_[tag].op);
  const std::size_t index = sent_[tag].piece;
  free_tags_.push_back(tag);
  zone_state& zone = c_.zones.of(op->pieces[index].where.address);
  if (c.error && zone.device.condition != zoned::zone_condition::offline)  // why is to be known first
    return c_.reclaim->inquire(zone, [this, op, index, c] { landed(*op, index, c); });
  landed(*op, index, c);
  if (op->left == 0) recycle(std::move(op));
}

void reader::landed(operation& op, std::size_t index, const zoned::completion& c) {
  piece& p = op.pieces[index];
  piece_done(op, p, c);
  --c_.zones.of(p.where.address).readers;
  c_.buffers.give(std::move(p.copy));
  if (--op.left == 0) finish(op);
}

void reader::piece_done(operation& op, piece& p, const zoned::completion& c) {
  const std::byte* bytes = p.copy ? p.copy.data() : p.to.data();
  error_code ec = c.error;
  if (!ec && c.bytes != p.where.blocks * block_bytes) ec = zoned::errc::io;
  if (ec && c_.zones.of(p.where.address).device.condition == zoned::zone_condition::offline)
    ec = zoned::errc::zone_offline;
  std::uint32_t bad = 0;
  const bool verified = verifies() && !FURROW_CANARY_SINGS(sum_unverified);
  for (std::uint32_t b = 0; b < p.where.blocks && !ec; ++b)  // R4
    if (verified && format::crc32c({bytes + b * block_bytes, block_bytes}) != op.sums[p.first_sum + b]) {
      ec = errc::checksum_mismatch;
      bad = b;
    }
  if (!ec) {
    if (!p.copy) return;
    if (!p.to.empty()) std::memcpy(p.to.data(), bytes + p.skip_bytes, p.to.size());
    c_.stats.copied_bytes += p.to.size();
    return;
  }
  if (op.error) return;
  op.error = ec;
  op.detail.zone = c_.shape.zone_of(p.where.address);
  op.detail.bytes = block_bytes;
  if (op.object == nullptr) return;
  op.detail.object = op.object->id;
  op.detail.offset_bytes = p.object_offset_bytes - p.skip_bytes + bad * block_bytes;
}

void reader::finish(operation& op) {
  --live_;
  if (FURROW_CANARY_SINGS(error_swallowed)) op.error = {};
  object_state* o = op.object;
  if (op.call) {
    std::exchange(op.call, nullptr)(op.error, op.detail);
  } else {
    if (!op.error) c_.stats.read_bytes += op.bytes;
    if (op.error)
      c_.answer(op.id, op.error, read_result{}, op.detail);
    else
      c_.answer(op.id, {}, read_result{op.bytes});
  }
  if (o == nullptr) return;
  --o->reads;
  c_.table->settle(*o);
}

}  // namespace furrow::core
