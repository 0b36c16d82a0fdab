#include "core/cleaner.hpp"

#include <algorithm>

#include "core/checkpoint.hpp"
#include "core/data_writer.hpp"
#include "core/evacuation.hpp"
#include "core/extent_source.hpp"
#include "core/page_reader.hpp"
#include "core/reclaimer.hpp"

namespace furrow::core {

namespace {

constexpr std::uint32_t batches_max = 2;
constexpr std::size_t picks_max = 32;   // in the background, by worth
constexpr std::size_t looks_max = 256;  // at the emptiest zones
constexpr std::uint64_t batch_bytes_max = 1 << 20;
constexpr std::uint64_t gentle_bytes_max = 256 << 10;  // of a batch beside users' writes
constexpr std::uint64_t way_share = 32;  // of users' bytes to a batch's, when no data are ever not on their way
constexpr std::size_t batch_names_max = 1024;
constexpr std::uint32_t relief_max = 3;
constexpr std::uint64_t changes_until_again = 16;
constexpr std::uint32_t rounds_in_vain = 4;  // over all zones
/// In the background a zone is not cleaned for less than one part in so many.
constexpr std::uint32_t dead_share_min = 8;
constexpr std::uint32_t worthy_buckets = victim_index::linear_buckets - victim_index::linear_buckets / dead_share_min;

}  // namespace

void cleaner::accept(operation_id id, const clean_request& r) {
  if (c_.read_only) return c_.answer(id, errc::read_only);
  if (!(r.until_free_share >= 0 && r.until_free_share <= 1)) return c_.answer(id, errc::invalid_argument);
  requests_.push_back({id, r, {c_.stats.cleaner_blocks_moved, c_.stats.zones_cleaned, 0, false}});
  refused();
  ++progress_;
}

bool cleaner::cancel(operation_id id, error_code reason) {
  const auto it = std::find_if(requests_.begin(), requests_.end(), [id](const waiting& w) { return w.id == id; });
  if (it == requests_.end()) return false;
  requests_.erase(it);
  c_.answer(id, reason);
  return true;
}

bool cleaner::may_work() const { return !c_.latch && !c_.read_only; }

/// What users may still take, and with what is on its way back.
std::uint64_t cleaner::free_bytes(bool soon) const {
  const std::uint64_t coming = soon ? c_.zones.returning_count() * c_.zones.typical_blocks() : 0;
  return (c_.data->room_for_users() + coming) * block_bytes;
}

bool cleaner::reached(const waiting& w, bool soon) const {
  const std::uint64_t capacity = c_.data->capacity_blocks() * block_bytes;
  return static_cast<double>(free_bytes(soon)) >= w.what.until_free_share * static_cast<double>(capacity);
}

void cleaner::answer_reached(bool hopeless) {
  while (!requests_.empty()) {
    waiting& w = requests_.front();
    const bool done = reached(w, false);
    if (!done && !hopeless && may_work() && !c_.closing) return;
    w.result.blocks_moved = c_.stats.cleaner_blocks_moved - w.result.blocks_moved;
    w.result.zones_cleaned = c_.stats.zones_cleaned - w.result.zones_cleaned;
    w.result.free_bytes = free_bytes(false);
    w.result.reached = done;
    c_.answer(w.id, c_.latch, w.result);
    requests_.pop_front();
    ++progress_;
  }
}

/// So many zones were cleaned since users were last given room, or took something away, that all which is dead has been
/// gathered several times over. (C9)
bool cleaner::in_vain() {
  if (vain_.zones_cleaned < std::uint64_t{rounds_in_vain} * c_.zones.usable_count()) return false;
  note_users();
  return vain_.zones_cleaned > 0;
}

void cleaner::note_users() {
  const std::uint64_t given = c_.data->given();
  const std::uint64_t live_blocks = c_.zones.count_use().live_blocks;
  if (given != vain_.given || live_blocks < vain_.live_blocks) vain_.zones_cleaned = 0;
  vain_.given = given;
  vain_.live_blocks = live_blocks;
}

/// Who asks next has one more round.
void cleaner::refused() {
  const std::uint64_t earlier = std::uint64_t{rounds_in_vain - 1} * c_.zones.usable_count();
  vain_.zones_cleaned = std::min(vain_.zones_cleaned, earlier);
}

bool cleaner::could_bring(std::uint64_t blocks) {
  if (!may_work() || (!c_.options.background_cleaning && requests_.empty())) return false;
  if (in_vain()) return false;
  if (busy()) return asked_ = true;
  reconsider_left();
  if (blocks > c_.data->room_for_users() + c_.zones.count_use().dead_blocks()) return false;
  if (!any_gains(room())) return relieve();
  return asked_ = true;
}

bool cleaner::relieve() {
  if (!any_gains(~std::uint64_t{0})) return false;
  // Checkpoints that brought nothing say nothing of what has died since.
  const std::uint64_t dead_blocks = c_.zones.count_use().dead_blocks();
  if (dead_blocks >= relief_dead_ + c_.zones.typical_blocks()) relief_ = 0;
  if (relief_ == 0) relief_dead_ = dead_blocks;
  if (!c_.checkpoint->idle() || !c_.checkpoint->served()) return true;
  if (relief_ == relief_max) return false;
  ++relief_;
  c_.checkpoint->request(false, [this](error_code) { ++progress_; });
  return true;
}

std::uint64_t cleaner::room() const { return c_.checkpoint->room_for_moves() ? c_.data->room_for_cleaner() : 0; }

bool cleaner::any_gains(std::uint64_t room) const {
  const auto fits = [&](zoned::zone_index z) { return c_.zones[z].live_blocks <= room; };
  return c_.zones.victims().find_emptiest(fits, looks_max).has_value();
}

/// Clean zones that users cannot take.
std::uint32_t cleaner::zones_kept() const { return c_.data->reserve_zones() + c_.data->cleaner_zones(); }

/// And those that are to be there for them.
std::uint32_t cleaner::zones_ahead() const { return std::clamp<std::uint32_t>(c_.zones.usable_count() / 256, 1, 64); }

std::uint32_t cleaner::zones_to_come() const { return c_.zones.clean_count() + c_.zones.returning_count(); }

/// Whether no batch may begin now: users' writes go first. (C8)
bool cleaner::gives_way() {
  const std::uint64_t users = c_.stats.append_bytes + c_.stats.write_bytes;
  if (users != users_bytes_)
    gentle_ = true;
  else if (in_flight_ == 0)
    gentle_ = false;
  gentle_ = gentle_ && !asked_ && zones_to_come() >= zones_kept() + zones_ahead() - zones_ahead() / 2;
  if (gentle_ && (in_flight_ > 0 || (!c_.data->idle() && users - users_bytes_ < way_share * gentle_bytes_max)))
    return true;
  users_bytes_ = users;
  return false;
}

cleaner::need cleaner::wanted() {
  const bool asked = std::exchange(asked_, false);
  if (!may_work() || (c_.closing && !asked) || in_vain()) return need::none;
  const bool coming = c_.zones.returning_count() > 0 || c_.reclaim->busy();
  if (asked && !coming) return need::asked;
  if (!requests_.empty() && !c_.closing) {
    if (!coming) return need::asked;
    return reached(requests_.front(), true) ? need::none : need::asked;
  }
  if (!c_.options.background_cleaning || c_.reclaim->dropping()) return need::none;
  if (std::exchange(looked_at_, c_.zones.changes()) == c_.zones.changes()) return need::none;  // as it was
  return zones_to_come() < zones_kept() + zones_ahead() ? need::background : need::none;
}

/// Who has no room is helped soonest by the emptiest zone, whatever becomes of it later.
zone_state* cleaner::pick(need why) {
  const victim_index& all = c_.zones.victims();
  const auto serves = [this, now = room()](zoned::zone_index i) {  // C4
    const zone_state& z = c_.zones[i];
    return z.holds == 0 && z.live_blocks <= now;
  };
  std::optional<zoned::zone_index> found;
  if (why == need::background) {
    std::vector<zoned::zone_index> passed;
    while (!found && passed.size() < picks_max) {
      const auto best = all.pick(c_.sequence, worthy_buckets);
      if (!best) break;
      if (serves(*best)) found = best;
      c_.zones.set_aside(c_.zones[*best]);
      passed.push_back(*best);
    }
    for (const zoned::zone_index z : passed) c_.zones.reconsider(c_.zones[z]);
    if (!found && passed.size() == picks_max) looked_at_ = ~std::uint64_t{0};  // C7
  }
  if (!found) found = all.find_emptiest(serves, looks_max, why == need::background ? worthy_buckets : all.buckets);
  return found ? &c_.zones[*found] : nullptr;
}

void cleaner::reconsider_left() {
  while (!left_.empty() && c_.zones.changes() >= left_.front().until_changes) {
    c_.zones.reconsider(c_.zones[left_.front().zone]);
    left_.pop_front();
  }
}

void cleaner::step() {
  reconsider_left();
  if (victim_ == nullptr) {
    if (!requests_.empty()) answer_reached(in_vain());
    zone_state* z = c_.evacuate->any() ? c_.evacuate->next() : nullptr;
    const need why = wanted();
    if (why == need::none && z == nullptr) return;
    if (why == need::asked || z == nullptr)
      if (zone_state* const gaining = pick(why)) z = gaining;
    if (z != nullptr)
      begin(*z);
    else if (why == need::asked && c_.zones.returning_count() == 0 && !c_.reclaim->busy() && !any_gains(room()) &&
             !relieve()) {
      answer_reached(true);
    }
  }
  if (victim_ != nullptr) advance();
}

void cleaner::begin(zone_state& z) {
  FURROW_ASSERT(!held_ && in_flight_ == 0 && gathered_.empty() && again_.empty());  // all that is taken is of one zone
  victim_ = &z;
  ++z.holds;  // C1
  generation_ = z.generation;
  next_block_ = 1;
  again_block_ = 0;
  moved_before_ = c_.stats.cleaner_blocks_moved;
  stopping_ = starved_ = damaged_ = unread_ = false;
  ++progress_;
}

std::uint64_t cleaner::batch_blocks_max() const {
  const std::uint64_t by_record = c_.zones.typical_blocks() / 2 * block_bytes / record_bytes_per_block;
  return std::max<std::uint64_t>(
      1, std::min({by_record, (gentle_ ? gentle_bytes_max : batch_bytes_max) / block_bytes, c_.append_blocks_max(),
                   c_.options.ordered_extent_bytes_max / block_bytes}));
}

cleaner::batch_ptr cleaner::batch_of(parts from) {
  auto b = std::make_shared<batch>();
  for (move_step::part& p : from) {
    p.first = b->blocks;
    b->blocks += p.from.blocks;
  }
  b->from = std::move(from);
  return b;
}

void cleaner::advance() {
  stopping_ = stopping_ || c_.latch || (c_.closing && !asked_);
  while (in_flight_ < batches_max && (stopping_ || !gives_way())) {  // C2
    batch_ptr b = held_ ? std::exchange(held_, nullptr) : next_batch();
    if (!b) break;
    if (stopping_) continue;
    const bool evacuates = victim_->life == zone_life::bad;
    if (evacuates ? !c_.data->reserve(b->blocks) : !c_.data->reserve_for_cleaner(b->blocks)) {
      held_ = std::move(b);
      if (in_flight_ > 0 || c_.data->more_coming()) return;
      stopping_ = starved_ = true;
      continue;
    }
    read(std::move(b));
  }
  const bool scanned = (stopping_ || next_block_ >= victim_->capacity_blocks) && !held_;
  if (in_flight_ == 0 && !scanning_ && scanned && gathered_.empty() && again_.empty() && !goes_round()) end();
}

bool cleaner::goes_round() {
  if (again_block_ == 0 || stopping_ || moved_before_ == c_.stats.cleaner_blocks_moved) return false;
  next_block_ = std::exchange(again_block_, 0);
  moved_before_ = c_.stats.cleaner_blocks_moved;
  ++progress_;
  return true;
}

std::size_t cleaner::names_most() const { return std::min(names_max(c_.zones.typical_blocks()), batch_names_max); }

bool cleaner::may_copy() const { return room() >= 2 * c_.zones.typical_blocks(); }

cleaner::batch_ptr cleaner::next_batch() {
  if (stopping_) {
    gathered_.clear();
    gathered_blocks_ = gathered_names_ = 0;
    again_.clear();
    return nullptr;
  }
  if (!again_.empty()) {
    batch_ptr b = batch_of(std::move(again_.front()));
    again_.pop_front();
    return b;
  }
  const std::size_t most = names_most();
  while (!scanning_ && !stopping_ && gathered_blocks_ < batch_blocks_max() && gathered_names_ < most &&
         next_block_ < victim_->capacity_blocks)
    scan(most);
  if (scanning_ || gathered_.empty()) return nullptr;
  gathered_blocks_ = gathered_names_ = 0;
  return batch_of(std::exchange(gathered_, {}));
}

void cleaner::scan(std::size_t most) {
  const std::uint64_t wanted = std::min<std::uint64_t>(batch_blocks_max() - gathered_blocks_, format::run_blocks_max);
  const std::uint32_t end =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(next_block_ + wanted, victim_->capacity_blocks));
  found_.clear();
  const format::block_run window{c_.shape.address_of(victim_->device.index, next_block_), end - next_block_};
  readiness done = who_.find(window, most, found_);
  if (done.need) {
    scanning_ = true;
    return c_.pages->wait(*done.need, [this](error_code ec) {
      scanning_ = false;
      stopping_ = stopping_ || ec;
      ++progress_;
    });
  }
  if (done.fault != nullptr) {
    stopping_ = true;
    return c_.emit(event::kind::damage, {.zone = victim_->device.index, .what = done.fault});
  }
  next_block_ += who_.looked_at();
  for (const named_run& n : found_) {
    if (n.more && !may_copy()) {
      unread_ = true;  // for the time being
      continue;
    }
    gathered_names_ += n.names.size();
    if (gathered_names_ > most && !gathered_.empty()) {  // for the next one
      next_block_ = static_cast<std::uint32_t>(c_.shape.block_in_zone(n.where.address));
      return;
    }
    const auto block = static_cast<std::uint32_t>(c_.shape.block_in_zone(n.where.address));
    if (n.more && again_block_ == 0) again_block_ = block;
    gathered_blocks_ += n.where.blocks;
    format::block_run* const last = gathered_.empty() ? nullptr : &gathered_.back().from;
    if (last != nullptr && last->address.advanced(last->blocks) == n.where.address)
      last->blocks += n.where.blocks;
    else
      gathered_.push_back({n.where, 0});
  }
}

