#include "unit/engine/core/tree_harness.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace furrow::core {

const format::uuid tree_harness::store_id = [] {
  format::uuid id;
  id.fill(std::byte{0x5a});
  return id;
}();

void page_store::write(format::page_ref& ref, const page& bytes) {
  ref.copies[0] = zoned::device_address{0, next_block_};
  pages_[next_block_++] = bytes;
}

void page_store::forget(const format::page_ref& ref) { REQUIRE(pages_.erase(ref.copies[0].block()) == 1); }

const page_store::page& page_store::read(const format::page_ref& ref) const {
  const auto p = pages_.find(ref.copies[0].block());
  REQUIRE(p != pages_.end());
  return p->second;
}

void page_store::keep_only(const std::vector<format::page_ref>& refs) {
  std::set<std::uint64_t> blocks;
  for (const format::page_ref& r : refs) blocks.insert(r.copies[0].block());
  std::erase_if(pages_, [&](const auto& p) { return !blocks.contains(p.first); });
}

std::set<std::uint64_t> page_store::generations() const {
  std::set<std::uint64_t> all;
  for (const auto& [block, bytes] : pages_) {
    const auto identity = format::check_page(bytes, tree_harness::store_id);
    REQUIRE(identity.has_value());
    REQUIRE(all.insert(identity->generation).second);
  }
  return all;
}

void page_store::reach(const format::page_ref& ref, std::uint8_t level, const format::uuid& store,
                       std::set<std::uint64_t>& to) const {
  const page& bytes = read(ref);
  const auto identity = format::check_page(bytes, store);
  REQUIRE(identity.has_value());
  REQUIRE(identity->generation == ref.generation);
  REQUIRE(identity->level == level);
  REQUIRE(to.insert(ref.generation).second);
  if (level == 0) return;
  const format::page_view view{bytes};
  for (std::size_t i = 0; i < view.count(); ++i) {
    format::reader from{view.value(i)};
    reach(format::page_ref::decode(from), static_cast<std::uint8_t>(level - 1), store, to);
  }
}

std::set<std::uint64_t> page_store::reachable(const format::tree_root& root, const format::uuid& store) const {
  std::set<std::uint64_t> all;
  if (!root.ref.empty()) reach(root.ref, root.level, store, all);
  REQUIRE(all.size() == root.pages);
  return all;
}

void tree_harness::renew() {
  hints_.clear();
  tree_ = std::make_unique<page_tree>(kind, store_id);
}

void tree_harness::supply(const page_need& need) {
  ++needs_;
  REQUIRE(tree_->supply(need, store_.read(need.ref)));
}

void tree_harness::after() {
  tree_->advance(++now_);
  if (forgetful_) evict(0);
}

void tree_harness::evict(std::size_t leaves_max) { static_cast<void>(tree_->evict(leaves_max, now_ + 1)); }

template <class Call>
tree_lookup tree_harness::until_ready(Call call) {
  for (int tries = 0;; ++tries) {
    tree_lookup l = call();
    if (l.ready()) return l;
    REQUIRE(tries < 2);  // the leaf, and its neighbour
    supply(l.page());
  }
}

void tree_harness::put(const std::string& key, const std::string& value) {
  while (const auto need = tree_->prepare(key)) supply(*need);
  tree_->put(key, as_value(value));
  model_[key] = value;
  after();
}

void tree_harness::erase(const std::string& key) {
  while (const auto need = tree_->prepare(key)) supply(*need);
  REQUIRE(tree_->erase(key) == (model_.erase(key) == 1));
  after();
}

