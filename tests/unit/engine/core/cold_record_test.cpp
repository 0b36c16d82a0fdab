// Records of every kind over trees of which no leaf is in memory: each asks for the pages that it needs, one after the other, has
// changed nothing until it has them all, and then does what it does where all of them are at hand.
#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "edit_world.hpp"
#include "page_shelf.hpp"
#include "sim/random.hpp"

using namespace furrow;
using namespace furrow::core;
using namespace furrow::test;

namespace {

using world = edit_world_of<1024>;
constexpr std::uint64_t objects = 40;

/// A world with all its leaves in memory, and one with none of them when a record comes.
class twins {
 public:
  world warm, cold;
  std::array<std::size_t, std::variant_size_v<format::record_body>> waits{};  ///< By kind of record.

  void publish(const format::record_body& body) {
    CAPTURE(body.index());
    put_down();
    readiness done = cold.apply.prepare(body);
    for (std::size_t asked = 0; done.need; done = cold.apply.prepare(body)) {
      REQUIRE(++asked < 100);
      ++waits[body.index()];
      REQUIRE(shelf_.supply(cold.context.tree(done.need->kind), *done.need));
    }
    REQUIRE(std::string{done.fault != nullptr ? done.fault : ""}.empty());
    warm.publish(body);
    cold.context.hold_trees(true);
    cold.apply.apply(++sequence_, body);
    cold.context.hold_trees(false);
  }
  /// What an open of the object reads of it.
  void look(std::uint64_t id) {
    std::optional<format::object_value> v, other;
    std::vector<std::byte> tail, other_tail;
    attributes a, other_attributes;
    std::optional<format::doomed_value> doomed, other_doomed;
    REQUIRE(warm.apply.load(id, v).ready());
    REQUIRE(v);
    put_down();
    const auto with_pages = [&](const auto& load) {
      readiness done = load();
      for (; done.need; done = load()) {
        ++looks;
        REQUIRE(shelf_.supply(cold.context.tree(done.need->kind), *done.need));
      }
      REQUIRE(done.ready());
    };
    with_pages([&] { return cold.apply.load_tail(id, v->bytes, tail); });
    with_pages([&] { return cold.apply.load_attributes(id, *v, a); });
    with_pages([&] { return cold.apply.load_doomed(id, doomed); });
    with_pages([&] { return cold.apply.load(id, other); });
    CHECK(v == other);
    REQUIRE(warm.apply.load_tail(id, v->bytes, other_tail).ready());
    REQUIRE(warm.apply.load_attributes(id, *v, other_attributes).ready());
    REQUIRE(warm.apply.load_doomed(id, other_doomed).ready());
    CHECK(tail == other_tail);
    CHECK((a.user == other_attributes.user && a.link_target == other_attributes.link_target));
    CHECK(doomed == other_doomed);
  }
  void expect_same() {
    CHECK((shelf_.all_of(*cold.context.objects) == all_of(*warm.context.objects)));
    CHECK((shelf_.all_of(*cold.context.zone_pages) == all_of(*warm.context.zone_pages)));
    for (std::uint32_t z = 0; z < world::data_zones; ++z) CHECK(cold.live(z) == warm.live(z));
    CHECK(warm.check().findings.empty());
  }

  std::size_t looks = 0;

 private:
  void put_down() {
    cold.context.objects = shelf_.put_down(*cold.context.objects);
    cold.context.zone_pages = shelf_.put_down(*cold.context.zone_pages);
  }

