// Random work on a tree harness: key shapes and weights are drawn from the seed, so that some runs do hardly anything
// but erase, and others have index pages of three entries.
#pragma once

#include <algorithm>
#include <string>

#include "unit/engine/core/tree_harness.hpp"

namespace furrow::core {

class tree_workload {
 public:
  enum class shape : std::uint8_t { terse, wordy, extents };

  tree_workload(std::uint64_t seed, tree_harness& tree) : random_{seed}, tree_{tree} {
    shape_ = static_cast<shape>(below(random_, 3));
    value_bytes_max_ = below(random_, 2) == 0 ? 40 : format::cell_bytes_max;
    for (std::uint64_t& w : weights_) w = below(random_, 4) == 0 ? 0 : 1 + below(random_, 10);
    weights_[0] += 3;
  }

  void step() {
    std::uint64_t draw =
        below(random_, weights_[0] + weights_[1] + weights_[2] + weights_[3] + weights_[4] + weights_[5]);
    std::size_t what = 0;
    while (draw >= weights_[what]) draw -= weights_[what++];
    switch (what) {
      case 0: {
        const std::string k = key();
        tree_.put(k, value(k));
        break;
      }
      case 1:
        tree_.erase(below(random_, 2) == 0 ? key() : existing());
        break;
      case 2:
        tree_.look(below(random_, 2) == 0 ? key() : existing());
        break;
      case 3:
        erase_range();
        break;
      case 4:
        tree_.overwrite(existing(), 1 + below(random_, 20));
        break;
      default:
        tree_.rewrite_some(random_);
        break;
    }
  }

  [[nodiscard]] random_source& random() { return random_; }

  [[nodiscard]] std::string key() {
    switch (shape_) {
      case shape::terse:
        return letters(below(random_, 7));
      case shape::wordy:
        return std::string(1000, 'w') + letters(below(random_, 41));
      case shape::extents:
        return format::extent_key(below(random_, 4), below(random_, 300));
    }
    return {};
  }

 private:
  [[nodiscard]] std::string letters(std::uint64_t count) {
    static constexpr char alphabet[] = {'\0', 'a', 'b', '\x7f', '\x80', '\xff'};
    std::string s;
    for (std::uint64_t i = 0; i < count; ++i) s += alphabet[below(random_, sizeof alphabet)];
    return s;
  }
  [[nodiscard]] std::string value(const std::string& k) {
    const std::uint64_t most = std::min<std::uint64_t>(value_bytes_max_, format::cell_bytes_max - k.size());
    std::string v(below(random_, 4) == 0 ? most : below(random_, most + 1), '\0');
    for (char& c : v) c = static_cast<char>(random_());
    return v;
  }
  [[nodiscard]] std::string existing() {
    const auto at = tree_.model().lower_bound(key());
    return at == tree_.model().end() ? key() : at->first;
  }
  void erase_range() {
    std::string from = below(random_, 10) == 0 ? "" : below(random_, 2) == 0 ? key() : existing();
    std::string to = below(random_, 10) == 0 ? "" : key();
    if (below(random_, 3) != 0) {  // most ranges are short
      auto at = tree_.model().lower_bound(from);
      for (std::uint64_t n = below(random_, 12); n > 0 && at != tree_.model().end(); --n) ++at;
      if (at != tree_.model().end()) to = at->first;
    }
    if (!to.empty() && to < from && below(random_, 8) != 0) std::swap(from, to);
    tree_.erase_range(from, to);
  }

  random_source random_;
  tree_harness& tree_;
  shape shape_;
  std::uint64_t value_bytes_max_;
  std::array<std::uint64_t, 6> weights_{};
};

}  // namespace furrow::core