void tree_harness::overwrite(const std::string& from, std::size_t keys) {
  const auto first = model_.lower_bound(from);
  std::vector<page_tree::leaf_hint> hints;
  for (auto at = first; at != model_.end() && hints.size() < keys; ++at)
    hints.push_back(tree_->fetch_leaf(at->first, hints.empty() ? page_tree::leaf_hint{} : hints.back()));
  page_tree::spot near;
  auto at = first;
  for (const page_tree::leaf_hint& hint : hints) {
    tree_->fetch_cells(hint);
    const page_tree::spot spot = spot_of(at->first, near, hint);
    REQUIRE(spot.leaf != nullptr);
    REQUIRE(spot.cell().key == at->first);
    REQUIRE(as_string(spot.cell().value) == at->second);
    REQUIRE((!spot.before() || spot.before()->key == std::prev(at)->first));
    for (char& c : at->second) ++c;
    tree_->overwrite(spot, as_value(at->second));
    near.leaf = spot.leaf;
    near.at = spot.at;
    ++at;
  }
  use_kept_hints();
  hints_.clear();
  at = first;
  for (const page_tree::leaf_hint& hint : hints) hints_.emplace_back((at++)->first, hint);
  after();
}

/// Whatever was done since: a hint that still counts is of the key's leaf.
void tree_harness::use_kept_hints() {
  for (const auto& [key, hint] : hints_) {
    const page_tree::spot spot = spot_of(key, {}, hint);
    const auto at = model_.find(key);
    REQUIRE((spot.leaf != nullptr) == (at != model_.end()));
    if (spot.leaf != nullptr) REQUIRE(as_string(spot.cell().value) == at->second);
  }
}

page_tree::spot tree_harness::spot_of(const std::string& key, const page_tree::spot& near,
                                      const page_tree::leaf_hint& hint) {
  page_tree::spot spot = tree_->find_spot(key, near, hint);
  if (spot.missing) {
    supply(*spot.missing);
    spot = tree_->find_spot(key, near, hint);
  }
  return spot;
}

void tree_harness::erase_range(const std::string& from, const std::string& to) {
  for (int supplied = 0; const auto need = tree_->prepare_range(from, to); ++supplied) {
    REQUIRE(supplied < 2);
    supply(*need);
  }
  tree_->erase_range(from, to);
  if (to.empty()) {
    model_.erase(model_.lower_bound(from), model_.end());
  } else if (from < to) {
    model_.erase(model_.lower_bound(from), model_.lower_bound(to));
  }
  after();
}

void tree_harness::look(const std::string& key) {
  const auto same = [](const tree_lookup& l, bool there, contents::const_iterator expected) {
    REQUIRE(l.has_cell() == there);
    if (!there) return;
    REQUIRE(l.cell().key == expected->first);
    REQUIRE(as_string(l.cell().value) == expected->second);
  };
  const auto at = model_.find(key);
  same(until_ready([&] { return tree_->find(key); }), at != model_.end(), at);
  after();
  const auto from = model_.lower_bound(key);
  same(until_ready([&] { return tree_->find_from(key); }), from != model_.end(), from);
  after();
  const auto behind = model_.upper_bound(key);
  same(until_ready([&] { return tree_->find_to(key); }), behind != model_.begin(),
       behind == model_.begin() ? behind : std::prev(behind));
  after();
}

void tree_harness::look_at_all() {
  std::string key;
  for (const auto& [expected, value] : model_) {
    const tree_lookup l = until_ready([&] { return tree_->find_from(key); });
    REQUIRE(l.has_cell());
    REQUIRE(l.cell().key == expected);
    REQUIRE(as_string(l.cell().value) == value);
    key = expected + '\0';
    after();
  }
  REQUIRE(!until_ready([&] { return tree_->find_from(key); }).has_cell());
}

void tree_harness::rewrite_some(random_source& random) {
  std::vector<page_need> named;
  tree_->for_each_ref([&](const page_need& n) { named.push_back(n); });
  if (named.empty()) return;
  const page_need page = named[below(random, named.size())];
  while (const auto need = tree_->rewrite(page)) supply(*need);
  REQUIRE(!tree_inspector{*tree_}.named_by_live().contains(page.ref.generation));
  after();
}

void tree_harness::begin_checkpoint() {
  for (const written& w : std::exchange(under_way_, {})) place(w);
  const auto dying = tree_->take_dying();
  doomed_.insert(doomed_.end(), dying.begin(), dying.end());
  snapshot_ = tree_->freeze();
  frozen_model_ = model_;
}

void tree_harness::place(const written& w) { tree_->placed(*w.node, w.ref); }