void cleaner::read(batch_ptr b) {
  ++in_flight_;
  ++progress_;
  b->memory = c_.buffers.take(b->blocks * block_bytes);
  auto to = std::make_shared<std::vector<reader::part>>();
  for (const move_step::part& p : b->from)
    to->push_back({p.from.address, 0, b->memory.part(p.first * block_bytes, p.from.blocks * block_bytes)});
  reader_.read_parts(std::move(to), [this, b](error_code ec, const error_detail&) {
    ++progress_;
    if (!ec) return write(*b);
    --in_flight_;
    c_.data->release(b->blocks);
    c_.buffers.give(std::move(b->memory));
    read_failed(*b, ec);
  });
}

/// Which block it is that cannot be read is found by halving.
void cleaner::read_failed(const batch& b, error_code ec) {
  if (ec == zoned::errc::zone_offline || stopping_) {
    stopping_ = true;
    return;
  }
  if (b.blocks > 1) {
    std::uint64_t left = b.blocks / 2;
    parts halves[2];
    for (const move_step::part& p : b.from) {
      const auto first = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, p.from.blocks));
      left -= first;
      if (first > 0) halves[0].push_back({{p.from.address, first}, 0});
      if (first < p.from.blocks) halves[1].push_back({{p.from.address.advanced(first), p.from.blocks - first}, 0});
    }
    again_.push_back(std::move(halves[0]));
    again_.push_back(std::move(halves[1]));
    return;
  }
  (ec == errc::checksum_mismatch ? damaged_ : unread_) = true;
  error_detail where{.bytes = block_bytes, .zone = victim_->device.index};  // C3
  where.what = "a block that is to be moved is not what was written: " + ec.message();
  found_.clear();
  if (who_.find(b.from.front().from, 1, found_).ready() && !found_.empty()) {
    where.object = found_.front().names.front().object;
    where.offset_bytes = found_.front().names.front().block * block_bytes;
  }
  c_.emit(event::kind::damage, std::move(where));
}

