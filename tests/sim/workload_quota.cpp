// Quotas of collections: setting them, and whether a refusal is true and what is there is allowed.
//
// How many blocks an object has is not foretold, for holes; only how many it may have at most. So a refusal is held to what is
// there at most, with all that is on its way; and that nobody has more than he may is held to what the store says, which after
// each open is compared with all extents.
#include <fmt/format.h>

#include <algorithm>

#include "sim/failure.hpp"
#include "sim/workload.hpp"

namespace furrow::sim {
namespace {

constexpr std::uint64_t block = zoned::store_block_bytes;
constexpr std::uint64_t edge_blocks = 3;  // of an operation: at its ends, and the old tail's
constexpr std::uint64_t spread_blocks = 32;

std::uint64_t or_endless(std::uint64_t quota) { return quota == 0 ? ~std::uint64_t{0} : quota; }

}  // namespace

collection_id workload::draw_collection() {
  if (truth_.collections() == 0) return default_collection;
  return static_cast<collection_id>(tenants_chance_.below(truth_.collections() + 1));
}

bool workload::ask_quota() {
  const collection_id c = draw_collection();
  tenant& t = tenants_[c];
  if (t.busy) return false;
  std::uint64_t quota = 0;
  if (!tenants_chance_.chance(200)) {
    const std::uint64_t has = blocks_max(c), more = tenants_chance_.below(2 * spread_blocks);
    quota = (has + more > spread_blocks ? has + more - spread_blocks : 1) * block - tenants_chance_.below(block);
  }
  if (scenario_.hostile_options && tenants_chance_.chance(300)) {
    constexpr std::uint64_t all = ~std::uint64_t{0};
    quota = tenants_chance_.one_of(1, block - 1, block + 1, all / 2 + 1, all - 1, all);
  }
  operation_ptr op = make(action::set_quota);
  op->version = c;
  op->bytes = quota;
  t.busy = true;
  t.may_be.push_back(quota);
  if (or_endless(quota) < or_endless(t.least)) t.least = quota;
  send(std::move(op), core::quota_request{c, quota});
  return true;
}

void workload::quota_set(const operation& op) {
  tenant& t = tenants_[op.version];
  t.busy = false;
  t.least = t.known = op.bytes;
  t.set_at = truth_.tick();
  t.most.reset();
}

void workload::quota_not_set(const operation& op) {
  tenant& t = tenants_[op.version];
  t.busy = false;
  t.least = t.known;
}

/// Blocks that the objects of a collection may have, with what is on its way; `removed`: also those that are removed, whose
/// blocks count until they are dropped.
std::uint64_t workload::blocks_max(collection_id c, bool removed) const {
  std::uint64_t sum = 0;
  for (const object_index i : truth_.remembered()) {
    const model_object& o = truth_.at(i);
    if (o.collection != c && !o.name_busy) continue;
    if (!removed && !o.now.exists && o.handles == 0 && o.other_users == 0) continue;
    sum += std::max(truth_.ends_of(i).second, o.asked_end) / block + 1 + o.asked_blocks;
  }
  for (const operation_ptr& op : operations_) {
    const bool reserves = op->kind == action::reserve;
    if (op->kind != action::append && op->kind != action::batch && !is_edit(op->kind) && !reserves) continue;
    if (op->object != none && truth_.at(op->object).collection != c && !truth_.at(op->object).name_busy) continue;
    sum += op->bytes / block + edge_blocks * std::max<std::uint64_t>(op->parts.size(), 1);
  }
  return sum;
}

/// Why it should not have been refused; none if it may have been rightly.
std::optional<std::string> workload::refute_quota(const operation& op) const {
  const bool batch = op.kind == action::batch;
  const bool may = batch || changes_content(op.kind) || op.kind == action::reserve || op.kind == action::rename;
  if (!may) return "it needs no quota";
  // Others wait for what is being dropped (core/collections.hpp, Q4).
  const auto moves = [](const batch_part& p) { return p.what == action::rename; };
  const bool waits = op.kind != action::reserve && op.kind != action::rename && std::ranges::none_of(op.parts, moves);
  std::string why;
  for (collection_id c = 0; c < tenants_.size(); ++c) {
    if (tenants_[c].least == 0) continue;
    const bool concerned =
        batch || (op.kind == action::rename ? truth_.collection_of(op.to) == c
                                            : truth_.at(op.object).collection == c || truth_.at(op.object).name_busy);
    if (!concerned) continue;
    std::uint64_t wanted = op.bytes / block + edge_blocks * std::max<std::uint64_t>(op.parts.size(), 1);
    for (const object_index i : {op.object, op.replaced})
      if (i != none && op.kind == action::rename) wanted += truth_.at(i).asked_end / block + 1;
    for (const batch_part& p : op.parts)
      if (p.what == action::rename) wanted += truth_.at(p.object).asked_end / block + 1;
    const std::uint64_t most = blocks_max(c, !waits) + wanted;
    if (most > tenants_[c].least / block) return std::nullopt;
    why += fmt::format("collection {} may have {} blocks, and has {} at most with these; ", c,
                       tenants_[c].least / block, most);
  }
  return why.empty() ? "no quota is set" : why;
}

void workload::check_collections(const operation& op, const std::vector<collection_status>& found) {
  if (found.size() != tenants_.size()) broken(op, fmt::format("{} collections", found.size()));
  for (const collection_status& c : found) {
    tenant& t = tenants_[c.id];
    if (t.busy || t.set_at >= op.asked) continue;
    if (c.quota_bytes != t.known) broken(op, fmt::format("collection {} has the quota {}", c.id, c.quota_bytes));
    const bool older = std::ranges::any_of(operations_, [&](const operation_ptr& o) { return o->asked <= t.set_at; });
    if (older || c.quota_bytes == 0) continue;  // accepted under another quota
    // What was claimed under a greater quota, by a promise too, may still become used.
    const std::uint64_t used = (c.used_bytes + c.claimed_bytes) / block, quota = c.quota_bytes / block;
    if (t.most && used > std::max(quota, *t.most))
      broken(op,
             fmt::format("collection {} has {} blocks; its quota is {}, and it had {}", c.id, used, quota, *t.most));
    t.most = used;
  }
}

void workload::adopt(const std::vector<collection_status>& found) {
  for (const collection_status& c : found) {
    if (c.id >= tenants_.size()) throw broken_promise{fmt::format("after an open: a collection {}", c.id)};
    tenant& t = tenants_[c.id];
    if (std::ranges::find(t.may_be, c.quota_bytes) == t.may_be.end())
      throw broken_promise{fmt::format("after an open: collection {} has the quota {}", c.id, c.quota_bytes)};
    t = {.may_be = {c.quota_bytes}, .least = c.quota_bytes, .known = c.quota_bytes, .set_at = truth_.tick()};
    t.most = c.used_bytes / block;
  }
}

}  // namespace furrow::sim
