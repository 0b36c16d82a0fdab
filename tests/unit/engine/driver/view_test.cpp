// Views: memory that is the object as it was, filled when it is touched, and never anything else.
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <future>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "driver/fault_watch.hpp"
#include "furrow/engine/blocking.hpp"
#include "furrow/zoned/registry.hpp"

namespace furrow::test {
namespace {

using bytes = std::vector<std::byte>;
constexpr std::size_t page = 4096;

bytes random_bytes(std::uint64_t seed, std::size_t n) {
  std::mt19937_64 random(seed);
  bytes to(n);
  for (std::byte& b : to) b = static_cast<std::byte>(random());
  return to;
}

/// Spoils what is read from given places.
class spoiling_device final : public zoned::device {
 public:
  struct places {
    std::mutex mutex;
    std::set<std::pair<std::uint32_t, std::uint64_t>> bad;  ///< Zone and offset of blocks.
  };
  spoiling_device(std::unique_ptr<zoned::device> d, std::shared_ptr<places> p)
      : device_(std::move(d)), places_(std::move(p)) {}
  [[nodiscard]] const zoned::geometry& shape() const noexcept override { return device_->shape(); }
  [[nodiscard]] const zoned::guarantees& promises() const noexcept override { return device_->promises(); }
  [[nodiscard]] std::size_t submit(std::span<const zoned::command> all) override {
    const std::size_t n = device_->submit(all);
    const std::lock_guard lock(places_->mutex);
    for (const zoned::command& c : all.first(n)) {
      if (c.op != zoned::opcode::read) continue;
      for (std::uint64_t at = 0; at < zoned::total_bytes(c.segments); at += page)
        if (places_->bad.contains({c.zone.value, c.offset_bytes + at}))
          spoiled_[c.id.value] = c.segments.front().data + at;
    }
    return n;
  }
  [[nodiscard]] std::size_t reap(std::span<zoned::completion> out) override {
    const std::size_t n = device_->reap(out);
    for (const zoned::completion& c : out.first(n))
      if (const auto node = spoiled_.extract(c.id.value); !node.empty()) *node.mapped() ^= std::byte{1};
    return n;
  }
  [[nodiscard]] int completion_fd() const noexcept override { return device_->completion_fd(); }
  void cancel(zoned::command_id id) noexcept override { device_->cancel(id); }
  [[nodiscard]] std::string name() const override { return device_->name(); }

 private:
  std::unique_ptr<zoned::device> device_;
  std::shared_ptr<places> places_;
  std::map<std::uint64_t, std::byte*> spoiled_;
};

std::unique_ptr<zoned::device> formatted() {
  auto d = zoned::open("memory:?size=128M&zone_size=1M&zone_capacity=768K&max_open=8&max_active=12");
  REQUIRE(d.has_value());
  auto done = blocking_store::format(std::move(*d), {});
  REQUIRE(done.has_value());
  return std::move(*done);
}

struct world {
  std::shared_ptr<spoiling_device::places> places = std::make_shared<spoiling_device::places>();
  blocking_store store;
  blocking_object object;

