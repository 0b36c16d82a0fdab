// How the templates of the public API hand over to the compiled library: the handler is type-erased, and bound to the
// executor that it is going to be posted to.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/executor.hpp>
#include <boost/asio/prefer.hpp>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "furrow/engine/types.hpp"

namespace furrow::detail {

namespace asio = boost::asio;

/// A handler of any type. One that has no executor of its own is called by the store's, without the price of another.
template <class Signature>
class handler_of : public asio::any_completion_handler<Signature> {
 public:
  template <class Handler>
  handler_of(Handler h, bool has_executor)
      : asio::any_completion_handler<Signature>(std::move(h)), has_executor_(has_executor) {}
  [[nodiscard]] bool has_executor() const { return has_executor_; }

 private:
  bool has_executor_;
};

/// Stands for an executor where none is associated.
struct no_executor {};
template <class Handler>
inline constexpr bool has_executor = !std::is_same_v<asio::associated_executor_t<Handler, no_executor>, no_executor>;

/// A handler with an executor in place of its own one; as with bind_executor, but around any handler.
template <class Handler, class Executor>
class moved_handler {
 public:
  using executor_type = Executor;
  using allocator_type = asio::associated_allocator_t<Handler>;
  using cancellation_slot_type = asio::associated_cancellation_slot_t<Handler>;

  moved_handler(Handler h, Executor e) : handler_(std::move(h)), executor_(std::move(e)) {}

  [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }
  [[nodiscard]] allocator_type get_allocator() const noexcept { return asio::get_associated_allocator(handler_); }
  [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept {
    return asio::get_associated_cancellation_slot(handler_);
  }
  template <class... Args>
  void operator()(Args&&... args) {
    std::move(handler_)(std::forward<Args>(args)...);
  }

 private:
  Handler handler_;
  Executor executor_;
};

/// Erased handlers know the executor of the original as of now, with the property that executing never means to run at
/// once. So a handler for the system executor does not run on the thread of the store.
template <class Signature, class Handler, class Executor>
handler_of<Signature> bound_to(Handler handler, const Executor& executor) {
  if constexpr (asio::execution::is_executor<Executor>::value) {
    return {moved_handler(std::move(handler), asio::prefer(executor, asio::execution::blocking.never)), true};
  } else {
    return {moved_handler(std::move(handler), executor), true};
  }
}

/// `Self::calls_handlers`: what it starts ends in a store, which calls handlers that have no executor of their own.
template <class Signature, class Self, class Handler>
handler_of<Signature> erase(Handler handler, const Self& self) {
  if constexpr (Self::calls_handlers && !has_executor<Handler>) {
    return {std::move(handler), false};
  } else {
    const asio::any_io_executor otherwise = self.get_executor();
    return bound_to<Signature>(std::move(handler), asio::get_associated_executor(handler, otherwise));
  }
}

/// Whether an operation has begun when the call with this token returns. What can be called as a handler need not begin
/// anything (asio::deferred of a function): the call then returns what begins it.
template <class Token, class Signature>
concept begins_at_once = asio::completion_handler_for<Token, Signature> && requires {
  requires std::is_void_v<typename asio::async_result<Token, Signature>::return_type>;
};

/// Starts `(self.*start)(handler, args...)` when the token says so.
template <class Signature, class Self, class Token, class... Args>
auto initiate(void (Self::*start)(handler_of<Signature>, Args...) const, const Self& self, Token&& token,
              std::type_identity_t<Args>... args) {
  const auto hold = [&self] {
    if constexpr (begins_at_once<std::decay_t<Token>, Signature>)
      return std::cref(self);
    else
      return self;
  };
  return asio::async_initiate<Token, Signature>(
      [start, held = hold()](auto handler, auto&&... with) {
        const Self& on = held;
        (on.*start)(erase<Signature>(std::move(handler), on), std::forward<decltype(with)>(with)...);
      },
      token, std::forward<Args>(args)...);
}

/// The memory of a buffer sequence; the bytes stay where they are.
template <class ConstBuffers>
segment_list segments_of(const ConstBuffers& buffers) {
  segment_list segments;
  for (auto i = asio::buffer_sequence_begin(buffers); i != asio::buffer_sequence_end(buffers); ++i) {
    const asio::const_buffer b(*i);
    // A device only reads the memory of an append.
    if (b.size() != 0) segments.push_back({static_cast<std::byte*>(const_cast<void*>(b.data())), b.size()});
  }
  return segments;
}

}  // namespace furrow::detail
