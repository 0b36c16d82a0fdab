// Keeping the histories. What may be after an interruption: model_recovery.cpp.
#include "sim/model.hpp"

#include <algorithm>

#include "sim/random.hpp"

namespace furrow::sim {
namespace {

// Names of all kinds, none twice: short, long, binary, and prefixes of each other.
std::string make_name(std::size_t i) {
  const std::string number = std::to_string(i);
  switch (i % 8) {
    case 0:
      return "log/" + number;
    case 1:
      return "log/" + number + "/part";
    case 2:
      return std::string(1, static_cast<char>(0x80 + i % 100)) + number;
    case 3:
      return number + std::string(1024 - number.size(), 'x');
    case 4:
      return std::string("\0a", 2) + number;
    case 5:
      return "log/" + std::string(i, '/') + "z";
    case 6:
      return "\xff\xfe" + number;
    default:
      return std::string(200 + i, static_cast<char>('a' + i % 26)) + number;
  }
}

}  // namespace

model::model(std::uint64_t seed, std::size_t names, std::uint32_t collections, std::uint64_t ordered_extent_bytes_max)
    : seed_{seed}, collections_{collections}, ordered_extent_bytes_max_{ordered_extent_bytes_max} {
  for (std::size_t i = 0; i < names; ++i) names_.push_back({.text = make_name(i)});
  std::ranges::sort(names_, {}, &name_entry::text);
}

object_index model::add_object() {
  const object_index i = objects_.size();
  model_object& o = objects_.emplace_back();
  o.tag = mix(mix(seed_) + i) | 1;
  tags_.emplace(o.tag, i);
  remembered_.push_back(i);
  return i;
}

object_index model::with_tag(std::uint64_t tag) const {
  const auto at = tags_.find(tag);
  return at == tags_.end() ? none : at->second;
}

name_index model::find_name(std::string_view text) const {
  const auto at =
      std::ranges::lower_bound(names_, text, {}, [](const name_entry& e) { return std::string_view{e.text}; });
  return at != names_.end() && at->text == text ? static_cast<name_index>(at - names_.begin()) : none;
}

publication_id model::ask() {
  publication& p = publications_.emplace_back();
  p.after = newest_;
  p.asked = tick();
  return first_ + publications_.size() - 1;
}

void model::answer(publication_id id, furrow::sequence sequence) {
  publication& p = of(id);
  p.answered = tick();
  p.sequence = sequence;
  newest_ = std::max(newest_, sequence);
}

void model::make_void(publication_id id) { of(id).is_void = true; }

void model::make_durable(furrow::sequence up_to, moment asked) {
  durable_ = std::max(durable_, up_to);
  newest_ = std::max(newest_, up_to);
  durable_asked_ = std::max(durable_asked_, asked);
}

void model::make_object_durable(object_index i, moment asked) {
  const auto flag = [&](publication_id id) {
    if (id < first_) return;
    publication& p = of(id);
    if (p.answered != 0 && p.answered < asked) p.flagged_durable = true;
  };
  const model_object& o = objects_[i];
  flag(o.created_by);
  for (const content_step& s : o.steps) flag(s.by);
  for (const name_step& s : o.names) flag(s.by);
  for (const attributes_step& s : o.attributes) flag(s.by);
}

bool model::is_durable(const publication& p) const {
  if (p.is_void || has_losses_) return false;
  return p.flagged_durable || (p.sequence != 0 && p.sequence <= durable_) ||
         (p.answered != 0 && p.answered < durable_asked_);
}

void model::created(object_index i) {
  model_object& o = objects_[i];
  o.now.exists = true;
  o.now.name = o.names.empty() ? none : o.names.back().name;
  o.now.version = o.attributes.back().version;
  if (o.now.name == none) return;
  names_[o.now.name].holder = i;
  names_[o.now.name].changed = tick();
}

void model::removed(object_index i) {
  model_object& o = objects_[i];
  o.now.exists = false;
  o.name_changed = tick();
  if (o.now.name == none) return;
  if (names_[o.now.name].holder == i) names_[o.now.name].holder = none;
  names_[o.now.name].changed = tick();
  o.now.name = none;
}

void model::changed(object_index i, std::uint64_t operation) {
  model_object& o = objects_[i];
  for (content_step& s : o.steps) {
    if (s.operation != operation || s.answered != 0) continue;
    s.answered = of(s.by).answered;
    o.now.fence_epoch = std::max(o.now.fence_epoch, s.raise_fence_to);
  }
  o.content_changed = tick();
  // What sets the end is published in order, though it may be answered in another.
  const auto is_known = [](const content_step& s) { return s.sets_end && s.answered != 0; };
  const auto last = std::find_if(o.steps.rbegin(), o.steps.rend(), is_known);
  if (last != o.steps.rend()) o.now.bytes = last->object_bytes;
}

bool model::changed_since(object_id id, moment then) const {
  const auto known = [&](object_index i) { return objects_[i].id == id; };
  const auto object = std::ranges::find_if(remembered_, known);
  if (object == remembered_.end() || !objects_[*object].now.exists) return true;
  return objects_[*object].content_changed > then;
}

void model::drop_steps(object_index i, std::uint64_t operation) {
  model_object& o = objects_[i];
  std::uint64_t bytes_less = 0;
  std::uint64_t end = o.base.bytes;
  o.append_epoch = ++o.epoch;
  std::erase_if(o.steps, [&](content_step& s) {
    if (s.operation == operation && s.answered == 0) {
      if (s.sets_end) bytes_less = s.object_bytes - end;
      make_void(s.by);
      return true;
    }
    if (s.is_append && s.operation > operation) s.shift(bytes_less);
    if (s.sets_end) end = s.object_bytes;
    return false;
  });
  o.asked_end = end;
  if (bytes_less != 0) cut_again(o, operation);
}

/// One more of the same question.
publication_id model::ask_beside(publication_id other) {
  publications_.push_back({.after = of(other).after, .asked = of(other).asked});
  return first_ + publications_.size() - 1;
}

/// What was to follow has not begun: it is cut from where it begins now.
void model::cut_again(model_object& o, std::uint64_t behind) {
  std::vector<content_step> steps;
  for (auto first = o.steps.begin(); first != o.steps.end();) {
    const std::uint64_t operation = first->operation;
    const auto last =
        std::find_if(first, o.steps.end(), [=](const content_step& s) { return s.operation != operation; });
    if (operation <= behind || !first->is_cut) {
      steps.insert(steps.end(), first, last);
      first = last;
      continue;
    }
    std::vector<publication_id> by;
    std::vector<content_span> all;
    for (auto s = first; s != last; ++s) {
      by.push_back(s->by);
      for (const content_span& part : s->holds) add_span(all, part);
    }
    const std::uint64_t begin = first->begin_bytes, bytes = std::prev(last)->end_bytes - begin;
    const std::vector<std::uint64_t> ends = extent_ends(begin, bytes, ordered_extent_bytes_max_);
    for (; by.size() > ends.size(); by.pop_back()) make_void(by.back());
    while (by.size() < ends.size()) by.push_back(ask_beside(by.front()));
    for (std::size_t n = 0; n < ends.size(); ++n) {
      content_step& s = steps.emplace_back(*first);
      s.by = by[n];
      s.begin_bytes = n == 0 ? begin : ends[n - 1];
      s.end_bytes = s.object_bytes = ends[n];
      s.holds.clear();
      for (const content_span& part : all) {
        const content_span mine = part.part(s.begin_bytes, s.end_bytes);
        if (mine.begin_bytes < mine.end_bytes) s.holds.push_back(mine);
      }
    }
    first = last;
  }
  o.steps = std::move(steps);
}

std::vector<publication_id> model::publications_of(object_index i, std::uint64_t operation) const {
  std::vector<publication_id> all;
  for (const content_step& s : objects_[i].steps)
    if (s.operation == operation && s.answered == 0) all.push_back(s.by);
  return all;
}

std::pair<std::uint64_t, std::uint64_t> model::ends_of(object_index i) const {
  const model_object& o = objects_[i];
  std::pair<std::uint64_t, std::uint64_t> ends{o.now.bytes, o.now.bytes};
  for (const content_step& s : o.steps) {
    if (!s.sets_end || s.answered != 0) continue;
    ends.first = std::min(ends.first, s.object_bytes);
    ends.second = std::max(ends.second, s.object_bytes);
  }
  return ends;
}

bool model::resolve_end(object_index i, std::uint64_t bytes) {
  model_object& o = objects_[i];
  const auto is_open = [](const content_step& s) { return s.sets_end && s.answered == 0; };
  if (bytes < o.now.bytes) return false;
  std::uint64_t end = o.now.bytes;
  for (content_step& s : o.steps) {
    if (!is_open(s) || s.object_bytes > bytes) continue;
    end = s.object_bytes;
    o.now.fence_epoch = std::max(o.now.fence_epoch, s.raise_fence_to);
    if (of(s.by).answered == 0) of(s.by).answered = tick();
    s.answered = of(s.by).answered;
  }
  if (end != bytes) return false;
  std::erase_if(o.steps, [&](const content_step& s) {
    if (is_open(s)) make_void(s.by);
    return is_open(s);
  });
  o.now.bytes = o.asked_end = bytes;
  o.unresolved = false;
  return true;
}

std::vector<content_span> model::newest(object_index i, std::uint64_t begin, std::uint64_t end) const {
  return newest_content(objects_[i].content, objects_[i].steps, begin, end);
}

void model::renamed(object_index i, name_index to) {
  model_object& o = objects_[i];
  if (o.now.name != none) {
    if (names_[o.now.name].holder == i) names_[o.now.name].holder = none;
    names_[o.now.name].changed = tick();
  }
  o.now.name = to;
  o.collection = collection_of(to);
  o.name_changed = tick();
  names_[to].holder = i;
  names_[to].changed = tick();
}

void model::attributes_set(object_index i, std::uint32_t version) {
  objects_[i].now.version = version;
  objects_[i].attributes_changed = tick();
}

std::optional<std::uint64_t> model::find_wrong_byte(object_index i, std::uint64_t offset_bytes,
                                                    std::span<const std::byte> bytes, moment since) const {
  const model_object& o = objects_[i];
  for (const stretch& s : stretches(o.content, o.steps, offset_bytes, offset_bytes + bytes.size())) {
    std::size_t oldest = 0;
    for (std::size_t k = 0; k < s.steps.size(); ++k) {
      const moment answered = o.steps[s.steps[k]].answered;
      if (answered != 0 && answered < since) oldest = k + 1;
    }
    const auto part = bytes.subspan(s.begin_bytes - offset_bytes, s.end_bytes - s.begin_bytes);
    std::uint64_t furthest = s.begin_bytes;
    for (std::size_t k = s.versions.size(); k-- > oldest && furthest != endless;)
      furthest = std::max(furthest, s.versions[k].first_difference(s.begin_bytes, part));
    if (furthest != endless) return furthest;
  }
  return std::nullopt;
}

void model::fold_object(model_object& o) {
  const auto durable = [&](publication_id id) { return id != 0 && (id < first_ || is_durable(of(id))); };
  if (durable(o.created_by)) o.base.exists = true, o.created_by = 0;
  std::size_t count = 0;
  const moment seen = o.reads.empty() ? ~moment{0} : *std::ranges::min_element(o.reads);
  while (count < o.steps.size() && durable(o.steps[count].by) && o.steps[count].answered < seen) {
    const content_step& s = o.steps[count++];
    o.content.paint(s.holds);
    if (s.sets_end) o.base.bytes = s.object_bytes;
    o.base.fence_epoch = std::max(o.base.fence_epoch, s.raise_fence_to);
  }
  o.steps.erase(o.steps.begin(), o.steps.begin() + static_cast<std::ptrdiff_t>(count));
  for (count = 0; count < o.names.size() && durable(o.names[count].by); ++count) o.base.name = o.names[count].name;
  o.names.erase(o.names.begin(), o.names.begin() + static_cast<std::ptrdiff_t>(count));
  for (count = 0; count < o.attributes.size() && durable(o.attributes[count].by); ++count) {
    o.base.version = o.attributes[count].version;
  }
  o.attributes.erase(o.attributes.begin(), o.attributes.begin() + static_cast<std::ptrdiff_t>(count));
  if (durable(o.removed_by)) o.base.exists = false, o.removed_by = 0;
}

void model::fold() {
  if (keeps_history_) return;
  // What was answered before a durable publication was asked for came before it, and is durable too.
  for (const publication& p : publications_) {
    if (p.sequence != 0 && p.sequence <= durable_) durable_asked_ = std::max(durable_asked_, p.asked);
  }
  for (const object_index i : remembered_) fold_object(objects_[i]);
  std::erase_if(remembered_, [&](object_index i) {
    model_object& o = objects_[i];
    const bool quiet = o.created_by == 0 && o.removed_by == 0 && o.steps.empty() && o.names.empty();
    o.forgotten = quiet && !o.base.exists && o.handles == 0 && o.other_users == 0;
    if (!o.forgotten) return false;
    tags_.erase(o.tag);
    o = model_object{};
    o.forgotten = true;
    return true;
  });
  while (!publications_.empty() && (publications_.front().is_void || is_durable(publications_.front()))) {
    publications_.pop_front();
    ++first_;
  }
}

}  // namespace furrow::sim
