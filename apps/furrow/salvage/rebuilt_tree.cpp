#include "rebuilt_tree.hpp"

#include <algorithm>
#include <tuple>

namespace furrow::cli {

namespace {

constexpr std::size_t cached_pages_max = 512;

/// Whether the end of one range is behind a key, or another end.
bool ends_behind(const format::key& end, format::key_view key) { return end.empty() || end > key; }
const format::key& lesser_end(const format::key& a, const format::key& b) {
  if (a.empty()) return b;
  return b.empty() || a < b ? a : b;
}

}  // namespace

rebuilt_tree::rebuilt_tree(raw_device& device, const survey& from, format::page_kind kind)
    : device_{device}, from_{from} {
  for (std::size_t i = 0; i < from.pages.size(); ++i) {
    const surveyed_page& p = from.pages[i];
    if (p.kind != kind) continue;
    newest_first_.push_back(i);
    by_generation_.emplace(p.generation, i);
  }
  const auto age = [&](std::size_t i) { return std::tuple{from.pages[i].epoch, from.pages[i].generation}; };
  std::stable_sort(newest_first_.begin(), newest_first_.end(),
                   [&](std::size_t a, std::size_t b) { return age(a) > age(b); });
  if (from.newest) {
    const format::tree_root& root = kind == format::page_kind::object ? from.newest->objects : from.newest->zones;
    from_root_ = true;
    if (const auto page = page_of(root.ref)) {
      speak(*page, range{}, *page);
    } else if (!root.ref.empty()) {
      lost_.push_back({root.level, root.ref});
    }
    from_root_ = false;
  }
  for (const std::size_t page : newest_first_) speak(page, std::nullopt, page);
  std::sort(segments_.begin(), segments_.end(),
            [](const segment& a, const segment& b) { return a.keys.lo < b.keys.lo; });
}

std::optional<std::size_t> rebuilt_tree::page_of(const format::page_ref& ref) const {
  const auto [begin, end] = by_generation_.equal_range(ref.generation);
  for (auto at = begin; at != end; ++at) {
    if (from_.pages[at->second].checksum == ref.checksum) return at->second;
  }
  return std::nullopt;
}

std::vector<rebuilt_tree::child> rebuilt_tree::children_of(std::size_t page) {
  const auto& bytes = bytes_of(page);
  std::vector<child> children;
  if (bytes.empty()) return children;
  const format::page_view view{std::span{bytes}.first<format::page_bytes>()};
  for (std::size_t i = 0; i < view.count(); ++i) {
    format::reader from{view.value(i)};
    const format::page_ref ref = format::page_ref::decode(from);
    if (from.failed() || ref.empty()) continue;
    const bool last = i + 1 == view.count();
    children.push_back(
        {{format::key{view.key(i)}, last ? format::key{} : format::key{view.key(i + 1)}}, ref, i == 0, last});
  }
  return children;
}

void rebuilt_tree::speak(std::size_t page, const std::optional<range>& keys, std::size_t spoken_by) {
  const surveyed_page& p = from_.pages[page];
  if (p.level == 0) {
    if (keys) return speak_leaf(page, *keys, spoken_by);
    if (p.first.empty() && p.last.empty()) return;
    return speak_leaf(page, {p.first, p.last + '\0'}, spoken_by);
  }
  for (child& c : children_of(page)) {
    const auto below = page_of(c.ref);
    if (!below && from_root_) lost_.push_back({static_cast<std::uint8_t>(p.level - 1), c.ref});
    if (!below || from_.pages[*below].level >= p.level) continue;
    const bool unknown = !keys && (c.open_below || c.open_above);
    if (unknown) {
      // What is known of the bounds: the child's own keys, cut to what the parent says.
      const surveyed_page& q = from_.pages[*below];
      if (q.level > 0) {
        speak(*below, std::nullopt, spoken_by);
      } else if (!q.last.empty()) {
        speak_leaf(*below, {c.open_below ? q.first : c.keys.lo, c.open_above ? q.last + '\0' : c.keys.hi}, spoken_by);
      }
      continue;
    }
    range its = c.keys;
    if (keys) {
      its.lo = std::max(its.lo, keys->lo);
      its.hi = lesser_end(its.hi, keys->hi);
    }
    if (ends_behind(its.hi, its.lo)) speak(*below, its, spoken_by);
  }
}

void rebuilt_tree::speak_leaf(std::size_t page, const range& keys, std::size_t spoken_by) {
  for (range& part : take(keys)) segments_.push_back({std::move(part), page, spoken_by});
}

std::vector<rebuilt_tree::range> rebuilt_tree::take(const range& keys) {
  std::vector<range> parts;
  range joined = keys;
  format::key at = keys.lo;
  bool whole = false;  // everything up to the end of `keys` was seen
  auto next = spoken_.upper_bound(keys.lo);
  if (next != spoken_.begin()) {
    const auto before = std::prev(next);
    if (before->second.empty() || before->second >= keys.lo) next = before;
  }
  while (!whole && next != spoken_.end() && (keys.hi.empty() || next->first <= keys.hi)) {
    if (next->first > at) parts.push_back({at, next->first});
    joined.lo = std::min(joined.lo, next->first);
    if (!joined.hi.empty() && ends_behind(next->second, joined.hi)) joined.hi = next->second;
    if (next->second.empty()) {
      joined.hi.clear();
      whole = true;
    } else {
      at = std::max(at, next->second);
      whole = !keys.hi.empty() && at >= keys.hi;
    }
    next = spoken_.erase(next);
  }
  if (!whole) parts.push_back({at, keys.hi});
  spoken_[joined.lo] = joined.hi;
  return parts;
}

const std::vector<std::byte>& rebuilt_tree::bytes_of(std::size_t page) {
  if (const auto known = cache_.find(page); known != cache_.end()) return known->second;
  if (cache_.size() >= cached_pages_max) cache_.clear();
  auto bytes = read_again(device_, *from_.store, from_.pages[page]);
  return cache_[page] = bytes ? std::move(*bytes) : std::vector<std::byte>{};
}

std::vector<rebuilt_tree::segment>::const_iterator rebuilt_tree::segment_of(format::key_view key) const {
  return std::partition_point(segments_.begin(), segments_.end(),
                              [&](const segment& s) { return !ends_behind(s.keys.hi, key); });
}

void rebuilt_tree::for_each(format::key_view first, const std::function<bool(const rebuilt_cell&)>& call) {
  for (auto at = segment_of(first); at != segments_.end(); ++at) {
    const std::vector<std::byte>& bytes = bytes_of(at->page);
    if (bytes.empty()) continue;
    const format::page_view page{std::span{bytes}.first<format::page_bytes>()};
    const surveyed_page& its = from_.pages[at->page];
    const format::key_view from = std::max(first, format::key_view{at->keys.lo});
    for (std::size_t i = page.lower_bound(from); i < page.count() && ends_behind(at->keys.hi, page.key(i)); ++i) {
      if (!call({page.key(i), page.value(i), {at->spoken_by, its.epoch, its.sequence}})) return;
    }
  }
}

std::uint64_t rebuilt_tree::known_at(const cell_origin& from) const {
  return std::max(from.sequence, from_.pages[from.spoken_by].sequence);
}

std::optional<std::uint64_t> rebuilt_tree::spoken_at(format::key_view key) const {
  const auto at = segment_of(key);
  if (at == segments_.end() || at->keys.lo > key) return std::nullopt;
  return std::max(from_.pages[at->page].sequence, from_.pages[at->spoken_by].sequence);
}

std::optional<std::uint64_t> object_of(format::key_view key) {
  if (const auto id = format::parse_object_key(key)) return id;
  if (const auto tail = format::parse_tail_key(key)) return tail->object;
  if (const auto attributes = format::parse_attributes_key(key)) return attributes->object;
  if (const auto extent = format::parse_extent_key(key)) return extent->object;
  return std::nullopt;
}

}  // namespace furrow::cli