void cleaner::write(batch& b) {
  ordered_extent_ptr e = c_.extents.make();
  e->blocks = e->blocks_left = e->reserved_blocks = b.blocks;
  e->pinned = {0, b.blocks, {}};
  e->cls = c_.place.of_move(c_.written_at(b.from.front().from.address), c_.sequence);
  e->source.push_back({b.memory.data(), b.blocks * block_bytes});
  e->copy = std::move(b.memory);
  add_sums(c_, *e, 0, b.blocks);
  std::unique_ptr<publication> p = c_.publish_queue->make();
  p->steps.emplace_back(move_step{e, std::move(b.from), generation_, names_most()});
  p->done = [this](error_code ec, std::uint64_t, const error_detail&) { moved(ec); };
  c_.publish_queue->enter(std::move(p));
  c_.data->submit(*e);
}

void cleaner::moved(error_code ec) {
  --in_flight_;
  ++progress_;
  stopping_ = stopping_ || ec;
}

void cleaner::end() {
  zone_state& z = *std::exchange(victim_, nullptr);
  ++progress_;
  looked_at_ = ~std::uint64_t{0};
  --z.holds;
  if (z.life == zone_life::bad) return c_.evacuate->ended(z, (stopping_ || starved_ || unread_) && !damaged_, damaged_);
  if (z.live_blocks == 0) {
    ++c_.stats.zones_cleaned;
    note_users();
    ++vain_.zones_cleaned;
    relief_ = 0;
    return c_.reclaim->consider(z);
  }
  ++c_.stats.zones_left;
  if (starved_) return;
  c_.zones.set_aside(z);
  const bool passing = (stopping_ || unread_) && !damaged_;
  if (passing) left_.push_back({z.device.index, c_.zones.changes() + changes_until_again});
}

}  // namespace furrow::core
