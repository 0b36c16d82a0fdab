// Append from several writes of a zone in flight: order, draining, what is known of each write after a failure, a device
// that changes the order; and all small courses of events against a model of a zone.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "append_desk.hpp"

using namespace furrow::zoned;
using furrow::error_code;
using furrow::test::zone_at;
using desk = furrow::test::append_desk;
using enum zone_condition;

namespace {

constexpr error_code ok{};
constexpr std::uint64_t block = furrow::test::desk_block;
constexpr std::uint64_t capacity = furrow::test::desk_capacity;
constexpr place zone_end{{0}, furrow::test::desk_zone_bytes};

/// Zone 0 with its write pointer known, and so many appends of one block at work from there.
struct busy_zone {
  explicit busy_zone(std::size_t appends, std::uint32_t depth = 4, std::uint64_t pointer_blocks = 0) : d{depth} {
    for (std::size_t i = 0; i < appends; ++i) ids.push_back(d.append(0));
    d.learns(zone_at(0, pointer_blocks * block, pointer_blocks == 0 ? empty : closed));
  }
  desk d;
  std::vector<std::uint64_t> ids;
};

}  // namespace

TEST_CASE("as many writes as the depth are at work, each where the one before ends, and the rest wait") {
  busy_zone z{6, 4, 2};
  REQUIRE(z.d.at_work().size() == 4);
  for (std::uint64_t i = 0; i < 4; ++i) {
    CHECK(z.d.at_work()[i].op == opcode::write);
    CHECK(z.d.at_work()[i].offset_bytes == (2 + i) * block);
  }
  z.d.complete(ok, block, 1);
  CHECK(z.d.result(z.ids[1]).at == place{{0}, 3 * block});
  REQUIRE(z.d.at_work().size() == 4);
  CHECK(z.d.at_work()[3].offset_bytes == 6 * block);
  while (!z.d.is_idle()) z.d.complete(ok, block);
  for (std::uint64_t i = 0; i < 6; ++i) CHECK(z.d.result(z.ids[i]).at == place{{0}, (2 + i) * block});
  CHECK(z.d.adaptor_->promises().appends_per_zone_max == 4);
}

TEST_CASE("what failed behind a failed write left nothing, says the write pointer: it is cancelled") {
  busy_zone z{5};
  z.d.complete(ok, block);
  CHECK(z.d.error(z.ids[0]) == ok);
  z.d.complete(errc::io);
  z.d.complete(errc::io);
  z.d.complete(errc::not_sequential);
  CHECK_FALSE(z.d.is_done(z.ids[1]));
  z.d.complete(errc::not_sequential);
  z.d.learns(zone_at(0, block, implicit_open));
  CHECK(z.d.error(z.ids[1]) == errc::io);
  CHECK(z.d.result(z.ids[1]).at == place{{0}, block});
  for (const std::size_t i : {2U, 3U, 4U}) {
    CHECK(z.d.error(z.ids[i]) == errc::cancelled);
    CHECK(z.d.result(z.ids[i]).at == zone_end);
  }
  const auto next = z.d.append(0);
  z.d.writes(block, 1);
  z.d.complete(ok, block);
  CHECK(z.d.result(next).at == place{{0}, block});
}

TEST_CASE("a write that may have landed behind a failed one is not called cancelled") {
  busy_zone z{3};
  for (int i = 0; i < 3; ++i) z.d.complete(errc::io);
  z.d.learns(zone_at(0, 2 * block, implicit_open));
  CHECK(z.d.error(z.ids[0]) == errc::io);
  CHECK(z.d.error(z.ids[1]) == errc::io);
  CHECK(z.d.result(z.ids[1]).at == place{{0}, block});
  CHECK(z.d.error(z.ids[2]) == errc::cancelled);
}

