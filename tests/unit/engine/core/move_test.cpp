// Moves: who names blocks is found from their zone, whatever was cloned, cut and written over; a move record changes where
// blocks lie and nothing else.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>

#include "core/back_references.hpp"
#include "edit_world.hpp"
#include "sim/random.hpp"

using namespace furrow;
using namespace furrow::core;
using namespace furrow::test;

namespace {

constexpr std::uint64_t objects = 4;
constexpr std::size_t any = 1000;

/// Objects changed by records alone, beside what each of their blocks ought to be.
template <class World>
class moved_world_of {
 public:
  moved_world_of() {
    for (std::uint64_t o = 1; o <= objects; ++o) w.publish(format::create_record{o, 0, "", {}});
  }

  /// The next free blocks of a data zone, at most so many.
  format::block_run allocate(std::uint32_t zone, std::uint32_t blocks) {
    std::uint32_t& next = next_[zone];
    const std::uint32_t count = std::min(blocks, World::zone_blocks - next);
    next += count;
    return {World::at(zone, next - count), count};
  }
  [[nodiscard]] std::uint32_t room(std::uint32_t zone) const { return World::zone_blocks - next_[zone]; }
  [[nodiscard]] std::optional<std::uint32_t> any_with_room(sim::prng& r, std::uint32_t but) const {
    for (std::uint32_t i = 0, at = static_cast<std::uint32_t>(r.below(World::data_zones)); i < World::data_zones;
         ++i, at = (at + 1) % World::data_zones)
      if (at != but && room(at) > 0) return at;
    return std::nullopt;
  }

  void write(std::uint64_t object, std::uint64_t first, format::block_run where) {
    format::publish_record r;
    r.object = object;
    r.extents = {{first, where}};
    r.object_bytes = std::max(end_[object], first + where.blocks) * block_bytes;
    for (const extent_slice& s : slices(object, first, first + where.blocks)) r.dropped.push_back(s.where);
    for (std::uint32_t b = 0; b < where.blocks; ++b) {
      stored_[where.address.block() + b] = ++version_;
      is_[object][first + b] = version_;
      r.sums.push_back(static_cast<std::uint32_t>(version_));
    }
    end_[object] = r.object_bytes / block_bytes;
    w.publish(r);
  }
  void punch(std::uint64_t object, std::uint64_t first, std::uint64_t end) {
    format::punch_record r;
    r.object = object;
    r.object_bytes = end_[object] * block_bytes;
    r.first_block = first;
    r.end_block = end;
    for (const extent_slice& s : slices(object, first, end)) r.extents.push_back({s.object_block, s.where});
    is_[object].erase(is_[object].lower_bound(first), is_[object].lower_bound(end));
    w.publish(r);
  }
  void clone(std::uint64_t source, std::uint64_t from, std::uint64_t blocks, std::uint64_t object,
             std::uint64_t first) {
    format::clone_record r;
    r.object = object;
    r.source = source;
    r.first_block = first;
    r.source_block = from;
    r.blocks = blocks;
    end_[object] = std::max(end_[object], first + blocks);
    r.object_bytes = end_[object] * block_bytes;
    for (const extent_slice& s : slices(source, from, from + blocks))
      r.extents.push_back({s.object_block - from + first, s.where});
    for (const extent_slice& s : slices(object, first, first + blocks)) r.dropped.push_back(s.where);
    const auto was = is_[source];
    is_[object].erase(is_[object].lower_bound(first), is_[object].lower_bound(first + blocks));
    for (auto b = was.lower_bound(from); b != was.end() && b->first < from + blocks; ++b)
      is_[object][b->first - from + first] = b->second;
    w.publish(r);
  }
  /// All that lives in a part of a zone goes to another, as far as there is room; of each block so many names.
  void move(format::block_run part, std::uint32_t to_zone, std::size_t most = any) {
    std::vector<named_run> found;
    REQUIRE(who.find_all(part, most, found).ready());
    format::move_record r;
    for (named_run& n : found) {
      const format::block_run to = allocate(to_zone, n.where.blocks);
      if (to.blocks == 0) break;
      for (std::uint32_t b = 0; b < to.blocks; ++b) {
        const std::uint64_t was = stored_.at(n.where.address.block() + b);
        stored_[to.address.block() + b] = was;
        r.sums.push_back(static_cast<std::uint32_t>(was));
      }
      r.runs.push_back({n.where.address, to, n.names});
    }
    w.publish(r);
  }
  /// Zones that are written and in which nothing lives begin anew.
  void free_zones() {
    for (std::uint32_t zone = 0; zone < World::data_zones; ++zone) {
      if (next_[zone] == 1 || w.live(zone) > 0) continue;
      const zoned::zone_index index{World::first_data_zone + zone};
      w.publish(format::zone_free_record{0, index, 1});
      CHECK_FALSE(has_cells(zone));
      w.publish(format::zone_role_record{0, index, format::zone_role::data, format::zone_class::unhinted, 2, 0});
      next_[zone] = 1;
    }
  }

