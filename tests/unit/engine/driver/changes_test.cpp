// Changes in the middle of objects through the public API, on the real core and memory devices: every form of call.
#include <doctest/doctest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <string>
#include <vector>

#include "furrow/engine/blocking.hpp"
#include "furrow/zoned/registry.hpp"

using namespace furrow;

namespace {

constexpr const char* uri = "memory:?size=64M&zone_size=1M";

store::device_pointer formatted() { return blocking_store::format(std::move(*zoned::open(uri)), {}).value(); }

std::string content(const blocking_object& o) {
  std::string to(o.stat().value().bytes, '?');
  if (!to.empty()) CHECK(o.read(0, asio::buffer(to)).value() == to.size());
  return to;
}

}  // namespace

TEST_CASE("changes: the blocking calls do what an array of bytes does") {
  const blocking_store s = blocking_store::open(formatted(), {}).value();
  const blocking_object a = s.create({.name = "a"}).value(), b = s.create({.name = "b"}).value();
  std::string model(20'000, 'x');
  REQUIRE(a.append(asio::buffer(model)).has_value());
  const std::string patch(9'000, 'y');
  const write_result w = a.write(4'000, asio::buffer(patch), {.level = durability::durable}).value();
  CHECK(w.offset_bytes == 4'000);
  CHECK(w.bytes == patch.size());
  CHECK(w.sequence > 0);
  model.replace(4'000, patch.size(), patch);
  CHECK(content(a) == model);
  REQUIRE(a.punch(5'000, 10'000).has_value());
  model.replace(5'000, 10'000, 10'000, '\0');
  CHECK(content(a) == model);
  REQUIRE(a.write_zeroes(19'000, 6'000).has_value());
  model.resize(19'000);
  model.resize(25'000);
  CHECK(content(a) == model);
  REQUIRE(b.clone(4'096, a, 0, 25'000).has_value());
  CHECK(content(b) == std::string(4'096, '\0') + model);
  REQUIRE(a.trim_front(4'200).has_value());
  model.replace(0, 4'096, 4'096, '\0');
  REQUIRE(a.truncate(18'500).has_value());
  model.resize(18'500);
  CHECK(content(a) == model);
  CHECK(a.reserve(100'000).value() == 102'400);
  const extent_list list = a.extents(0, 1 << 20).value();
  CHECK_FALSE(list.more);
  REQUIRE(list.extents.size() >= 3);
  CHECK(list.extents.front().what == extent_status::kind::hole);
  CHECK(list.extents.back().what == extent_status::kind::tail);
  CHECK(list.extents.back().offset_bytes + list.extents.back().bytes == 18'500);
  CHECK(a.extents(0, 1 << 20, 1).value().more);
  CHECK(s.check(true).value().damage == 0);
  REQUIRE(s.close().has_value());
}

TEST_CASE("changes: what cannot be done is said, and changes nothing") {
  const blocking_store s = blocking_store::open(formatted(), {}).value();
  const blocking_object a = s.create({.name = "a"}).value();
  REQUIRE(a.append(asio::buffer(std::string(10'000, 'x'))).has_value());
  const auto code = [](const auto& outcome) { return outcome.has_value() ? error_code{} : outcome.error().code; };
  CHECK(code(a.write(~std::uint64_t{0} - 5, asio::buffer("z", 1))) == errc::out_of_range);
  CHECK(code(a.truncate(~std::uint64_t{0})) == errc::out_of_range);
  CHECK(code(a.clone(1, a, 4'096, 4'096)) == errc::invalid_argument);
  CHECK(code(a.clone(0, a, 0, 4'096)) == errc::invalid_argument);
  CHECK(code(a.clone(16'384, a, 8'192, 4'096)) == errc::out_of_range);
  CHECK(code(a.clone(0, blocking_object{}, 0, 4'096)) == errc::invalid_argument);
  CHECK(code(a.reserve(std::uint64_t{1} << 40)) == errc::no_space);
  REQUIRE(a.append(asio::buffer("f", 1), {.fence_epoch = 5}).has_value());
  CHECK(code(a.write(0, asio::buffer("z", 1), {.fence_epoch = 4})) == errc::fenced);
  CHECK(content(a) == std::string(10'000, 'x') + "f");
  REQUIRE(s.close().has_value());
  CHECK(code(a.write(0, asio::buffer("z", 1))) == errc::closed);
  CHECK(code(a.punch(0, 1)) == errc::closed);
  CHECK(code(a.truncate(0)) == errc::closed);
}

TEST_CASE("changes: futures and coroutines, and a close that waits for what is in flight") {
  asio::io_context context;
  auto opened = store::async_open(context, formatted(), {}, asio::use_future);
  context.run();
  const store s = opened.get();
  std::string bytes;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        const object o = co_await s.async_create("a", asio::use_awaitable);
        const std::string x(8'192, 'x');
        const write_result w = co_await o.async_write(100, asio::buffer(x), asio::use_awaitable);
        CHECK(w.bytes == x.size());
        static_cast<void>(co_await o.async_punch(0, 4'096, {}, asio::use_awaitable));
        static_cast<void>(co_await o.async_write_zeroes(8'000, 100, {}, asio::use_awaitable));
        static_cast<void>(co_await o.async_truncate(8'200, {}, asio::use_awaitable));
        bytes.resize(8'200);
        CHECK(co_await o.async_read(0, asio::buffer(bytes), asio::use_awaitable) == bytes.size());
      },
      [](const std::exception_ptr& e) { CHECK_FALSE(e); });
  context.restart();
  context.run();
  CHECK(bytes ==
        std::string(4'096, '\0') + std::string(8'000 - 4'096, 'x') + std::string(100, '\0') + std::string(100, 'x'));

  auto made = s.async_create("b", asio::use_future);
  context.restart();
  context.run();
  const object b = made.get();
  const std::string part(5'000, 'p');
  std::vector<std::future<write_result>> writes;
  for (std::uint64_t i = 0; i < 50; ++i)
    writes.push_back(b.async_write(i * 2'500, asio::buffer(part), write_options{}, asio::use_future));
  auto cut = b.async_truncate(60'000, {}, asio::use_future);
  auto closed = s.async_close(asio::use_future);
  context.restart();
  context.run();
  for (auto& w : writes) CHECK(w.get().bytes == part.size());
  CHECK(cut.get() > 0);
  const blocking_store again = blocking_store::open(closed.get(), {}).value();
  CHECK(content(again.open_object("b").value()) == std::string(60'000, 'p'));
}
