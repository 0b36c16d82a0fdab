// The parts of furrow-crash: what a recorder says may be left, which of it is put together, and that what is broken is
// found.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "crash/explorer.hpp"
#include "support/empty_zones.hpp"

namespace furrow::crash {
namespace {

using zoned::opcode;
using zoned::zone_condition;

constexpr std::uint64_t lba = 4096;
constexpr std::uint64_t zone_bytes = 16 * lba;

/// A device of four zones that is told one command at a time.
class bench {
 public:
  explicit bench(bool is_volatile = true, std::optional<std::uint32_t> active_max = {})
      : promises_{.volatile_cache = is_volatile, .native_append = true}, device_{zones(active_max), promises_, true} {}

  void append(std::uint32_t zone, std::uint64_t lbas, bool completes = true) {
    bytes_.assign(lbas * lba, std::byte{++written_});
    segment_ = {bytes_.data(), bytes_.size()};
    submit({.op = opcode::append, .zone = {zone}, .segments = {&segment_, 1}}, completes);
  }
  void ask(opcode op, std::uint32_t zone = 0, bool completes = true) { submit({.op = op, .zone = {zone}}, completes); }
  void complete_all() {
    for (zoned::completion c; device_.complete(c);) {
    }
  }
  [[nodiscard]] moment now() const { return device_.now(); }
  /// Write pointers, in LBAs, that the zone may have.
  [[nodiscard]] std::vector<std::uint64_t> outcomes_of(std::uint32_t zone) const {
    const moment m = now();
    const auto at = std::ranges::find(m.loose, zoned::zone_index{zone}, &loose_zone::zone);
    if (at == m.loose.end()) return {m.image.machine().at({zone}).write_pointer_bytes / lba};
    const auto index = static_cast<std::size_t>(at - m.loose.begin());
    std::vector<std::uint64_t> all;
    for (std::uint32_t o = 0; o < m.outcomes(index); ++o) {
      std::vector<std::uint32_t> outcome(m.loose.size());
      outcome[index] = o;
      all.push_back(m.build(outcome)->machine().at({zone}).write_pointer_bytes / lba);
    }
    return all;
  }

 private:
  static zoned::memory_zones zones(std::optional<std::uint32_t> active_max) {
    zoned::geometry g{.lba_bytes = lba, .zone_bytes = zone_bytes, .zone_count = 4, .last_zone_bytes = zone_bytes};
    g.active_max = active_max;
    return make_zones(g, {.native_append = true}, test::empty_zones(g));
  }
  void submit(zoned::command c, bool completes) {
    c.id = {++commands_};
    device_.submit(c);
    if (completes) complete_all();
  }

