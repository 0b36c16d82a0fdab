// Writes from memory that may not be resident: what is written is what the source has, in as many attempts as it takes.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <fstream>
#include <future>
#include <random>
#include <semaphore>
#include <string>
#include <thread>

#include "furrow/engine/blocking.hpp"
#include "furrow/zoned/registry.hpp"
#include "support/residency.hpp"

namespace furrow::test {
namespace {

using bytes = std::vector<std::byte>;

bytes random_bytes(std::uint64_t seed, std::size_t n) {
  std::mt19937_64 random(seed);
  bytes to(n);
  for (std::byte& b : to) b = static_cast<std::byte>(random());
  return to;
}

std::unique_ptr<zoned::device> formatted() {
  auto d = zoned::open("memory:?size=128M&zone_size=1M&zone_capacity=768K&max_open=8&max_active=12");
  REQUIRE(d.has_value());
  auto done = blocking_store::format(std::move(*d), {});
  REQUIRE(done.has_value());
  return std::move(*done);
}

struct world {
  blocking_store store = blocking_store::open(formatted(), {}).value();
  blocking_object object = store.create({.name = "o"}).value();

  [[nodiscard]] bytes content() const {
    bytes all(object.stat().value().bytes);
    REQUIRE(object.read(0, asio::buffer(all)).has_value());
    return all;
  }
  [[nodiscard]] statistics now() const { return store.statistics_now().value(); }
};

std::uint64_t locked_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmLck:")) return std::stoull(line.substr(6));
  return 0;
}

TEST_CASE("a mapping of which one page is resident is written without a copy") {
  world w;
  const bytes content = random_bytes(1, 2 << 20);
  const file_mapping m(content);
  m.make_resident(1);
  const std::uint64_t locked = locked_kib();
  const auto r = w.object.write(0, std::make_shared<mapping_source>(m.all()));
  REQUIRE(r.has_value());
  CHECK(r->bytes == content.size());
  CHECK(w.content() == content);
  const statistics s = w.now();
  CHECK(s.attempts > 1);
  CHECK(s.extracted > 0);
  CHECK(s.cancelled_blocks > 0);
  CHECK(s.bounced_bytes == 0);
  CHECK(locked_kib() == locked);
}

TEST_CASE("mappings of which random pages are resident, at random offsets") {
  world w;
  std::mt19937_64 random(7);
  bytes model;
  for (int round = 0; round < 200; ++round) {
    const bytes content = random_bytes(random(), 1 + random() % (200 << 10));
    const file_mapping m(content);
    std::vector<bool> which(m.pages());
    const auto odds = random() % 4;
    for (std::size_t i = 0; i < which.size(); ++i) which[i] = random() % 4 < odds;
    m.make_resident(which);
    const std::uint64_t offset = random() % 3 == 0 ? random() % 50 * page : random() % (200 << 10);
    const auto piece = m.all().subspan(random() % content.size());
    const auto r = w.object.write(offset, std::make_shared<mapping_source>(piece));
    REQUIRE(r.has_value());
    if (model.size() < offset + piece.size()) model.resize(offset + piece.size());
    std::copy(piece.begin(), piece.end(), model.begin() + static_cast<std::ptrdiff_t>(offset));
    REQUIRE_MESSAGE(w.content() == model, "round ", round);
  }
  CHECK(w.now().bounced_bytes == 0);
  CHECK(w.store.check(true).value().damage == 0);
}

TEST_CASE("a file that has become shorter fails the write, what was before is there") {
  world w;
  const bytes old = random_bytes(3, 64 << 10);
  REQUIRE(w.object.write(0, asio::buffer(old)).has_value());
  const bytes content = random_bytes(4, 64 << 10);
  const file_mapping m(content);
  m.make_resident(2);
  m.shorten(5 * page);
  const auto before = w.now().free_bytes;
  const auto r = w.object.write(0, std::make_shared<mapping_source>(m.all()));
  REQUIRE_FALSE(r.has_value());
  CHECK(r.error().code == errc::source_failed);
  bytes expected = old;
  std::copy(content.begin(), content.begin() + 2 * page, expected.begin());
  CHECK(w.content() == expected);
  CHECK(w.now().free_bytes <= before);
  CHECK(before - w.now().free_bytes <= 2 * page);  // what was written, and nothing else
  REQUIRE(w.object.write(0, asio::buffer(old)).has_value());
  CHECK(w.content() == old);
  CHECK(w.store.close().has_value());
}

TEST_CASE("what may not be locked is not held") {
  const bytes content = random_bytes(5, 64 << 10);
  const file_mapping m(content);
  m.make_resident(16);
  mapping_source s(m.all());
  CHECK(s.acquire(0, content.size()).size() == content.size());
  s.release(m.all());
  const auto within = [&](rlim_t limit) {
    rlimit was{};
    REQUIRE(::getrlimit(RLIMIT_MEMLOCK, &was) == 0);
    const rlimit now{limit, was.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_MEMLOCK, &now) == 0);
    const bool root = ::geteuid() == 0;
    if (root) REQUIRE(::seteuid(65534) == 0);  // root may lock what he wants
    const auto got = s.acquire(0, content.size());
    if (root) REQUIRE(::seteuid(0) == 0);
    REQUIRE(::setrlimit(RLIMIT_MEMLOCK, &was) == 0);
    s.release(got);
    return got.size();
  };
  CHECK(within(locked_kib() * 1024 + 24 * 1024) == 16 * 1024);
  CHECK(within(locked_kib() * 1024 + 4096) == 4096);
  CHECK(within(0) == 0);
}

