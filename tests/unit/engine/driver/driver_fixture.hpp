// Stores on the fake core, over devices whose commands the test completes.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "furrow/engine/store.hpp"
#include "support/held_device.hpp"

namespace furrow::test {

using namespace std::chrono_literals;

/// The outcome of one operation, for tests that run the context themselves.
template <class T>
struct outcome_of {
  std::optional<error_code> error;
  T value{};
  int calls = 0;

  auto handler() {
    return [this](error_code e, T v) {
      error = e;
      value = std::move(v);
      ++calls;
    };
  }
  [[nodiscard]] bool done() const { return calls != 0; }
  [[nodiscard]] bool good() const { return calls == 1 && !*error; }
  [[nodiscard]] bool failed(error_code with) const { return calls == 1 && *error == with; }
};

/// A store on the test's own context.
struct context_store {
  explicit context_store(const store_options& options = {}) {
    outcome_of<store> opened;
    store::async_open(context, std::make_unique<held_device>(commands), options, opened.handler());
    run();
    REQUIRE(opened.good());
    s = opened.value;
    log = create("log");
  }

  /// Everything that can be done now. Returns, as a store at rest has no work.
  void run() {
    context.restart();
    context.run();
  }
  /// Everything that can be done while commands are held.
  void poll() {
    context.restart();
    while (context.poll() != 0) context.restart();
  }
  object create(const std::string& name) {
    outcome_of<object> made;
    s.async_create({.name = name}, made.handler());
    run();
    REQUIRE(made.good());
    return made.value;
  }
  statistics counters() {
    outcome_of<statistics> now;
    s.async_statistics(now.handler());
    poll();
    REQUIRE(now.good());
    return now.value;
  }

  std::shared_ptr<held_commands> commands = std::make_shared<held_commands>();
  asio::io_context context;
  store s;
  object log;
};

inline store open_on_own_thread(const std::shared_ptr<held_commands>& commands, const store_options& options = {}) {
  return store::async_open(own_thread, std::make_unique<held_device>(commands), options, asio::use_future).get();
}

}  // namespace furrow::test
