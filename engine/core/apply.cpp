#include "core/apply.hpp"

#include <algorithm>

#include "core/objects.hpp"

namespace furrow::core {

namespace {

constexpr std::uint8_t tail_chunks = block_bytes / format::chunk_bytes;
constexpr std::uint8_t attribute_chunks = 6;
static_assert(attribute_chunks * format::chunk_bytes >= format::attribute_blob_bytes_max);

format::short_key chunk_key(std::uint64_t object, bool tail, std::uint8_t chunk) {
  return tail ? format::tail_key(object, chunk) : format::attributes_key(object, chunk);
}

bool holds_hint(const tree_lookup& l, zoned::zone_index zone) {
  const auto parts = l.ready() && l.has_cell() ? format::parse_hint_key(l.cell().key) : std::nullopt;
  return parts && parts->zone == zone;
}

}  // namespace

format::object_value* applier::held(std::uint64_t object) {
  if (object_state* o = c_.table->find(object); o != nullptr && o->loaded) return &o->value;
  kept_value* const kept = find_kept(object);
  return kept == nullptr ? nullptr : &kept->value;
}

kept_value* applier::find_kept(std::uint64_t object) {
  if (kept_.empty()) return nullptr;
  if (kept_last_.second != nullptr && kept_last_.first == object) return kept_last_.second;
  const auto kept = kept_.find(object);
  if (kept == kept_.end()) return nullptr;
  kept_last_ = {object, &kept->second};
  return kept_last_.second;
}

readiness applier::load(std::uint64_t object, std::optional<format::object_value>& to) {
  if (const format::object_value* const v = held(object)) {
    to = *v;
    return readiness::yes();
  }
  const tree_lookup l = c_.objects->find(format::object_key(object));
  if (!l.ready()) return readiness::wait(l.page());
  to.reset();
  if (!l.has_cell()) {
    if (assumed_ != nullptr && std::find(assumed_->begin(), assumed_->end(), object) != assumed_->end()) to.emplace();
    return readiness::yes();
  }
  to = format::decode_object(l.cell().value);
  return to ? readiness::yes() : readiness::no("an object's entry cannot be read");
}

readiness applier::view(std::uint64_t object, std::optional<format::object_value>& own,
                        const format::object_value*& to) {
  to = held(object);
  if (to != nullptr) return readiness::yes();
  readiness done = load(object, own);
  if (done.ready() && own) to = &*own;
  return done;
}

readiness applier::load_tail(std::uint64_t object, std::uint64_t object_bytes, std::vector<std::byte>& to) {
  to.clear();
  const std::uint64_t tail_bytes = object_bytes % block_bytes;
  for (std::uint8_t chunk = 0; to.size() < tail_bytes; ++chunk) {
    const tree_lookup l = c_.objects->find(format::tail_key(object, chunk));
    if (!l.ready()) return readiness::wait(l.page());
    const std::size_t expected = std::min<std::size_t>(tail_bytes - to.size(), format::chunk_bytes);
    if (!l.has_cell() || l.cell().value.size() != expected)
      return readiness::no("an object's tail is not as long as its end says");
    to.insert(to.end(), l.cell().value.begin(), l.cell().value.end());
  }
  return readiness::yes();
}

readiness applier::load_attributes(std::uint64_t object, const format::object_value& v, attributes& to) {
  to = {};
  to.mode = v.mode;
  to.created_ns = v.created_ns;
  to.modified_ns = v.modified_ns;
  std::vector<std::byte> blob;
  for (std::uint8_t chunk = 0; blob.size() < v.attribute_bytes; ++chunk) {
    const tree_lookup l = c_.objects->find(format::attributes_key(object, chunk));
    if (!l.ready()) return readiness::wait(l.page());
    if (!l.has_cell() || l.cell().value.empty())
      return readiness::no("an object's attributes are not as long as its entry says");
    blob.insert(blob.end(), l.cell().value.begin(), l.cell().value.end());
  }
  if (blob.empty()) return readiness::yes();
  format::attribute_set set;
  if (!format::decode_attribute_blob(blob, set)) return readiness::no("an object's attributes cannot be read");
  to.link_target = std::move(set.link_target);
  to.user = std::move(set.user);
  return readiness::yes();
}

readiness applier::prepare(const format::record_body& body) {
  struct visitor {
    applier& a;
    readiness operator()(const format::publish_record& r) { return a.prepare_publish(r); }
    readiness operator()(const format::tail_record& r) { return a.prepare_tail(r); }
    readiness operator()(const format::create_record& r) { return a.prepare_create(r); }
    readiness operator()(const format::remove_record& r) { return a.prepare_unname(r.object); }
    readiness operator()(const format::rename_record& r) { return a.prepare_rename(r); }
    readiness operator()(const format::attributes_record& r) {
      std::optional<format::object_value> v;
      if (auto done = a.load(r.object, v); !done.ready()) return done;
      if (!v) return readiness::no("attributes for an object that does not exist");
      return a.prepare_chunks(r.object, false);
    }
    readiness operator()(const format::zone_role_record& r) {
      const bool known = r.device == 0 && r.zone.value < a.c_.zones.count() && !a.c_.zones.is_ring(r.zone);
      return known ? readiness::yes() : readiness::no("a role for a zone that the device does not have");
    }
    readiness operator()(const format::zone_free_record& r) {
      if (r.device != 0 || r.zone.value >= a.c_.zones.count())
        return readiness::no("a zone freed that the device does not have");
      if (a.c_.zones[r.zone].live_blocks != 0) return readiness::no("a zone freed that holds live blocks");
      return a.prepare_cells_of(r.zone);
    }
    readiness operator()(const format::batch_begin_record&) { return readiness::yes(); }
    readiness operator()(const format::batch_end_record&) { return readiness::yes(); }
    readiness operator()(const format::collection_record& r) {
      if (r.action == format::collection_action::drop) return readiness::no("a collection dropped");
      auto need = a.c_.objects->prepare(format::collection_key(r.collection));
      return need ? readiness::wait(std::move(*need)) : readiness::yes();
    }
    readiness operator()(const format::drop_record& r) { return a.prepare_drop(r); }
    readiness operator()(const format::punch_record& r) { return a.prepare_punch(r); }
    readiness operator()(const format::clone_record& r) { return a.prepare_clone(r); }
    readiness operator()(const format::move_record& r) { return a.prepare_move(r); }
  };
  return std::visit(visitor{*this}, body);
}

/// The runs of a zone can be erased, and the hints before them. A leaf may go with its last hint; the key that the runs end
/// at is then in the one before.
readiness applier::prepare_cells_of(zoned::zone_index zone) {
  const zoned::zone_index next{zone.value + 1};
  if (auto need = c_.zone_pages->prepare_range(format::run_key(0, zone, 0), format::run_key(0, next, 0)))
    return readiness::wait(std::move(*need));
  const tree_lookup hint = c_.zone_pages->find_from(format::hints_from(0, zone, 0));
  if (!hint.ready()) return readiness::wait(hint.page());
  if (!holds_hint(hint, zone)) return readiness::yes();
  if (auto need = c_.zone_pages->prepare_range(format::hints_from(0, zone, 0), format::hints_from(0, next, 0)))
    return readiness::wait(std::move(*need));
  const tree_lookup before = c_.zone_pages->find_to(format::run_key(0, next, 0));
  return before.ready() ? readiness::yes() : readiness::wait(before.page());
}

readiness applier::prepare_chunks(std::uint64_t object, bool tail) {
  const std::uint8_t chunks = tail ? tail_chunks : attribute_chunks;
  for (std::uint8_t chunk = 0; chunk < chunks; ++chunk) {
    if (auto need = c_.objects->prepare(chunk_key(object, tail, chunk))) return readiness::wait(std::move(*need));
    if (chunk == 0 && c_.objects->is_at_hand(chunk_key(object, tail, static_cast<std::uint8_t>(chunks - 1)))) break;
  }
  if (auto need = c_.objects->prepare(format::object_key(object))) return readiness::wait(std::move(*need));
  return readiness::yes();
}

readiness applier::prepare_extent(const format::object_value& v, const format::publish_record& r,
                                  const format::object_extent& e, std::size_t& dropped) {
  if (auto done = prepare_place(e.where); !done.ready()) return done;
  const bool replaces = e.object_block < v.bytes / block_bytes;
  if (const auto was = replaces && assumed_ == nullptr && r.extents.size() == 1
                           ? extents_.replaced_whole(r.object, e, r.cls)
                           : std::nullopt) {
    if (r.dropped.empty() || r.dropped[0] != *was) return readiness::no(others_replaced);
    ++dropped;
    return c_.zones.of(was->address).live_blocks < was->blocks
               ? readiness::no("more blocks dropped than live in a zone")
               : readiness::yes();
  }
  // Of a group, an earlier record may raise the end.
  if (assumed_ != nullptr || replaces)
    if (auto done = prepare_replaced(r.object, e.object_block, e.object_block + e.where.blocks, r.dropped, dropped);
        !done.ready())
      return done;
  return extents_.prepare_put(r.object, e.object_block);
}

readiness applier::prepare_place(const format::block_run& run) {
  const zoned::geometry& g = c_.zones.shape();
  if (run.address.device() != 0 || g.zone_of(run.address).value >= c_.zones.count())
    return readiness::no("an extent outside the device");
  const zone_state& z = c_.zones.of(run.address);
  const std::uint64_t block = g.block_in_zone(run.address);
  if (z.role != format::zone_role::data || block == 0 || block + run.blocks > z.capacity_blocks)
    return readiness::no("an extent outside the data zones");
  for (std::uint64_t b = 0; b < run.blocks; b += format::run_blocks_max)
    if (auto need = c_.zone_pages->prepare(format::run_key(0, z.device.index, static_cast<std::uint32_t>(block + b))))
      return readiness::wait(std::move(*need));
  return readiness::yes();
}

readiness applier::prepare_publish(const format::publish_record& r) {
  if (!r.extents.empty() && r.sums.empty() == c_.keeps_sums()) return readiness::no(other_sums);
  std::optional<format::object_value> own;
  const format::object_value* v = nullptr;
  if (auto done = view(r.object, own, v); !done.ready()) return done;
  if (v == nullptr) return readiness::no("bytes published for an object that does not exist");
  if (r.tail.size() != r.object_bytes % block_bytes)
    return readiness::no("a tail that is not as long as the object's end says");
  std::uint64_t end_block = 0;
  std::size_t dropped = 0;
  for (const format::object_extent& e : r.extents) {
    if (auto done = prepare_extent(*v, r, e, dropped); !done.ready()) return done;
    end_block = e.object_block + e.where.blocks;
  }
  if (dropped != r.dropped.size() && assumed_ == nullptr)
    return readiness::no("bytes published that replace others than those that are there");
  if (end_block > r.object_bytes / block_bytes) return readiness::no("an extent behind the object's end");
  if (v->bytes % block_bytes != 0 || !r.tail.empty()) return prepare_chunks(r.object, true);
  if (find_kept(r.object) != nullptr) return readiness::yes();
  auto need = c_.objects->prepare(format::object_key(r.object));
  return need ? readiness::wait(std::move(*need)) : readiness::yes();
}

readiness applier::prepare_tail(const format::tail_record& r) {
  std::optional<format::object_value> v;
  if (auto done = load(r.object, v); !done.ready()) return done;
  if (!v) return readiness::no("a tail for an object that does not exist");
  if (auto done = prepare_chunks(r.object, true); !done.ready()) return done;
  if (v->tail_epoch != r.tail_epoch || v->bytes % block_bytes != r.from || r.from + r.bytes.size() >= block_bytes)
    return readiness::no("a tail that does not follow the object's end");
  if (const std::size_t kept = r.from % format::chunk_bytes; kept != 0) {
    const tree_lookup l =
        c_.objects->find(format::tail_key(r.object, static_cast<std::uint8_t>(r.from / format::chunk_bytes)));
    if (!l.ready()) return readiness::wait(l.page());
    if (!l.has_cell() || l.cell().value.size() != kept)
      return readiness::no("an object's tail is not as long as its end says");
  }
  return readiness::yes();
}

readiness applier::prepare_create(const format::create_record& r) {
  if (auto done = prepare_chunks(r.object, false); !done.ready()) return done;
  if (c_.objects->find(format::object_key(r.object)).has_cell()) return readiness::no("an object created twice");
  if (r.name.empty()) return readiness::yes();
  const tree_lookup l = c_.objects->find(format::name_key(r.collection, r.name));
  if (!l.ready()) return readiness::wait(l.page());
  return l.has_cell() ? readiness::no("a name given twice") : readiness::yes();
}

readiness applier::prepare_unname(std::uint64_t object) {
  std::optional<format::object_value> v;
  if (auto done = load(object, v); !done.ready()) return done;
  if (!v) return readiness::no("an object removed that does not exist");
  if (!v->name.empty())
    if (auto need = c_.objects->prepare(format::name_key(v->collection, v->name)))
      return readiness::wait(std::move(*need));
  if (auto need = c_.objects->prepare(format::orphan_key(object))) return readiness::wait(std::move(*need));
  if (auto need = c_.objects->prepare(format::object_key(object))) return readiness::wait(std::move(*need));
  return readiness::yes();
}

readiness applier::prepare_rename(const format::rename_record& r) {
  if (r.replaced == r.object) return readiness::no("an object that replaces itself");
  if (auto done = prepare_unname(r.object); !done.ready()) return done;
  if (r.replaced != 0)
    if (auto done = prepare_unname(r.replaced); !done.ready()) return done;
  if (auto need = c_.objects->prepare(format::name_key(r.collection, r.name))) return readiness::wait(std::move(*need));
  return readiness::yes();
}

void applier::apply(std::uint64_t sequence, const format::record_body& body) {
  struct visitor {
    applier& a;
    std::uint64_t sequence;
    void operator()(const format::publish_record& r) { a.apply_publish(sequence, r); }
    void operator()(const format::tail_record& r) { a.apply_tail(r); }
    void operator()(const format::create_record& r) { a.apply_create(r); }
    void operator()(const format::remove_record& r) { a.apply_unname(r.object); }
    void operator()(const format::rename_record& r) { a.apply_rename(r); }
    void operator()(const format::attributes_record& r) { a.apply_attributes(r); }
    void operator()(const format::zone_role_record& r) { a.apply_zone_role(sequence, r); }
    void operator()(const format::zone_free_record& r) { a.apply_zone_free(r); }
    void operator()(const format::batch_begin_record&) {}
    void operator()(const format::batch_end_record&) {}
    void operator()(const format::collection_record& r) { a.apply_collection(r); }
    void operator()(const format::drop_record& r) { a.apply_drop(r); }
    void operator()(const format::punch_record& r) { a.apply_punch(r); }
    void operator()(const format::clone_record& r) { a.apply_clone(r); }
    void operator()(const format::move_record& r) { a.apply_move(sequence, r); }
  };
  std::visit(visitor{*this, sequence}, body);
}

format::object_value applier::take(std::uint64_t object) {
  std::optional<format::object_value> v;
  const readiness done = load(object, v);
  FURROW_ASSERT(done.ready() && v);  // I1
  return std::move(*v);
}

void applier::store(std::uint64_t object, const format::object_value& v) {
  put_object(object, v);
  if (object_state* o = c_.table->find(object); o != nullptr && o->loaded) o->value = v;
}

void applier::put_object(std::uint64_t object, const format::object_value& v) {
  if (kept_value* const kept = keeps_ ? find_kept(object) : nullptr) {
    if (&kept->value != &v) kept->value = v;
    kept->changed = true;
    return;
  }
  if (keeps_) kept_[object].value = v;
  value_.resize(format::object_value_bytes(v));
  format::encode_object(v, value_);
  c_.objects->put(format::object_key(object), value_);
}

void applier::settle_values() {
  keeps_ = false;
  for (const auto& [object, kept] : kept_)
    if (kept.changed) put_object(object, kept.value);
  kept_.clear();
  kept_last_ = {};
}

void applier::apply_publish(std::uint64_t sequence, const format::publish_record& r) {
  format::object_value* const here = held(r.object);
  format::object_value own;
  if (here == nullptr) own = take(r.object);
  format::object_value& v = here != nullptr ? *here : own;
  const bool had_tail = v.bytes % block_bytes != 0;
  std::size_t sum = 0;
  for (const format::object_extent& e : r.extents) {
    const bool replaces = e.object_block < v.bytes / block_bytes;
    if (const auto was =
            replaces && r.extents.size() == 1 ? extents_.replaced_whole(r.object, e, r.cls) : std::nullopt) {
      extents_.replace_whole(r.object, e, r.cls, *was);
    } else {
      if (replaces) extents_.cut(v, r.object, e.object_block, e.object_block + e.where.blocks);
      extents_.put(v, r.object, e, r.cls, false);
    }
    put_runs(r.object, e, sums_of(r.sums, sum, e.where.blocks));
    sum += e.where.blocks;
    zone_state& z = c_.zones.of(e.where.address);
    z.write_sequence = sequence;
    c_.zones.add_live(z, e.where.blocks);
  }
  v.bytes = r.object_bytes;
  v.tail_epoch = r.tail_epoch;
  v.fence_epoch = std::max(v.fence_epoch, r.fence_epoch);
  v.modified_ns = r.modified_ns;
  if (had_tail || !r.tail.empty()) put_chunks(r.object, true, r.tail);
  put_object(r.object, v);
}

readiness applier::prepare_replacement(const replacement& r) {
  if (auto done = prepare_place(r.to); !done.ready()) return done;
  return c_.zones.of(r.was).live_blocks < r.to.blocks ? readiness::no("more blocks dropped than live in a zone")
                                                      : readiness::yes();
}

void applier::apply_replacement(const replacement& r, std::span<const std::uint32_t> sums) {
  c_.zones.drop_live(c_.zones.of(r.was), r.to.blocks);
  put_runs(r.object, {r.object_block, r.to}, sums);
  zone_state& z = c_.zones.of(r.to.address);
  z.write_sequence = r.sequence;
  c_.zones.add_live(z, r.to.blocks);
  kept_value* const kept = r.kept != nullptr ? r.kept : find_kept(r.object);
  FURROW_ASSERT(kept != nullptr);
  kept->value.tail_epoch = r.tail_epoch;
  kept->value.fence_epoch = std::max(kept->value.fence_epoch, r.fence_epoch);
  kept->value.modified_ns = r.modified_ns;
  kept->changed = true;
}

void applier::put_runs(std::uint64_t object, const format::object_extent& e, std::span<const std::uint32_t> sums) {
  const zoned::zone_index zone = c_.shape.zone_of(e.where.address);
  const std::uint64_t block = c_.shape.block_in_zone(e.where.address);
  for (std::size_t b = 0; b < e.where.blocks; b += format::run_blocks_max) {
    const std::size_t blocks = std::min<std::size_t>(format::run_blocks_max, e.where.blocks - b);
    const auto part = sums_of(sums, b, blocks);
    value_.resize(format::run_value_bytes(part.size()));
    format::encode_run(object, e.object_block + b, blocks, part, value_);
    c_.zone_pages->put(format::run_key(0, zone, static_cast<std::uint32_t>(block + b)), value_);
  }
}

void applier::put_chunks(std::uint64_t object, bool tail, std::span<const std::byte> bytes) {
  for (std::uint8_t chunk = 0; chunk < (tail ? tail_chunks : attribute_chunks); ++chunk) {
    const auto part = bytes.first(std::min<std::size_t>(bytes.size(), format::chunk_bytes));
    bytes = bytes.subspan(part.size());
    if (!part.empty()) {
      c_.objects->put(chunk_key(object, tail, chunk), part);
    } else if (!c_.objects->erase(chunk_key(object, tail, chunk))) {
      break;  // chunks are dense: none behind a missing one
    }
  }
}

void applier::apply_tail(const format::tail_record& r) {
  format::object_value v = take(r.object);
  std::vector<std::byte> tail;
  const auto first = static_cast<std::uint8_t>(r.from / format::chunk_bytes);
  const std::size_t kept = r.from % format::chunk_bytes;
  if (kept != 0) {
    const tree_lookup l = c_.objects->find(format::tail_key(r.object, first));
    FURROW_ASSERT(l.has_cell() && l.cell().value.size() >= kept);
    tail.assign(l.cell().value.begin(), l.cell().value.begin() + static_cast<std::ptrdiff_t>(kept));
  }
  tail.insert(tail.end(), r.bytes.begin(), r.bytes.end());
  std::uint8_t chunk = first;
  for (std::size_t at = 0; at < tail.size(); at += format::chunk_bytes, ++chunk)
    c_.objects->put(format::tail_key(r.object, chunk),
                    std::span{tail}.subspan(at, std::min(format::chunk_bytes, tail.size() - at)));
  v.bytes += r.bytes.size();
  v.fence_epoch = std::max(v.fence_epoch, r.fence_epoch);
  v.modified_ns = r.modified_ns;
  store(r.object, v);
}

void applier::put_attributes(format::object_value& v, std::uint64_t object, const format::attribute_set& a) {
  v.mode = a.mode;
  v.created_ns = a.created_ns;
  v.modified_ns = a.modified_ns;
  const std::vector<std::byte> blob = format::encode_attribute_blob(a);
  v.attribute_bytes = static_cast<std::uint16_t>(blob.size());
  put_chunks(object, false, blob);
}

void applier::apply_create(const format::create_record& r) {
  format::object_value v;
  v.collection = r.collection;
  v.name = r.name;
  put_attributes(v, r.object, r.attributes);
  if (!r.name.empty()) {
    std::byte id[8];
    format::store_le(id, r.object);
    c_.objects->put(format::name_key(r.collection, r.name), id);
  }
  c_.super.next_object = std::max(c_.super.next_object, r.object + 1);
  ++c_.super.object_count;
  if (object_state* o = c_.table->find(r.object)) {
    o->unpublished = false;
    o->loaded = true;
  }
  store(r.object, v);
}

void applier::apply_unname(std::uint64_t object) {
  format::object_value v = take(object);
  if (!v.name.empty()) c_.objects->erase(format::name_key(v.collection, v.name));
  v.name.clear();
  c_.objects->put(format::orphan_key(object), {});
  --c_.super.object_count;
  store(object, v);
  if (object_state* o = c_.table->find(object)) o->orphan = true;
}

void applier::apply_rename(const format::rename_record& r) {
  if (r.replaced != 0) apply_unname(r.replaced);
  format::object_value v = take(r.object);
  if (!v.name.empty()) c_.objects->erase(format::name_key(v.collection, v.name));
  c_.collections.moved(v.collection, r.collection, v.blocks, c_.table->find(r.object));
  v.collection = r.collection;
  v.name = r.name;
  std::byte id[8];
  format::store_le(id, r.object);
  c_.objects->put(format::name_key(r.collection, r.name), id);
  store(r.object, v);
}

void applier::apply_attributes(const format::attributes_record& r) {
  format::object_value v = take(r.object);
  put_attributes(v, r.object, r.attributes);
  store(r.object, v);
}

void applier::apply_zone_role(std::uint64_t sequence, const format::zone_role_record& r) {
  zone_state& z = c_.zones[r.zone];
  z.role = r.role;
  z.cls = r.cls;
  z.generation = r.generation;
  z.ordinal = r.ordinal;
  z.fill_sequence = z.write_sequence = sequence;
  c_.zones.entry_changed(z);
}

void applier::apply_zone_free(const format::zone_free_record& r) {
  zone_state& z = c_.zones[r.zone];
  const zoned::zone_index next{r.zone.value + 1};
  if (holds_hint(c_.zone_pages->find_from(format::hints_from(0, r.zone, 0)), r.zone))
    c_.zone_pages->erase_range(format::hints_from(0, r.zone, 0), format::hints_from(0, next, 0));
  c_.zone_pages->erase_range(format::run_key(0, r.zone, 0), format::run_key(0, next, 0));
  z.role = format::zone_role::free;
  z.ordinal = 0;
  c_.zones.entry_changed(z);
}

void applier::put_collection(collection_account& a) {
  a.changed = false;
  const format::collection_value v{a.name, a.quota_bytes, a.used_blocks, a.created_ns};
  c_.objects->put(format::collection_key(a.id), format::encode(v));
}

void applier::apply_collection(const format::collection_record& r) {
  collection_account& a = c_.collections.of(r.collection);
  a.exists = true;
  a.name = r.name;
  a.quota_bytes = r.quota_bytes;
  a.created_ns = r.created_ns;
  put_collection(a);
}

}  // namespace furrow::core
