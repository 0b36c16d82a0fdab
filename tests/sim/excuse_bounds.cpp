// Keeping the accounts of excuses.
#include "sim/excuse_bounds.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace furrow::sim {

const char* name_of(excuse e) {
  constexpr std::array<const char*, excuse_count> names{
      "foretold",  "cancelled", "closed", "memory",    "busy",   "no_space", "quota",  "device_failed",
      "reopening", "lied",      "lost",   "too_large", "source", "gone",     "behind", "beyond_end"};
  return names[static_cast<std::size_t>(e)];
}

bool is_exact(excuse e) {
  return e == excuse::busy || e == excuse::no_space || e == excuse::quota || e == excuse::beyond_end;
}

void excuse_share::add(const excuse_share& other) {
  errors += other.errors;
  allowed += other.allowed;
  largest_per_mille = std::max(largest_per_mille, other.largest_per_mille);
}

void excuse_bounds::allow(excuse e, std::uint64_t errors) { now_[static_cast<std::size_t>(e)].allowed += errors; }

std::optional<std::string> excuse_bounds::spend(excuse e) {
  account& a = now_[static_cast<std::size_t>(e)];
  ++a.errors;
  if (is_exact(e) || a.errors <= a.allowed) return std::nullopt;
  return fmt::format("{} errors are excused as {}, and what has happened excuses {}", a.errors, name_of(e), a.allowed);
}

void excuse_bounds::begin_life() {
  before_ = shares();
  now_ = {};
}

excuse_shares excuse_bounds::shares() const {
  excuse_shares all = before_;
  for (std::size_t i = 0; i < excuse_count; ++i) {
    const account& a = now_[i];
    const std::uint64_t share = a.allowed == 0 ? 0 : a.errors * 1000 / a.allowed;
    all[i].add({a.errors, a.allowed, static_cast<std::uint32_t>(share)});
  }
  return all;
}

}  // namespace furrow::sim
