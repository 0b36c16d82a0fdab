// Every kind of completion token, on the caller's context.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/system/system_error.hpp>

#include "driver_fixture.hpp"

using namespace furrow;
using namespace furrow::test;

TEST_CASE("tokens: callbacks are called once, and never inside the call that started them") {
  context_store t;
  outcome_of<append_result> appended;
  t.log.async_append(asio::buffer("hello", 5), appended.handler());
  CHECK(appended.calls == 0);
  t.run();
  REQUIRE(appended.good());
  CHECK(appended.value.offset_bytes == 0);
  CHECK(appended.value.bytes == 5);

  char back[5] = {};
  outcome_of<std::uint64_t> read;
  t.log.async_read(0, asio::buffer(back), read.handler());
  CHECK(read.calls == 0);
  t.run();
  REQUIRE(read.good());
  CHECK(read.value == 5);
  CHECK(std::string(back, 5) == "hello");
}

TEST_CASE("tokens: a callback may start the next operation") {
  context_store t;
  int done = 0;
  std::function<void(error_code, append_result)> again = [&](error_code e, const append_result& r) {
    REQUIRE_FALSE(e);
    CHECK(r.offset_bytes == static_cast<std::uint64_t>(done));
    if (++done < 100) t.log.async_append(asio::buffer("x", 1), again);
  };
  t.log.async_append(asio::buffer("x", 1), again);
  t.run();
  CHECK(done == 100);
}

TEST_CASE("tokens: futures, with values and with exceptions") {
  context_store t;
  auto at = t.log.async_append(asio::buffer("hello", 5), asio::use_future);
  auto found = t.s.async_open_object("nothing", asio::use_future);
  t.run();
  CHECK(at.get().bytes == 5);
  try {
    found.get();
    FAIL("opened");
  } catch (const boost::system::system_error& e) {
    CHECK(e.code() == errc::not_found);
  }
}

namespace {

asio::awaitable<void> whole_life(std::shared_ptr<held_commands> commands, bool& ended) {
  const auto here = co_await asio::this_coro::executor;
  std::unique_ptr<zoned::device> device = std::make_unique<held_device>(commands);
  device = co_await store::async_format(here, std::move(device), {}, asio::use_awaitable);
  REQUIRE(device != nullptr);
  store s = co_await store::async_open(here, std::move(device), {}, asio::use_awaitable);
  CHECK(s.opened().groups_replayed == 7);

  object log = co_await s.async_create("log", asio::use_awaitable);
  CHECK(log.created());
  const std::string head = "head ", body = "body";
  const std::array<asio::const_buffer, 2> both{asio::buffer(head), asio::buffer(body)};
  const append_result at = co_await log.async_append(
      both, {.level = durability::durable, .hint = lifetime::short_lived}, asio::use_awaitable);
  CHECK(at.bytes == 9);

  std::array<char, 4> first{}, second{};
  std::vector<read_range> ranges{{0, std::as_writable_bytes(std::span(first))},
                                 {5, std::as_writable_bytes(std::span(second))}};
  CHECK(co_await log.async_read(ranges, asio::use_awaitable) == 8);
  CHECK(std::string(first.data(), 4) == "head");
  CHECK(std::string(second.data(), 4) == "body");

  auto [error, unread] = co_await log.async_read(7, asio::buffer(first), asio::as_tuple(asio::use_awaitable));
  CHECK(error == errc::out_of_range);

  const attributes to{.mode = 0600, .link_target = "there"};
  co_await log.async_set_attributes(to, asio::use_awaitable);
  const object_status status = co_await log.async_stat(asio::use_awaitable);
  CHECK(status.attributes == to);
  CHECK(status.bytes == 9);

  batch group;
  const auto made = group.create({.name = "made"});
  group.append_to_created(made, asio::buffer("12", 2));
  const auto more = group.append(log, asio::buffer("345", 3));
  const batch_result done = co_await s.async_commit(std::move(group), durability::durable, asio::use_awaitable);
  CHECK(done.created[made] != 0);
  CHECK(done.appended[more].offset_bytes == 9);

  co_await s.async_rename("made", "renamed", true, asio::use_awaitable);
  const list_query renamed{.prefix = "re"};
  const list_page page = co_await s.async_list(renamed, asio::use_awaitable);
  REQUIRE(page.entries.size() == 1);
  CHECK(page.entries[0].id == done.created[made]);
  object same = co_await s.async_open_object(object_key(done.created[made]), asio::use_awaitable);
  CHECK_FALSE(same.created());
  CHECK(same.id() == done.created[made]);
  co_await s.async_remove("renamed", asio::use_awaitable);

  CHECK(co_await s.async_create_collection("tenant", 0, asio::use_awaitable) == 5);
  CHECK((co_await s.async_check(true, asio::use_awaitable)).blocks_verified == 1);
  CHECK((co_await s.async_zones(asio::use_awaitable)).size() == 3);
  co_await s.async_info(asio::use_awaitable);
  co_await s.async_checkpoint(asio::use_awaitable);
  const sequence durable = co_await s.async_sync(asio::use_awaitable);
  CHECK(co_await s.async_wait_durable(durable, asio::use_awaitable) == durable);
  CHECK(co_await log.async_sync(asio::use_awaitable) == durable);

  device = co_await s.async_close(asio::use_awaitable);
  CHECK(device != nullptr);
  ended = true;
}

}  // namespace

