#include "core/recovery.hpp"

#include <algorithm>

#include "core/apply.hpp"
#include "core/checkpoint.hpp"
#include "core/evacuation.hpp"
#include "core/journal.hpp"
#include "core/page_reader.hpp"
#include "core/reclaimer.hpp"
#include "core/superblock_ring.hpp"
#include "core/zone_condition.hpp"

namespace furrow::core {

namespace {
enum tag : std::uint64_t { tag_next = 1, tag_room_reset, tag_room_finish, tag_flush };
}

void recovery::start(std::function<void(const outcome&)> call) {
  call_ = std::move(call);
  survey_.start([this](error_code ec, const std::string& why) { surveyed(ec, why); });
}

void recovery::fail(error_code ec, std::string what, std::optional<zoned::zone_index> zone) {
  out_.error = ec;
  out_.detail.what = std::move(what);
  out_.detail.zone = zone;
  std::exchange(call_, nullptr)(out_);
}

void recovery::damage(std::string what, zoned::zone_index zone) {
  c_.read_only = true;
  c_.emit(event::kind::damage, {.zone = zone, .what = std::move(what)});
}

void recovery::surveyed(error_code ec, const std::string& why) {
  if (ec) return fail(ec == errc::too_small ? error_code{errc::not_a_store} : ec, why);
  bool older = false, newer = false, damaged = false;
  error_code unread;
  for (const survey::ring_zone& r : survey_.rings()) {
    older |= r.older;
    newer |= r.newer;
    damaged |= r.damaged;
    if (r.unread) unread = r.unread;
  }
  // Whatever stands beside it: what is older than that says nothing of what a newer program has made of the store.
  if (newer) return fail(errc::newer_format, "the store was written by a newer version of this program");
  const survey::ring_zone* best = survey_.newest();
  if (best == nullptr) {
    if (older) return fail(errc::older_format, "the store is of a format that this program does not read any more");
    if (unread) return fail(unread, "no copy of the superblock can be read");
    if (damaged) return fail(errc::damaged, "no copy of the superblock is whole");
    return fail(errc::not_a_store, "the device holds no store; format it first");
  }
  c_.super = *best->newest;
  const format::superblock& s = c_.super;
  if (s.zone_bytes != c_.shape.zone_bytes || s.zone_count != c_.shape.zone_count ||
      s.last_zone_bytes != c_.shape.last_zone_bytes || s.lba_bytes != c_.shape.lba_bytes || s.device_count != 1)
    return fail(errc::wrong_device, "the store was formatted for a device of another shape");
  if ((s.features_ro_compat & ~format::features_ro_compat_known) != 0 && !c_.options.read_only)
    return fail(errc::unsupported_feature, "the store uses features of a newer version; it can be opened read-only");
  static_assert(format::page_level_max <= tree_level_max);
  FURROW_ASSERT(format::in_range(s));  // as all that is decoded is
  if (c_.zones.is_ring(s.journal.zone))
    return fail(errc::damaged, "the superblock has the journal where superblocks are");
  for (const survey::ring_zone& r : survey_.rings())
    if (r.newest && r.newest->store != s.store) return fail(errc::damaged, "the superblocks are of two stores");
  c_.read_only = c_.options.read_only;
  c_.sequence = s.sequence;
  c_.zones.divide(s.page_copies);
  survey_.place_ring();
  c_.objects = std::make_unique<page_tree>(format::page_kind::object, s.store);
  c_.zone_pages = std::make_unique<page_tree>(format::page_kind::zone, s.store);
  if (!c_.objects->open(s.objects) || !c_.zone_pages->open(s.zones))
    return fail(errc::damaged, "the superblock names no tree");
  load_index();
}

/// A store never puts a page there; what was forged may say so.
bool recovery::lies_outside(const format::page_ref& page) const {
  return std::ranges::any_of(page.copies, [this](zoned::device_address a) {
    if (a == format::page_ref::no_copy) return false;
    const zoned::zone_index zone = c_.shape.zone_of(a);
    return a.device() != 0 || zone.value >= c_.zones.count() || c_.zones.is_ring(zone);
  });
}

void recovery::load_index() {
  bool outside = false;
  const auto look = [&](const page_need& p) { outside = outside || lies_outside(p.ref); };
  c_.objects->for_each_ref(look);
  c_.zone_pages->for_each_ref(look);
  if (outside) return fail(errc::damaged, "a page is said to lie outside the device");
  std::vector<page_need> needs = c_.objects->missing_index();
  for (page_need& n : c_.zone_pages->missing_index()) needs.push_back(std::move(n));
  if (needs.empty()) {
    from_ = format::collection_key(0);
    c_.collections.of(default_collection).used_blocks = c_.super.default_collection_blocks;
    return load_collections();
  }
  std::sort(needs.begin(), needs.end(),
            [](const page_need& a, const page_need& b) { return a.ref.copies[0] < b.ref.copies[0]; });
  pages_left_ = needs.size();
  for (const page_need& n : needs) {
    c_.pages->wait(n, [this](error_code ec) {
      if (ec && !out_.error) out_.error = ec;
      if (--pages_left_ > 0) return;
      if (out_.error) return fail(out_.error, "a page of the index cannot be read in any copy");
      load_index();
    });
  }
}

void recovery::load_collections() {
  for (;;) {
    const tree_lookup l = c_.objects->find_from(from_);
    if (!l.ready())
      return c_.pages->wait(l.page(), [this](error_code ec) {
        if (ec) return fail(ec, "the list of collections cannot be read in any copy");
        load_collections();
      });
    const auto id = l.has_cell() ? format::parse_collection_key(l.cell().key) : std::nullopt;
    if (!id) break;
    auto v = format::decode_collection(l.cell().value);
    if (!v) return fail(errc::damaged, "the entry of a collection cannot be read");
    collection_account& a = c_.collections.of(*id);
    a.exists = true;
    a.name = std::move(v->name);
    a.quota_bytes = v->quota_bytes;
    a.created_ns = v->created_ns;
    if (*id != default_collection) a.used_blocks = v->used_blocks;
    if (*id == ~collection_id{0}) break;
    from_ = format::collection_key(*id + 1);
  }
  from_ = format::zone_key(0, {0});
  load_zones();
}

bool recovery::load_zone(zoned::zone_index zone, format::value_view value) {
  const auto v = format::decode_zone(value);
  if (!v || zone.value >= c_.zones.count()) return false;
  zone_state& z = c_.zones[zone];
  z.role = v->role;
  z.cls = v->cls;
  z.generation = v->generation;
  z.fill_sequence = v->fill_sequence;
  z.write_sequence = v->write_sequence;
  c_.zones.restore_live(z, v->live_blocks);
  z.ordinal = v->ordinal;
  if (v->flags != 0) {
    z.failures = (v->flags & format::zone_flag_bad) != 0 ? zone_failures_max : 0;
    z.retired = (v->flags & format::zone_flag_retired) != 0;
  }
  return true;
}

void recovery::load_zones() {
  std::uint32_t last = 0;
  bool any = false, good = true;
  do {
    any = false;
    const auto need = c_.zone_pages->visit_leaf(from_, [&](const tree_cell& cell) {
      const auto zone = format::parse_zone_key(cell.key);
      if (!zone) return false;
      any = true;
      last = zone->value;
      return good = load_zone(*zone, cell.value);
    });
    if (!good) return fail(errc::damaged, "an entry of the zone table cannot be read", zoned::zone_index{last});
    if (need)
      return c_.pages->wait(*need, [this](error_code ec) {
        if (ec) return fail(ec, "a page of the zone table cannot be read in any copy");
        load_zones();
      });
    if (any) from_ = format::zone_key(0, {last + 1});
  } while (any);
  count_pages();
}

void recovery::count_pages() {
  const auto count = [&](const page_need& p) {
    for (const zoned::device_address a : p.ref.copies) {
      if (a == format::page_ref::no_copy) continue;
      zone_state& z = c_.zones[c_.shape.zone_of(a)];
      ++z.live_pages;
      if (z.conventional())
        z.next_block = std::max(z.next_block, static_cast<std::uint32_t>(c_.shape.block_in_zone(a)) + 1);
      if (z.role == format::zone_role::free)
        z.role = format::zone_role::metadata;  // its role record was not cut off: it follows
    }
  };
  c_.objects->for_each_ref(count);
  c_.zone_pages->for_each_ref(count);
  c_.pages->pages_are_counted();
  scan_.start([this](error_code ec, journal_scan::finding why) {
    if (ec) return fail(ec, std::move(why.what), why.zone);
    if (scan_.damage()) damage(scan_.damage()->what, scan_.damage()->zone);
    if (const auto zone = scan_.foreign()) {
      const zoned::zone_info& device = c_.zones[*zone].device;
      c_.emit_zone({zone_change::kind::pointer_ahead,
                    *zone,
                    {zoned::zone_condition::empty, 0},
                    {device.condition, device.write_pointer_bytes}});
    }
    c_.apply->keep_values();
    if (!scan_.lost_zone_behind()) return replay();
    lost_.find(scan_.lost_zone_behind()->ordinal + 1, [this](std::optional<std::uint64_t> first) {
      behind_lost_ = first;
      replay();
    });
  });
}

void recovery::tell_lost() {
  const auto& lost = scan_.lost_zone_behind();
  if (!lost) return;
  std::string what = "a zone of the journal is offline: what was published from sequence " +
                     std::to_string(c_.sequence + 1) + " on is lost";
  if (behind_lost_ && *behind_lost_ > c_.sequence + 1)
    what += ", of which " + std::to_string(c_.sequence + 1) + " to " + std::to_string(*behind_lost_ - 1) +
            " were in that zone";
  c_.journal_lost_from = c_.sequence + 1;
  damage(std::move(what), lost->zone);
}

void recovery::reconcile() {
  c_.apply->settle_values();
  batch_.release();
  look_behind_pointers(0);
}

/// No block that a record names lies behind its zone's write pointer, unless the device lost what it had acknowledged.
void recovery::look_behind_pointers(std::size_t first) {
  for (std::size_t at = first; at < c_.zones.found_active().size(); ++at) {
    const std::uint32_t i = c_.zones.found_active()[at];
    const zone_state& z = c_.zones[{i}];
    if (z.role != format::zone_role::data || z.live_blocks == 0 || !zoned::is_active(z.device.condition)) continue;
    const tree_lookup l = c_.zone_pages->find_to(format::run_key(0, {i}, z.capacity_blocks));
    if (!l.ready())
      return c_.pages->wait(l.page(), [this, at](error_code ec) {
        if (ec) return fail(ec, "a page with the sums of a zone cannot be read in any copy");
        look_behind_pointers(at);
      });
    const auto key = l.has_cell() ? format::parse_run_key(l.cell().key) : std::nullopt;
    const auto run = key && key->zone.value == i ? format::run_view::of(l.cell().value) : std::nullopt;
    const std::uint64_t end = run ? key->block + run->blocks() : 0;
    if (end <= z.written_blocks()) continue;
    c_.read_only = true;
    c_.emit_zone({zone_change::kind::pointer_behind,
                  {i},
                  {zoned::zone_condition::closed, end * block_bytes},
                  {z.device.condition, z.device.write_pointer_bytes}},
                 {}, true);
  }
  scan_.claim_zones();
  for (zone_state& z : c_.zones.all()) {
    if (!c_.zones.restore_full(z))
      reconcile_zone(z);
    else if (z.cls == format::zone_class::short_lived)
      c_.place.zone_found(z.cls, z.fill_sequence, c_.sequence);
  }
  c_.checkpoint->configure();
  start_journal();
}

void recovery::reconcile_zone(zone_state& z) {
  if (z.life == zone_life::superblock || z.capacity_blocks < 2) return;
  if (z.conventional()) return reconcile_conventional(z);
  const zoned::zone_condition condition = z.device.condition;
  z.next_block = z.landed_blocks = z.written_blocks();
  if (condition == zoned::zone_condition::read_only || condition == zoned::zone_condition::offline) {
    c_.evacuate->turned(z);
    const bool gone = condition == zoned::zone_condition::offline;
    return c_.emit_zone({gone ? zone_change::kind::offline : zone_change::kind::read_only,
                         z.device.index,
                         {zoned::zone_condition::closed, 0},
                         {condition, z.device.write_pointer_bytes}});
  }
  const bool empty = condition == zoned::zone_condition::empty;
  if (z.retired && (!empty || z.role == format::zone_role::free)) return c_.evacuate->turned(z);
  if (z.role == format::zone_role::free) {
    const zone_life life = z.failures >= zone_failures_max || !c_.zones.is_usable(z) ? zone_life::bad
                           : empty                                                   ? zone_life::clean
                                                                                     : zone_life::dirty;
    return c_.zones.set_life(z, life);
  }
  if (empty) {
    if (z.live_blocks > 0 || z.live_pages > 0)
      damage("a zone that holds live blocks is empty: the device lost it", z.device.index);
    z.role = format::zone_role::free;
    z.ordinal = 0;
    c_.zones.entry_changed(z);
    return c_.zones.set_life(z, c_.zones.is_usable(z) && !z.retired ? zone_life::clean : zone_life::bad);
  }
  if (condition == zoned::zone_condition::full || z.room_blocks() == 0) {
    c_.zones.set_life(z, zone_life::full);
  } else {
    const bool inside = z.device.write_pointer_bytes % block_bytes != 0 || z.failures >= zone_failures_max;
    c_.zones.set_life(z, inside ? zone_life::suspect : zone_life::closed);
  }
  if (z.live_blocks == 0 && z.live_pages == 0) c_.reclaim->consider(z);
}

void recovery::reconcile_conventional(zone_state& z) {
  const bool writable = z.device.condition == zoned::zone_condition::not_write_pointer &&
                        z.failures < zone_failures_max && c_.zones.is_usable(z);
  if (z.role == format::zone_role::free) {
    z.next_block = 0;
    if (writable) c_.zones.set_life(z, zone_life::clean);
    return;
  }
  z.next_block = writable ? std::clamp<std::uint32_t>(z.next_block, 1, z.capacity_blocks) : z.capacity_blocks;
  c_.zones.set_life(z, z.room_blocks() == 0 ? zone_life::full : zone_life::closed);
  if (z.live_blocks == 0 && z.live_pages == 0) c_.reclaim->consider(z);
}

void recovery::start_journal() {
  zone_state* zone = scan_.zone();
  const format::zone_header& header = scan_.header();
  if (zone != nullptr && zone->life == zone_life::closed) c_.zones.set_life(*zone, zone_life::open);
  if (zone != nullptr && (zone->life == zone_life::suspect || zone->life == zone_life::bad)) zone = nullptr;
  zone_state* next = nullptr;
  if (header.next.value < c_.zones.count()) next = &c_.zones[header.next];
  const bool kept = next != nullptr &&
                    next->generation < header.next_generation &&  // a use that came to nothing raises it too

                    (next->life == zone_life::clean || next->life == zone_life::dirty);
  if (!kept && !c_.read_only) damage("the zone that the journal goes on in cannot be used", header.next);
  if (kept) {
    const bool dirty = next->life == zone_life::dirty;
    next->generation = header.next_generation - 1;
    c_.zones.set_life(*next, zone_life::reserved);
    c_.log->start(zone, next, scan_.next_number(), scan_.previous(), scan_.ordinal());
    if (dirty && !c_.read_only) {
      c_.io.submit({.op = zoned::opcode::reset, .zone = next->device.index}, *this, tag_next);
      next->next_block = 0;
      return;
    }
  } else {
    c_.log->start(zone, nullptr, scan_.next_number(), scan_.previous(), scan_.ordinal());
  }
  from_ = format::orphan_key(0);
  load_orphans();
}

void recovery::io_done(std::uint64_t tag, const zoned::completion& c) {
  if (tag == tag_room_finish) {
    ++c_.stats.zone_finishes;
    room_->next_block = room_->capacity_blocks;
    if (!c.error) c_.zones.inactive(*room_);
    c_.zones.set_life(*room_, c.error ? zone_life::bad : zone_life::full);
    return write_epoch();
  }
  if (tag == tag_flush) {
    if (c.error) return fail(c.error, "a flush failed");
    return flushed();
  }
  ++c_.stats.zone_resets;
  if (tag == tag_room_reset) {
    room_->next_block = 0;
    c_.zones.set_life(*room_, c.error ? zone_life::bad : zone_life::clean);
    return write_epoch();
  }
  if (c.error) return fail(c.error, "the zone that the journal goes on in cannot be reset");
  from_ = format::orphan_key(0);
  load_orphans();
}

/// The loss of power may undo resets and finishes, and more zones are active than the store had: when the ring needs a
/// credit, free zones are reset for it, and then partly written ones finished.
bool recovery::make_room() {
  if (!c_.shape.active_max || c_.zones.active() <= *c_.shape.active_max) return false;
  room_ = nullptr;
  c_.zones.for_life(zone_life::dirty, [this](zone_state& z) {
    if (z.credit) room_ = &z;
    return room_ == nullptr;
  });
  if (room_ != nullptr) {
    c_.zones.set_life(*room_, zone_life::resetting);
    c_.io.submit({.op = zoned::opcode::reset, .zone = room_->device.index}, *this, tag_room_reset);
    return true;
  }
  c_.zones.for_life(zone_life::closed, [this](zone_state& z) {
    if (!z.conventional()) room_ = &z;
    return room_ == nullptr;
  });
  if (room_ == nullptr) return false;
  c_.io.submit({.op = zoned::opcode::finish, .zone = room_->device.index}, *this, tag_room_finish);
  return true;
}

/// What is to be dropped. Of an object that cannot be read it is told when it is.
void recovery::load_orphans() {
  if (c_.read_only) return write_epoch();
  for (;;) {
    const tree_lookup l = c_.objects->find_from(from_);
    if (!l.ready())
      return c_.pages->wait(l.page(), [this](error_code ec) {
        if (ec) return fail(ec, "the list of removed objects cannot be read in any copy");
        load_orphans();
      });
    const auto id = l.has_cell() ? format::parse_orphan_key(l.cell().key) : std::nullopt;
    if (!id) break;
    std::optional<format::object_value> v;
    const readiness done = c_.apply->load(*id, v);
    if (done.need)
      return c_.pages->wait(*done.need, [this, id = *id](error_code ec) {
        if (ec) add_orphan(id, default_collection);
        c_.pages->evict();  // there may be very many
        load_orphans();
      });
    add_orphan(*id, v ? v->collection : default_collection);
  }
  write_epoch();
}

void recovery::add_orphan(object_id id, collection_id collection) {
  c_.reclaim->drop_object(id, collection);
  from_ = format::orphan_key(id + 1);
}

void recovery::write_epoch() {
  if (c_.read_only) return std::exchange(call_, nullptr)(out_);
  if (make_room()) return;
  if (c_.promises.volatile_cache) {
    ++c_.stats.flushes;
    c_.io.submit({.op = zoned::opcode::flush}, *this, tag_flush);
    return;
  }
  flushed();
}

void recovery::flushed() {
  ++c_.super.epoch;
  c_.super.epoch_group = scan_.next_number();
  format::superblock s = *survey_.newest()->newest;  // what it names is as it was; only the epoch is new
  s.epoch = c_.super.epoch;
  s.epoch_group = c_.super.epoch_group;
  s.clean = false;
  c_.ring->write(s, [this](error_code ec) {
    if (ec) return fail(ec, "the superblock of this open cannot be written");
    std::exchange(call_, nullptr)(out_);
  });
}

}  // namespace furrow::core