bool tree_harness::write_some(random_source& random, std::size_t nodes) {
  std::shuffle(under_way_.begin(), under_way_.end(), random);
  for (const written& w : std::exchange(under_way_, {})) place(w);
  for (std::uint8_t level = 0; snapshot_->root && level <= snapshot_->level; ++level) {
    std::vector<node_ptr> dirty = page_tree::collect_dirty(*snapshot_, level);
    if (dirty.empty()) continue;
    std::shuffle(dirty.begin(), dirty.end(), random);
    dirty.resize(std::min(dirty.size(), nodes));
    for (const node_ptr& node : dirty) {
      page_store::page bytes;
      ++generation_;
      format::page_ref ref = tree_->seal(*node, bytes, generation_, 1, generation_);
      store_.write(ref, bytes);
      under_way_.push_back({node, ref});
    }
    return true;
  }
  return false;
}

void tree_harness::finish_checkpoint() {
  durable_ = page_tree::root_of(*snapshot_);
  durable_model_ = std::move(frozen_model_);
  for (const format::page_ref& ref : std::exchange(doomed_, {})) store_.forget(ref);
  tree_->drop(std::move(*snapshot_));
  snapshot_.reset();
  REQUIRE(store_.reachable(durable_, store_id) == store_.generations());
}

void tree_harness::abort_checkpoint() {
  tree_->drop(std::move(*snapshot_));
  snapshot_.reset();
}

void tree_harness::checkpoint() {
  random_source random{1};
  begin_checkpoint();
  while (write_some(random, 1000)) {
  }
  finish_checkpoint();
}

void tree_harness::reopen() {
  renew();
  snapshot_.reset();  // its nodes may outlive the tree
  under_way_.clear();
  doomed_.clear();
  const auto reached = store_.reachable(durable_, store_id);
  REQUIRE(tree_->open(durable_));
  load_index(*tree_, store_);
  std::vector<format::page_ref> named;
  tree_->for_each_ref([&](const page_need& n) { named.push_back(n.ref); });
  REQUIRE(named.size() == reached.size());
  REQUIRE(tree_->pages() == reached.size());
  store_.keep_only(named);
  model_ = durable_model_;
}

void tree_harness::load_index(page_tree& tree, const page_store& store) {
  for (auto missing = tree.missing_index(); !missing.empty(); missing = tree.missing_index()) {
    for (const page_need& need : missing) REQUIRE(tree.supply(need, store.read(need.ref)));
  }
}

contents tree_harness::read_all(page_tree& tree, const page_store& store) {
  contents all;
  std::string key;
  while (true) {
    const tree_lookup l = tree.find_from(key);
    if (!l.ready()) {
      REQUIRE(tree.supply(l.page(), store.read(l.page().ref)));
      continue;
    }
    if (!l.has_cell()) return all;
    all.emplace(l.cell().key, as_string(l.cell().value));
    key = format::key{l.cell().key} + '\0';
  }
}

contents tree_harness::durable_contents() const {
  page_tree tree{kind, store_id};
  REQUIRE(tree.open(durable_));
  load_index(tree, store_);
  return read_all(tree, store_);
}

void tree_harness::check() const {
  const tree_inspector inspect{*tree_};
  REQUIRE(inspect.fault() == "");
  std::set<std::uint64_t> accounted = inspect.named_by_live();
  for (const format::page_ref& r : inspect.dying()) accounted.insert(r.generation);
  for (const format::page_ref& r : doomed_) {
    REQUIRE(!accounted.contains(r.generation));  // neither live nor dying again
  }
  for (const format::page_ref& r : doomed_) accounted.insert(r.generation);
  if (snapshot_) {
    REQUIRE(inspect.fault_of(*snapshot_) == "");
    for (const format::page_ref& r : doomed_) {
      REQUIRE(!tree_inspector::named_by(*snapshot_).contains(r.generation));
    }
    for (const std::uint64_t generation : tree_inspector::named_by(*snapshot_)) {
      REQUIRE(accounted.contains(generation));  // what the snapshot alone names is dying already
    }
  }
  for (const written& w : under_way_) accounted.insert(w.ref.generation);
  REQUIRE(accounted == store_.generations());
}

}  // namespace furrow::core
