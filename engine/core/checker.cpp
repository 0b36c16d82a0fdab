#include "core/checker.hpp"

#include <algorithm>
#include <limits>
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
  used_.clear();
  runs_.clear();
  owners_.clear();
  owner_blocks_.clear();
  flagged_.clear();
  named_by_.clear();
  run_ = begun_ = unflagged_ = 0;
  swept_ = 0;
  object_ = removed_ = 0;
  mends_.clear();
  saw_all_ = true;
  entry_pieces_.clear();
  suspects_.clear();
  unhinted_.clear();
  stray_names_.clear();
  unnamed_.clear();
  homeless_.clear();
  bearers_.clear();
  stray_entries_.clear();
  led_to_.clear();
  nameless_.clear();
  weighed_ = names_kept_ = 0;
  names_good_ = names_borne_ = 0;
  entries_unread_ = extents_unread_ = removed_doubtful_ = numbers_doubtful_ = false;
  c_.publish_queue->pause(true);  // K1
  out_.pages = c_.objects->pages() + c_.zone_pages->pages();
  next();
}

void checker::found(std::string what, error_detail detail, const char* left_because) {
  ++out_.damage;
  if (out_.findings.size() < findings_max) out_.findings.push_back({std::move(what), std::move(detail), left_because});
}

void checker::found(std::string what, error_detail detail, mend m) {
  m.told.what = what;
  m.told.detail = detail;
  found(std::move(what), std::move(detail), "");
  if (plans_) mends_.push_back(std::move(m));
}

void checker::wait(const page_need& need, void (checker::*then)()) {
  c_.pages->wait(need, [this, then](error_code ec) {
    if (!ec) return (this->*then)();
    found("a metadata page cannot be read in any copy; what it held is unknown", {},
          "no copy of it is left to write it from");
    mends_.clear();  // what it held might say otherwise
    extents_unread_ = true;
    saw_all_ = false;
    c_.publish_queue->pause(false);
    std::exchange(call_, nullptr)({}, std::move(out_));
  });
}

void checker::next() {
  for (;;) {
    readiness done;
    std::optional<format::key_view> last;
    auto need = c_.objects->visit_leaf(from_, [&](const tree_cell& cell) {
      last = cell.key;
      done = look(cell);
      return !done.need;
    });
    if (!need) {
      if (!last) break;
      from_.assign(*last);
      need = std::move(done.need);
    }
    if (need) return wait(*need, &checker::next);
    from_ += '\0';
  }
  end_object();
  const std::uint64_t objects = out_.objects - removed_;
  if (objects != c_.super.object_count) {
    const char* const what = "the store's count of objects is not that of its objects";
    if (removed_doubtful_)
      found(what, {}, "whether an object is removed is not known");
    else
      found(what, {},
            mend{{{}, {}, std::to_string(c_.super.object_count), std::to_string(objects)},
                 {},
                 mend::object_total{objects}});
  }
  from_ = format::object_key(0);
  look_for_names();
}

readiness checker::look(const tree_cell& cell) {
  if (const auto name = format::parse_name_key(cell.key)) return look_name(*name, cell.value);
  if (const auto id = format::parse_object_key(cell.key)) {
    end_object();
    begin_object(*id, cell.value);
  } else if (const auto extent = format::parse_extent_key(cell.key)) {
    return look_extent(*extent, cell.value);
  } else if (const auto tail = format::parse_tail_key(cell.key)) {
    if (tail->object != object_)
      found("a tail without its object", {.object = tail->object}, "what the object was is not known");
    else
      tail_bytes_ += cell.value.size();
  } else if (const auto dropped = format::parse_orphan_key(cell.key)) {
    end_object();
    return look_dropped(*dropped, cell.value);
  }
  return readiness::yes();
}

readiness checker::look_name(const format::name_parts& name, format::value_view value) {
  const format::key own_name{name.name};
  const collection_id collection = name.collection;
  if (value.size() != 8) {
    stray_names_.push_back({collection, own_name, 0});
    return readiness::yes();
  }
  const object_id id = format::load_le<std::uint64_t>(value.data());
  const tree_lookup l = c_.objects->find(format::object_key(id));
  if (!l.ready()) return readiness::wait(l.page());
  const auto v = l.has_cell() ? format::decode_object(l.cell().value) : std::nullopt;
  if (!v || v->name != own_name || v->collection != collection)
    stray_names_.push_back({collection, own_name, id});
  else
    ++names_good_;
  return readiness::yes();
}

