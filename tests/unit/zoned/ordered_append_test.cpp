// Append from writes at the write pointer: order, learning, failures at every step, short completions, cancelling.
#include "adapt/ordered_append.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <algorithm>

#include "adapt/trace_device.hpp"
#include "append_desk.hpp"

using namespace furrow::zoned;
using furrow::error_code;
using furrow::test::conventional_zone;
using furrow::test::scripted_device;
using furrow::test::zone_at;
using desk = furrow::test::append_desk;
using enum zone_condition;

namespace {

constexpr error_code ok{};
constexpr std::uint64_t block = furrow::test::desk_block;
constexpr std::uint64_t capacity = furrow::test::desk_capacity;

}  // namespace

TEST_CASE("the write pointer is learned once, then kept") {
  desk d;
  const auto first = d.append(2);
  d.learns(zone_at(2, 3 * block));
  d.writes(3 * block, 1);
  d.complete(ok, block);
  CHECK(d.result(first).at == place{{2}, 3 * block});
  CHECK(d.result(first).bytes == block);
  const auto second = d.append(2, 2);
  d.writes(4 * block, 2);
  d.complete(ok, 2 * block);
  CHECK(d.result(second).at == place{{2}, 4 * block});
}

TEST_CASE("a report that the caller asks for makes a zone known") {
  desk d;
  zone_info told;
  const auto asked = d.report(2, told);
  d.learns(zone_at(2, 3 * block));
  CHECK(d.result(asked).bytes == 1);
  CHECK(told.write_pointer_bytes == 3 * block);
  const auto first = d.append(2);
  d.writes(3 * block, 1);
  d.complete(ok, block);
  CHECK(d.result(first).at == place{{2}, 3 * block});
  const auto failed = d.report(1, told);
  d.complete(errc::io);
  CHECK(d.error(failed) == errc::io);
  d.append(1);
  d.learns(zone_at(1, 0, empty));
  d.complete(ok, block);
}

TEST_CASE("a report that may be older than a change makes nothing known") {
  zone_info told;
  for (const bool ended : {true, false}) {
    CAPTURE(ended);
    desk d;
    d.append(0);
    d.learns(zone_at(0, 0, empty));
    if (!ended) {  // began before the report was asked for, ended before it came
      d.report(0, told);
      d.complete(errc::io);
    } else {  // began and failed while it was on its way
      d.complete(ok, block);
      d.report(0, told);
      d.append(0);
      d.complete(errc::io, 0, 1);
    }
    REQUIRE(d.only().op == opcode::report);
    d.below_->answer_report(0, zone_at(0, 7 * block));
    d.settle();
    const auto next = d.append(0);
    d.learns(zone_at(0, block, implicit_open));
    d.writes(block, 1);
    d.complete(ok, block);
    CHECK(d.result(next).at == place{{0}, block});
  }
}

TEST_CASE("a report never moves a write pointer that is known") {
  desk d;
  zone_info told;
  d.append(3);
  d.learns(zone_at(3, 0, empty));
  d.complete(ok, block);
  d.report(3, told);
  d.learns(zone_at(3, 5 * block));
  const auto next = d.append(3);
  d.writes(block, 1);
  d.complete(ok, block);
  CHECK(d.result(next).at == place{{3}, block});
}

TEST_CASE("appends of one zone go one at a time in order, those of several zones together") {
  desk d;
  const auto a = d.append(0);
  const auto b = d.append(0, 2);
  const auto c = d.append(0);
  d.learns(zone_at(0, 0, empty));
  d.writes(0, 1);
  const auto other = d.append(1);
  REQUIRE(d.below_->at_work().size() == 2);
  d.below_->answer_report(1, zone_at(1, block));
  d.settle();
  d.below_->complete(1, ok, block);
  CHECK(d.result(other).at == place{{1}, block});
  CHECK_FALSE(d.is_done(a));
  d.complete(ok, block);
  d.writes(block, 2);
  d.complete(ok, 2 * block);
  d.writes(3 * block, 1);
  d.complete(ok, block);
  CHECK(d.result(a).at.offset_bytes == 0);
  CHECK(d.result(b).at.offset_bytes == block);
  CHECK(d.result(c).at.offset_bytes == 3 * block);
}

