#include "core/appender.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "core/data_writer.hpp"
#include "core/direct_writer.hpp"
#include "core/extent_source.hpp"
#include "core/journal.hpp"
#include "core/segment_cursor.hpp"
#include "core/space.hpp"
#include "core/splitter.hpp"

namespace furrow::core {

namespace {

/// Nobody is changing the object's end, or waits to (A5).
bool end_is_free(const object_state& o) {
  return o.changing.is_free(o.reserved.bytes / block_bytes, format::object_blocks_max);
}

/// By blocks whose memory and sums are added beside.
[[gnu::always_inline]] inline void grow(publication& p, append_step& s, operation_id id, const append_options& options,
                                        std::uint64_t blocks, std::int64_t now_ns) {
  ordered_extent& e = *s.extent;
  p.appends.push_back({id, {s.after.bytes, blocks * block_bytes, 0}, options.level, nullptr});
  e.blocks += blocks;
  e.blocks_left += blocks;
  e.reserved_blocks += blocks;
  e.pinned.blocks += blocks;
  s.after.bytes += blocks * block_bytes;
  s.modified_ns = std::max(s.modified_ns, options.modified_ns.value_or(now_ns));
  s.object->reserved.bytes = s.after.bytes;
}

}  // namespace

/// An append of several publications is answered once.
struct long_append {
  append_result result;
  std::size_t left = 0;
  error_code error;
  error_detail detail;
};

std::uint64_t appender::extent_blocks_max() const {
  const std::uint64_t by_record = c_.zones.typical_blocks() / 2 * block_bytes / record_bytes_per_block;
  return std::max<std::uint64_t>(1, std::min(c_.options.ordered_extent_bytes_max / block_bytes, by_record));
}

std::uint64_t appender::blocks_for(const object_end& end, std::uint64_t bytes) const {
  return (end.tail.size() + bytes) / block_bytes;
}

error_code appender::check(const object_state& o, const append_options& options) const {
  if (options.expected_offset_bytes && *options.expected_offset_bytes != o.reserved.bytes) return errc::offset_mismatch;
  if (options.fence_epoch && *options.fence_epoch < o.reserved_fence) return errc::fenced;
  return {};
}

void appender::accept(operation_id id, append_request& r) {
  object_state* const o = c_.table->of(r.handle);
  if (o != nullptr && !end_is_free(*o)) return block(id, r, *o, ++arrivals_);
  if (!waiting_.empty() || !try_append(id, r, o)) wait(id, r, ++arrivals_);  // A1
}

bool appender::accept_next(const request& q, const append_request& r) {
  if (r.handle != run_.handle || r.segments.size() != 1) return false;
  const zoned::segment memory = *r.segments.data();
  const std::uint64_t blocks = memory.bytes / block_bytes;
  const append_options& o = r.options;
  const bool alike = o.hint == run_.hint && o.priority == run_.priority && !o.expected_offset_bytes && !o.fence_epoch;
  const bool whole = blocks != 0 && memory.bytes % block_bytes == 0 &&
                     reinterpret_cast<std::uintptr_t>(memory.data) % c_.promises.memory_alignment_bytes == 0;
  if (!alike || !whole || blocks > run_.blocks_left || run_.segments_left == 0) return false;
  if (!c_.data->reserve_known(blocks)) return false;
  run_.blocks_left -= blocks;
  --run_.segments_left;
  c_.now_ns = q.now_ns;
  ++c_.stats.appends;
  c_.stats.append_bytes += memory.bytes;
  grow(*run_.to, *run_.step, q.id, o, blocks, q.now_ns);
  ordered_extent& e = *run_.step->extent;
  e.source.push_back(memory);
  if (!c_.keeps_sums()) return true;
  for (std::uint64_t b = 0; b < blocks; ++b)
    e.sums.push_back(format::crc32c({memory.data + b * block_bytes, block_bytes}));
  return true;
}

void appender::begin_run(const append_request& last) {
  if (joined_ == nullptr || !idle() || !c_.data->room_is_known()) return;
  auto& s = std::get<append_step>(joined_->steps.front());
  if (s.object->promised_blocks != 0 || s.object->account->limited()) return;
  run_ = {last.handle,
          joined_,
          &s,
          joined_blocks_max_ - s.extent->blocks,
          c_.promises.segments_max - s.extent->source.size(),
          last.options.hint,
          last.options.priority};
}

/// Behind those that came before it: who was blocked may be older than others that wait.
void appender::wait(operation_id id, append_request& r, arrival arrived) {
  const auto at =
      std::find_if(waiting_.rbegin(), waiting_.rend(), [&](const waiting& w) { return w.arrived < arrived; });
  waiting_.insert(at.base(), {id, std::move(r), arrived});
}

appender::~appender() {
  std::vector<range_lock::ticket*> ignored;
  for (blocked& b : blocked_)
    if (b.ticket.held || b.ticket.waits) b.object->changing.release(b.ticket, ignored);
}

void appender::block(operation_id id, append_request& r, object_state& o, arrival arrived) {
  const auto it = blocked_.emplace(blocked_.end());
  it->id = id;
  it->what = std::move(r);
  it->arrived = arrived;
  it->object = &o;
  ++o.users;
  if (c_.direct->hold_end(o, it->ticket, [this, it] { unblock(it); })) unblock(it);
}

void appender::unblock(std::list<blocked>::iterator it) {
  object_state& o = *it->object;
  const operation_id id = it->id;
  const arrival arrived = it->arrived;
  append_request r = std::move(it->what);
  const bool is_next = waiting_.empty() || arrived < waiting_.front().arrived;
  const bool taken = is_next && try_append(id, r, c_.table->of(r.handle));
  c_.direct->release(o, it->ticket);  // whoever is next changes the end from now on
  blocked_.erase(it);
  if (!taken) wait(id, r, arrived);
  c_.table->unuse(o);
}

void appender::accept(operation_id id, batch_request r) {
  if (!waiting_.empty() || !try_batch(id, r)) waiting_.push_back({id, std::move(r), ++arrivals_});
}

void appender::step() {
  constexpr std::size_t passed_max = 256;  // a turn's work is bounded
  std::vector<const collection_account*> full, its;
  for (std::size_t i = 0; i < std::min(waiting_.size(), passed_max);) {  // what is tried may add to them
    waiting& w = waiting_[i];
    const bool passes = list_accounts(w, its);
    if (!full.empty() && !passes) return;
    bool stays = std::find_first_of(its.begin(), its.end(), full.begin(), full.end()) != its.end();
    if (!stays && !std::visit([&](auto& r) { return retry(w.id, r, w.arrived); }, w.what)) {
      if (!lacks_quota_ || !passes) return;
      stays = true;
    }
    if (!stays) {
      waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    for (const collection_account* a : its)
      if (std::find(full.begin(), full.end(), a) == full.end()) full.push_back(a);
    ++i;
  }
}

bool appender::list_accounts(const waiting& w, std::vector<const collection_account*>& to) const {
  to.clear();
  const auto add = [&](handle_id h) {
    if (const object_state* o = h.value != 0 ? c_.table->of(h) : nullptr) to.push_back(o->account);
  };
  if (const auto* a = std::get_if<append_request>(&w.what)) {
    add(a->handle);
    return true;
  }
  for (const batch_request::member& m : std::get<batch_request>(w.what).members) {
    if (const auto* a = std::get_if<batch_request::append>(&m))
      add(a->handle);
    else if (const auto* made = std::get_if<batch_request::create>(&m))
      to.push_back(&c_.collections.of(made->options.collection));
    else
      return false;
  }
  return true;
}

bool appender::retry(operation_id id, append_request& r, arrival arrived) {
  object_state* const o = c_.table->of(r.handle);
  if (o == nullptr || end_is_free(*o)) return try_append(id, r, o);
  block(id, r, *o, arrived);
  return true;
}

bool appender::uses(handle_id h) const {
  const auto names = [h](const batch_request::member& m) {
    const auto* a = std::get_if<batch_request::append>(&m);
    const auto* s = std::get_if<set_attributes_request>(&m);
    return (a != nullptr && a->handle == h) || (s != nullptr && s->handle == h);
  };
  if (std::any_of(blocked_.begin(), blocked_.end(), [h](const blocked& b) { return b.what.handle == h; })) return true;
  return std::any_of(waiting_.begin(), waiting_.end(), [&](const waiting& w) {
    if (const auto* a = std::get_if<append_request>(&w.what)) return a->handle == h;
    const auto& members = std::get<batch_request>(w.what).members;
    return std::any_of(members.begin(), members.end(), names);
  });
}

bool appender::cancel(operation_id id, error_code reason) {
  const auto b = std::find_if(blocked_.begin(), blocked_.end(), [id](const blocked& x) { return x.id == id; });
  if (b != blocked_.end()) {
    if (b->ticket.held) return false;  // its turn has come
    object_state& o = *b->object;
    c_.direct->release(o, b->ticket);
    blocked_.erase(b);
    c_.answer(id, reason);
    c_.table->unuse(o);
    return true;
  }
  const auto it = std::find_if(waiting_.begin(), waiting_.end(), [id](const waiting& w) { return w.id == id; });
  if (it == waiting_.end()) return false;
  waiting_.erase(it);
  c_.answer(id, reason);
  return true;
}

void appender::answer_when(operation_id id, durability level, std::uint64_t sequence, const append_result& result) {
  if (level == durability::written) return c_.out.add({id, result, false});
  c_.log->answer_when_durable(sequence, id, result);
}

bool appender::try_append(operation_id id, append_request& r, object_state* o) {
  const bool checked = o != nullptr && !c_.latch && !r.options.expected_offset_bytes && !r.options.fence_epoch;
  if (!checked && refused(id, r, o)) return true;
  const std::uint64_t bytes = zoned::total_bytes(r.segments);
  if (bytes == 0) {
    answer_when(id, r.options.level, c_.sequence, append_result{o->reserved.bytes, 0, c_.sequence});
    return true;
  }
  const std::uint64_t blocks = blocks_for(o->reserved, bytes);
  claims_ = o->account->limited();
  lacks_quota_ = false;
  if (claims_) {
    const claim_answer a = collection_table::ask(*o->account, collection_table::beyond_promise(*o, blocks));
    lacks_quota_ = a == claim_answer::later;
    if (a != claim_answer::fits) return a == claim_answer::exceeded && no_quota(id, *o, blocks);
  }
  if (!reserve_for(c_, *o, blocks)) return !c_.data->more_coming_for(blocks) && no_space(id, *o, blocks);
  if (claims_) collection_table::claim(*o, blocks);
  ++c_.stats.appends;
  c_.stats.append_bytes += bytes;
  if (publication* p = joinable(*o, r, bytes)) {
    join(*p, id, r, blocks);
    return true;
  }
  start(*o, id, r, blocks);
  return true;
}

bool appender::refused(operation_id id, const append_request& r, const object_state* o) {
  const error_code ec = o == nullptr ? error_code{errc::closed} : c_.latch ? c_.latch : check(*o, r.options);
  if (!ec) return false;
  error_detail detail;
  if (o != nullptr) detail = {.object = o->id, .offset_bytes = o->reserved.bytes};
  c_.answer(id, ec, {}, std::move(detail));
  return true;
}

bool appender::no_space(operation_id id, const object_state& o, std::uint64_t blocks) {
  c_.answer(id, errc::no_space, {}, no_space_detail(c_, o.id, blocks));
  return true;
}

bool appender::no_quota(operation_id id, const object_state& o, std::uint64_t blocks) {
  c_.answer(id, errc::quota_exceeded, {}, collection_table::detail_of(*o.account, o.id, blocks));
  return true;
}

void appender::start(object_state& o, operation_id id, const append_request& r, std::uint64_t blocks) {
  const bool raises = r.options.fence_epoch && *r.options.fence_epoch > o.reserved_fence;
  const durability level = raises ? durability::durable : r.options.level;
  segment_cursor from{r.segments};
  const append_result result{o.reserved.bytes, from.left(), 0};
  std::shared_ptr<long_append> whole;
  if (blocks > extent_blocks_max()) whole = std::make_shared<long_append>(long_append{.result = result});
  joined_blocks_max_ = std::min(extent_blocks_max(), c_.append_blocks_max());
  FURROW_ASSERT(entered_.empty());
  do {
    std::unique_ptr<publication> p = c_.publish_queue->make();
    next_step(o, from, blocks, r.options, p->steps);
    p->objects.push_back(&o);
    p->appends.push_back({id, result, level, whole});
    p->done = [this, at = p.get()](error_code failed, std::uint64_t sequence, const error_detail& detail) {
      answer_all(*at, failed, sequence, detail);
    };
    if (whole) ++whole->left;
    entered_.push_back(&c_.publish_queue->enter(std::move(p)));
  } while (blocks > 0);
  o.reserved_fence = std::max(o.reserved_fence, r.options.fence_epoch.value_or(0));
  for (publication* p : entered_) submit(*p);
  entered_.clear();
}

void appender::answer_all(publication& p, error_code failed, std::uint64_t sequence, const error_detail& detail) {
  for (append_part& a : p.appends) {
    a.result.sequence = sequence;
    if (!a.of) {
      if (failed)
        c_.answer(a.id, failed, a.result, detail);
      else
        answer_when(a.id, a.level, sequence, a.result);
      continue;
    }
    long_append& whole = *a.of;
    if (failed && !whole.error) {
      whole.error = failed;
      whole.detail = detail;
    }
    whole.result.sequence = std::max(whole.result.sequence, sequence);
    if (--whole.left > 0) continue;
    if (whole.error)
      c_.answer(a.id, whole.error, whole.result, whole.detail);
    else
      answer_when(a.id, a.level, whole.result.sequence, whole.result);
  }
}

publication* appender::joinable(const object_state& o, const append_request& r, std::uint64_t bytes) const {
  if (o.queue.empty() || bytes % block_bytes != 0 || r.options.fence_epoch) return nullptr;
  publication& p = *o.queue.back();
  if (p.appends.empty() || p.appends.front().of || p.error) return nullptr;
  const auto& s = std::get<append_step>(p.steps.front());
  if (!s.extent || s.extent->begun || !s.after.tail.empty()) return nullptr;
  const ordered_extent& e = *s.extent;
  const bool alike = e.cls == class_of(r.options.hint) && e.urgent == (r.options.priority == priority::high);
  const bool fits = e.blocks + bytes / block_bytes <= joined_blocks_max_ &&
                    e.source.size() + r.segments.size() <= c_.promises.segments_max;
  return alike && fits && usable_uncopied(r.segments, c_) ? &p : nullptr;
}

void appender::join(publication& p, operation_id id, const append_request& r, std::uint64_t blocks) {
  append_step& s = std::get<append_step>(p.steps.front());
  const std::size_t first_segment = s.extent->source.size();
  for (const zoned::segment& more : r.segments)
    if (more.bytes > 0) s.extent->source.push_back(more);
  if (claims_) s.extent->claimed_blocks += blocks;
  grow(p, s, id, r.options, blocks, c_.now_ns);
  add_sums(c_, *s.extent, first_segment, blocks);
  joined_ = &p;
}

void appender::submit(publication& p) {
  if (p.extents_left == 0) return c_.publish_queue->start(p);
  for (publication_step& s : p.steps)
    if (auto* a = std::get_if<append_step>(&s); a != nullptr && a->extent) c_.data->submit(*a->extent);
}

void appender::next_step(object_state& o, segment_cursor& from, std::uint64_t& blocks, const append_options& options,
                         std::vector<publication_step>& to) {
  append_step& s = std::get<append_step>(to.emplace_back(std::in_place_type<append_step>));
  s.object = &o;
  s.before = o.reserved;
  s.fence_epoch = options.fence_epoch.value_or(0);
  s.modified_ns = options.modified_ns.value_or(c_.now_ns);
  const std::uint64_t part = std::min(blocks, extent_blocks_max());
  blocks -= part;
  if (part > 0) {
    s.extent = make_extent(s.before, from, part);
    if (claims_) s.extent->claimed_blocks = part;
    s.extent->cls = class_of(options.hint);
    s.extent->urgent = options.priority == priority::high;
    o.reserved.bytes = s.before.bytes - s.before.tail.size() + part * block_bytes;
    o.reserved.tail.clear();
    ++o.reserved.tail_epoch;
  }
  if (const std::uint64_t more = from.left(); blocks == 0 && more > 0) {
    const std::size_t kept = o.reserved.tail.size();
    o.reserved.tail.resize(kept + more);
    from.copy(std::span{o.reserved.tail}.subspan(kept));
    o.reserved.bytes += more;
  }
  s.after = o.reserved;
}

ordered_extent_ptr appender::make_extent(const object_end& base, segment_cursor& from, std::uint64_t blocks) {
  ordered_extent_ptr e = c_.extents.make();
  const std::size_t tail_bytes = base.tail.size();
  e->object_block = (base.bytes - tail_bytes) / block_bytes;
  e->blocks = e->blocks_left = e->reserved_blocks = blocks;
  e->pinned = {e->object_block, blocks, {reservation_}};
  reservation_ += std::max(blocks, c_.append_blocks_max());  // it may grow (A4)
  if (tail_bytes == 0) from.peek(blocks * block_bytes, e->source);
  if (tail_bytes == 0 && usable_uncopied(e->source, c_)) {
    from.skip(blocks * block_bytes);
  } else {  // A2
    e->copy = c_.buffers.take(blocks * block_bytes);
    if (tail_bytes != 0) std::memcpy(e->copy.data(), base.tail.data(), tail_bytes);
    from.copy(e->copy.part(tail_bytes, blocks * block_bytes - tail_bytes));
    e->source.clear();
    e->source.push_back({e->copy.data(), blocks * block_bytes});
    c_.stats.copied_bytes += blocks * block_bytes - tail_bytes;
  }
  add_sums(c_, *e, 0, blocks);
  return e;
}

appender::batch_needs appender::check_batch(const batch_request& r) const {
  batch_needs n;
  std::vector<bool> creates(r.members.size());
  for (std::size_t i = 0; i < r.members.size() && !n.error; ++i) {
    n.record_bytes += 256;
    if (const auto* m = std::get_if<batch_request::create>(&r.members[i])) {
      creates[i] = true;
      const attributes& a = m->options.attributes;
      n.record_bytes += m->options.name.size() + a.link_target.size() + a.user.size();
    } else if (const auto* a = std::get_if<batch_request::append>(&r.members[i])) {
      const object_state* o = a->handle.value != 0 ? c_.table->of(a->handle) : nullptr;
      if (a->handle.value != 0 && o == nullptr)
        n.error = errc::closed;
      else if (a->handle.value == 0 && (a->created >= i || !creates[a->created]))
        n.error = errc::invalid_argument;
      else if (o != nullptr)
        n.error = check(*o, a->options);
      const std::uint64_t bytes = zoned::total_bytes(a->segments);
      n.blocks += (bytes + 2 * block_bytes - 1) / block_bytes;
      n.record_bytes += block_bytes + (bytes / block_bytes + 1) * record_bytes_per_block;
    } else if (const auto* set = std::get_if<set_attributes_request>(&r.members[i])) {
      if (c_.table->of(set->handle) == nullptr) n.error = errc::closed;
      n.record_bytes += format::attribute_blob_bytes_max;
    } else {
      n.record_bytes += format::name_bytes_max;
    }
  }
  if (!n.error &&
      (r.members.size() > batch_members_max || n.record_bytes > c_.zones.typical_blocks() / 2 * block_bytes)) {
    n.error = errc::invalid_argument;
    n.detail.what = "the batch is too large for one group of the journal; make several";
  }
  return n;
}

claim_answer appender::ask_quotas(const batch_request& r, error_detail& detail) const {
  std::map<collection_account*, std::uint64_t> wanted;
  std::map<std::pair<handle_id, std::size_t>, std::uint64_t> tails;  // behind the members before
  for (const batch_request::member& m : r.members) {
    const auto* a = std::get_if<batch_request::append>(&m);
    if (a == nullptr) continue;
    const object_state* o = a->handle.value != 0 ? c_.table->of(a->handle) : nullptr;
    std::uint64_t& tail =
        tails.try_emplace({a->handle, o != nullptr ? 0 : a->created}, o != nullptr ? o->reserved.tail.size() : 0)
            .first->second;
    tail += zoned::total_bytes(a->segments);
    collection_account* account = o != nullptr ? o->account : nullptr;
    if (o == nullptr)
      account = &c_.collections.of(std::get<batch_request::create>(r.members[a->created]).options.collection);
    wanted[account] += tail / block_bytes;
    tail %= block_bytes;
  }
  for (const auto& [account, blocks] : wanted) {
    const claim_answer a = collection_table::ask(*account, blocks);
    if (a == claim_answer::exceeded) detail = collection_table::detail_of(*account, 0, blocks);
    if (a != claim_answer::fits) return a;
  }
  return claim_answer::fits;
}

bool appender::try_batch(operation_id id, batch_request& r) {
  lacks_quota_ = false;
  batch_needs n = c_.latch ? batch_needs{.error = c_.latch} : check_batch(r);
  for (const batch_request::member& m : r.members) {  // A5
    const auto* a = std::get_if<batch_request::append>(&m);
    const object_state* o = a != nullptr && a->handle.value != 0 ? c_.table->of(a->handle) : nullptr;
    if (o != nullptr && !end_is_free(*o)) return false;
  }
  if (!n.error) {
    const claim_answer a = ask_quotas(r, n.detail);
    lacks_quota_ = a == claim_answer::later;
    if (lacks_quota_) return false;
    if (a == claim_answer::exceeded) n.error = errc::quota_exceeded;
  }
  if (!n.error && !c_.data->reserve(n.blocks)) {
    if (c_.data->more_coming_for(n.blocks)) return false;
    n.error = errc::no_space;
    n.detail = no_space_detail(c_, 0, n.blocks);
  }
  if (n.error) {
    c_.answer(id, n.error, {}, std::move(n.detail));
    return true;
  }
  auto p = std::make_unique<publication>();
  auto result = std::make_shared<batch_result>();
  std::vector<object_state*> made(r.members.size(), nullptr);
  result->created.resize(r.members.size());
  result->appended.resize(r.members.size());
  for (std::size_t i = 0; i < r.members.size(); ++i) take_member(r, i, *p, *result, made);
  std::uint64_t used = 0;
  for (const publication_step& s : p->steps)
    if (const auto* a = std::get_if<append_step>(&s); a != nullptr && a->extent) used += a->extent->reserved_blocks;
  c_.data->release(n.blocks - used);
  std::sort(p->objects.begin(), p->objects.end());
  p->objects.erase(std::unique(p->objects.begin(), p->objects.end()), p->objects.end());
  p->done = [this, id, level = r.level, result, made](error_code failed, std::uint64_t sequence,
                                                      const error_detail& d) {
    for (object_state* o : made)
      if (o != nullptr) c_.table->unuse(*o);
    if (failed) return c_.answer(id, failed, {}, d);
    result->sequence = sequence;
    for (append_result& a : result->appended) a.sequence = sequence;
    if (level == durability::written) return c_.answer(id, {}, std::move(*result));
    c_.log->when_durable(sequence, [this, id, result](error_code ec) { c_.answer(id, ec, std::move(*result)); });
  };
  submit(c_.publish_queue->enter(std::move(p)));
  return true;
}

void appender::take_member(batch_request& r, std::size_t index, publication& p, batch_result& result,
                           std::vector<object_state*>& made) {
  auto& m = r.members[index];
  if (auto* create = std::get_if<batch_request::create>(&m)) {
    const object_id fresh = c_.super.next_object++;
    result.created[index] = fresh;
    made[index] = &c_.table->add_new(fresh, create->options.collection);
    p.objects.push_back(made[index]);
    p.steps.emplace_back(create_step{fresh, std::move(create->options)});
  } else if (auto* a = std::get_if<batch_request::append>(&m)) {
    object_state* o = a->handle.value != 0 ? c_.table->of(a->handle) : made[a->created];
    const std::uint64_t bytes = zoned::total_bytes(a->segments);
    result.appended[index] = {o->reserved.bytes, bytes, 0};
    if (bytes == 0) return;
    segment_cursor from{a->segments};
    std::uint64_t blocks = blocks_for(o->reserved, bytes);
    claims_ = o->account->limited();
    if (claims_) collection_table::claim_beside_promise(*o, blocks);  // as a batch takes none of the promised room
    do {
      next_step(*o, from, blocks, a->options, p.steps);
    } while (blocks > 0);
    o->reserved_fence = std::max(o->reserved_fence, a->options.fence_epoch.value_or(0));
    p.objects.push_back(o);
    ++c_.stats.appends;
    c_.stats.append_bytes += bytes;
  } else if (auto* rename = std::get_if<rename_request>(&m)) {
    p.steps.emplace_back(rename_step{std::move(*rename)});
  } else if (auto* remove = std::get_if<remove_request>(&m)) {
    p.steps.emplace_back(remove_step{std::move(*remove)});
  } else if (auto* set = std::get_if<set_attributes_request>(&m)) {
    object_state* o = c_.table->of(set->handle);
    p.objects.push_back(o);
    p.steps.emplace_back(attributes_step{o, std::move(set->to)});
  }
}

}  // namespace furrow::core
