// Ends of stores, handles and contexts, in every order.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <list>
#include <stdexcept>
#include <thread>

#include "driver_fixture.hpp"

using namespace furrow;
using namespace furrow::test;

TEST_CASE("lifetime: close completes what was accepted before it, and refuses what comes after") {
  context_store t({.in_flight_bytes_max = 64 << 10});
  const std::string forty_kib(40 << 10, 'x');
  t.commands->hold();
  std::list<outcome_of<append_result>> before;
  for (int i = 0; i < 4; ++i) t.log.async_append(asio::buffer(forty_kib), before.emplace_back().handler());
  outcome_of<store::device_pointer> closed, again;
  outcome_of<append_result> after;
  t.s.async_close(closed.handler());
  t.log.async_append(asio::buffer("x", 1), after.handler());
  t.s.async_close(again.handler());
  t.poll();
  CHECK_FALSE(before.front().done());
  CHECK_FALSE(closed.done());
  CHECK(after.failed(errc::closed));
  CHECK(again.failed(errc::closed));
  t.commands->let_go();
  t.run();
  for (const auto& b : before) CHECK(b.good());
  REQUIRE(closed.good());
  REQUIRE(closed.value != nullptr);
  CHECK(closed.value->name() == "held");
  CHECK_FALSE(t.commands->device_is_gone());
}

TEST_CASE("lifetime: waits for what does not come end with the close") {
  context_store t;
  outcome_of<sequence> waited;
  outcome_of<store::device_pointer> closed;
  t.s.async_wait_durable(1000, waited.handler());
  t.s.async_close(closed.handler());
  t.run();
  CHECK(waited.failed(errc::closed));
  CHECK(closed.good());
}

TEST_CASE("lifetime: many operations wait, and each ends once") {
  context_store t;
  std::list<outcome_of<sequence>> waits;
  for (int i = 0; i < 300; ++i) t.s.async_wait_durable(1000, waits.emplace_back().handler());
  t.poll();
  outcome_of<store::device_pointer> closed;
  t.s.async_close(closed.handler());
  t.run();
  for (const auto& w : waits) CHECK(w.failed(errc::closed));
  CHECK(closed.good());
}

TEST_CASE("lifetime: what a handler starts before it closes the store is carried out, what it starts then is refused") {
  context_store t;
  outcome_of<append_result> before, after;
  outcome_of<store::device_pointer> closed;
  t.log.async_append(asio::buffer("x", 1), [&](error_code, const append_result&) {
    t.log.async_append(asio::buffer("x", 1), before.handler());
    t.s.async_close(closed.handler());
    t.log.async_append(asio::buffer("x", 1), after.handler());
  });
  t.run();
  CHECK(before.good());
  CHECK(closed.good());
  CHECK(after.failed(errc::closed));
}

TEST_CASE("lifetime: what a handler starts before it throws is carried out") {
  context_store t;
  outcome_of<append_result> before;
  t.log.async_append(asio::buffer("x", 1), [&](error_code, const append_result&) {
    t.log.async_append(asio::buffer("x", 1), before.handler());
    throw std::runtime_error("a handler's");
  });
  CHECK_THROWS_AS(t.run(), std::runtime_error);
  t.run();
  CHECK(before.good());
}

TEST_CASE("lifetime: what a handler starts before and after it drops the store ends") {
  context_store t;
  outcome_of<append_result> before, after;
  t.log.async_append(asio::buffer("x", 1), [&](error_code, const append_result&) {
    t.log.async_append(asio::buffer("x", 1), before.handler());
    t.s = {};
    t.log.async_append(asio::buffer("x", 1), after.handler());
  });
  t.run();
  CHECK(before.calls == 1);
  CHECK(after.failed(errc::closed));
}