  explicit world(const bytes& content = {}, const store_options& options = {})
      : store(blocking_store::open(std::make_unique<spoiling_device>(formatted(), places), options).value()),
        object(store.create({.name = "o"}).value()) {
    if (!content.empty()) REQUIRE(object.write(0, asio::buffer(content)).has_value());
  }
  [[nodiscard]] bytes content() const {
    bytes all(object.stat().value().bytes);
    REQUIRE(object.read(0, asio::buffer(all)).has_value());
    return all;
  }
  [[nodiscard]] std::shared_ptr<view> map(std::uint64_t offset, std::uint64_t n, const map_options& o = {}) const {
    auto v = object.map(offset, n, o);
    REQUIRE_MESSAGE(v.has_value(), (v ? "" : v.error().what()));
    return *v;
  }
};

bool is(const view& v, std::span<const std::byte> expected) {
  return v.bytes() == expected.size() && std::memcmp(v.data(), expected.data(), expected.size()) == 0;
}

thread_local sigjmp_buf back;
/// Whether reading the byte is a SIGBUS.
bool is_bus_error(const std::byte* at) {
  struct sigaction old {
  }, now{};
  now.sa_handler = [](int) { siglongjmp(back, 1); };
  sigemptyset(&now.sa_mask);
  REQUIRE(::sigaction(SIGBUS, &now, &old) == 0);
  volatile bool raised = true;
  if (sigsetjmp(back, 1) == 0) {
    static_cast<void>(*static_cast<const volatile std::byte*>(at));
    raised = false;
  }
  REQUIRE(::sigaction(SIGBUS, &old, nullptr) == 0);
  return raised;
}

TEST_CASE("a view is filled where it is touched, and stays what it was") {
  const bytes content = random_bytes(1, (1 << 20) + 123);
  world w(content);
  const auto v = w.map(0, content.size(), {.fill_bytes = 16 << 10});
  CHECK(v->filled_bytes() == 0);
  CHECK(v->data()[5 * page + 1] == content[5 * page + 1]);
  CHECK(v->filled_bytes() == 16 << 10);
  REQUIRE(w.object.write(0, asio::buffer(random_bytes(2, content.size()))).has_value());
  REQUIRE(w.object.truncate(0).has_value());
  REQUIRE(w.store.remove("o").has_value());
  CHECK(is(*v, content));
  CHECK(v->data()[content.size()] == std::byte{0});  // up to the end of the page
  CHECK(w.store.statistics_now().value().fill_bytes == content.size());
}

TEST_CASE("populate and release_pages say what is filled, pinned pages stay") {
  const bytes content = random_bytes(3, 40 * page + 9);
  world w(content);
  const auto v = w.map(4 * page, 36 * page + 9);
  CHECK(v->acquire(0, 1).empty());
  CHECK_FALSE(v->populate(2 * page + 1, 3 * page));
  CHECK(v->filled_bytes() == 4 * page);
  const auto held = v->acquire(3 * page + 7, 10 * page);
  CHECK(held.data() == v->data() + 3 * page + 7);
  CHECK(held.size() == 3 * page - 7);
  CHECK(v->release_pages(0, v->bytes()) == page);
  CHECK(std::memcmp(held.data(), content.data() + 7 * page + 7, held.size()) == 0);
  v->release(held);
  CHECK(v->release_pages(3 * page + 1, 2 * page) == page);  // whole pages
  CHECK(v->async_populate(0, v->bytes(), asio::use_future).get() == v->bytes());
  CHECK(v->filled_bytes() == 37 * page);
  CHECK(v->release_pages(0, v->bytes()) == 37 * page);
  CHECK(is(*v, std::span(content).subspan(4 * page)));
}

TEST_CASE("threads that touch, populate and release at random see nothing but the object") {
  const bytes content = random_bytes(4, 200 * page);
  world w(content);
  const auto v = w.map(0, content.size(), {.fill_bytes = 8192});
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      std::mt19937_64 random(static_cast<std::uint64_t>(t));
      for (int i = 0; i < 3000; ++i) {
        const std::size_t at = random() % content.size();
        if (i % 7 == 0) v->release_pages(at, random() % (50 * page));
        if (i % 50 == 0 && v->populate(at, random() % (20 * page))) ++wrong;
        if (v->data()[at] != content[at]) ++wrong;
      }
    });
  for (std::thread& t : threads) t.join();
  CHECK(wrong == 0);
}

