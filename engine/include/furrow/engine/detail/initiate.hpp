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
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "furrow/zoned/command.hpp"

namespace furrow::detail {

namespace asio = boost::asio;

template <class Signature>
using handler_of = asio::any_completion_handler<Signature>;

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
template <class Signature, class Handler>
handler_of<Signature> erase(Handler handler, const asio::any_io_executor& otherwise) {
  auto executor = asio::get_associated_executor(handler, otherwise);
  if constexpr (asio::execution::is_executor<decltype(executor)>::value) {
    return moved_handler(std::move(handler), asio::prefer(executor, asio::execution::blocking.never));
  } else {
    return moved_handler(std::move(handler), executor);
  }
}

/// Starts `(self.*start)(handler, args...)` when the token says so.
template <class Signature, class Self, class Token, class... Args>
auto initiate(void (Self::*start)(handler_of<Signature>, Args...) const, const Self& self, Token&& token,
              std::type_identity_t<Args>... args) {
  return asio::async_initiate<Token, Signature>(
      [start, self](auto handler, auto... with) {
        (self.*start)(erase<Signature>(std::move(handler), self.get_executor()), std::move(with)...);
      },
      token, std::move(args)...);
}

/// The memory of a buffer sequence; the bytes stay where they are.
template <class ConstBuffers>
std::vector<zoned::segment> segments_of(const ConstBuffers& buffers) {
  std::vector<zoned::segment> segments;
  for (auto i = asio::buffer_sequence_begin(buffers); i != asio::buffer_sequence_end(buffers); ++i) {
    const asio::const_buffer b(*i);
    // A device only reads the memory of an append.
    if (b.size() != 0) segments.push_back({static_cast<std::byte*>(const_cast<void*>(b.data())), b.size()});
  }
  return segments;
}

}  // namespace furrow::detail
