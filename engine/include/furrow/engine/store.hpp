// A store: formats and opens zoned devices, and gives out handles of its objects.
//
//   asio::awaitable<void> example(std::unique_ptr<furrow::zoned::device> device) {
//     auto here = co_await asio::this_coro::executor;
//     device = co_await furrow::store::async_format(here, std::move(device), {}, asio::use_awaitable);
//     furrow::store store = co_await furrow::store::async_open(here, std::move(device), {}, asio::use_awaitable);
//     furrow::object log = co_await store.async_create("log", asio::use_awaitable);
//     co_await log.async_append(asio::buffer("hello", 5), {.level = furrow::durability::durable}, asio::use_awaitable);
//     co_await store.async_close(asio::use_awaitable);
//   }
//
// Rules for all of it: as in object.hpp (threads, memory, cancellation, where handlers run). Beyond these:
//   - A store is a value too: copies name one opened device. Operations in flight are not copies.
//   - async_close is the way to end: operations started before it complete normally, those started after it end with
//     errc::closed, as does everything through handles that are left. It leaves the store clean: the next open replays
//     nothing.
//   - When the last copy goes without a close, the store stops: what the device has in flight is waited for, operations
//     end with errc::closed, their outcome unknown. The next open recovers, as after a crash.
//   - If there is no memory for the store's own work, or anything else is thrown there, the store ends as by a loss of power:
//     operations end with errc::needs_reopen, their outcome unknown, and later ones with errc::closed.
//   - The executor's context must run for a store to do anything. When it is destroyed first, the store stops, and
//     handlers that were waiting are destroyed without being called.
//   - In a co_await expression, g++ 12 copies temporaries like {.name = "log"} bit by bit, and breaks the strings in
//   them.
//     Options that have strings (create_options, list_query, attributes) are named before it: `co_await f(options,
//     ..)`.
//   - Events are told to one callback. Up to 64 that come before it is set are kept for it.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "furrow/engine/batch.hpp"
#include "furrow/engine/call.hpp"
#include "furrow/engine/check.hpp"
#include "furrow/engine/clean.hpp"
#include "furrow/engine/detail/initiate.hpp"
#include "furrow/engine/event.hpp"
#include "furrow/engine/object.hpp"
#include "furrow/engine/options.hpp"
#include "furrow/engine/repair.hpp"
#include "furrow/engine/run_on.hpp"
#include "furrow/engine/scrub.hpp"
#include "furrow/engine/statistics.hpp"
#include "furrow/engine/types.hpp"
#include "furrow/zoned/device.hpp"

namespace furrow {

namespace driver {
class opened_store;
}

class store {
 public:
  using executor_type = asio::any_io_executor;
  static constexpr bool calls_handlers = true;
  using device_pointer = std::unique_ptr<zoned::device>;

  /// Names nothing: operations end with errc::closed.
  store() = default;
  explicit store(std::shared_ptr<const driver::opened_store> opened) : opened_(std::move(opened)) {}

  /// Writes an empty store to the device: void(error_code, device_pointer). Gives the device back, ready to be opened;
  /// also when it fails. All that was on the device is lost.
  /// Errors: formatted (without `force`), too_small, too_few_active_zones, invalid_argument. Not to be cancelled.
  template <asio::completion_token_for<void(error_code, device_pointer)> Token>
  static auto async_format(const run_on& where, device_pointer device, const format_options& options, Token&& token,
                           const call_options& call = {}) {
    return detail::initiate<void(error_code, device_pointer)>(&starter::format, starter{where, call},
                                                              std::forward<Token>(token), std::move(device), options);
  }

  /// Opens the store on the device, recovering it first if it was not closed: void(error_code, store). If it fails, the
  /// device is closed.
  /// Errors: not_a_store, damaged (open it read-only), older_format, newer_format, unsupported_feature, wrong_device,
  /// invalid_argument.
  template <asio::completion_token_for<void(error_code, store)> Token>
  static auto async_open(const run_on& where, device_pointer device, const store_options& options, Token&& token,
                         const call_options& call = {}) {
    return detail::initiate<void(error_code, store)>(&starter::open, starter{where, call}, std::forward<Token>(token),
                                                     std::move(device), options);
  }

