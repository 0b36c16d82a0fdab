// What the device sees of the driver; events.
#include <list>
#include <vector>

#include "driver_fixture.hpp"

using namespace furrow;
using namespace furrow::test;

TEST_CASE("device: a refused suffix is offered again, in its order, each command once") {
  context_store t;
  t.commands->hold();
  t.commands->set_room(3);
  std::list<outcome_of<append_result>> appends;
  for (int i = 0; i < 100; ++i) t.log.async_append(asio::buffer("x", 1), appends.emplace_back().handler());
  t.poll();
  CHECK(t.commands->held() == 3);
  t.commands->complete(2);
  t.poll();
  CHECK(t.commands->held() == 3);
  t.commands->let_go();
  t.run();
  for (const auto& a : appends) CHECK(a.good());
  const std::vector<std::uint64_t> accepted = t.commands->accepted();
  for (std::size_t i = 1; i < accepted.size(); ++i) CHECK(accepted[i - 1] < accepted[i]);
}

TEST_CASE("device: many calls are one batch") {
  context_store t;
  const std::size_t before = t.commands->reaps();
  std::list<outcome_of<append_result>> appends;
  for (int i = 0; i < 50; ++i) t.log.async_append(asio::buffer("x", 1), appends.emplace_back().handler());
  t.run();
  CHECK(t.commands->reaps() - before <= 7);  // Of eight completions each.
  for (const auto& a : appends) CHECK(a.good());
}

TEST_CASE("device: the core ticks when nothing is in flight, and only then, at rest, nothing wakes") {
  context_store t;
  const std::uint64_t ticks = t.counters().checkpoints;
  t.commands->hold();
  outcome_of<append_result> appended;
  t.log.async_append(asio::buffer("x", 1), appended.handler());
  t.poll();
  const std::uint64_t busy = t.counters().checkpoints;
  CHECK(busy == ticks + 1);  // The tick after the counters were read before.
  CHECK(t.counters().checkpoints == busy);
  t.commands->let_go();
  t.run();
  CHECK(appended.good());
  const std::uint64_t rested = t.counters().checkpoints;
  CHECK(rested > busy);
  t.context.restart();
  CHECK(t.context.poll() == 0);
  CHECK(t.counters().checkpoints == rested + 1);
}

TEST_CASE("device: events are told one by one, in order, early ones are kept, up to a bound") {
  context_store t;
  std::vector<std::uint64_t> seen;
  t.create("event:100");
  t.s.on_event([&](const event& e) {
    CHECK(e.what == event::kind::low_space);
    seen.push_back(*e.detail.bytes);
  });
  CHECK(seen.empty());
  t.run();
  REQUIRE(seen.size() == 64);
  for (std::uint64_t i = 0; i < 64; ++i) CHECK(seen[i] == i);

  seen.clear();
  t.create("event:3");
  CHECK(seen == std::vector<std::uint64_t>{0, 1, 2});
  t.s.on_event({});
  t.create("event:4");
  CHECK(seen.size() == 3);
}
