// A handle of an open object: read it, append to it, change it anywhere, ask for and change what is known of it.
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
#include "furrow/engine/source.hpp"
#include "furrow/engine/types.hpp"
#include "furrow/engine/view.hpp"

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
  /// Errors: offset_mismatch, fenced, no_space, quota_exceeded, predecessor_failed, needs_reopen, read_only.
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

  /// Puts the bytes of a constant buffer sequence at that offset, in place of what is there: void(error_code, write_result).
  ///
  /// Any offset, any number of bytes; behind the object's end it becomes longer, with zeros between. Nothing is written
  /// over: new blocks take the place of the old ones when all have landed. Blocks that are met in part are read first.
  /// Operations that overlap follow one another in the order of the calls; one that may move the object's end has appends
  /// wait. Up to ordered_extent_bytes_max, a write is whole or absent after a crash; a longer one is published part by
  /// part, in the order of the object. If a part of it fails, the others may be there all the same; the write fails, and does
  /// not tell which. The memory goes to the device uncopied where it is aligned, and the offset with it.
  /// Errors: as of async_append, and out_of_range (over the largest object), checksum_mismatch (of an old block).
  template <class ConstBufferSequence, asio::completion_token_for<void(error_code, write_result)> Token>
  requires asio::is_const_buffer_sequence<ConstBufferSequence>::value auto async_write(std::uint64_t offset_bytes,
                                                                                       const ConstBufferSequence& from,
                                                                                       write_options options,
                                                                                       Token&& token) const {
    return detail::initiate<void(error_code, write_result)>(&object::start_write, *this, std::forward<Token>(token),
                                                            offset_bytes, detail::segments_of(from), options);
  }
  template <class ConstBufferSequence, asio::completion_token_for<void(error_code, write_result)> Token>
  auto async_write(std::uint64_t offset_bytes, const ConstBufferSequence& from, Token&& token) const {
    return async_write(offset_bytes, from, write_options{}, std::forward<Token>(token));
  }
  /// The same of memory that may not be resident (source.hpp). What is resident in front is written first; the rest
  /// follows, published after it. A write that fails, or is cancelled, in between has written what was resident so far.
  /// Errors: those, and of the source (source_failed).
  template <asio::completion_token_for<void(error_code, write_result)> Token>
  auto async_write(std::uint64_t offset_bytes, std::shared_ptr<source> from, write_options options,
                   Token&& token) const {
    return detail::initiate<void(error_code, write_result)>(
        &object::start_write_from, *this, std::forward<Token>(token), offset_bytes, std::move(from), options);
  }

  /// The range reads as zeros: void(error_code, sequence). Its whole blocks become a hole, which takes no space; of those
  /// that it meets in part the rest is written anew. The object becomes longer if the range ends behind its end.
  /// Whole or absent after a crash. Errors: as of async_write.
  template <asio::completion_token_for<void(error_code, sequence)> Token>
  auto async_write_zeroes(std::uint64_t offset_bytes, std::uint64_t bytes, write_options options, Token&& token) const {
    return detail::initiate<void(error_code, sequence)>(&object::start_zero, *this, std::forward<Token>(token),
                                                        offset_bytes, bytes, true, options);
  }
  /// The same, but what is behind the object's end is left out.
  template <asio::completion_token_for<void(error_code, sequence)> Token>
  auto async_punch(std::uint64_t offset_bytes, std::uint64_t bytes, write_options options, Token&& token) const {
    return detail::initiate<void(error_code, sequence)>(&object::start_zero, *this, std::forward<Token>(token),
                                                        offset_bytes, bytes, false, options);
  }
  /// Gives back the whole blocks in front of that offset, whose bytes read as zeros from then on; no byte at the offset
  /// or behind it changes, and none gets another offset. Takes no space: void(error_code, sequence).
  template <asio::completion_token_for<void(error_code, sequence)> Token>
  auto async_trim_front(std::uint64_t offset_bytes, write_options options, Token&& token) const {
    return async_punch(0, offset_bytes / 4096 * 4096, options, std::forward<Token>(token));
  }
  /// The object ends there; if that is behind its end, zeros are added, which take no space: void(error_code, sequence).
  /// Making it shorter takes no space. Whole or absent after a crash. Errors: as of async_write.
  template <asio::completion_token_for<void(error_code, sequence)> Token>
  auto async_truncate(std::uint64_t bytes, write_options options, Token&& token) const {
    return detail::initiate<void(error_code, sequence)>(&object::start_truncate, *this, std::forward<Token>(token),
                                                        bytes, options);
  }

  /// A range of another object of the store, or of this one, becomes this one's too, in place of what is there, without
  /// being copied: void(error_code, sequence). Later changes of one are not seen in the other.
  ///
  /// Both offsets are multiples of 4,096; so is the length, unless the range reaches to the end of the source and in this
  /// object to the end or behind it. Whole or absent after a crash. Errors: as of async_write, invalid_argument (not
  /// aligned, ranges of one object that overlap, a source of another store), out_of_range (behind the source's end),
  /// too_fragmented.
  template <asio::completion_token_for<void(error_code, sequence)> Token>
  auto async_clone(std::uint64_t offset_bytes, const object& source, std::uint64_t source_offset_bytes,
                   std::uint64_t bytes, write_options options, Token&& token) const {
    return detail::initiate<void(error_code, sequence)>(&object::start_clone, *this, std::forward<Token>(token),
                                                        offset_bytes, source, source_offset_bytes, bytes, options);
  }

  /// Sets room aside for bytes to be written to the object, in whole blocks: void(error_code, std::uint64_t bytes). What
  /// is appended or written later takes it first, so that no_space does not meet it; each block written counts, also one
  /// that takes another's place, and so does a block that is written in part. What is left is given back with the last
  /// handle. Errors: no_space, quota_exceeded, read_only, needs_reopen.
  template <asio::completion_token_for<void(error_code, std::uint64_t)> Token>
  auto async_reserve(std::uint64_t bytes, Token&& token) const {
    return detail::initiate<void(error_code, std::uint64_t)>(&object::start_reserve, *this, std::forward<Token>(token),
                                                             bytes);
  }

  /// What the range is made of, in order, up to the object's end: void(error_code, extent_list).
  template <asio::completion_token_for<void(error_code, extent_list)> Token>
  auto async_extents(std::uint64_t offset_bytes, std::uint64_t bytes, std::uint32_t extents_max, Token&& token) const {
    return detail::initiate<void(error_code, extent_list)>(&object::start_extents, *this, std::forward<Token>(token),
                                                           offset_bytes, bytes, extents_max);
  }

  /// The range as read-only memory, as it is published now (view.hpp): void(error_code, std::shared_ptr<view>). The offset is
  /// a multiple of 4,096. Errors: out_of_range, invalid_argument, needs_own_thread, busy (over view_bytes_max), unsupported
  /// (userfaultfd is not permitted).
  template <asio::completion_token_for<void(error_code, std::shared_ptr<view>)> Token>
  auto async_map(std::uint64_t offset_bytes, std::uint64_t bytes, map_options options, Token&& token) const {
    return detail::initiate<void(error_code, std::shared_ptr<view>)>(
        &object::start_map, *this, std::forward<Token>(token), offset_bytes, bytes, options);
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
  void start_append(detail::handler_of<void(error_code, append_result)>, segment_list&&, const append_options&) const;
  void start_read(detail::handler_of<void(error_code, std::uint64_t)>, range_list&&) const;
  void start_write(detail::handler_of<void(error_code, write_result)>, std::uint64_t, segment_list&&,
                   const write_options&) const;
  void start_write_from(detail::handler_of<void(error_code, write_result)>, std::uint64_t, std::shared_ptr<source>,
                        write_options) const;
  void start_zero(detail::handler_of<void(error_code, sequence)>, std::uint64_t, std::uint64_t, bool,
                  write_options) const;
  void start_truncate(detail::handler_of<void(error_code, sequence)>, std::uint64_t, write_options) const;
  void start_clone(detail::handler_of<void(error_code, sequence)>, std::uint64_t, const object&, std::uint64_t,
                   std::uint64_t, write_options) const;
  void start_reserve(detail::handler_of<void(error_code, std::uint64_t)>, std::uint64_t) const;
  void start_extents(detail::handler_of<void(error_code, extent_list)>, std::uint64_t, std::uint64_t,
                     std::uint32_t) const;
  void start_map(detail::handler_of<void(error_code, std::shared_ptr<view>)>, std::uint64_t, std::uint64_t,
                 map_options) const;
  void start_stat(detail::handler_of<void(error_code, object_status)>) const;
  void start_set_attributes(detail::handler_of<void(error_code, sequence)>, attributes) const;
  void start_sync(detail::handler_of<void(error_code, sequence)>) const;

  std::shared_ptr<const driver::open_handle> handle_;
  call_options call_;
};

}  // namespace furrow
