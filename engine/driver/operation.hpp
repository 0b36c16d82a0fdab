// One call of the public API on its way through the driver: the request it became, and the caller's handler.
//
// States, and who moves it on
//   inbox      driver::submit, on the caller's thread
//   waiting    driver::accept: an append that is over the bytes in flight, or a close behind such appends
//   with core  driver::hand_over: the core answers it
//   ended      end(), exactly once; it is on its way to its executor
//   called     call(): the operation is gone, then its handler runs
//
// Its memory comes from the handler's associated allocator, and goes back to it before the handler runs.
//
// Not here: which answers make which results (convert.hpp).
#pragma once

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/intrusive/slist_hook.hpp>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "core/assert.hpp"
#include "core/messages.hpp"
#include "driver/own_thread.hpp"
#include "driver/source_feed.hpp"
#include "driver/view_memory.hpp"
#include "furrow/engine/call.hpp"
#include "furrow/engine/detail/initiate.hpp"
#include "furrow/engine/run_on.hpp"
#include "furrow/zoned/device.hpp"

namespace furrow::driver {

class driver;
struct open_handle;

/// How an operation ended, and what its result may be made of.
struct ending {
  error_code error;
  error_detail detail;
  core::result_body result;
  std::shared_ptr<driver> by;                ///< Of an object, a view or a store.
  std::shared_ptr<view_memory> memory;       ///< Of a view.
  std::unique_ptr<zoned::device> device;     ///< close and format: given back.
  std::shared_ptr<own_thread> ended_thread;  ///< close, format, failed open: joined before the handler runs.
};

using delivery_hook = boost::intrusive::slist_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>>;

class operation : public delivery_hook {
 public:
  /// How it may end, and what ends with it.
  enum class role { ordinary, format, open, close };

  template <class Body>
  operation(Body&& body, const call_options& how) : kind(role_of<std::decay_t<Body>>()), call(how) {
    request.body.template emplace<std::decay_t<Body>>(std::forward<Body>(body));
  }
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;

  [[nodiscard]] core::operation_id id() const { return request.id; }
  void end(ending e) {
    error = e.error;
    if (e.error && call.detail != nullptr) *call.detail = std::move(e.detail);
    const bool with_nothing =
        std::holds_alternative<std::monostate>(e.result) && !e.by && !e.memory && !e.device && !e.ended_thread;
    if (!with_nothing) ended = std::make_unique<ending>(std::move(e));
  }
  void end(core::notification& n) {
    error = n.error;
    if (n.error && call.detail != nullptr) *call.detail = std::move(n.detail);
    if (const auto* a = std::get_if<append_result>(&n.result)) {
      plain = *a;
    } else if (const auto* r = std::get_if<core::read_result>(&n.result)) {
      plain.bytes = r->bytes;
    } else if (!std::holds_alternative<std::monostate>(n.result)) {
      ended = std::make_unique<ending>();
      ended->result = std::move(n.result);
    }
  }
  /// None: the store's.
  [[nodiscard]] const asio::any_completion_executor* executor() const { return executor_ ? &*executor_ : nullptr; }
  /// Calls the handler; the operation is gone.
  virtual void run() = 0;
  /// Without calling it.
  virtual void destroy() noexcept = 0;

  const role kind;
  core::request request;
  call_options call;
  std::shared_ptr<const open_handle> handle;  ///< Kept open until it is called.
  std::shared_ptr<const void> keep;           ///< Whatever else must live as long.
  std::shared_ptr<source_feed> feed;          ///< Of a write from a source.
  std::shared_ptr<view_memory> of_view;       ///< Of what makes a view, or populates one.
  std::uint64_t append_bytes = 0;
  priority urgency = priority::normal;  ///< While it waits for other appends.
  bool with_core = false;
  operation* next = nullptr;  ///< In its bucket of the table; before, among those that handlers have started.
  error_code error;
  append_result plain;            ///< Of appends, writes and reads.
  std::unique_ptr<ending> ended;  ///< Of others, if there is more to say than the error.

 protected:
  ~operation() = default;

  std::optional<asio::any_completion_executor> executor_;

 private:
  template <class Body>
  static constexpr role role_of() {
    if constexpr (std::is_same_v<Body, core::format_request>) return role::format;
    if constexpr (std::is_same_v<Body, core::open_request>) return role::open;
    if constexpr (std::is_same_v<Body, core::close_request>) return role::close;
    return role::ordinary;
  }
};

struct destroy_operation {
  void operator()(operation* o) const noexcept { o->destroy(); }
};
using operation_ptr = std::unique_ptr<operation, destroy_operation>;

/// Makes the result of a successful operation. Specialised in convert.hpp.
template <class T>
T convert(ending& e);

template <class T>
using handler_for = detail::handler_of<void(error_code, T)>;

template <class T>
class handler_operation final : public operation {
 public:
  using handler = asio::any_completion_handler<void(error_code, T)>;  // what Asio knows the associations of
  using pointer = std::unique_ptr<handler_operation, destroy_operation>;

  template <class Body>
  [[nodiscard]] static pointer make(handler_for<T>&& h, Body&& body, const call_options& how) {
    memory from(asio::get_associated_allocator(static_cast<const handler&>(h)));
    auto* const room = std::allocator_traits<memory>::allocate(from, 1);
    return pointer(new (room) handler_operation(std::move(h), std::forward<Body>(body), how));
  }

  [[nodiscard]] asio::cancellation_slot slot() const { return handler_.get_cancellation_slot(); }

  void run() override {
    T value{};
    const error_code why = error;
    if (!why || also_when_failed) value = result();
    if (ended && ended->ended_thread) ended->ended_thread->join();
    handler h = std::move(handler_);
    destroy(h);
    std::move(h)(why, std::move(value));
  }
  void destroy() noexcept override {
    if (ended && ended->by) static_cast<void>(convert<T>(*ended));  // what was opened is given back
    const handler h = std::move(handler_);
    destroy(h);
  }

 private:
  using memory =
      typename std::allocator_traits<asio::associated_allocator_t<handler>>::template rebind_alloc<handler_operation>;

  template <class Body>
  handler_operation(handler_for<T>&& h, Body&& body, const call_options& how)
      : operation(std::forward<Body>(body), how), handler_(static_cast<handler&&>(h)) {
    if (!h.has_executor()) return;
    // Its context has work until the handler is called, so that it is there for all of the call.
    executor_ = asio::prefer(asio::get_associated_executor(handler_, asio::system_executor()),
                             asio::execution::outstanding_work.tracked);
  }
  ~handler_operation() = default;

  static constexpr bool also_when_failed = std::is_same_v<T, std::unique_ptr<zoned::device>>;

  [[nodiscard]] T result() {
    if (ended) return convert<T>(*ended);
    if constexpr (std::is_same_v<T, append_result>) {
      return plain;
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
      return plain.bytes;
    } else {
      FURROW_ASSERT(also_when_failed);
      return T{};
    }
  }

  void destroy(const handler& h) noexcept {
    memory to(asio::get_associated_allocator(h));
    this->~handler_operation();
    std::allocator_traits<memory>::deallocate(to, this, 1);
  }

  handler handler_;
};

}  // namespace furrow::driver
