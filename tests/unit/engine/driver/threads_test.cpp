// Stores on threads of their own, blocking calls, and where handlers run.
#include <atomic>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <future>
#include <set>
#include <thread>
#include <vector>

#include "driver_fixture.hpp"
#include "furrow/engine/blocking.hpp"

using namespace furrow;
using namespace furrow::test;

namespace {

std::thread::id thread_of_handler(const store& s, auto bind) {
  std::promise<std::thread::id> where;
  s.async_statistics(bind([&](error_code, const statistics&) { where.set_value(std::this_thread::get_id()); }));
  return where.get_future().get();
}

template <class T>
error_code error_of(std::future<T>& f) {
  try {
    f.get();
    return {};
  } catch (const boost::system::system_error& e) {
    return e.code();
  }
}

}  // namespace

TEST_CASE("threads: a store on its own thread, through futures") {
  auto commands = std::make_shared<held_commands>();
  store s = open_on_own_thread(commands);
  object log = s.async_create({.name = "log"}, asio::use_future).get();
  CHECK(log.async_append(asio::buffer("hello", 5), asio::use_future).get().bytes == 5);
  CHECK(s.async_close(asio::use_future).get() != nullptr);
  auto late = log.async_stat(asio::use_future);
  CHECK(error_of(late) == errc::closed);
}

TEST_CASE("threads: no handler runs on the store's thread, or inside a call") {
  auto commands = std::make_shared<held_commands>();
  store s = open_on_own_thread(commands);

  std::promise<std::thread::id> told;
  s.on_event([&](const event&) { told.set_value(std::this_thread::get_id()); });
  s.async_create({.name = "event:1"}, asio::use_future).get();
  std::set<std::thread::id> seen{told.get_future().get()};
  for (int i = 0; i < 50; ++i) {
    seen.insert(thread_of_handler(s, [](auto h) { return h; }));
    seen.insert(thread_of_handler(s, [](auto h) { return asio::bind_executor(asio::system_executor(), h); }));
    seen.insert(thread_of_handler(
        s, [](auto h) { return asio::bind_executor(asio::any_io_executor(asio::system_executor()), h); }));
  }
  CHECK(seen.count(std::this_thread::get_id()) == 0);
  // The store's thread is the one that commands reach the device on.
  CHECK(seen.count(commands->submitting_thread()) == 0);

  asio::thread_pool one(1);
  std::promise<std::thread::id> its_own;
  asio::post(one, [&] { its_own.set_value(std::this_thread::get_id()); });
  const std::thread::id expected = its_own.get_future().get();
  CHECK(thread_of_handler(s, [&](auto h) { return asio::bind_executor(one, h); }) == expected);
  one.join();
}

TEST_CASE("threads: dropping a store on its own thread waits for it") {
  auto commands = std::make_shared<held_commands>();
  store s = open_on_own_thread(commands);
  object log = s.async_create({}, asio::use_future).get();
  commands->hold();
  auto appended = log.async_append(asio::buffer("x", 1), asio::use_future);
  commands->wait_for_held(1);
  s = {};
  CHECK(commands->device_is_gone());
  CHECK(error_of(appended) == errc::closed);
  auto late = log.async_sync(asio::use_future);
  CHECK(error_of(late) == errc::closed);
}

TEST_CASE("threads: a store whose last copy goes in one of its handlers") {
  auto commands = std::make_shared<held_commands>();
  std::promise<void> called;
  {
    store s = open_on_own_thread(commands);
    s.async_statistics([s, &called](error_code, const statistics&) mutable {
      s = {};
      called.set_value();
    });
  }
  called.get_future().get();
}

