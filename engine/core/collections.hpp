// What each collection has, may have, and is about to have, in blocks: its account.
//
// What counts is a block that an object of the collection names, once for each name: a clone counts in full, and so does what
// was removed, until it is dropped, which is not before its last handle is closed. Tails and attributes do not count.
// A claim is what an operation may add: taken when it is accepted, or when its object comes under a quota, smaller with
// each publication of it that adds, gone at its end. An append's is exact. A change in the middle claims all its blocks if
// they fit, and looks for those that it replaces only if they do not.
//
// Invariants
//   Q1  used_blocks is the sum of object_value.blocks over the collection's objects, and changes with records alone; as of
//       a checkpoint it is in the collection's cell; the default collection's is in the superblock.
//   Q2  A claim is given only if it and all that is used and claimed are within the quota; one of nothing always is.
//   Q3  claimed_blocks is the sum of the claims of the collection's objects. They go with an object to another collection.
//   Q4  Nobody who writes is refused while something is on its way that may give back what he lacks: extents being dropped,
//       or a change in the middle that may have claimed too much (`loose`). Who moves an object, or has room promised, is.
//
// Not here: room on the device (data_writer), who claims (appender, direct_writer, requests).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/assert.hpp"
#include "core/limits.hpp"
#include "furrow/engine/error.hpp"
#include "furrow/engine/types.hpp"

namespace furrow::core {

struct object_state;

struct collection_account {
  collection_id id = default_collection;
  bool exists = false;
  bool changed = false;  ///< Since its cell was written.
  bool tight = false;    ///< Somebody waits: no more is claimed than is needed.
  std::string name;
  std::uint64_t quota_bytes = 0;  ///< 0: none.
  std::int64_t created_ns = 0;
  std::uint64_t used_blocks = 0;
  std::uint64_t claimed_blocks = 0;
  std::uint32_t loose = 0;  ///< Operations whose claim may be too much.
  std::uint32_t drops = 0;  ///< Removed objects and holes whose extents are being dropped.

  [[nodiscard]] bool limited() const { return quota_bytes != 0; }
};

enum class claim_answer : std::uint8_t { fits, later, exceeded };

class collection_table {
 public:
  collection_table();

  /// Made if it is not there, as one that does not exist.
  [[nodiscard]] collection_account& of(collection_id id) {
    if (last_->id != id) last_ = &find_or_make(id);
    return *last_;
  }
  [[nodiscard]] bool exists(collection_id id) const {
    const auto a = all_.find(id);
    return a != all_.end() && a->second.exists;
  }
  [[nodiscard]] std::map<collection_id, collection_account>& all() { return all_; }

  /// An object of it names more blocks, or fewer.
  void add(collection_id id, std::uint64_t blocks) {
    collection_account& a = of(id);
    a.used_blocks += blocks;
    a.changed = true;
  }
  void drop(collection_id id, std::uint64_t blocks) {
    collection_account& a = of(id);
    a.used_blocks -= blocks < a.used_blocks ? blocks : a.used_blocks;  // more than there are: a cell that is damaged
    a.changed = true;
  }
  /// An object goes to another collection, with what it names and claims.
  void moved(collection_id from, collection_id to, std::uint64_t blocks, object_state* o);

  [[nodiscard]] static bool fits(const collection_account& a, std::uint64_t blocks) {
    if (!a.limited() || blocks == 0) return true;
    const std::uint64_t most = a.quota_bytes / block_bytes, taken = a.used_blocks + a.claimed_blocks;
    return taken <= most && blocks <= most - taken;
  }
  /// Whether so much may be claimed now.
  [[nodiscard]] static claim_answer ask(collection_account& a, std::uint64_t blocks);
  /// Of so many blocks, those that no promise has claimed.
  [[nodiscard]] static std::uint64_t beyond_promise(const object_state& o, std::uint64_t blocks);
  /// What is promised is taken first.
  static void claim(object_state& o, std::uint64_t blocks);
  /// What is promised stays.
  static void claim_beside_promise(object_state& o, std::uint64_t blocks);
  static void unclaim(object_state& o, std::uint64_t blocks);
  /// For an answer of quota_exceeded.
  [[nodiscard]] static error_detail detail_of(const collection_account& a, std::uint64_t object, std::uint64_t blocks);

 private:
  collection_account& find_or_make(collection_id id);

  std::map<collection_id, collection_account> all_;
  collection_account* last_ = nullptr;
};

}  // namespace furrow::core
