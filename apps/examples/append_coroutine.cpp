// Appends from coroutines: several at a time on one thread, each line durable when its coroutine goes on.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <furrow/engine/store.hpp>
#include <furrow/zoned/registry.hpp>
#include <iostream>
#include <string>

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;

namespace {

void rethrow(const std::exception_ptr& e) {
  if (e) std::rethrow_exception(e);
}

asio::awaitable<void> append_lines(furrow::object log, int writer) {
  for (int i = 0; i < 10; ++i) {
    const std::string line = "writer " + std::to_string(writer) + ", line " + std::to_string(i) + "\n";
    co_await log.async_append(asio::buffer(line), {.level = furrow::durability::durable}, asio::use_awaitable);
  }
}

asio::awaitable<void> run(std::unique_ptr<furrow::zoned::device> device) {
  const auto here = co_await asio::this_coro::executor;
  device = co_await furrow::store::async_format(here, std::move(device), {.force = true}, asio::use_awaitable);
  const furrow::store store = co_await furrow::store::async_open(here, std::move(device), {}, asio::use_awaitable);
  const furrow::object log = co_await store.async_create("log", asio::use_awaitable);

  // The writers share the journal's groups: ten rounds, not thirty.
  co_await (append_lines(log, 0) && append_lines(log, 1) && append_lines(log, 2));
  const furrow::sequence durable = co_await store.async_sync(asio::use_awaitable);

  const furrow::object_status status = co_await log.async_stat(asio::use_awaitable);
  std::string back(status.bytes, ' ');
  co_await log.async_read(0, asio::buffer(back), asio::use_awaitable);
  std::cout << back << "all of it durable: " << durable << '\n';
  co_await store.async_close(asio::use_awaitable);
}

}  // namespace

int main(int argc, char** argv) try {
  auto device = furrow::zoned::open(argc > 1 ? argv[1] : "memory:?size=64M&zone_size=1M");
  if (!device) throw std::runtime_error(device.error().what);
  asio::io_context context;
  asio::co_spawn(context, run(std::move(*device)), rethrow);
  context.run();
  return 0;
} catch (const std::exception& e) {
  std::cerr << e.what() << '\n';
  return 1;
}
