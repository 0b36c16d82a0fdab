#include "furrow/engine/object.hpp"

#include "driver/start.hpp"

namespace furrow {
namespace {

using driver::handler_for;
using driver::make_operation;
using driver::open_handle;

/// Starts an operation that keeps the handle open.
template <class T>
void start_on(const std::shared_ptr<const open_handle>& handle,
              std::unique_ptr<driver::handler_operation<T>, driver::destroy_operation> o) {
  if (!handle) return driver::refuse(std::move(o));
  o->handle = handle;
  driver::start(handle->by, std::move(o));
}

core::handle_id id_of(const std::shared_ptr<const open_handle>& handle) {
  return handle ? handle->opened.handle : core::handle_id{};
}

}  // namespace

object_id object::id() const noexcept { return handle_ ? handle_->opened.id : 0; }

bool object::created() const noexcept { return handle_ && handle_->opened.created; }

object::executor_type object::get_executor() const {
  return handle_ ? handle_->by->handler_executor() : executor_type(asio::system_executor());
}

void object::start_append(handler_for<append_result> h, segment_list&& segments, const append_options& options) const {
  const std::uint64_t bytes = zoned::total_bytes(segments);
  const priority urgency = options.priority;
  auto o = driver::handler_operation<append_result>::make(std::move(h), std::in_place_type<core::append_request>, call_,
                                                          id_of(handle_), std::move(segments), options);
  o->append_bytes = bytes;
  o->urgency = urgency;
  start_on(handle_, std::move(o));
}

void object::start_write(handler_for<write_result> h, std::uint64_t offset_bytes, segment_list&& segments,
                         const write_options& options) const {
  const std::uint64_t bytes = zoned::total_bytes(segments);
  const priority urgency = options.priority;
  auto o = make_operation(
      std::move(h), core::write_request{id_of(handle_), offset_bytes, bytes, std::move(segments), options}, call_);
  o->append_bytes = bytes;
  o->urgency = urgency;
  start_on(handle_, std::move(o));
}

void object::start_write_from(handler_for<write_result> h, std::uint64_t offset_bytes, std::shared_ptr<source> from,
                              write_options options) const {
  if (!from)
    return driver::refuse(make_operation(std::move(h), core::write_request{}, call_), get_executor(),
                          errc::invalid_argument, "there is no source");
  auto feed = std::make_shared<driver::source_feed>(std::move(from), offset_bytes);
  const std::uint64_t bytes = feed->bytes();
  const priority urgency = options.priority;
  auto o = make_operation(std::move(h), core::write_request{id_of(handle_), offset_bytes, bytes, {}, options}, call_);
  o->append_bytes = bytes;
  o->urgency = urgency;
  o->feed = std::move(feed);
  start_on(handle_, std::move(o));
}

void object::start_zero(handler_for<sequence> h, std::uint64_t offset_bytes, std::uint64_t bytes, bool extends,
                        write_options options) const {
  start_on(handle_, make_operation(std::move(h),
                                   core::zero_request{id_of(handle_), offset_bytes, bytes, extends, options}, call_));
}

void object::start_truncate(handler_for<sequence> h, std::uint64_t bytes, write_options options) const {
  start_on(handle_, make_operation(std::move(h), core::truncate_request{id_of(handle_), bytes, options}, call_));
}

void object::start_clone(handler_for<sequence> h, std::uint64_t offset_bytes, const object& source,
                         std::uint64_t source_offset_bytes, std::uint64_t bytes, write_options options) const {
  // A handle of another store means nothing to this one, which refuses none.
  const bool same = source.handle_ && handle_ && source.handle_->by == handle_->by;
  const core::handle_id from = same ? id_of(source.handle_) : core::handle_id{};
  auto o = make_operation(std::move(h),
                          core::clone_request{id_of(handle_), offset_bytes, from, source_offset_bytes, bytes, options},
                          call_);
  if (same) o->keep = source.handle_;
  start_on(handle_, std::move(o));
}

void object::start_reserve(handler_for<std::uint64_t> h, std::uint64_t bytes) const {
  start_on(handle_, make_operation(std::move(h), core::reserve_request{id_of(handle_), bytes}, call_));
}

void object::start_extents(handler_for<extent_list> h, std::uint64_t offset_bytes, std::uint64_t bytes,
                           std::uint32_t extents_max) const {
  start_on(handle_, make_operation(std::move(h),
                                   core::extents_request{id_of(handle_), offset_bytes, bytes, extents_max}, call_));
}

void object::start_read(handler_for<std::uint64_t> h, range_list&& ranges) const {
  start_on(handle_, driver::handler_operation<std::uint64_t>::make(std::move(h), std::in_place_type<core::read_request>,
                                                                   call_, id_of(handle_), std::move(ranges)));
}

void object::start_stat(handler_for<object_status> h) const {
  start_on(handle_, make_operation(std::move(h), core::stat_request{id_of(handle_)}, call_));
}

void object::start_set_attributes(handler_for<sequence> h, attributes to) const {
  start_on(handle_, make_operation(std::move(h), core::set_attributes_request{id_of(handle_), std::move(to)}, call_));
}

void object::start_sync(handler_for<sequence> h) const {
  start_on(handle_, make_operation(std::move(h), core::sync_request{id_of(handle_)}, call_));
}

}  // namespace furrow
