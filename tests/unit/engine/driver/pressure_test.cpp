// Back-pressure, bounds, cancellation, deadlines.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <list>
#include <thread>

#include "driver_fixture.hpp"

using namespace furrow;
using namespace furrow::test;

namespace {

const std::string forty_kib(40 << 10, 'x');

}  // namespace

TEST_CASE("pressure: appends over the bytes in flight wait, and go on in their order") {
  context_store t({.in_flight_bytes_max = 100 << 10});
  t.commands->hold();
  std::list<outcome_of<append_result>> appends;
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) {
    t.log.async_append(asio::buffer(forty_kib), [&order, i](error_code e, const append_result& r) {
      CHECK_FALSE(e);
      CHECK(r.offset_bytes == order.size() * forty_kib.size());
      order.push_back(i);
    });
  }
  t.poll();
  CHECK(t.counters().ordered_extents == 2);
  CHECK(t.commands->held() == 2);
  t.commands->complete(1);
  t.poll();
  CHECK(t.counters().ordered_extents == 2);
  CHECK(order == std::vector{0});
  t.commands->let_go();
  t.run();
  CHECK(order == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("pressure: appends of high priority go before others that wait") {
  context_store t({.in_flight_bytes_max = 64 << 10});
  t.commands->hold();
  std::string order;
  const auto append = [&](char name, priority p) {
    t.log.async_append(asio::buffer(forty_kib), {.priority = p},
                       [&order, name](error_code, const append_result&) { order.push_back(name); });
  };
  append('a', priority::normal);
  t.poll();
  append('b', priority::normal);
  append('c', priority::high);
  t.poll();
  t.commands->let_go();
  t.run();
  CHECK(order == "acb");
}

TEST_CASE("pressure: operations over their bound are refused, and later ones are not") {
  context_store t({.operations_max = 3});
  t.commands->hold();
  std::list<outcome_of<append_result>> appends;
  for (int i = 0; i < 5; ++i) {
    t.log.async_append(asio::buffer("x", 1), appends.emplace_back().handler());
    CHECK(appends.back().calls == 0);
  }
  t.poll();
  CHECK_FALSE(appends.front().done());
  CHECK(std::next(appends.begin(), 3)->failed(errc::busy));
  CHECK(std::next(appends.begin(), 4)->failed(errc::busy));
  t.commands->let_go();
  t.run();
  CHECK(appends.front().good());
  outcome_of<append_result> later;
  t.log.async_append(asio::buffer("x", 1), later.handler());
  t.run();
  CHECK(later.good());
}

TEST_CASE("pressure: a bound that is reached does not keep a store from closing") {
  context_store t({.operations_max = 1});
  t.commands->hold();
  outcome_of<append_result> appended;
  outcome_of<store::device_pointer> closed;
  t.log.async_append(asio::buffer("x", 1), appended.handler());
  t.s.async_close(closed.handler());
  t.poll();
  t.commands->let_go();
  t.run();
  CHECK(appended.good());
  CHECK(closed.good());
}

TEST_CASE("pressure: an append that waits can be cancelled, and has had no effect") {
  context_store t({.in_flight_bytes_max = 64 << 10});
  t.commands->hold();
  for (const auto type :
       {asio::cancellation_type::terminal, asio::cancellation_type::partial, asio::cancellation_type::total}) {
    CAPTURE(type);
    outcome_of<append_result> first, second, third;
    asio::cancellation_signal signal;
    const std::uint64_t before = t.counters().appends;
    t.log.async_append(asio::buffer(forty_kib), first.handler());
    t.log.async_append(asio::buffer(forty_kib), asio::bind_cancellation_slot(signal.slot(), second.handler()));
    t.log.async_append(asio::buffer(forty_kib), third.handler());
    t.poll();
    signal.emit(type);
    t.poll();
    CHECK(second.failed(errc::cancelled));
    CHECK_FALSE(first.done());
    t.commands->complete(1);
    t.poll();
    t.commands->complete(1);
    t.poll();
    CHECK(first.good());
    CHECK(third.good());
    CHECK(t.counters().appends == before + 2);
    signal.emit(type);  // It has ended: nothing to cancel.
    t.poll();
    CHECK(second.calls == 1);
  }
}

TEST_CASE("pressure: an append that the device has completes normally when it is cancelled") {
  context_store t;
  t.commands->hold();
  outcome_of<append_result> appended;
  asio::cancellation_signal signal;
  t.log.async_append(asio::buffer("x", 1), asio::bind_cancellation_slot(signal.slot(), appended.handler()));
  t.poll();
  CHECK(t.commands->held() == 1);
  signal.emit(asio::cancellation_type::terminal);
  t.poll();
  CHECK_FALSE(appended.done());
  t.commands->let_go();
  t.run();
  CHECK(appended.good());
}

TEST_CASE("pressure: a cancellation that follows at once") {
  context_store t;
  outcome_of<append_result> appended;
  asio::cancellation_signal signal;
  t.log.async_append(asio::buffer("x", 1), asio::bind_cancellation_slot(signal.slot(), appended.handler()));
  signal.emit(asio::cancellation_type::total);
  t.run();
  CHECK(appended.failed(errc::cancelled));
  CHECK(t.counters().appends == 0);
}

TEST_CASE("pressure: waits can be cancelled at any time") {
  context_store t;
  outcome_of<sequence> waited;
  asio::cancellation_signal signal;
  t.s.async_wait_durable(1000, asio::bind_cancellation_slot(signal.slot(), waited.handler()));
  t.poll();
  CHECK_FALSE(waited.done());
  signal.emit(asio::cancellation_type::terminal);
  t.run();
  CHECK(waited.failed(errc::cancelled));
}

TEST_CASE("pressure: deadlines end what waits, and leave alone what the device has") {
  context_store t({.in_flight_bytes_max = 64 << 10});
  t.commands->hold();
  outcome_of<append_result> first, second, past, in_time;
  outcome_of<sequence> waited;
  error_detail why;
  t.log.with({.deadline = in(5ms)}).async_append(asio::buffer(forty_kib), first.handler());
  t.log.with({.deadline = in(10ms), .detail = &why}).async_append(asio::buffer(forty_kib), second.handler());
  t.s.with({.deadline = in(15ms)}).async_wait_durable(1000, waited.handler());
  t.log.with({.deadline = in(-1ms)}).async_append(asio::buffer(forty_kib), past.handler());
  t.log.with({.deadline = in(1h)}).async_append(asio::buffer("x", 1), in_time.handler());
  while (!waited.done()) {
    t.context.restart();
    t.context.run_one();
  }
  CHECK(second.failed(errc::timed_out));
  CHECK(waited.failed(errc::timed_out));
  CHECK(past.failed(errc::timed_out));
  CHECK_FALSE(first.done());
  t.commands->let_go();
  t.run();  // Returns now, not in an hour: the timer goes with the last deadline.
  CHECK(first.good());
  CHECK(in_time.good());
  CHECK(t.counters().appends == 2);
}

TEST_CASE("pressure: deadlines end what waits also beside operations of which one always follows another") {
  context_store t;
  outcome_of<sequence> waited;
  t.s.with({.deadline = in(10ms)}).async_wait_durable(1000, waited.handler());
  char back = 0;
  const auto most = std::chrono::steady_clock::now() + 2s;
  std::function<void(error_code, std::uint64_t)> again = [&](error_code, std::uint64_t) {
    if (!waited.done() && std::chrono::steady_clock::now() < most) t.log.async_read(0, asio::buffer(&back, 1), again);
  };
  again({}, 0);
  t.run();
  CHECK(waited.failed(errc::timed_out));
  CHECK(std::chrono::steady_clock::now() < most);
}

TEST_CASE("pressure: an operation without an answer keeps the context working") {
  context_store t;
  outcome_of<sequence> waited;
  t.s.async_wait_durable(1, waited.handler());
  outcome_of<append_result> appended;
  t.log.async_append(asio::buffer("x", 1), appended.handler());
  t.poll();
  REQUIRE(appended.good());
  std::thread other([&] {
    std::this_thread::sleep_for(20ms);
    t.s.async_sync(asio::use_future).get();
  });
  t.run();
  CHECK(waited.good());
  other.join();
}
