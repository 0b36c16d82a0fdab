// Changes in the middle of objects on a simulated device that fails as devices do, and loses its power.
//
// Of each object all its versions since the last one known to be durable are kept as arrays of bytes. After each open
// there must be one place in the order of publications such that every object is the version of that place, behind
// everything durable; a change that was in flight, or failed, is there, or absent, or (a write of several attempts) there
// up to the end of a block. Sources of writes are given part by part, some of them empty, copied, or not at all.
//
// Not here: appends and names in all their variety (workload.hpp).
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "sim/failure.hpp"
#include "sim/sim_store.hpp"
#include "sim/swarm.hpp"

namespace furrow::sim {
namespace {

constexpr std::uint64_t block = zoned::store_block_bytes;
constexpr std::uint64_t steps_without_answer_max = 400'000;
constexpr std::size_t canvases = 3;
using bytes = std::vector<std::byte>;

struct direct_totals {
  std::uint64_t operations = 0, errors = 0, power_losses = 0, process_ends = 0, clean_reopens = 0, needs = 0;
  std::uint64_t attempts = 0, extracted = 0, cancelled_blocks = 0, bounced_bytes = 0, zone_resets = 0, splits = 0;
};

enum class change : std::uint8_t { append, write, zero, truncate, clone };

struct version {
  bytes holds;
  furrow::sequence sequence = 0;  ///< 0: not known.
  change by = change::zero;       ///< What made it of the one before,
  std::uint64_t offset = 0;
  bytes data;  ///< and of what, if it was written.
};

struct pending {
  enum class phase : std::uint8_t { runs, asks_size, reads };
  core::operation_id id;
  phase now = phase::runs;
  change kind = change::write;
  std::uint64_t offset = 0;
  bytes data;     ///< Of a write.
  bytes becomes;  ///< The whole object.
  std::size_t source = canvases;
  bool durable = false;
  bool wants_failure = false;  ///< Its source was refused, or it was cancelled.
  bytes found;
};

struct canvas {
  core::handle_id handle;
  std::vector<version> versions;
  std::optional<pending> op;
  bool is_source = false;
  [[nodiscard]] const bytes& newest() const { return versions.back().holds; }
  [[nodiscard]] bool idle() const { return !op && !is_source; }
};

/// Whether `found` is what was there before a write and the front of it, up to the end of a block.
bool is_front(const bytes& data, std::uint64_t offset, const bytes& old, const bytes& found) {
  for (std::uint64_t end = (offset / block + 1) * block; end < offset + data.size(); end += block) {
    if (found.size() != std::max<std::size_t>(old.size(), end)) continue;
    bytes part = old;
    part.resize(found.size());
    std::copy_n(data.begin(), end - offset, part.begin() + static_cast<std::ptrdiff_t>(offset));
    if (part == found) return true;
  }
  return false;
}

/// Whether each block of `found` is that of before a write or of after it: where an ordered extent of several fails, those
/// behind it, which were on their way, may be there.
bool is_mix(const pending& p, const bytes& old, const bytes& found) {
  if (p.data.empty() || found.size() < old.size() || found.size() > p.becomes.size()) return false;
  for (std::uint64_t at = 0; at < found.size(); at += block) {
    const std::uint64_t end = std::min<std::uint64_t>(at + block, found.size());
    bool is_old = true, is_new = true;
    for (std::uint64_t b = at; b < end; ++b) {
      is_old &= found[b] == (b < old.size() ? old[b] : std::byte{});
      is_new &= found[b] == p.becomes[b];
    }
    if (!is_old && !is_new) return false;
  }
  return true;
}

/// Whether `found` may be what is left of the change.
bool may_be(const pending& p, const bytes& old, const bytes& found, bool failures) {
  return found == old || found == p.becomes || is_front(p.data, p.offset, old, found) ||
         (failures && is_mix(p, old, found));
}

class direct_simulation {
 public:
  explicit direct_simulation(scenario s)
      : scenario_{calm(std::move(s))},
        chance_{mix(scenario_.seed) + 7},
        device_{scenario_.shape, scenario_.zones,         scenario_.promises,   scenario_.faults,
                scenario_.order, mix(scenario_.seed) + 3, scenario_.zone_faults},
        store_{device_, scenario_.store, mix(scenario_.seed) + 4},
        all_(canvases),
        size_max_{std::clamp<std::uint64_t>(scenario_.data_bytes() / 32, 16 * block, 64 * block)} {}

