#include "core/direct_writer.hpp"

#include <algorithm>
#include <cstring>

#include "core/appender.hpp"
#include "core/data_writer.hpp"
#include "core/extent_source.hpp"
#include "core/journal.hpp"
#include "core/space.hpp"

namespace furrow::core {

namespace {

constexpr std::uint64_t to_the_end = format::object_blocks_max;

std::uint64_t blocks_up(std::uint64_t bytes) { return (bytes + block_bytes - 1) / block_bytes; }

}  // namespace

bool reserve_for(context& c, object_state& o, std::uint64_t blocks, std::uint64_t* of_promise) {
  const std::uint64_t promised = std::min(o.promised_blocks, blocks);
  if (!c.data->reserve(blocks - promised)) return false;
  o.promised_blocks -= promised;
  if (o.promise_claim_blocks > o.promised_blocks && !o.account->limited()) {  // else what is added takes it over
    collection_table::unclaim(o, o.promise_claim_blocks - o.promised_blocks);
    o.promise_claim_blocks = o.promised_blocks;
  }
  if (of_promise != nullptr) *of_promise = promised;
  return true;
}

direct_writer::~direct_writer() {
  while (!live_.empty()) {
    direct_io& io = live_.front();
    live_.pop_front();
    unlock(io);
    delete &io;
  }
}

void direct_writer::refuse(operation_id id, error_code ec, const object_state* o, const char* what) {
  error_detail detail{.what = what};
  if (o != nullptr) detail.object = o->id;
  c_.answer(id, ec, {}, std::move(detail));
}

error_code direct_writer::check(handle_id h, std::uint64_t first, std::uint64_t bytes, const write_options& options,
                                object_state*& to) const {
  to = c_.table->of(h);
  if (to == nullptr) return errc::closed;
  if (first > format::object_bytes_max - block_bytes || bytes > format::object_bytes_max - block_bytes - first)
    return errc::out_of_range;
  if (options.fence_epoch && *options.fence_epoch < to->reserved_fence) return errc::fenced;
  return {};
}

direct_io& direct_writer::start(operation_id id, direct_io::kind what, object_state& o, std::uint64_t first,
                                std::uint64_t end, const write_options& options) {
  auto* io = new direct_io;
  live_.push_back(*io);
  io->id = id;
  io->what = what;
  io->object = &o;
  io->first_byte = io->position = first;
  io->end_byte = end;
  io->options = options;
  if (!io->options.modified_ns) io->options.modified_ns = c_.now_ns;
  io->result = {first, end - first, c_.sequence};
  ++o.users;
  return *io;
}

void direct_writer::accept(operation_id id, write_request& r) {
  object_state* o = nullptr;
  if (const error_code ec = check(r.handle, r.offset_bytes, r.bytes, r.options, o)) return refuse(id, ec, o);
  direct_io& io = start(id, direct_io::kind::write, *o, r.offset_bytes, r.offset_bytes + r.bytes, r.options);
  io.held = std::move(r.segments);
  io.held_from = r.offset_bytes;
  ++c_.stats.writes;
  c_.stats.write_bytes += r.bytes;
  if (r.bytes == 0) return end(io);
  lock(io);
}

void direct_writer::accept(operation_id id, zero_request& r) {
  object_state* o = nullptr;
  if (const error_code ec = check(r.handle, r.offset_bytes, r.bytes, r.options, o)) return refuse(id, ec, o);
  direct_io& io = start(id, direct_io::kind::zero, *o, r.offset_bytes, r.offset_bytes + r.bytes, r.options);
  io.extends = r.extends;
  if (r.bytes == 0) return end(io);
  lock(io);
}

void direct_writer::accept(operation_id id, truncate_request& r) {
  object_state* o = nullptr;
  if (const error_code ec = check(r.handle, r.bytes, 0, r.options, o)) return refuse(id, ec, o);
  direct_io& io = start(id, direct_io::kind::truncate, *o, r.bytes, r.bytes, r.options);
  o->shortenings.push_back(r.bytes);
  lock(io);
}

void direct_writer::accept(operation_id id, clone_request& r) {
  object_state* o = nullptr;
  object_state* from = nullptr;
  error_code ec = check(r.handle, r.offset_bytes, r.bytes, r.options, o);
  if (!ec && r.source.value == 0)
    return refuse(id, errc::invalid_argument, o, "the source of a clone is an object of the same store");
  if (!ec) ec = check(r.source, r.source_offset_bytes, r.bytes, {}, from);
  if (ec) return refuse(id, ec, o);
  if (r.offset_bytes % block_bytes != 0 || r.source_offset_bytes % block_bytes != 0)
    return refuse(id, errc::invalid_argument, o, "a clone begins on whole blocks of both objects");
  const bool meets =
      from == o && r.offset_bytes < r.source_offset_bytes + r.bytes && r.source_offset_bytes < r.offset_bytes + r.bytes;
  if (meets) return refuse(id, errc::invalid_argument, o, "the two ranges of a clone overlap");
  direct_io& io = start(id, direct_io::kind::clone, *o, r.offset_bytes, r.offset_bytes + r.bytes, r.options);
  io.source = from;
  io.source_byte = r.source_offset_bytes;
  ++from->users;
  if (r.bytes == 0) return end(io);
  lock(io);
}

void direct_writer::later(std::function<void()> call) {
  ready_.push_back(std::move(call));
  ++progress_;
}

bool direct_writer::hold_end(object_state& o, range_lock::ticket& t, std::function<void()> call) {
  t.granted = std::move(call);
  return o.changing.acquire(t, o.lowest_end() / block_bytes, to_the_end);
}

void direct_writer::release(object_state& o, range_lock::ticket& t) {
  if (!t.held && !t.waits) return;
  std::vector<range_lock::ticket*> now_held;
  o.changing.release(t, now_held);
  for (range_lock::ticket* w : now_held) later([w] { w->granted(); });
}

/// A range that may move the end, wherever that is when its turn comes, holds all behind it (W3).
void direct_writer::lock(direct_io& io) {
  io.now = direct_io::state::locking;
  io.drained = false;
  io.replaced = io.shared = {};
  for (direct_io::old_block& o : io.old) c_.buffers.give(std::move(o.bytes));
  io.old.clear();
  const end_shape now{io.object->lowest_end()};
  const bool moves = io.what == direct_io::kind::truncate || io.end_byte > now.tail_begin();
  std::uint64_t first = std::min(io.first_byte, moves ? now.bytes : io.first_byte) / block_bytes;
  std::uint64_t end = moves ? to_the_end : std::max(blocks_up(io.end_byte), first + 1);
  io.holds_wanted = 1;
  if (io.source != nullptr) {
    const std::uint64_t source_first = io.source_byte / block_bytes;
    const std::uint64_t source_end = blocks_up(io.source_byte + (io.end_byte - io.first_byte));
    if (io.source == io.object) {  // one range for both
      first = std::min(first, source_first);
      end = std::max(end, source_end * block_bytes > now.tail_begin() ? to_the_end : source_end);
    } else {
      io.holds_wanted = 2;
      direct_io::hold& h = io.holds[1];
      h.of = io.source;
      h.first = source_first;
      h.end = source_end * block_bytes > end_shape{io.source->lowest_end()}.tail_begin() ? to_the_end : source_end;
    }
  }
  direct_io::hold& h = io.holds[0];
  h.of = io.object;
  h.first = first;
  h.end = end;
  // Both objects are asked for at once: each waits only for what came before it, so that no two wait for each other.
  io.holds_left = 1;
  for (io.holds_asked = 0; io.holds_asked < io.holds_wanted; ++io.holds_asked) {
    direct_io::hold& wanted = io.holds[io.holds_asked];
    wanted.ticket.granted = [this, &io] { held(io); };
    if (!wanted.of->changing.acquire(wanted.ticket, wanted.first, wanted.end)) ++io.holds_left;
  }
  held(io);
}

void direct_writer::held(direct_io& io) {
  if (--io.holds_left == 0) advance(io);
}

void direct_writer::unlock(direct_io& io) {
  for (std::size_t i = io.holds_asked; i-- > 0;) release(*io.holds[i].of, io.holds[i].ticket);
  io.holds_asked = 0;
}

bool direct_writer::holds_end(const direct_io& io) {
  return std::any_of(io.holds.begin(), io.holds.begin() + static_cast<std::ptrdiff_t>(io.holds_wanted),
                     [&io](const direct_io::hold& h) { return h.of == io.object && h.end == to_the_end; });
}

void direct_writer::advance(direct_io& io) {
  for (;;) {
    io.now = direct_io::state::planning;
    if (!io.error && c_.latch) io.error = c_.latch;
    const bool is_write = io.what == direct_io::kind::write;
    const bool all = is_write ? io.position == io.end_byte : io.made;
    if (!io.error && !all && io.options.fence_epoch && *io.options.fence_epoch < io.object->reserved_fence)
      io.error = errc::fenced;  // since it was accepted
    std::uint64_t end_byte = 0;
    const direct_plan p = plan(io, end_byte);
    const bool lacks_source = is_write && !all && !io.fresh && held_end(io, end_byte) <= io.position;
    const bool lacks_hold = p.sets_end && !holds_end(io);  // the object has become shorter meanwhile
    if (io.error || all || lacks_source || lacks_hold) {
      if (io.in_flight > 0) {
        io.now = direct_io::state::submitted;
        return;
      }
      if (io.error || all) return end(io);
      if (lacks_source) return fetch(io);
      unlock(io);
      return lock(io);
    }
    if (io.in_flight > 0 && journal_lags()) {          // W7
      if (roomless_ == &io) return wait_for_room(io);  // where it was, W6
      io.now = direct_io::state::submitted;
      return;
    }
    if (!have_old(io, p) || !take_claim(io, p) || !take_room(io, p)) return;
    switch (io.what) {
      case direct_io::kind::write:
        attempt_write(io, p, end_byte);
        break;
      case direct_io::kind::zero:
        attempt_zero(io, p, io.first_byte);
        break;
      case direct_io::kind::truncate:
        attempt_truncate(io, p);
        break;
      case direct_io::kind::clone:
        attempt_clone(io, p);
        break;
    }
  }
}

/// Room that an attempt took and does not use; what was promised is promised again.
void direct_writer::give_back(direct_io& io, std::uint64_t blocks) {
  const std::uint64_t promised = io.object->handles > 0 ? std::min(blocks, io.of_promise) : 0;
  io.of_promise -= promised;
  io.object->promised_blocks += promised;
  c_.data->release(blocks - promised);
}

void direct_writer::fetch(direct_io& io) {
  io.now = direct_io::state::fetching;
  set_loose(io, false);      // that may last
  FURROW_ASSERT(!io.stash);  // W1
  c_.answer(io.id, {}, source_need{io.position - io.first_byte});
}

direct_plan direct_writer::plan(const direct_io& io, std::uint64_t& end_byte) const {
  const end_shape now{io.object->reserved.bytes};
  end_byte = io.end_byte;
  switch (io.what) {
    case direct_io::kind::write: {
      const std::uint64_t most = c_.append->extent_blocks_max() * block_bytes;
      end_byte = std::min(io.end_byte, io.position / block_bytes * block_bytes + most);
      return plan_write(now, io.position, end_byte);
    }
    case direct_io::kind::zero:
      return plan_zero(now, io.position, io.end_byte, io.extends);
    case direct_io::kind::truncate:
      return io.end_byte < now.bytes ? plan_truncate(now, io.end_byte) : plan_zero(now, now.bytes, io.end_byte, true);
    case direct_io::kind::clone:
      return plan_clone(now, io.position, io.end_byte);
  }
  FURROW_UNREACHABLE();
}

bool direct_writer::have_old(direct_io& io, const direct_plan& p) {
  std::vector<std::uint64_t> missing;
  for (const auto& block : {p.head, p.last, p.cut}) {
    if (!block) continue;
    const bool known = std::any_of(io.old.begin(), io.old.end(),
                                   [&block](const direct_io::old_block& o) { return o.block == *block; }) ||
                       std::find(missing.begin(), missing.end(), *block) != missing.end();
    if (!known) missing.push_back(*block);
  }
  if (missing.empty() && (io.drained || io.what != direct_io::kind::clone)) return true;
  if (!drain(io)) return false;
  if (missing.empty()) return true;
  read_old(io, std::move(missing));
  return false;
}

bool direct_writer::drain(direct_io& io) {
  if (std::exchange(io.drained, true)) return true;  // W4
  io.barrier = io.object->entered;
  io.source_barrier = io.source != nullptr ? io.source->entered : 0;
  if (is_drained(io)) return true;
  io.now = direct_io::state::draining;
  draining_.push_back(&io);
  return false;
}

bool direct_writer::is_drained(const direct_io& io) {
  return io.object->finished >= io.barrier && (io.source == nullptr || io.source->finished >= io.source_barrier);
}

void direct_writer::read_old(direct_io& io, const std::vector<std::uint64_t>& blocks) {
  io.now = direct_io::state::reading;
  range_list ranges;
  for (const std::uint64_t block : blocks) {
    io.old.push_back({block, c_.buffers.take(block_bytes)});
    ranges.push_back({block * block_bytes, io.old.back().bytes.part(0, block_bytes)});
    ++c_.stats.edge_reads;
  }
  reader_.read(*io.object, std::move(ranges), [this, &io](error_code ec, const error_detail& d) {
    if (ec && !io.error) {
      io.error = ec;
      io.detail = d;
    }
    later([this, &io] { advance(io); });
  });
}

bool direct_writer::journal_lags() const { return c_.to_journal_bytes >= c_.log->lag_bytes_max(); }

bool direct_writer::take_room(direct_io& io, const direct_plan& p) {
  const std::uint64_t blocks = p.blocks();
  io.of_promise = 0;
  const bool is_next = rooms_.empty() || roomless_ == &io || blocks <= io.object->promised_blocks;  // W6
  if (blocks == 0 || (is_next && reserve_for(c_, *io.object, blocks, &io.of_promise))) return true;
  if (!is_next || c_.data->more_coming_for(blocks) || io.in_flight > 0) {
    wait_for_room(io);
    return false;
  }
  io.error = errc::no_space;
  io.detail = no_space_detail(c_, io.object->id, blocks);
  io.detail.offset_bytes = io.position;
  end(io);
  return false;
}

void direct_writer::wait_for_room(direct_io& io) {
  io.now = direct_io::state::room;
  rooms_.push_back(&io);
}

void direct_writer::accept(source_request& r) {
  const auto it = std::find_if(live_.begin(), live_.end(), [&r](const direct_io& io) {
    return io.id == r.target && io.now == direct_io::state::fetching;
  });
  if (it == live_.end()) return;
  direct_io& io = *it;
  io.held = std::move(r.segments);
  io.held_from = io.position;
  io.fresh = true;
  set_loose(io, true);
  if (r.copied) c_.stats.bounced_bytes += zoned::total_bytes(io.held);
  if (r.error) {
    io.error = r.error;
    io.detail = {.object = io.object->id, .offset_bytes = io.position, .bytes = io.end_byte - io.position};
  }
  advance(io);
}

bool direct_writer::cancel(operation_id id, error_code reason) {
  const auto it = std::find_if(live_.begin(), live_.end(), [id](const direct_io& io) { return io.id == id; });
  if (it == live_.end() || it->in_flight > 0) return false;
  direct_io& io = *it;
  const auto tickets_waiting =
      std::count_if(io.holds.begin(), io.holds.begin() + static_cast<std::ptrdiff_t>(io.holds_asked),
                    [](const direct_io::hold& h) { return h.ticket.waits; });
  const bool waits =
      io.now == direct_io::state::draining || io.now == direct_io::state::room ||
      io.now == direct_io::state::fetching ||
      (io.now == direct_io::state::locking && static_cast<std::size_t>(tickets_waiting) == io.holds_left);
  if (!waits) return false;
  std::erase(draining_, &io);
  std::erase(rooms_, &io);
  io.error = reason;
  end(io);
  return true;
}

void direct_writer::step() {
  while (!ready_.empty()) {
    const auto call = std::move(ready_.front());
    ready_.pop_front();
    call();
  }
  for (std::size_t i = 0; i < draining_.size();) {
    direct_io* const io = draining_[i];
    if (!is_drained(*io)) {
      ++i;
      continue;
    }
    draining_.erase(draining_.begin() + static_cast<std::ptrdiff_t>(i));
    ++progress_;
    advance(*io);
  }
  std::vector<direct_io*> for_quota;  // they keep nobody from room, as it may be for him that they wait
  while (!rooms_.empty()) {
    direct_io* const io = rooms_.front();
    rooms_.pop_front();
    roomless_ = io;
    advance(*io);
    roomless_ = nullptr;
    if (rooms_.empty() || rooms_.back() != io) continue;
    rooms_.pop_back();
    if (!io->weighed) {
      for_quota.push_back(io);
      continue;
    }
    rooms_.push_front(io);  // no room yet: it stays the first
    break;
  }
  if (!for_quota.empty()) rooms_.insert(rooms_.begin(), for_quota.begin(), for_quota.end());
}

void direct_writer::submit(direct_io& io, std::unique_ptr<publication> p, std::uint64_t bytes) {
  object_state& o = *io.object;
  for (const publication_step& s : p->steps) {
    if (const auto* e = std::get_if<edit_step>(&s); e != nullptr && e->sets_end) o.reserved = e->after;
    if (const auto* k = std::get_if<clone_step>(&s); k != nullptr && k->sets_end) o.reserved = k->after;
  }
  o.reserved_fence = std::max(o.reserved_fence, io.options.fence_epoch.value_or(0));
  p->objects.push_back(&o);
  if (io.source != nullptr && io.source != &o) p->objects.push_back(io.source);
  p->done = [this, &io](error_code ec, std::uint64_t sequence, const error_detail& d) {
    attempt_done(io, ec, sequence, d);
  };
  p->claim_blocks = &io.claim_blocks;  // its object may come under a quota before it is published
  ++io.in_flight;
  io.position += bytes;
  publication& entered = c_.publish_queue->enter(std::move(p));
  if (entered.extents_left == 0) return c_.publish_queue->start(entered);
  for (publication_step& s : entered.steps)
    if (auto* e = std::get_if<edit_step>(&s); e != nullptr && e->extent) c_.data->submit(*e->extent);
}

void direct_writer::attempt_done(direct_io& io, error_code ec, std::uint64_t sequence, const error_detail& d) {
  --io.in_flight;
  if (ec && !io.error && !c_.debug_no_split) {
    io.error = ec;
    io.detail = d;
  }
  io.result.sequence = std::max(io.result.sequence, sequence);
  if (io.in_flight > 0) return;
  if (io.now == direct_io::state::submitted)
    later([this, &io] { advance(io); });
  else
    ++progress_;  // it may have waited for room only because others were in flight
}

void direct_writer::end(direct_io& io) {
  FURROW_ASSERT(!io.stash && io.in_flight == 0);
  end_claim(io);
  live_.erase(live_.iterator_to(io));
  const std::unique_ptr<direct_io> gone{&io};
  if (roomless_ == &io) roomless_ = nullptr;
  if (io.what == direct_io::kind::truncate) {
    auto& all = io.object->shortenings;
    all.erase(std::find(all.begin(), all.end(), io.end_byte));
  }
  unlock(io);
  for (direct_io::old_block& o : io.old) c_.buffers.give(std::move(o.bytes));
  result_body result = io.result;
  if (io.what != direct_io::kind::write) result = sequence_result{io.result.sequence};
  const bool raises = io.options.fence_epoch.has_value();
  if (io.error || (io.options.level == durability::written && !raises)) {
    c_.answer(io.id, io.error, std::move(result), std::move(io.detail));
  } else {
    c_.log->when_durable(io.result.sequence,
                         [this, id = io.id, result = std::move(result)](error_code ec) { c_.answer(id, ec, result); });
  }
  c_.table->unuse(*io.object);
  if (io.source != nullptr) c_.table->unuse(*io.source);
}

}  // namespace furrow::core
