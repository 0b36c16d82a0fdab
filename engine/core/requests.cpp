#include <algorithm>

#include "core/machine.hpp"
#include "core/space.hpp"

namespace furrow::core {

error_code machine::check_name(std::string_view name) {
  if (name.empty()) return errc::name_empty;
  if (name.size() > format::name_bytes_max) return errc::name_too_long;
  return {};
}

error_code machine::check_attributes(const attributes& a) {
  if (a.link_target.size() > format::link_target_bytes_max || a.user.size() > format::user_attribute_bytes_max)
    return errc::attributes_too_large;
  return {};
}

error_code machine::refuse_change() const {
  if (c_.latch) return c_.latch;
  return c_.refuses_changes() ? error_code{errc::read_only} : error_code{};
}

/// Not so much of it that the cleaner, which brings room when all else is full, has none left.
bool machine::room_for_metadata() const {
  return checkpoint_.room() && data_.room_for_cleaner() >= c_.zones.typical_blocks();
}

void machine::publish_step(operation_id id, publication_step s, std::vector<object_state*> objects,
                           std::function<void(std::uint64_t)> then) {
  auto p = std::make_unique<publication>();
  p->steps.push_back(std::move(s));
  p->objects = std::move(objects);
  p->done = [this, id, then = std::move(then)](error_code ec, std::uint64_t sequence, const error_detail& detail) {
    if (ec) return c_.answer(id, ec, {}, detail);
    then(sequence);
  };
  publisher_.start(publisher_.enter(std::move(p)));
}

void machine::find_name(collection_id collection, std::string name, std::function<void(error_code, object_id)> call) {
  const tree_lookup l = c_.objects->find(format::name_key(collection, name));
  if (!l.ready())
    return pages_.wait(l.page(),
                       [this, collection, name = std::move(name), call = std::move(call)](error_code ec) mutable {
                         if (ec) return call(ec, 0);
                         find_name(collection, std::move(name), std::move(call));
                       });
  if (!l.has_cell()) return call(errc::not_found, 0);
  if (l.cell().value.size() != 8) return call(errc::damaged, 0);
  call({}, format::load_le<std::uint64_t>(l.cell().value.data()));
}

void machine::open_by_id(operation_id id, object_id object, bool created) {
  table_.use(object, [this, id, object, created](error_code ec, object_state* o) {
    if (ec) return c_.answer(id, ec, {}, {.object = object});
    if (o->orphan)
      c_.answer(id, errc::not_found, {}, {.object = object});
    else if (table_.handles() >= c_.options.handles_max)
      c_.answer(id, errc::busy, {}, {.what = "too many objects are open"});
    else
      c_.answer(id, {}, opened_object{table_.open_handle(*o), object, created});
    table_.unuse(*o);
  });
}

void machine::on(operation_id id, create_request& r) {
  if (const error_code ec = refuse_change()) return c_.answer(id, ec);
  if (r.options.name.size() > format::name_bytes_max) return c_.answer(id, errc::name_too_long);
  if (const error_code ec = check_attributes(r.options.attributes)) return c_.answer(id, ec);
  if (table_.handles() >= c_.options.handles_max) return c_.answer(id, errc::busy);
  if (r.options.name.empty()) return create(id, std::move(r.options));
  find_name(r.options.collection, r.options.name, [this, id, options = r.options](error_code ec, object_id found) {
    if (ec == errc::not_found) return create(id, options);
    if (ec) return c_.answer(id, ec);
    if (options.fail_if_exists) return c_.answer(id, errc::exists, {}, {.object = found});
    open_by_id(id, found, false);
  });
}

void machine::create(operation_id id, create_options options) {
  if (!room_for_metadata()) {
    if (data_.more_coming_for(0)) {
      parked_creates_.emplace_back(id, std::move(options));
      return;
    }
    return c_.answer(id, errc::no_space, {}, no_space_detail(c_, 0, 0));
  }
  if (options.attributes.created_ns == 0) options.attributes.created_ns = c_.now_ns;
  if (options.attributes.modified_ns == 0) options.attributes.modified_ns = c_.now_ns;
  const object_id fresh = c_.super.next_object++;
  object_state* o = &table_.add_new(fresh, options.collection);
  auto p = std::make_unique<publication>();
  p->steps.emplace_back(create_step{fresh, options});
  p->objects.push_back(o);
  p->done = [this, id, o, fresh, options](error_code ec, std::uint64_t, const error_detail& detail) {
    if (!ec)
      c_.answer(id, {}, opened_object{table_.open_handle(*o), fresh, true});
    else if (ec == errc::exists && !options.fail_if_exists)
      open_by_id(id, detail.object.value_or(0), false);  // somebody was faster
    else
      c_.answer(id, ec, {}, detail);
    table_.unuse(*o);
  };
  publisher_.start(publisher_.enter(std::move(p)));
}

void machine::on(operation_id id, open_object_request& r) {
  if (r.id != 0) return open_by_id(id, r.id, false);
  if (const error_code ec = check_name(r.name)) return c_.answer(id, ec);
  find_name(r.collection, r.name, [this, id](error_code ec, object_id found) {
    if (ec) return c_.answer(id, ec);
    open_by_id(id, found, false);
  });
}

void machine::on(operation_id id, release_request& r) {
  if (appender_.uses(r.handle)) {  // appends that wait for space go on; the handle goes after them
    late_releases_.push_back({id, c_.now_ns, r});
    return;
  }
  c_.answer(id, table_.release(r.handle) ? error_code{} : errc::closed);
}

void machine::on(operation_id id, stat_request& r) {
  object_state* o = table_.of(r.handle);
  if (o == nullptr) return c_.answer(id, errc::closed);
  ++o->users;
  stat_more(id, *o);
}

void machine::stat_more(operation_id id, object_state& o) {
  object_status s;
  const readiness done = apply_.load_attributes(o.id, o.value, s.attributes);
  if (done.need)
    return pages_.wait(*done.need, [this, id, &o](error_code ec) {
      if (!ec) return stat_more(id, o);
      c_.answer(id, ec, {}, {.object = o.id});
      table_.unuse(o);
    });
  s.id = o.id;
  s.collection = o.value.collection;
  s.name = o.value.name;
  s.bytes = o.value.bytes;
  s.blocks = o.value.blocks;
  s.extents = o.value.extent_count;
  s.fence_epoch = o.value.fence_epoch;
  c_.answer(id, done.fault != nullptr ? error_code{errc::damaged} : error_code{}, std::move(s));
  table_.unuse(o);
}

void machine::on(operation_id id, set_attributes_request& r) {
  object_state* o = table_.of(r.handle);
  if (o == nullptr) return c_.answer(id, errc::closed);
  if (const error_code ec = refuse_change()) return c_.answer(id, ec);
  if (const error_code ec = check_attributes(r.to)) return c_.answer(id, ec);
  publish_step(id, attributes_step{o, std::move(r.to)}, {o},
               [this, id](std::uint64_t s) { c_.answer(id, {}, sequence_result{s}); });
}

void machine::on(operation_id id, rename_request& r) {
  if (const error_code ec = refuse_change()) return c_.answer(id, ec);
  if (const error_code ec = check_name(r.to)) return c_.answer(id, ec);
  if (r.object == 0)
    if (const error_code ec = check_name(r.from)) return c_.answer(id, ec);
  if (!room_for_metadata()) return c_.answer(id, errc::no_space, {}, no_space_detail(c_, 0, 0));
  publish_step(id, rename_step{std::move(r)}, {},
               [this, id](std::uint64_t s) { c_.answer(id, {}, sequence_result{s}); });
}

void machine::on(operation_id id, remove_request& r) {
  if (const error_code ec = refuse_change()) return c_.answer(id, ec);
  if (r.id == 0)
    if (const error_code ec = check_name(r.name)) return c_.answer(id, ec);
  publish_step(id, remove_step{std::move(r)}, {},
               [this, id](std::uint64_t s) { c_.answer(id, {}, sequence_result{s}); });
}

void machine::on(operation_id id, list_request& r) {
  r.entries_max = std::clamp<std::uint32_t>(r.entries_max, 1, list_entries_max);
  list_more(id, std::move(r), std::make_shared<list_page>());
}

void machine::list_more(operation_id id, list_request r, std::shared_ptr<list_page> page) {
  for (;;) {
    format::key from = format::name_key(r.collection, std::max(r.prefix, r.after));
    if (!r.after.empty() && r.after >= r.prefix) from += '\0';
    const tree_lookup l = c_.objects->find_from(from);
    if (!l.ready())
      return pages_.wait(l.page(), [this, id, r = std::move(r), page](error_code ec) mutable {
        if (ec) return c_.answer(id, ec);
        list_more(id, std::move(r), page);
      });
    const auto name = l.has_cell() ? format::parse_name_key(l.cell().key) : std::nullopt;
    if (!name || name->collection != r.collection || !name->name.starts_with(r.prefix)) break;
    if (page->entries.size() == r.entries_max) {
      page->more = true;
      break;
    }
    if (l.cell().value.size() != 8) return c_.answer(id, errc::damaged);
    page->entries.push_back({std::string{name->name}, format::load_le<std::uint64_t>(l.cell().value.data())});
    r.after = page->entries.back().name;
  }
  c_.answer(id, {}, std::move(*page));
}

void machine::on(operation_id id, append_request& r) {
  if (c_.latch || c_.refuses_changes()) return c_.answer(id, refuse_change());
  appender_.accept(id, r);
}

void machine::on(operation_id id, batch_request& r) {
  if (const error_code ec = refuse_change()) return c_.answer(id, ec);
  for (const batch_request::member& m : r.members) {
    error_code ec;
    if (const auto* create = std::get_if<batch_request::create>(&m)) {
      ec = check_attributes(create->options.attributes);
      if (!ec && create->options.name.size() > format::name_bytes_max) ec = errc::name_too_long;
    } else if (const auto* rename = std::get_if<rename_request>(&m)) {
      ec = check_name(rename->to);
      if (!ec && rename->object == 0) ec = check_name(rename->from);
    } else if (const auto* remove = std::get_if<remove_request>(&m)) {
      if (remove->id == 0) ec = check_name(remove->name);
    } else if (const auto* set = std::get_if<set_attributes_request>(&m)) {
      ec = table_.of(set->handle) == nullptr ? error_code{errc::closed} : check_attributes(set->to);
    }
    if (ec) return c_.answer(id, ec);
  }
  appender_.accept(id, std::move(r));
}

template <class Request>
void machine::change(operation_id id, Request& r) {
  if (const error_code ec = refuse_change()) return c_.answer(id, ec);
  direct_.accept(id, r);
}
void machine::on(operation_id id, write_request& r) { change(id, r); }
void machine::on(operation_id id, zero_request& r) { change(id, r); }
void machine::on(operation_id id, truncate_request& r) { change(id, r); }
void machine::on(operation_id id, clone_request& r) { change(id, r); }

void machine::on(operation_id id, source_request& r) {
  direct_.accept(r);
  c_.answer(id, {});
}

void machine::on(operation_id id, reserve_request& r) {
  object_state* o = table_.of(r.handle);
  if (o == nullptr) return c_.answer(id, errc::closed);
  if (const error_code ec = refuse_change()) return c_.answer(id, ec);
  const std::uint64_t blocks = r.bytes / block_bytes + (r.bytes % block_bytes != 0 ? 1 : 0);
  if (collection_table::ask(*o->account, blocks) != claim_answer::fits)
    return c_.answer(id, errc::quota_exceeded, {}, collection_table::detail_of(*o->account, o->id, blocks));
  if (!data_.reserve(blocks)) return c_.answer(id, errc::no_space, {}, no_space_detail(c_, o->id, blocks));
  o->promised_blocks += blocks;
  if (o->account->limited()) {
    collection_table::claim_beside_promise(*o, blocks);
    o->promise_claim_blocks += blocks;
  }
  c_.answer(id, {}, read_result{blocks * block_bytes});
}

void machine::on(operation_id id, extents_request& r) {
  object_state* o = table_.of(r.handle);
  if (o == nullptr) return c_.answer(id, errc::closed);
  ++o->users;
  list_extents(id, *o, r);
}

void machine::list_extents(operation_id id, object_state& o, const extents_request& r) {
  const std::uint64_t end = std::min(o.value.bytes, r.offset_bytes + std::min(r.bytes, o.value.bytes));
  const std::uint64_t tail_begin = o.value.bytes - o.tail.size();
  const std::size_t most = std::clamp<std::uint32_t>(r.extents_max, 1, list_entries_max);
  const std::uint64_t blocks_end = (std::min(end, tail_begin) + block_bytes - 1) / block_bytes;
  std::vector<extent_slice> slices;
  const readiness done = apply_.extents().slices(o.id, r.offset_bytes / block_bytes, blocks_end, most, slices);
  if (done.need)
    return pages_.wait(*done.need, [this, id, &o, r](error_code ec) {
      if (!ec) return list_extents(id, o, r);
      c_.answer(id, ec, {}, {.object = o.id});
      table_.unuse(o);
    });
  extent_list list;
  std::uint64_t at = r.offset_bytes;
  const auto add = [&](std::uint64_t until, extent_status::kind what, const extent_slice* s) {
    until = std::min(until, end);
    if (until <= at || list.extents.size() >= most) return;
    extent_status& x = list.extents.emplace_back(extent_status{at, until - at, what, s != nullptr && s->shared, {}});
    if (s != nullptr)
      x.where = zoned::place{c_.shape.zone_of(s->where.address),
                             c_.shape.block_in_zone(s->where.address) * block_bytes + at % block_bytes};
    at = until;
  };
  for (const extent_slice& s : slices) {
    const bool doomed = o.doomed && s.object_block >= o.doomed->first_block && s.object_block < o.doomed->end_block;
    add((s.object_block + (doomed ? s.where.blocks : 0)) * block_bytes, extent_status::kind::hole, nullptr);
    if (doomed) continue;
    add((s.object_block + s.where.blocks) * block_bytes, extent_status::kind::data, &s);
  }
  if (slices.size() < most) {
    add(std::min(end, tail_begin), extent_status::kind::hole, nullptr);
    add(end, extent_status::kind::tail, nullptr);
  }
  list.more = at < end;
  if (done.fault != nullptr)
    c_.answer(id, errc::damaged, {}, {.object = o.id, .what = done.fault});
  else
    c_.answer(id, {}, std::move(list));
  table_.unuse(o);
}

void machine::on(operation_id id, map_request& r) { viewer_.map(id, r); }

void machine::on(operation_id id, fill_request& r) { viewer_.fill(id, r); }

void machine::on(operation_id id, unmap_request& r) {
  viewer_.unmap(r.view);
  c_.answer(id, {});
}

void machine::on(operation_id id, read_request& r) { reader_.accept(id, r); }

void machine::wait_durable(operation_id id, std::uint64_t sequence) {
  if (c_.read_only) return c_.answer(id, {}, sequence_result{sequence});
  waits_[id] = sequence;
  log_.when_durable(sequence, [this, id, sequence](error_code ec) {
    if (waits_.erase(id) > 0) c_.answer(id, ec, sequence_result{sequence});
  });
}

void machine::on(operation_id id, sync_request& r) {
  if (r.handle.value != 0 && table_.of(r.handle) == nullptr) return c_.answer(id, errc::closed);
  wait_durable(id, c_.sequence);
}

void machine::on(operation_id id, wait_durable_request& r) {
  if (r.sequence > c_.sequence)
    return c_.answer(id, errc::invalid_argument, {}, {.what = "no such sequence has been given yet"});
  wait_durable(id, r.sequence);
}

void machine::on(operation_id id, statistics_request&) {
  c_.answer(id, {}, std::make_shared<const statistics>(count()));
}

void machine::on(operation_id id, info_request&) { c_.answer(id, {}, info()); }

void machine::on(operation_id id, zones_request&) {
  std::vector<zone_status> all;
  for (std::uint32_t i = 0; i < c_.zones.count(); ++i) {
    const zone_state& z = c_.zones[{i}];
    zone_status s;
    s.device = z.device;
    s.device.write_pointer_bytes = z.next_block * block_bytes;
    s.cls = static_cast<std::uint8_t>(z.cls);
    s.generation = z.generation;
    s.live_blocks = z.role == format::zone_role::metadata ? z.live_pages : z.live_blocks;
    s.written_blocks = z.next_block;
    s.open_for_writing = z.life == zone_life::open;
    s.bad = z.life == zone_life::bad && c_.zones.is_usable(z);
    if (z.life == zone_life::superblock)
      s.use = zone_use::superblock;
    else if (z.role == format::zone_role::metadata)
      s.use = zone_use::metadata;
    else if (z.role == format::zone_role::data)
      s.use = zone_use::data;
    s.kept_by = keepers_of(c_, z);
    all.push_back(s);
  }
  c_.answer(id, {}, std::move(all));
}

void machine::on(operation_id id, collection_request& r) {
  if (const error_code ec = refuse_change()) return c_.answer(id, ec);
  if (const error_code ec = check_name(r.name)) return c_.answer(id, ec);
  if (r.name.size() > 255) return c_.answer(id, errc::name_too_long);
  const tree_lookup last = c_.objects->find_to(format::collection_key(~std::uint32_t{0}));
  if (!last.ready())
    return pages_.wait(last.page(), [this, id, r](error_code ec) mutable {
      if (ec) return c_.answer(id, ec);
      on(id, r);
    });
  const auto before = last.has_cell() ? format::parse_collection_key(last.cell().key) : std::nullopt;
  const collection_id fresh = before.value_or(default_collection) + 1;
  publish_step(id, collection_step{fresh, format::collection_action::create, r}, {}, [this, id, fresh](std::uint64_t) {
    c_.answer(id, {}, opened_object{{}, fresh, true});
  });
}

void machine::on(operation_id id, quota_request& r) {
  if (const error_code ec = refuse_change()) return c_.answer(id, ec);
  if (!c_.collections.exists(r.collection)) return c_.answer(id, errc::collection_not_found);
  publish_step(id, collection_step{r.collection, format::collection_action::quota, {{}, r.quota_bytes}}, {},
               [this, id](std::uint64_t s) { c_.answer(id, {}, sequence_result{s}); });
}

void machine::on(operation_id id, collections_request&) {
  std::vector<collection_status> all;
  for (const auto& [number, a] : c_.collections.all())
    if (a.exists)
      all.push_back(
          {number, a.name, a.quota_bytes, a.used_blocks * block_bytes, a.claimed_blocks * block_bytes, a.created_ns});
  c_.answer(id, {}, std::move(all));
}

void machine::on(operation_id id, check_request& r) { checks_.emplace_back(id, r.data); }

void machine::on(operation_id id, repair_request&) { repairer_.accept(id); }

void machine::on(operation_id id, clean_request& r) {
  if (c_.options.for_repair) return c_.answer(id, errc::read_only);
  cleaner_.accept(id, r);
}

void machine::on(operation_id id, scrub_request& r) { scrubber_.accept(id, r); }

void machine::on(operation_id id, checkpoint_request&) {
  if (const error_code ec = refuse_change()) return c_.answer(id, ec);
  checkpoint_.request(false, [this, id](error_code ec) { c_.answer(id, ec, sequence_result{c_.super.sequence}); });
}

void machine::on(operation_id id, cancel_request& r) {
  if (waits_.erase(r.target) > 0)
    c_.answer(r.target, r.reason);
  else if (!appender_.cancel(r.target, r.reason) && !cleaner_.cancel(r.target, r.reason) &&
           !scrubber_.cancel(r.target, r.reason))
    static_cast<void>(direct_.cancel(r.target, r.reason));
  c_.answer(id, {});
}

}  // namespace furrow::core