  [[nodiscard]] explicit operator bool() const noexcept { return opened_ != nullptr; }
  /// Where handlers without an executor of their own are posted.
  [[nodiscard]] executor_type get_executor() const;
  /// What the open found.
  [[nodiscard]] const open_result& opened() const;
  /// The same store, whose operations carry these options; objects opened through it don't.
  [[nodiscard]] store with(const call_options& call) const {
    store s(opened_);
    s.call_ = call;
    return s;
  }
  [[nodiscard]] const call_options& call() const { return call_; }
  /// Called for each event, one at a time, in order, posted to get_executor(). Replaces the callback before; empty:
  /// none.
  void on_event(std::function<void(const event&)> callback) const;

  /// Ends the store's use: void(error_code, device_pointer). Waits for the operations before it, makes everything
  /// durable and marks the store clean; then gives the device back. The store is closed even if this fails.
  template <asio::completion_token_for<void(error_code, device_pointer)> Token>
  auto async_close(Token&& token) const {
    return detail::initiate<void(error_code, device_pointer)>(&store::start_close, *this, std::forward<Token>(token));
  }

  // -- objects --

  /// Makes an object and opens it, or opens the one that has the name: void(error_code, object).
  /// Errors: exists (with fail_if_exists), name_too_long, attributes_too_large, collection_not_found, no_space,
  /// read_only, needs_reopen.
  template <asio::completion_token_for<void(error_code, object)> Token>
  auto async_create(create_options options, Token&& token) const {
    return detail::initiate<void(error_code, object)>(&store::start_create, *this, std::forward<Token>(token),
                                                      std::move(options));
  }
  template <std::convertible_to<std::string> Name, asio::completion_token_for<void(error_code, object)> Token>
  auto async_create(const Name& name, Token&& token) const {
    create_options options;
    options.name = name;
    return async_create(std::move(options), std::forward<Token>(token));
  }
  /// Opens an object that there is: void(error_code, object). Errors: not_found, collection_not_found, name_empty,
  /// name_too_long.
  template <asio::completion_token_for<void(error_code, object)> Token>
  auto async_open_object(object_key which, Token&& token) const {
    return detail::initiate<void(error_code, object)>(&store::start_open_object, *this, std::forward<Token>(token),
                                                      std::move(which));
  }
  /// Gives the object this name in place of its old one, in the same collection (the default one, for an object named
  /// by id): void(error_code, sequence). An object that has the name is replaced, atomically, or the call fails with
  /// errc::exists.
  template <asio::completion_token_for<void(error_code, sequence)> Token>
  auto async_rename(object_key from, std::string to, bool replace, Token&& token) const {
    const collection_id same = from.collection;
    return async_rename(std::move(from), std::move(to), same, replace, std::forward<Token>(token));
  }
  template <asio::completion_token_for<void(error_code, sequence)> Token>
  auto async_rename(object_key from, std::string to, collection_id to_collection, bool replace, Token&& token) const {
    return detail::initiate<void(error_code, sequence)>(&store::start_rename, *this, std::forward<Token>(token),
                                                        std::move(from), std::move(to), to_collection, replace);
  }
  /// void(error_code, sequence). Handles of it go on reading; its space comes free when the last is given back.
  template <asio::completion_token_for<void(error_code, sequence)> Token>
  auto async_remove(object_key which, Token&& token) const {
    return detail::initiate<void(error_code, sequence)>(&store::start_remove, *this, std::forward<Token>(token),
                                                        std::move(which));
  }
  /// A page of names in byte order: void(error_code, list_page).
  template <asio::completion_token_for<void(error_code, list_page)> Token>
  auto async_list(list_query query, Token&& token) const {
    return detail::initiate<void(error_code, list_page)>(&store::start_list, *this, std::forward<Token>(token),
                                                         std::move(query));
  }
  /// Carries out all of the batch, or nothing: void(error_code, batch_result). Errors: those of its members.
  template <asio::completion_token_for<void(error_code, batch_result)> Token>
  auto async_commit(batch group, durability level, Token&& token) const {
    return detail::initiate<void(error_code, batch_result)>(&store::start_commit, *this, std::forward<Token>(token),
                                                            group.release(), level);
  }
  /// Makes a collection: void(error_code, collection_id). quota_bytes 0: no bound.
  template <asio::completion_token_for<void(error_code, collection_id)> Token>
  auto async_create_collection(std::string name, std::uint64_t quota_bytes, Token&& token) const {
    return detail::initiate<void(error_code, collection_id)>(&store::start_create_collection, *this,
                                                             std::forward<Token>(token), std::move(name), quota_bytes);
  }
  /// Gives the collection another quota, 0 for none: void(error_code, sequence). Whoever has more keeps it, and gets no more.
  /// Errors: collection_not_found.
  template <asio::completion_token_for<void(error_code, sequence)> Token>
  auto async_set_quota(collection_id which, std::uint64_t quota_bytes, Token&& token) const {
    return detail::initiate<void(error_code, sequence)>(&store::start_set_quota, *this, std::forward<Token>(token),
                                                        which, quota_bytes);
  }
  /// All collections, the default one first: void(error_code, std::vector<collection_status>).
  template <asio::completion_token_for<void(error_code, std::vector<collection_status>)> Token>
  auto async_list_collections(Token&& token) const {
    return detail::initiate<void(error_code, std::vector<collection_status>)>(&store::start_list_collections, *this,
                                                                              std::forward<Token>(token));
  }