TEST_CASE("tokens: a coroutine goes through the whole API") {
  auto commands = std::make_shared<held_commands>();
  asio::io_context context;
  bool ended = false;
  asio::co_spawn(context, whole_life(commands, ended), [](std::exception_ptr e) {
    if (e) std::rethrow_exception(e);
  });
  context.run();
  CHECK(ended);
  CHECK(commands->device_is_gone());
}

TEST_CASE("tokens: a deferred operation begins when it is called") {
  context_store t;
  auto later = t.log.async_append(asio::buffer("hello", 5), asio::deferred);
  t.run();
  CHECK(t.counters().appends == 0);
  outcome_of<append_result> appended;
  std::move(later)(appended.handler());
  t.run();
  CHECK(appended.good());
}

TEST_CASE("tokens: a deferred operation that is kept may begin more than once") {
  context_store t;
  char back[5] = {};
  const auto append = t.log.async_append(asio::buffer("hello", 5), asio::deferred);
  const auto write = t.log.async_write(0, asio::buffer("H", 1), asio::deferred);
  const auto read = t.log.async_read(0, asio::buffer(back), asio::deferred);
  for (std::uint64_t i = 0; i < 2; ++i) {
    outcome_of<append_result> appended;
    append(appended.handler());
    t.run();
    REQUIRE(appended.good());
    CHECK(appended.value.offset_bytes == 5 * i);
    outcome_of<write_result> written;
    write(written.handler());
    outcome_of<std::uint64_t> was_read;
    read(was_read.handler());
    t.run();
    CHECK(written.done());
    REQUIRE(was_read.good());
    CHECK(was_read.value == 5);
  }
}

TEST_CASE("tokens: a deferred operation that a function follows keeps what it is called on") {
  context_store t;
  object log = t.log;
  const auto offset = [](error_code e, const append_result& r) { return asio::deferred.values(e, r.offset_bytes); };
  auto later = log.async_append(asio::buffer("hello", 5), asio::deferred(offset));
  log = object();
  outcome_of<std::uint64_t> appended;
  std::move(later)(appended.handler());
  t.run();
  CHECK(appended.good());
}

namespace {

struct memory_use {
  int taken = 0;
  int held = 0;
  int calls = 0;
};

template <class T>
struct counted_memory {
  using value_type = T;
  explicit counted_memory(memory_use& u) : use(&u) {}
  template <class U>
  counted_memory(const counted_memory<U>& of) : use(of.use) {}
  T* allocate(std::size_t n) {
    ++use->taken;
    ++use->held;
    return std::allocator<T>().allocate(n);
  }
  void deallocate(T* p, std::size_t n) {
    --use->held;
    std::allocator<T>().deallocate(p, n);
  }
  bool operator==(const counted_memory&) const = default;

  memory_use* use;
};

/// Can only be moved, is larger than what is kept with it, and wants more than the usual alignment.
struct unwieldy_handler {
  using allocator_type = counted_memory<std::byte>;
  explicit unwieldy_handler(memory_use& u) : use(&u) {}
  [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator_type(*use); }
  void operator()(error_code e, const append_result& r) {
    CHECK_FALSE(e);
    CHECK(r.bytes == 1);
    CHECK(use->held == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(bytes.data()) % 128 == 0);
    CHECK(*mine == 7);
    ++use->calls;
  }

