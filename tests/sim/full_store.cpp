#include "sim/full_store.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "format/codec.hpp"
#include "sim/content.hpp"
#include "sim/failure.hpp"
#include "support/empty_zones.hpp"

namespace furrow::sim {
namespace {

constexpr std::uint64_t block_bytes = zoned::store_block_bytes;
constexpr std::uint64_t steps_without_answer_max = 400'000;
constexpr std::uint32_t judged_per_mille = 100;

/// Of each zone that has something of data: what lives of what is written.
std::string picture_of(const std::vector<zone_status>& zones) {
  std::string text;
  for (const zone_status& z : zones)
    if (z.use == zone_use::data)
      text += fmt::format(" {}:{}/{}{}", z.device.index.value, z.live_blocks, z.written_blocks - 1,
                          z.open_for_writing ? " open" : "");
  return text;
}

}  // namespace

full_plan draw_full_plan(std::uint64_t seed) {
  prng chance{seed + 0xf011};
  full_plan p;
  p.seed = seed;
  zoned::geometry& g = p.shape;
  g.lba_bytes = static_cast<std::uint32_t>(chance.one_of(512, 4096));
  const std::uint64_t zone_blocks = chance.one_of(16, 16, 24, 32, 48, 64);
  g.zone_bytes = zone_blocks * block_bytes;
  g.zone_count = static_cast<std::uint32_t>(chance.one_of(chance.within(16, 24), chance.within(18, 40)));
  g.last_zone_bytes = g.zone_bytes;
  p.format.page_copies = 1;
  switch (chance.below(5)) {
    case 0:
    case 1:
      g.active_max = 4;
      break;
    case 2:
      g.active_max = 5;
      p.format.page_copies = static_cast<std::uint8_t>(chance.one_of(1, 2));
      break;
    case 3:
      g.active_max = static_cast<std::uint32_t>(chance.within(6, 14));
      break;
    default:
      break;
  }
  if (g.active_max && chance.chance(300)) g.open_max = g.active_max;
  const std::uint64_t capacity = chance.chance(300) ? std::max<std::uint64_t>(16, zone_blocks * 3 / 4) : zone_blocks;
  p.zones = test::empty_zones(g, capacity * block_bytes);
  zoned::guarantees& w = p.promises;
  w.volatile_cache = chance.chance(400);
  w.native_append = chance.chance(600);
  w.append_bytes_max = chance.one_of(16, 32, 128) * 1024;
  w.transfer_bytes_max = w.append_bytes_max;
  w.in_flight_max = static_cast<std::uint32_t>(chance.one_of(4, 64));
  w.appends_per_zone_max = w.native_append ? static_cast<std::uint32_t>(chance.one_of(1, 8)) : 1;
  p.order.in_order = chance.chance(200);
  p.order.burst_max = 4;
  if (chance.chance(300)) p.faults.shortened_ppm = static_cast<std::uint32_t>(chance.scaled(100, 20'000));
  p.store.checkpoint_journal_bytes_min = chance.one_of(0, 16, 64) * 1024;
  p.store.journal_group_bytes = chance.one_of(4, 64) * 1024;
  p.objects_max = static_cast<std::uint32_t>(chance.within(2, 24));
  p.in_flight_max = static_cast<std::uint32_t>(chance.one_of(1, 2, 8));
  p.blocks_max = static_cast<std::uint32_t>(chance.one_of(2, 8, zone_blocks));
  p.durable_per_mille = static_cast<std::uint32_t>(chance.one_of(0, 100, 900));
  if (chance.chance(300)) p.quota_blocks = zone_blocks * g.zone_count * chance.within(10, 40) / 100;
  return p;
}

std::string describe(const full_plan& p) {
  return fmt::format(
      "seed {}: {} zones of {} blocks, {} active, {} copies;{}{} append_max {} shorten {}ppm; {} objects, {} at a "
      "time, "
      "{} blocks, durable {}, quota {}",
      p.seed, p.shape.zone_count, p.zones.front().capacity_bytes / block_bytes,
      p.shape.active_max ? std::to_string(*p.shape.active_max) : "any", p.format.page_copies,
      p.promises.native_append ? " native" : " ordered", p.promises.volatile_cache ? " volatile" : "",
      p.promises.append_bytes_max, p.faults.shortened_ppm, p.objects_max, p.in_flight_max, p.blocks_max,
      p.durable_per_mille, p.quota_blocks);
}

void full_counts::add(const full_counts& o) {
  seeds += o.seeds;
  too_small += o.too_small;
  operations += o.operations;
  appends += o.appends;
  writes += o.writes;
  deletes += o.deletes;
  refused += o.refused;
  refusals_judged += o.refusals_judged;
  quota_refused += o.quota_refused;
  quota_judged += o.quota_judged;
  reopens += o.reopens;
  power_losses += o.power_losses;
  blocks_compared += o.blocks_compared;
  blocks_moved += o.blocks_moved;
  zones_cleaned += o.zones_cleaned;
  zone_resets += o.zone_resets;
  zone_finishes += o.zone_finishes;
  finishes_waited += o.finishes_waited;
  zones_prepared += o.zones_prepared;
  checkpoints += o.checkpoints;
  slack_zones_seen = std::max(slack_zones_seen, o.slack_zones_seen);
}

full_store::full_store(const full_plan& p, std::FILE* trace)
    : plan_{p},
      chance_{mix(p.seed) + 2},
      device_{p.shape, p.zones, p.promises, p.faults, p.order, mix(p.seed) + 3},
      store_{device_, plan_.store, mix(p.seed) + 4},
      objects_(p.objects_max) {
  device_.trace().write_to(trace);
  counts_.seeds = 1;
}

void full_store::broken(const operation& op, const std::string& why) const {
  static constexpr const char* names[] = {"create", "append", "write", "punch", "truncate", "remove"};
  throw broken_promise{fmt::format("{} {} of object {} at block {} of {}: {}", names[static_cast<std::size_t>(op.what)],
                                   op.count, objects_[op.object].id, op.first, objects_[op.object].blocks.size(), why)};
}

core::notification full_store::must(core::request_body body, const char* what) {
  core::notification n = store_.ask(std::move(body));
  if (n.error) throw broken_promise{fmt::format("{}: {} {}", what, n.error.message(), n.detail.what)};
  return n;
}

bool full_store::format() {
  store_.start();
  uuid id{};
  format::store_le(id.data(), mix(plan_.seed));
  core::notification n = store_.ask(core::format_request{plan_.format, id});
  format_options again = plan_.format;
  again.force = true;
  for (int tries = 0; n.error == zoned::errc::io && device_.faults().shortened() > 0 && tries < 20; ++tries) {
    store_.end();
    store_.start();
    n = store_.ask(core::format_request{again, id});
  }
  store_.end();
  if (n.error == errc::too_small || n.error == errc::too_few_active_zones) {
    counts_.too_small = 1;
    return false;
  }
  if (n.error) throw broken_promise{fmt::format("format: {} {}", n.error.message(), n.detail.what)};
  return true;
}

void full_store::open() {
  store_.start();
  static_cast<void>(must(core::open_request{}, "open"));
  for (held_object& o : objects_) {
    if (!o.exists) continue;
    core::open_object_request r;
    r.id = o.id;
    o.handle = std::get<core::opened_object>(must(std::move(r), "open an object").result).handle;
  }
}

/// Until nothing is on its way, and all refusals have been judged.
void full_store::settle() {
  while (!in_flight_.empty()) {
    store_.step();
    collect();
    note_progress();
  }
  while (!to_judge_.empty()) {
    operation op = std::move(to_judge_.back());
    to_judge_.pop_back();
    judge(std::move(op));
  }
}

void full_store::close() {
  settle();
  const statistics s = *std::get<core::statistics_ptr>(must(core::statistics_request{}, "statistics").result);
  counts_.blocks_moved += s.cleaner_blocks_moved;
  counts_.zones_cleaned += s.zones_cleaned;
  counts_.zone_resets += s.zone_resets;
  counts_.zone_finishes += s.zone_finishes;
  counts_.finishes_waited += s.finishes_waited;
  counts_.zones_prepared += s.zones_prepared;
  counts_.checkpoints += s.checkpoints;
  static_cast<void>(must(core::close_request{}, "close"));
  store_.end();
  ++counts_.reopens;
}

/// What is durable by then is all that there is; so what comes back is known.
void full_store::lose_power() {
  settle();
  static_cast<void>(must(core::sync_request{}, "sync"));
  store_.interrupt(chance_.chance(500) ? interruption::power_loss : interruption::process_end);
  ++counts_.power_losses;
}

void full_store::run(std::uint64_t operations) {
  open();
  if (plan_.quota_blocks > 0)
    static_cast<void>(must(core::quota_request{default_collection, plan_.quota_blocks * block_bytes}, "a quota"));
  while (counts_.operations < operations) {
    if (in_flight_.size() < plan_.in_flight_max && chance_.chance(700))
      ask();
    else
      store_.step();
    collect();
    note_progress();
    if (!to_judge_.empty()) settle();
    if (!chance_.chance_per_million(plan_.reopens_per_million)) continue;
    if (chance_.chance(500))
      close();
    else
      lose_power();
    open();
    if (chance_.chance(200)) compare_all();
  }
  settle();
  compare_all();
  const auto found = must(core::check_request{true}, "check");
  if (const auto& r = std::get<core::check_result>(found.result); !r.findings.empty())
    throw broken_promise{"check: " + r.findings.front().what};
  close();
}

full_counts full_store::result() const { return counts_; }

void full_store::note_progress() {
  if (answers_ != answers_seen_ || in_flight_.empty()) {
    answers_seen_ = answers_;
    steps_at_answer_ = store_.steps();
  } else if (store_.steps() - steps_at_answer_ > steps_without_answer_max) {
    broken(in_flight_.front(), fmt::format("no answer: the store hangs, with {} in flight", in_flight_.size()));
  }
}

void full_store::ask() {
  const std::size_t i = chance_.below(objects_.size());
  held_object& o = objects_[i];
  if (o.busy) return store_.step();
  operation op;
  op.object = i;
  if (!o.exists) {
    op.what = action::create;
    return send(std::move(op));
  }
  // Who was refused makes room now and then: the store stays full.
  if (pressed_ > 0 && chance_.chance(300)) return ask_less(i);
  if (chance_.chance(10)) return ask_less(i);
  op.count = chance_.within(1, plan_.blocks_max);
  op.version = ++versions_;
  op.what = o.blocks.empty() || chance_.chance(400) ? action::append : action::write;
  op.first = op.what == action::append ? o.blocks.size() : chance_.below(o.blocks.size());
  send(std::move(op));
}

void full_store::ask_less(std::size_t object) {
  const held_object& o = objects_[object];
  operation op;
  op.object = object;
  const std::uint64_t blocks = o.blocks.size();
  if (blocks == 0 || chance_.chance(30)) {
    op.what = action::remove;
  } else if (chance_.chance(500)) {
    op.what = action::truncate;
    op.count = std::min<std::uint64_t>(blocks, chance_.within(1, plan_.blocks_max));
    op.first = blocks - op.count;
  } else {
    op.what = action::punch;
    op.first = chance_.below(blocks);
    op.count = std::min<std::uint64_t>(blocks - op.first, chance_.within(1, plan_.blocks_max));
  }
  send(std::move(op));
}

std::uint64_t full_store::tag_of(const held_object& o, std::uint64_t block) const {
  return mix(plan_.seed + o.blocks[block]) + o.id;
}

core::request_body full_store::request_of(operation& op) {
  const held_object& o = objects_[op.object];
  const durability level = chance_.chance(plan_.durable_per_mille) ? durability::durable : durability::written;
  if (op.what == action::append || op.what == action::write) {
    op.memory.resize(op.count * block_bytes);
    for (std::uint64_t b = 0; b < op.count; ++b)
      fill_content(std::span{op.memory}.subspan(b * block_bytes, block_bytes), mix(plan_.seed + op.version) + o.id,
                   (op.first + b) * block_bytes);
  }
  switch (op.what) {
    case action::create:
      return core::create_request{};
    case action::append: {
      append_options options;
      options.level = level;
      return core::append_request{o.handle, {{op.memory.data(), op.memory.size()}}, options};
    }
    case action::write: {
      write_options options;
      options.level = level;
      return core::write_request{
          o.handle, op.first * block_bytes, op.memory.size(), {{op.memory.data(), op.memory.size()}}, options};
    }
    case action::punch:
      return core::zero_request{o.handle, op.first * block_bytes, op.count * block_bytes, false, {}};
    case action::truncate:
      return core::truncate_request{o.handle, op.first * block_bytes, {}};
    case action::remove: {
      core::remove_request r;
      r.id = o.id;
      return r;
    }
  }
  return {};
}

void full_store::send(operation op) {
  objects_[op.object].busy = true;
  core::request_body body = request_of(op);
  op.id = store_.send(std::move(body));
  in_flight_.push_back(std::move(op));
  ++counts_.operations;
}

void full_store::collect() {
  core::notification n;
  while (store_.poll(n)) take(n);
}

void full_store::take(core::notification& n) {
  if (n.id.value == 0) {
    const auto* const e = std::get_if<core::event>(&n.result);
    const bool bad =
        e != nullptr && (e->what == core::event::kind::needs_reopen || e->what == core::event::kind::damage);
    if (bad) throw broken_promise{"an event: " + e->detail.what};
    return;
  }
  const auto at = std::ranges::find(in_flight_, n.id, &operation::id);
  if (at == in_flight_.end()) return;  // of a handle that was given back
  operation op = std::move(*at);
  in_flight_.erase(at);
  ++answers_;
  objects_[op.object].busy = false;
  if (n.error != errc::no_space && n.error != errc::quota_exceeded) return done(op, n);
  ++(n.error == errc::no_space ? counts_.refused : counts_.quota_refused);
  if (op.what != action::append && op.what != action::write && op.what != action::create)
    broken(op, "deleting was refused: " + n.detail.what);
  ++pressed_;
  if (chance_.chance(judged_per_mille)) to_judge_.push_back(std::move(op));
}

void full_store::done(const operation& op, core::notification& n) {
  if (n.error) broken(op, n.error.message() + " " + n.detail.what);
  held_object& o = objects_[op.object];
  switch (op.what) {
    case action::create:
      o.id = std::get<core::opened_object>(n.result).id;
      o.handle = std::get<core::opened_object>(n.result).handle;
      o.exists = true;
      o.blocks.clear();
      return;
    case action::append:
    case action::write:
      ++(op.what == action::append ? counts_.appends : counts_.writes);
      o.blocks.resize(std::max<std::uint64_t>(o.blocks.size(), op.first + op.count), 0);
      std::fill_n(o.blocks.begin() + static_cast<std::ptrdiff_t>(op.first), op.count, op.version);
      return;
    case action::punch:
      std::fill_n(o.blocks.begin() + static_cast<std::ptrdiff_t>(op.first), op.count, 0);
      break;
    case action::truncate:
      o.blocks.resize(op.first);
      break;
    case action::remove:
      o.exists = false;
      static_cast<void>(store_.send(core::release_request{o.handle}));
      break;
  }
  ++counts_.deletes;
  pressed_ = 0;
}

std::uint64_t full_store::used() const {
  std::uint64_t blocks = 0;
  for (const held_object& o : objects_)
    if (o.exists) blocks += o.blocks.size() - static_cast<std::uint64_t>(std::ranges::count(o.blocks, 0u));
  return blocks;
}

/// Blocks that become the object's: behind its end, and in holes.
std::uint64_t full_store::added(const operation& op) const {
  const held_object& o = objects_[op.object];
  if (op.what != action::append && op.what != action::write) return 0;
  std::uint64_t there = 0;
  for (std::uint64_t b = op.first; b < std::min<std::uint64_t>(op.first + op.count, o.blocks.size()); ++b)
    if (o.blocks[b] != 0) ++there;
  return op.count - there;
}

/// What was removed is dropped before others are refused for it, but may be counted for a while.
void full_store::compare_used() {
  do {
    store_.step();
  } while (!store_.idle());
  const auto n = must(core::collections_request{}, "collections");
  const collection_status& c = std::get<std::vector<collection_status>>(n.result).front();
  if (c.used_bytes != used() * block_bytes || c.claimed_bytes != 0)
    throw broken_promise{fmt::format("{} bytes are used and {} claimed, as is told; not {}", c.used_bytes,
                                     c.claimed_bytes, used() * block_bytes)};
  if (plan_.quota_blocks > 0 && used() > plan_.quota_blocks)
    throw broken_promise{fmt::format("{} blocks are used of {}", used(), plan_.quota_blocks)};
}

/// Of what was refused in company, alone.
void full_store::judge(operation op) {
  held_object& o = objects_[op.object];
  if (!o.exists) return;
  if (op.what == action::append) op.first = o.blocks.size();
  const bool beyond = plan_.quota_blocks > 0 && added(op) > 0 && used() + added(op) > plan_.quota_blocks;
  core::notification n = store_.ask(request_of(op));
  if (n.error == errc::quota_exceeded ? !beyond : !n.error && beyond)
    broken(op, fmt::format("{} of {} blocks are used, it adds {}, and it is {}: {}", used(), plan_.quota_blocks,
                           added(op), beyond ? "accepted" : "refused", n.detail.what));
  if (n.error == errc::quota_exceeded) {
    ++counts_.quota_judged;
    return;
  }
  if (n.error != errc::no_space) return done(op, n);
  ++counts_.refusals_judged;
  const statistics s = *std::get<core::statistics_ptr>(must(core::statistics_request{}, "statistics").result);
  const auto zones = std::get<std::vector<zone_status>>(must(core::zones_request{}, "zones").result);
  const std::uint64_t content = zones.front().device.capacity_bytes - block_bytes;
  const auto metadata = static_cast<std::uint64_t>(std::ranges::count(zones, zone_use::metadata, &zone_status::use));
  const auto open = static_cast<std::uint64_t>(
      std::ranges::count_if(zones, [](const zone_status& z) { return z.open_for_writing && z.use == zone_use::data; }));
  const std::uint64_t all = content * static_cast<std::uint64_t>(std::ranges::count_if(
                                          zones, [](const zone_status& z) { return z.use != zone_use::superblock; }));
  const std::uint64_t taken = s.live_bytes + s.reserved_bytes + metadata * content;
  const std::uint64_t left = all > taken ? all - taken : 0;
  const std::uint64_t wanted = op.count * block_bytes;
  const std::uint64_t over = left > wanted ? (left - wanted) / content : 0;
  counts_.slack_zones_seen = std::max(counts_.slack_zones_seen, over);
  if (over > open + 1)
    broken(op, fmt::format("refused though {} bytes are neither live nor kept ({} live, {} dead, {} free, {} kept, {} "
                           "metadata zones, {} clean;{}): {}",
                           left, s.live_bytes, s.dead_bytes, s.free_bytes, s.reserved_bytes, metadata, s.zones_free,
                           picture_of(zones), n.detail.what));
}

void full_store::compare(held_object& o) {
  memory_.resize(o.blocks.size() * block_bytes);
  if (memory_.empty()) return;
  static_cast<void>(must(core::read_request{o.handle, {{0, memory_}}}, "read"));
  for (std::uint64_t b = 0; b < o.blocks.size(); ++b) {
    const std::span<const std::byte> bytes = std::span{memory_}.subspan(b * block_bytes, block_bytes);
    const bool hole = o.blocks[b] == 0;
    const bool same = hole ? std::ranges::all_of(bytes, [](std::byte x) { return x == std::byte{0}; })
                           : !find_foreign_byte(bytes, tag_of(o, b), b * block_bytes).has_value();
    if (!same) throw broken_promise{fmt::format("block {} of object {} is not what was written last", b, o.id)};
    ++counts_.blocks_compared;
  }
}

void full_store::compare_all() {
  settle();
  for (held_object& o : objects_)
    if (o.exists) compare(o);
  compare_used();
}

}  // namespace furrow::sim