TEST_CASE("lifetime: another thread ends the store while a handler has started something") {
  context_store t;
  outcome_of<append_result> started;
  t.log.async_append(asio::buffer("x", 1), [&](error_code, const append_result&) {
    t.log.async_append(asio::buffer("x", 1), started.handler());
    std::thread([&] {
      t.s = {};
      t.context.poll();
    }).join();
  });
  t.run();
  CHECK(started.failed(errc::closed));
}

TEST_CASE("lifetime: what another thread calls after a handler has started something comes after it") {
  context_store t;
  outcome_of<append_result> first;
  const auto meanwhile = [&](auto start, auto call) {
    t.log.async_append(asio::buffer("x", 1), [&](error_code, const append_result&) {
      start();
      std::thread(call).join();
    });
    t.poll();
  };
  const auto append = [&] { t.log.async_append(asio::buffer("1", 1), first.handler()); };
  SUBCASE("an append") {
    outcome_of<append_result> second;
    meanwhile(append, [&] { t.log.async_append(asio::buffer("22", 2), second.handler()); });
    REQUIRE((first.good() && second.good()));
    CHECK(first.value.offset_bytes == 1);
    CHECK(second.value.offset_bytes == 2);
  }
  SUBCASE("a close") {
    outcome_of<store::device_pointer> closed;
    meanwhile(append, [&] { t.s.async_close(closed.handler()); });
    CHECK(first.good());
    CHECK(closed.good());
  }
  SUBCASE("a cancellation") {
    outcome_of<sequence> waited;
    asio::cancellation_signal cancel;
    meanwhile([&] { t.s.async_wait_durable(1000, asio::bind_cancellation_slot(cancel.slot(), waited.handler())); },
              [&] { cancel.emit(asio::cancellation_type::all); });
    CHECK(waited.failed(errc::cancelled));
  }
}

TEST_CASE("lifetime: a close does not need a handle to complete") {
  context_store t;
  outcome_of<store::device_pointer> closed;
  t.commands->hold();
  outcome_of<append_result> appended;
  std::exchange(t.log, {}).async_append(asio::buffer("x", 1), appended.handler());
  std::exchange(t.s, {}).async_close(closed.handler());
  t.commands->let_go();
  t.run();
  CHECK(appended.good());
  CHECK(closed.good());
}

TEST_CASE("lifetime: without a close, what is in flight ends when the device is done with it") {
  context_store t;
  t.commands->hold();
  outcome_of<append_result> appended, late;
  outcome_of<sequence> waited;
  bool device_was_gone = false;
  t.log.async_append(asio::buffer("x", 1), [&](error_code e, const append_result& r) {
    device_was_gone = t.commands->device_is_gone();
    appended.handler()(e, r);
  });
  t.s.async_wait_durable(1000, waited.handler());
  t.poll();
  t.s = {};
  CHECK(appended.calls == 0);
  t.run();
  CHECK(appended.failed(errc::closed));
  CHECK(waited.failed(errc::closed));
  CHECK(device_was_gone);
  t.log.async_append(asio::buffer("x", 1), late.handler());
  t.run();
  CHECK(late.failed(errc::closed));
}

TEST_CASE("lifetime: operations that are not taken up yet end too") {
  context_store t;
  outcome_of<append_result> appended;
  t.log.async_append(asio::buffer("x", 1), appended.handler());
  t.s = {};
  t.run();
  CHECK(appended.calls == 1);
}

TEST_CASE("lifetime: handles outlive the store, and its context") {
  auto t = std::make_unique<context_store>();
  object log = t->log;
  SUBCASE("closed") {
    outcome_of<store::device_pointer> closed;
    t->s.async_close(closed.handler());
    t->run();
    REQUIRE(closed.good());
  }
  SUBCASE("dropped") {
    t->s = {};
    t->run();
  }
  SUBCASE("neither") {}
  t.reset();
  asio::io_context other;
  outcome_of<append_result> appended;
  log.async_append(asio::buffer("x", 1), asio::bind_executor(other, appended.handler()));
  other.run();
  CHECK(appended.failed(errc::closed));
}

