// Where a store runs: on an executor of the caller, or on a thread of its own.
//
//                        the store's work      handlers without an executor of their own    io_context::run() returns
//   an executor          on it, in turns       called on it, between those turns            when nothing is in flight
//   own_thread           on its thread         posted to the system executor                -
//
// Handlers with an associated executor are posted to that one, in either case. No handler runs inside the call that
// started its operation, and none on a store's own thread. On an executor, those without one of their own whose
// operations ended together are called one after the other, and then what they have started begins. So none of these
// may block until an operation has ended: one that does needs an executor of its own.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

namespace furrow {

namespace asio = boost::asio;

struct own_thread_t {
  explicit own_thread_t() = default;
};
inline constexpr own_thread_t own_thread{};

class run_on {
 public:
  run_on(own_thread_t) {}                                               // NOLINT(google-explicit-constructor)
  run_on(asio::any_io_executor where) : executor_(std::move(where)) {}  // NOLINT(google-explicit-constructor)

  template <class Executor>
  requires(asio::execution::is_executor<Executor>::value && !std::same_as<Executor, asio::any_io_executor>)
      run_on(const Executor& where)
      : executor_(where) {}  // NOLINT(google-explicit-constructor)

  /// An execution context with a reactor: asio::io_context, asio::thread_pool. It must outlive the store's use.
  template <class Context>
  requires std::is_base_of_v<asio::execution_context, Context> run_on(Context& where)
      : executor_(where.get_executor()) {}  // NOLINT(google-explicit-constructor)

  /// None: a thread of its own.
  [[nodiscard]] const std::optional<asio::any_io_executor>& executor() const { return executor_; }

 private:
  std::optional<asio::any_io_executor> executor_;
};

}  // namespace furrow