TEST_CASE("a failed write cancels what waits behind it, and the write pointer is learned anew") {
  desk d;
  const auto failing = d.append(0, 2);
  const auto behind = d.append(0);
  const auto further = d.submit(opcode::write, {0}, 1, 2 * block);
  d.learns(zone_at(0, 0, empty));
  d.complete(errc::io);
  CHECK(d.error(failing) == errc::io);
  CHECK(d.error(behind) == errc::cancelled);
  CHECK(d.error(further) == errc::cancelled);
  CHECK(d.is_idle());
  const auto next = d.append(0);
  d.learns(zone_at(0, block, implicit_open));
  d.writes(block, 1);
  d.complete(ok, block);
  CHECK(d.result(next).at == place{{0}, block});
}

TEST_CASE("a failed append tells where it was going to begin, one that never came to the device the zone's end") {
  desk d;
  const auto landed = d.append(0, 2);
  const auto failing = d.append(0, 2);
  const auto behind = d.append(0);
  const auto too_long = d.append(0, 9);
  d.learns(zone_at(0, 0, empty));
  d.complete(ok, 2 * block);
  d.complete(errc::io);
  CHECK(d.result(landed).at == place{{0}, 0});
  CHECK(d.result(failing).at == place{{0}, 2 * block});
  for (const auto id : {behind, too_long}) CHECK(d.result(id).at == place{{0}, 16 * block});
  const auto unlearned = d.append(1);
  d.complete(errc::io);
  CHECK(d.result(unlearned).at == place{{1}, 16 * block});
}

TEST_CASE("a failed write leaves other zones alone") {
  desk d;
  d.append(0);
  d.learns(zone_at(0, 0, empty));
  d.append(1);
  d.below_->answer_report(1, zone_at(1, 0, empty));
  d.settle();
  const auto waiting = d.append(1);
  d.complete(errc::io);
  d.writes(0, 1);
  d.complete(ok, block);
  d.writes(block, 1);
  d.complete(ok, block);
  CHECK(d.error(waiting) == ok);
}

TEST_CASE("what the device found out at a failure is believed") {
  for (const auto& [condition, expected] : {std::pair{read_only, errc::zone_read_only},
                                            std::pair{offline, errc::zone_offline}, std::pair{full, errc::zone_full}}) {
    desk d;
    d.append(0);
    d.learns(zone_at(0, 0, empty));
    d.complete(errc::io);
    const auto next = d.append(0);
    d.learns(zone_at(0, condition == full ? capacity : block, condition));
    CHECK(d.error(next) == expected);
    CHECK(d.is_idle());
  }
}

TEST_CASE("a failed report fails the command, cancels what waits, and is tried again") {
  desk d;
  const auto first = d.append(0);
  const auto second = d.append(0);
  const auto reset = d.submit(opcode::reset, {0});
  REQUIRE(d.only().op == opcode::report);
  d.complete(errc::io);
  CHECK(d.error(first) == errc::io);
  CHECK(d.error(second) == errc::cancelled);
  d.learns(zone_at(0, block));
  REQUIRE(d.only().op == opcode::reset);
  d.complete(ok);
  CHECK(d.error(reset) == ok);
  const auto third = d.append(0);
  d.writes(0, 1);
  d.complete(ok, block);
  CHECK(d.result(third).at == place{{0}, 0});
}

TEST_CASE("a short completion passes through, and the next append follows what landed") {
  desk d;
  const auto first = d.append(0, 4);
  const auto second = d.append(0, 1);
  d.learns(zone_at(0, 0, empty));
  d.complete(ok, 3 * block);
  CHECK(d.result(first).error == ok);
  CHECK(d.result(first).bytes == 3 * block);
  d.writes(3 * block, 1);
  d.complete(ok, block);
  CHECK(d.result(second).at.offset_bytes == 3 * block);
}