  // -- durability --

  /// Everything that has completed before is durable at completion: void(error_code, sequence), the last sequence that
  /// is durable. Can be cancelled at any time. Errors: needs_reopen.
  template <asio::completion_token_for<void(error_code, sequence)> Token>
  auto async_sync(Token&& token) const {
    return detail::initiate<void(error_code, sequence)>(&store::start_sync, *this, std::forward<Token>(token));
  }
  /// Completes when the sequence is durable: void(error_code, sequence), the last one that is. Can be cancelled at any
  /// time. Errors: needs_reopen; invalid_argument for a sequence that no operation was given yet.
  template <asio::completion_token_for<void(error_code, sequence)> Token>
  auto async_wait_durable(sequence which, Token&& token) const {
    return detail::initiate<void(error_code, sequence)>(&store::start_wait_durable, *this, std::forward<Token>(token),
                                                        which);
  }
  /// Writes all dirty pages, so that the next open has little to replay: void(error_code, sequence).
  template <asio::completion_token_for<void(error_code, sequence)> Token>
  auto async_checkpoint(Token&& token) const {
    return detail::initiate<void(error_code, sequence)>(&store::start_checkpoint, *this, std::forward<Token>(token));
  }

  /// Moves what lives in zones that are dead in part, until so large a share of the capacity (0 .. 1) is free or nothing can
  /// be won any more: void(error_code, clean_result).
  template <asio::completion_token_for<void(error_code, clean_result)> Token>
  auto async_clean(double until_free_share, Token&& token) const {
    return detail::initiate<void(error_code, clean_result)>(&store::start_clean, *this, std::forward<Token>(token),
                                                            until_free_share);
  }

  // -- what it is and does --

