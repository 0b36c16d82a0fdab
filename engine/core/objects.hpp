// Objects that somebody has open, or that something is in flight for, and the handles on them.
//
// Invariants
//   O1  A state exists while it has handles, a queue, reads, or is being loaded; not longer.
//   O2  value and tail are those of the last publication. reserved_* are those after all that was accepted and has not
//       failed.
//   O3  The queue is in the order of acceptance; its front is published first.
//
// Not here: publishing (publisher), reading (reader).
#pragma once

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <vector>

#include "core/context.hpp"
#include "core/in_flight_map.hpp"
#include "core/range_lock.hpp"

namespace furrow::core {

struct publication;

/// The end of an object that an append builds on.
struct object_end {
  std::uint64_t bytes = 0;
  std::uint32_t tail_epoch = 0;
  std::vector<std::byte> tail;
};

struct object_state {
  object_id id = 0;
  bool loaded = false;
  bool unpublished = false;  ///< Its creation is on the way.
  bool orphan = false;       ///< Removed: its extents go when it is closed.
  format::object_value value;
  std::optional<format::doomed_value>
      doomed;  ///< A hole whose extents are being dropped; until then nothing is published.
  std::vector<std::byte> tail;
  object_end reserved;
  std::uint64_t reserved_fence = 0;
  std::uint32_t handles = 0;
  std::uint32_t reads = 0;
  std::uint32_t users = 0;  ///< Others that hold it for the moment.
  fifo<publication*> queue;
  std::uint64_t entered = 0;   ///< Publications that ever were in the queue,
  std::uint64_t finished = 0;  ///< and that have left it.
  range_lock changing;
  std::vector<std::uint64_t> shortenings;  ///< Where truncations that are not done yet are to end it, in bytes.
  in_flight_map writes;                    ///< Of the direct path.
  std::uint64_t promised_blocks = 0;      ///< Room that was asked for ahead of what is to be written (reserve_request).
  collection_account* account = nullptr;  ///< Of its collection.
  bool has_moved = false;                 ///< To another collection, by the publication that is being applied.
  std::uint64_t claimed_blocks = 0;       ///< Of the quota,
  std::uint64_t promise_claim_blocks = 0;  ///< of which these are for what is promised.
  std::vector<std::function<void(error_code)>> loading;

  /// The end is not moved below this by anything accepted so far.
  [[nodiscard]] std::uint64_t lowest_end() const {
    std::uint64_t bytes = reserved.bytes;
    for (const std::uint64_t s : shortenings) bytes = std::min(bytes, s);
    return bytes;
  }
};

class object_table {
 public:
  explicit object_table(context& c) : c_{c} {}

  [[nodiscard]] object_state* find(object_id id);
  /// Calls with the loaded object (held by one of `users`, to be given back by unuse), or with why not; not_found if
  /// there is none.
  void use(object_id id, std::function<void(error_code, object_state*)> call);
  /// A new object, not yet published, held by one of `users`.
  object_state& add_new(object_id id, collection_id collection);
  void unuse(object_state& o);

  [[nodiscard]] handle_id open_handle(object_state& o);
  [[nodiscard]] object_state* of(handle_id h);
  /// False if it is no handle.
  bool release(handle_id h);
  /// Forgets the object if nothing needs it any more (O1).
  void settle(object_state& o);
  [[nodiscard]] std::size_t handles() const { return handle_count_; }
  /// Of all objects.
  [[nodiscard]] std::uint64_t promised_blocks() const;
  template <class F>
  void for_each(F&& call) {
    for (const auto& [id, o] : objects_) call(*o);
  }

 private:
  struct handle_slot {
    object_state* object = nullptr;
    std::uint32_t generation = 0;
  };
  void load(object_state& o);

  context& c_;
  std::unordered_map<object_id, std::unique_ptr<object_state>> objects_;
  std::vector<handle_slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::size_t handle_count_ = 0;
};

}  // namespace furrow::core
