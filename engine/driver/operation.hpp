// One call of the public API on its way through the driver: the request it became, and the caller's handler.
//
// States, and who moves it on
//   inbox      driver::submit, on the caller's thread
//   waiting    driver::accept: an append that is over the bytes in flight, or a close behind such appends
//   with core  driver::hand_over: the core answers it
//   finished   finish(), exactly once; the handler is on its way to its executor, the operation is gone
//
// Not here: which answers make which results (convert.hpp).
#pragma once

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/intrusive/unordered_set_hook.hpp>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/messages.hpp"
#include "driver/own_thread.hpp"
#include "furrow/engine/call.hpp"
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
  std::shared_ptr<driver> by;
  std::unique_ptr<zoned::device> device;     ///< close and format: given back.
  std::shared_ptr<own_thread> ended_thread;  ///< close, format, failed open: joined before the handler runs.
};

class operation : public boost::intrusive::unordered_set_base_hook<> {
 public:
  /// How it may end, and what ends with it.
  enum class role { ordinary, format, open, close };

  operation(core::request_body request, const call_options& how)
      : kind(role_of(request)), body(std::move(request)), call(how) {}
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;
  virtual ~operation() = default;

  /// Sends the handler to its executor.
  void finish(ending e) {
    if (e.error && call.detail != nullptr) *call.detail = std::move(e.detail);
    deliver(std::move(e));
  }

  const role kind;
  core::operation_id id;
  core::request_body body;
  call_options call;
  std::vector<std::shared_ptr<const open_handle>> handles;  ///< Kept open until it is finished.
  std::shared_ptr<const void> keep;                         ///< Whatever else must live as long.
  std::uint64_t append_bytes = 0;
  priority urgency = priority::normal;  ///< While it waits for other appends.
  bool with_core = false;

 private:
  static role role_of(const core::request_body& r) {
    if (std::holds_alternative<core::format_request>(r)) return role::format;
    if (std::holds_alternative<core::open_request>(r)) return role::open;
    if (std::holds_alternative<core::close_request>(r)) return role::close;
    return role::ordinary;
  }
  virtual void deliver(ending e) = 0;
};

/// Makes the result of a successful operation. Specialised in convert.hpp.
template <class T>
T convert(ending& e);

template <class T>
class handler_operation final : public operation {
 public:
  using handler = asio::any_completion_handler<void(error_code, T)>;

  handler_operation(handler h, core::request_body request, const call_options& how)
      : operation(std::move(request), how),
        executor_(asio::prefer(asio::get_associated_executor(h, asio::system_executor()),
                               asio::execution::outstanding_work.tracked)),
        handler_(std::move(h)) {}

  [[nodiscard]] asio::cancellation_slot slot() const { return handler_.get_cancellation_slot(); }

 private:
  void deliver(ending e) override {
    constexpr bool also_when_failed = std::is_same_v<T, std::unique_ptr<zoned::device>>;
    T value{};
    if (!e.error || also_when_failed) value = convert<T>(e);
    // The handler's executor never runs it at once (see erase), so a caller is not re-entered. Its context has work until
    // this operation is gone, so that it is there for all of the call.
    asio::dispatch(executor_, [h = std::move(handler_), error = e.error, v = std::move(value),
                               thread = std::move(e.ended_thread)]() mutable {
      if (thread) thread->join();
      std::move(h)(error, std::move(v));
    });
  }

  asio::any_completion_executor executor_;
  handler handler_;
};

}  // namespace furrow::driver
