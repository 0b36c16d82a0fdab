// The public API on the real core and memory devices: what was promised is there, also after opening again.
#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "furrow/engine/blocking.hpp"
#include "furrow/zoned/registry.hpp"

using namespace furrow;
using namespace std::chrono_literals;

namespace {

/// Lets a device live longer than the store that had it, as the hardware does.
class lasting_device final : public zoned::device {
 public:
  explicit lasting_device(std::shared_ptr<zoned::device> d, std::shared_ptr<std::atomic<bool>> silent = nullptr)
      : device_(std::move(d)), silent_(std::move(silent)) {}
  ~lasting_device() override {
    std::vector<zoned::completion> done(64);
    for (; in_flight_ != 0; std::this_thread::yield()) in_flight_ -= device_->reap(done);
  }
  [[nodiscard]] const zoned::geometry& shape() const noexcept override { return device_->shape(); }
  [[nodiscard]] const zoned::guarantees& promises() const noexcept override { return device_->promises(); }
  [[nodiscard]] std::size_t submit(std::span<const zoned::command> c) override {
    const std::size_t n = device_->submit(c);
    in_flight_ += n;
    return n;
  }
  [[nodiscard]] std::size_t reap(std::span<zoned::completion> out) override {
    if (silent_ && *silent_) return 0;
    const std::size_t n = device_->reap(out);
    in_flight_ -= n;
    return n;
  }
  [[nodiscard]] int completion_fd() const noexcept override { return device_->completion_fd(); }
  void cancel(zoned::command_id id) noexcept override { device_->cancel(id); }
  [[nodiscard]] std::string name() const override { return device_->name(); }

 private:
  std::shared_ptr<zoned::device> device_;
  std::shared_ptr<std::atomic<bool>> silent_;  ///< Whether completions are kept back.
  std::size_t in_flight_ = 0;
};

constexpr const char* small_memory = "memory:?size=64M&zone_size=1M&zone_capacity=768K&max_open=8&max_active=12";

std::shared_ptr<zoned::device> memory(const char* uri = small_memory) {
  auto d = zoned::open(uri);
  REQUIRE_MESSAGE(d.has_value(), (d ? "" : d.error().what));
  return std::move(*d);
}

std::unique_ptr<zoned::device> lasting(const std::shared_ptr<zoned::device>& d) {
  return std::make_unique<lasting_device>(d);
}

std::shared_ptr<zoned::device> formatted(const char* uri = small_memory) {
  auto d = memory(uri);
  const auto done = blocking_store::format(lasting(d), {});
  REQUIRE_MESSAGE(done.has_value(), (done ? "" : done.error().what()));
  return d;
}

blocking_store opened(const std::shared_ptr<zoned::device>& d, const store_options& options = {}) {
  auto s = blocking_store::open(lasting(d), options);
  REQUIRE_MESSAGE(s.has_value(), (s ? "" : s.error().what()));
  return *s;
}

/// Bytes that tell where they belong.
std::string pattern(std::size_t bytes, unsigned seed) {
  std::string s(bytes, '\0');
  unsigned x = seed * 2654435761u + 1;
  for (char& c : s) {
    x = x * 1664525u + 1013904223u;
    c = static_cast<char>(x >> 24);
  }
  return s;
}

std::string contents(const blocking_object& o) {
  std::string back(o.stat().value().bytes, ' ');
  const auto read = o.read(0, asio::buffer(back));
  REQUIRE_MESSAGE(read.has_value(), (read ? "" : read.error().what()));
  return back;
}

void check_is_clean(const blocking_store& s) {
  const auto checked = s.check(true);
  REQUIRE(checked.has_value());
  CHECK_MESSAGE(checked->damage == 0, (checked->findings.empty() ? "" : checked->findings[0].what));
}

}  // namespace

