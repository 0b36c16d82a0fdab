// The same store for threads: each call waits for its outcome. The store runs on a thread of its own; any number of
// threads may use it at a time.
//
//   auto store = furrow::blocking_store::open(std::move(device), {});
//   if (!store) return complain(store.error().what());
//   auto log = store->create({.name = "log"});
//   auto at = log->append(asio::buffer(line), {.level = furrow::durability::durable});
//
// What each call does is said in store.hpp and object.hpp; the handles behave as there. `async()` gives the handle with
// the asynchronous calls, for mixing both.
#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "furrow/engine/batch.hpp"
#include "furrow/engine/object.hpp"
#include "furrow/engine/store.hpp"

namespace furrow {

/// Why a call failed, and what that concerned.
struct failure {
  error_code code;
  error_detail detail;
  /// One line for people.
  [[nodiscard]] std::string what() const { return detail.what.empty() ? code.message() : detail.what; }
};
/// For value() of an outcome without one: throws a boost::system::system_error.
[[noreturn]] void throw_exception_from_error(const failure& why, const boost::source_location& where);

template <class T>
using outcome = boost::system::result<T, failure>;

class blocking_object {
 public:
  blocking_object() = default;
  explicit blocking_object(object o) : object_(std::move(o)) {}

  [[nodiscard]] object_id id() const noexcept { return object_.id(); }
  [[nodiscard]] bool created() const noexcept { return object_.created(); }
  [[nodiscard]] const object& async() const { return object_; }
  /// The same handle; calls that wait longer for their turn than until then fail with errc::timed_out.
  [[nodiscard]] blocking_object until(std::chrono::steady_clock::time_point deadline) const {
    return blocking_object(object_.with({.deadline = deadline}));
  }

  template <class ConstBufferSequence>
  [[nodiscard]] outcome<append_result> append(const ConstBufferSequence& from,
                                              const append_options& options = {}) const {
    return append_segments(detail::segments_of(from), options);
  }
  [[nodiscard]] outcome<std::uint64_t> read(std::uint64_t offset_bytes, asio::mutable_buffer to) const;
  [[nodiscard]] outcome<std::uint64_t> read(range_list ranges) const;
  template <class ConstBufferSequence>
  requires asio::is_const_buffer_sequence<ConstBufferSequence>::value [[nodiscard]] outcome<write_result> write(
      std::uint64_t offset_bytes, const ConstBufferSequence& from, const write_options& options = {}) const {
    return write_segments(offset_bytes, detail::segments_of(from), options);
  }
  [[nodiscard]] outcome<write_result> write(std::uint64_t offset_bytes, std::shared_ptr<source> from,
                                            const write_options& options = {}) const;
  [[nodiscard]] outcome<sequence> write_zeroes(std::uint64_t offset_bytes, std::uint64_t bytes,
                                               const write_options& options = {}) const;
  [[nodiscard]] outcome<sequence> punch(std::uint64_t offset_bytes, std::uint64_t bytes,
                                        const write_options& options = {}) const;
  [[nodiscard]] outcome<sequence> trim_front(std::uint64_t offset_bytes, const write_options& options = {}) const;
  [[nodiscard]] outcome<sequence> truncate(std::uint64_t bytes, const write_options& options = {}) const;
  [[nodiscard]] outcome<sequence> clone(std::uint64_t offset_bytes, const blocking_object& source,
                                        std::uint64_t source_offset_bytes, std::uint64_t bytes,
                                        const write_options& options = {}) const;
  [[nodiscard]] outcome<std::uint64_t> reserve(std::uint64_t bytes) const;
  [[nodiscard]] outcome<extent_list> extents(std::uint64_t offset_bytes, std::uint64_t bytes,
                                             std::uint32_t extents_max = 1000) const;
  [[nodiscard]] outcome<std::shared_ptr<view>> map(std::uint64_t offset_bytes, std::uint64_t bytes,
                                                   const map_options& options = {}) const;
  [[nodiscard]] outcome<object_status> stat() const;
  [[nodiscard]] outcome<sequence> set_attributes(attributes to) const;
  [[nodiscard]] outcome<sequence> sync() const;

 private:
  [[nodiscard]] outcome<append_result> append_segments(segment_list segments, const append_options& options) const;
  [[nodiscard]] outcome<write_result> write_segments(std::uint64_t offset_bytes, segment_list segments,
                                                     const write_options& options) const;

  object object_;
};

class blocking_store {
 public:
  using device_pointer = store::device_pointer;

  /// Gives the device back; on failure it is closed.
  [[nodiscard]] static outcome<device_pointer> format(device_pointer device, const format_options& options);
  [[nodiscard]] static outcome<blocking_store> open(device_pointer device, const store_options& options);

  blocking_store() = default;
  explicit blocking_store(store s) : store_(std::move(s)) {}

  [[nodiscard]] const store& async() const { return store_; }
  [[nodiscard]] const open_result& opened() const { return store_.opened(); }
  [[nodiscard]] blocking_store until(std::chrono::steady_clock::time_point deadline) const {
    return blocking_store(store_.with({.deadline = deadline}));
  }
  /// The callback runs on a thread of the system executor.
  void on_event(std::function<void(const event&)> callback) const { store_.on_event(std::move(callback)); }

  /// Gives the device back; on failure it is closed.
  [[nodiscard]] outcome<device_pointer> close() const;

  [[nodiscard]] outcome<blocking_object> create(create_options options) const;
  [[nodiscard]] outcome<blocking_object> open_object(object_key which) const;
  [[nodiscard]] outcome<sequence> rename(object_key from, std::string to, bool replace = true) const;
  [[nodiscard]] outcome<sequence> rename(object_key from, std::string to, collection_id to_collection,
                                         bool replace) const;
  [[nodiscard]] outcome<sequence> remove(object_key which) const;
  [[nodiscard]] outcome<list_page> list(list_query query) const;
  [[nodiscard]] outcome<batch_result> commit(batch group, durability level) const;
  [[nodiscard]] outcome<collection_id> create_collection(std::string name, std::uint64_t quota_bytes = 0) const;
  [[nodiscard]] outcome<sequence> set_quota(collection_id which, std::uint64_t quota_bytes) const;
  [[nodiscard]] outcome<std::vector<collection_status>> collections() const;
  [[nodiscard]] outcome<sequence> sync() const;
  [[nodiscard]] outcome<sequence> wait_durable(sequence which) const;
  [[nodiscard]] outcome<sequence> checkpoint() const;
  [[nodiscard]] outcome<check_result> check(bool data) const;
  [[nodiscard]] outcome<repair_result> repair() const;
  [[nodiscard]] outcome<clean_result> clean(double until_free_share) const;
  [[nodiscard]] outcome<scrub_result> scrub(const scrub_options& options) const;
  [[nodiscard]] outcome<store_health> health() const;
  [[nodiscard]] outcome<statistics> statistics_now() const;
  [[nodiscard]] outcome<store_info> info() const;
  [[nodiscard]] outcome<std::vector<zone_status>> zones() const;

 private:
  store store_;
};

}  // namespace furrow