  void compare() {
    for (const auto& [object, blocks] : is_) {
      std::map<std::uint64_t, std::uint64_t> read;
      for (const extent_cell& x : w.extents(object))
        for (std::uint32_t b = 0; b < x.blocks; ++b) read[x.first + b] = stored_.at(x.address + b);
      REQUIRE(read == blocks);
    }
    for (std::uint32_t zone = 0; zone < World::data_zones; ++zone) {
      std::vector<named_run> found;
      REQUIRE(who.find_all({World::at(zone, 1), World::zone_blocks - 1}, any, found).ready());
      std::uint32_t blocks = 0;
      for (const named_run& n : found) blocks += n.where.blocks;
      REQUIRE(blocks == w.live(zone));  // no name is missing
    }
    compare_hints();
    const check_result c = w.check();
    INFO((c.findings.empty() ? "" : c.findings.front().what));
    REQUIRE(c.damage == 0);
  }

  /// Each is of blocks that its object names, and that no other hint of it is of. Returns how many there are.
  std::size_t compare_hints() {
    std::size_t count = 0;
    for (auto l = w.context.zone_pages->find_from(format::hints_from(0, {0}, 0)); l.has_cell(); ++count) {
      const format::key at{l.cell().key};
      const auto parts = format::parse_hint_key(at);
      const auto v = format::decode_hint(l.cell().value);
      REQUIRE((parts && v));
      const auto found = slices(parts->object, parts->object_block, parts->object_block + v->blocks);
      REQUIRE(found.size() == 1);
      REQUIRE(found[0].where == format::block_run{w.context.shape.address_of(parts->zone, parts->block), v->blocks});
      REQUIRE(parts->block / format::run_blocks_max == (parts->block + v->blocks - 1) / format::run_blocks_max);
      l = w.context.zone_pages->find_from(at + '\0');
    }
    return count;
  }

  World w;
  back_references who{w.context};

 private:
  std::vector<extent_slice> slices(std::uint64_t object, std::uint64_t first, std::uint64_t end) {
    std::vector<extent_slice> found;
    REQUIRE(w.editor.slices(object, first, end, any, found).ready());
    return found;
  }
  bool has_cells(std::uint32_t zone) {
    const zoned::zone_index index{World::first_data_zone + zone};
    const auto begins = [&](const format::short_key& from) {
      const auto l = w.context.zone_pages->find_from(from);
      return l.has_cell() && l.cell().key.substr(0, 7) == format::key_view{from}.substr(0, 7);
    };
    return begins(format::run_key(0, index, 0)) || begins(format::shared_key(0, index, 0)) ||
           begins(format::hints_from(0, index, 0));
  }

  std::uint32_t next_[World::data_zones] = {1, 1, 1, 1, 1, 1};
  std::map<std::uint64_t, std::uint64_t> stored_;                       // by address
  std::map<std::uint64_t, std::map<std::uint64_t, std::uint64_t>> is_;  // by object and block
  std::map<std::uint64_t, std::uint64_t> end_;                          // in blocks
  std::uint64_t version_ = 0;
};

using moved_world = moved_world_of<edit_world>;

}  // namespace

TEST_CASE("a moved run of one name is an extent elsewhere with its sums, and its zone is dead") {
  moved_world m;
  m.write(1, 0, m.allocate(0, 8));
  m.punch(1, 2, 3);
  m.move({edit_world::at(0, 1), 8}, 1);
  CHECK(text(m.w.extents(1)) ==
        text({{0, edit_world::at(1, 1).block(), 2, false}, {3, edit_world::at(1, 3).block(), 5, false}}));
  CHECK(m.w.live(0) == 0);
  CHECK(m.w.live(1) == 7);
  m.compare();
  m.free_zones();
  m.compare();
}

