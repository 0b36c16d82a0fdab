// Records replayed, whose objects' values go into the tree at the end, against the same records published one by one; and
// extents in the place of whole ones against a model of blocks.
#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "edit_world.hpp"
#include "sim/random.hpp"

using namespace furrow;
using namespace furrow::core;
using namespace furrow::test;

namespace {

/// What a store's user does to three objects, as records, and where each block lies then.
class history {
 public:
  explicit history(std::uint64_t seed) : chance_{seed} {
    for (std::uint64_t id = 1; id <= objects; ++id)
      records.push_back(format::create_record{id, default_collection, "name " + std::to_string(id), {}});
  }
  /// False: the zones are full. Which blocks are replaced is looked up in `w`, which has all records before.
  bool add_write(edit_world& w) {
    const std::uint64_t object = chance_.within(1, objects);
    std::uint64_t first = chance_.below(5) * 4, blocks = 4;  // mostly whole extents, in the place of such
    if (chance_.chance(200)) first += chance_.below(3), blocks = chance_.within(1, 6);
    if (place_ + blocks > edit_world::zone_blocks) {
      if (++zone_ == edit_world::data_zones) return false;
      place_ = 1;
    }
    format::publish_record r;
    r.object = object;
    r.object_bytes = bytes_[object] = std::max(bytes_[object], (first + blocks) * block_bytes);
    r.modified_ns = static_cast<std::int64_t>(records.size());
    r.cls = chance_.chance(100) ? format::zone_class::extreme : format::zone_class::unhinted;
    r.extents = {{first, {edit_world::at(zone_, place_), static_cast<std::uint32_t>(blocks)}}};
    r.sums.assign(blocks, static_cast<std::uint32_t>(records.size()));
    std::vector<extent_slice> replaced;
    REQUIRE(w.editor.slices(object, first, first + blocks, 100, replaced).ready());
    for (const extent_slice& s : replaced) r.dropped.push_back(s.where);
    for (std::uint64_t b = 0; b < blocks; ++b) model[object][first + b] = edit_world::at(zone_, place_).block() + b;
    place_ += static_cast<std::uint32_t>(blocks);
    records.push_back(std::move(r));
    return true;
  }
  void add_clone(edit_world& w) {
    const std::uint64_t source = chance_.within(1, objects), object = source % objects + 1, first = chance_.below(8);
    format::clone_record r{object, source, 0, 1, first, first, chance_.within(1, 4), 0, {}, {}, {}};
    if ((first + r.blocks) * block_bytes > bytes_[source]) return;
    r.object_bytes = bytes_[object] = std::max(bytes_[object], (first + r.blocks) * block_bytes);
    std::vector<extent_slice> found;
    REQUIRE(w.editor.slices(source, first, first + r.blocks, 100, found).ready());
    for (const extent_slice& s : found) r.extents.push_back({s.object_block, s.where});
    REQUIRE(w.editor.slices(object, first, first + r.blocks, 100, found).ready());
    for (const extent_slice& s : found) r.dropped.push_back(s.where);
    for (std::uint64_t b = first; b < first + r.blocks; ++b) {
      model[object].erase(b);
      if (const auto at = model[source].find(b); at != model[source].end()) model[object][b] = at->second;
    }
    records.push_back(std::move(r));
  }
  void add_remove() {
    const std::uint64_t object = chance_.within(1, objects);
    if (!removed_.insert({object, true}).second) return;
    records.push_back(format::remove_record{object});
  }

  static constexpr std::uint64_t objects = 3;
  std::vector<format::record_body> records;
  std::map<std::uint64_t, std::map<std::uint64_t, std::uint64_t>> model;  ///< Address by block.

 private:
  sim::prng chance_;
  std::map<std::uint64_t, std::uint64_t> bytes_;
  std::map<std::uint64_t, bool> removed_;
  std::uint32_t zone_ = 0, place_ = 1;
};

std::map<std::uint64_t, std::uint64_t> blocks_of(edit_world& w, std::uint64_t object) {
  std::map<std::uint64_t, std::uint64_t> to;
  for (const extent_cell& x : w.extents(object))
    for (std::uint64_t b = 0; b < x.blocks; ++b) to[x.first + b] = x.address + b;
  return to;
}

}  // namespace

