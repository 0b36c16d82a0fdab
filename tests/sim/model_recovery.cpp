// The oracle: is what was recovered the state after a prefix of the publications that holds every durable one?
#include <fmt/format.h>

#include <algorithm>

#include "sim/failure.hpp"
#include "sim/model.hpp"

namespace furrow::sim {
namespace {

[[noreturn]] void fail(const std::string& why) { throw broken_promise{why}; }

std::string label(const model_object& o) { return fmt::format("object {} (tag {:016x})", o.id, o.tag); }

}  // namespace

furrow::sequence model::latest(const publication& p) const {
  if (p.sequence != 0) return p.sequence;
  furrow::sequence least = ~furrow::sequence{0};
  if (p.answered == 0) return least;
  for (const publication& q : publications_) {
    if (q.asked > p.answered && q.sequence != 0) least = std::min(least, q.sequence - 1);
  }
  return least;
}

void model::must_have(publication_id id, const model_object& o, cut& c, const char* what) {
  if (id < first_) return;
  publication& p = of(id);
  const std::string who = fmt::format("{} of {} (publication {}, sequence {})", what, label(o), id, p.sequence);
  if (p.is_void) fail(who + " is there although it was answered with an error");
  if (p.missed) fail(who + " is there, but another part of the same publication is not");
  p.found = true;
  const furrow::sequence least = p.sequence != 0 ? p.sequence : p.after + 1;
  if (least > c.least) c.least = least, c.least_because = who;
}

void model::must_lack(publication_id id, const model_object& o, cut& c, const char* what) {
  const std::string who = fmt::format("{} of {} (publication {})", what, label(o), id);
  if (id < first_) fail(who + " was durable and is not there");
  publication& p = of(id);
  if (is_durable(p)) fail(fmt::format("{} was durable (sequence {}) and is not there", who, p.sequence));
  if (c.all && p.answered != 0) fail(who + " was answered before a clean close and is not there");
  if (p.found) fail(who + " is not there, but another part of the same publication is");
  p.missed = true;
  const furrow::sequence last = latest(p);
  if (last != ~furrow::sequence{0} && last - 1 < c.most) c.most = last - 1, c.most_because = who;
}

void model::judge_existence(model_object& o, const recovered_object* found, cut& c) {
  if (found != nullptr) {
    if (!o.base.exists && o.created_by == 0) fail(label(o) + " was removed for good and is there");
    if (o.created_by != 0) must_have(o.created_by, o, c, "creation");
    if (o.removed_by != 0) must_lack(o.removed_by, o, c, "removal");
    return;
  }
  if (o.created_by != 0 && o.removed_by == 0) return must_lack(o.created_by, o, c, "creation");
  if (o.created_by != 0 && !(o.created_by < first_) && !is_durable(of(o.created_by))) return;  // either way
  if (!o.base.exists && o.created_by == 0) return;
  if (o.removed_by == 0) fail(label(o) + " was durable and is not there");
  must_have(o.removed_by, o, c, "removal");
}

void model::judge_end(model_object& o, const object_state& found, cut& c) {
  std::size_t kept = 0;
  while (kept < o.ends.size() && o.ends[kept].end_bytes <= found.bytes) ++kept;
  const std::uint64_t end = kept == 0 ? o.base.bytes : o.ends[kept - 1].end_bytes;
  if (end != found.bytes) {
    fail(fmt::format("{} ends at {}; publications end at {}{}", label(o), found.bytes, end,
                     kept < o.ends.size() ? fmt::format(" and {}", o.ends[kept].end_bytes) : ""));
  }
  std::uint64_t fence = o.base.fence_epoch;
  for (std::size_t i = 0; i < kept; ++i) fence = std::max(fence, o.ends[i].raise_fence_to);
  if (fence != found.fence_epoch) {
    fail(fmt::format("{} has the fence epoch {}, not {}", label(o), found.fence_epoch, fence));
  }
  // Of several extents of one append only the last has a known sequence: the nearest known ones bound the cut.
  for (std::size_t i = kept; i > 0; --i) {
    must_have(o.ends[i - 1].by, o, c, "an append");
    if (o.ends[i - 1].by < first_ || of(o.ends[i - 1].by).sequence != 0) break;
  }
  for (std::size_t i = kept; i < o.ends.size(); ++i) {
    must_lack(o.ends[i].by, o, c, "an append");
    if (of(o.ends[i].by).sequence != 0) break;
  }
}

void model::judge_name(model_object& o, const object_state& found, cut& c) {
  std::size_t least = none;
  std::size_t most = none;
  for (std::size_t i = 0; i <= o.names.size(); ++i) {
    if ((i == 0 ? o.base.name : o.names[i - 1].name) != found.name) continue;
    if (least == none) least = i;
    most = i;
  }
  if (least == none) fail(fmt::format("{} has a name it never had", label(o)));
  if (least > 0) must_have(o.names[least - 1].by, o, c, "a name");
  if (most < o.names.size() && least == most) must_lack(o.names[most].by, o, c, "a name");
}

void model::judge_attributes(model_object& o, const object_state& found, cut& c) {
  std::size_t kept = 0;
  while (kept < o.attributes.size() && o.attributes[kept].version <= found.version) ++kept;
  const std::uint32_t version = kept == 0 ? o.base.version : o.attributes[kept - 1].version;
  if (version != found.version) fail(fmt::format("{} has attributes it never had ({})", label(o), found.version));
  if (kept > 0) must_have(o.attributes[kept - 1].by, o, c, "attributes");
  if (kept < o.attributes.size()) must_lack(o.attributes[kept].by, o, c, "attributes");
}

void model::judge(model_object& o, const recovered_object* found, cut& c) {
  judge_existence(o, found, c);
  if (found == nullptr) return;
  if (o.id != 0 && o.id != found->id) fail(fmt::format("{} came back with the id {}", label(o), found->id));
  judge_end(o, found->state, c);
  judge_name(o, found->state, c);
  judge_attributes(o, found->state, c);
}

void model::settle(std::span<const recovered_object> found, bool all) {
  fold();
  std::unordered_map<object_index, const recovered_object*> by_index;
  for (const recovered_object& r : found) {
    const object_index i = with_tag(r.tag);
    if (i == none) fail(fmt::format("object {} (tag {:016x}) was never made, or was removed for good", r.id, r.tag));
    if (!by_index.emplace(i, &r).second) fail(fmt::format("{} is there twice", label(objects_[i])));
  }
  cut c;
  c.least = durable_;
  c.least_because = fmt::format("sequence {} is durable", durable_);
  c.all = all;
  for (const object_index i : remembered_) {
    const auto at = by_index.find(i);
    judge(objects_[i], at == by_index.end() ? nullptr : at->second, c);
  }
  if (c.least > c.most) {
    fail(fmt::format("not a prefix: up to {} because {} is there, at most up to {} because {} is not", c.least,
                     c.least_because, c.most, c.most_because));
  }
  newest_ = durable_ = c.least;
  restart_from(found);
}

void model::restart_from(std::span<const recovered_object> found) {
  for (name_entry& e : names_) e = {.text = std::move(e.text)};
  std::vector<object_index> kept;
  for (const recovered_object& r : found) {
    const object_index i = with_tag(r.tag);
    model_object& o = objects_[i];
    model_object fresh;
    fresh.tag = o.tag;
    fresh.id = r.id;
    fresh.base = fresh.now = r.state;
    fresh.pieces = std::move(o.pieces);
    for (const end_step& s : o.ends) {
      if (s.end_bytes <= r.state.bytes) extend(fresh.pieces, s);
    }
    fresh.asked_end = r.state.bytes;
    if (r.state.name != none) names_[r.state.name].holder = i;
    o = std::move(fresh);
    kept.push_back(i);
  }
  std::ranges::sort(kept);
  tags_.clear();
  for (const object_index i : kept) tags_.emplace(objects_[i].tag, i);
  for (const object_index i : remembered_) {
    if (!std::ranges::binary_search(kept, i)) objects_[i] = model_object{}, objects_[i].forgotten = true;
  }
  remembered_ = std::move(kept);
  first_ += publications_.size();
  publications_.clear();
  durable_asked_ = 0;
}

}  // namespace furrow::sim
