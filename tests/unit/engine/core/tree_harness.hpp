// A page tree over a page store in memory, beside a std::map that must agree with it, and a checkpointer.
//
// Each call reads the pages that the tree asks for and asks again. With `forgetful`, all that can be evicted is, after
// each call, so that each call answers with a need first. check() looks at everything.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "core/page_tree.hpp"
#include "unit/engine/core/tree_inspector.hpp"

namespace furrow::core {

using contents = std::map<std::string, std::string>;
using random_source = std::mt19937_64;

[[nodiscard]] inline std::uint64_t below(random_source& random, std::uint64_t bound) { return random() % bound; }
[[nodiscard]] inline format::value_view as_value(const std::string& s) { return std::as_bytes(std::span{s}); }
[[nodiscard]] inline std::string as_string(format::value_view v) {
  return {reinterpret_cast<const char*>(v.data()), v.size()};
}

/// Pages by the block they lie at. A page dies once, and not before it lies there.
class page_store {
 public:
  using page = std::array<std::byte, format::page_bytes>;

  void write(format::page_ref& ref, const page& bytes);
  void forget(const format::page_ref& ref);
  [[nodiscard]] const page& read(const format::page_ref& ref) const;
  [[nodiscard]] page& at(const format::page_ref& ref) { return pages_.at(ref.copies[0].block()); }
  [[nodiscard]] std::size_t pages() const { return pages_.size(); }
  void keep_only(const std::vector<format::page_ref>& refs);
  [[nodiscard]] std::set<std::uint64_t> generations() const;
  /// Generations of what a root reaches; all of it must be there and whole.
  [[nodiscard]] std::set<std::uint64_t> reachable(const format::tree_root& root, const format::uuid& store) const;

 private:
  void reach(const format::page_ref& ref, std::uint8_t level, const format::uuid& store,
             std::set<std::uint64_t>& to) const;
  std::map<std::uint64_t, page> pages_;
  std::uint64_t next_block_ = 1;
};

class tree_harness {
 public:
  static constexpr format::page_kind kind = format::page_kind::object;
  static const format::uuid store_id;

  explicit tree_harness(bool forgetful = false) : forgetful_{forgetful} { renew(); }

  void put(const std::string& key, const std::string& value);
  void erase(const std::string& key);
  void erase_range(const std::string& from, const std::string& to);
  /// Other values for up to `keys` keys that are there from this one on, whose leaves were all asked for before.
  void overwrite(const std::string& from, std::size_t keys);
  /// All three lookups of the key, compared with the map's.
  void look(const std::string& key);
  void look_at_all();
  /// Rewrites a page that the tree names, chosen by number.
  void rewrite_some(random_source& random);
  void evict(std::size_t leaves_max);

  void begin_checkpoint();
  /// Writes up to `nodes` of the lowest level that has dirty ones and places what was written earlier; false when the
  /// snapshot has no dirty node left.
  bool write_some(random_source& random, std::size_t nodes);
  void finish_checkpoint();
  /// No superblock is written; what is under way is placed afterwards.
  void abort_checkpoint();
  void checkpoint();
  [[nodiscard]] bool in_checkpoint() const { return snapshot_.has_value(); }

  /// A crash: what the last durable root names, and nothing else, is read back.
  void reopen();
  /// The tree that the durable root names, in full, is this.
  [[nodiscard]] contents durable_contents() const;
  [[nodiscard]] const contents& expected_durable() const { return durable_model_; }
  [[nodiscard]] const format::tree_root& durable_root() const { return durable_; }

  void check() const;
  [[nodiscard]] page_tree& tree() { return *tree_; }
  [[nodiscard]] page_store& pages() { return store_; }
  [[nodiscard]] const contents& model() const { return model_; }
  [[nodiscard]] std::uint64_t needs() const { return needs_; }
  [[nodiscard]] unsigned levels() const { return tree_inspector{*tree_}.levels(); }

  static void load_index(page_tree& tree, const page_store& store);
  [[nodiscard]] static contents read_all(page_tree& tree, const page_store& store);

 private:
  struct written {
    node_ptr node;
    format::page_ref ref;
  };
  void renew();
  void after();
  void use_kept_hints();
  [[nodiscard]] page_tree::spot spot_of(const std::string& key, const page_tree::spot& near,
                                        const page_tree::leaf_hint& hint);
  void supply(const page_need& need);
  void place(const written& w);
  template <class Call>
  [[nodiscard]] tree_lookup until_ready(Call call);

  bool forgetful_;
  page_store store_;
  std::unique_ptr<page_tree> tree_;
  std::vector<std::pair<std::string, page_tree::leaf_hint>> hints_;  ///< Of some while ago.
  contents model_;
  contents frozen_model_;
  contents durable_model_;
  format::tree_root durable_;
  std::optional<tree_snapshot> snapshot_;
  std::vector<written> under_way_;
  std::vector<format::page_ref> doomed_;  ///< Dead with the next durable root.
  std::uint64_t generation_ = 0;
  std::uint64_t now_ = 0;
  std::uint64_t needs_ = 0;
};

}  // namespace furrow::core
