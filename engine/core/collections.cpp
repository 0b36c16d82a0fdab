#include "core/collections.hpp"

#include <algorithm>

#include "core/canary.hpp"
#include "core/objects.hpp"

namespace furrow::core {

collection_table::collection_table() {
  last_ = &all_[default_collection];
  last_->exists = true;
  last_->name = "default";
}

collection_account& collection_table::find_or_make(collection_id id) {
  collection_account& a = all_[id];
  a.id = id;
  return a;
}

void collection_table::moved(collection_id from, collection_id to, std::uint64_t blocks, object_state* o) {
  if (from == to) return;
  drop(from, blocks);
  add(to, blocks);
  if (o == nullptr) return;
  o->account->claimed_blocks -= o->claimed_blocks;
  o->account = &of(to);
  o->account->claimed_blocks += o->claimed_blocks;
  o->has_moved = true;
}

claim_answer collection_table::ask(collection_account& a, std::uint64_t blocks) {
  const bool within = fits(a, blocks) || FURROW_CANARY_SINGS(quota_unheld);
  a.tight = !within && (a.loose > 0 || a.drops > 0);  // Q4
  if (within) return claim_answer::fits;
  return a.tight ? claim_answer::later : claim_answer::exceeded;
}

std::uint64_t collection_table::beyond_promise(const object_state& o, std::uint64_t blocks) {
  return blocks - std::min(blocks, o.promise_claim_blocks);
}

void collection_table::claim(object_state& o, std::uint64_t blocks) {
  const std::uint64_t more = beyond_promise(o, blocks);
  o.promise_claim_blocks -= blocks - more;
  claim_beside_promise(o, more);
}

void collection_table::claim_beside_promise(object_state& o, std::uint64_t blocks) {
  o.claimed_blocks += blocks;
  o.account->claimed_blocks += blocks;
}

void collection_table::unclaim(object_state& o, std::uint64_t blocks) {
  FURROW_ASSERT(blocks <= o.claimed_blocks && blocks <= o.account->claimed_blocks);  // Q3
  o.claimed_blocks -= blocks;
  o.account->claimed_blocks -= blocks;
}

error_detail collection_table::detail_of(const collection_account& a, std::uint64_t object, std::uint64_t blocks) {
  error_detail d{.bytes = blocks * block_bytes};
  if (object != 0) d.object = object;
  d.what = "quota exceeded: collection " + std::to_string(a.id) + " may have " + std::to_string(a.quota_bytes) +
           " bytes, has " + std::to_string(a.used_blocks * block_bytes);
  if (a.claimed_blocks > 0) d.what += ", " + std::to_string(a.claimed_blocks * block_bytes) + " more are on their way";
  d.what += ", and " + std::to_string(blocks * block_bytes) + " are wanted";
  return d;
}

}  // namespace furrow::core
