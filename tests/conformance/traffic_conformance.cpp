// Many commands in flight: depth, order, cancelling, resets between appends, and random traffic checked against a
// model.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>

#include "conformance/subjects.hpp"

using namespace furrow::zoned;
using furrow::error_code;
using furrow::test::aligned_bytes;
using furrow::test::bench;
using furrow::test::fill_pattern;
using furrow::test::has_pattern;
using furrow::test::on_each_device;

namespace {

constexpr error_code ok{};

/// A transfer in flight with the memory it uses.
struct job {
  aligned_bytes memory;
  segment piece;
  std::uint64_t seed;

  explicit job(std::size_t bytes, std::uint64_t s) : memory{bytes}, piece{memory.segment()}, seed{s} {
    fill_pattern(memory.span(), s);
  }
  [[nodiscard]] command append(zone_index zone) const {
    return {.id = {}, .op = opcode::append, .zone = zone, .offset_bytes = 0, .segments = {&piece, 1}, .zones = {}};
  }
};

std::uint64_t seed_of_run() {
  const char* const given = std::getenv("FURROW_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : 20'261;
}

}  // namespace

TEST_CASE("as many appends as promised share a zone, each at a place of its own") {
  on_each_device([](bench& b) {
    const zone_index zone = b.sequential()[1].index;
    const std::size_t depth = b.promises().appends_per_zone_max;
    std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> landed;  // offset -> bytes, seed
    for (std::uint64_t round = 0; round < 3; ++round) {
      std::vector<std::unique_ptr<job>> jobs;
      std::vector<command_id> ids;
      for (std::size_t i = 0; i < depth; ++i) {
        jobs.push_back(std::make_unique<job>(b.unit() * (1 + (i % 2)), round * 100 + i));
        ids.push_back(b.client().start(jobs.back()->append(zone)));
      }
      for (std::size_t i = 0; i < depth; ++i) {
        const completion c = b.client().finish(ids[i]);
        REQUIRE(c.error == ok);
        REQUIRE(c.bytes == jobs[i]->memory.size());
        REQUIRE(c.at.zone == zone);
        REQUIRE(landed.emplace(c.at.offset_bytes, std::pair{c.bytes, jobs[i]->seed}).second);
      }
    }
    std::uint64_t pointer = 0;
    for (const auto& [offset, what] : landed) {
      CHECK(offset == pointer);
      CHECK(b.client().reads_pattern({zone, offset}, what.first, what.second));
      pointer = offset + what.first;
    }
    CHECK(b.client().zone(zone).write_pointer_bytes == pointer);
  });
}

TEST_CASE("appends as large and as many as promised fill a zone without a gap") {
  on_each_device([](bench& b) {
    const zone_info zone = b.sequential()[1];
    const std::size_t depth = b.promises().appends_per_zone_max;
    const std::uint64_t lba = b.shape().lba_bytes;
    const std::uint64_t share = zone.capacity_bytes / (2 * depth) / lba * lba;
    const std::uint64_t bytes = std::min({b.promises().append_bytes_max, share, std::uint64_t{1} << 20});
    std::map<std::uint64_t, std::uint64_t> landed;  // offset -> seed
    for (std::uint64_t round = 0; round < 2; ++round) {
      std::vector<std::unique_ptr<job>> jobs;
      std::vector<command_id> ids;
      for (std::size_t i = 0; i < depth; ++i) {
        jobs.push_back(std::make_unique<job>(bytes, round * 1000 + i));
        ids.push_back(b.client().start(jobs.back()->append(zone.index)));
      }
      for (std::size_t i = 0; i < depth; ++i) {
        const completion c = b.client().finish(ids[i]);
        REQUIRE(c.error == ok);
        REQUIRE(c.bytes == bytes);
        REQUIRE(landed.emplace(c.at.offset_bytes, jobs[i]->seed).second);
      }
    }
    std::uint64_t pointer = 0;
    for (const auto& [offset, seed] : landed) {
      CHECK(offset == pointer);
      for (const std::uint64_t at : {std::uint64_t{0}, bytes - lba}) {
        const aligned_bytes to{lba};
        REQUIRE(b.client().read({zone.index, offset + at}, to).error == ok);
        REQUIRE(has_pattern(to.span(), seed, at));
      }
      pointer = offset + bytes;
    }
    CHECK(b.client().zone(zone.index).write_pointer_bytes == pointer);
  });
}

TEST_CASE("a device takes what it promised to have in flight, and no more than it has room for") {
  on_each_device([](bench& b) {
    const std::size_t most = b.promises().in_flight_max;
    REQUIRE(b.client().append_pattern(b.sequential()[0].index, b.unit(), 1).error == ok);
    std::vector<std::unique_ptr<job>> jobs;
    std::vector<command> commands;
    for (std::size_t i = 0; i < most + 3; ++i) {
      jobs.push_back(std::make_unique<job>(b.unit(), 2));
      commands.push_back({.id = {i + 1},
                          .op = opcode::read,
                          .zone = b.sequential()[0].index,
                          .offset_bytes = 0,
                          .segments = {&jobs.back()->piece, 1},
                          .zones = {}});
    }
    device& d = b.client().device();
    REQUIRE(d.submit(commands) == most);
    REQUIRE(d.submit({commands.data() + most, 3}) == 0);
    std::vector<bool> seen(most + 1, false);
    for (std::size_t done = 0; done < most;) {
      completion out[7];
      const std::size_t count = d.reap(out);
      for (std::size_t i = 0; i < count; ++i) {
        REQUIRE(out[i].id.value <= most);
        REQUIRE_FALSE(seen[out[i].id.value]);
        seen[out[i].id.value] = true;
        REQUIRE(out[i].error == ok);
        CHECK(has_pattern(jobs[out[i].id.value - 1]->memory.span(), 1));
      }
      done += count;
    }
    CHECK(d.submit({commands.data(), 1}) == 1);
    for (completion out[1]; d.reap(out) == 0;) {
    }
  });
}

TEST_CASE("a cancelled command completes once, and has either happened or not") {
  on_each_device([](bench& b) {
    const zone_index zone = b.sequential()[0].index;
    std::uint64_t landed = 0;
    for (std::uint64_t round = 0; round < 20; ++round) {
      const job j{b.unit(), round};
      const command_id id = b.client().start(j.append(zone));
      b.client().device().cancel(id);
      b.client().device().cancel({id.value + 1});
      const completion c = b.client().finish(id);
      if (c.error) {
        CHECK(c.error == errc::cancelled);
      } else {
        CHECK(c.at == place{zone, landed});
        CHECK(b.client().reads_pattern(c.at, b.unit(), round));
        landed += c.bytes;
      }
      CHECK(b.client().zone(zone).write_pointer_bytes == landed);
    }
  });
}

TEST_CASE("a reset among appends of its zone leaves a zone that agrees with what was completed after it") {
  on_each_device([](bench& b) {
    const zone_index zone = b.sequential()[2].index;
    // A drive with append of its own takes commands of one zone in any order.
    const bool ordered = !(b.what().is_real && b.promises().native_append);
    for (std::uint64_t round = 0; round < 10; ++round) {
      const job before{4 * b.unit(), 1};
      const job after{2 * b.unit(), 1000 + round};
      const command_id first = b.client().start(before.append(zone));
      const bool one_by_one = b.promises().appends_per_zone_max == 1 || !ordered;
      if (one_by_one) REQUIRE(b.client().finish(first).error == ok);
      const command_id reset = b.client().start(
          {.id = {}, .op = opcode::reset, .zone = zone, .offset_bytes = 0, .segments = {}, .zones = {}});
      if (!ordered) REQUIRE(b.client().finish(reset).error == ok);
      const command_id second = b.client().start(after.append(zone));
      if (!one_by_one) CHECK(b.client().finish(first).error == ok);
      if (ordered) CHECK(b.client().finish(reset).error == ok);
      const completion c = b.client().finish(second);
      REQUIRE(c.error == ok);
      REQUIRE(c.at == place{zone, 0});
      CHECK(b.client().reads_pattern({zone, 0}, 2 * b.unit(), 1000 + round));
      CHECK(b.client().zone(zone).write_pointer_bytes == 2 * b.unit());
    }
  });
}

TEST_CASE("a flush among writes completes and disturbs nothing") {
  on_each_device([](bench& b) {
    for (std::uint64_t round = 0; round < 8; ++round) {
      const zone_index zone = b.sequential()[round % b.active_zones(3)].index;
      const job j{b.unit(), round};
      const command_id written = b.client().start(j.append(zone));
      const command_id flushed =
          b.client().start({.id = {}, .op = opcode::flush, .zone = {}, .offset_bytes = 0, .segments = {}, .zones = {}});
      const completion c = b.client().finish(written);
      REQUIRE(c.error == ok);
      CHECK(b.client().finish(flushed).error == ok);
      CHECK(b.client().flush().error == ok);
      CHECK(b.client().reads_pattern(c.at, b.unit(), round));
    }
  });
}

namespace {

/// What one zone should hold: pieces by offset, and the pointer.
struct zone_model {
  std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> pieces;
  std::uint64_t pointer = 0;
  std::size_t in_flight = 0;
  bool open = true;
};

struct in_flight_append {
  std::unique_ptr<job> what;
  std::size_t zone;
};

/// Random appends, resets, finishes and reads over a few zones; at the end every byte is compared.
class traffic {
 public:
  traffic(bench& b, std::uint64_t seed) : bench_{b}, random_{seed}, zones_(b.active_zones(4)) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      while (bench_.client().in_flight() > 24) settle(true);
      settle(false);
    }
    while (!appends_.empty()) settle(true);
    for (std::size_t i = 0; i < zones_.size(); ++i) check(i);
  }