TEST_CASE("store: appends of every size and alignment are read back, now and after opening again") {
  for (const char* uri :
       {small_memory, "memory:?size=64M&zone_size=1M&block_size=512&conventional=2&volatile_cache=1"}) {
    CAPTURE(uri);
    const auto device = formatted(uri);
    std::string expected;
    {
      const blocking_store s = opened(device);
      const blocking_object log = s.create({.name = "log"}).value();
      unsigned seed = 0;
      for (const std::size_t bytes : {1u, 100u, 3995u, 4096u, 4097u, 8192u, 65536u, 65537u, 300000u, 1000000u, 7u}) {
        const std::string piece = pattern(bytes, ++seed);
        const std::string_view all = piece;
        const std::array<asio::const_buffer, 3> parts{asio::buffer(all.substr(0, bytes / 3)), asio::const_buffer(),
                                                      asio::buffer(all.substr(bytes / 3))};
        const auto at = log.append(parts, {.level = seed % 2 == 0 ? durability::written : durability::durable});
        REQUIRE_MESSAGE(at.has_value(), (at ? "" : at.error().what()));
        CHECK(at->offset_bytes == expected.size());
        CHECK(at->bytes == bytes);
        expected += piece;
        CHECK(contents(log) == expected);
      }
      std::string middle(5000, ' ');
      std::string tail(3, ' ');
      const auto read = log.read({{4000, std::as_writable_bytes(std::span(middle))},
                                  {expected.size() - 3, std::as_writable_bytes(std::span(tail))}});
      CHECK(read.value() == 5003);
      CHECK(middle == expected.substr(4000, 5000));
      CHECK(tail == expected.substr(expected.size() - 3));
      CHECK(log.read(expected.size(), asio::buffer(tail)).error().code == errc::out_of_range);
      CHECK(log.append(asio::const_buffer()).value().bytes == 0);
      CHECK(log.read(3, asio::mutable_buffer()).value() == 0);
      CHECK(contents(log) == expected);
      check_is_clean(s);
      REQUIRE(s.close().has_value());
    }
    const blocking_store s = opened(device);
    CHECK_FALSE(s.opened().info.recovered);
    CHECK(contents(s.open_object("log").value()) == expected);
    check_is_clean(s);
    REQUIRE(s.close().has_value());
  }
}

TEST_CASE("store: names, attributes, collections, batches") {
  const auto device = formatted();
  object_id kept = 0;
  const attributes attr{.mode = 0640, .created_ns = 1, .modified_ns = 2, .link_target = "there"};
  {
    const blocking_store s = opened(device);
    for (int i = 0; i < 30; ++i) {
      REQUIRE(s.create({.name = "n/" + std::to_string(100 + i)}).has_value());
    }
    CHECK(s.create({.name = "n/100", .fail_if_exists = true}).error().code == errc::exists);
    CHECK(s.create({.name = std::string(1025, 'x')}).error().code == errc::name_too_long);
    CHECK(s.open_object("n/1").error().code == errc::not_found);
    list_page page = s.list({.prefix = "n/", .entries_max = 20}).value();
    CHECK(page.entries.size() == 20);
    CHECK(page.more);
    page = s.list({.prefix = "n/", .after = page.entries.back().name}).value();
    CHECK(page.entries.size() == 10);
    CHECK_FALSE(page.more);

    blocking_object removed = s.open_object("n/105").value();
    REQUIRE(removed.append(asio::buffer("still", 5)).has_value());
    REQUIRE(s.remove("n/105").has_value());
    CHECK(s.open_object("n/105").error().code == errc::not_found);
    CHECK(contents(removed) == "still");

    blocking_object a = s.open_object("n/100").value();
    kept = a.id();
    REQUIRE(a.set_attributes(attr).has_value());
    REQUIRE(s.rename("n/100", "n/101").has_value());
    CHECK(s.rename("n/102", "n/101", false).error().code == errc::exists);

    const auto tenant = s.create_collection("tenant");
    REQUIRE(tenant.has_value());
    REQUIRE(s.create({.collection = *tenant, .name = "mine"}).has_value());
    CHECK(s.list({.collection = *tenant}).value().entries.size() == 1);

    batch b;
    const auto made = b.create({.name = "b/1"});
    b.append_to_created(made, asio::buffer("made", 4));
    const auto more = b.append(a.async(), asio::buffer("more", 4));
    b.rename("n/103", "b/2");
    b.remove("n/104");
    const auto committed = s.commit(std::move(b), durability::durable);
    REQUIRE_MESSAGE(committed.has_value(), (committed ? "" : committed.error().what()));
    CHECK(committed->created.at(made) != 0);
    CHECK(committed->appended.at(more).bytes == 4);

    batch bad;
    bad.create({.name = "b/3"});
    bad.create({.name = "b/1"});
    CHECK(s.commit(std::move(bad), durability::written).error().code == errc::exists);
    CHECK(s.open_object("b/3").error().code == errc::not_found);
    REQUIRE(s.close().has_value());
  }
  const blocking_store s = opened(device);
  CHECK(s.list({.prefix = "n/"}).value().entries.size() == 26);
  CHECK(s.list({.prefix = "b/"}).value().entries.size() == 2);
  const blocking_object a = s.open_object("n/101").value();
  CHECK(a.id() == kept);
  CHECK(a.stat().value().attributes.link_target == attr.link_target);
  CHECK(a.stat().value().attributes.mode == attr.mode);
  CHECK(contents(a) == "more");
  CHECK(contents(s.open_object("b/1").value()) == "made");
  check_is_clean(s);
}