TEST_CASE("lifetime: a context that goes first takes the store with it, handlers are destroyed") {
  auto commands = std::make_shared<held_commands>();
  auto alive = std::make_shared<int>(0);
  int calls = 0;
  object log;
  store s;
  {
    context_store t;
    t.commands->hold();
    commands = t.commands;
    log = t.log;
    s = t.s;
    t.log.async_append(asio::buffer("x", 1),
                       [&calls, alive, keep = t.s](error_code, const append_result&) { ++calls; });
    t.s.with({.deadline = in(1h)}).async_wait_durable(1000, [&calls, alive](error_code, sequence) { ++calls; });
    t.poll();
    t.s.async_sync([&calls, alive](error_code, sequence) { ++calls; });
    CHECK_FALSE(commands->device_is_gone());
  }
  CHECK(commands->device_is_gone());
  CHECK(calls == 0);
  CHECK(alive.use_count() == 1);
}

TEST_CASE("lifetime: an object is given back with its last handle, and not before its last operation") {
  context_store t;
  CHECK(t.counters().objects == 1);
  object copy = t.log;
  object other = t.create("other");
  CHECK(t.counters().objects == 2);
  t.log = {};
  t.run();
  CHECK(t.counters().objects == 2);
  copy = {};
  t.run();
  CHECK(t.counters().objects == 1);

  t.commands->hold();
  outcome_of<append_result> appended;
  other.async_append(asio::buffer("x", 1), appended.handler());
  other = {};
  t.poll();
  CHECK(t.counters().objects == 1);
  t.commands->let_go();
  t.run();
  CHECK(appended.good());
  CHECK(t.counters().objects == 0);
}

TEST_CASE("lifetime: an object whose handler is never called is given back") {
  context_store t;
  {
    asio::io_context other;
    t.s.async_create({.name = "lost"}, asio::bind_executor(other, [](error_code, const object&) {}));
    t.run();
    CHECK(t.counters().objects == 2);
  }
  t.run();
  CHECK(t.counters().objects == 1);
}

TEST_CASE("lifetime: a store for whose work there is no memory ends, and tells everybody") {
  context_store t;
  t.commands->hold();
  outcome_of<append_result> appended, late;
  outcome_of<object> made, behind;
  t.log.async_append(asio::buffer("x", 1), appended.handler());
  t.poll();
  t.s.async_create({.name = "out of memory"}, made.handler());
  t.s.async_create({.name = "behind it"}, behind.handler());
  t.run();  // there is no work left
  CHECK(appended.failed(errc::needs_reopen));
  CHECK(made.failed(errc::needs_reopen));
  CHECK(behind.failed(errc::needs_reopen));
  CHECK(t.commands->device_is_gone());
  t.log.async_append(asio::buffer("x", 1), late.handler());
  t.run();
  CHECK(late.failed(errc::closed));
}

TEST_CASE("lifetime: on a thread of its own, too") {
  const auto commands = std::make_shared<held_commands>();
  store s = open_on_own_thread(commands);
  auto made = s.async_create({.name = "out of memory"}, asio::use_future);
  CHECK_THROWS_AS(made.get(), boost::system::system_error);
  auto late = s.async_sync(asio::use_future);
  CHECK_THROWS_AS(late.get(), boost::system::system_error);
  s = {};
  CHECK(commands->device_is_gone());
}

TEST_CASE("lifetime: a batch keeps its objects until it is committed") {
  context_store t;
  batch b;
  b.append(t.log, asio::buffer("x", 1));
  t.log = {};
  t.run();
  CHECK(t.counters().objects == 1);
  outcome_of<batch_result> committed;
  t.s.async_commit(std::move(b), durability::written, committed.handler());
  t.run();
  CHECK(committed.good());
  CHECK(t.counters().objects == 0);
}