  zoned::guarantees promises_;
  recorder device_;
  std::vector<std::byte> bytes_;
  zoned::segment segment_;
  std::uint64_t commands_ = 0;
  std::uint8_t written_ = 0;
};

using lbas = std::vector<std::uint64_t>;

TEST_CASE("what no flush covers is left as any prefix, what one covered whole") {
  bench b;
  b.append(0, 2);
  CHECK(b.outcomes_of(0) == lbas{0, 1, 2});
  b.ask(opcode::flush);
  CHECK(b.outcomes_of(0) == lbas{2});
  b.append(0, 3, false);
  CHECK(b.outcomes_of(0) == lbas{2, 3, 4, 5});
  b.ask(opcode::flush, 0, false);  // the append has not completed when it begins
  b.complete_all();
  CHECK(b.outcomes_of(0) == lbas{2, 3, 4, 5});
}

TEST_CASE("without a volatile cache only what is in flight may be torn") {
  bench b{false};
  b.append(0, 2);
  CHECK(b.outcomes_of(0) == lbas{2});
  b.append(0, 2, false);
  CHECK(b.outcomes_of(0) == lbas{2, 3, 4});
}

TEST_CASE("a reset may be undone until a flush, or something durable behind it, covers it") {
  bench b;
  b.append(1, 3);
  b.ask(opcode::flush);
  b.ask(opcode::reset, 1);
  CHECK(b.outcomes_of(1) == lbas{3, 0});
  b.append(1, 1);
  CHECK(b.outcomes_of(1) == lbas{3, 0, 1});
  b.ask(opcode::flush);
  CHECK(b.outcomes_of(1) == lbas{1});
  b.ask(opcode::reset, 1, false);
  b.ask(opcode::flush, 0, false);
  b.complete_all();
  CHECK(b.outcomes_of(1) == lbas{1, 0});
}

TEST_CASE("a finish may be undone, and then what was written is left as any prefix") {
  bench b;
  b.append(2, 2);
  b.ask(opcode::finish, 2);
  CHECK(b.outcomes_of(2) == lbas{0, 1, 2, 16});
  b.ask(opcode::flush);
  CHECK(b.outcomes_of(2) == lbas{16});
}

TEST_CASE("states that differ in a byte, a write pointer or a condition have different hashes") {
  bench b;
  std::set<std::uint64_t> seen;
  const auto add = [&] {
    static_cast<void>(enumerate(b.now(), 64, [&](auto, std::uint64_t hash) { seen.insert(hash); }));
  };
  add();
  b.append(0, 2);
  add();
  CHECK(seen.size() == 3);
  b.ask(opcode::reset, 0);
  b.append(0, 2);  // other bytes
  add();
  CHECK(seen.size() == 5);
  b.ask(opcode::finish, 0);
  add();
  CHECK(seen.size() == 6);
}

TEST_CASE("few states are all put together, of many each zone's alone") {
  bench b;
  b.append(0, 2);
  b.append(1, 3);
  std::uint64_t count = 0;
  const auto counts = [&](auto, std::uint64_t) { ++count; };
  CHECK(enumerate(b.now(), 12, counts));
  CHECK(count == 12);
  count = 0;
  CHECK_FALSE(enumerate(b.now(), 11, counts));
  CHECK(count == 2 * (1 + 2 + 3));
}

TEST_CASE("a device could not be in a state of more active zones than it has") {
  bench b{true, 2};
  b.append(0, 1);
  b.append(1, 1);
  b.ask(opcode::finish, 0);
  b.append(2, 1);
  const moment m = b.now();
  REQUIRE(m.loose.size() == 3);
  std::vector<std::uint32_t> outcome{1, 1, 1};  // the finish is undone, and all is there
  CHECK(m.build(outcome) == nullptr);
  outcome[2] = 0;
  CHECK(m.build(outcome) != nullptr);
}

/// What is broken in these workloads; empty: nothing.
std::string explore(const choice& how, const std::vector<workload>& all) {
  explorer e{how};
  try {
    for (const workload& w : all) e.explore(w);
  } catch (const broken_state& b) {
    return describe(b.what_of) + ": " + b.what();
  }
  CHECK(e.result().distinct > all.size());
  return {};
}

TEST_CASE("flushes that cover nothing are found") {
  choice how;
  how.flushes_lie = true;
  const std::string found = explore(how, {{start::fresh, {kind::append_durable}}});
  CHECK(found != "");
}

TEST_CASE("whatever is left of a small workload is what the store held after some of its publications") {
  using enum kind;
  const std::string broken = explore({}, {{start::fresh, {append_many, write_unaligned}},
                                          {start::objects, {clone, checkpoint}},
                                          {start::objects, {batch, reopen}},
                                          {start::objects, {checkpoint_later, rename, append_blocks}}});
  CHECK(broken == "");
}

TEST_CASE("wherever the cleaner is cut no block is lost") {
  using enum kind;
  choice how;
  how.keep_per_mille = 300;
  const std::string broken = explore(how, {{start::full, {clean_later, write_middle, append_many, append_many}},
                                           {start::read_only, {write_middle, checkpoint}}});
  CHECK(broken == "");
}

}  // namespace
}  // namespace furrow::crash
