// How the templates of the public API hand over to the compiled library: the handler is type-erased, and bound to the
// executor that it is going to be posted to.
#pragma once

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/executor.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/recycling_allocator.hpp>
#include <boost/asio/system_executor.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "furrow/engine/types.hpp"

namespace furrow::detail {

namespace asio = boost::asio;

/// Bytes that the library keeps of an operation, at most.
inline constexpr std::size_t operation_bytes_max = 448;

template <class Signature>
class handler_of;

/// A handler of any type, in one piece of its associated memory with room for the operation that ends with its call. One
/// that has no executor of its own is called by the store's, without the price of another.
template <class... Args>
class handler_of<void(Args...)> {
 public:
  class pending {
   public:
    pending(const pending&) = delete;
    pending& operator=(const pending&) = delete;
    /// The memory is given back, then the handler is called.
    virtual void call(Args&&... args) = 0;
    /// The same without calling it.
    virtual void drop() noexcept = 0;
    [[nodiscard]] virtual asio::cancellation_slot slot() const noexcept = 0;
    [[nodiscard]] virtual asio::any_completion_executor executor() const noexcept = 0;
    [[nodiscard]] bool has_executor() const { return has_executor_; }
    /// Whether somebody may cancel it.
    [[nodiscard]] bool has_slot() const { return has_slot_; }
    [[nodiscard]] void* room() { return room_; }

   protected:
    pending(bool has_executor, bool has_slot) : has_executor_(has_executor), has_slot_(has_slot) {}
    ~pending() = default;

   private:
    bool has_executor_;
    bool has_slot_;
    alignas(std::max_align_t) std::byte room_[operation_bytes_max];
  };

  template <class Handler>
  handler_of(Handler h, bool has_executor) : pending_(&node<Handler>::make(std::move(h), has_executor)) {}
  handler_of(handler_of&& from) noexcept : pending_(from.release()) {}
  handler_of& operator=(handler_of&&) = delete;
  ~handler_of() {
    if (pending_ != nullptr) pending_->drop();
  }

  [[nodiscard]] pending& get() const { return *pending_; }
  pending* release() { return std::exchange(pending_, nullptr); }
  void operator()(Args... args) && { release()->call(std::move(args)...); }

 private:
  template <class Handler>
  class node;

  pending* pending_;
};

template <class... Args>
template <class Handler>
class handler_of<void(Args...)>::node final : public pending {
 public:
  [[nodiscard]] static node& make(Handler&& h, bool has_executor) {
    memory from = allocator_of(h);
    node* const room = std::allocator_traits<memory>::allocate(from, 1);
    try {
      return *new (room) node(std::move(h), has_executor);
    } catch (...) {
      std::allocator_traits<memory>::deallocate(from, room, 1);
      throw;
    }
  }

  void call(Args&&... args) override {
    Handler h(std::move(handler_));
    end(h);
    std::move(h)(std::move(args)...);
  }
  void drop() noexcept override {
    const Handler h(std::move(handler_));
    end(h);
  }
  [[nodiscard]] asio::cancellation_slot slot() const noexcept override {
    return asio::get_associated_cancellation_slot(handler_);
  }
  [[nodiscard]] asio::any_completion_executor executor() const noexcept override {
    return asio::any_completion_executor(std::nothrow,
                                         asio::get_associated_executor(handler_, asio::system_executor()));
  }

 private:
  using associated = asio::associated_allocator_t<Handler, asio::recycling_allocator<void>>;
  using memory = typename std::allocator_traits<associated>::template rebind_alloc<node>;

  static memory allocator_of(const Handler& h) {
    return memory(asio::get_associated_allocator(h, asio::recycling_allocator<void>()));
  }

  node(Handler&& h, bool has_executor)
      : pending(has_executor, asio::get_associated_cancellation_slot(h).is_connected()), handler_(std::move(h)) {}
  ~node() = default;

  void end(const Handler& moved) noexcept {
    memory to = allocator_of(moved);
    this->~node();
    std::allocator_traits<memory>::deallocate(to, this, 1);
  }

  Handler handler_;
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
    const auto executor = asio::get_associated_executor(handler, otherwise);  // It may be a part of the handler.
    return bound_to<Signature>(std::move(handler), executor);
  }
}

/// Whether an operation has begun when the call with this token returns. What can be called as a handler need not begin
/// anything (asio::deferred of a function): the call then returns what begins it.
template <class Token, class Signature>
concept begins_at_once = asio::completion_handler_for<Token, Signature> && requires {
  requires std::is_void_v<typename asio::async_result<Token, Signature>::return_type>;
};

/// An argument for a parameter of type `Wanted`. What the function takes for its own is copied if the caller keeps it, as
/// a deferred operation does that is begun more than once.
template <class Wanted, class Given>
decltype(auto) given(std::remove_reference_t<Given>& argument) {
  if constexpr (std::is_rvalue_reference_v<Wanted> && std::is_lvalue_reference_v<Given>)
    return std::remove_cvref_t<Wanted>(argument);
  else
    return static_cast<Given&&>(argument);
}

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
        (on.*start)(erase<Signature>(std::move(handler), on), given<Args, decltype(with)>(with)...);
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
