// Which operations end by themselves, and when; a plain value without a clock.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <utility>

#include "core/messages.hpp"

namespace furrow::driver {

class deadlines {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  void add(time_point at, core::operation_id id) { entries_.emplace(at, id); }
  void remove(time_point at, core::operation_id id) { entries_.erase({at, id}); }

  [[nodiscard]] std::optional<time_point> earliest() const {
    if (entries_.empty()) return std::nullopt;
    return entries_.begin()->first;
  }
  /// The next one that has passed, once.
  [[nodiscard]] std::optional<core::operation_id> take_passed(time_point now) {
    if (entries_.empty() || entries_.begin()->first > now) return std::nullopt;
    const core::operation_id id = entries_.begin()->second;
    entries_.erase(entries_.begin());
    return id;
  }
  void clear() { entries_.clear(); }

 private:
  std::set<std::pair<time_point, core::operation_id>> entries_;
};

}  // namespace furrow::driver