 private:
  zone_index index(std::size_t i) const { return bench_.sequential()[i].index; }

  void step() {
    const std::size_t i = random_() % zones_.size();
    zone_model& zone = zones_[i];
    const std::uint64_t dice = random_() % 100;
    if (dice < 80) {
      append(i);
    } else if (zone.in_flight > 0) {
      return;
    } else if (dice < 84) {
      REQUIRE(bench_.client().manage(opcode::reset, index(i)).error == ok);
      zone = {};
    } else if (dice < 86) {
      REQUIRE(bench_.client().manage(opcode::finish, index(i)).error == ok);
      zone.open = false;
    } else if (dice < 90) {
      REQUIRE(bench_.client().flush().error == ok);
    } else {
      check(i);
    }
  }

  void append(std::size_t i) {
    zone_model& zone = zones_[i];
    if (!zone.open || zone.in_flight >= bench_.promises().appends_per_zone_max) return;
    const std::uint64_t room = bench_.sequential()[i].capacity_bytes - zone.pointer;
    const std::uint64_t lba = bench_.shape().lba_bytes;
    const std::uint64_t most = std::min({bench_.promises().append_bytes_max, room, 16 * bench_.unit()});
    if (most < lba) return;
    const std::uint64_t bytes = lba * (1 + random_() % (most / lba));
    auto j = std::make_unique<job>(bytes, random_() >> 32);
    const command c = j->append(index(i));
    ++zone.in_flight;
    zone.pointer += bytes;
    const command_id id = bench_.client().start(c);
    appends_.emplace(id, in_flight_append{std::move(j), i});
  }