TEST_CASE("store: a device is refused for what it is") {
  const auto device = memory();
  CHECK(blocking_store::open(lasting(device), {}).error().code == errc::not_a_store);
  REQUIRE(blocking_store::format(lasting(device), {}).has_value());
  CHECK(blocking_store::format(lasting(device), {}).error().code == errc::formatted);
  CHECK(blocking_store::format(lasting(device), {.force = true}).has_value());
  const auto small = blocking_store::format(lasting(memory("memory:?size=2M&zone_size=1M")), {});
  REQUIRE(small.has_error());
  CHECK(small.error().code == errc::too_small);
  CHECK_FALSE(small.error().detail.what.empty());

  const blocking_store s = opened(device, {.read_only = true});
  CHECK(s.create({.name = "x"}).error().code == errc::read_only);
}

TEST_CASE("store: fences and expected offsets") {
  const blocking_store s = opened(formatted());
  const blocking_object log = s.create({}).value();
  CHECK(log.append(asio::buffer("abc", 3), {.expected_offset_bytes = 0, .fence_epoch = 2}).value().offset_bytes == 0);
  CHECK(log.append(asio::buffer("abc", 3), {.expected_offset_bytes = 0}).error().code == errc::offset_mismatch);
  CHECK(log.append(asio::buffer("abc", 3), {.fence_epoch = 1}).error().code == errc::fenced);
  CHECK(log.append(asio::buffer("abc", 3), {.expected_offset_bytes = 3, .fence_epoch = 2}).value().offset_bytes == 3);
  CHECK(log.stat().value().fence_epoch == 2);
}

TEST_CASE("store: close completes what is in flight, all of it is there afterwards") {
  const auto device = formatted();
  constexpr unsigned count = 200;
  {
    asio::io_context context;
    store s;
    store::async_open(context, lasting(device), {.in_flight_bytes_max = 256 << 10}, [&](error_code e, store o) {
      REQUIRE_FALSE(e);
      s = std::move(o);
    });
    context.run();  // Returns, as a store at rest has no work.
    object log;
    s.async_create("log", [&](error_code e, object o) {
      REQUIRE_FALSE(e);
      log = std::move(o);
    });
    context.restart();
    context.run();
    std::vector<std::string> pieces;
    unsigned good = 0;
    bool closed = false;
    for (unsigned i = 0; i < count; ++i) pieces.push_back(pattern(1 + i * 97, i));
    for (const std::string& p : pieces) {
      log.async_append(asio::buffer(p), [&](error_code e, const append_result&) {
        CHECK_FALSE(e);
        CHECK_FALSE(closed);
        ++good;
      });
    }
    s.async_close([&](error_code e, const std::unique_ptr<zoned::device>& d) {
      CHECK_FALSE(e);
      CHECK(d != nullptr);
      closed = true;
    });
    error_code late;
    log.async_append(asio::buffer("x", 1), [&](error_code e, const append_result&) { late = e; });
    context.restart();
    context.run();
    CHECK(good == count);
    CHECK(closed);
    CHECK(late == errc::closed);
  }
  const blocking_store s = opened(device);
  CHECK_FALSE(s.opened().info.recovered);
  std::string expected;
  for (unsigned i = 0; i < count; ++i) expected += pattern(1 + i * 97, i);
  CHECK(contents(s.open_object("log").value()) == expected);
}

TEST_CASE("store: dropped without a close, it recovers what was acknowledged as durable") {
  const auto device = formatted();
  std::string acknowledged;
  std::string started;
  for (unsigned round = 0; round < 5; ++round) {
    CAPTURE(round);
    asio::io_context context;
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
          const auto here = co_await asio::this_coro::executor;
          store s = co_await store::async_open(here, lasting(device), {}, asio::use_awaitable);
          CHECK(s.opened().info.recovered == (round != 0));
          object log = co_await s.async_create("log", asio::use_awaitable);
          const object_status status = co_await log.async_stat(asio::use_awaitable);
          std::string back(status.bytes, ' ');
          co_await log.async_read(0, asio::buffer(back), asio::use_awaitable);
          CHECK(back.starts_with(acknowledged));
          CHECK(started.starts_with(back));
          acknowledged = started = back;
          for (unsigned i = 0; i < 20; ++i) {
            const std::string piece = pattern(1 + i * 500, round * 100 + i);
            started += piece;
            co_await log.async_append(asio::buffer(piece), {.level = durability::durable}, asio::use_awaitable);
            acknowledged = started;
          }
          // These are in flight when the store goes.
          for (unsigned i = 0; i < 5; ++i) {
            auto piece = std::make_shared<std::string>(pattern(20000, round * 100 + 50 + i));
            started += *piece;
            log.async_append(asio::buffer(*piece),
                             [piece](error_code e, const append_result&) { CHECK((!e || e == errc::closed)); });
          }
        },
        [](const std::exception_ptr& e) {
          if (e) std::rethrow_exception(e);
        });
    context.run();
  }
  check_is_clean(opened(device));
}

