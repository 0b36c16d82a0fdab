// What goes into the core and what comes out: the whole vocabulary between it and its driver.
//
// Invariants
//   I1  Each request is answered by exactly one notification with its id, in a later call than the one that brought it;
//       or, with others that succeeded, by an io_answer.
//       Before that a write may ask for more of its source: source_need, answered by a source_request.
//   I2  Memory named by a request (segments, read ranges) stays valid until that notification.
//   I3  Times are given with the requests; the core has no clock and orders by sequence only.
//
// Not here: commands to the device and their completions (furrow/zoned/command.hpp).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "furrow/engine/check.hpp"
#include "furrow/engine/clean.hpp"
#include "furrow/engine/error.hpp"
#include "furrow/engine/event.hpp"
#include "furrow/engine/options.hpp"
#include "furrow/engine/repair.hpp"
#include "furrow/engine/scrub.hpp"
#include "furrow/engine/statistics.hpp"
#include "furrow/engine/types.hpp"
#include "furrow/zoned/command.hpp"

namespace furrow::core {

/// Chosen by the driver; unique among its requests in flight. 0 is kept for events.
struct operation_id {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(operation_id, operation_id) = default;
};

/// An open object. Valid from the notification that gave it until release_request. 0: none.
struct handle_id {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(handle_id, handle_id) = default;
};

// -- the store as a whole --
struct format_request {
  format_options options;
  uuid store{};
};
struct open_request {};  ///< Options were given to the core's constructor.
/// Waits for everything accepted before it, makes it durable, writes a checkpoint and the clean mark. Requests behind
/// it are refused.
struct close_request {};

// -- objects --
struct create_request {
  create_options options;
};
struct open_object_request {  ///< By name, or by id if id is not 0.
  collection_id collection = default_collection;
  std::string name;
  object_id id = 0;
};
struct release_request {  ///< Operations of the handle that are in flight go on.
  handle_id handle;
};
struct stat_request {
  handle_id handle;
};
struct set_attributes_request {
  handle_id handle;
  attributes to;
};
/// Gives the object this name, in place of its old one if it has one. An object that had the name is removed if
/// `replace`.
struct rename_request {
  object_id object = 0;  ///< Or, if 0: the object of that collection and name.
  collection_id collection = default_collection;
  std::string from;
  std::string to;
  bool replace = true;
  collection_id to_collection = default_collection;
};
struct remove_request {
  collection_id collection = default_collection;
  std::string name;
  object_id id = 0;
};
struct list_request {
  collection_id collection = default_collection;
  std::string prefix;
  std::string after;  ///< Names behind this one; empty: from the first.
  std::uint32_t entries_max = 1000;
};

// -- data --
struct append_request {
  append_request() = default;
  append_request(handle_id to, segment_list from, const append_options& how)
      : handle(to), segments(std::move(from)), options(how) {}

  handle_id handle;
  segment_list segments;
  append_options options;
};
struct read_request {
  read_request() = default;
  read_request(handle_id of, range_list all) : handle(of), ranges(std::move(all)) {}