TEST_CASE("a write that landed behind a failed one has landed") {
  busy_zone z{3};
  z.d.complete(errc::io);
  z.d.complete(ok, block);
  z.d.complete(errc::io);
  z.d.learns(zone_at(0, 2 * block, implicit_open));
  CHECK(z.d.error(z.ids[0]) == errc::io);
  CHECK(z.d.result(z.ids[1]).at == place{{0}, block});
  CHECK(z.d.error(z.ids[1]) == ok);
  CHECK(z.d.error(z.ids[2]) == errc::cancelled);
}

TEST_CASE("where the write pointer cannot be learned or trusted nothing is called cancelled") {
  for (const bool fails : {true, false}) {
    busy_zone z{3};
    for (int i = 0; i < 3; ++i) z.d.complete(errc::io);
    const auto late = z.d.append(0);
    if (fails) {
      z.d.complete(errc::device_gone);
    } else {
      z.d.learns(zone_at(0, 0, read_only));
    }
    for (std::uint64_t i = 0; i < 3; ++i) {
      CHECK(z.d.error(z.ids[i]) == errc::io);
      CHECK(z.d.result(z.ids[i]).at == place{{0}, i * block});
    }
    CHECK(z.d.error(late) == errc::cancelled);
    const auto next = z.d.append(0);
    if (fails) {
      z.d.learns(zone_at(0, 0, empty));
    } else {
      CHECK(z.d.error(next) == errc::zone_read_only);
    }
  }
}

TEST_CASE("a write alone that failed is answered at once") {
  busy_zone z{1};
  z.d.complete(errc::io);
  CHECK(z.d.error(z.ids[0]) == errc::io);
  CHECK(z.d.is_idle());
}

TEST_CASE("what failed behind a short write is cancelled, and the short write has landed as far as it says") {
  desk d{4};
  const auto first = d.append(0, 3);
  const auto second = d.append(0);
  d.learns(zone_at(0, 0, empty));
  d.complete(ok, 2 * block);
  CHECK(d.result(first).bytes == 2 * block);
  d.complete(errc::io);
  d.learns(zone_at(0, 2 * block, implicit_open));
  CHECK(d.error(second) == errc::cancelled);
  d.append(0);
  d.writes(2 * block, 1);
}

TEST_CASE("a short write with nothing behind it needs no report") {
  desk d{4};
  const auto first = d.append(0);
  const auto second = d.append(0, 3);
  d.learns(zone_at(0, 0, empty));
  d.complete(ok, 2 * block, 1);
  d.complete(ok, block);
  CHECK(d.error(first) == ok);
  CHECK(d.result(second).bytes == 2 * block);
  d.append(0);
  d.writes(3 * block, 1);
}

TEST_CASE("a device that changes the order is found out, nobody notices, and it gets one at a time from then on") {
  busy_zone z{4, 3};
  const auto elsewhere = z.d.append(1);
  z.d.complete(errc::io, 0, 1);  // the second overtook the first, so it was not at the write pointer
  z.d.complete(ok, block);
  CHECK(z.d.error(z.ids[0]) == ok);
  z.d.complete(errc::io);
  REQUIRE(z.d.at_work().size() == 2);  // a report of each zone
  z.d.below_->answer_report(1, zone_at(0, block, implicit_open));
  z.d.below_->answer_report(0, zone_at(1, 0, empty));
  z.d.settle();
  CHECK(z.d.adaptor_->depth() == 1);
  CHECK_FALSE(z.d.adaptor_->writing().empty());
  const auto finish = [&](std::uint64_t offset_blocks, std::uint32_t zone) {
    const auto& all = z.d.at_work();
    const auto found = std::find_if(all.begin(), all.end(), [&](const command& c) { return c.zone.value == zone; });
    REQUIRE(found != all.end());
    CHECK(std::count_if(all.begin(), all.end(), [&](const command& c) { return c.zone.value == zone; }) == 1);
    CHECK(found->offset_bytes == offset_blocks * block);
    z.d.complete(ok, block, static_cast<std::size_t>(found - all.begin()));
  };
  for (std::uint64_t i = 1; i < 4; ++i) {
    CHECK_FALSE(z.d.is_done(z.ids[i]));
    finish(i, 0);
    CHECK(z.d.result(z.ids[i]).at == place{{0}, i * block});
  }
  finish(0, 1);
  CHECK(z.d.error(elsewhere) == ok);
  CHECK(z.d.is_idle());
}