  bool format() {
    allow(false);
    for (int tries = 0; tries < 20; ++tries) {
      store_.start();
      format_options how = scenario_.format;
      how.force = tries > 0;
      uuid id{};
      id[0] = std::byte{1};
      const core::notification n = store_.ask(core::format_request{how, id});
      store_.end();
      if (!n.error) return true;
      if (n.error == errc::too_small || n.error == errc::too_few_active_zones) return false;
    }
    return false;
  }

  direct_totals run(std::uint64_t operations) {
    for (canvas& c : all_) c.versions.emplace_back();
    open(true);
    static_cast<void>(store_.ask(core::sync_request{}));
    plan_interruption();
    while (totals_.operations < operations) {
      if (!chance_.chance(250) || !ask()) store_.step();
      collect();
      if (store_.steps() - steps_at_answer_ > steps_without_answer_max && busy())
        throw broken_promise{"operations in flight and no answer"};
      if (!busy()) steps_at_answer_ = store_.steps();
      if (wants_reopen_ || device_.executed() >= next_interruption_) interrupt();
      if (!busy() && chance_.chance_per_million(300)) close_and_reopen();
    }
    return totals_;
  }

 private:
  /// Zones that are lost with what is in them are the other simulation's.
  static scenario calm(scenario s) {
    s.zone_faults.read_only_ppm = s.zone_faults.offline_ppm = s.zone_faults.full_ppm = 0;
    return s;
  }
  void allow(bool on) {
    device_.faults().allow_failures(on);
    device_.zone_faults().allow(on);
  }
  [[nodiscard]] bool data_failed() { return device_.zone_faults().counts().failed > 0; }
  [[nodiscard]] bool busy() const {
    return std::ranges::any_of(all_, [](const canvas& c) { return c.op.has_value(); });
  }
  void plan_interruption() {
    const std::uint64_t ppm = scenario_.work.interruptions_per_million;
    next_interruption_ = ppm == 0 ? ~std::uint64_t{0} : device_.executed() + chance_.within(1, 2'000'000 / ppm);
  }

  core::notification expect(core::request_body body, const char* what) {
    core::notification n = store_.ask(std::move(body));
    if (n.error) throw broken_promise{fmt::format("{}: {} {}", what, n.error.message(), n.detail.what)};
    return n;
  }

  // -- lives --

  void open(bool all) {
    allow(false);
    store_.start();
    static_cast<void>(expect(core::open_request{}, "open"));
    std::vector<bytes> found;
    for (std::size_t i = 0; i < canvases; ++i) {
      core::create_request request;
      request.options.name = fmt::format("canvas {}", i);
      all_[i].handle = std::get<core::opened_object>(expect(std::move(request), "create").result).handle;
      found.push_back(read_all(all_[i]));
    }
    settle(found, all);
    const auto n = expect(core::check_request{chance_.chance(200)}, "check");
    const auto& check = std::get<core::check_result>(n.result);
    if (check.damage > 0)
      throw broken_promise{fmt::format("check finds {} faults: {}", check.damage, check.findings[0].what)};
    for (canvas& c : all_) compare_extents(c);
    static_cast<void>(expect(core::sync_request{}, "sync"));
    durable_ = 0;
    wants_reopen_ = full_ = false;
    steps_at_answer_ = store_.steps();
    allow(true);
    plan_interruption();
  }

  bytes read_all(const canvas& c) {
    bytes to(std::get<object_status>(expect(core::stat_request{c.handle}, "stat").result).bytes);
    if (to.empty()) return to;
    core::read_request request;
    request.handle = c.handle;
    request.ranges = {{0, to}};
    static_cast<void>(expect(std::move(request), "read"));
    return to;
  }