TEST_CASE("all names of a shared run go together, and it is shared in the new place") {
  moved_world m;
  m.write(1, 0, m.allocate(0, 8));
  m.clone(1, 2, 4, 2, 10);
  m.clone(2, 10, 2, 3, 0);  // a clone of a clone
  m.clone(1, 0, 4, 1, 20);  // within an object
  m.punch(1, 2, 5);         // the first writer names them no more
  m.move({edit_world::at(0, 1), 8}, 1);
  CHECK(m.w.live(0) == 0);
  m.compare();
  std::vector<named_run> found;
  REQUIRE(m.who.find({edit_world::at(1, 3), 2}, any, found).ready());
  REQUIRE(found.size() == 1);
  CHECK(found[0].names == std::vector<format::object_block>{{1, 22}, {2, 10}, {3, 0}});
  m.free_zones();
  m.compare();
  m.move({edit_world::at(1, 1), 40}, 2);  // and once more
  CHECK(m.w.live(1) == 0);
  m.compare();
}

TEST_CASE("of more names than asked for there are so many, and blocks of which one is not found are left out") {
  moved_world m;
  m.write(1, 0, m.allocate(0, 4));
  m.clone(1, 1, 1, 2, 0);
  std::vector<named_run> found;
  REQUIRE(m.who.find({edit_world::at(0, 1), 4}, 1, found).ready());
  REQUIRE(found.size() == 3);
  CHECK(found[0].where.blocks == 1);
  CHECK(found[1].more);
  CHECK(found[1].names == std::vector<format::object_block>{{1, 1}});
  CHECK(found[2].where == format::block_run{edit_world::at(0, 3), 2});
  CHECK_FALSE((found[0].more || found[2].more));
  const auto hint = format::hint_key(0, {edit_world::first_data_zone}, 2, 2, 0);
  REQUIRE(m.w.context.zone_pages->find(hint).has_cell());
  m.w.context.zone_pages->erase(hint);
  found.clear();
  REQUIRE(m.who.find({edit_world::at(0, 1), 4}, any, found).ready());
  CHECK(found.size() == 2);
}

TEST_CASE("of blocks with very many names few are looked at in one call, and in the end all") {
  moved_world m;
  m.write(1, 0, m.allocate(0, 32));
  for (std::uint64_t i = 0; i < 40; ++i) m.clone(1, 0, 32, 2, 32 * i);
  std::vector<named_run> found;
  REQUIRE(m.who.find({edit_world::at(0, 1), 32}, 4, found).ready());
  CHECK(m.who.looked_at() < 32);
  found.clear();
  REQUIRE(m.who.find_all({edit_world::at(0, 1), 32}, 4, found).ready());
  std::uint32_t blocks = 0;
  for (const named_run& n : found) {
    CHECK(n.more);
    CHECK(n.names.size() == 4);
    blocks += n.where.blocks;
  }
  CHECK(blocks == 32);
  m.move({edit_world::at(0, 1), 32}, 1, 4);  // a part of the names
  m.compare();
  for (std::uint32_t zone = 2; zone < edit_world::data_zones; ++zone) m.move({edit_world::at(0, 1), 32}, zone, 12);
  CHECK(m.w.live(0) == 0);
  m.compare();
}

TEST_CASE("of blocks that are taken from a clone the hints go, and of what is left they stay") {
  moved_world m;
  m.write(1, 0, m.allocate(0, 8));
  m.clone(1, 0, 8, 2, 0);
  CHECK(m.compare_hints() == 1);
  m.punch(2, 2, 4);
  CHECK(m.compare_hints() == 2);
  m.punch(1, 5, 6);  // for which they were written: it has none
  CHECK(m.compare_hints() == 2);
  m.compare();
  m.punch(2, 0, 1);
  m.punch(2, 4, 8);
  CHECK(m.compare_hints() == 1);
  m.compare();
  m.punch(2, 0, 2);
  CHECK(m.compare_hints() == 0);
  m.compare();
}

TEST_CASE("an image cloned, changed in part and removed ten thousand times leaves metadata as they were") {
  moved_world_of<edit_world_of<1024>> m;
  m.write(1, 0, m.allocate(0, 500));
  m.write(1, 500, m.allocate(0, 100));
  const std::uint64_t pages = m.w.context.zone_pages->pages();
  sim::prng r{1};
  for (int i = 0; i < 10'000; ++i) {
    m.clone(1, 0, 600, 2, 0);
    const std::uint64_t at = r.below(599);
    m.punch(2, at, at + 1 + r.below(600 - at));
    if (i % 100 == 0) {
      m.write(2, at, m.allocate(1, 1));
      m.compare();
    }
    m.punch(2, 0, 600);
    CHECK(m.compare_hints() == 0);
  }
  CHECK(m.w.context.zone_pages->pages() <= pages + 3);
  m.compare();
}