TEST_CASE("other changes of a zone wait for its writes, and its writes for them") {
  desk d{4};
  d.append(0);
  d.append(0);
  const auto reset = d.submit(opcode::reset, {0});
  const auto after = d.append(0);
  d.learns(zone_at(0, 3 * block));
  REQUIRE(d.at_work().size() == 2);
  d.complete(ok, block);
  d.writes(4 * block, 1);
  d.complete(ok, block);
  REQUIRE(d.only().op == opcode::reset);
  d.complete(ok);
  CHECK(d.error(reset) == ok);
  d.writes(0, 1);
  d.complete(ok, block);
  CHECK(d.result(after).at == place{{0}, 0});
}

TEST_CASE("what the write pointer refuses is refused when it is certain, not when it is thought") {
  desk d{4};
  const auto most = d.append(0, 8);
  d.learns(zone_at(0, 0, empty));
  const auto too_long = d.append(0, 5);
  CHECK_FALSE(d.is_done(too_long));
  d.complete(ok, 8 * block);
  CHECK(d.error(most) == ok);
  CHECK(d.error(too_long) == errc::zone_boundary);
  const auto last = d.append(0, 4);
  const auto more = d.append(0);
  CHECK_FALSE(d.is_done(more));
  d.complete(ok, 4 * block);
  CHECK(d.error(last) == ok);
  CHECK(d.error(more) == errc::zone_full);
  CHECK(d.is_idle());
}

TEST_CASE("zone commands that a driver refuses without saying why say why") {
  struct row {
    zone_condition condition;
    opcode op;
    errc expected;
  };
  for (const row& r :
       {row{full, opcode::open, errc::invalid_transition}, row{full, opcode::close, errc::invalid_transition},
        row{empty, opcode::close, errc::invalid_transition}, row{closed, opcode::open, errc::io},
        row{read_only, opcode::reset, errc::zone_read_only}, row{offline, opcode::reset, errc::zone_offline}}) {
    desk d{4};
    const auto change = d.submit(r.op, {0});
    d.learns(zone_at(0, r.condition == full ? capacity : 0, r.condition));
    REQUIRE(d.only().op == r.op);
    d.complete(errc::io);
    CHECK(d.error(change) == r.expected);
  }
}

namespace {

/// What the device makes of one write when its turn comes and it begins at the write pointer.
enum class fate : std::uint8_t { lands, fails_untouched, fails_half, fails_landed, comes_short };
constexpr std::array fates{fate::lands, fate::fails_untouched, fate::fails_half, fate::fails_landed, fate::comes_short};
constexpr std::size_t writes = 3;
constexpr std::uint64_t blocks_each = 2;

using permutation = std::array<std::size_t, writes>;

std::vector<permutation> permutations() {
  std::vector<permutation> all;
  permutation p{0, 1, 2};
  do {
    all.push_back(p);
  } while (std::next_permutation(p.begin(), p.end()));
  return all;
}

/// A zone of which the blocks know which append wrote them: its id, by block.
class zone_model {
 public:
  /// Executes the write and says what its completion will be.
  completion execute(const command& c, fate f, std::uint64_t append) {
    const std::uint64_t begin = c.offset_bytes / block, count = total_bytes(c.segments) / block;
    if (begin != blocks_.size()) return {.id = c.id, .error = errc::io, .at = {}, .bytes = 0};
    const std::uint64_t part = f == fate::lands || f == fate::fails_landed ? count
                               : f == fate::fails_untouched                ? 0
                                                                           : count / 2;
    blocks_.insert(blocks_.end(), part, append);
    const bool good = f == fate::lands || f == fate::comes_short;
    return {
        .id = c.id, .error = good ? error_code{} : error_code{errc::io}, .at = {}, .bytes = good ? part * block : 0};
  }
  [[nodiscard]] zone_info state() const {
    return zone_at(0, blocks_.size() * block, blocks_.empty() ? empty : implicit_open);
  }
  [[nodiscard]] const std::vector<std::uint64_t>& blocks() const { return blocks_; }