TEST_CASE("a block that does not fit its sum is a SIGBUS, never zeros, its neighbours are there") {
  const bytes content = random_bytes(5, 16 * page);
  world w(content);
  const auto where = w.object.extents(7 * page, 1).value().extents.at(0).where.value();
  {
    const std::lock_guard lock(w.places->mutex);
    w.places->bad.insert({where.zone.value, where.offset_bytes / page * page});
  }
  const auto v = w.map(0, content.size());
  CHECK(is_bus_error(v->data() + 7 * page + 3));
  CHECK(v->populate(0, v->bytes()) == errc::checksum_mismatch);
  for (std::size_t i = 0; i < 16; ++i)
    if (i != 7) CHECK(std::memcmp(v->data() + i * page, content.data() + i * page, page) == 0);
  CHECK(w.object.write(0, v).error().code == errc::checksum_mismatch);  // and as a source
  {
    const std::lock_guard lock(w.places->mutex);
    w.places->bad.clear();
  }
  CHECK(w.content() == content);
}

TEST_CASE("a store that has ended fills nothing more") {
  const bytes content = random_bytes(6, 64 * page);
  for (const bool cleanly : {true, false}) {
    auto w = std::make_unique<world>(content);
    const auto v = w->map(0, content.size(), {.fill_bytes = page});
    CHECK(v->data()[0] == content[0]);
    if (cleanly) REQUIRE(w->store.close().has_value());
    w.reset();
    CHECK(std::memcmp(v->data(), content.data(), page) == 0);
    CHECK(is_bus_error(v->data() + page));
    CHECK(v->populate(0, v->bytes()) == errc::closed);
    CHECK(v->release_pages(0, page) == 0);
  }
}

TEST_CASE("views are within their budget, and give it back") {
  world w(random_bytes(7, 10 * page), {.view_bytes_max = 10 * page});
  auto a = w.map(0, 6 * page + 1);
  const auto b = w.map(0, 3 * page);
  const auto over = w.object.map(0, 1);
  REQUIRE_FALSE(over.has_value());
  CHECK(over.error().code == errc::busy);
  CHECK(over.error().what().find("view_bytes_max") != std::string::npos);
  a.reset();
  CHECK(w.object.map(0, 10 * page + 1).error().code == errc::busy);
  CHECK(w.object.map(9 * page, 2 * page).error().code == errc::out_of_range);
  CHECK(w.object.map(0, 7 * page).has_value());
}

TEST_CASE("a view that cannot be is refused with what is wrong") {
  world w(random_bytes(8, 10 * page));
  CHECK(w.object.map(0, 0).error().code == errc::invalid_argument);
  CHECK(w.object.map(1, page).error().code == errc::invalid_argument);
  CHECK(w.object.map(0, page, {.fill_bytes = 3 * page}).error().code == errc::invalid_argument);
  asio::io_context context;
  auto opened = store::async_open(context, formatted(), {}, asio::use_future);
  context.run();
  store s = opened.get();
  context.restart();
  auto made = s.async_create({.name = "o"}, asio::use_future);
  context.run();
  error_code why;
  const object o = made.get();
  o.async_map(0, 1, {}, [&](error_code e, const std::shared_ptr<view>&) { why = e; });
  context.restart();
  context.run();
  CHECK(why == errc::needs_own_thread);
}

TEST_CASE("where userfaultfd is not permitted it is said what permits it, or the view is a copy") {
  const bytes content = random_bytes(9, 20 * page + 3);
  world w(content);
  driver::fault_watch::deny(true);
  const auto refused = w.object.map(0, content.size());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == errc::unsupported);
  CHECK(refused.error().what().find("vm.unprivileged_userfaultfd") != std::string::npos);
  const auto v = w.map(0, content.size(), {.copy_where_denied = true});
  driver::fault_watch::deny(false);
  CHECK(v->copied());
  REQUIRE(w.object.write(0, asio::buffer(random_bytes(10, content.size()))).has_value());
  CHECK(is(*v, content));
  REQUIRE(w.object.write(0, v).has_value());
  CHECK(w.content() == content);
  CHECK(w.store.close().has_value());
  CHECK(is(*v, content));
}

