// The oracle: is what was recovered the state after a prefix of the publications that holds every durable one?
#include <fmt/format.h>

#include <algorithm>

#include "sim/failure.hpp"
#include "sim/model.hpp"

namespace furrow::sim {
namespace {

[[noreturn]] void fail(const std::string& why) { throw broken_promise{why}; }

std::string label(const model_object& o) { return fmt::format("object {} (tag {:016x})", o.id, o.tag); }

/// Which versions of a stretch are those that were found: the least and the most; and whether it was lost.
struct found_versions {
  std::optional<std::size_t> least;
  std::size_t most = 0;
  bool lost = false;
};

found_versions find_versions(const stretch& s, std::span<const std::byte> bytes,
                             std::span<const std::pair<std::uint64_t, std::uint64_t>> lost) {
  found_versions f;
  f.lost = std::ranges::any_of(
      lost, [&](const auto& range) { return range.first <= s.begin_bytes && s.end_bytes <= range.second; });
  for (std::size_t k = 0; k < s.versions.size(); ++k) {
    const bool is_nothing = s.versions[k].what == stuff::nothing;
    bool same = is_nothing == (s.begin_bytes >= bytes.size());
    if (same && !is_nothing && !f.lost) {
      const auto part = bytes.subspan(s.begin_bytes, s.end_bytes - s.begin_bytes);
      same = s.versions[k].first_difference(s.begin_bytes, part) == endless;
    }
    if (!same) continue;
    f.least = f.least.value_or(k);
    f.most = k;
  }
  return f;
}

std::vector<stretch> all_stretches(const model_object& o, std::uint64_t bytes,
                                   std::span<const std::pair<std::uint64_t, std::uint64_t>> lost) {
  std::vector<std::uint64_t> cuts{bytes};
  for (const auto& [begin, end] : lost) cuts.insert(cuts.end(), {begin, end});
  return stretches(o.content, o.steps, 0, endless, cuts);
}

std::string describe(const model_object& o, const stretch& s) {
  std::string text;
  for (std::size_t k = 0; k < s.versions.size(); ++k) {
    constexpr const char* kinds[] = {"data", "zeros", "nothing", "unknown"};
    const content_span v = s.versions[k].part(s.begin_bytes, s.end_bytes);
    text += fmt::format("{}{} {:x}+{:x}", k == 0 ? "" : ", ", kinds[static_cast<std::size_t>(v.what)], v.tag, v.stream);
    if (k > 0) text += fmt::format(" (publication {})", o.steps[s.steps[k - 1]].by);
  }
  return text;
}

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
  const auto who = [&] {
    return fmt::format("{} of {} (publication {}, sequence {})", what, label(o), id, p.sequence);
  };
  if (p.is_void) fail(who() + " is there although it was answered with an error");
  if (p.missed) fail(who() + " is there, but another part of the same publication is not");
  p.found = true;
  const furrow::sequence least = p.sequence != 0 ? p.sequence : p.after + 1;
  if (least > c.least) c.least = least, c.least_because = {what, &o, id, p.sequence};
}

void model::must_lack(publication_id id, const model_object& o, cut& c, const char* what) {
  const auto who = [&] { return fmt::format("{} of {} (publication {})", what, label(o), id); };
  if (id < first_) fail(who() + " was durable and is not there");
  publication& p = of(id);
  if (p.missed) return;
  if (is_durable(p)) fail(fmt::format("{} was durable (sequence {}) and is not there", who(), p.sequence));
  if (c.all && p.answered != 0) fail(who() + " was answered before a clean close and is not there");
  if (p.found) fail(who() + " is not there, but another part of the same publication is");
  p.missed = true;
  const furrow::sequence last = latest(p);
  if (last != ~furrow::sequence{0} && last - 1 < c.most) c.most = last - 1, c.most_because = {what, &o, id, p.sequence};
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

std::vector<publication_id> model::judge_end(model_object& o, const object_state& found, cut& c) {
  std::vector<const content_step*> chain;
  for (const content_step& s : o.steps) {
    if (s.sets_end || s.raise_fence_to != 0) chain.push_back(&s);
  }
  std::optional<std::size_t> least, most;
  object_state at = o.base;
  for (std::size_t k = 0; k <= chain.size(); ++k) {
    if (k > 0) {
      if (chain[k - 1]->sets_end) at.bytes = chain[k - 1]->object_bytes;
      at.fence_epoch = std::max(at.fence_epoch, chain[k - 1]->raise_fence_to);
    }
    if (at.bytes != found.bytes || at.fence_epoch != found.fence_epoch) continue;
    least = least.value_or(k);
    most = k;
  }
  if (!least) {
    std::string ends = std::to_string(o.base.bytes);
    for (const content_step* s : chain) ends += s->sets_end ? fmt::format(" {}", s->object_bytes) : " the same";
    fail(fmt::format("{} ends at {}, with the fence epoch {}; publications end at {}, the last with the epoch {}",
                     label(o), found.bytes, found.fence_epoch, ends, at.fence_epoch));
  }
  // Of several extents of one append only the last has a known sequence: the nearest known ones bound the cut.
  // Of a write of several attempts some may have failed, and later ones be there: that is told by their content.
  const auto is_one_of_several = [&](std::size_t i) {
    const auto is_beside = [&](std::size_t j) {
      return j < chain.size() && chain[j]->operation == chain[i]->operation && chain[j]->by != chain[i]->by;
    };
    return chain[i]->answered == 0 && !chain[i]->is_append && !chain[i]->sets_end &&
           (is_beside(i + 1) || (i > 0 && is_beside(i - 1)));
  };
  for (std::size_t i = *least; i > 0; --i) {
    if (is_one_of_several(i - 1)) continue;
    must_have(chain[i - 1]->by, o, c, "an end");
    if (chain[i - 1]->by < first_ || of(chain[i - 1]->by).sequence != 0) break;
  }
  for (std::size_t i = *most; i < chain.size(); ++i) {
    must_lack(chain[i]->by, o, c, "an end");
    if (of(chain[i]->by).sequence != 0) break;
  }
  std::vector<publication_id> some_of;
  for (std::size_t i = 0; i < *most && o.base.fence_epoch != found.fence_epoch; ++i)
    if (chain[i]->raise_fence_to == found.fence_epoch) some_of.push_back(chain[i]->by);
  return some_of;
}

void model::judge_stretch(model_object& o, const stretch& s, std::size_t least, std::size_t most, cut& c) {
  const auto step = [&](std::size_t k) -> const content_step& { return o.steps[s.steps[k]]; };
  for (std::size_t k = least; k > 0; --k) {
    // One that failed may be missing though what came after it is there, also where that has left the same bytes.
    if ((k != least || (least != most && step(k - 1).failed)) && step(k - 1).answered == 0) continue;
    must_have(step(k - 1).by, o, c, "a change");
    if (step(k - 1).by < first_ || of(step(k - 1).by).sequence != 0) break;
  }
  for (std::size_t k = most; k < s.steps.size(); ++k) {
    must_lack(step(k).by, o, c, "a change");
    if (of(step(k).by).sequence != 0) break;
  }
}

void model::judge_content(model_object& o, recovered_object& found, cut& c) {
  if (o.steps.empty() && !found.was_read) return;
  if (!found.was_read) fail(label(o) + " was changed, and has not been read");
  std::vector<content_span> becomes;
  for (const stretch& s : all_stretches(o, found.bytes.size(), found.lost)) {
    const found_versions f = find_versions(s, found.bytes, found.lost);
    if (!f.least) {
      fail(fmt::format("{} of {} bytes: in [{}, {}) is none of its versions: {}", label(o), found.bytes.size(),
                       s.begin_bytes, s.end_bytes, describe(o, s)));
    }
    judge_stretch(o, s, *f.least, f.most, c);
    content_span now = s.versions[f.most].part(s.begin_bytes, s.end_bytes);
    if (f.lost && f.most != *f.least) now.what = stuff::unknown;
    add_span(becomes, now);
  }
  o.content.paint(becomes);
  o.steps.clear();
}

void model::resolve_content(object_index i, std::span<const std::byte> bytes) {
  model_object& o = objects_[i];
  std::vector<bool> there(o.steps.size()), missing(o.steps.size());
  for (const stretch& s : all_stretches(o, bytes.size(), {})) {
    const found_versions f = find_versions(s, bytes, {});
    if (!f.least)
      fail(fmt::format("{}: a change that failed left something else in [{}, {})", label(o), s.begin_bytes,
                       s.end_bytes));
    if (*f.least > 0) {
      const std::size_t last = s.steps[*f.least - 1];
      const content_step& step = o.steps[last];
      // Where a later version is of the same bytes, nothing is told; but no end is where an append is not.
      if (*f.least == f.most || step.sets_end || step.raise_fence_to != 0) there[last] = true;
    }
    for (std::size_t k = f.most; k < s.steps.size(); ++k) missing[s.steps[k]] = true;
  }
  std::uint64_t end = o.base.bytes;
  std::size_t at = 0;
  std::erase_if(o.steps, [&](content_step& s) {
    const std::size_t k = at++;
    if (there[k] && missing[k]) fail(label(o) + ": a change that failed is there in part");
    if (s.answered != 0 && missing[k]) fail(label(o) + ": a change that was answered is not there");
    // What came after it is over all of it: a loss of power may bring it to light.
    if (s.answered == 0 && !there[k] && !missing[k] && !s.sets_end && s.raise_fence_to == 0) return false;
    if (s.answered == 0 && there[k]) {
      s.answered = of(s.by).answered = tick();
      o.now.fence_epoch = std::max(o.now.fence_epoch, s.raise_fence_to);
    }
    if (s.answered == 0) make_void(s.by);
    if (s.answered != 0 && s.sets_end) end = s.object_bytes;
    return s.answered == 0;
  });
  if (end != bytes.size())
    fail(fmt::format("{} ends at {}, not {}, after a change that failed", label(o), bytes.size(), end));
  o.now.bytes = o.asked_end = end;
  o.unresolved = o.must_look = false;
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

void model::judge(model_object& o, recovered_object* found, cut& c) {
  judge_existence(o, found, c);
  if (found == nullptr) return;
  if (o.id != 0 && o.id != found->id) fail(fmt::format("{} came back with the id {}", label(o), found->id));
  const std::vector<publication_id> raised_by = judge_end(o, found->state, c);
  judge_content(o, *found, c);
  if (!raised_by.empty() &&
      std::ranges::all_of(raised_by, [&](publication_id p) { return p >= first_ && of(p).missed; }))
    fail(fmt::format("{} has the fence epoch {} of a write of which nothing is there", label(o),
                     found->state.fence_epoch));
  judge_name(o, found->state, c);
  judge_attributes(o, found->state, c);
}

void model::settle(std::span<recovered_object> found, bool all) {
  fold();
  cut c;
  c.least = durable_;
  c.all = all;
  settle_in(found, c);
}

void model::settle_at(std::span<recovered_object> found, furrow::sequence sequence, bool whole) {
  cut c;
  c.least = c.most = sequence;
  if (whole && sequence < durable_)
    fail(fmt::format("as of sequence {}, and all up to {} was durable", sequence, durable_));
  has_losses_ = !whole;
  settle_in(found, c);
  has_losses_ = false;
}

void model::settle_in(std::span<recovered_object> found, cut c) {
  std::unordered_map<object_index, recovered_object*> by_index;
  for (recovered_object& r : found) {
    const object_index i = with_tag(r.tag);
    if (i == none) fail(fmt::format("object {} (tag {:016x}) was never made, or was removed for good", r.id, r.tag));
    if (!by_index.emplace(i, &r).second) fail(fmt::format("{} is there twice", label(objects_[i])));
  }
  for (const object_index i : remembered_) {
    const auto at = by_index.find(i);
    judge(objects_[i], at == by_index.end() ? nullptr : at->second, c);
  }
  if (c.least > c.most) {
    const auto told = [](const reason& r, const char* otherwise) {
      if (r.of == nullptr) return std::string{otherwise};
      return fmt::format("{} of {} (publication {}, sequence {})", r.what, label(*r.of), r.by, r.sequence);
    };
    fail(fmt::format("not a prefix: up to {} because {} is there, at most up to {} because {} is not", c.least,
                     told(c.least_because, "what is durable"), c.most, told(c.most_because, "the end")));
  }
  newest_ = durable_ = c.least;
  restart_from(found);
}

void model::restart_from(std::span<recovered_object> found) {
  for (name_entry& e : names_) e = {.text = std::move(e.text)};
  std::vector<object_index> kept;
  for (const recovered_object& r : found) {
    const object_index i = with_tag(r.tag);
    model_object& o = objects_[i];
    model_object fresh;
    fresh.tag = o.tag;
    fresh.id = r.id;
    fresh.collection = r.collection;
    fresh.base = fresh.now = r.state;
    fresh.content = std::move(o.content);
    fresh.epoch = fresh.append_epoch = o.epoch + 1;
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
