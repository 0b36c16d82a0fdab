#include "crash/explorer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/failure.hpp"
#include "sim/random.hpp"

namespace furrow::crash {
namespace {

using sim::broken_promise;
using zoned::opcode;

constexpr std::uint32_t recoveries_cut_in_a_row_max = 4;

bool changes_zones(opcode op) {
  return op == opcode::append || op == opcode::write || op == opcode::reset || op == opcode::finish;
}

/// Drawn of the state alone.
bool chance(std::uint64_t hash, std::uint64_t salt, std::uint32_t per_mille) {
  return sim::mix(hash ^ sim::mix(salt)) % 1000 < per_mille;
}

std::string describe(const moment& m, std::span<const std::uint32_t> outcome) {
  std::string text;
  for (std::size_t i = 0; i < m.loose.size(); ++i)
    text += fmt::format(" zone {}: {} of {} (durable {}, written {}{}{})", m.loose[i].zone.value, outcome[i],
                        m.outcomes(i) - 1, m.loose[i].durable_bytes, m.loose[i].written_bytes,
                        m.loose[i].before.empty() ? "" : ", reset", m.loose[i].finished ? ", finished" : "");
  return text;
}

}  // namespace

/// One moment of those that a run has, each as likely; and one state of it.
class explorer::lottery {
 public:
  explicit lottery(std::uint64_t seed) : chance_{seed} {}

  void offer(const recorder& device) {
    if (chance_.below(++moments_) == 0) drawn_ = device.now();
  }
  std::unique_ptr<zoned::memory_zones> draw() {
    if (!drawn_) return nullptr;
    std::vector<std::uint32_t> outcome;
    for (std::size_t i = 0; i < drawn_->loose.size(); ++i)
      outcome.push_back(static_cast<std::uint32_t>(chance_.below(drawn_->outcomes(i))));
    return drawn_->build(outcome);
  }
  std::uint64_t seed_of_next() { return chance_.next(); }