void checker::begin_object(object_id id, format::value_view value) {
  const auto v = format::decode_object(value);
  object_ = id;
  value_ = v.value_or(format::object_value{});
  blocks_ = extents_ = end_block_ = tail_bytes_ = 0;
  object_unread_ = !v;
  object_extents_unread_ = false;
  ++out_.objects;
  if (!value_.name.empty()) ++names_borne_;
  if (v) return;
  entries_unread_ = true;
  found("an object's entry cannot be read", {.object = id}, "what it said is not known");
}

void checker::end_object() {
  if (object_ == 0) return;
  if (!object_unread_) used_[value_.collection] += blocks_;
  if (!object_unread_ && (blocks_ != value_.blocks || extents_ != value_.extent_count)) {
    const char* const what = "an object's counts are not those of its extents";
    const auto text = [](std::uint64_t blocks, std::uint64_t extents) {
      return std::to_string(blocks) + " blocks in " + std::to_string(extents) + " extents";
    };
    if (object_extents_unread_) {
      found(what, {.object = object_}, "an extent of it cannot be read, or is in doubt");
    } else {
      mend m{{{}, {}, text(value_.blocks, value_.extent_count), text(blocks_, extents_)}, {}, {}};
      value_.blocks = blocks_;
      value_.extent_count = extents_;
      m.cells.push_back({format::page_kind::object, format::key{format::object_key(object_)}, format::encode(value_)});
      found(what, {.object = object_}, std::move(m));
    }
  }
  if (!object_unread_ && tail_bytes_ != value_.bytes % block_bytes)
    found("an object's tail is not as long as its end says", {.object = object_},
          "which of the two is right is not known");
  object_ = 0;
}

readiness checker::look_dropped(object_id id, format::value_view value) {
  const tree_lookup l = c_.objects->find(format::object_key(id));
  if (!l.ready()) return readiness::wait(l.page());
  const auto v = l.has_cell() ? format::decode_object(l.cell().value) : std::nullopt;
  if (value.empty() && v && v->name.empty()) ++removed_;
  if (!value.empty() && !format::decode_doomed(value)) {
    removed_doubtful_ = true;
    found("an object's doomed blocks cannot be read", {.object = id}, "which blocks they were is not known");
  }
  if (!v) {
    const char* const what = "blocks to be dropped of no object";
    if (l.has_cell() || homeless_.contains(id))
      found(what, {.object = id}, "something of the object is left");
    else
      found(what, {.object = id},
            mend{{{}, {}, "to be dropped", {}},
                 {{format::page_kind::object, format::key{format::orphan_key(id)}, {}}},
                 {}});
    removed_doubtful_ = removed_doubtful_ || l.has_cell();
  } else if (value.empty() && !v->name.empty()) {
    removed_doubtful_ = true;
    found("a removed object that has a name", {.object = id}, "whether it was removed is not known");
  }
  return readiness::yes();
}

readiness checker::may_be_behind(object_id id, std::uint64_t first, std::uint64_t end, bool& to) {
  const tree_lookup l = c_.objects->find(format::orphan_key(id));
  if (!l.ready()) return readiness::wait(l.page());
  if (!l.has_cell()) return readiness::yes();
  const auto doomed = format::decode_doomed(l.cell().value);
  to = l.cell().value.empty() || (doomed && doomed->first_block <= first && end <= doomed->end_block);
  return readiness::yes();
}

readiness checker::look_sums(const format::extent_parts& parts, const format::extent_value& x) {
  const zoned::zone_index zone = c_.shape.zone_of(x.address);
  const std::uint64_t block = c_.shape.block_in_zone(x.address);
  for (std::uint64_t b = 0; b < x.blocks;) {
    const tree_lookup l = c_.zone_pages->find_to(format::run_key(0, zone, static_cast<std::uint32_t>(block + b)));
    if (!l.ready()) return readiness::wait(l.page());
    const auto run = l.has_cell() ? format::parse_run_key(l.cell().key) : std::nullopt;
    const auto sums = run && run->zone == zone ? format::run_view::of(l.cell().value) : std::nullopt;
    if (!sums || block + b - run->block >= sums->blocks() || sums->has_sums() != c_.keeps_sums()) {
      found("an extent's blocks have no sums", {.object = parts.object, .offset_bytes = parts.block * block_bytes},
            "what was written is not known");
      break;
    }
    b = run->block + sums->blocks() - block;
  }
  return readiness::yes();
}