  void settle(bool wait) {
    bench_.client().reap(wait);
    for (auto it = appends_.begin(); it != appends_.end();) {
      if (!bench_.client().is_done(it->first)) {
        ++it;
        continue;
      }
      const completion c = bench_.client().finish(it->first);
      const auto& [j, i] = it->second;
      REQUIRE(c.error == ok);
      REQUIRE(c.bytes == j->memory.size());
      REQUIRE(c.at.zone == index(i));
      REQUIRE(zones_[i].pieces.emplace(c.at.offset_bytes, std::pair{c.bytes, j->seed}).second);
      --zones_[i].in_flight;
      it = appends_.erase(it);
    }
  }

  void check(std::size_t i) {
    const zone_model& zone = zones_[i];
    std::uint64_t pointer = 0;
    for (const auto& [offset, what] : zone.pieces) {
      REQUIRE(offset == pointer);
      REQUIRE(bench_.client().reads_pattern({index(i), offset}, what.first, what.second));
      pointer = offset + what.first;
    }
    REQUIRE(pointer == zone.pointer);
    const zone_info found = bench_.client().zone(index(i));
    if (is_writable(found.condition)) REQUIRE(found.write_pointer_bytes == pointer);
    const bool full = !zone.open || pointer == found.capacity_bytes;
    REQUIRE((found.condition == zone_condition::full) == full);
  }

  bench& bench_;
  std::mt19937_64 random_;
  std::vector<zone_model> zones_;
  std::map<command_id, in_flight_append> appends_;
};

}  // namespace

TEST_CASE("random traffic over several zones reads back as a model says") {
  const std::uint64_t seed = seed_of_run();
  MESSAGE("seed " << seed << "; FURROW_TEST_SEED sets another");
  on_each_device([&](bench& b) { traffic{b, seed}.run(600); });
}
