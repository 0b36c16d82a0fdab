#include "core/journal.hpp"

#include <algorithm>

#include "core/canary.hpp"
#include "core/checkpoint.hpp"
#include "core/reclaimer.hpp"
#include "core/zone_opener.hpp"
#include "format/zone_header.hpp"

namespace furrow::core {

namespace {

constexpr std::uint32_t attempts_max = 16;  // where each fifth command is cut off, eight in a row are met
constexpr std::size_t spare_max = 1024;
enum tag : std::uint64_t { tag_flush = 1, tag_part, tag_header, tag_reset, tag_header_flush };

}  // namespace

void journal::start(zone_state* zone, zone_state* next, std::uint64_t next_group,
                    const format::checksum_field& previous, std::uint64_t ordinal) {
  zone_ = zone;
  next_ = next;
  number_ = next_group;
  previous_ = previous;
  ordinal_ = ordinal;
  end_block_ = zone != nullptr ? zone->next_block : 0;
  durable_ = c_.sequence;
}

void journal::add(std::uint64_t sequence, const std::vector<format::record_body>& bodies) {
  publication p{sequence, static_cast<std::uint32_t>(bodies.size()), {}};
  if (!spare_.empty()) {
    p.bytes = std::move(spare_.back());
    spare_.pop_back();
  }
  if (bodies.size() > 1) {
    format::encode({sequence, format::batch_begin_record{p.records}}, p.bytes);
    p.records += 2;
  }
  for (const format::record_body& b : bodies) format::encode(sequence, b, p.bytes);
  if (bodies.size() > 1) format::encode({sequence, format::batch_end_record{}}, p.bytes);
  pending_bytes_ += p.bytes.size();
  c_.to_journal_bytes += p.bytes.size();
  c_.stats.records += p.records;
  pending_.push_back(std::move(p));
  if (FURROW_CANARY_SINGS(order_swapped) && pending_.size() > cut_count_ + 1)
    std::swap(pending_[pending_.size() - 1].bytes, pending_[pending_.size() - 2].bytes);
}

void journal::when_durable(std::uint64_t sequence, std::function<void(error_code)> call) {
  if (sequence <= durable_) return call({});
  if (c_.latch) return call(c_.latch);
  wanted_ = std::max(wanted_, sequence);
  waiters_.emplace(sequence, std::move(call));
}

void journal::answer_when_durable(std::uint64_t sequence, operation_id id, const append_result& result) {
  if (sequence <= durable_ || c_.latch) return c_.answer(id, sequence <= durable_ ? error_code{} : c_.latch, result);
  wanted_ = std::max(wanted_, sequence);
  FURROW_ASSERT(append_waiters_.empty() || append_waiters_.back().sequence <= sequence);
  append_waiters_.push_back({sequence, id, result});
}

void journal::when_cut(std::function<void(error_code, const format::journal_head&)> call) {
  FURROW_ASSERT(!cut_call_);
  if (c_.latch) return call(c_.latch, {});
  const bool settled = durable_ >= c_.sequence && state_ == state::idle;
  if (settled && zone_ != nullptr) return call({}, position());
  boundary_ = c_.sequence;
  wanted_ = std::max(wanted_, boundary_);
  cut_call_ = std::move(call);
  if (settled) open_next();  // the zone was left: the log goes on at the start of the next one
}

format::journal_head journal::position() const {
  format::journal_head head;
  head.zone = zone_->device.index;
  head.zone_generation = zone_->generation;
  head.zone_ordinal = ordinal_;
  head.block = end_block_;
  head.group = number_;
  head.previous = previous_;
  return head;
}

std::uint32_t journal::credit_kept() const {
  if (c_.zones.confined() || (zone_ != nullptr && zone_->life == zone_life::open && !zone_->conventional())) return 0;
  return next_ != nullptr && next_->conventional() ? 0 : 1;
}

bool journal::reserve_next() {
  if (next_ != nullptr) return true;
  next_ = c_.zones.pick_metadata();
  if (next_ == nullptr) return false;
  c_.zones.set_life(*next_, zone_life::reserved);
  return true;
}

void journal::step() {
  if (c_.latch) return fail_waiters();
  if (state_ == state::idle && zone_ == nullptr && cut_call_ && pending_.empty()) return open_next();
  if (state_ == state::waiting) return write_group();
  if (state_ != state::idle || pending_.empty()) return;
  if (wanted_ <= durable_ && pending_bytes_ < std::min(c_.options.journal_group_bytes, lag_bytes_max())) return;
  begin();
}

void journal::begin() {
  cut_count_ = pending_.size();  // I1
  if (!c_.promises.volatile_cache || FURROW_CANARY_SINGS(group_before_flush)) return write_group();
  state_ = state::pre_flush;
  ++c_.stats.flushes;
  c_.io.submit({.op = zoned::opcode::flush}, *this, tag_flush);
}

void journal::write_group() {
  if (cut_count_ == 0) {
    state_ = state::idle;
    return cut_if_durable();
  }
  if (std::exchange(left_, false)) zone_ = nullptr;
  if (zone_ == nullptr || zone_->room_blocks() == 0) return open_next();
  state_ = state::waiting;
  if (!c_.takes_write(*zone_) || c_.checkpoint->pads(*zone_)) return;  // pages share the zone; step() comes again
  state_ = state::writing;
  const std::uint64_t room = zone_->room_blocks();
  const std::uint64_t target = std::min<std::uint64_t>(room, group_bytes_aim / block_bytes);
  std::uint64_t count = 0, record_bytes = 0, blocks = 0;
  for (; count < cut_count_; ++count) {
    if (count > 0 && boundary_ != 0 && pending_[count - 1].sequence <= boundary_ &&
        pending_[count].sequence > boundary_)
      break;
    const std::uint64_t more = format::group_blocks(record_bytes + pending_[count].bytes.size());
    if (more > (count == 0 ? room : target)) break;
    record_bytes += pending_[count].bytes.size();
    blocks = more;
  }
  if (count == 0) blocks = room;  // I4: the next publication goes to the next zone
  fill_group(count, blocks);
  submit_part();
}

void journal::fill_group(std::uint64_t publications, std::uint64_t blocks) {
  group_bytes_ = blocks * block_bytes;
  if (group_.bytes() < group_bytes_) {
    c_.buffers.give(std::move(group_));
    group_ = c_.buffers.take(group_bytes_);
  }
  format::group_header h;
  std::size_t at = format::group_header_bytes;
  for (std::uint64_t i = 0; i < publications; ++i) {
    const publication& p = pending_[i];
    std::memcpy(group_.data() + at, p.bytes.data(), p.bytes.size());
    at += p.bytes.size();
    h.record_count += p.records;
  }
  h.bytes = static_cast<std::uint32_t>(group_bytes_);
  h.store = c_.super.store;
  h.epoch = c_.super.epoch;
  h.number = number_;
  h.zone_generation = zone_->generation;
  h.first_sequence = publications == 0 ? 0 : pending_.front().sequence;
  h.last_sequence = publications == 0 ? 0 : pending_[publications - 1].sequence;
  h.acknowledged_sequence = durable_;
  h.flushed_sequence = c_.promises.volatile_cache ? durable_ : h.last_sequence;
  h.record_bytes = static_cast<std::uint32_t>(at - format::group_header_bytes);
  h.previous = previous_;
  group_checksum_ = format::seal_group(h, group_.part(0, group_bytes_));
  group_publications_ = publications;
  group_written_ = 0;
  group_at_bytes_ = zone_->next_block * std::uint64_t{block_bytes};  // or where it lands
}

void journal::submit_part() {
  const std::uint64_t most = c_.append_blocks_max() * block_bytes - group_written_ % block_bytes;
  const std::uint64_t bytes = std::min(most, group_bytes_ - group_written_);
  const auto end_block = static_cast<std::uint32_t>((group_at_bytes_ + group_written_ + bytes) / block_bytes);
  zone_->next_block =
      zone_->conventional() ? end_block : zone_->next_block + static_cast<std::uint32_t>(bytes / block_bytes);
  ++zone_->holds;
  ++zone_->writes;
  part_bytes_ = bytes;
  c_.io.submit(c_.put(*zone_, group_at_bytes_ + group_written_, {{group_.data() + group_written_, bytes}}), *this,
               tag_part);
}

void journal::part_done(const zoned::completion& c) {
  --zone_->holds;
  --zone_->writes;
  if (c.error) return c_.set_latch("a write of the journal failed", zone_->device.index);
  c_.stats.journal_bytes += c.bytes;
  if (group_written_ == 0) group_at_bytes_ = c.at.offset_bytes;
  const bool in_place = group_at_bytes_ % block_bytes == 0 && c.at.offset_bytes == group_at_bytes_ + group_written_;
  if (in_place && c.bytes == part_bytes_) {
    group_written_ += c.bytes;
    if (group_written_ == group_bytes_) return group_written();
    if (!left_ || zone_->conventional()) return submit_part();
  }
  ++c_.stats.short_completions;
  if (zone_->conventional() && in_place && c.bytes >= block_bytes) {  // I7
    group_written_ += c.bytes / block_bytes * block_bytes;
    return submit_part();
  }
  const bool inside = (c.at.offset_bytes + c.bytes) % block_bytes != 0;
  if (!zone_->conventional()) {
    zone_->next_block -= static_cast<std::uint32_t>((part_bytes_ - c.bytes) / block_bytes);
    if (in_place && c.bytes > 0 && !left_ && (!inside || zone_->writes == 0)) {  // I4
      group_written_ += c.bytes;
      return submit_part();
    }
  }
  if (++attempts_ > attempts_max) return c_.set_latch("the journal's zone takes no whole group", zone_->device.index);
  if (zone_->conventional()) return submit_part();
  if (inside && !left_) leave_zone();
  write_group();
}

void journal::left(const zone_state& z) {
  if (zone_ != &z) return;
  if (state_ == state::writing)
    left_ = true;
  else
    zone_ = nullptr;
}

void journal::roll() {
  if (state_ == state::idle && !c_.latch) open_next();
}

void journal::leave_zone() {
  bytes_since_cut_ +=
      zone_->room_blocks() * std::uint64_t{block_bytes};  // a checkpoint gives it back, so it comes sooner
  c_.zones.set_life(*zone_, zone_life::suspect);
  zone_ = nullptr;
}

void journal::group_written() {
  previous_ = group_checksum_;
  ++number_;
  ++c_.stats.groups;
  attempts_ = 0;
  bytes_since_cut_ += group_bytes_;
  end_block_ = static_cast<std::uint32_t>((group_at_bytes_ + group_bytes_) / block_bytes);
  if (zone_->room_blocks() == 0 && zone_->life == zone_life::open) c_.zones.set_life(*zone_, zone_life::full);
  if (!c_.promises.volatile_cache || FURROW_CANARY_SINGS(durable_before_flush)) return acknowledge();
  state_ = state::post_flush;
  ++c_.stats.flushes;
  c_.io.submit({.op = zoned::opcode::flush}, *this, tag_flush);
}

void journal::acknowledge() {
  if (group_publications_ == 0) return write_group();  // it filled its zone
  durable_ = pending_[group_publications_ - 1].sequence;
  for (std::uint64_t i = 0; i < group_publications_; ++i) {
    std::vector<std::byte>& bytes = pending_.front().bytes;
    pending_bytes_ -= bytes.size();
    c_.to_journal_bytes -= bytes.size();
    if (spare_.size() < spare_max && bytes.capacity() <= block_bytes) {
      bytes.clear();
      spare_.push_back(std::move(bytes));
    }
    pending_.pop_front();
  }
  cut_count_ -= group_publications_;
  state_ = state::idle;
  answer_durable();
  cut_if_durable();
  if (std::exchange(left_, false)) zone_ = nullptr;
}

void journal::answer_durable() {
  while (!append_waiters_.empty() && append_waiters_.front().sequence <= durable_) {
    const append_waiter w = append_waiters_.take();
    c_.answer(w.id, {}, w.result);
  }
  while (!waiters_.empty() && waiters_.begin()->first <= durable_) {
    auto call = std::move(waiters_.extract(waiters_.begin()).mapped());
    call({});
  }
}

void journal::cut_if_durable() {
  if (!cut_call_ || durable_ < boundary_ || zone_ == nullptr) return;
  boundary_ = 0;
  std::exchange(cut_call_, nullptr)({}, position());
}

void journal::fail_waiters() {
  while (!append_waiters_.empty()) {
    const append_waiter w = append_waiters_.take();
    c_.answer(w.id, c_.latch, w.result);
  }
  while (!waiters_.empty()) {
    auto call = std::move(waiters_.extract(waiters_.begin()).mapped());
    call(c_.latch);
  }
  if (cut_call_) std::exchange(cut_call_, nullptr)(c_.latch, {});
}

/// Not those whose free record is still to come: it would have to go to the zone that is wanted.
bool journal::zone_is_coming() const { return c_.zones.metadata_resetting() > 0 && !c_.keeps_zones; }

void journal::open_next() {
  state_ = state::opening;
  if (zone_ != nullptr && zone_->life == zone_life::open && zone_->room_blocks() == 0)  // filled by padding
    c_.zones.set_life(*zone_, zone_life::full);
  const bool have = reserve_next();
  const bool credit =
      have ? next_->conventional() || c_.zones.may_activate(0) : c_.zones.confined() || c_.zones.may_activate(0);
  zone_state* after = have && credit ? c_.zones.pick_metadata() : nullptr;
  if (after == nullptr) {
    state_ = cut_count_ > 0 ? state::waiting : state::idle;  // step() comes again when a reset is done
    if (!credit) {                                           // or the device is asked all the same
      if (!c_.opener->make_credit(wanted_ > durable_, true) && !c_.zones.may_activate(0))
        c_.set_latch("no zone may become active for the journal", c_.reclaim->unfinished());
    } else if (!zone_is_coming() && c_.zones.suspect_count() == 0) {
      c_.set_latch("no clean zone is left for the journal");
    }
    return;
  }
  zone_ = std::exchange(next_, after);
  left_ = false;  // both are of the one before
  attempts_ = 0;
  c_.zones.set_life(*after, zone_life::reserved);
  zone_->role = format::zone_role::metadata;
  zone_->cls = format::zone_class::metadata;
  c_.zones.set_life(*zone_, zone_life::open);
  ++zone_->generation;
  zone_->ordinal = ++ordinal_;
  zone_->next_block = 1;
  ++c_.stats.zones_opened;
  submit_header();
}

void journal::submit_header() {
  header_ = c_.buffers.take(block_bytes);
  format::zone_header h;
  h.store = c_.super.store;
  h.role = format::zone_role::metadata;
  h.cls = format::zone_class::metadata;
  h.zone = zone_->device.index;
  h.generation = zone_->generation;
  h.epoch = c_.super.epoch;
  h.ordinal = ordinal_;
  h.next = next_->device.index;
  h.next_generation = next_->generation + 1;
  format::encode(h, header_.part(0, block_bytes));
  ++zone_->holds;
  c_.io.submit(c_.put(*zone_, 0, {{header_.data(), block_bytes}}), *this, tag_header);
}

void journal::header_done(const zoned::completion& c) {
  --zone_->holds;
  c_.buffers.give(std::move(header_));
  if (c.error) return c_.set_latch("the header of a journal zone could not be written", zone_->device.index);
  c_.stats.zone_header_bytes += c.bytes;
  if (c.at.offset_bytes != 0 || c.bytes != block_bytes) {
    if (++attempts_ > attempts_max) return c_.set_latch("a journal zone takes no header", zone_->device.index);
    if (zone_->conventional()) return submit_header();
    c_.io.submit({.op = zoned::opcode::reset, .zone = zone_->device.index}, *this, tag_reset);
    return;
  }
  const bool cuts_here = cut_call_ && durable_ >= boundary_;
  if (!c_.promises.volatile_cache || (!zone_->conventional() && !cuts_here)) return opened();  // I7, I8
  ++c_.stats.flushes;
  c_.io.submit({.op = zoned::opcode::flush}, *this, tag_header_flush);
}

void journal::opened() {
  if (c_.latch) return;
  attempts_ = 0;
  end_block_ = 1;
  const format::zone_role_record role{0, zone_->device.index, zone_->role, zone_->cls, zone_->generation, ordinal_};
  cut_if_durable();
  c_.publish({role});
  c_.emit(event::kind::zone_opened, {.zone = zone_->device.index});
  write_group();
}

void journal::io_done(std::uint64_t tag, const zoned::completion& c) {
  switch (tag) {
    case tag_flush:
      if (c.error) return c_.set_latch("a flush failed");
      return state_ == state::pre_flush ? write_group() : acknowledge();
    case tag_header_flush:
      if (c.error) return c_.set_latch("a flush failed");
      return opened();
    case tag_part:
      return part_done(c);
    case tag_header:
      return header_done(c);
    case tag_reset:
      if (c.error) return c_.set_latch("a reset of a journal zone failed", zone_->device.index);
      ++c_.stats.zone_resets;
      return submit_header();
    default:
      FURROW_UNREACHABLE();
  }
}

}  // namespace furrow::core