readiness checker::look_extent(const format::extent_parts& parts, format::value_view value) {
  const auto x = format::decode_extent(value);
  const error_detail detail{.object = parts.object, .offset_bytes = parts.block * block_bytes};
  if (!x || x->address.device() != 0 || c_.shape.zone_of(x->address).value >= c_.zones.count()) {
    extents_unread_ = object_extents_unread_ = true;
    found("an extent cannot be read, or lies outside the device", detail, "where its blocks are is not known");
    return readiness::yes();
  }
  const std::uint64_t end = parts.block + x->blocks, object_end = value_.bytes / block_bytes;
  bool inside = end <= object_end || parts.object != object_;
  if (!inside)
    if (auto done = may_be_behind(parts.object, std::max(parts.block, object_end), end, inside); !done.ready())
      return done;
  owner_look owner;
  if (auto done = look_owner(parts, *x, owner); !done.ready()) return done;
  if (auto done = look_sums(parts, *x); !done.ready()) return done;
  const zoned::zone_index zone = c_.shape.zone_of(x->address);
  const zone_state& z = c_.zones[zone];
  const std::uint64_t block = c_.shape.block_in_zone(x->address);
  const bool homeless = parts.object != object_;
  const bool outside = z.role != format::zone_role::data || block == 0 || block + x->blocks > z.next_block;
  if (homeless) {
    extents_unread_ = true;
    homeless_.insert(parts.object);
    found("an extent without its object", detail, "what the object was is not known");
  }
  if (!inside) found("an extent behind the object's end", detail, "which of the two is right is not known");
  if (z.device.condition == zoned::zone_condition::offline) {
    error_detail where = detail;
    where.bytes = x->blocks * block_bytes;
    where.zone = zone;
    found("lost: the device has taken its zone offline", where,
          "there is no other copy of data; a hole would be read as zeros");
  }
  if (outside) found("an extent outside what its zone holds", detail, "where its blocks are is not known");
  if (!homeless && parts.block < end_block_) {
    object_extents_unread_ = true;
    found("an object's extents overlap", detail, "which of them is right is not known");
  }
  extents_unread_ = extents_unread_ || outside;
  if (!homeless) {
    end_block_ = std::max(end_block_, end);
    blocks_ += x->blocks;
    ++extents_;
  }
  ++out_.extents;
  if (block + x->blocks > c_.shape.zone_blocks()) return readiness::yes();
  runs_.push_back({x->address, x->blocks});
  owners_.push_back(parts.object);
  owner_blocks_.push_back(parts.block);
  flagged_.push_back(x->shared);
  if (!owner.unhinted.empty() && !x->shared)
    found("an extent names blocks that were not written for it", detail, "which of the two is right is not known");
  else
    for (const hint_grid::part& p : owner.unhinted) unhinted_.push_back({runs_.size() - 1, p});
  return readiness::yes();
}

void checker::collections() {
  bool doubtful = entries_unread_ || extents_unread_;
  for (const stray& o : unnamed_) doubtful = doubtful || !o.mended;
  const auto& known = c_.collections.all();
  for (const auto& [id, blocks] : used_) {
    if (const auto a = known.find(id); a != known.end() && a->second.exists) continue;
    doubtful = true;
    found("objects are in collection " + std::to_string(id) + ", which does not exist", {},
          "what its name and quota were is not known");
  }
  for (const auto& [id, a] : known) {
    const std::uint64_t used = used_[id];
    if (!a.exists || used == a.used_blocks) continue;
    std::string what = "collection " + std::to_string(id) + " has " + std::to_string(used) + " blocks, not " +
                       std::to_string(a.used_blocks) + " as its account says";
    if (doubtful)
      found(std::move(what), {}, "what is in it is in doubt");
    else
      found(std::move(what), {},
            mend{{{}, {}, std::to_string(a.used_blocks), std::to_string(used)}, {}, mend::account_use{id, used}});
  }
}

void checker::begin_sweep() {
  order_.resize(runs_.size());
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  std::sort(order_.begin(), order_.end(),
            [this](std::size_t a, std::size_t b) { return runs_[a].address < runs_[b].address; });
  from_ = format::shared_key(0, {0}, 0);
  look_at_shared();
}

void checker::look_at_shared() {
  const format::short_key hints = format::hints_from(0, {0}, 0);
  for (;;) {
    const tree_lookup l = c_.zone_pages->find_from(from_);
    if (!l.ready()) return wait(l.page(), &checker::look_at_shared);
    if (!l.has_cell() || l.cell().key >= format::key_view{hints}) break;
    look_shared(l.cell());
    from_ = format::key{l.cell().key} + '\0';
  }
  sweep_to(std::numeric_limits<std::uint64_t>::max(), std::nullopt);
  weigh_blocks();
}

