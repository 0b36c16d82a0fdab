#include "core/range_lock.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace furrow::core {

namespace {

bool meets(const range_lock::ticket& t, std::uint64_t first, std::uint64_t end) {
  return t.first < end && first < t.end;
}

}  // namespace

bool range_lock::is_free_of(std::uint64_t first, std::uint64_t end) const {
  const auto behind = held_.lower_bound(end);
  if (behind != held_.begin() && std::prev(behind)->end > first) return false;
  return std::none_of(waiting_.begin(), waiting_.end(), [&](const ticket& w) { return meets(w, first, end); });
}

std::size_t range_lock::overlapping(std::uint64_t first, std::uint64_t end) const {
  std::size_t count = 0;
  for (auto h = held_.lower_bound(end); h != held_.begin() && std::prev(h)->end > first; --h) ++count;  // L1
  for (const ticket& w : waiting_) count += meets(w, first, end) ? 1u : 0u;
  return count;
}

bool range_lock::acquire(ticket& t, std::uint64_t first, std::uint64_t end) {
  FURROW_ASSERT(!t.held && !t.waits && first < end);
  t.first = first;
  t.end = end;
  t.before = idle() ? 0 : overlapping(first, end);
  t.held = t.before == 0;
  t.waits = !t.held;
  if (t.held)
    held_.insert(t);
  else
    waiting_.push_back(t);
  return t.held;
}

void range_lock::release(ticket& t, std::vector<ticket*>& now_held) {
  FURROW_ASSERT(t.held != t.waits);
  auto w = waiting_.begin();
  if (t.held)
    held_.erase(held_.iterator_to(t));
  else
    w = waiting_.erase(waiting_.iterator_to(t));  // those in front of it do not wait for it
  t.held = t.waits = false;
  while (w != waiting_.end()) {
    ticket& next = *w;
    if (!meets(next, t.first, t.end) || --next.before > 0) {
      ++w;
      continue;
    }
    w = waiting_.erase(w);
    next.waits = false;
    next.held = true;
    held_.insert(next);
    now_held.push_back(&next);
  }
}

}  // namespace furrow::core