TEST_CASE("two holds of the same pages are two locks") {
  const bytes content = random_bytes(6, 8 * page);
  const file_mapping m(content);
  m.make_resident(8);
  const std::uint64_t before = locked_kib();
  mapping_source a(m.all()), b(m.all());
  const auto first = a.acquire(0, 4 * page), second = b.acquire(2 * page, 4 * page);
  CHECK(locked_kib() == before + 24);
  b.release(second);
  CHECK(locked_kib() == before + 16);
  static_cast<void>(b.acquire(0, 1));
  a.release(first);
  CHECK(locked_kib() == before + 4);
  b.release(m.all().first(1));
  CHECK(locked_kib() == before);
}

TEST_CASE("a source that is resident is one attempt, and nothing is asked of it") {
  world w;
  const bytes content = random_bytes(8, 300001);
  const auto s = std::make_shared<scripted_source>(content, content.size());
  REQUIRE(w.object.write(0, s).has_value());
  CHECK(w.content() == content);
  CHECK(w.now().attempts == 1);
  CHECK(w.now().extracted == 0);
  CHECK(s->populates() == 0);
  CHECK(s->held() == 0);
}

TEST_CASE("a source that can never be held is copied piece by piece") {
  world w;
  const bytes content = random_bytes(9, (3 << 20) + 5);
  for (const std::uint64_t usable : {std::uint64_t{0}, std::uint64_t{1000}}) {  // no block is complete with 1,000 bytes
    const auto s = std::make_shared<scripted_source>(content);
    s->acquire_max = usable;
    s->on_populate = [&](std::uint64_t, std::uint64_t) {
      s->set_resident(content.size());
      return error_code{};
    };
    const std::uint64_t before = w.now().bounced_bytes;
    REQUIRE(w.object.write(17, s).has_value());
    const std::uint64_t bounced = w.now().bounced_bytes - before;
    CHECK(bounced <= content.size());
    CHECK(bounced >= content.size() - usable);  // the end may be held, be it ever so short
    CHECK(s->held() == 0);
    const bytes now = w.content();
    CHECK(std::equal(content.begin(), content.end(), now.begin() + 17, now.end()));
  }
}

TEST_CASE("what a source says of its failure is what the write ends with") {
  world w;
  const auto s = std::make_shared<scripted_source>(random_bytes(10, 3 * page), page);
  s->on_populate = [](std::uint64_t, std::uint64_t) { return error_code{errc::checksum_mismatch}; };
  CHECK(w.object.write(0, s).error().code == errc::checksum_mismatch);
  s->on_populate = [](std::uint64_t, std::uint64_t) { return error_code{}; };
  s->on_copy = [] { return error_code{errc::source_failed}; };
  CHECK(w.object.write(0, s).error().code == errc::source_failed);
  CHECK(w.object.write(0, std::shared_ptr<source>{}).error().code == errc::invalid_argument);
  CHECK(s->held() == 0);
}

/// A source whose populate() waits for the test.
struct slow {
  std::shared_ptr<scripted_source> s = std::make_shared<scripted_source>(random_bytes(11, 8 * page), page);
  std::binary_semaphore began{0}, go_on{0};
  slow() {
    s->on_populate = [this](std::uint64_t, std::uint64_t) {
      began.release();
      go_on.acquire();
      s->set_resident(8 * page);
      return error_code{};
    };
  }
};

TEST_CASE("a write is cancelled while its source is being fetched") {
  world w;
  slow from;
  asio::cancellation_signal stop;
  std::promise<error_code> ended;
  w.object.async().async_write(
      0, from.s, {},
      asio::bind_cancellation_slot(stop.slot(), [&](error_code e, write_result) { ended.set_value(e); }));
  from.began.acquire();
  stop.emit(asio::cancellation_type::terminal);
  CHECK(ended.get_future().get() == errc::cancelled);
  CHECK(from.s->held() == 0);
  from.go_on.release();
  const bytes after = random_bytes(12, 2 * page);
  REQUIRE(w.object.write(0, asio::buffer(after)).has_value());
  CHECK(w.content() == after);
  CHECK(w.store.close().has_value());
}

TEST_CASE("a close waits for a write whose source is being fetched, an abandoned store does not") {
  for (const bool cleanly : {true, false}) {
    auto w = std::make_unique<world>();
    slow from;
    std::promise<error_code> ended;
    w->object.async().async_write(0, from.s, {}, [&](error_code e, write_result) { ended.set_value(e); });
    from.began.acquire();
    auto result = ended.get_future();
    if (cleanly) {
      auto closed = std::async(std::launch::async, [&] { return w->store.close().has_value(); });
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      from.go_on.release();
      CHECK(closed.get());
      CHECK_FALSE(result.get());
    } else {
      w->store = {};
      CHECK(result.get() == errc::closed);
      from.go_on.release();
    }
    w.reset();
    CHECK(from.s->held() == 0);
  }
}

TEST_CASE("a store on the caller's executor has its sources fetched elsewhere too") {
  asio::io_context context;
  auto opened = store::async_open(context, formatted(), {}, asio::use_future);
  context.run();
  store s = opened.get();
  context.restart();
  auto made = s.async_create({.name = "o"}, asio::use_future);
  context.run();
  const object o = made.get();
  const auto from = std::make_shared<scripted_source>(random_bytes(13, 9 * page), 2 * page);
  const auto here = std::this_thread::get_id();
  std::thread::id populated;
  from->on_populate = [&](std::uint64_t, std::uint64_t) {
    populated = std::this_thread::get_id();
    from->set_resident(9 * page);
    return error_code{};
  };
  bool done = false;
  o.async_write(0, from, {}, [&](error_code e, write_result r) {
    CHECK_FALSE(e);
    CHECK(r.bytes == 9 * page);
    done = true;
  });
  context.restart();
  context.run();  // there is work until it has ended
  CHECK(done);
  CHECK(populated != here);
}

}  // namespace
}  // namespace furrow::test