TEST_CASE("a completion of nothing is a failure") {
  desk d;
  const auto first = d.append(0);
  d.learns(zone_at(0, 0, empty));
  d.complete(ok, 0);
  CHECK(d.error(first) == errc::io);
  d.append(0);
  CHECK(d.only().op == opcode::report);
}

TEST_CASE("a zone is full at its capacity, and a write beyond it never reaches the device") {
  desk d;
  const auto first = d.append(0, 8);
  d.learns(zone_at(0, 0, empty));
  d.complete(ok, 8 * block);
  const auto too_long = d.append(0, 5);
  CHECK(d.error(too_long) == errc::zone_boundary);
  const auto rest = d.append(0, 4);
  d.complete(ok, 4 * block);
  const auto more = d.append(0, 1);
  CHECK(d.error(first) == ok);
  CHECK(d.error(rest) == ok);
  CHECK(d.error(more) == errc::zone_full);
  CHECK(d.is_idle());
}

TEST_CASE("writes must name the write pointer, and move it") {
  desk d;
  const auto right = d.submit(opcode::write, {0}, 1, 2 * block);
  d.learns(zone_at(0, 2 * block));
  d.complete(ok, block);
  CHECK(d.error(right) == ok);
  for (const std::uint64_t wrong : {std::uint64_t{0}, 2 * block, 4 * block}) {
    CHECK(d.error(d.submit(opcode::write, {0}, 1, wrong)) == errc::not_sequential);
  }
  d.append(0);
  d.writes(3 * block, 1);
}

TEST_CASE("zone commands keep their turn, and move the write pointer as they say") {
  desk d;
  d.append(0);
  const auto finish = d.submit(opcode::finish, {0});
  const auto refused = d.append(0);
  const auto reset = d.submit(opcode::reset, {0});
  const auto open = d.submit(opcode::open, {0});
  const auto last = d.append(0);
  d.learns(zone_at(0, block));
  d.writes(block, 1);
  d.complete(ok, block);
  REQUIRE(d.only().op == opcode::finish);
  d.complete(ok);
  REQUIRE(d.only().op == opcode::reset);
  CHECK(d.error(finish) == ok);
  CHECK(d.error(refused) == errc::zone_full);
  d.complete(ok);
  REQUIRE(d.only().op == opcode::open);
  d.complete(ok);
  d.writes(0, 1);
  d.complete(ok, block);
  CHECK(d.error(reset) == ok);
  CHECK(d.error(open) == ok);
  CHECK(d.result(last).at == place{{0}, 0});
}

TEST_CASE("a failed reset leaves nothing to guess") {
  desk d;
  const auto reset = d.submit(opcode::reset, {0});
  const auto behind = d.append(0);
  d.learns(zone_at(0, 5 * block));
  d.complete(errc::io);
  CHECK(d.error(reset) == errc::io);
  CHECK(d.error(behind) == errc::cancelled);
  d.append(0);
  d.learns(zone_at(0, 5 * block));
  d.writes(5 * block, 1);
}

TEST_CASE("reads, reports and flushes pass at once, even while a zone is at work") {
  desk d;
  d.append(0);
  d.learns(zone_at(0, 0, empty));
  d.append(0);
  const auto read = d.submit(opcode::read, {0}, 1, 0);
  const auto flush = d.submit(opcode::flush, {0});
  REQUIRE(d.below_->at_work().size() == 3);
  CHECK(d.below_->at_work()[1].op == opcode::read);
  CHECK(d.below_->at_work()[2].op == opcode::flush);
  d.below_->complete(2, ok);
  d.below_->complete(1, ok, block);
  CHECK(d.error(flush) == ok);
  CHECK(d.result(read).bytes == block);
}