  memory_use* use;
  std::unique_ptr<int> mine = std::make_unique<int>(7);
  alignas(128) std::array<std::byte, 2000> bytes{};
};

}  // namespace

TEST_CASE("tokens: a handler of any size is in its own memory, which it has back when it is called, or destroyed") {
  memory_use use;
  {
    context_store t;
    t.log.async_append(asio::buffer("x", 1), unwieldy_handler(use));
    CHECK(use.taken == 1);
    t.run();
    CHECK(use.calls == 1);
    t.log.async_append(asio::buffer("x", 1), asio::bind_executor(t.context, unwieldy_handler(use)));
    CHECK(use.taken == 2);
    t.run();
    CHECK(use.calls == 2);
    t.commands->hold();
    t.log.async_append(asio::buffer("x", 1), unwieldy_handler(use));
    t.log.async_append(asio::buffer("x", 1), asio::bind_executor(t.context, unwieldy_handler(use)));
    t.poll();
    CHECK(use.held == 2);
  }
  CHECK(use.held == 0);
  CHECK(use.calls == 2);
}

TEST_CASE("tokens: what a failure concerned is told where the caller wants it") {
  context_store t;
  error_detail why;
  outcome_of<object> made;
  t.s.with({.detail = &why}).async_create({.name = "log", .fail_if_exists = true}, made.handler());
  t.run();
  CHECK(made.failed(errc::exists));
  CHECK(why.object == t.log.id());
  CHECK(why.what == "it is there");

  auto future = t.log.with({.detail = &why}).async_read(3, asio::buffer(&why, 1), asio::use_future);
  t.run();
  CHECK_THROWS_AS(future.get(), boost::system::system_error);
  CHECK(why.offset_bytes == 3);
}

TEST_CASE("tokens: handles that name nothing, and batches that name nothing of the store") {
  context_store t;
  context_store other;
  outcome_of<append_result> appended;
  object().async_append(asio::buffer("x", 1), asio::bind_executor(t.context, appended.handler()));
  outcome_of<sequence> synced;
  store().async_sync(asio::bind_executor(t.context, synced.handler()));
  batch of_other;
  of_other.append(other.log, asio::buffer("x", 1));
  outcome_of<batch_result> committed;
  t.s.async_commit(std::move(of_other), durability::written, committed.handler());
  t.run();
  CHECK(appended.failed(errc::closed));
  CHECK(synced.failed(errc::closed));
  CHECK(committed.failed(errc::invalid_argument));
}

TEST_CASE("tokens: a device that cannot be opened") {
  auto commands = std::make_shared<held_commands>();
  asio::io_context context;
  error_detail why;
  SUBCASE("holds no store") {
    outcome_of<store> opened;
    store::async_open(context, std::make_unique<held_device>(commands, 1), {}, opened.handler(), {.detail = &why});
    context.run();
    CHECK(opened.failed(errc::not_a_store));
    CHECK(why.what == "the device was never formatted");
    CHECK(commands->device_is_gone());
  }
  SUBCASE("is none") {
    outcome_of<store> opened;
    store::async_open(context, nullptr, {}, opened.handler(), {.detail = &why});
    CHECK(opened.calls == 0);
    context.run();
    CHECK(opened.failed(errc::invalid_argument));
    CHECK(why.what == "no device was given");
  }
  SUBCASE("with options out of their range") {
    outcome_of<store> opened;
    store::async_open(context, std::make_unique<held_device>(commands), {.operations_max = 0}, opened.handler(),
                      {.detail = &why});
    context.run();
    CHECK(opened.failed(errc::invalid_argument));
    CHECK(why.what.starts_with("operations_max is 0"));
  }
  SUBCASE("formatting gives it back when it fails") {
    outcome_of<store::device_pointer> formatted;
    store::async_format(context, std::make_unique<held_device>(commands), {.page_copies = 9}, formatted.handler());
    context.run();
    CHECK(formatted.calls == 1);
    CHECK(*formatted.error == errc::invalid_argument);
    CHECK(formatted.value != nullptr);
  }
}
