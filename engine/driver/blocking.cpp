#include "furrow/engine/blocking.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/execution/executor.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/system/system_error.hpp>
#include <boost/throw_exception.hpp>
#include <optional>
#include <semaphore>

namespace furrow {
namespace {

/// Executes at once, on the thread that asks: for handlers that only wake another thread.
struct inline_executor {
  template <class F>
  void execute(F&& f) const {
    std::forward<F>(f)();
  }
  friend bool operator==(const inline_executor&, const inline_executor&) noexcept = default;
};

/// Calls `start` with a handler for (error, T), and waits for that.
template <class T, class Executor = inline_executor, class Start>
outcome<T> wait(call_options call, const Start& start, const Executor& executor = {}) {
  std::binary_semaphore done{0};
  error_code error;
  std::optional<T> value;
  error_detail detail;
  call.detail = &detail;
  start(call, asio::bind_executor(executor, [&](error_code e, T v) {
          error = e;
          value.emplace(std::move(v));
          done.release();
        }));
  done.acquire();
  if (error) return failure{error, std::move(detail)};
  return std::move(*value);
}

/// For what ends a store's thread: that thread is joined before the handler runs, so it runs on another one.
template <class T, class Start>
outcome<T> wait_elsewhere(const call_options& call, const Start& start) {
  return wait<T>(call, start, asio::system_executor());
}

std::vector<asio::const_buffer> buffers_of(const segment_list& segments) {
  std::vector<asio::const_buffer> buffers;
  buffers.reserve(segments.size());
  for (const zoned::segment& s : segments) buffers.emplace_back(s.data, s.bytes);
  return buffers;
}

outcome<blocking_object> blocking(outcome<object> o) {
  if (!o) return o.error();
  return blocking_object(std::move(*o));
}

}  // namespace

void throw_exception_from_error(const failure& why, const boost::source_location& where) {
  boost::throw_exception(boost::system::system_error(why.code, why.detail.what), where);
}

// -- objects --

outcome<append_result> blocking_object::append_segments(segment_list segments, const append_options& options) const {
  return wait<append_result>(object_.call(), [&](const call_options& call, auto token) {
    object_.with(call).async_append(buffers_of(segments), options, std::move(token));
  });
}

outcome<write_result> blocking_object::write_segments(std::uint64_t offset_bytes, segment_list segments,
                                                      const write_options& options) const {
  return wait<write_result>(object_.call(), [&](const call_options& call, auto token) {
    object_.with(call).async_write(offset_bytes, buffers_of(segments), options, std::move(token));
  });
}

outcome<write_result> blocking_object::write(std::uint64_t offset_bytes, std::shared_ptr<source> from,
                                             const write_options& options) const {
  return wait<write_result>(object_.call(), [&](const call_options& call, auto token) {
    object_.with(call).async_write(offset_bytes, std::move(from), options, std::move(token));
  });
}

outcome<sequence> blocking_object::write_zeroes(std::uint64_t offset_bytes, std::uint64_t bytes,
                                                const write_options& options) const {
  return wait<sequence>(object_.call(), [&](const call_options& call, auto token) {
    object_.with(call).async_write_zeroes(offset_bytes, bytes, options, std::move(token));
  });
}

outcome<sequence> blocking_object::punch(std::uint64_t offset_bytes, std::uint64_t bytes,
                                         const write_options& options) const {
  return wait<sequence>(object_.call(), [&](const call_options& call, auto token) {
    object_.with(call).async_punch(offset_bytes, bytes, options, std::move(token));
  });
}

outcome<sequence> blocking_object::trim_front(std::uint64_t offset_bytes, const write_options& options) const {
  return wait<sequence>(object_.call(), [&](const call_options& call, auto token) {
    object_.with(call).async_trim_front(offset_bytes, options, std::move(token));
  });
}

outcome<sequence> blocking_object::truncate(std::uint64_t bytes, const write_options& options) const {
  return wait<sequence>(object_.call(), [&](const call_options& call, auto token) {
    object_.with(call).async_truncate(bytes, options, std::move(token));
  });
}

outcome<sequence> blocking_object::clone(std::uint64_t offset_bytes, const blocking_object& source,
                                         std::uint64_t source_offset_bytes, std::uint64_t bytes,
                                         const write_options& options) const {
  return wait<sequence>(object_.call(), [&](const call_options& call, auto token) {
    object_.with(call).async_clone(offset_bytes, source.async(), source_offset_bytes, bytes, options, std::move(token));
  });
}

outcome<std::uint64_t> blocking_object::reserve(std::uint64_t bytes) const {
  return wait<std::uint64_t>(object_.call(), [&](const call_options& call, auto token) {
    object_.with(call).async_reserve(bytes, std::move(token));
  });
}

outcome<extent_list> blocking_object::extents(std::uint64_t offset_bytes, std::uint64_t bytes,
                                              std::uint32_t extents_max) const {
  return wait<extent_list>(object_.call(), [&](const call_options& call, auto token) {
    object_.with(call).async_extents(offset_bytes, bytes, extents_max, std::move(token));
  });
}

outcome<std::uint64_t> blocking_object::read(std::uint64_t offset_bytes, asio::mutable_buffer to) const {
  return read({{offset_bytes, {static_cast<std::byte*>(to.data()), to.size()}}});
}

outcome<std::uint64_t> blocking_object::read(range_list ranges) const {
  return wait<std::uint64_t>(object_.call(), [&](const call_options& call, auto token) {
    object_.with(call).async_read(std::move(ranges), std::move(token));
  });
}

outcome<std::shared_ptr<view>> blocking_object::map(std::uint64_t offset_bytes, std::uint64_t bytes,
                                                    const map_options& options) const {
  return wait<std::shared_ptr<view>>(object_.call(), [&](const call_options& call, auto token) {
    object_.with(call).async_map(offset_bytes, bytes, options, std::move(token));
  });
}

outcome<object_status> blocking_object::stat() const {
  return wait<object_status>(
      object_.call(), [&](const call_options& call, auto token) { object_.with(call).async_stat(std::move(token)); });
}

outcome<sequence> blocking_object::set_attributes(attributes to) const {
  return wait<sequence>(object_.call(), [&](const call_options& call, auto token) {
    object_.with(call).async_set_attributes(std::move(to), std::move(token));
  });
}

outcome<sequence> blocking_object::sync() const {
  return wait<sequence>(object_.call(),
                        [&](const call_options& call, auto token) { object_.with(call).async_sync(std::move(token)); });
}

// -- the store --

outcome<blocking_store::device_pointer> blocking_store::format(device_pointer device, const format_options& options) {
  return wait_elsewhere<device_pointer>({}, [&](const call_options& call, auto token) {
    store::async_format(own_thread, std::move(device), options, std::move(token), call);
  });
}

outcome<blocking_store> blocking_store::open(device_pointer device, const store_options& options) {
  auto opened = wait_elsewhere<store>({}, [&](const call_options& call, auto token) {
    store::async_open(own_thread, std::move(device), options, std::move(token), call);
  });
  if (!opened) return opened.error();
  return blocking_store(std::move(*opened));
}

outcome<blocking_store::device_pointer> blocking_store::close() const {
  return wait_elsewhere<device_pointer>(
      store_.call(), [&](const call_options& call, auto token) { store_.with(call).async_close(std::move(token)); });
}

outcome<blocking_object> blocking_store::create(create_options options) const {
  return blocking(wait<object>(store_.call(), [&](const call_options& call, auto token) {
    store_.with(call).async_create(std::move(options), std::move(token));
  }));
}

outcome<blocking_object> blocking_store::open_object(object_key which) const {
  return blocking(wait<object>(store_.call(), [&](const call_options& call, auto token) {
    store_.with(call).async_open_object(std::move(which), std::move(token));
  }));
}

outcome<sequence> blocking_store::rename(object_key from, std::string to, bool replace) const {
  const collection_id same = from.collection;
  return rename(std::move(from), std::move(to), same, replace);
}

outcome<sequence> blocking_store::rename(object_key from, std::string to, collection_id to_collection,
                                         bool replace) const {
  return wait<sequence>(store_.call(), [&](const call_options& call, auto token) {
    store_.with(call).async_rename(std::move(from), std::move(to), to_collection, replace, std::move(token));
  });
}

outcome<sequence> blocking_store::remove(object_key which) const {
  return wait<sequence>(store_.call(), [&](const call_options& call, auto token) {
    store_.with(call).async_remove(std::move(which), std::move(token));
  });
}

outcome<list_page> blocking_store::list(list_query query) const {
  return wait<list_page>(store_.call(), [&](const call_options& call, auto token) {
    store_.with(call).async_list(std::move(query), std::move(token));
  });
}

outcome<batch_result> blocking_store::commit(batch group, durability level) const {
  return wait<batch_result>(store_.call(), [&](const call_options& call, auto token) {
    store_.with(call).async_commit(std::move(group), level, std::move(token));
  });
}

outcome<collection_id> blocking_store::create_collection(std::string name, std::uint64_t quota_bytes) const {
  return wait<collection_id>(store_.call(), [&](const call_options& call, auto token) {
    store_.with(call).async_create_collection(std::move(name), quota_bytes, std::move(token));
  });
}

outcome<sequence> blocking_store::set_quota(collection_id which, std::uint64_t quota_bytes) const {
  return wait<sequence>(store_.call(), [&](const call_options& call, auto token) {
    store_.with(call).async_set_quota(which, quota_bytes, std::move(token));
  });
}

outcome<std::vector<collection_status>> blocking_store::collections() const {
  return wait<std::vector<collection_status>>(store_.call(), [&](const call_options& call, auto token) {
    store_.with(call).async_list_collections(std::move(token));
  });
}

outcome<sequence> blocking_store::sync() const {
  return wait<sequence>(store_.call(),
                        [&](const call_options& call, auto token) { store_.with(call).async_sync(std::move(token)); });
}

outcome<sequence> blocking_store::wait_durable(sequence which) const {
  return wait<sequence>(store_.call(), [&](const call_options& call, auto token) {
    store_.with(call).async_wait_durable(which, std::move(token));
  });
}

outcome<sequence> blocking_store::checkpoint() const {
  return wait<sequence>(store_.call(), [&](const call_options& call, auto token) {
    store_.with(call).async_checkpoint(std::move(token));
  });
}

outcome<check_result> blocking_store::check(bool data) const {
  return wait<check_result>(store_.call(), [&](const call_options& call, auto token) {
    store_.with(call).async_check(data, std::move(token));
  });
}

outcome<repair_result> blocking_store::repair() const {
  return wait<repair_result>(
      store_.call(), [&](const call_options& call, auto token) { store_.with(call).async_repair(std::move(token)); });
}

outcome<clean_result> blocking_store::clean(double until_free_share) const {
  return wait<clean_result>(store_.call(), [&](const call_options& call, auto token) {
    store_.with(call).async_clean(until_free_share, std::move(token));
  });
}

outcome<scrub_result> blocking_store::scrub(const scrub_options& options) const {
  return wait<scrub_result>(store_.call(), [&](const call_options& call, auto token) {
    store_.with(call).async_scrub(options, std::move(token));
  });
}

outcome<store_health> blocking_store::health() const {
  auto i = info();
  if (!i) return i.error();
  return std::move(i->health);
}

outcome<statistics> blocking_store::statistics_now() const {
  return wait<statistics>(store_.call(), [&](const call_options& call, auto token) {
    store_.with(call).async_statistics(std::move(token));
  });
}

outcome<store_info> blocking_store::info() const {
  return wait<store_info>(
      store_.call(), [&](const call_options& call, auto token) { store_.with(call).async_info(std::move(token)); });
}

outcome<std::vector<zone_status>> blocking_store::zones() const {
  return wait<std::vector<zone_status>>(
      store_.call(), [&](const call_options& call, auto token) { store_.with(call).async_zones(std::move(token)); });
}

}  // namespace furrow