  page_shelf shelf_;
  std::uint64_t sequence_ = 0;
};

/// Objects with names, attributes, tails and extents of many lengths, so that leaves begin and end anywhere in them.
class life {
 public:
  explicit life(std::uint64_t seed) : chance_{seed} {
    for (std::uint64_t id = 1; id <= objects; ++id) create(id);
    for (std::uint64_t id = 1; id <= objects; ++id)
      for (std::uint64_t i = 0; i < id % 7 * 3; ++i) write(id, i * 4, 2);
    for (std::uint64_t id = 1; id <= objects; ++id) clone(id, id % objects + 1);
    for (std::uint64_t id = 3; id <= objects; id += 3) put_tail(id, 1 + id * 211 % 1500);
  }
  void step() {
    const std::uint64_t id = object(), first = chance_.below(30);
    switch (chance_.below(12)) {
      case 0:
        return put_tail(id, chance_.within(1, 1500));
      case 1:
        return write(id, first, static_cast<std::uint32_t>(chance_.within(1, 4)));
      case 2:
        return clone(id, object());
      case 3:
        return clone(id, id);
      case 4:
        return punch(id, first, first + chance_.within(1, 9));
      case 5:
        return doom(id, first, first + chance_.within(1, 9));
      case 6:
      case 7:
        return move(id);
      case 8:
        return add(format::attributes_record{id, described()});
      case 9:
        return add(format::rename_record{id, 0, name(), 0});
      case 10:
        return add(format::collection_record{static_cast<std::uint32_t>(chance_.within(1, 20)),
                                             format::collection_action::quota, 1 << 30, "c", 1});
      default:
        return replace_by_name();
    }
  }
  void look() {
    for (const std::uint64_t id : alive_) both.look(id);
  }
  /// All objects end, and the zones with them.
  void end() {
    for (const std::uint64_t id : std::vector<std::uint64_t>{alive_}) remove(id);
    for (std::uint32_t z = 0; z < world::data_zones; ++z) {
      REQUIRE(both.warm.live(z) == 0);
      add(format::zone_free_record{0, {world::first_data_zone + z}, 2});
      add(format::zone_role_record{
          0, {world::first_data_zone + z}, format::zone_role::data, format::zone_class::unhinted, 2, 0});
    }
  }
  twins both;