TEST_CASE("a replay leaves the trees as the publications did") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    history h{seed};
    edit_world published, replayed;
    for (const format::record_body& r : h.records) published.publish(r);
    sim::prng chance{seed + 1000};
    for (bool room = true; room;) {
      const std::size_t before = h.records.size();
      if (chance.chance(80))
        h.add_clone(published);
      else if (chance.chance(5))
        h.add_remove();
      else
        room = h.add_write(published);
      for (std::size_t i = before; i < h.records.size(); ++i) published.publish(h.records[i]);
    }
    replayed.apply.keep_values();
    for (std::size_t i = 0; i < h.records.size(); ++i) {
      if (i == h.records.size() / 2) {  // in two parts
        replayed.apply.settle_values();
        replayed.apply.keep_values();
      }
      replayed.publish(h.records[i]);
    }
    for (std::uint64_t id = 1; id <= history::objects; ++id) {
      std::optional<format::object_value> one, other;
      REQUIRE(published.apply.load(id, one).ready());
      REQUIRE(replayed.apply.load(id, other).ready());
      CHECK(one == other);
      CHECK(blocks_of(published, id) == h.model[id]);
    }
    CHECK(replayed.apply.kept_values() == history::objects);
    replayed.apply.settle_values();
    CHECK(replayed.apply.kept_values() == 0);
    CHECK(all_of(*published.context.objects) == all_of(*replayed.context.objects));
    CHECK(all_of(*published.context.zone_pages) == all_of(*replayed.context.zone_pages));
    for (std::uint32_t z = 0; z < edit_world::data_zones; ++z) CHECK(published.live(z) == replayed.live(z));
    CHECK(published.check().findings.empty());
    CHECK(replayed.check().findings.empty());
  }
}

TEST_CASE("an extent in the place of a whole one is refused if the record names other blocks than it replaces") {
  edit_world w;
  w.publish(format::create_record{1, default_collection, "a", {}});
  const auto write = [](std::uint64_t first, std::uint32_t place, std::vector<format::block_run> dropped) {
    format::publish_record r;
    r.object = 1;
    r.object_bytes = 8 * block_bytes;
    r.extents = {{first, {edit_world::at(0, place), 4}}};
    r.sums.assign(4, 0);
    r.dropped = std::move(dropped);
    return r;
  };
  w.publish(write(0, 1, {}));
  w.publish(write(4, 10, {}));
  const auto refused = [&](const format::publish_record& r) { return w.apply.prepare(r).fault != nullptr; };
  CHECK_FALSE(refused(write(4, 20, {{edit_world::at(0, 10), 4}})));
  CHECK(refused(write(4, 20, {})));
  CHECK(refused(write(4, 20, {{edit_world::at(0, 11), 4}})));
  CHECK(refused(write(4, 20, {{edit_world::at(0, 10), 3}})));
  CHECK(refused(write(4, 20, {{edit_world::at(0, 10), 4}, {edit_world::at(0, 1), 4}})));
  w.context.zones.restore_live(w.context.zones[{edit_world::first_data_zone}], 3);
  CHECK(refused(write(4, 20, {{edit_world::at(0, 10), 4}})));  // fewer live there
}

TEST_CASE("an extent in the place of a whole one joins the one before it, if it lies behind that") {
  edit_world w;
  w.publish(format::create_record{1, default_collection, "a", {}});
  const auto write = [&w](std::uint64_t first, std::uint32_t place, std::vector<format::block_run> dropped) {
    format::publish_record r;
    r.object = 1;
    r.object_bytes = 12 * block_bytes;
    r.extents = {{first, {edit_world::at(0, place), 4}}};
    r.sums.assign(4, 0);
    r.dropped = std::move(dropped);
    w.publish(r);
  };
  write(0, 1, {});
  write(4, 20, {});
  write(8, 40, {});
  write(8, 30, {{edit_world::at(0, 40), 4}});
  CHECK(w.extents(1).size() == 3);
  write(4, 5, {{edit_world::at(0, 20), 4}});
  CHECK(w.extents(1).size() == 2);
  std::optional<format::object_value> v;
  REQUIRE(w.apply.load(1, v).ready());
  CHECK(v->extent_count == 2);
  CHECK(v->blocks == 12);
  CHECK(w.check().findings.empty());
}