  handle_id handle;
  range_list ranges;
};
/// Bytes in place of those from offset_bytes on. `segments` is what is resident of the source, from its front on; if that
/// is not all, the core asks for more (source_need), when nothing of what it had is on its way any more.
struct write_request {
  handle_id handle;
  std::uint64_t offset_bytes = 0;
  std::uint64_t bytes = 0;
  segment_list segments;
  write_options options;
};
/// The answer to a source_need: memory from the byte on that it named; or why there is none.
struct source_request {
  operation_id target;
  segment_list segments;
  error_code error;
  bool copied = false;  ///< The memory is a copy of the source.
};
/// Bytes read as zeros, whole blocks are given back. With `extends`, the object reaches at least to their end.
struct zero_request {
  handle_id handle;
  std::uint64_t offset_bytes = 0;
  std::uint64_t bytes = 0;
  bool extends = false;
  write_options options;
};
struct truncate_request {
  handle_id handle;
  std::uint64_t bytes = 0;
  write_options options;
};
/// Bytes of the source become the object's as well, without being copied. Offsets are whole blocks; so is the length,
/// but if the range ends with the source.
struct clone_request {
  handle_id handle;
  std::uint64_t offset_bytes = 0;
  handle_id source;
  std::uint64_t source_offset_bytes = 0;
  std::uint64_t bytes = 0;
  write_options options;
};
/// Room for so many bytes in whole blocks is kept for what is written to the object, until its last handle is released.
/// Answered by the bytes (read_result).
struct reserve_request {
  handle_id handle;
  std::uint64_t bytes = 0;
};
struct extents_request {
  handle_id handle;
  std::uint64_t offset_bytes = 0;
  std::uint64_t bytes = 0;
  std::uint32_t extents_max = 1000;
};
/// A view of a range as it is published now: what it is made of stays until it is unmapped, whatever becomes of the object.
/// Answered by mapped_view.
struct map_request {
  handle_id handle;
  std::uint64_t offset_bytes = 0;
  std::uint64_t bytes = 0;
};
/// Bytes of a view, verified. Waits for nothing but the device. Answered by the bytes (read_result).
struct fill_request {
  std::uint64_t view = 0;
  std::uint64_t offset_bytes = 0;  ///< In the view; a multiple of a block.
  std::span<std::byte> to;
};
struct unmap_request {
  std::uint64_t view = 0;
};
struct sync_request {
  handle_id handle;  ///< None: the whole store.
};
struct wait_durable_request {
  furrow::sequence sequence = 0;
};

/// An atomic group: all of it is published as one, or none. Members are carried out in their order.
struct batch_request {
  struct create {
    create_options options;  ///< fail_if_exists is taken as set.
  };
  struct append {
    handle_id handle;         ///< Or none, and:
    std::size_t created = 0;  ///< the object made by the create member of this index (in `members`).
    segment_list segments;
    append_options options;  ///< Its level is ignored: the batch's holds.
  };
  using member = std::variant<create, append, rename_request, remove_request, set_attributes_request>;
  std::vector<member> members;
  durability level = durability::written;
};

// -- others --
struct statistics_request {};
struct info_request {};
struct zones_request {};
struct collection_request {
  std::string name;
  std::uint64_t quota_bytes = 0;
};
struct quota_request {
  collection_id collection = default_collection;
  std::uint64_t quota_bytes = 0;  ///< 0: none.
};
struct collections_request {};
/// Recomputes from the trees what the store believes; with `data`, reads every block.
struct check_request {
  bool data = false;
};
/// Mends what a check finds and can be mended, in a store that was opened for it; or tells what it would mend, if it was
/// opened read-only.
struct repair_request {};
struct checkpoint_request {};
/// Moves what lives in zones that are dead in part until so large a share of the capacity is free, or nothing can be won.
struct clean_request {
  double until_free_share = 0;  ///< 0 .. 1
};
/// Reads and verifies what lives from a position on, until so much was read.
struct scrub_request {
  scrub_position from;
  std::uint64_t bytes_max = 0;
  bool lost_only = false;
};
/// The operation is answered with `cancelled` (or `reason`) if nothing was done for it yet. Waits (sync, wait_durable)
/// always can be.
struct cancel_request {
  operation_id target;
  errc reason = errc::cancelled;
};

using request_body =
    std::variant<format_request, open_request, close_request, create_request, open_object_request, release_request,
                 stat_request, set_attributes_request, rename_request, remove_request, list_request, append_request,
                 read_request, write_request, source_request, zero_request, truncate_request, clone_request,
                 reserve_request, extents_request, map_request, fill_request, unmap_request, sync_request,
                 wait_durable_request, batch_request, statistics_request, info_request, zones_request,
                 collection_request, quota_request, collections_request, check_request, repair_request,
                 checkpoint_request, clean_request, scrub_request, cancel_request>;

struct request {
  operation_id id;
  std::int64_t now_ns = 0;  ///< UTC, for times that are stored.
  request_body body;
};

// -- results --
struct opened_object {
  handle_id handle;
  object_id id = 0;
  bool created = false;
};
struct sequence_result {
  furrow::sequence sequence = 0;
};
struct read_result {
  std::uint64_t bytes = 0;
};
/// Large, and rare: so it does not make every answer as large.
using statistics_ptr = std::shared_ptr<const statistics>;
/// Not an answer: the write goes on when a source_request has brought the bytes from here on.
struct source_need {
  std::uint64_t position_bytes = 0;  ///< In the source.
};
struct mapped_view {
  std::uint64_t view = 0;
};
/// An append or a read that succeeded.
struct io_answer {
  operation_id id;
  append_result result;  ///< Of a read: its bytes.
  bool is_read = false;
};
/// The answers of several, in a notification without an id.
struct io_answers {
  std::size_t first = 0;  ///< Of all that wait to be taken.
  std::span<const io_answer> all;
};
using furrow::batch_result;
using furrow::check_finding;
using furrow::check_result;
using furrow::clean_result;
using furrow::event;  ///< A notification without a request.
using furrow::open_result;
using furrow::repair_result;
using furrow::scrub_position;
using furrow::scrub_result;

using result_body = std::variant<std::monostate, opened_object, object_status, list_page, append_result, read_result,
                                 sequence_result, batch_result, source_need, mapped_view, extent_list, statistics_ptr,
                                 store_info, std::vector<zone_status>, std::vector<collection_status>, check_result,
                                 clean_result, scrub_result, repair_result, open_result, event, io_answers>;

struct notification {
  operation_id id;
  error_code error;
  error_detail detail;
  result_body result;
};

}  // namespace furrow::core
