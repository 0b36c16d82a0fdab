// Looks into a page tree and checks that everything that page_tree.hpp and tree_node.hpp promise is so.
#pragma once

#include <set>
#include <string>

#include "core/page_tree.hpp"

namespace furrow::core {

class tree_inspector {
 public:
  explicit tree_inspector(const page_tree& tree) : tree_{tree} {}

  /// Empty, or the first thing found wrong.
  [[nodiscard]] std::string fault() const;
  [[nodiscard]] std::string fault_of(const tree_snapshot& snapshot) const;

  /// Generations (unique in these tests) of pages that are named.
  [[nodiscard]] static std::set<std::uint64_t> named_by(const tree_slot& root, std::uint8_t level);
  [[nodiscard]] std::set<std::uint64_t> named_by_live() const { return named_by(tree_.root_, tree_.root_level_); }
  [[nodiscard]] static std::set<std::uint64_t> named_by(const tree_snapshot& s) {
    return named_by({s.root, {}}, s.level);
  }
  [[nodiscard]] const std::vector<format::page_ref>& dying() const { return tree_.dying_; }
  [[nodiscard]] unsigned levels() const { return tree_.root_.empty() ? 0 : tree_.root_level_ + 1u; }

 private:
  struct tally {
    std::uint64_t pages = 0;
    std::size_t dirty = 0;
    std::size_t leaves = 0;
    std::size_t listed = 0;
    bool live = true;
  };
  [[nodiscard]] static std::string walk(const tree_slot& slot, std::uint8_t level, format::key_view low,
                                        format::key_view high, bool parent_clean, tally& sum);
  [[nodiscard]] std::string finger_fault() const;
  [[nodiscard]] static std::string leaf_fault(const leaf_node& leaf, format::key_view low, format::key_view high);
  [[nodiscard]] static std::string index_fault(const index_node& node, format::key_view low, format::key_view high);

  const page_tree& tree_;
};

}  // namespace furrow::core