  void compare_extents(const canvas& c) {
    const auto n = expect(core::extents_request{c.handle, 0, size_max_ * 4, 100'000}, "extents");
    std::uint64_t at = 0;
    for (const extent_status& x : std::get<extent_list>(n.result).extents) {
      if (x.offset_bytes != at) throw broken_promise{fmt::format("a gap in the extents at {}", at)};
      at += x.bytes;
      if (x.what != extent_status::kind::hole) continue;
      for (std::uint64_t b = x.offset_bytes; b < at; ++b)
        if (c.newest()[b] != std::byte{}) throw broken_promise{fmt::format("byte {} of a hole is not zero", b)};
    }
    if (at != c.newest().size()) throw broken_promise{fmt::format("extents up to {} of {}", at, c.newest().size())};
  }

  /// The oracle: is there one place for all objects?
  void settle(const std::vector<bytes>& found, bool all) {
    furrow::sequence least = durable_;
    furrow::sequence most = ~furrow::sequence{0};
    for (std::size_t i = 0; i < canvases; ++i) {
      canvas& c = all_[i];
      std::optional<std::size_t> first, last;
      for (std::size_t k = 0; k < c.versions.size(); ++k)
        if (c.versions[k].holds == found[i]) first = first.value_or(k), last = k;
      if (c.op && may_be(*c.op, c.newest(), found[i], data_failed()))
        first = first.value_or(c.versions.size()), last = c.versions.size();
      for (std::size_t k = 1; k < c.versions.size() && !first; ++k)  // one ordered extent after the other
        if (is_front(c.versions[k].data, c.versions[k].offset, c.versions[k - 1].holds, found[i])) first = last = k - 1;
      if (!first)
        throw broken_promise{
            fmt::format("object {} of {} bytes is none of its {} versions", i, found[i].size(), c.versions.size())};
      if (all && *last + 1 < c.versions.size())
        throw broken_promise{fmt::format("object {} is an old version after a clean close", i)};
      for (std::size_t k = 0; k <= *first && k < c.versions.size(); ++k)
        least = std::max(least, c.versions[k].sequence);
      for (std::size_t k = *last + 1; k < c.versions.size(); ++k)
        if (c.versions[k].sequence != 0) most = std::min(most, c.versions[k].sequence - 1);
      c.versions.clear();
      c.versions.push_back({.holds = found[i], .data = {}});
      c.op.reset();
      c.is_source = false;
    }
    if (least > most)
      throw broken_promise{fmt::format("sequence {} is there, or was durable, and {} is not", least, most + 1)};
  }

  void end_life() {
    totals_.attempts += last_.attempts;
    totals_.extracted += last_.extracted;
    totals_.cancelled_blocks += last_.cancelled_blocks;
    totals_.bounced_bytes += last_.bounced_bytes;
    totals_.zone_resets += last_.zone_resets;
    totals_.splits += last_.splits;
    last_ = {};
  }

  void interrupt() {
    const bool power = !chance_.chance(scenario_.work.process_end_per_mille);
    ++(power ? totals_.power_losses : totals_.process_ends);
    end_life();
    store_.interrupt(power ? interruption::power_loss : interruption::process_end);
    open(false);
  }

  void close_and_reopen() {
    const core::operation_id id = store_.send(core::close_request{});
    bool closed = false;
    while (!closed) {
      core::notification n;
      while (store_.poll(n)) {
        if (n.id != id) continue;
        if (n.error) return interrupt();
        closed = true;
      }
      store_.step();
    }
    end_life();
    store_.end();
    ++totals_.clean_reopens;
    open(true);
  }

  // -- changes --

  bool ask() {
    if (chance_.chance(20)) {
      statistics_id_ = store_.send(core::statistics_request{});
      return true;
    }
    if (chance_.chance(20)) return cancel();
    if (chance_.chance(20)) {
      sync_id_ = store_.send(core::sync_request{});
      return true;
    }
    const std::size_t i = chance_.below(canvases);
    canvas& c = all_[i];
    if (!c.idle()) return false;
    pending p;
    p.durable = chance_.chance(scenario_.work.durable_per_mille);
    p.becomes = c.newest();
    core::request_body body;
    if (std::exchange(full_, false))
      body = truncate(c, p, 0);
    else
      switch (chance_.below(9)) {
        case 0:
          body = append(c, p);
          break;
        case 1:
        case 2:
        case 3:
        case 4:
          body = write(c, p);
          break;
        case 5:
        case 6:
          body = zero(c, p);
          break;
        case 7:
          body = truncate(c, p, place());
          break;
        default:
          if (!clone(i, p, body)) return false;
          break;
      }
    p.id = store_.send(std::move(body));
    c.op = std::move(p);
    ++totals_.operations;
    return true;
  }

  [[nodiscard]] std::uint64_t place() {
    std::uint64_t at = chance_.below(size_max_);
    if (chance_.chance(400)) at = at / block * block;
    return at;
  }
  [[nodiscard]] std::uint64_t length() {
    return chance_.chance(300) ? chance_.within(1, 12) * block : chance_.scaled(1, 16 * block);
  }
  [[nodiscard]] write_options options(const pending& p) const {
    return {.level = p.durable ? durability::durable : durability::written};
  }
  void put_data(pending& p) {
    p.data.resize(length());
    prng content{chance_.next()};
    for (std::byte& b : p.data) b = static_cast<std::byte>(content.below(255) + 1);
    p.becomes.resize(std::max<std::size_t>(p.becomes.size(), p.offset + p.data.size()));
    std::copy(p.data.begin(), p.data.end(), p.becomes.begin() + static_cast<std::ptrdiff_t>(p.offset));
  }

  core::request_body append(const canvas& c, pending& p) {
    if (c.newest().size() > size_max_) return truncate(c, p, place());
    p.kind = change::append;
    p.offset = c.newest().size();
    put_data(p);
    core::append_request r;
    r.handle = c.handle;
    r.segments = {{p.data.data(), static_cast<std::uint32_t>(p.data.size())}};
    if (p.durable) r.options.level = durability::durable;
    return r;
  }

  core::request_body write(const canvas& c, pending& p) {
    p.offset = place();
    put_data(p);
    core::write_request r;
    r.handle = c.handle;
    r.offset_bytes = p.offset;
    r.bytes = p.data.size();
    r.segments = resident(p, 0, chance_.chance(500));
    r.options = options(p);
    return r;
  }

  /// Of the source's rest from there, all or a prefix.
  segment_list resident(const pending& p, std::uint64_t from, bool whole) {
    std::uint64_t count = p.data.size() - from;
    if (!whole) count = chance_.chance(200) ? 0 : chance_.below(count + 1);
    segment_list to;
    if (count > 0) to.push_back({const_cast<std::byte*>(p.data.data()) + from, static_cast<std::uint32_t>(count)});
    return to;
  }

  core::request_body zero(const canvas& c, pending& p) {
    p.kind = change::zero;
    p.offset = place();
    const std::uint64_t count = length();
    const bool extends = chance_.chance(400);
    if (extends) p.becomes.resize(std::max<std::size_t>(p.becomes.size(), p.offset + count));
    for (std::uint64_t b = p.offset; b < std::min<std::uint64_t>(p.offset + count, p.becomes.size()); ++b)
      p.becomes[b] = std::byte{};
    return core::zero_request{c.handle, p.offset, count, extends, options(p)};
  }

  core::request_body truncate(const canvas& c, pending& p, std::uint64_t to) {
    p.kind = change::truncate;
    p.becomes.resize(to);
    return core::truncate_request{c.handle, to, options(p)};
  }

  bool clone(std::size_t i, pending& p, core::request_body& to) {
    p.kind = change::clone;
    p.source = chance_.below(canvases);
    if (p.source == i || !all_[p.source].idle()) return false;
    const bytes& from = all_[p.source].newest();
    p.offset = place() / block * block;
    const std::uint64_t at = chance_.below(from.size() + 1) / block * block;
    std::uint64_t count = std::min<std::uint64_t>(length(), from.size() - at) / block * block;
    if (chance_.chance(300) && p.offset + (from.size() - at) >= p.becomes.size()) count = from.size() - at;
    if (count == 0) return false;
    p.becomes.resize(std::max<std::size_t>(p.becomes.size(), p.offset + count));
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(at), count,
                p.becomes.begin() + static_cast<std::ptrdiff_t>(p.offset));
    all_[p.source].is_source = true;
    to = core::clone_request{all_[i].handle, p.offset, all_[p.source].handle, at, count, options(p)};
    return true;
  }

  bool cancel() {
    canvas& c = all_[chance_.below(canvases)];
    if (!c.op || c.op->now != pending::phase::runs) return false;
    c.op->wants_failure = true;
    static_cast<void>(store_.send(core::cancel_request{c.op->id, errc::cancelled}));
    return true;
  }

  // -- answers --

  void collect() {
    core::notification n;
    while (store_.running() && store_.poll(n)) {
      if (n.id.value == 0) {
        const auto* e = std::get_if<core::event>(&n.result);
        if (e != nullptr && e->what == core::event::kind::needs_reopen) wants_reopen_ = true;
        continue;
      }
      if (n.id == statistics_id_) {
        if (const auto* s = std::get_if<core::statistics_ptr>(&n.result)) last_ = **s;
        continue;
      }
      if (n.id == sync_id_) {
        if (const auto* r = std::get_if<core::sequence_result>(&n.result); r != nullptr && !n.error)
          durable(r->sequence);
        continue;
      }
      const auto at = std::ranges::find_if(all_, [&](const canvas& c) { return c.op && c.op->id == n.id; });
      if (at == all_.end()) continue;  // of a cancellation
      steps_at_answer_ = store_.steps();
      answer(*at, n);
    }
  }

  /// Older versions than those that are durable are not needed any more.
  void durable(furrow::sequence up_to) {
    durable_ = std::max(durable_, up_to);
    for (canvas& c : all_) {
      const auto last = std::find_if(c.versions.rbegin(), c.versions.rend(),
                                     [this](const version& v) { return v.sequence != 0 && v.sequence <= durable_; });
      if (last != c.versions.rend()) c.versions.erase(c.versions.begin(), std::prev(last.base()));
    }
  }

  void give_source(pending& p, std::uint64_t position) {
    ++totals_.needs;
    if (position >= p.data.size()) throw broken_promise{"more of a source is asked for than there is"};
    core::source_request r;
    r.target = p.id;
    if (chance_.chance(30)) {
      r.error = errc::source_failed;
      p.wants_failure = true;
    } else {
      r.copied = chance_.chance(200);
      r.segments = resident(p, position, chance_.chance(300));
    }
    static_cast<void>(store_.send(std::move(r)));
  }

  void answer(canvas& c, core::notification& n) {
    pending& p = *c.op;
    if (const auto* need = std::get_if<core::source_need>(&n.result); need != nullptr && !n.error)
      return give_source(p, need->position_bytes);
    if (n.error == errc::needs_reopen) {
      wants_reopen_ = true;
      return;
    }
    if (p.now == pending::phase::runs) {
      if (p.source < canvases) all_[p.source].is_source = false;
      if (n.error) return failed(c, n);
      furrow::sequence sequence = 0;
      if (const auto* r = std::get_if<append_result>(&n.result)) sequence = r->sequence;
      if (const auto* r = std::get_if<core::sequence_result>(&n.result)) sequence = r->sequence;
      const bool now_durable = p.durable;
      c.versions.push_back({std::move(p.becomes), sequence, p.kind, p.offset, std::move(p.data)});
      c.op.reset();
      if (now_durable) durable(sequence);
      return;
    }
    if (n.error && device_.faults().failures() == 0)
      throw broken_promise{fmt::format("looking after a failure: {}", n.error.message())};
    if (n.error) {  // once more
      p.now = pending::phase::asks_size;
      p.id = store_.send(core::stat_request{c.handle});
      return;
    }
    if (p.now == pending::phase::asks_size) {
      p.found.resize(std::get<object_status>(n.result).bytes);
      p.now = pending::phase::reads;
      core::read_request r;
      r.handle = c.handle;
      r.ranges = {{0, p.found}};
      p.id = store_.send(std::move(r));
      return;
    }
    if (!may_be(p, c.newest(), p.found, data_failed()))
      throw broken_promise{"a change that failed left something else"};
    if (p.found != c.newest()) c.versions.push_back({std::move(p.found), 0, p.kind, p.offset, std::move(p.data)});
    c.op.reset();
  }

  void failed(canvas& c, const core::notification& n) {
    ++totals_.errors;
    pending& p = *c.op;
    const bool excused = n.error == errc::no_space ||
                         (p.wants_failure && (n.error == errc::cancelled || n.error == errc::source_failed)) ||
                         n.error == zoned::errc::io || n.error == errc::busy;
    if (!excused) throw broken_promise{fmt::format("error without a cause: {} {}", n.error.message(), n.detail.what)};
    if (n.error == errc::no_space) full_ = true;
    p.now = pending::phase::asks_size;
    p.id = store_.send(core::stat_request{c.handle});
  }

  scenario scenario_;
  prng chance_;
  sim_device device_;
  sim_store store_;
  std::vector<canvas> all_;
  std::uint64_t size_max_;
  direct_totals totals_;
  statistics last_;
  core::operation_id statistics_id_, sync_id_;
  furrow::sequence durable_ = 0;
  std::uint64_t next_interruption_ = 0, steps_at_answer_ = 0;
  bool wants_reopen_ = false, full_ = false;
};

std::uint64_t seed_now = 0;

void on_abort(int) {
  std::fprintf(stderr, "seed %llu: aborted\n", static_cast<unsigned long long>(seed_now));
  std::_Exit(1);
}

int run(std::uint64_t first, std::uint64_t count, std::uint64_t operations) {
  direct_totals sum;
  const auto add = [&sum](const direct_totals& t) {
    for (const auto field : {&direct_totals::operations, &direct_totals::errors, &direct_totals::power_losses,
                             &direct_totals::process_ends, &direct_totals::clean_reopens, &direct_totals::needs,
                             &direct_totals::attempts, &direct_totals::extracted, &direct_totals::cancelled_blocks,
                             &direct_totals::bounced_bytes, &direct_totals::zone_resets, &direct_totals::splits})
      sum.*field += t.*field;
  };
  std::uint64_t failures = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    seed_now = seed;
    try {
      direct_simulation one{draw_scenario(seed)};
      if (one.format()) add(one.run(operations));
    } catch (const broken_promise& e) {
      fmt::print("seed {}: {}\n{}\n", seed, e.what(), describe(draw_scenario(seed)));
      if (++failures == 5) break;
    }
  }
  fmt::print("{} operations, {} errors, {} power losses, {} process ends, {} clean reopens\n", sum.operations,
             sum.errors, sum.power_losses, sum.process_ends, sum.clean_reopens);
  fmt::print("{} requests for more of a source, {} attempts, {} extracted, {} blocks cancelled, {} bytes bounced\n",
             sum.needs, sum.attempts, sum.extracted, sum.cancelled_blocks, sum.bounced_bytes);
  fmt::print("{} zone resets, {} splits; {} seeds failed\n", sum.zone_resets, sum.splits, failures);
  const bool idle = sum.attempts == 0 || sum.extracted == 0 || sum.cancelled_blocks == 0;
  if (idle && count >= 20) fmt::print("the partial path was not used\n");
  return failures > 0 || (idle && count >= 20) ? 1 : 0;
}

}  // namespace
}  // namespace furrow::sim

int main(int argc, char** argv) {
  std::uint64_t seed = 1, count = 10, operations = 2000;
  CLI::App app{"Changes objects in the middle, on a simulated device that fails as devices do."};
  app.add_option("--seed", seed, "First seed")->capture_default_str();
  app.add_option("--count", count, "Number of seeds, counted up from the first")->capture_default_str();
  app.add_option("--ops", operations, "Operations per seed")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGABRT, furrow::sim::on_abort);
  return furrow::sim::run(seed, count, operations);
}
