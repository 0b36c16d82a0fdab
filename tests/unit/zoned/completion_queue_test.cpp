// The bookkeeping that all devices share: room, order, slots, and a descriptor that costs nothing while there is work.
#include "completion_queue.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <array>
#include <deque>
#include <random>

using namespace furrow::zoned;

namespace {

using signalled = completion_queue::signalled;

bool is_readable(int fd) {
  pollfd p{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&p, 1, 0) == 1;
}

constexpr auto nothing = [] {};

}  // namespace

TEST_CASE("a fixed queue gives what it was given, in order, around its end") {
  for (const std::size_t room : {1U, 2U, 3U, 7U, 8U}) {
    fixed_queue<int> q{room};
    std::deque<int> model;
    std::mt19937 random{1};
    for (int i = 0; i < 1000; ++i) {
      if (model.size() < room && random() % 2 == 0) {
        q.push(i);
        model.push_back(i);
      } else if (!model.empty()) {
        REQUIRE(q.front() == model.front());
        q.pop();
        model.pop_front();
      }
      REQUIRE(q.size() == model.size());
      for (std::size_t k = 0; k < model.size(); ++k) REQUIRE(q[k] == model[k]);
    }
  }
}

TEST_CASE("slots are given out once each until they come back") {
  slot_table<int> slots{5};
  std::array<bool, 5> seen{};
  for (std::size_t i = 0; i < 5; ++i) {
    const auto index = slots.take();
    REQUIRE(index < 5);
    CHECK_FALSE(seen[index]);
    seen[index] = true;
    CHECK(slots.index_of(slots[index]) == index);
    CHECK(slots.taken() == i + 1);
  }
  slots.give_back(3);
  CHECK(slots.taken() == 4);
  CHECK(slots.take() == 3);
}

TEST_CASE("as many are accepted as there is room for, counted until they are reaped") {
  completion_queue q{4, signalled::by_us};
  CHECK(q.accept(3) == 3);
  CHECK(q.accept(3) == 1);
  CHECK(q.accept(3) == 0);
  for (std::uint64_t i = 0; i < 4; ++i) q.push({i}, {});
  completion out[3];
  CHECK(q.reap(out, nothing) == 3);
  CHECK(q.in_flight() == 1);
  CHECK(q.accept(9) == 3);
  CHECK(out[0].id.value == 0);
  CHECK(out[2].id.value == 2);
  CHECK(q.reap(out, nothing) == 1);
  CHECK(out[0].id.value == 3);
}

TEST_CASE("readable from the announcement to the reap that finds nothing") {
  for (const signalled who : {signalled::by_us, signalled::by_others_too}) {
    completion_queue q{4, who};
    completion out[1];
    CHECK_FALSE(is_readable(q.fd()));
    REQUIRE(q.accept(2) == 2);
    q.announce_if_ready();
    CHECK_FALSE(is_readable(q.fd()));
    q.push({1}, {});
    q.push({2}, {});
    q.announce_if_ready();
    CHECK(is_readable(q.fd()));
    CHECK(q.reap({}, nothing) == 0);
    CHECK(is_readable(q.fd()));
    for (int i = 0; i < 2; ++i) {
      CHECK(q.reap(out, nothing) == 1);
      CHECK(is_readable(q.fd()));
    }
    CHECK(q.reap(out, nothing) == 0);
    CHECK_FALSE(is_readable(q.fd()));
  }
}

TEST_CASE("what becomes ready while a signal is taken back is not lost") {
  completion_queue q{4, signalled::by_others_too};
  REQUIRE(q.accept(3) == 3);
  completion out[1];
  int calls = 0;
  const auto late = [&] {
    if (++calls != 2) return;
    for (std::uint64_t i = 1; i <= 3; ++i) q.push({i}, {});
  };
  q.event().set();
  CHECK(q.reap(out, late) == 1);
  CHECK(is_readable(q.fd()));  // for the two that did not fit
  CHECK(q.reap(out, nothing) == 1);
  CHECK(q.reap(out, nothing) == 1);
  CHECK(q.reap(out, nothing) == 0);
  CHECK_FALSE(is_readable(q.fd()));
}

TEST_CASE("a signal of others that tells of nothing is taken back") {
  completion_queue q{4, signalled::by_others_too};
  completion out[1];
  q.event().set();
  CHECK(q.reap(out, nothing) == 0);
  CHECK_FALSE(is_readable(q.fd()));
}

TEST_CASE(
    "a ring is quiet while reaps find something, and signals again before the last look of one that finds nothing") {
  struct quiet_ring {
    bool on = true;
    void signal(bool to) { on = to; }
  } ring;
  completion_queue q{4, signalled::by_others_too};
  REQUIRE(q.accept(3) == 3);
  completion out[4];
  CHECK(q.reap(out, ring, [&] { q.push({1}, {}); }) == 1);
  CHECK_FALSE(ring.on);
  int looks = 0;
  const auto late = [&] {  // completes behind the first look, without a signal
    if (++looks == 2) q.push({2}, {});
    if (looks == 2) CHECK(ring.on);
  };
  CHECK(q.reap(out, ring, late) == 1);
  CHECK(looks == 2);
  CHECK_FALSE(ring.on);
  CHECK(q.reap(out, ring, nothing) == 0);
  CHECK(ring.on);
}
