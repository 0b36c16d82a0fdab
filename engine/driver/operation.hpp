// One call of the public API on its way through the driver: the request it became, and the caller's handler.
//
// States, and who moves it on
//   inbox      driver::submit, on the caller's thread
//   waiting    driver::accept: an append that is over the bytes in flight, or a close behind such appends
//   with core  driver::hand_over: the core answers it
//   ended      end(), exactly once; it is on its way to its executor
//   called     run(): the operation is gone, then its handler runs
//
// Its memory is the handler's (initiate.hpp): from its associated allocator, and given back to that before it runs.
//
// Not here: which answers make which results (convert.hpp).
#pragma once

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/prefer.hpp>
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

  template <class Body, class... Parts>
  operation(std::in_place_type_t<Body> what, const call_options& how, Parts&&... parts)
      : kind(role_of<Body>()), request{{}, 0, core::request_body(what, std::forward<Parts>(parts)...)}, call(how) {}
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
  operation* next = nullptr;  ///< In its bucket of the table; before, among those that are to be accepted.
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

/// Operations on their way to be accepted, one behind the other; owned.
class operation_queue {
 public:
  operation_queue() = default;
  operation_queue(operation_queue&& from) noexcept
      : first_(std::exchange(from.first_, nullptr)), last_(std::exchange(from.last_, nullptr)) {}
  operation_queue& operator=(operation_queue&&) = delete;
  ~operation_queue() {
    while (take()) {
    }
  }

  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  void push(operation_ptr o) { push_newest_first(o.release()); }
  /// Those that are chained from the newest to the oldest.
  void push_newest_first(operation* newest) {
    operation* const last = newest;
    operation* oldest = nullptr;
    while (newest != nullptr) {
      operation* const older = std::exchange(newest->next, oldest);
      oldest = std::exchange(newest, older);
    }
    (first_ == nullptr ? first_ : last_->next) = oldest;
    last_ = last;
  }
  /// The oldest, or none.
  [[nodiscard]] operation_ptr take() {
    operation_ptr o(first_);
    if (o) first_ = std::exchange(o->next, nullptr);
    return o;
  }

 private:
  operation* first_ = nullptr;
  operation* last_ = nullptr;  ///< If there is a first one.
};

/// Makes the result of a successful operation. Specialised in convert.hpp.
template <class T>
T convert(ending& e);
/// Of an object that was opened, where nobody gets a handle of it.
void give_object_back(ending& e) noexcept;

template <class T>
using handler_for = detail::handler_of<void(error_code, T)>;

/// Stands in the room that its handler's memory has for it.
template <class T>
class handler_operation final : public operation {
 public:
  using pending = typename handler_for<T>::pending;
  using pointer = std::unique_ptr<handler_operation, destroy_operation>;

  template <class Body, class... Parts>
  [[nodiscard]] static pointer make(handler_for<T>&& h, std::in_place_type_t<Body> what, const call_options& how,
                                    Parts&&... parts) {
    static_assert(sizeof(handler_operation) <= detail::operation_bytes_max);
    static_assert(alignof(handler_operation) <= alignof(std::max_align_t));
    pointer o(new (h.get().room()) handler_operation(h.get(), what, how, std::forward<Parts>(parts)...));
    h.release();
    return o;
  }

  [[nodiscard]] bool has_slot() const { return handler_.has_slot(); }
  [[nodiscard]] asio::cancellation_slot slot() const { return handler_.slot(); }

  void run() override {
    T value{};
    error_code why = error;
    try {
      if (!why || also_when_failed) value = result();
    } catch (const std::bad_alloc&) {
      why = make_error_code(boost::system::errc::not_enough_memory);
      give_back();
    }
    if (ended && ended->ended_thread) ended->ended_thread->join();
    pending& h = handler_;
    this->~handler_operation();
    h.call(std::move(why), std::move(value));
  }
  void destroy() noexcept override {
    try {
      if (ended && ended->by) static_cast<void>(convert<T>(*ended));  // what was opened is given back
    } catch (const std::bad_alloc&) {
      give_back();
    }
    pending& h = handler_;
    this->~handler_operation();
    h.drop();
  }

 private:
  template <class Body, class... Parts>
  handler_operation(pending& h, std::in_place_type_t<Body> what, const call_options& how, Parts&&... parts)
      : operation(what, how, std::forward<Parts>(parts)...), handler_(h) {
    if (!h.has_executor()) return;
    // Its context has work until the handler is called, so that it is there for all of the call.
    const asio::any_completion_executor own = h.executor();
    if (!own) throw std::bad_alloc{};  // it could not be copied
    executor_ = asio::prefer(own, asio::execution::outstanding_work.tracked);
  }
  ~handler_operation() = default;

  static constexpr bool also_when_failed = std::is_same_v<T, std::unique_ptr<zoned::device>>;

  /// Memory lacked for the handle of what was opened. If it lacks for this too, the store keeps the object open.
  void give_back() noexcept {
    if (ended) give_object_back(*ended);
  }

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

  pending& handler_;
};

}  // namespace furrow::driver
