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
  o->handle = handle;
  driver::start(handle ? handle->by : nullptr, std::move(o));
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

void object::start_append(handler_for<append_result> h, segment_list segments, append_options options) const {
  const std::uint64_t bytes = zoned::total_bytes(segments);
  const priority urgency = options.priority;
  auto o = make_operation(std::move(h), core::append_request{id_of(handle_), std::move(segments), options}, call_);
  o->append_bytes = bytes;
  o->urgency = urgency;
  start_on(handle_, std::move(o));
}

void object::start_read(handler_for<std::uint64_t> h, range_list ranges) const {
  start_on(handle_, make_operation(std::move(h), core::read_request{id_of(handle_), std::move(ranges)}, call_));
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