 private:
  std::vector<std::uint64_t> blocks_;
};

std::size_t position_of(desk& d, std::uint64_t offset_bytes) {
  for (std::size_t i = 0; i < d.at_work().size(); ++i) {
    if (d.at_work()[i].op == opcode::write && d.at_work()[i].offset_bytes == offset_bytes) return i;
  }
  FAIL("no such write at work");
  return 0;
}

/// One course: the writes are executed in one order and complete in another; then all that is left goes well.
void run_course(const std::array<fate, writes>& of, const permutation& executed, const permutation& completed) {
  desk d{writes};
  zone_model zone;
  std::vector<std::uint64_t> ids;
  for (std::size_t i = 0; i < writes; ++i) ids.push_back(d.append(0, blocks_each));
  d.learns(zone.state());
  REQUIRE(d.at_work().size() == writes);
  std::array<completion, writes> ends;
  for (const std::size_t i : executed) ends[i] = zone.execute(d.at_work()[i], of[i], ids[i]);
  for (const std::size_t i : completed) {
    d.complete(ends[i].error, ends[i].bytes, position_of(d, i * blocks_each * block));
  }
  for (int turns = 0; !d.is_idle(); ++turns) {
    REQUIRE(turns < 20);
    const command c = d.at_work()[0];
    if (c.op == opcode::report) {
      d.learns(zone.state());
      continue;
    }
    // Only what left nothing is ever tried again, and in its order: which append it is follows from who is not done.
    const auto whose = std::find_if(ids.begin(), ids.end(), [&](std::uint64_t id) { return !d.is_done(id); });
    REQUIRE(whose != ids.end());
    const completion end = zone.execute(c, fate::lands, *whose);
    d.complete(end.error, end.bytes, 0);
  }
  std::vector<std::uint64_t> told(zone.blocks().size(), 0);  // by whom each block is spoken for
  for (const std::uint64_t id : ids) {
    const completion c = d.result(id);
    const bool landed = std::find(zone.blocks().begin(), zone.blocks().end(), id) != zone.blocks().end();
    if (c.error == errc::cancelled) CHECK_FALSE(landed);
    if (c.error) {
      // Where a failed append landed begins at its `at`.
      if (landed) CHECK(zone.blocks().at(c.at.offset_bytes / block) == id);
      if (!landed && c.at.offset_bytes / block < zone.blocks().size()) {
        CHECK(zone.blocks()[c.at.offset_bytes / block] != id);
      }
      continue;
    }
    for (std::uint64_t b = 0; b < c.bytes / block; ++b) {
      const std::uint64_t at = c.at.offset_bytes / block + b;
      REQUIRE(at < zone.blocks().size());
      CHECK(zone.blocks()[at] == id);
      CHECK(told[at] == 0);
      told[at] = id;
    }
  }
  const auto next = d.append(0);
  if (d.only().op == opcode::report) d.learns(zone.state());
  d.writes(zone.state().write_pointer_bytes, 1);
  d.complete(ok, block);
  CHECK(d.error(next) == ok);
}

}  // namespace

TEST_CASE("all courses of three writes: every fate of each, executed and completed in every order") {
  for (const fate a : fates) {
    for (const fate b : fates) {
      for (const fate c : fates) {
        for (const permutation& executed : permutations()) {
          for (const permutation& completed : permutations()) {
            CAPTURE(static_cast<int>(a));
            CAPTURE(static_cast<int>(b));
            CAPTURE(static_cast<int>(c));
            CAPTURE(executed[0] * 100 + executed[1] * 10 + executed[2]);
            CAPTURE(completed[0] * 100 + completed[1] * 10 + completed[2]);
            run_course({a, b, c}, executed, completed);
          }
        }
      }
    }
  }
}