void checker::look_shared(const tree_cell& cell) {
  const auto parts = format::parse_shared_key(cell.key);
  const auto v = format::decode_shared(cell.value);
  if (!parts || !v || parts->device != 0 || parts->zone.value >= c_.zones.count() ||
      std::uint64_t{parts->block} + v->blocks > c_.shape.zone_blocks()) {
    numbers_doubtful_ = true;
    return found("a number of references cannot be read, or is of blocks outside the device", {},
                 "which blocks it was of is not known");
  }
  const std::uint64_t first = c_.shape.address_of(parts->zone, parts->block).block();
  if (first < swept_) {
    numbers_doubtful_ = true;
    return found("blocks that have two numbers of references", {.zone = parts->zone},
                 "which blocks each was of is not known");
  }
  sweep_to(first, std::nullopt);
  entry_pieces_.clear();
  sweep_to(first + v->blocks, v->references);
  if (std::any_of(entry_pieces_.begin(), entry_pieces_.end(), [](const piece& p) { return p.wrong; }))
    suspects_.push_back({format::block_run{{0, first}, v->blocks}, v->references, std::exchange(entry_pieces_, {})});
}

void checker::begin_run(std::size_t run) {
  named_by_.push_back(run);
  std::push_heap(named_by_.begin(), named_by_.end(), [this](auto a, auto b) { return end_of(a) > end_of(b); });
  if (!flagged_[run]) ++unflagged_;
}

void checker::end_runs() {
  while (!named_by_.empty() && end_of(named_by_.front()) <= swept_) {
    if (!flagged_[named_by_.front()]) --unflagged_;
    std::pop_heap(named_by_.begin(), named_by_.end(), [this](auto a, auto b) { return end_of(a) > end_of(b); });
    named_by_.pop_back();
  }
}

void checker::sweep_to(std::uint64_t until, std::optional<std::uint32_t> references) {
  while (swept_ < until) {
    end_runs();
    while (begun_ < order_.size() && runs_[order_[begun_]].address.block() <= swept_) begin_run(order_[begun_++]);
    std::uint64_t end = until;
    if (!named_by_.empty()) end = std::min(end, end_of(named_by_.front()));
    if (begun_ < order_.size()) end = std::min(end, runs_[order_[begun_]].address.block());
    look_piece(swept_, end, references);
    swept_ = end;
  }
}

void checker::look_piece(std::uint64_t first, std::uint64_t end, std::optional<std::uint32_t> references) {
  const std::size_t named = named_by_.size();
  if (named > 0) live_[c_.shape.zone_of({0, first}).value] += end - first;
  piece p{first, end, named};
  p.wrong = references ? named != *references || unflagged_ > 0 : named > 1;
  if (p.wrong && named <= weighed_names_max - names_kept_) {
    p.names = named_by_;
    names_kept_ += named;
  }
  if (references)
    entry_pieces_.push_back(std::move(p));
  else if (p.wrong)
    suspects_.push_back({{}, 0, {std::move(p)}});
}

void checker::zones() {
  for (const zone_state& z : c_.zones.all()) {
    const zoned::zone_index zone = z.device.index;
    const std::uint64_t live = live_[zone.value];
    if (live == z.live_blocks) continue;
    std::string what =
        "a zone's live blocks are " + std::to_string(z.live_blocks) + ", its extents have " + std::to_string(live);
    if (extents_unread_)
      found(std::move(what), {.zone = zone}, "not all extents are known");
    else
      found(std::move(what), {.zone = zone},
            mend{{{}, {}, std::to_string(z.live_blocks), std::to_string(live)},
                 {},
                 mend::zone_live{zone, static_cast<std::uint32_t>(live)}});
  }
}

void checker::verify() {
  const auto lost = [this](const format::block_run& run) {
    return c_.zones.of(run.address).device.condition == zoned::zone_condition::offline;
  };
  while (run_ < runs_.size() && lost(runs_[order_[run_]])) ++run_;
  if (!data_ || run_ == runs_.size()) {
    c_.publish_queue->pause(false);
    return std::exchange(call_, nullptr)({}, std::move(out_));
  }
  reader_.verify_blocks(runs_[order_[run_]], [this](error_code ec) {
    const std::size_t index = order_[run_];
    const format::block_run& run = runs_[index];
    if (ec)
      found("a block is not what was written: " + ec.message(),
            {.object = owners_[index],
             .offset_bytes = owner_blocks_[index] * block_bytes,
             .bytes = run.blocks * block_bytes,
             .zone = c_.shape.zone_of(run.address)},
            "there is no other copy of data, and no sum is made to fit");
    out_.blocks_verified += run.blocks;
    ++run_;
    verify();
  });
}

}  // namespace furrow::core