  /// Verifies the metadata, and with `data` every block: void(error_code, check_result). Damage is a result, no error.
  template <asio::completion_token_for<void(error_code, check_result)> Token>
  auto async_check(bool data, Token&& token) const {
    return detail::initiate<void(error_code, check_result)>(&store::start_check, *this, std::forward<Token>(token),
                                                            data);
  }
  /// Mends what a check finds and what can be mended with certainty, in a store that was opened with
  /// store_options::for_repair: void(error_code, repair_result). On one that was opened read_only it tells what it would do.
  /// Data are never changed. What is mended becomes durable as a whole.
  template <asio::completion_token_for<void(error_code, repair_result)> Token>
  auto async_repair(Token&& token) const {
    return detail::initiate<void(error_code, repair_result)>(&store::start_repair, *this, std::forward<Token>(token));
  }
  /// Reads all that lives and verifies it, from a position on and at a pace, while the store is used: void(error_code,
  /// scrub_result). Damage is a result, no error; pages of which one copy is bad are written anew. Cancelled between parts, it
  /// ends with errc::cancelled, and the result says how far it has come. With scrub_options::lost_only nothing is read, and
  /// what zones that are offline have taken with them is listed.
  template <asio::completion_token_for<void(error_code, scrub_result)> Token>
  auto async_scrub(const scrub_options& options, Token&& token) const {
    return detail::initiate<void(error_code, scrub_result)>(&store::start_scrub, *this, std::forward<Token>(token),
                                                            options);
  }
  /// void(error_code, statistics).
  template <asio::completion_token_for<void(error_code, statistics)> Token>
  auto async_statistics(Token&& token) const {
    return detail::initiate<void(error_code, statistics)>(&store::start_statistics, *this, std::forward<Token>(token));
  }
  /// void(error_code, store_info). Its health is of now; event::kind::degraded and restored tell when it changes.
  template <asio::completion_token_for<void(error_code, store_info)> Token>
  auto async_info(Token&& token) const {
    return detail::initiate<void(error_code, store_info)>(&store::start_info, *this, std::forward<Token>(token));
  }
  /// Every zone of the device, in order: void(error_code, std::vector<zone_status>).
  template <asio::completion_token_for<void(error_code, std::vector<zone_status>)> Token>
  auto async_zones(Token&& token) const {
    return detail::initiate<void(error_code, std::vector<zone_status>)>(&store::start_zones, *this,
                                                                        std::forward<Token>(token));
  }

 private:
  /// What format and open are started from, as there is no store yet.
  struct starter {
    run_on where;
    call_options call;
    static constexpr bool calls_handlers = false;
    [[nodiscard]] executor_type get_executor() const;
    void format(detail::handler_of<void(error_code, device_pointer)>, device_pointer, format_options) const;
    void open(detail::handler_of<void(error_code, store)>, device_pointer, store_options) const;
  };

  using sequence_handler = detail::handler_of<void(error_code, sequence)>;
  using object_handler = detail::handler_of<void(error_code, object)>;

  void start_close(detail::handler_of<void(error_code, device_pointer)>) const;
  void start_create(object_handler, create_options) const;
  void start_open_object(object_handler, object_key) const;
  void start_rename(sequence_handler, object_key, std::string, collection_id, bool) const;
  void start_remove(sequence_handler, object_key) const;
  void start_list(detail::handler_of<void(error_code, list_page)>, list_query) const;
  void start_commit(detail::handler_of<void(error_code, batch_result)>, std::shared_ptr<driver::batch_members>,
                    durability) const;
  void start_create_collection(detail::handler_of<void(error_code, collection_id)>, std::string, std::uint64_t) const;
  void start_set_quota(detail::handler_of<void(error_code, sequence)>, collection_id, std::uint64_t) const;
  void start_list_collections(detail::handler_of<void(error_code, std::vector<collection_status>)>) const;
  void start_sync(sequence_handler) const;
  void start_wait_durable(sequence_handler, sequence) const;
  void start_checkpoint(sequence_handler) const;
  void start_check(detail::handler_of<void(error_code, check_result)>, bool) const;
  void start_repair(detail::handler_of<void(error_code, repair_result)>) const;
  void start_clean(detail::handler_of<void(error_code, clean_result)>, double) const;
  void start_scrub(detail::handler_of<void(error_code, scrub_result)>, scrub_options) const;
  void start_statistics(detail::handler_of<void(error_code, statistics)>) const;
  void start_info(detail::handler_of<void(error_code, store_info)>) const;
  void start_zones(detail::handler_of<void(error_code, std::vector<zone_status>)>) const;

  std::shared_ptr<const driver::opened_store> opened_;
  call_options call_;
};

}  // namespace furrow