TEST_CASE("a view is written over what it shows, with any pages of it filled") {
  bytes model = random_bytes(11, 60 * page);
  world w(model);
  std::mt19937_64 random(12);
  const statistics before = w.store.statistics_now().value();
  for (int round = 0; round < 150; ++round) {
    const std::uint64_t first = random() % 30 * page, n = 1 + random() % (model.size() - first);
    const auto v = w.map(first, n);
    REQUIRE_FALSE(v->populate(0, n));
    for (std::uint64_t p = 0; p * page < n; ++p)
      if (random() % 2 == 0) v->release_pages(p * page, page);
    const std::uint64_t offset = random() % 2 == 0 ? random() % 20 * page : random() % (20 * page);
    const bytes shown(model.begin() + static_cast<std::ptrdiff_t>(first),
                      model.begin() + static_cast<std::ptrdiff_t>(first + n));
    REQUIRE(w.object.write(offset, v).has_value());
    if (model.size() < offset + n) model.resize(offset + n);
    std::copy(shown.begin(), shown.end(), model.begin() + static_cast<std::ptrdiff_t>(offset));
    if (model.size() > 70 * page) {
      model.resize(60 * page);
      REQUIRE(w.object.truncate(model.size()).has_value());
    }
    REQUIRE_MESSAGE(w.content() == model, "round ", round);
  }
  const statistics after = w.store.statistics_now().value();
  CHECK(after.bounced_bytes == 0);
  CHECK(after.attempts - before.attempts > 250);
  CHECK(after.extracted > 50);
  CHECK(w.store.check(true).value().damage == 0);
}

TEST_CASE("a view is filled where it is touched also in a process that locks all its memory to come") {
  const bytes content = random_bytes(13, 64 * page + 5);
  world w(content);
  const auto first = w.map(0, page);  // what all views share is made without locks
  // As system calls: sanitizers make the functions nothing.
  if (::syscall(SYS_mlockall, MCL_FUTURE) != 0) {
    MESSAGE("this process may not lock its memory");
    return;
  }
  const auto v = w.object.map(0, content.size());
  const long unlocked = ::syscall(SYS_munlockall);
  REQUIRE(unlocked == 0);
  REQUIRE(v.has_value());
  CHECK((*v)->filled_bytes() == 0);
  CHECK(is(**v, content));
  CHECK((*v)->release_pages(0, content.size()) == 65 * page);
  CHECK(is(**v, content));
}

TEST_CASE("a view of which the caller has locked a part is filled, what is locked is not given back") {
  const bytes content = random_bytes(14, 64 * page);
  world w(content);
  const auto v = w.map(0, content.size());
  if (::syscall(SYS_mlock2, v->data() + 17 * page, page, MLOCK_ONFAULT) != 0) {
    MESSAGE("this process may not lock its memory");
    return;
  }
  CHECK(is(*v, content));
  CHECK(v->release_pages(17 * page, page) == 0);
  CHECK(is(*v, content));
}

TEST_CASE("a store ends while copies are being made, and with copies alive") {
  const bytes content = random_bytes(15, 600 * page);
  driver::fault_watch::deny(true);
  std::mt19937_64 random(16);
  for (int round = 0; round < 100; ++round) {
    auto w = std::make_unique<world>(content);
    const auto alive = w->map(0, 5 * page, {.copy_where_denied = true});
    std::promise<error_code> ended;
    w->object.async().async_map(0, content.size(), {.copy_where_denied = true},
                                [&](error_code e, std::shared_ptr<view>) { ended.set_value(e); });
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 400));
    w.reset();
    const error_code e = ended.get_future().get();
    CHECK((!e || e == errc::closed));
    CHECK(is(*alive, std::span(content).first(5 * page)));
    CHECK_FALSE(alive->populate(0, alive->bytes()));
  }
  driver::fault_watch::deny(false);
}

}  // namespace
}  // namespace furrow::test