TEST_CASE("threads: blocking calls") {
  auto commands = std::make_shared<held_commands>();
  auto device = blocking_store::format(std::make_unique<held_device>(commands), {});
  REQUIRE(device.has_value());
  auto opened = blocking_store::open(std::move(*device), {});
  REQUIRE(opened.has_value());
  blocking_store s = *opened;
  CHECK(s.opened().groups_replayed == 7);

  auto log = s.create({.name = "log"});
  REQUIRE(log.has_value());
  CHECK(log->created());
  const auto at = log->append(asio::buffer("hello", 5), {.level = durability::durable});
  REQUIRE(at.has_value());
  CHECK(at->bytes == 5);
  char back[5];
  CHECK(log->read(0, asio::buffer(back)).value() == 5);
  CHECK(std::string(back, 5) == "hello");
  CHECK(log->stat()->bytes == 5);
  CHECK(log->set_attributes({.mode = 0644}).has_value());
  CHECK(log->sync().has_value());
  CHECK(s.sync().has_value());
  CHECK(s.wait_durable(1).has_value());
  CHECK(s.checkpoint().has_value());
  CHECK(s.list({})->entries.size() == 1);
  CHECK(s.rename("log", "log.1").has_value());
  CHECK(s.open_object("log.1")->id() == log->id());
  batch b;
  b.append(log->async(), asio::buffer("!", 1));
  CHECK(s.commit(std::move(b), durability::durable)->appended.at(0).offset_bytes == 5);
  CHECK(s.remove("log.1").has_value());
  CHECK(s.create_collection("tenant").value() == 5);
  CHECK(s.check(true)->damage == 0);
  CHECK(s.statistics_now()->appends == 2);
  CHECK(s.info().has_value());
  CHECK(s.zones()->size() == 3);

  const auto missing = s.open_object("nothing");
  REQUIRE(missing.has_error());
  CHECK(missing.error().code == errc::not_found);
  CHECK(missing.error().what() == "nothing");
  CHECK_THROWS_AS(missing.value(), boost::system::system_error);
  CHECK(s.until(in(5ms)).wait_durable(1000).error().code == errc::timed_out);

  const auto closed = s.close();
  REQUIRE(closed.has_value());
  CHECK(*closed != nullptr);
  CHECK(log->stat().error().code == errc::closed);
  CHECK(s.close().error().code == errc::closed);

  CHECK(blocking_store::open(std::make_unique<held_device>(commands, 1), {}).error().code == errc::not_a_store);
  CHECK(blocking_store::open(nullptr, {}).error().what() == "no device was given");
}

TEST_CASE("threads: many threads on one store and one object") {
  constexpr int threads = 4;
  constexpr int appends = 500;
  auto commands = std::make_shared<held_commands>();
  blocking_store s = *blocking_store::open(std::make_unique<held_device>(commands), {.in_flight_bytes_max = 64 << 10});
  const blocking_object log = *s.create({.name = "log"});
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i) {
    all.emplace_back([&, i] {
      const std::string mine(16, static_cast<char>('a' + i));
      for (int n = 0; n < appends; ++n) {
        const auto at = log.append(asio::buffer(mine));
        REQUIRE(at.has_value());
        std::string back(16, ' ');
        REQUIRE(log.read(at->offset_bytes, asio::buffer(back)).has_value());
        REQUIRE(back == mine);
        if (n % 100 == 0) REQUIRE(s.create({.name = "t" + std::to_string(i)})->stat().has_value());
      }
    });
  }
  for (std::thread& t : all) t.join();
  CHECK(s.statistics_now()->appends == threads * appends);
  CHECK(log.stat()->bytes == threads * appends * 16);
  CHECK(s.close().has_value());
}

TEST_CASE("threads: one context run by several threads") {
  asio::thread_pool pool(3);
  auto commands = std::make_shared<held_commands>();
  store s = store::async_open(pool, std::make_unique<held_device>(commands), {}, asio::use_future).get();
  object log = s.async_create({.name = "log"}, asio::use_future).get();
  std::atomic<int> done = 0;
  constexpr int count = 2000;
  for (int i = 0; i < count; ++i) {
    log.async_append(asio::buffer("x", 1), [&](error_code e, const append_result&) {
      if (!e) ++done;
    });
  }
  CHECK(s.async_close(asio::use_future).get() != nullptr);
  log = {};
  s = {};
  pool.join();
  CHECK(done == count);
}