 private:
  void add(const format::record_body& body) { both.publish(body); }
  std::uint64_t object() { return alive_[chance_.below(alive_.size())]; }
  std::string name() {
    return std::string(chance_.below(900), static_cast<char>('a' + chance_.below(26))) + std::to_string(++named_);
  }
  format::attribute_set described() {
    format::attribute_set a;
    a.user.assign(chance_.below(1024), std::byte{1});
    if (chance_.chance(300)) a.link_target.assign(chance_.within(1, 4000), 'l');
    return a;
  }
  void create(std::uint64_t id) {
    add(format::create_record{id, 0, name(), described()});
    alive_.push_back(id);
  }
  format::object_value value_of(std::uint64_t id) {
    std::optional<format::object_value> v;
    REQUIRE(both.warm.apply.load(id, v).ready());
    REQUIRE(v);
    return *v;
  }
  std::vector<std::byte> tail_of(std::uint64_t id, std::uint64_t bytes) {
    std::vector<std::byte> tail;
    REQUIRE(both.warm.apply.load_tail(id, bytes, tail).ready());
    return tail;
  }
  std::vector<extent_slice> slices(std::uint64_t id, std::uint64_t first, std::uint64_t end) {
    std::vector<extent_slice> found;
    REQUIRE(both.warm.editor.slices(id, first, end, 1000, found).ready());
    return found;
  }
  /// No two of them are one.
  zoned::device_address place(std::uint32_t blocks) {
    if (next_ + blocks > world::zone_blocks) ++zone_, next_ = 1;
    REQUIRE(zone_ < world::data_zones);
    next_ += blocks + 1;
    return world::at(zone_, next_ - blocks - 1);
  }
  void write(std::uint64_t id, std::uint64_t first, std::uint32_t blocks) {
    const format::object_value v = value_of(id);
    format::publish_record r;
    r.object = id;
    r.object_bytes = std::max(v.bytes, (first + blocks) * block_bytes);
    if (r.object_bytes == v.bytes) r.tail = tail_of(id, v.bytes);
    r.tail_epoch = v.tail_epoch;
    r.extents = {{first, {place(blocks), blocks}}};
    r.sums.assign(blocks, named_);
    for (const extent_slice& s : slices(id, first, first + blocks)) r.dropped.push_back(s.where);
    add(r);
  }
  void put_tail(std::uint64_t id, std::size_t bytes) {
    const format::object_value v = value_of(id);
    const auto from = static_cast<std::uint16_t>(v.bytes % block_bytes);
    if (from + bytes < block_bytes)
      add(format::tail_record{id, 1, 5, v.tail_epoch, from, std::vector<std::byte>(bytes, std::byte{7})});
  }
  void clone(std::uint64_t source, std::uint64_t id) {
    const format::object_value from = value_of(source), to = value_of(id);
    const std::uint64_t first = chance_.below(12), at = source == id ? first + 20 : first,
                        blocks = chance_.within(1, 9);
    if ((first + blocks) * block_bytes > from.bytes) return;
    format::clone_record r{
        id, source, std::max(to.bytes, (at + blocks) * block_bytes), 1, at, first, blocks, to.tail_epoch, {}, {}, {}};
    if (r.object_bytes == to.bytes) r.tail = tail_of(id, to.bytes);
    for (const extent_slice& s : slices(source, first, first + blocks))
      r.extents.push_back({s.object_block - first + at, s.where});
    for (const extent_slice& s : slices(id, at, at + blocks)) r.dropped.push_back(s.where);
    add(r);
  }
  void punch(std::uint64_t id, std::uint64_t first, std::uint64_t end) {
    const format::object_value v = value_of(id);
    format::punch_record r{id, v.bytes, 1, first, end, v.tail_epoch, false, {}, tail_of(id, v.bytes)};
    for (const extent_slice& s : slices(id, first, end)) r.extents.push_back({s.object_block, s.where});
    if (end * block_bytes <= v.bytes) add(r);
  }
  void doom(std::uint64_t id, std::uint64_t first, std::uint64_t end) {
    const format::object_value v = value_of(id);
    add(format::punch_record{id, v.bytes, 1, first, end, v.tail_epoch, true, {}, tail_of(id, v.bytes)});
    drop(id, first, end, format::drop_end::range);
  }
  void drop(std::uint64_t id, std::uint64_t first, std::uint64_t end, format::drop_end last) {
    const auto found = slices(id, first, end);
    format::drop_record half{id, format::drop_end::more, {}}, rest{id, last, {}};
    for (std::size_t i = 0; i < found.size(); ++i)
      (i < found.size() / 2 ? half : rest).extents.push_back({found[i].object_block, found[i].where});
    add(half);
    add(rest);
  }
  /// One block, for all that name it.
  void move(std::uint64_t id) {
    const auto of_it = both.warm.extents(id);
    if (of_it.empty()) return;
    const extent_cell& x = of_it[chance_.below(of_it.size())];
    const std::uint64_t address = x.address + chance_.below(x.blocks);
    format::move_record r;
    r.runs = {{zoned::device_address{0, address}, {place(1), 1}, {}}};
    r.sums = {named_};
    for (const std::uint64_t other : alive_)
      for (const extent_cell& y : both.warm.extents(other))
        if (y.address <= address && address < y.address + y.blocks)
          r.runs[0].names.push_back({other, y.first + (address - y.address)});
    add(r);
  }
  void remove(std::uint64_t id) {
    std::erase(alive_, id);
    add(format::remove_record{id});
    drop(id, 0, 1000, format::drop_end::object);
  }
  void replace_by_name() {
    const std::uint64_t id = object(), replaced = object();
    if (id == replaced || alive_.size() < objects / 2) return;
    std::erase(alive_, replaced);
    add(format::rename_record{id, 0, value_of(replaced).name, replaced});
    drop(replaced, 0, 1000, format::drop_end::object);
    create(next_object_++);
  }

  sim::prng chance_;
  std::vector<std::uint64_t> alive_;
  std::uint32_t zone_ = 0, next_ = 1, named_ = 0;
  std::uint64_t next_object_ = objects + 1;
};

}  // namespace

TEST_CASE("a record asks for the pages that it needs, and does the same with them as where all are at hand") {
  std::array<std::size_t, std::variant_size_v<format::record_body>> waits{};
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    life l{seed};
    for (int i = 0; i < 300; ++i) l.step();
    l.both.expect_same();
    l.look();
    CHECK(l.both.looks > objects);
    l.end();
    l.both.expect_same();
    for (std::size_t kind = 0; kind < waits.size(); ++kind) waits[kind] += l.both.waits[kind];
  }
  const format::record_body without[] = {format::zone_role_record{}, format::batch_begin_record{},
                                         format::batch_end_record{}};
  for (std::size_t kind = 0; kind < waits.size(); ++kind) {
    CAPTURE(kind);
    const bool asks = std::none_of(std::begin(without), std::end(without),
                                   [kind](const format::record_body& r) { return r.index() == kind; });
    CHECK((waits[kind] > 0) == asks);
  }
}