 private:
  sim::prng chance_;
  std::uint64_t moments_ = 0;
  std::optional<moment> drawn_;
};

std::string describe(const workload& w) {
  std::string text;
  for (const kind k : w.kinds) text += fmt::format("{}{}", text.empty() ? "" : ",", name_of(k));
  return fmt::format("--start {} --run {}", name_of(w.from), text.empty() ? "nothing" : text);
}

const start_state& explorer::start_of(start s) {
  auto& known = starts_[static_cast<std::size_t>(s)];
  if (!known) known = std::make_unique<start_state>(make_start(s, how_.seed, how_.no_cache));
  return *known;
}

explorer::recording explorer::record(const workload& w) {
  const start_state& from = start_of(w.from);
  recording r;
  recorder device{from.image, from.promises, true};
  device.flushes_lie = how_.flushes_lie;
  performer users{device, from.options, how_.seed, from.holds};
  command_watch watch{from.image};
  command_kind during = command_kind::report;
  const bool opening_counts = w.kinds.empty() || w.from == start::read_only;
  bool watching = opening_counts;
  const auto keep = [&] { r.cuts.push_back({device.now(), users.durable(), during, r.cuts.size()}); };
  const auto note = [&] {
    ++totals_.cuts;
    ++totals_.cuts_by_command[static_cast<std::size_t>(during)];
    const std::uint32_t steps = watch.steps();
    for (std::size_t i = 0; i < cleaner_step_count; ++i) totals_.cuts_by_step[i] += steps >> i & 1;
  };
  device.watch = [&](const zoned::command& c, bool completed) {
    if (completed) {
      watch.completed(c);
    } else {
      const command_kind k = watch.submitted(c, users.cleaning() || w.from == start::read_only);
      if (k != command_kind::read && k != command_kind::report) during = k;
    }
    if (!watching) return;
    note();
    if (completed ? c.op == opcode::flush || !from.promises.volatile_cache : changes_zones(c.op)) keep();
  };
  users.became_durable = [&] {
    if (watching) keep();
  };
  users.open();
  watching = true;
  keep();
  for (std::size_t i = 0; i < w.kinds.size(); ++i) users.perform(w.kinds[i], i);
  users.sync();
  users.settle();
  const statistics s = users.count();
  totals_.blocks_moved += s.cleaner_blocks_moved;
  totals_.zone_resets += s.zone_resets;
  totals_.checkpoints += s.checkpoints;
  totals_.refused += users.refused();
  r.states = users.states();
  for (const contents& c : r.states) {
    r.digests.push_back(c.digest());
    if (!c.objects.empty()) r.id_max = std::max(r.id_max, c.objects.rbegin()->first);
  }
  r.id_max += 2;
  return r;
}

contents explorer::recover(const start_state& from, const recording& r, const zoned::memory_zones& image, bool reopen,
                           lottery* cuts) {
  recorder device{image, from.promises, false};
  if (cuts != nullptr)
    device.watch = [&](const zoned::command& c, bool completed) {
      if (!completed && changes_zones(c.op)) cuts->offer(device);
    };
  return inspect(device, {.id_max = r.id_max, .reopen = reopen, .options = from.options});
}

/// Cuts what recovers from a cut recovery, too, and so on; the last one is let go on to its end.
void explorer::cut_again(const start_state& from, const recording& r, lottery cuts, std::uint64_t digest) {
  for (std::uint32_t n = 0; n < recoveries_cut_in_a_row_max; ++n) {
    const auto image = cuts.draw();
    if (image == nullptr) return;
    ++totals_.recoveries_cut;
    cuts = lottery{cuts.seed_of_next()};
    const contents other = recover(from, r, *image, false, &cuts);
    if (other.digest() != digest)
      throw broken_promise{fmt::format("recovery was cut {} times, and the next one finds something else:{}", n + 1,
                                       difference(found_, other))};
  }
}

std::uint64_t explorer::look(const workload& w, const recording& r, const zoned::memory_zones& image,
                             std::uint64_t hash) {
  if (before_workload) before_workload(w, hash);
  const start_state& from = start_of(w.from);
  ++totals_.distinct;
  lottery cuts{hash};
  const bool recut = chance(hash, 1, how_.recut_per_mille);
  const bool reopen = chance(hash, 2, how_.reopen_per_mille);
  totals_.reopened += reopen ? 1 : 0;
  found_ = recover(from, r, image, reopen, recut ? &cuts : nullptr);
  const std::uint64_t digest = found_.digest();
  if (recut) cut_again(from, r, std::move(cuts), digest);
  return digest;
}

/// Throws broken_promise if a store that holds this may not be what is left at that moment.
void explorer::judge(const recording& r, const cut& c, std::uint64_t digest) const {
  const auto last = std::find(r.digests.rbegin(), r.digests.rend(), digest);
  if (last == r.digests.rend()) {
    std::string why =
        fmt::format("what is there is what the store held after none of its {} publications", r.digests.size() - 1);
    for (std::size_t i = c.durable; i < r.states.size(); ++i)
      why += fmt::format("\n  beside {}:{}", i, difference(r.states[i], found_));
    throw broken_promise{why};
  }
  const auto publications = static_cast<std::size_t>(r.digests.rend() - last) - 1;
  if (publications < c.durable)
    throw broken_promise{fmt::format("what is there are {} publications, and {} are durable", publications, c.durable)};
}

void explorer::try_state(const workload& w, const recording& r, const cut& c, std::span<const std::uint32_t> outcome,
                         std::uint64_t hash, bool power_lost) {
  ++totals_.states;
  if (how_.only_state && *how_.only_state != hash) return;
  const auto where = [&] {
    return fmt::format("state {:016x}, cut {} of the run, during {}:{}", hash, c.number, name_of(c.during),
                       power_lost ? describe(c.what, outcome) : " the process ends");
  };
  try {
    auto known = verdicts_.find(hash);
    if (known == verdicts_.end()) {
      if (done() || !chance(hash, 3, how_.keep_per_mille)) {
        ++totals_.skipped;
        return;
      }
      const auto image = power_lost ? c.what.build(outcome, chance(hash, 4, 500))
                                    : std::make_unique<zoned::memory_zones>(c.what.image);
      if (image == nullptr) {  // a device could not be in it
        ++totals_.impossible;
        return;
      }
      if (how_.verbose) fmt::print("{}\n", where());
      known = verdicts_.emplace(hash, look(w, r, *image, hash)).first;
      ++totals_.states_by_command[static_cast<std::size_t>(c.during)];
    }
    judge(r, c, known->second);
    if (known->second != r.digests.back()) ++totals_.lost;
  } catch (const broken_promise& e) {
    throw broken_state{w, hash, fmt::format("{}\n{}", e.what(), where())};
  }
}

void explorer::explore_cut(const workload& w, const recording& r, const cut& c) {
  const bool all = enumerate(c.what, how_.product_max, [&](std::span<const std::uint32_t> outcome, std::uint64_t hash) {
    try_state(w, r, c, outcome, hash, true);
  });
  if (!all) ++totals_.partial;
  try_state(w, r, c, {}, c.what.image_hash(), false);
}

void explorer::explore(const workload& w) {
  if (before_workload) before_workload(w, std::nullopt);
  recording r;
  try {
    r = record(w);
  } catch (const broken_promise& e) {
    throw broken_state{w, std::nullopt, e.what()};
  }
  ++totals_.workloads;
  ++totals_.by_start[static_cast<std::size_t>(w.from)];
  for (const kind k : w.kinds) ++totals_.by_kind[static_cast<std::size_t>(k)];
  for (const cut& c : r.cuts) explore_cut(w, r, c);
}

}  // namespace furrow::crash
