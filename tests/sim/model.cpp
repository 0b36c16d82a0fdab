// Keeping the histories. What may be after an interruption: model_recovery.cpp.
#include "sim/model.hpp"

#include <algorithm>

#include "sim/content.hpp"
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

void extend(std::vector<piece>& pieces, const end_step& by) {
  const piece& last = pieces.back();
  if (last.stream_begin + (by.begin_bytes - last.begin_bytes) == by.stream_begin) return;
  pieces.push_back({by.begin_bytes, by.stream_begin});
}

model::model(std::uint64_t seed, std::size_t names) : seed_{seed} {
  for (std::size_t i = 0; i < names; ++i) names_.push_back({.text = make_name(i)});
  std::ranges::sort(names_, {}, &name_entry::text);
}

object_index model::add_object() {
  const object_index i = objects_.size();
  model_object& o = objects_.emplace_back();
  o.tag = mix(mix(seed_) + i) | 1;
  o.pieces.push_back({0, 0});
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
  for (const end_step& s : o.ends) flag(s.by);
  for (const name_step& s : o.names) flag(s.by);
  for (const attributes_step& s : o.attributes) flag(s.by);
}

bool model::is_durable(const publication& p) const {
  if (p.is_void) return false;
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

void model::ended(object_index i, std::uint64_t operation) {
  model_object& o = objects_[i];
  for (const end_step& s : o.ends) {
    if (s.operation > operation) break;
    o.now.bytes = std::max(o.now.bytes, s.end_bytes);
    o.now.fence_epoch = std::max(o.now.fence_epoch, s.raise_fence_to);
  }
}

void model::drop_append(object_index i, std::uint64_t operation) {
  model_object& o = objects_[i];
  std::uint64_t bytes = 0;
  std::erase_if(o.ends, [&](end_step& s) {
    if (s.operation == operation) {
      bytes += s.end_bytes - s.begin_bytes;
      make_void(s.by);
      return true;
    }
    if (s.operation > operation) s.begin_bytes -= bytes, s.end_bytes -= bytes;
    return false;
  });
  o.asked_end -= bytes;
}

bool model::resolve_end(object_index i, std::uint64_t bytes) {
  model_object& o = objects_[i];
  const auto is_kept = [&](const end_step& s) { return s.end_bytes <= bytes; };
  const auto first_lost = std::ranges::partition_point(o.ends, is_kept);
  const std::uint64_t end = first_lost == o.ends.begin() ? o.base.bytes : std::prev(first_lost)->end_bytes;
  if (end != bytes || bytes < o.now.bytes) return false;
  for (auto s = o.ends.begin(); s != first_lost; ++s) {
    o.now.fence_epoch = std::max(o.now.fence_epoch, s->raise_fence_to);
    if (of(s->by).answered == 0) of(s->by).answered = tick();
  }
  for (auto s = first_lost; s != o.ends.end(); ++s) make_void(s->by);
  o.ends.erase(first_lost, o.ends.end());
  o.now.bytes = o.asked_end = bytes;
  o.unresolved = false;
  return true;
}

void model::renamed(object_index i, name_index to) {
  model_object& o = objects_[i];
  if (o.now.name != none) {
    if (names_[o.now.name].holder == i) names_[o.now.name].holder = none;
    names_[o.now.name].changed = tick();
  }
  o.now.name = to;
  o.name_changed = tick();
  names_[to].holder = i;
  names_[to].changed = tick();
}

void model::attributes_set(object_index i, std::uint32_t version) {
  objects_[i].now.version = version;
  objects_[i].attributes_changed = tick();
}

std::optional<std::uint64_t> model::find_wrong_byte(object_index i, std::uint64_t offset_bytes,
                                                    std::span<const std::byte> bytes) const {
  const model_object& o = objects_[i];
  std::uint64_t at = offset_bytes;
  const std::uint64_t end = offset_bytes + bytes.size();
  while (at < end) {
    std::uint64_t stream = 0;
    std::uint64_t part_end = 0;
    if (at < o.base.bytes) {
      const auto next = std::ranges::upper_bound(o.pieces, at, {}, &piece::begin_bytes);
      const piece& p = *std::prev(next);
      stream = p.stream_begin + (at - p.begin_bytes);
      part_end = next == o.pieces.end() ? o.base.bytes : std::min(o.base.bytes, next->begin_bytes);
    } else {
      const auto s = std::ranges::upper_bound(o.ends, at, {}, &end_step::end_bytes);
      if (s == o.ends.end()) return at;
      stream = s->stream_begin + (at - s->begin_bytes);
      part_end = s->end_bytes;
    }
    const std::uint64_t count = std::min(part_end, end) - at;
    const auto wrong = find_foreign_byte(bytes.subspan(at - offset_bytes, count), o.tag, stream);
    if (wrong) return at + *wrong;
    at += count;
  }
  return std::nullopt;
}

void model::fold_object(model_object& o) {
  const auto durable = [&](publication_id id) { return id != 0 && (id < first_ || is_durable(of(id))); };
  if (durable(o.created_by)) o.base.exists = true, o.created_by = 0;
  std::size_t count = 0;
  while (count < o.ends.size() && durable(o.ends[count].by)) {
    const end_step& s = o.ends[count++];
    extend(o.pieces, s);
    o.base.bytes = s.end_bytes;
    o.base.fence_epoch = std::max(o.base.fence_epoch, s.raise_fence_to);
  }
  o.ends.erase(o.ends.begin(), o.ends.begin() + static_cast<std::ptrdiff_t>(count));
  for (count = 0; count < o.names.size() && durable(o.names[count].by); ++count) o.base.name = o.names[count].name;
  o.names.erase(o.names.begin(), o.names.begin() + static_cast<std::ptrdiff_t>(count));
  for (count = 0; count < o.attributes.size() && durable(o.attributes[count].by); ++count) {
    o.base.version = o.attributes[count].version;
  }
  o.attributes.erase(o.attributes.begin(), o.attributes.begin() + static_cast<std::ptrdiff_t>(count));
  if (durable(o.removed_by)) o.base.exists = false, o.removed_by = 0;
}

void model::fold() {
  // What was answered before a durable publication was asked for came before it, and is durable too.
  for (const publication& p : publications_) {
    if (p.sequence != 0 && p.sequence <= durable_) durable_asked_ = std::max(durable_asked_, p.asked);
  }
  for (const object_index i : remembered_) fold_object(objects_[i]);
  std::erase_if(remembered_, [&](object_index i) {
    model_object& o = objects_[i];
    const bool quiet = o.created_by == 0 && o.removed_by == 0 && o.ends.empty() && o.names.empty();
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