TEST_CASE("a move that is not of what is there is refused") {
  moved_world m;
  m.write(1, 0, m.allocate(0, 4));
  const format::block_run to = m.allocate(1, 2);
  const auto refused = [&](const format::moved_run& run) {
    format::move_record r;
    r.runs = {run};
    r.sums.assign(run.to.blocks, 0);
    return m.w.apply.prepare(r).fault != nullptr;
  };
  CHECK_FALSE(refused({edit_world::at(0, 1), to, {{1, 0}}}));
  CHECK(refused({edit_world::at(0, 2), to, {{1, 0}}}));                          // elsewhere
  CHECK(refused({edit_world::at(0, 4), to, {{1, 3}}}));                          // beyond its end
  CHECK(refused({edit_world::at(0, 1), to, {{2, 0}}}));                          // another object's
  CHECK(refused({edit_world::at(0, 1), to, {{9, 0}}}));                          // no object's
  CHECK(refused({edit_world::at(0, 1), {edit_world::at(1, 0), 2}, {{1, 0}}}));   // over a zone's header
  CHECK(refused({edit_world::at(0, 1), {edit_world::at(6, 1), 2}, {{1, 0}}}));   // no data zone
  CHECK(refused({edit_world::at(0, 1), {edit_world::at(1, 63), 2}, {{1, 0}}}));  // behind its end
}

TEST_CASE("records with sums are refused in a store without, those without in one that has them") {
  moved_world m;
  m.write(1, 0, m.allocate(0, 4));
  for (const bool kept : {true, false}) {
    m.w.context.super.data_checksum = kept ? format::checksum_kind::crc32c : format::checksum_kind::none;
    for (const bool given : {true, false}) {
      CAPTURE(kept);
      CAPTURE(given);
      format::move_record r;
      r.runs = {{edit_world::at(0, 1), {edit_world::at(1, 1), 2}, {{1, 0}}}};
      format::publish_record p;
      p.object = 1;
      p.object_bytes = 5 * block_bytes;
      p.extents = {{4, {edit_world::at(1, 1), 1}}};
      if (given) {
        r.sums.assign(2, 0);
        p.sums.assign(1, 0);
      }
      CHECK(m.w.apply.prepare(r).ready() == (kept == given));
      CHECK(m.w.apply.prepare(p).ready() == (kept == given));
      CHECK(m.w.apply.prepare(format::publish_record{.object = 1, .object_bytes = 4 * block_bytes}).ready());
    }
  }
}

namespace {

/// `object_blocks` and steps of at most `most` blocks.
template <class World>
void change_at_random(std::uint64_t seed, std::uint64_t object_blocks, std::uint64_t most) {
  sim::prng r{seed};
  moved_world_of<World> m;
  for (int step = 0; step < 300; ++step) {
    CAPTURE(step);
    const std::uint64_t object = 1 + r.below(objects), first = r.below(object_blocks);
    const std::uint64_t blocks = 1 + r.below(std::min(most, object_blocks - first));
    switch (r.below(5)) {
      case 0:
      case 1:
        if (const auto zone = m.any_with_room(r, ~0u))
          m.write(object, first, m.allocate(*zone, static_cast<std::uint32_t>(blocks)));
        break;
      case 2:
        m.punch(object, first, first + blocks);
        break;
      case 3: {
        const std::uint64_t source = 1 + r.below(objects), from = r.below(object_blocks - blocks + 1);
        if (source != object || from + blocks <= first || first + blocks <= from)
          m.clone(source, from, blocks, object, first);
        break;
      }
      default: {
        const auto victim = static_cast<std::uint32_t>(r.below(World::data_zones));
        const auto block = static_cast<std::uint32_t>(1 + r.below(World::zone_blocks - 1));
        const auto to = m.any_with_room(r, victim);
        if (to) m.move({World::at(victim, block), World::zone_blocks - block}, *to);
      }
    }
    m.free_zones();
    m.compare();
  }
}

}  // namespace

TEST_CASE("random writes, holes, clones and moves leave every block what it is, and every name to be found") {
  const char* const given = std::getenv("FURROW_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  CAPTURE(seed);
  for (std::uint64_t run = 0; run < 20; ++run) {
    CAPTURE(run);
    change_at_random<edit_world>(seed + run, 48, 12);
    if (run < 4) change_at_random<edit_world_of<700>>(seed + run, 600, 400);  // hints of more than one part
  }
}
