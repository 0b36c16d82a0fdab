#include "sim/history.hpp"

#include <algorithm>
#include <cstring>

#include "furrow/zoned/units.hpp"
#include "sim/content.hpp"

namespace furrow::sim {
namespace {

constexpr std::uint64_t block = zoned::store_block_bytes;

const content_span& find_span(std::span<const content_span> spans, std::uint64_t byte) {
  return *std::ranges::upper_bound(spans, byte, {}, &content_span::end_bytes);
}

}  // namespace

content_span content_span::part(std::uint64_t begin, std::uint64_t end) const {
  content_span s = *this;
  s.begin_bytes = std::max(begin, begin_bytes);
  s.end_bytes = std::min(end, end_bytes);
  if (what == stuff::data) s.stream += s.begin_bytes - begin_bytes;
  return s;
}

content_span content_span::moved_to(std::uint64_t begin) const {
  content_span s = *this;
  s.begin_bytes = begin;
  s.end_bytes = begin + (end_bytes - begin_bytes);
  return s;
}

bool content_span::continues(const content_span& before) const {
  if (what != before.what || before.end_bytes != begin_bytes) return false;
  return what != stuff::data ||
         (tag == before.tag && before.stream + (before.end_bytes - before.begin_bytes) == stream);
}

std::uint64_t content_span::first_difference(std::uint64_t at, std::span<const std::byte> bytes) const {
  if (what == stuff::unknown) return endless;
  if (what == stuff::nothing) return at;
  if (what == stuff::data) {
    const auto wrong = find_foreign_byte(bytes, tag, stream + (at - begin_bytes));
    return wrong ? at + *wrong : endless;
  }
  const auto wrong = find_nonzero_byte(bytes);
  return wrong ? at + *wrong : endless;
}

content_span zeros(std::uint64_t begin, std::uint64_t end) { return {begin, end, stuff::zeros}; }

content_span nothing_from(std::uint64_t begin) { return {begin, endless, stuff::nothing}; }

void add_span(std::vector<content_span>& to, const content_span& s) {
  if (s.begin_bytes == s.end_bytes) return;
  if (!to.empty() && s.continues(to.back()))
    to.back().end_bytes = s.end_bytes;
  else
    to.push_back(s);
}

void fill_spans(std::span<const content_span> spans, std::uint64_t at, std::span<std::byte> to) {
  const std::uint64_t end = at + to.size();
  for (const content_span& s : spans) {
    const content_span p = s.part(at, end);
    if (p.begin_bytes >= p.end_bytes) continue;
    const auto mine = to.subspan(p.begin_bytes - at, p.end_bytes - p.begin_bytes);
    if (p.what == stuff::data)
      fill_content(mine, p.tag, p.stream);
    else
      std::memset(mine.data(), 0, mine.size());
  }
}

void canvas::paint(std::span<const content_span> spans) {
  if (spans.empty()) return;
  const std::uint64_t begin = spans.front().begin_bytes, end = spans.back().end_bytes;
  const auto first = std::ranges::upper_bound(spans_, begin, {}, &content_span::end_bytes);
  const auto last = std::ranges::lower_bound(spans_, end, {}, &content_span::end_bytes);
  std::vector<content_span> with;
  const bool joins = first->begin_bytes == begin && first != spans_.begin();
  const auto from = joins ? std::prev(first) : first;
  if (joins) with.push_back(*from);
  if (first->begin_bytes < begin) with.push_back(first->part(0, begin));
  for (const content_span& s : spans) add_span(with, s);
  auto until = last;
  if (until != spans_.end()) {
    add_span(with, until->part(end, endless));
    ++until;
  }
  const auto at = spans_.erase(from, until);
  spans_.insert(at, with.begin(), with.end());
}

const content_span& canvas::at(std::uint64_t byte) const { return find_span(spans_, byte); }

const content_span& content_step::at(std::uint64_t byte) const { return find_span(holds, byte); }

void content_step::shift(std::uint64_t bytes_less) {
  begin_bytes -= bytes_less;
  end_bytes -= bytes_less;
  object_bytes -= bytes_less;
  for (content_span& s : holds) s = s.moved_to(s.begin_bytes - bytes_less);
}

std::vector<std::uint64_t> extent_ends(std::uint64_t begin_bytes, std::uint64_t bytes,
                                       std::uint64_t ordered_extent_bytes_max) {
  // Whole blocks are cut; what remains of the last one is the new tail and goes with the last extent.
  std::vector<std::uint64_t> ends;
  const std::uint64_t end = begin_bytes + bytes;
  std::uint64_t at = begin_bytes / block * block;
  const std::uint64_t whole_end = end / block * block;
  while (at + ordered_extent_bytes_max < whole_end) ends.push_back(at += ordered_extent_bytes_max);
  ends.push_back(end);
  return ends;
}

std::vector<stretch> stretches(const canvas& base, std::span<const content_step> steps, std::uint64_t begin,
                               std::uint64_t end, std::span<const std::uint64_t> cuts) {
  std::vector<std::uint64_t> at{begin, end};
  const auto cut = [&](std::uint64_t byte) {
    if (byte > begin && byte < end) at.push_back(byte);
  };
  for (const std::uint64_t byte : cuts) cut(byte);
  for (const content_span& s : base.spans()) cut(s.end_bytes);
  std::vector<std::size_t> touching;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].end_bytes <= begin || steps[i].begin_bytes >= end) continue;
    touching.push_back(i);
    cut(steps[i].begin_bytes);
    for (const content_span& s : steps[i].holds) cut(s.end_bytes);
  }
  std::ranges::sort(at);
  at.erase(std::ranges::unique(at).begin(), at.end());
  std::vector<stretch> all;
  for (std::size_t i = 0; i + 1 < at.size(); ++i) {
    stretch& s = all.emplace_back();
    s.begin_bytes = at[i];
    s.end_bytes = at[i + 1];
    s.versions.push_back(base.at(at[i]));
    for (const std::size_t k : touching) {
      if (steps[k].begin_bytes > at[i] || steps[k].end_bytes <= at[i]) continue;
      s.versions.push_back(steps[k].at(at[i]));
      s.steps.push_back(k);
    }
  }
  return all;
}

std::vector<content_span> newest_content(const canvas& base, std::span<const content_step> steps, std::uint64_t begin,
                                         std::uint64_t end) {
  std::vector<content_span> to;
  for (const stretch& s : stretches(base, steps, begin, end))
    add_span(to, s.versions.back().part(s.begin_bytes, s.end_bytes));
  return to;
}

}  // namespace furrow::sim
