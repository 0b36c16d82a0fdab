#include "core/publisher.hpp"

#include <algorithm>
#include <map>

#include "core/apply.hpp"
#include "core/canary.hpp"
#include "core/data_writer.hpp"
#include "core/direct_writer.hpp"
#include "core/page_reader.hpp"
#include "core/reclaimer.hpp"
#include "core/space.hpp"
#include "core/splitter.hpp"

namespace furrow::core {

struct publisher::names {
  std::map<std::pair<collection_id, std::string>, object_id> changed;  // 0: gone
  std::vector<object_id> created;
  std::map<collection_id, std::uint64_t> arrived;  // blocks, from other collections
};

namespace {

constexpr std::size_t spare_max = 256;

const ordered_extent_ptr* extent_of(const publication_step& s) {
  if (const auto* a = std::get_if<append_step>(&s)) return a->extent ? &a->extent : nullptr;
  if (const auto* m = std::get_if<move_step>(&s)) return &m->extent;
  const auto* e = std::get_if<edit_step>(&s);
  return e != nullptr && e->extent ? &e->extent : nullptr;
}

/// About what the record of a step takes that waits for its ordered extent; most where each block replaces another one.
std::uint64_t record_bytes_of(const publication_step& s, const ordered_extent& e) {
  constexpr std::uint64_t fixed = 128;
  const std::uint64_t sums = e.blocks * sizeof(std::uint32_t);
  if (const auto* a = std::get_if<append_step>(&s)) return fixed + sums + a->after.tail.size();
  const auto* x = std::get_if<edit_step>(&s);
  if (x == nullptr) return fixed;
  const std::size_t tail = x->sets_end ? x->after.tail.size() : x->object->reserved.tail.size();
  return fixed + sums + e.blocks * sizeof(format::block_run) + tail;
}

/// The object whose end the step sets, and what from and to.
struct end_change {
  object_state* object = nullptr;
  const object_end* before = nullptr;
  const object_end* after = nullptr;
};
end_change end_change_of(const publication_step& s) {
  if (const auto* a = std::get_if<append_step>(&s)) return {a->object, &a->before, &a->after};
  if (const auto* e = std::get_if<edit_step>(&s); e != nullptr && e->sets_end)
    return {e->object, &e->before, &e->after};
  if (const auto* c = std::get_if<clone_step>(&s); c != nullptr && c->sets_end)
    return {c->object, &c->before, &c->after};
  return {};
}

/// The object whose epoch the step may raise.
object_state* fenced_by(const publication_step& s) {
  if (const auto* a = std::get_if<append_step>(&s)) return a->object;
  if (const auto* e = std::get_if<edit_step>(&s)) return e->object;
  const auto* c = std::get_if<clone_step>(&s);
  return c != nullptr ? c->object : nullptr;
}

/// The highest epoch that is published or is going to be.
std::uint64_t fence_in_flight(const object_state& o) {
  std::uint64_t fence = o.value.fence_epoch;
  for (const publication* q : o.queue) {
    if (q->error) continue;
    for (const publication_step& s : q->steps) {
      if (const auto* a = std::get_if<append_step>(&s); a != nullptr && a->object == &o)
        fence = std::max(fence, a->fence_epoch);
      if (const auto* e = std::get_if<edit_step>(&s); e != nullptr && e->object == &o)
        fence = std::max(fence, e->fence_epoch);
      if (const auto* k = std::get_if<clone_step>(&s); k != nullptr && k->object == &o)
        fence = std::max(fence, k->fence_epoch);
    }
  }
  return fence;
}

}  // namespace

std::unique_ptr<publication> publisher::make() {
  if (spare_.empty()) return std::make_unique<publication>();
  std::unique_ptr<publication> p = std::move(spare_.back());
  spare_.pop_back();
  return p;
}

void publisher::recycle(std::unique_ptr<publication> p) {
  if (spare_.size() >= spare_max) return;
  p->steps.clear();
  p->objects.clear();
  p->appends.clear();
  publication fresh;
  fresh.steps = std::move(p->steps);
  fresh.objects = std::move(p->objects);
  fresh.appends = std::move(p->appends);
  *p = std::move(fresh);
  spare_.push_back(std::move(p));
}

publication& publisher::enter(std::unique_ptr<publication> p) {
  publication& r = *p.release();
  live_.push_back(r);  // whose it is, also if memory lacks for the rest
  for (const publication_step& s : r.steps)
    if (const ordered_extent_ptr* e = extent_of(s)) {
      (*e)->owner = &r;
      ++r.extents_left;
      r.record_bytes += record_bytes_of(s, **e);
    }
  c_.to_journal_bytes += r.record_bytes;
  for (object_state* o : r.objects) {  // P1
    o->queue.push_back(&r);
    ++o->entered;
  }
  return r;
}

void publisher::pause(bool on) {
  paused_ = on;
  if (on) return;
  for (publication& p : live_) queue(p);
  drain();
}

void publisher::extent_done(ordered_extent& e) {
  publication& p = *e.owner;
  FURROW_ASSERT(p.extents_left > 0);
  --p.extents_left;
  if (e.failed && !p.error) {
    p.error = e.error;
    const bool no_credit = e.error == zoned::errc::too_many_active;
    if (no_credit || e.error == errc::no_space) p.detail = no_space_detail(c_, 0, e.blocks, no_credit);
    p.detail.offset_bytes = e.object_block * block_bytes;
    p.detail.bytes = e.blocks * block_bytes;
    if (no_credit) p.detail.zone = c_.reclaim->unfinished();
    if (p.detail.zone) p.detail.what = "no zone may become active: one cannot be finished";
    for (const publication_step& s : p.steps) {
      const ordered_extent_ptr* own = extent_of(s);
      if (own == nullptr || own->get() != &e) continue;
      if (const auto* a = std::get_if<append_step>(&s)) p.detail.object = a->object->id;
      if (const auto* x = std::get_if<edit_step>(&s)) p.detail.object = x->object->id;
    }
    doom_followers(p);
  }
  attempt(p);
}

bool publisher::ready(const publication& p) const {
  if (p.extents_left > 0 || p.parked || paused_) return false;
  return std::all_of(p.objects.begin(), p.objects.end(),
                     [this, &p](const object_state* o) { return o->queue.front() == &p && (!o->doomed || c_.latch); });
}

void publisher::attempt(publication& p) {
  if (!ready(p)) return;
  if (!p.error && c_.latch) p.error = c_.latch;
  if (p.error) return fail(p);
  std::vector<format::record_body> bodies = std::exchange(spare_bodies_, {});
  readiness done = build(p, bodies);
  if (done.need) {
    p.parked = true;
    take_back(p, std::move(bodies));
    return c_.pages->wait(*done.need, [this, &p](error_code ec) {
      p.parked = false;
      if (ec && !p.error) p.error = ec;
      attempt(p);
    });
  }
  if (p.error) {
    take_back(p, std::move(bodies));
    return fail(p);
  }
  publish(p, std::move(bodies));
}

void publisher::take_back(publication& p, std::vector<format::record_body> bodies) {
  std::size_t at = 0;
  for (const publication_step& s : p.steps) {
    const ordered_extent_ptr* e = extent_of(s);
    if (e == nullptr) continue;
    while (at < bodies.size() && !std::holds_alternative<format::publish_record>(bodies[at])) ++at;
    if (at == bodies.size()) break;
    auto& r = std::get<format::publish_record>(bodies[at++]);
    r.sums.clear();
    spare_sums_ = std::move(r.sums);
    r.extents.clear();
    spare_runs_ = std::move(r.extents);
  }
  bodies.clear();
  spare_bodies_ = std::move(bodies);
}

readiness publisher::build(publication& p, std::vector<format::record_body>& to) {
  names n;
  for (publication_step& s : p.steps) {
    const readiness done = std::visit([&](auto& one) { return build_step(p, one, n, to); }, s);
    if (done.fault != nullptr && !p.error) {  // damage on the medium, as below
      p.error = errc::damaged;
      p.detail.what = done.fault;
    }
    if (!done.ready() || p.error) return done;
  }
  const bool group = to.size() > 1;
  c_.apply->assume(group ? &n.created : nullptr);
  readiness all;
  for (const format::record_body& b : to) {
    all = c_.apply->prepare(b);
    if (all.need || (all.fault != nullptr && !group)) break;
  }
  c_.apply->assume(nullptr);
  if (all.fault != nullptr && !group) {  // the trees contradict what was accepted: damage on the medium
    p.error = errc::damaged;
    p.detail.what = all.fault;
  }
  all.fault = nullptr;
  return all;
}

readiness publisher::build_step(publication& p, append_step& s, names&, std::vector<format::record_body>& to) {
  if (!s.extent) {
    const std::size_t from = s.before.tail.size();
    format::tail_record r{
        s.object->id, s.fence_epoch, s.modified_ns, s.after.tail_epoch, static_cast<std::uint16_t>(from), {}};
    r.bytes.assign(s.after.tail.begin() + static_cast<std::ptrdiff_t>(from), s.after.tail.end());
    if (FURROW_CANARY_SINGS(tail_lost)) std::fill(r.bytes.begin(), r.bytes.end(), std::byte{});
    to.emplace_back(std::move(r));
    return readiness::yes();
  }
  format::publish_record r;
  r.object = s.object->id;
  r.object_bytes = s.after.bytes;
  r.fence_epoch = s.fence_epoch;
  r.modified_ns = s.modified_ns;
  r.tail_epoch = s.after.tail_epoch;
  r.cls = s.extent->cls;
  r.tail = s.after.tail;
  r.sums = std::exchange(spare_sums_, {});
  r.sums.assign(s.extent->sums.begin(), s.extent->sums.end());
  if (FURROW_CANARY_SINGS(sum_stored_wrong) && !r.sums.empty() && r.object_bytes % 7 == 0) r.sums.back() ^= 1;
  r.extents = std::exchange(spare_runs_, {});
  const walk_counts counts = walk_landed(*s.extent, c_.shape, r.extents);
  s.extent->splits = counts.splits;
  s.extent->merges = counts.merges;
  to.emplace_back(std::move(r));
  static_cast<void>(p);
  return readiness::yes();
}

readiness publisher::lookup(names& n, collection_id collection, std::string_view name, object_id& to) {
  to = 0;
  if (const auto it = n.changed.find({collection, std::string{name}}); it != n.changed.end()) {
    to = it->second;
    return readiness::yes();
  }
  const tree_lookup l = c_.objects->find(format::name_key(collection, name));
  if (!l.ready()) return readiness::wait(l.page());
  if (l.has_cell() && l.cell().value.size() == 8) to = format::load_le<std::uint64_t>(l.cell().value.data());
  return readiness::yes();
}

readiness publisher::resolve(names& n, object_id id, collection_id collection, std::string_view name, object_id& to) {
  if (id == 0) return lookup(n, collection, name, to);
  to = 0;
  std::optional<format::object_value> v;
  if (auto done = c_.apply->load(id, v); !done.ready()) return done;
  bool gone = !v;
  if (const object_state* o = c_.table->find(id); o != nullptr && o->orphan) gone = true;
  if (!gone && v->name.empty()) {
    const tree_lookup l = c_.objects->find(format::orphan_key(id));
    if (!l.ready()) return readiness::wait(l.page());
    gone = l.has_cell() && l.cell().value.empty();
  }
  if (!gone || std::find(n.created.begin(), n.created.end(), id) != n.created.end()) to = id;
  return readiness::yes();
}

readiness publisher::collection_exists(collection_id id, bool& to) {
  to = id == default_collection;
  if (to) return readiness::yes();
  const tree_lookup l = c_.objects->find(format::collection_key(id));
  if (!l.ready()) return readiness::wait(l.page());
  to = l.has_cell();
  return readiness::yes();
}

readiness publisher::build_step(publication& p, create_step& s, names& n, std::vector<format::record_body>& to) {
  bool known = false;
  if (auto done = collection_exists(s.options.collection, known); !done.ready()) return done;
  if (!known) p.error = errc::collection_not_found;
  if (!p.error && !s.options.name.empty()) {
    object_id taken = 0;
    if (auto done = lookup(n, s.options.collection, s.options.name, taken); !done.ready()) return done;
    if (taken != 0) {
      p.error = errc::exists;
      p.detail.object = taken;
    }
    n.changed[{s.options.collection, s.options.name}] = s.id;
  }
  n.created.push_back(s.id);
  const attributes& a = s.options.attributes;
  to.emplace_back(format::create_record{
      s.id, s.options.collection, s.options.name, {a.mode, a.created_ns, a.modified_ns, a.link_target, a.user}});
  return readiness::yes();
}

readiness publisher::build_step(publication& p, rename_step& s, names& n, std::vector<format::record_body>& to) {
  const rename_request& w = s.what;
  object_id object = 0, taken = 0;
  bool known = false;
  if (auto done = collection_exists(w.to_collection, known); !done.ready()) return done;
  if (auto done = resolve(n, w.object, w.collection, w.from, object); !done.ready()) return done;
  if (auto done = lookup(n, w.to_collection, w.to, taken); !done.ready()) return done;
  if (!known)
    p.error = errc::collection_not_found;
  else if (object == 0)
    p.error = errc::not_found;
  else if (taken == object)
    return readiness::yes();
  else if (taken != 0 && !w.replace)
    p.error = errc::exists;
  if (p.error) return readiness::yes();
  std::optional<format::object_value> v;
  c_.apply->assume(&n.created);
  auto done = c_.apply->load(object, v);
  c_.apply->assume(nullptr);
  if (!done.ready()) return done;
  for (auto& [name, id] : n.changed)
    if (id == object) id = 0;
  if (v && v->collection != w.to_collection) {
    object_state* const o = c_.table->find(object);
    std::uint64_t& arrived = n.arrived[w.to_collection];
    arrived += v->blocks;
    if (o != nullptr) arrived += o->claimed_blocks + claim_in_flight(*o, nullptr, false);
    const collection_account& a = c_.collections.of(w.to_collection);
    if (!collection_table::fits(a, arrived)) {
      p.error = errc::quota_exceeded;
      p.detail = collection_table::detail_of(a, object, arrived);
      return readiness::yes();
    }
  }
  if (v && !v->name.empty() && !n.changed.contains({v->collection, v->name})) n.changed[{v->collection, v->name}] = 0;
  n.changed[{w.to_collection, w.to}] = object;
  to.emplace_back(format::rename_record{object, w.to_collection, w.to, taken});
  return readiness::yes();
}

readiness publisher::build_step(publication& p, remove_step& s, names& n, std::vector<format::record_body>& to) {
  object_id object = 0;
  if (auto done = resolve(n, s.what.id, s.what.collection, s.what.name, object); !done.ready()) return done;
  if (object == 0) {
    p.error = errc::not_found;
    return readiness::yes();
  }
  std::optional<format::object_value> v;
  c_.apply->assume(&n.created);
  auto done = c_.apply->load(object, v);
  c_.apply->assume(nullptr);
  if (!done.ready()) return done;
  for (auto& [name, id] : n.changed)
    if (id == object) id = 0;
  if (v && !v->name.empty()) n.changed[{v->collection, v->name}] = 0;
  to.emplace_back(format::remove_record{object});
  return readiness::yes();
}

readiness publisher::build_step(publication& p, attributes_step& s, names&, std::vector<format::record_body>& to) {
  if (s.object->orphan) p.error = errc::not_found;
  to.emplace_back(format::attributes_record{
      s.object->id, {s.to.mode, s.to.created_ns, s.to.modified_ns, s.to.link_target, s.to.user}});
  return readiness::yes();
}

readiness publisher::build_step(publication& p, collection_step& s, names&, std::vector<format::record_body>& to) {
  static_cast<void>(p);
  format::collection_record r{s.id, s.action, s.what.quota_bytes, s.what.name, c_.now_ns};
  if (s.action == format::collection_action::quota) {
    const collection_account& a = c_.collections.of(s.id);
    s.limits = !a.limited() && s.what.quota_bytes != 0;
    r.name = a.name;
    r.created_ns = a.created_ns;
  }
  to.emplace_back(std::move(r));
  return readiness::yes();
}

/// What was accepted for an object while its collection had no quota has claimed nothing, and has its room already. Told
/// are blocks, at most.
std::uint64_t publisher::claim_in_flight(object_state& o, const publication* but, bool claims) {
  std::uint64_t blocks = 0;
  for (const publication* q : o.queue) {
    if (q == but || q->error) continue;
    for (const publication_step& s : q->steps) {
      const auto* a = std::get_if<append_step>(&s);
      if (a == nullptr || a->object != &o || !a->extent) continue;
      const std::uint64_t unclaimed = a->extent->blocks - a->extent->claimed_blocks;
      blocks += unclaimed;
      if (!claims) continue;
      collection_table::claim_beside_promise(o, unclaimed);
      a->extent->claimed_blocks += unclaimed;
    }
  }
  return blocks + c_.direct->claim_in_flight(o, claims);
}

void publisher::claim_in_flight(collection_id in, const publication* but) {
  c_.table->for_each([&](object_state& o) {
    if (o.account != nullptr && o.account->id == in) claim_in_flight(o, but, true);
  });
}

/// Of the room and the quota that an ordered extent took nothing is left to be kept.
void publisher::let_go(const publication_step& s, ordered_extent& e) {
  c_.data->unhold(e.pieces);
  c_.data->release(std::exchange(e.reserved_blocks, 0));
  if (e.claimed_blocks > 0)
    collection_table::unclaim(*std::get<append_step>(s).object, std::exchange(e.claimed_blocks, 0));
  if (e.in_flight != nullptr) e.in_flight->erase(e);
}

void publisher::publish(publication& p, std::vector<format::record_body> bodies) {
  for (const publication_step& s : p.steps) {
    if (const end_change end = end_change_of(s); end.object != nullptr) end.object->tail = end.after->tail;
    const ordered_extent_ptr* e = extent_of(s);
    if (e == nullptr) continue;
    c_.stats.splits += (*e)->splits;
    c_.stats.merges += (*e)->merges;
    let_go(s, **e);
  }
  const std::uint64_t used = p.claim_blocks != nullptr ? p.objects.front()->account->used_blocks : 0;
  const std::uint64_t sequence = bodies.empty() ? c_.sequence : c_.publish(bodies);
  if (p.claim_blocks != nullptr) {
    object_state& o = *p.objects.front();
    const std::uint64_t now = o.account->used_blocks;
    const std::uint64_t added = std::min(now > used ? now - used : 0, *p.claim_blocks);
    collection_table::unclaim(o, added);
    *p.claim_blocks -= added;
  }
  for (const format::record_body& b : bodies) {
    publish_dropped(b);
    object_id removed = 0;
    if (std::holds_alternative<format::collection_record>(b))
      if (const auto& s = std::get<collection_step>(p.steps.front()); s.limits) claim_in_flight(s.id, &p);
    if (const auto* r = std::get_if<format::remove_record>(&b)) removed = r->object;
    if (const auto* r = std::get_if<format::rename_record>(&b)) {
      removed = r->replaced;
      object_state* const o = c_.table->find(r->object);
      if (o != nullptr && std::exchange(o->has_moved, false) && o->account->limited()) claim_in_flight(*o, &p, true);
    }
    if (removed != 0 && c_.table->find(removed) == nullptr) {  // else when it is closed
      std::optional<format::object_value> v;
      const bool known = c_.apply->load(removed, v).ready() && v;
      FURROW_ASSERT(known);  // it was changed just now
      c_.reclaim->drop_object(removed, v->collection);
    }
  }
  take_back(p, std::move(bodies));
  finish(p, {}, sequence);
}

void publisher::doom_followers(publication& p) {
  if (std::exchange(p.followers_doomed, true)) return;
  std::vector<publication*> doomed;
  for (const publication_step& s : p.steps) {
    const end_change end = end_change_of(s);
    if (end.object == nullptr) continue;
    object_state& o = *end.object;
    for (auto it = std::next(std::find(o.queue.begin(), o.queue.end(), &p)); it != o.queue.end(); ++it) {
      publication& q = **it;
      const bool builds = std::any_of(q.steps.begin(), q.steps.end(),
                                      [&o](const publication_step& x) { return end_change_of(x).object == &o; });
      if (!builds || q.error) continue;
      q.error = c_.latch ? c_.latch : errc::predecessor_failed;
      q.detail.object = o.id;
      doomed.push_back(&q);
    }
  }
  for (publication* q : doomed) doom_followers(*q);
  for (const publication_step& s : p.steps) {
    if (const end_change end = end_change_of(s); end.object != nullptr) end.object->reserved = *end.before;  // P3
    if (object_state* const o = fenced_by(s)) o->reserved_fence = fence_in_flight(*o);
  }
}

void publisher::fail(publication& p) {
  doom_followers(p);
  for (const publication_step& s : p.steps) {
    const ordered_extent_ptr* e = extent_of(s);
    if (e == nullptr) continue;
    let_go(s, **e);
  }
  const error_code ec = p.error;
  finish(p, ec, 0);
}

void publisher::finish(publication& p, error_code ec, std::uint64_t sequence) {
  for (object_state* o : p.objects) {
    FURROW_ASSERT(o->queue.front() == &p);
    o->queue.pop_front();
    ++o->finished;
    ++o->users;
  }
  live_.erase(live_.iterator_to(p));
  c_.to_journal_bytes -= p.record_bytes;
  std::unique_ptr<publication> gone{&p};
  if (p.is_next) std::replace(next_.begin(), next_.end(), &p, static_cast<publication*>(nullptr));
  p.done(ec, sequence, p.detail);
  for (object_state* o : p.objects)
    if (!o->queue.empty()) queue(*o->queue.front());
  drain();
  for (object_state* o : p.objects) c_.table->unuse(*o);
  recycle(std::move(gone));
}

void publisher::wake(object_state& o) {
  if (o.queue.empty()) return;
  queue(*o.queue.front());
  drain();
}

void publisher::queue(publication& p) {
  if (std::exchange(p.is_next, true)) return;
  next_.push_back(&p);
}

void publisher::drain() {
  if (std::exchange(draining_, true)) return;
  for (std::size_t i = 0; i < next_.size(); ++i) {
    publication* const p = next_[i];
    if (p == nullptr) continue;
    next_[i] = nullptr;
    p->is_next = false;
    attempt(*p);
  }
  next_.clear();
  draining_ = false;
}

}  // namespace furrow::core
