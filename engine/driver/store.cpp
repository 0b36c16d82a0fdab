#include "furrow/engine/store.hpp"

#include "driver/choices.hpp"
#include "driver/scrub.hpp"
#include "driver/start.hpp"

namespace furrow {
namespace {

using driver::handler_for;
using driver::make_operation;

constexpr const char* no_device = "no device was given";

/// Runs a new driver whose first operation this is; ends it if there can be none.
template <class T>
void start_first(std::unique_ptr<driver::handler_operation<T>, driver::destroy_operation> o, const run_on& where,
                 std::unique_ptr<zoned::device> device, const store_options& options,
                 std::optional<std::string> refusal) {
  if (!device && !refusal) refusal = no_device;
  driver::ending e;
  if (refusal) {
    e.error = errc::invalid_argument;
    e.detail.what = std::move(*refusal);
  } else {
    driver::choose_crc32c();
    auto made = driver::driver::make(where, device, options);
    if (made) return driver::start(*made, std::move(o));
    e.error = made.error();
  }
  e.device = std::move(device);
  o->end(std::move(e));
  driver::deliveries::send(std::move(o), driver::driver::executor_for_handlers(where));
}

template <class T, class Body>
void start_on(const std::shared_ptr<const driver::opened_store>& opened, const call_options& call, handler_for<T> h,
              Body request) {
  driver::start(opened ? opened->by : nullptr, make_operation(std::move(h), std::move(request), call));
}

}  // namespace

store::executor_type store::starter::get_executor() const { return driver::driver::executor_for_handlers(where); }

void store::starter::format(handler_for<device_pointer> h, device_pointer device, format_options options) const {
  auto refusal = driver::refusal(options);
  start_first(make_operation(std::move(h), core::format_request{options, driver::random_uuid()}, call), where,
              std::move(device), {}, std::move(refusal));
}

void store::starter::open(handler_for<store> h, device_pointer device, store_options options) const {
  start_first(make_operation(std::move(h), core::open_request{}, call), where, std::move(device), options,
              driver::refusal(options));
}

store::executor_type store::get_executor() const {
  return opened_ ? opened_->by->handler_executor() : executor_type(asio::system_executor());
}

const open_result& store::opened() const {
  static const open_result none;
  return opened_ ? opened_->result : none;
}

void store::on_event(std::function<void(const event&)> callback) const {
  if (opened_) opened_->by->on_event(std::move(callback));
}

void store::start_close(handler_for<device_pointer> h) const {
  auto o = make_operation(std::move(h), core::close_request{}, call_);
  o->keep = opened_;  // A store that is closing does not stop.
  driver::start(opened_ ? opened_->by : nullptr, std::move(o));
}

void store::start_create(object_handler h, create_options options) const {
  start_on(opened_, call_, std::move(h), core::create_request{std::move(options)});
}

void store::start_open_object(object_handler h, object_key which) const {
  start_on(opened_, call_, std::move(h), core::open_object_request{which.collection, std::move(which.name), which.id});
}

void store::start_rename(sequence_handler h, object_key from, std::string to, collection_id to_collection,
                         bool replace) const {
  start_on(opened_, call_, std::move(h),
           core::rename_request{from.id, from.collection, std::move(from.name), std::move(to), replace, to_collection});
}

void store::start_remove(sequence_handler h, object_key which) const {
  start_on(opened_, call_, std::move(h), core::remove_request{which.collection, std::move(which.name), which.id});
}

void store::start_list(handler_for<list_page> h, list_query q) const {
  start_on(opened_, call_, std::move(h),
           core::list_request{q.collection, std::move(q.prefix), std::move(q.after), q.entries_max});
}

void store::start_commit(handler_for<batch_result> h, std::shared_ptr<driver::batch_members> members,
                         durability level) const {
  bool valid = members && members->valid;
  for (std::size_t i = 0; valid && opened_ && i < members->handles.size(); ++i) {
    valid = members->handles[i]->by == opened_->by;
  }
  if (!valid) {
    return driver::refuse(make_operation(std::move(h), core::batch_request{}, call_), get_executor(),
                          errc::invalid_argument, "a member of the batch names no object of this store");
  }
  members->request.level = level;
  auto o = make_operation(std::move(h), std::move(members->request), call_);
  o->keep = std::make_shared<decltype(members->handles)>(std::move(members->handles));
  o->append_bytes = members->append_bytes;
  driver::start(opened_ ? opened_->by : nullptr, std::move(o));
}

void store::start_create_collection(handler_for<collection_id> h, std::string name, std::uint64_t quota_bytes) const {
  start_on(opened_, call_, std::move(h), core::collection_request{std::move(name), quota_bytes});
}

void store::start_set_quota(sequence_handler h, collection_id which, std::uint64_t quota_bytes) const {
  start_on(opened_, call_, std::move(h), core::quota_request{which, quota_bytes});
}

void store::start_list_collections(handler_for<std::vector<collection_status>> h) const {
  start_on(opened_, call_, std::move(h), core::collections_request{});
}

void store::start_sync(sequence_handler h) const { start_on(opened_, call_, std::move(h), core::sync_request{}); }

void store::start_wait_durable(sequence_handler h, sequence which) const {
  start_on(opened_, call_, std::move(h), core::wait_durable_request{which});
}

void store::start_checkpoint(sequence_handler h) const {
  start_on(opened_, call_, std::move(h), core::checkpoint_request{});
}

void store::start_check(handler_for<check_result> h, bool data) const {
  start_on(opened_, call_, std::move(h), core::check_request{data});
}

void store::start_repair(handler_for<repair_result> h) const {
  start_on(opened_, call_, std::move(h), core::repair_request{});
}

void store::start_clean(handler_for<clean_result> h, double until_free_share) const {
  start_on(opened_, call_, std::move(h), core::clean_request{until_free_share});
}

void store::start_scrub(handler_for<scrub_result> h, scrub_options options) const {
  driver::start_scrub(std::move(h), options, get_executor(),
                      [s = *this](handler_for<scrub_result> part, core::scrub_request r) {
                        start_on(s.opened_, s.call_, std::move(part), r);
                      });
}

void store::start_statistics(handler_for<statistics> h) const {
  start_on(opened_, call_, std::move(h), core::statistics_request{});
}

void store::start_info(handler_for<store_info> h) const {
  start_on(opened_, call_, std::move(h), core::info_request{});
}

void store::start_zones(handler_for<std::vector<zone_status>> h) const {
  start_on(opened_, call_, std::move(h), core::zones_request{});
}

}  // namespace furrow
