#include "core/checkpoint.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_set>
#include <utility>

#include "core/apply.hpp"
#include "core/canary.hpp"
#include "core/data_writer.hpp"
#include "core/journal.hpp"
#include "core/page_reader.hpp"
#include "core/reclaimer.hpp"
#include "core/superblock_ring.hpp"
#include "core/zone_condition.hpp"

namespace furrow::core {

namespace {
constexpr std::uint64_t tag_flush = 0;
constexpr std::uint64_t tag_padding = ~std::uint64_t{0};
constexpr std::uint32_t attempts_max = 16;  // that land nothing of a job, one after the other
constexpr std::uint32_t relief_max = 3;
constexpr std::uint64_t of_small_store = 16 << 20;
constexpr std::uint64_t journal_bytes_max = 768 << 20;
constexpr std::uint32_t journal_zones = 2;  // left to the journal, for records that free zones; but see C6
}  // namespace

void checkpointer::configure() {
  const std::uint64_t zone_bytes = c_.zones.typical_blocks() * block_bytes;
  const std::uint64_t capacity = c_.zones.usable_count() * zone_bytes;
  const std::uint64_t most = c_.options.recovery_journal_bytes_max != 0
                                 ? c_.options.recovery_journal_bytes_max
                                 : std::min<std::uint64_t>(journal_bytes_max, capacity / 16);
  cap_bytes_ = std::max(std::min(most, capacity / 4), 2 * zone_bytes);  // room for so much is kept
  unclean_ = !c_.super.clean;
}

std::uint32_t checkpointer::reserve_zones() const {
  const std::uint64_t zone_blocks = c_.zones.typical_blocks();
  const std::uint64_t journal = cap_bytes_ / (zone_blocks * block_bytes) + 2;
  // Page zones may be a third empty before they are rewritten.
  const std::uint64_t tree_pages = c_.objects ? c_.objects->pages() + c_.zone_pages->pages() : 0;
  const std::uint64_t pages = c_.super.page_copies * (3 * tree_pages / (2 * zone_blocks) + 3);
  const std::uint64_t used = c_.zones.metadata().size();
  const std::uint64_t wanted =
      std::max<std::uint64_t>(journal + pages > used ? journal + pages - used : 0, kept_zones() + 1);  // C4
  const std::uint64_t conventional = c_.zones.clean_conventional();
  if (c_.zones.confined() || wanted <= conventional) return 0;
  return static_cast<std::uint32_t>(wanted - conventional);
}

bool checkpointer::relieve() {
  if (room()) {
    relief_ = 0;
    return false;
  }
  if (!idle() || !asked_.empty()) return true;
  if (relief_ == relief_max) return false;
  ++relief_;
  request(false, [](error_code) {});
  return true;
}

bool checkpointer::room() const { return c_.zones.metadata_clean() + c_.zones.metadata_returning() > kept_zones(); }

bool checkpointer::room_for_moves() const {
  return c_.zones.metadata_clean() + c_.zones.metadata_returning() >= kept_zones();
}

std::uint32_t checkpointer::kept_zones() const {
  constexpr std::uint64_t removal_pages = 32;  // that removing changes while sparse zones are being emptied
  return static_cast<std::uint32_t>(rewrite_zones() +
                                    c_.super.page_copies * (removal_pages / c_.zones.typical_blocks()) + 2);
}

std::uint32_t checkpointer::rewrite_zones() const {
  const std::uint64_t all = c_.objects ? c_.objects->pages() + c_.zone_pages->pages() : 0;
  const std::uint64_t dirty = c_.objects ? c_.objects->dirty_nodes() + c_.zone_pages->dirty_nodes() : 0;
  const std::uint64_t pages = std::min(all, 2 * dirty + c_.zones.typical_blocks());  // more change while it runs
  return static_cast<std::uint32_t>(c_.super.page_copies * (pages / c_.zones.typical_blocks() + 1) + 1 + journal_zones);
}

/// As early as may be, so that there is little to replay: when the pages to be written, a copy, are not much more than the
/// journal that they stand for.
bool checkpointer::due() const {
  const std::uint64_t journal = c_.log->bytes_since_cut();
  if (journal >= cap_bytes_ / 2) return true;
  const std::uint64_t pages = (c_.objects->pages() + c_.zone_pages->pages()) * format::page_bytes;
  // Of a small store half of its pages: what a checkpoint journals itself must not ask for the next one.
  const std::uint64_t least = std::max(std::min(pages / 2, of_small_store), pages / 10);
  if (journal < std::max(c_.options.checkpoint_journal_bytes_min, least)) return false;
  const std::uint64_t dirty = (c_.objects->dirty_nodes() + c_.zone_pages->dirty_nodes()) * format::page_bytes;
  return journal >= pages / 2 || 5 * dirty <= 9 * journal;  // live pages of sparse zones come on top
}

void checkpointer::request(bool clean, std::function<void(error_code)> call) {
  asked_.push_back({clean, std::move(call)});
}

void checkpointer::step() {
  if (c_.latch) {
    if (state_ == state::idle || (sent_.empty() && !c_.ring->busy())) finish(c_.latch);
    return;
  }
  switch (state_) {
    case state::idle:
      if (asked_.empty() && (c_.closing || c_.refuses_changes() || !due())) return;
      serving_ = std::move(asked_);
      asked_.clear();
      state_ = state::preparing;
      c_.emit(event::kind::checkpoint_begun);
      chosen_ = false;
      apart_ = shares_zone() && unclean_ && !room() && !c_.keeps_zones && c_.data->reserved() == 0;  // C7
      return prepare();
    case state::pages:
      return write_pages();
    case state::settling:
      return settle();
    case state::preparing:
    case state::superblock:
      return;
  }
}

void checkpointer::prepare() {
  readiness done = prepare_entries();
  if (done.ready()) done = prepare_accounts();
  if (done.ready() && !chosen_) choose_rewrites();
  if (done.ready()) done = rewrite_chosen();
  if (done.need)
    return c_.pages->wait(*done.need, [this](error_code ec) {
      if (ec)
        c_.set_latch("a page that a checkpoint needs cannot be read");
      else
        prepare();
    });
  if (!c_.latch) freeze();
}

readiness checkpointer::prepare_entries() {
  for (const std::uint32_t i : c_.zones.changed())
    if (auto need = c_.zone_pages->prepare(format::zone_key(0, {i}))) return readiness::wait(std::move(*need));
  for (const std::uint32_t i : c_.zones.take_changed()) {
    const zone_state& z = c_.zones[{i}];
    const auto flags = static_cast<std::uint8_t>((z.life == zone_life::bad ? format::zone_flag_bad : 0) |
                                                 (z.retired ? format::zone_flag_retired : 0));
    const format::zone_value v{z.role,           z.cls,         flags,    z.generation, z.fill_sequence,
                               z.write_sequence, z.live_blocks, z.ordinal};
    c_.zone_pages->put(format::zone_key(0, z.device.index), format::encode_fixed(v));
  }
  return readiness::yes();
}

readiness checkpointer::prepare_accounts() {
  // The default one's use is in the superblock: a cell for it would be a path of pages for every checkpoint.
  const auto has_cell_to_write = [](const collection_account& a) {
    return a.exists && a.changed && a.id != default_collection;
  };
  for (const auto& [id, a] : c_.collections.all())
    if (has_cell_to_write(a))
      if (auto need = c_.objects->prepare(format::collection_key(id))) return readiness::wait(std::move(*need));
  for (auto& [id, a] : c_.collections.all())
    if (has_cell_to_write(a)) c_.apply->put_collection(a);
  return readiness::yes();
}

/// Where less is left than is to be kept, half of the clean zones may be less than what changes: emptying sparse zones may then
/// take what that leaves, of each copy an eighth of a zone less, for pages above those that are moved, and groups between them.
std::uint64_t checkpointer::room_in_need(std::uint64_t dirty, std::uint64_t clean) const {
  if (room_for_moves() || c_.keeps_zones) return 0;
  const std::uint64_t zone_blocks = c_.zones.typical_blocks();
  const std::uint32_t copies = c_.super.page_copies;
  std::uint64_t closed = 0;
  for (const std::uint32_t i : c_.zones.metadata())
    if (const zone_state& z = c_.zones[{i}]; z.life == zone_life::closed && z.failures == 0) closed += z.room_blocks();
  std::array<std::uint64_t, std::extent_v<decltype(streams_)>> room{};
  for (std::uint32_t copy = 0; copy < copies; ++copy) {
    const bool shares = copy == 0 && shares_zone();
    const zone_state* const begun = shares ? c_.log->zone() : streams_[copy].usable() ? streams_[copy].zone : nullptr;
    if (begun != nullptr && begun->life == zone_life::open) room[copy] += begun->room_blocks();
    if (!shares) room[copy] += closed / (shares_zone() ? 1 : copies);
  }
  const auto least = [&] { return std::min_element(room.begin(), room.begin() + copies); };
  for (; clean > 0; --clean) *least() += zone_blocks;
  const std::uint64_t taken = dirty / copies + zone_blocks / 8;
  return *least() > taken ? (*least() - taken) * copies : 0;
}

/// The pages of the emptiest zones.
void checkpointer::choose_rewrites() {
  chosen_ = true;
  to_rewrite_.clear();
  std::uint64_t live = 0, room = 0;
  std::vector<const zone_state*> sparse;
  for (const std::uint32_t i : c_.zones.metadata()) {
    const zone_state& z = c_.zones[{i}];
    if (z.role != format::zone_role::metadata || z.live_pages == 0) continue;
    live += z.live_pages;
    room += z.capacity_blocks - 1;
    if (z.life == zone_life::full && z.live_pages * 4 < z.capacity_blocks * 3) sparse.push_back(&z);
  }
  const bool scarce = c_.zones.metadata_clean() + c_.zones.metadata_returning() <= kept_zones() + 1;
  const std::uint64_t enough = live + live / 2 + c_.zones.typical_blocks();
  if (!scarce && room < enough) return;
  std::sort(sparse.begin(), sparse.end(),
            [](const zone_state* a, const zone_state* b) { return a->live_pages < b->live_pages; });
  // What changed is written first; the rest of the clean zones may take what is moved.
  const std::uint64_t dirty = (c_.objects->dirty_nodes() + c_.zone_pages->dirty_nodes()) * c_.super.page_copies;
  const std::uint64_t all_clean = c_.zones.metadata_clean();
  const std::uint64_t clean = all_clean > journal_zones ? all_clean - journal_zones : 0;
  const std::uint64_t blocks = clean * c_.zones.typical_blocks() / 2;
  const std::uint64_t budget = blocks > dirty ? blocks - dirty : 0;
  const std::uint64_t most = 2 * blocks > dirty + c_.zones.typical_blocks() ? 2 * blocks - dirty : 0;
  const std::uint64_t in_need = room_in_need(dirty, clean);
  std::unordered_set<std::uint32_t> chosen;
  std::uint64_t moved = 0;  // each page is written in all its copies; one zone at least is emptied if it can be
  for (const zone_state* z : sparse) {
    moved += z->live_pages * c_.super.page_copies;
    if (moved > std::max(chosen.empty() ? most : budget, in_need)) break;
    chosen.insert(z->device.index.value);
    room -= z->capacity_blocks - 1 - z->live_pages;
    if (!scarce && room < enough) break;
  }
  const auto collect = [&](const page_need& p) {
    for (const zoned::device_address a : p.ref.copies)
      if (a != format::page_ref::no_copy && chosen.contains(c_.shape.zone_of(a).value)) return to_rewrite_.push_back(p);
  };
  if (chosen.empty()) return;
  c_.objects->for_each_ref(collect);
  c_.zone_pages->for_each_ref(collect);
}

readiness checkpointer::rewrite_chosen() {
  for (; !to_rewrite_.empty(); to_rewrite_.pop_back()) {
    const page_need& p = to_rewrite_.back();
    if (auto need = c_.tree(p.kind).rewrite(p)) return readiness::wait(std::move(*need));
  }
  return readiness::yes();
}

void checkpointer::freeze() {
  page_tree* trees[2] = {c_.objects.get(), c_.zone_pages.get()};
  for (int t = 0; t < 2; ++t) {
    trees_[t] = {};
    trees_[t].dying = trees[t]->take_dying();
    trees_[t].snapshot = trees[t]->freeze();
    trees_[t].frozen = true;
    trees_[t].done = trees_[t].snapshot.root == nullptr;
    if (!trees_[t].done) trees_[t].nodes = page_tree::collect_dirty(trees_[t].snapshot, 0);
  }
  for (std::vector<std::uint32_t>& taken : taken_) taken.clear();
  next_ = c_.super;
  next_.sequence = c_.sequence;
  next_.default_collection_blocks = c_.collections.of(default_collection).used_blocks;
  next_.clean = std::any_of(serving_.begin(), serving_.end(), [](const waiter& w) { return w.clean; });
  cut_.reset();
  c_.log->when_cut([this](error_code ec, const format::journal_head& head) {
    if (ec) return;  // latched
    cut_ = head;
    cut_bytes_ = c_.log->bytes_since_cut();
  });
  state_ = state::pages;
}

void checkpointer::write_pages() {
  page_tree* trees[2] = {c_.objects.get(), c_.zone_pages.get()};
  for (int t = 0; t < 2; ++t)
    while (parts_.size() + sent_.size() < page_commands_max * c_.super.page_copies && make_job(trees_[t], *trees[t])) {
    }
  send_parts();
  if (!trees_[0].done || !trees_[1].done || !jobs_.empty()) return;
  state_ = state::settling;
  roles_durable_ = false;
  c_.log->when_durable(c_.sequence, [this](error_code ec) {
    if (ec) return;  // latched
    if (!c_.promises.volatile_cache || FURROW_CANARY_SINGS(superblock_before_pages)) {
      roles_durable_ = true;
      return;
    }
    ++c_.stats.flushes;
    c_.io.submit({.op = zoned::opcode::flush}, *this, tag_flush);
  });
  settle();
}

bool checkpointer::make_job(frozen& f, page_tree& tree) {
  while (!f.done && f.next == f.nodes.size()) {
    const bool pending = std::any_of(jobs_.begin(), jobs_.end(), [&](const job& j) { return j.kind == tree.kind(); });
    if (pending) return false;  // the level above names these
    if (f.level == f.snapshot.level) {
      f.done = true;
      return false;
    }
    f.nodes = page_tree::collect_dirty(f.snapshot, ++f.level);
    f.next = 0;
  }
  if (f.done) return false;
  const std::size_t count = std::min({f.nodes.size() - f.next, static_cast<std::size_t>(page_batch_max),
                                      static_cast<std::size_t>(c_.append_blocks_max())});
  job j;
  j.kind = tree.kind();
  j.nodes.assign(f.nodes.begin() + static_cast<std::ptrdiff_t>(f.next),
                 f.nodes.begin() + static_cast<std::ptrdiff_t>(f.next + count));
  f.next += count;
  j.pages = c_.buffers.take(count * block_bytes);
  for (std::size_t i = 0; i < count; ++i)
    j.refs.push_back(tree.seal(*j.nodes[i], j.pages.part(i * block_bytes, block_bytes), c_.super.next_page_generation++,
                               c_.super.epoch, next_.sequence));
  jobs_.push_back(std::move(j));
  for (std::uint32_t copy = 0; copy < c_.super.page_copies; ++copy)
    parts_.push_back({std::prev(jobs_.end()), copy, 0, count, nullptr, true});
  return true;
}

bool checkpointer::is_short_of_zones() const {
  const bool returning = c_.zones.metadata_returning() > 0 && !c_.keeps_zones;
  return c_.zones.metadata_clean() <= journal_zones && !returning && c_.zones.suspect_count() == 0;
}

bool checkpointer::open_for_pages(std::uint32_t copy, bool beside_other) {
  std::vector<std::uint32_t> but;
  if (!beside_other) {
    but = taken_[1 - copy];
    for (const auto& [tag, p] : sent_)
      if (p.copy != copy) but.push_back(p.zone->device.index.value);
  }
  const auto open = [&](std::uint32_t reserve) {
    return c_.opener->open(streams_[copy], format::zone_role::metadata, format::zone_class::metadata, reserve, but);
  };
  const bool shares_else = apart_ && copy == 0;
  return open(journal_zones) || (is_short_of_zones() && !shares_else && open(journal_zones - 1));  // C6
}

/// False while something of it is in flight.
bool checkpointer::leave_apart_zone() {
  open_zone& s = streams_[0];
  if (s.zone != nullptr && (!s.ready || s.zone->writes > 0)) return false;
  if (s.usable()) c_.zones.set_life(*s.zone, zone_life::closed);
  s = {};
  apart_ = false;
  return true;
}

zone_state* checkpointer::zone_for(std::uint32_t copy) {
  if (copy == 0 && shares_zone()) {
    zone_state* z = c_.log->zone();
    return c_.log->shareable() && !pads(*z) && z->room_blocks() > 0 ? z : nullptr;
  }
  open_zone& s = streams_[copy];
  if (s.usable() && s.zone->room_blocks() > 0) return s.zone;
  if (s.zone != nullptr && !s.ready) return nullptr;
  s = {};
  if (!open_for_pages(copy, false)) {
    const bool by_credit = !c_.zones.confined() && c_.zones.clean_conventional() == 0;
    const bool refused =
        by_credit && !c_.zones.may_activate(c_.log->credit_kept()) && !c_.opener->make_credit(!serving_.empty());
    if (apart_ && (refused || (copy == 0 && is_short_of_zones())))  // C7
      return leave_apart_zone() ? zone_for(copy) : nullptr;
    const bool one_to_take = c_.zones.metadata_clean() >= journal_zones;  // C6, when a credit comes
    const bool none_left = is_short_of_zones() && !one_to_take;
    if (!none_left && !refused) return nullptr;
    if (!open_for_pages(copy, true)) {  // C8
      tell_hopeless(refused);
      return nullptr;
    }
  }
  return s.ready ? s.zone : nullptr;
}

void checkpointer::tell_hopeless(bool refused) {
  if (!refused) return c_.set_latch("no clean zone is left for metadata");
  if (c_.reclaim->unfinished())
    return c_.set_latch("no zone may become active for metadata: one cannot be finished", c_.reclaim->unfinished());
  c_.set_latch("the device refuses one more active zone for metadata, and others hold them");
}

bool checkpointer::close_idle() {
  if (!idle()) return false;
  for (open_zone& s : streams_) {
    if (!s.usable() || s.zone->conventional() || !s.zone->may_finish()) continue;
    c_.zones.set_life(*s.zone, zone_life::closed);
    s = {};
    return true;
  }
  return false;
}

void checkpointer::send_parts() {
  for (auto it = parts_.begin(); it != parts_.end() && !c_.latch;) {
    if (send(*it, next_tag_)) {
      ++next_tag_;
      it = parts_.erase(it);
    } else {
      ++it;
    }
  }
  // A shared zone with no room is left by the journal's next group only; a group without records makes it go.
  if (shares_zone() && !parts_.empty() && (c_.log->zone() == nullptr || c_.log->zone()->room_blocks() == 0))
    c_.log->roll();
}

bool checkpointer::send(part& p, std::uint64_t tag) {
  zone_state* z = zone_for(p.copy);
  if (z == nullptr || !c_.takes_write(*z)) return false;
  const std::size_t count = std::min<std::size_t>(p.count, z->room_blocks());
  if (count < p.count) {
    parts_.push_back({p.of, p.copy, p.from + count, p.count - count, nullptr, true});
    p.count = count;
  }
  p.zone = z;
  const std::uint64_t at_bytes = z->next_block * std::uint64_t{block_bytes};
  z->next_block += static_cast<std::uint32_t>(count);
  ++z->writes;
  ++z->holds;
  if (z->room_blocks() == 0) c_.zones.set_life(*z, zone_life::full);
  c_.io.submit(c_.put(*z, at_bytes, {{p.of->pages.data() + p.from * block_bytes, count * block_bytes}}), *this, tag);
  sent_.emplace(tag, p);
  return true;
}

void checkpointer::part_done(part p, const zoned::completion& c) {
  zone_state& z = *p.zone;
  --z.writes;
  --z.holds;
  job& j = *p.of;
  const bool aligned = !c.error && c.at.offset_bytes % block_bytes == 0;
  const std::size_t landed = aligned ? c.bytes / block_bytes : 0;
  if (!c.error) c_.stats.page_bytes += c.bytes;
  if (landed > 0) j.attempts = 0;
  if (landed < p.count) {
    const bool by_itself = c.error || c.bytes < p.count * block_bytes;  // else what is before it in the zone was cut
    if (landed == 0 && by_itself && ++j.attempts > attempts_max)
      return c_.set_latch("pages cannot be written", z.device.index);
    if (c.error) {
      ++z.failures;
      c_.emit_zone({zone_change::kind::write_failed, z.device.index, expected_state(z), expected_state(z)}, c.error);
    } else {
      ++c_.stats.short_completions;
    }
    if (z.conventional()) {
      if (c.error && z.failures >= zone_failures_max) wear_out(z);
    } else if (!aligned || c.bytes % block_bytes != 0) {
      cut_off(z, c);
    } else {
      if (z.life == zone_life::full) c_.zones.set_life(z, c_.log->zone() == &z ? zone_life::open : zone_life::closed);
      z.next_block -= static_cast<std::uint32_t>(p.count - landed);
    }
    parts_.push_back({p.of, p.copy, p.from + landed, p.count - landed, nullptr, true});
  }
  c_.zones.drained(z);
  for (std::size_t i = 0; i < landed; ++i)
    j.refs[p.from + i].copies[p.copy] = c_.shape.address_of(z.device.index, c.at.offset_bytes / block_bytes + i);
  if (landed > 0)
    z.landed_blocks = std::max(z.landed_blocks, static_cast<std::uint32_t>(c.at.offset_bytes / block_bytes + landed));
  auto& taken = taken_[p.copy];
  if (landed > 0 && (taken.empty() || taken.back() != z.device.index.value)) taken.push_back(z.device.index.value);
  z.live_pages += static_cast<std::uint32_t>(landed);
  j.landed[p.copy] += landed;
  if (j.landed[0] == j.nodes.size() && (c_.super.page_copies == 1 || j.landed[1] == j.nodes.size())) job_done(p.of);
}

/// Inside a block; or nothing is known.
void checkpointer::cut_off(zone_state& z, const zoned::completion& c) {
  const bool lives = z.life == zone_life::open || z.life == zone_life::full;
  const bool in_place = !c.error && c.at.offset_bytes % block_bytes == 0;
  if (in_place && lives && z.writes == 0 && z.ordinal != 0 && c_.log->zone() == &z && padded_ == nullptr)
    return pad(z, c.at.offset_bytes + c.bytes);
  if (lives || z.life == zone_life::closed) c_.zones.set_life(z, zone_life::suspect);
  c_.log->left(z);
}

void checkpointer::pad(zone_state& z, std::uint64_t written_bytes) {
  const std::uint64_t bytes = block_bytes - written_bytes % block_bytes;
  z.next_block = static_cast<std::uint32_t>((written_bytes + bytes) / block_bytes);
  ++z.holds;
  ++z.writes;
  c_.zones.set_life(z, z.room_blocks() > 0 ? zone_life::open : zone_life::full);
  padded_ = &z;
  padding_ = c_.buffers.take(block_bytes);
  std::memset(padding_.data(), 0, block_bytes);
  c_.io.submit({.op = zoned::opcode::append, .zone = z.device.index, .segments = {{padding_.data(), bytes}}}, *this,
               tag_padding);
}

void checkpointer::padding_done(const zoned::completion& c) {
  zone_state& z = *std::exchange(padded_, nullptr);
  c_.buffers.give(std::move(padding_));
  --z.holds;
  --z.writes;
  if (c.error) {
    ++z.failures;
    c_.emit_zone({zone_change::kind::write_failed, z.device.index, expected_state(z), expected_state(z)}, c.error);
  }
  if (c.error || c.at.offset_bytes + c.bytes != z.next_block * std::uint64_t{block_bytes}) {
    if (z.life == zone_life::open || z.life == zone_life::full) c_.zones.set_life(z, zone_life::suspect);
    c_.log->left(z);
  }
  c_.zones.drained(z);
}

/// A conventional zone that fails is not written any more; what did not land leaves a hole in it.
void checkpointer::wear_out(zone_state& z) {
  z.next_block = z.capacity_blocks;
  if (z.life == zone_life::open || z.life == zone_life::closed) c_.zones.set_life(z, zone_life::full);
  c_.log->left(z);
}

void checkpointer::job_done(std::list<job>::iterator it) {
  for (std::size_t i = 0; i < it->nodes.size(); ++i) c_.tree(it->kind).placed(*it->nodes[i], it->refs[i]);
  c_.buffers.give(std::move(it->pages));
  jobs_.erase(it);
}

void checkpointer::settle() {
  if (state_ == state::settling && cut_ && roles_durable_) write_superblock();
}

void checkpointer::write_superblock() {
  state_ = state::superblock;
  next_.objects = page_tree::root_of(trees_[0].snapshot);
  next_.zones = page_tree::root_of(trees_[1].snapshot);
  next_.journal = FURROW_CANARY_SINGS(journal_cut_too_far) && c_.log->zone() != nullptr ? c_.log->position() : *cut_;
  next_.next_page_generation = c_.super.next_page_generation;
  next_.next_object = c_.super.next_object;
  next_.written = c_.written();
  c_.ring->write(next_, [this](error_code ec) { finish(ec); });
}

void checkpointer::finish(error_code ec) {
  if (state_ != state::idle) {
    page_tree* trees[2] = {c_.objects.get(), c_.zone_pages.get()};
    for (int t = 0; t < 2; ++t) {
      if (!ec)
        for (const format::page_ref& r : trees_[t].dying)  // C2
          for (const zoned::device_address a : r.copies)
            if (a != format::page_ref::no_copy) --c_.zones.of(a).live_pages;
      if (trees_[t].frozen) trees[t]->drop(std::move(trees_[t].snapshot));
      trees_[t] = {};
    }
    jobs_.clear();
    parts_.clear();
    state_ = state::idle;
    if (apart_) static_cast<void>(leave_apart_zone());
    apart_ = false;
    if (!ec) {
      unclean_ = false;
      c_.super.sequence = next_.sequence;
      c_.super.objects = next_.objects;
      c_.super.zones = next_.zones;
      c_.super.journal = next_.journal;
      c_.log->cut_done(cut_bytes_);
      ++c_.stats.checkpoints;
      c_.reclaim->checkpoint_done();
    }
    c_.emit(event::kind::checkpoint_ended);
  }
  for (waiter& w : std::exchange(serving_, {})) w.call(ec);
  if (ec)
    for (waiter& w : std::exchange(asked_, {})) w.call(ec);
}

void checkpointer::io_done(std::uint64_t tag, const zoned::completion& c) {
  if (tag == tag_flush) {
    if (c.error) return c_.set_latch("a flush of pages failed");
    roles_durable_ = true;
    return;
  }
  if (tag == tag_padding) return padding_done(c);
  const auto it = sent_.find(tag);
  const part p = it->second;
  sent_.erase(it);
  part_done(p, c);
}

}  // namespace furrow::core