TEST_CASE("conventional zones are written as they come, and take nothing else") {
  desk d;
  const auto first = d.submit(opcode::write, {3}, 1, 5 * block);
  const auto append = d.append(3);
  const auto reset = d.submit(opcode::reset, {3});
  d.learns(conventional_zone(3));
  d.writes(5 * block, 1);
  const auto second = d.submit(opcode::write, {3}, 1, 0);
  REQUIRE(d.below_->at_work().size() == 2);
  d.below_->complete(1, ok, block);
  d.below_->complete(0, errc::io);
  CHECK(d.error(first) == errc::io);
  CHECK(d.error(second) == ok);
  CHECK(d.error(append) == errc::invalid_transition);
  CHECK(d.error(reset) == errc::invalid_transition);
}

TEST_CASE("a waiting command is cancelled, one at work only asked to be") {
  desk d;
  const auto at_work = d.append(0);
  const auto waiting = d.append(0);
  const auto behind = d.append(0);
  d.learns(zone_at(0, 0, empty));
  d.adaptor_->cancel({waiting});
  d.adaptor_->cancel({at_work});
  d.adaptor_->cancel({999});
  CHECK(d.error(waiting) == errc::cancelled);
  CHECK_FALSE(d.is_done(at_work));
  CHECK(d.below_->cancelled().size() == 1);
  d.complete(ok, block);
  d.writes(block, 1);
  d.complete(ok, block);
  CHECK(d.result(behind).at.offset_bytes == block);
}

TEST_CASE("the device below never has more at work than the adaptor accepted, nor two writes of one zone") {
  desk d;
  for (int i = 0; i < 8; ++i) d.append(static_cast<std::uint32_t>(i % 2));
  const segment none{};
  const command extra{
      .id = {100}, .op = opcode::append, .zone = {0}, .offset_bytes = 0, .segments = {&none, 1}, .zones = {}};
  CHECK(d.adaptor_->submit({&extra, 1}) == 0);
  while (!d.is_idle()) {
    REQUIRE(d.below_->at_work().size() <= 2);
    const command c = d.below_->at_work()[0];
    if (c.op == opcode::report) {
      d.below_->answer_report(0, zone_at(c.zone.value, 0, empty));
    } else {
      d.complete(ok, block);
    }
  }
  CHECK(d.settle().size() == 8);
  CHECK(d.below_->most_at_work() == 2);
}

TEST_CASE("the descriptor is readable for refusals and for completions of the device") {
  desk d;
  const auto readable = [&] {
    pollfd p{.fd = d.adaptor_->completion_fd(), .events = POLLIN, .revents = 0};
    return ::poll(&p, 1, 0) == 1;
  };
  CHECK_FALSE(readable());
  d.append(99);
  CHECK(readable());
  d.settle();
  CHECK_FALSE(readable());
  d.append(0);
  CHECK_FALSE(readable());
  d.below_->answer_report(0, zone_at(0, 0, empty));
  CHECK(readable());
  d.settle();
  CHECK_FALSE(readable());
}

TEST_CASE("a traced device shows every command and completion, and nothing that was not accepted") {
  auto owned = std::make_unique<scripted_device>(furrow::test::desk_shape, furrow::test::desk_promises());
  scripted_device* const below = owned.get();
  std::vector<std::uint64_t> accepted;
  std::vector<std::uint64_t> completed;
  trace_device traced{std::move(owned),
                      {.accepted = [&](const command& c) { accepted.push_back(c.id.value); },
                       .completed = [&](const completion& c) { completed.push_back(c.id.value); }}};
  std::vector<command> flushes(10);
  for (std::uint64_t i = 0; i < 10; ++i) flushes[i].id = {i};
  CHECK(traced.submit(flushes) == 8);
  CHECK(accepted == std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7});
  below->complete(3, ok);
  below->complete(0, ok);
  CHECK(completed.empty());
  completion out[4];
  CHECK(traced.reap(out) == 2);
  CHECK(completed == std::vector<std::uint64_t>{3, 0});
}
