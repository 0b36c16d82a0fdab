#include "core/range_lock.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace furrow::core {

bool range_lock::overlaps_held(std::uint64_t first, std::uint64_t end) const {
  const auto behind = held_.lower_bound(end);
  return behind != held_.begin() && std::prev(behind)->end > first;
}

bool range_lock::is_free_of(std::uint64_t first, std::uint64_t end) const {
  return !overlaps_held(first, end) && std::none_of(waiting_.begin(), waiting_.end(),
                                                    [&](const ticket& w) { return w.first < end && first < w.end; });
}

bool range_lock::acquire(ticket& t, std::uint64_t first, std::uint64_t end) {
  FURROW_ASSERT(!t.held && !t.waits && first < end);
  t.first = first;
  t.end = end;
  t.held = is_free(first, end);
  t.waits = !t.held;
  if (t.held)
    held_.insert(t);
  else
    waiting_.push_back(t);
  return t.held;
}

void range_lock::release(ticket& t, std::vector<ticket*>& now_held) {
  FURROW_ASSERT(t.held != t.waits);
  if (t.held)
    held_.erase(held_.iterator_to(t));
  else
    waiting_.erase(waiting_.iterator_to(t));
  t.held = t.waits = false;
  for (auto w = waiting_.begin(); w != waiting_.end();) {
    const bool blocked =
        overlaps_held(w->first, w->end) || std::any_of(waiting_.begin(), w, [&w](const ticket& before) {  // L2
          return before.first < w->end && w->first < before.end;
        });
    if (blocked) {
      ++w;
      continue;
    }
    ticket& granted = *w;
    w = waiting_.erase(w);
    granted.waits = false;
    granted.held = true;
    held_.insert(granted);
    now_held.push_back(&granted);
  }
}

}  // namespace furrow::core
