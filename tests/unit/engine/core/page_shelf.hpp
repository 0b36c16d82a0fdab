// Pages that trees were written to, without a device: a tree put down comes back with its index alone, and asks for each leaf.
//
// Not here: which pages a record needs; the tests say so.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "core/page_tree.hpp"
#include "edit_world.hpp"

namespace furrow::test {

class page_shelf {
 public:
  std::set<std::uint64_t> unreadable;
  std::vector<std::uint64_t> leaves;

  /// Writes all of the tree, and reads its index back into another one.
  std::unique_ptr<core::page_tree> put_down(core::page_tree& tree) {
    static_cast<void>(tree.take_dying());
    core::tree_snapshot snapshot = tree.freeze();
    for (std::uint8_t level = 0; level <= snapshot.level; ++level)
      for (const core::node_ptr& node : core::page_tree::collect_dirty(snapshot, level)) {
        std::array<std::byte, format::page_bytes> page{};
        format::page_ref ref = tree.seal(*node, page, next_, 1, 1);
        ref.copies[0] = zoned::device_address{0, next_};
        if (level == 0) leaves.push_back(ref.copies[0].block());
        pages_[next_++] = page;
        tree.placed(*node, ref);
      }
    auto again = std::make_unique<core::page_tree>(tree.kind(), format::uuid{});
    REQUIRE(again->open(core::page_tree::root_of(snapshot)));
    tree.drop(std::move(snapshot));
    for (auto needs = again->missing_index(); !needs.empty(); needs = again->missing_index())
      for (const core::page_need& n : needs) REQUIRE(supply(*again, n));
    return again;
  }
  bool supply(core::page_tree& to, const core::page_need& need) {
    const std::uint64_t block = need.ref.copies[0].block();
    if (unreadable.contains(block)) return false;
    REQUIRE(to.supply(need, pages_.at(block)));
    return true;
  }
  cells all_of(core::page_tree& tree) {
    cells to;
    for (format::key from;;) {
      const auto l = tree.find_from(from);
      if (!l.ready()) {
        REQUIRE(supply(tree, l.page()));
        continue;
      }
      if (!l.has_cell()) return to;
      from = format::key{l.cell().key};
      to[from] = {reinterpret_cast<const char*>(l.cell().value.data()), l.cell().value.size()};
      from += '\0';
    }
  }

 private:
  std::map<std::uint64_t, std::array<std::byte, format::page_bytes>> pages_;
  std::uint64_t next_ = 1;
};

}  // namespace furrow::test
