#include "core/replay_batch.hpp"

#include <algorithm>
#include <utility>

namespace furrow::core {

namespace {
constexpr std::size_t looked_ahead_max = 1 << 14;  // keys, for pages that are yet to be read
constexpr std::size_t growth_after_stop = 4;
constexpr std::size_t entries_ahead = 12;
constexpr std::size_t set_node_bytes = 64;  // of one extent in `touched`

/// Beside the record itself, of the kinds that others are.
std::size_t memory_bytes(const format::record_body& body) {
  if (const auto* const r = std::get_if<format::publish_record>(&body))
    return r->extents.size() * (sizeof r->extents[0] + set_node_bytes) + r->dropped.size() * sizeof r->dropped[0] +
           r->sums.size() * sizeof r->sums[0] + r->tail.size();
  const auto* const r = std::get_if<format::tail_record>(&body);
  return r != nullptr ? r->bytes.size() : 0;
}
}  // namespace

std::optional<std::uint64_t> replay_batch::end_of(const touched* by_others, const kept_value* kept) {
  if (by_others != nullptr) return by_others->bytes;
  return kept != nullptr ? std::optional{kept->value.bytes} : std::nullopt;
}

const replay_batch::touched* replay_batch::find_touched(std::uint64_t object) const {
  if (touched_.empty()) return nullptr;
  const auto it = touched_.find(object);
  return it == touched_.end() ? nullptr : &it->second;
}

bool replay_batch::add(format::record&& from, std::size_t group) {
  FURROW_ASSERT(state_ == state::gathering);
  if (records_.size() >= limit_ || from.sequence < std::max(c_.sequence, last_sequence())) return false;
  const auto* const r = std::get_if<format::publish_record>(&from.body);
  if (r == nullptr || !is_replacement(*r)) return add_other(from, group);
  const format::object_extent& e = r->extents[0];
  if (sums_.size() + r->sums.size() > sums_max) return false;
  kept_value* const kept = c_.apply->find_kept(r->object);
  const touched* const by_others = find_touched(r->object);
  if (end_of(by_others, kept) != r->object_bytes) return add_other(from, group);
  if (by_others != nullptr && boost::icl::intersects(by_others->put, reach_of(e))) return add_other(from, group);  // B3
  entry to;
  to.sequence = from.sequence;
  to.object = r->object;
  to.object_block = e.object_block;
  to.to = e.where;
  to.was = r->dropped[0].address;
  to.fence_epoch = r->fence_epoch;
  to.modified_ns = r->modified_ns;
  to.tail_epoch = r->tail_epoch;
  to.cls = r->cls;
  to.kept = kept;
  to.group = static_cast<std::uint32_t>(group);
  to.first_sum = sums_.size();
  records_.push_back(to);
  sums_.insert(sums_.end(), r->sums.begin(), r->sums.end());
  return true;
}

/// As the record alone says; of its sums too.
bool replay_batch::is_replacement(const format::publish_record& r) const {
  if (r.extents.size() != 1 || r.dropped.size() != 1 || !r.tail.empty()) return false;
  const format::object_extent& e = r.extents[0];
  return r.dropped[0].blocks == e.where.blocks && r.sums.empty() != c_.keeps_sums() &&
         r.object_bytes % block_bytes == 0 && e.object_block + e.where.blocks <= r.object_bytes / block_bytes;
}

bool replay_batch::add_other(format::record& from, std::size_t group) {
  if (records_.empty() || others_.size() >= others_min + records_.size() / 4) return false;
  const std::size_t bytes = memory_bytes(from.body);
  if (others_bytes_ + bytes > others_bytes_max || !touch(from.body)) return false;
  others_bytes_ += bytes;
  others_.push_back({records_.size(), group, std::move(from)});
  return true;
}

/// False: of its kind, or of its object, too little is known.
bool replay_batch::touch(const format::record_body& body) {
  if (const auto* const r = std::get_if<format::publish_record>(&body)) {
    touched& t = touched_[r->object];
    t.bytes = r->object_bytes;
    for (const format::object_extent& e : r->extents) t.put += reach_of(e);
    return true;
  }
  if (const auto* const r = std::get_if<format::tail_record>(&body)) {
    const auto end = end_of(find_touched(r->object), c_.apply->find_kept(r->object));
    if (end) touched_[r->object].bytes = *end + r->bytes.size();
    return end.has_value();
  }
  return std::holds_alternative<format::zone_role_record>(body) ||
         std::holds_alternative<format::zone_free_record>(body) ||
         std::holds_alternative<format::batch_begin_record>(body) ||
         std::holds_alternative<format::batch_end_record>(body);
}

std::uint64_t replay_batch::last_sequence() const {
  return std::max(records_.empty() ? 0 : records_.back().sequence,
                  others_.empty() ? 0 : others_.back().record.sequence);
}

std::span<const std::uint32_t> replay_batch::sums_of(const entry& e) const {
  return sums_.empty() ? std::span<const std::uint32_t>{} : std::span{sums_}.subspan(e.first_sum, e.to.blocks);
}

format::short_key replay_batch::key_at(std::size_t at) const {
  return format::extent_key(order_[at].object, order_[at].block);
}

replay_batch::key_range replay_batch::range_at(std::size_t first) const {
  std::size_t end = first + 1;
  while (end < order_.size() && order_[end].block == order_[first].block && order_[end].object == order_[first].object)
    ++end;
  return {first, end};
}

void replay_batch::sort() {
  order_.clear();
  order_.reserve(records_.size());
  for (std::size_t i = 0; i < records_.size(); ++i)
    order_.push_back({records_[i].object, records_[i].object_block, static_cast<std::uint32_t>(i)});
  if (sort_by_digits()) return;
  std::sort(order_.begin(), order_.end(), [](const place& a, const place& b) {
    if (a.object != b.object) return a.object < b.object;
    return a.block != b.block ? a.block < b.block : a.number < b.number;
  });
}

/// From the last digit on, which leaves those of one key as they came; of digits that are the same in all nothing is done.
/// False: there are too many others.
bool replay_batch::sort_by_digits() {
  constexpr unsigned bits = 11;
  constexpr std::size_t values = std::size_t{1} << bits, digits_max = 5, worth_it = 2 * values;
  if (order_.size() < worth_it) return false;
  struct digit {
    std::uint64_t place::*field;
    unsigned shift;
  };
  std::vector<digit> digits;
  for (std::uint64_t place::*field : {&place::block, &place::object}) {
    std::uint64_t differ = 0;
    for (const place& p : order_) differ |= p.*field ^ order_[0].*field;
    for (unsigned shift = 0; shift < 64; shift += bits)
      if ((differ >> shift) % values != 0) digits.push_back({field, shift});
  }
  if (digits.size() > digits_max) return false;
  sorted_.resize(order_.size());
  for (const digit& d : digits) {
    std::array<std::uint32_t, values> at{};
    const auto value_of = [&d](const place& p) { return (p.*d.field >> d.shift) % values; };
    for (const place& p : order_) ++at[value_of(p)];
    std::uint32_t before = 0;
    for (std::uint32_t& n : at) before += std::exchange(n, before);
    for (const place& p : order_) sorted_[at[value_of(p)]++] = p;
    order_.swap(sorted_);
  }
  return true;
}

bool replay_batch::apply(std::vector<page_need>& needs) {
  if (state_ == state::gathering) {
    at_ = end_ = other_ = 0;
    undone_ = records_.size();
    before_ = {};
    near_ = {};
    fetched_ = 0;
    stop_ = records_.size() < limit_min / 4 ? 0 : records_.size();
    if (stop_ > 0) sort();
    state_ = stop_ > 0 ? state::cells : state::done;
  }
  if (state_ == state::cells) {
    if (!change_cells(needs)) return false;
    undo();
    state_ = state::rest;
  }
  if (state_ == state::rest) {
    if (!change_rest(needs)) return false;
    end();
  }
  return true;
}

void replay_batch::end() {
  went_ = end_;
  if (end_ < records_.size()) {
    limit_ = std::max(limit_min, std::min(limit_, end_));
    growth_ = growth_after_stop;
  } else if (end_ >= limit_) {
    limit_ = std::min(limit_ * growth_, std::clamp(longest_ / 4, records_enough, records_max));
  }
  state_ = state::done;
}

void replay_batch::give_up() {
  FURROW_ASSERT(state_ == state::cells || state_ == state::rest);
  stop_at(end_);
  undo();
  end();
}

bool replay_batch::change_cells(std::vector<page_need>& needs) {
  while (at_ < order_.size()) {
    const key_range here = range_at(at_);
    const place& p = order_[at_];
    if (p.number >= stop_) {
      at_ = here.end;
      continue;
    }
    fetch_ahead();
    const page_tree::spot spot = c_.objects->find_spot(key_at(at_), std::exchange(near_, {}), ahead_of(at_));
    if (spot.missing) {
      collect_needs(needs);
      return false;
    }
    std::optional<tree_cell> before;
    if (spot.leaf != nullptr) before = spot.before();
    if (spot.leaf != nullptr && !before && p.block > 0) {
      const tree_lookup l = c_.objects->find_to(format::extent_key(p.object, p.block - 1));
      if (!l.ready()) {
        needs.push_back(l.page());
        return false;
      }
      if (l.has_cell()) before = l.cell();
    }
    if (spot.leaf == nullptr)
      stop_at(p.number);
    else
      change_cell(spot, here, before);
    near_.leaf = spot.leaf;
    near_.at = spot.at;
    before_ = here;
    at_ = here.end;
  }
  return true;
}

/// What is looked at next comes from memory meanwhile: leaves first, and half of the way later their cells.
void replay_batch::fetch_ahead() {
  if (at_ + entries_ahead < order_.size()) __builtin_prefetch(&records_[order_[at_ + entries_ahead].number]);
  const std::size_t end = std::min(order_.size(), at_ + ahead_.size());
  for (fetched_ = std::max(fetched_, at_); fetched_ < end; ++fetched_) {
    const bool first = fetched_ == at_;
    ahead_of(fetched_) =
        c_.objects->fetch_leaf(key_at(fetched_), first ? page_tree::leaf_hint{} : ahead_of(fetched_ - 1));
    if (fetched_ < at_ + ahead_.size() / 2) continue;
    const std::size_t near = fetched_ - ahead_.size() / 2;
    if (near == at_ || ahead_of(near).leaf != ahead_of(near - 1).leaf) c_.objects->fetch_cells(ahead_of(near));
  }
}

void replay_batch::change_cell(const page_tree::spot& at, const key_range& of, const std::optional<tree_cell>& before) {
  entry& first = records_[order_[of.first].number];
  const auto x = format::decode_extent(at.cell().value);
  if (fault_of(x, c_) != nullptr || x->shared) return stop_at(order_[of.first].number);
  std::optional<neighbour> next_to;
  if (before) {
    const auto parts = format::parse_extent_key(before->key);
    const auto value = parts && parts->object == first.object ? format::decode_extent(before->value) : std::nullopt;
    if (value && parts->block + value->blocks == first.object_block) next_to = neighbour{parts->block, *value};
  }
  const entry* last = nullptr;
  zoned::device_address where = x->address;
  for (std::size_t i = of.first; i < of.end && order_[i].number < stop_; ++i) {
    const entry& e = records_[order_[i].number];
    if (e.was != where || e.to.blocks != x->blocks || (next_to && may_go_on(e, *next_to))) {
      stop_at(order_[i].number);
      break;
    }
    where = e.to.address;
    last = &e;
  }
  if (last == nullptr) return;
  first.written = true;
  first.was_cls = x->cls;
  write(at, *last, where, last->cls);
}

/// The cell in front as it is, as it was before the batch, and as it is at any time in between.
bool replay_batch::may_go_on(const entry& e, const neighbour& before) const {
  const format::object_extent here{e.object_block, e.to};
  if (goes_on(before.block, before.x, here, e.cls, c_.shape)) return true;
  if (before_.first == before_.end) return false;
  key_range of = before_;
  if (order_[of.first].object == e.object && order_[of.first].block > before.block) {  // of keys within it
    const auto end = order_.begin() + static_cast<std::ptrdiff_t>(of.first);
    const auto it = std::partition_point(order_.begin(), end, [&](const place& p) {
      return p.object != e.object ? p.object < e.object : p.block < before.block;
    });
    of = range_at(static_cast<std::size_t>(it - order_.begin()));
  }
  const entry& first = records_[order_[of.first].number];
  if (first.object != e.object || first.object_block != before.block) return false;
  format::extent_value x = before.x;
  x.address = first.was;
  x.cls = first.was_cls;
  if (first.written && goes_on(before.block, x, here, e.cls, c_.shape)) return true;
  for (std::size_t i = of.first; i < of.end; ++i) {
    const entry& then = records_[order_[i].number];
    x.address = then.to.address;
    x.cls = then.cls;
    if (goes_on(before.block, x, here, e.cls, c_.shape)) return true;
  }
  return false;
}

void replay_batch::write(const page_tree::spot& at, const entry& e, zoned::device_address address,
                         format::zone_class cls) {
  c_.objects->overwrite(at, format::encode_fixed(format::extent_value{address, e.to.blocks, e.to.blocks,
                                                                      format::extent_kind::data, false, cls}));
}

/// The next record in their order, but for the cell.
readiness replay_batch::change_next() {
  if (is_other_due()) {
    const format::record& r = others_[other_].record;
    if (auto done = c_.apply->prepare(r.body); !done.ready()) return done;
    c_.hold_trees(true);
    c_.apply->apply(r.sequence, r.body);
    c_.hold_trees(false);
    c_.sequence = r.sequence;
    ++other_;
    return readiness::yes();
  }
  const entry& e = records_[end_];
  if (auto done = c_.apply->prepare_replacement(e); !done.ready()) return done;
  c_.apply->apply_replacement(e, sums_of(e));
  c_.sequence = e.sequence;
  ++end_;
  return readiness::yes();
}

bool replay_batch::change_rest(std::vector<page_need>& needs) {
  while (end_ < stop_ || (end_ == records_.size() && is_other_due())) {
    const readiness done = change_next();
    if (done.need) {
      needs.push_back(*done.need);
      return false;
    }
    if (done.fault != nullptr) {
      stop_at(end_);
      undo();
      return true;
    }
  }
  return true;
}

/// The leaves that have their cells changed are dirty, and so at hand.
void replay_batch::undo() {
  if (stop_ == records_.size()) return;
  for (std::size_t at = 0; at < at_;) {
    const key_range here = range_at(at);
    entry& first = records_[order_[here.first].number];
    at = here.end;
    if (!first.written || order_[here.end - 1].number < stop_) continue;
    std::size_t kept = here.first;
    while (order_[kept].number < stop_) ++kept;
    if (order_[kept].number >= undone_) continue;
    const page_tree::spot spot = c_.objects->find_spot(key_at(here.first));
    FURROW_ASSERT(spot.leaf != nullptr);
    if (kept > here.first) {
      const entry& last = records_[order_[kept - 1].number];
      write(spot, last, last.to.address, last.cls);
    } else {
      write(spot, first, first.was, first.was_cls);
      first.written = false;
    }
  }
  undone_ = stop_;
}

void replay_batch::collect_needs(std::vector<page_need>& needs) {
  const std::size_t end = std::min(order_.size(), at_ + looked_ahead_max);
  for (std::size_t i = at_; i < end && needs.size() < replay_loads_max;) {
    if (order_[i].number >= stop_) {
      ++i;
      continue;
    }
    format::key_view next_leaf;
    auto need = c_.objects->missing_leaf(key_at(i), next_leaf);
    if (need) needs.push_back(std::move(*need));
    i = next_leaf.empty() ? end : first_from(next_leaf, i + 1, end);
  }
}

/// The first of order_ in [from, end) that is not below the key, which is near; else the end.
std::size_t replay_batch::first_from(format::key_view key, std::size_t from, std::size_t end) const {
  std::size_t step = 1;
  for (; from + step < end && key_at(from + step) < key; step *= 2) from += step;
  end = std::min(end, from + step);
  while (from < end) {
    const std::size_t middle = from + (end - from) / 2;
    if (key_at(middle) < key)
      from = middle + 1;
    else
      end = middle;
  }
  return from;
}

format::record replay_batch::record_of(const entry& e) const {
  const auto sums = sums_of(e);
  format::publish_record r;
  r.object = e.object;
  r.object_bytes = c_.apply->find_kept(e.object)->value.bytes;
  r.fence_epoch = e.fence_epoch;
  r.modified_ns = e.modified_ns;
  r.tail_epoch = e.tail_epoch;
  r.cls = e.cls;
  r.extents = {{e.object_block, e.to}};
  r.sums.assign(sums.begin(), sums.end());
  r.dropped = {{e.was, e.to.blocks}};
  return {e.sequence, std::move(r)};
}

std::optional<replay_batch::left> replay_batch::front() {
  FURROW_ASSERT(state_ == state::done);
  if (is_other_due()) return left{others_[other_].group, &others_[other_].record};
  if (end_ < records_.size()) {
    left_ = record_of(records_[end_]);
    return left{records_[end_].group, &left_};
  }
  const std::size_t sums_each = records_.empty() ? 0 : sums_.size() / records_.size() + 1;
  records_.clear();
  const std::size_t most = std::min(limit_, expected_);
  records_.reserve(most);  // what grows copies itself
  sums_.clear();
  sums_.reserve(std::min(sums_max, most * sums_each));
  others_.clear();
  touched_.clear();
  others_bytes_ = 0;
  end_ = other_ = 0;
  state_ = state::gathering;
  return {};
}

void replay_batch::release() {
  records_ = std::vector<entry>{};
  others_ = std::vector<other>{};
  touched_ = {};
  sums_ = std::vector<std::uint32_t>{};
  order_ = std::vector<place>{};
  sorted_ = std::vector<place>{};
  left_ = {};
  end_ = other_ = others_bytes_ = 0;
  state_ = state::gathering;
}

}  // namespace furrow::core