TEST_CASE("store: many threads append to one log and to logs of their own") {
  constexpr unsigned threads = 4;
  constexpr unsigned appends = 100;
  const auto device = formatted();
  std::mutex mutex;
  std::map<std::uint64_t, std::string> shared_pieces;  // By offset.
  {
    const blocking_store s = opened(device, {.in_flight_bytes_max = 128 << 10});
    const blocking_object shared = s.create({.name = "shared"}).value();
    std::vector<std::thread> all;
    for (unsigned t = 0; t < threads; ++t) {
      all.emplace_back([&, t] {
        const blocking_object own = s.create({.name = "own/" + std::to_string(t)}).value();
        for (unsigned i = 0; i < appends; ++i) {
          const std::string piece = pattern(1 + (i * 613 + t) % 9000, t * 1000 + i);
          const auto level = i % 8 == 0 ? durability::durable : durability::written;
          const auto at = shared.append(asio::buffer(piece), {.level = level});
          REQUIRE_MESSAGE(at.has_value(), (at ? "" : at.error().what()));
          REQUIRE(own.append(asio::buffer(piece)).has_value());
          std::string back(piece.size(), ' ');
          REQUIRE(shared.read(at->offset_bytes, asio::buffer(back)).has_value());
          REQUIRE(back == piece);
          const std::lock_guard lock(mutex);
          shared_pieces[at->offset_bytes] = piece;
        }
      });
    }
    for (std::thread& t : all) t.join();
    CHECK(s.statistics_now().value().appends == 2 * threads * appends);
    REQUIRE(s.close().has_value());
  }
  const blocking_store s = opened(device);
  std::string expected;
  for (const auto& [offset, piece] : shared_pieces) {
    CHECK(offset == expected.size());
    expected += piece;
  }
  CHECK(contents(s.open_object("shared").value()) == expected);
  for (unsigned t = 0; t < threads; ++t) {
    std::string own;
    for (unsigned i = 0; i < appends; ++i) own += pattern(1 + (i * 613 + t) % 9000, t * 1000 + i);
    CHECK(contents(s.open_object("own/" + std::to_string(t)).value()) == own);
  }
  check_is_clean(s);
}

TEST_CASE("store: waits end at their deadline or when they are cancelled, what they waited for goes on") {
  auto silent = std::make_shared<std::atomic<bool>>(false);
  const blocking_store s = blocking_store::open(std::make_unique<lasting_device>(formatted(), silent), {}).value();
  const blocking_object log = s.create({.name = "log"}).value();
  const sequence written = log.append(asio::buffer("x", 1)).value().sequence;
  CHECK(s.wait_durable(written + 1).error().code == errc::invalid_argument);  // Nobody was given that.

  *silent = true;
  CHECK(s.until(in(5ms)).wait_durable(written).error().code == errc::timed_out);
  CHECK(s.until(in(5ms)).sync().error().code == errc::timed_out);
  asio::io_context context;
  asio::cancellation_signal signal;
  error_code cancelled;
  s.async().async_wait_durable(
      written, asio::bind_cancellation_slot(
                   signal.slot(), asio::bind_executor(context, [&](error_code e, sequence) { cancelled = e; })));
  signal.emit(asio::cancellation_type::total);
  context.run();
  CHECK(cancelled == errc::cancelled);

  auto waited = s.async().async_wait_durable(written, asio::use_future);
  *silent = false;
  CHECK(waited.get() >= written);
  CHECK(s.sync().value() >= written);
}

TEST_CASE("store: events tell of a checkpoint, statistics and zones are values") {
  const blocking_store s = opened(formatted());
  std::promise<void> begun, ended;
  s.on_event([&](const event& e) {
    if (e.what == event::kind::checkpoint_begun) begun.set_value();
    if (e.what == event::kind::checkpoint_ended) ended.set_value();
  });
  REQUIRE(s.create({.name = "log"})->append(asio::buffer("hello", 5), {.level = durability::durable}).has_value());
  REQUIRE(s.checkpoint().has_value());
  CHECK(begun.get_future().wait_for(10s) == std::future_status::ready);
  CHECK(ended.get_future().wait_for(10s) == std::future_status::ready);
  const statistics now = s.statistics_now().value();
  CHECK(now.appends == 1);
  CHECK(now.append_bytes == 5);
  CHECK(now.checkpoints >= 1);
  CHECK(s.zones().value().size() == 64);
  CHECK(s.info().value().uuid == s.opened().info.uuid);
  CHECK(s.info().value().uuid != uuid{});
}
