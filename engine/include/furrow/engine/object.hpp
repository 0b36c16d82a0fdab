// A handle of an open object: read it, append to it, ask for and change what is known of it.
//
// Rules for all of it
//   - A handle is a value: copies name the same opening, and the last copy gives it back. Operations in flight count as
//     copies. An object removed while open stays readable through its handles.
//   - Handles may be used and destroyed on any thread, also one handle by several threads at a time. They may outlive
//     the store's use: then operations end with errc::closed.
//   - Memory given to an operation (buffers, read ranges) stays valid until its completion. Everything else is copied.
//   - Cancellation, deadlines and error details: call.hpp. Where handlers run: run_on.hpp.
//   - Any operation may end with busy (operations_max reached), closed, cancelled, timed_out, and with the errors of a
//     device (furrow/zoned/error.hpp).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "furrow/engine/call.hpp"
#include "furrow/engine/detail/initiate.hpp"
#include "furrow/engine/run_on.hpp"
#include "furrow/engine/types.hpp"

namespace furrow {

namespace driver {
struct open_handle;
}

class object {
 public:
  using executor_type = asio::any_io_executor;
  static constexpr bool calls_handlers = true;

  /// Names nothing: operations end with errc::closed.
  object() = default;
  explicit object(std::shared_ptr<const driver::open_handle> handle) : handle_(std::move(handle)) {}

  [[nodiscard]] explicit operator bool() const noexcept { return handle_ != nullptr; }
  [[nodiscard]] object_id id() const noexcept;
  /// Whether the call that gave this handle made the object.
  [[nodiscard]] bool created() const noexcept;
  /// Where handlers without an executor of their own are posted.
  [[nodiscard]] executor_type get_executor() const;

  /// The same handle, whose operations carry these options.
  [[nodiscard]] object with(const call_options& call) const {
    object o(handle_);
    o.call_ = call;
    return o;
  }
  [[nodiscard]] const call_options& call() const { return call_; }

  /// Adds the bytes of a constant buffer sequence at the object's end: void(error_code, append_result).
  ///
  /// Any number of bytes, at any alignment. Appends of one object get their places in the order of the calls (those of
  /// high priority before others that wait). Up to ordered_extent_bytes_max, an append is whole or absent after a
  /// crash. With durability::written, the bytes are visible to readers at completion; with durable, they also survive.
  /// Appends over in_flight_bytes_max wait until earlier ones have completed.
  /// Errors: offset_mismatch, fenced, no_space, predecessor_failed, needs_reopen, read_only.
  template <class ConstBufferSequence, asio::completion_token_for<void(error_code, append_result)> Token>
  auto async_append(const ConstBufferSequence& from, append_options options, Token&& token) const {
    return detail::initiate<void(error_code, append_result)>(&object::start_append, *this, std::forward<Token>(token),
                                                             detail::segments_of(from), options);
  }
  template <class ConstBufferSequence, asio::completion_token_for<void(error_code, append_result)> Token>
  auto async_append(const ConstBufferSequence& from, Token&& token) const {
    return async_append(from, append_options{}, std::forward<Token>(token));
  }

  /// Fills the buffer with the bytes from that offset on: void(error_code, std::uint64_t bytes).
  ///
  /// The bytes are verified against their sums. All of them are read, or it fails: out_of_range if the range ends
  /// behind the object's end, checksum_mismatch. They come without a copy where offset, length and memory are aligned
  /// to 4,096.
  template <asio::completion_token_for<void(error_code, std::uint64_t)> Token>
  auto async_read(std::uint64_t offset_bytes, asio::mutable_buffer to, Token&& token) const {
    return async_read({{offset_bytes, {static_cast<std::byte*>(to.data()), to.size()}}}, std::forward<Token>(token));
  }
  /// The same for many ranges in one operation: it succeeds if all of them do; the result is their sum.
  template <asio::completion_token_for<void(error_code, std::uint64_t)> Token>
  auto async_read(range_list ranges, Token&& token) const {
    return detail::initiate<void(error_code, std::uint64_t)>(&object::start_read, *this, std::forward<Token>(token),
                                                             std::move(ranges));
  }

  /// What is known of the object: void(error_code, object_status).
  template <asio::completion_token_for<void(error_code, object_status)> Token>
  auto async_stat(Token&& token) const {
    return detail::initiate<void(error_code, object_status)>(&object::start_stat, *this, std::forward<Token>(token));
  }

  /// Replaces the attributes: void(error_code, sequence). Errors: attributes_too_large, needs_reopen, read_only.
  template <asio::completion_token_for<void(error_code, sequence)> Token>
  auto async_set_attributes(attributes to, Token&& token) const {
    return detail::initiate<void(error_code, sequence)>(&object::start_set_attributes, *this,
                                                        std::forward<Token>(token), std::move(to));
  }

  /// Everything of this object that has completed before is durable at completion: void(error_code, sequence), the
  /// last sequence that is durable. Can be cancelled at any time. Errors: needs_reopen.
  template <asio::completion_token_for<void(error_code, sequence)> Token>
  auto async_sync(Token&& token) const {
    return detail::initiate<void(error_code, sequence)>(&object::start_sync, *this, std::forward<Token>(token));
  }

  /// Not for users: what the library knows of the handle.
  [[nodiscard]] const std::shared_ptr<const driver::open_handle>& handle() const { return handle_; }

 private:
  void start_append(detail::handler_of<void(error_code, append_result)>, segment_list, append_options) const;
  void start_read(detail::handler_of<void(error_code, std::uint64_t)>, range_list) const;
  void start_stat(detail::handler_of<void(error_code, object_status)>) const;
  void start_set_attributes(detail::handler_of<void(error_code, sequence)>, attributes) const;
  void start_sync(detail::handler_of<void(error_code, sequence)>) const;

  std::shared_ptr<const driver::open_handle> handle_;
  call_options call_;
};

}  // namespace furrow
