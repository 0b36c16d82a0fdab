// Records that contradict what is there, as a journal may have them that was damaged or forged: each is refused with its reason
// before anything has changed.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "edit_world.hpp"

using namespace furrow;
using namespace furrow::core;
using namespace furrow::test;

namespace {

constexpr std::uint32_t no_such_zone = edit_world::zones;
constexpr zoned::device_address other_device{1, 2 * edit_world::zone_blocks + 1};
constexpr zoned::device_address behind_the_device{0, edit_world::zones* edit_world::zone_blocks + 1};

std::vector<std::byte> filled(std::size_t bytes) { return std::vector<std::byte>(bytes, std::byte{0xa5}); }

/// Object 1 has eight blocks in zone 0, of which object 2 shares the first two, and a tail of 100 bytes; 2 has one of 3000.
class world : public edit_world {
 public:
  world() {
    publish(format::create_record{1, default_collection, "one", {}});
    publish(format::create_record{2, default_collection, "two", {}});
    publish(write(0, {at(0, 1), 8}, {}));
    format::clone_record k = clone();
    k.object_bytes = 2 * block_bytes + 3000;
    k.tail = filled(3000);
    publish(k);
  }
  static format::publish_record write(std::uint64_t first, format::block_run where,
                                      std::vector<format::block_run> dropped) {
    format::publish_record r;
    r.object = 1;
    r.object_bytes = 8 * block_bytes + 100;
    r.extents = {{first, where}};
    r.sums.assign(where.blocks, 0);
    r.dropped = std::move(dropped);
    r.tail.resize(100);
    return r;
  }
  static format::clone_record clone() {
    format::clone_record k{2, 1, 2 * block_bytes, 0, 0, 0, 2, 0, {}, {}, {}};
    k.extents = {{0, {at(0, 1), 2}}};
    return k;
  }
  static format::punch_record punch() {
    format::punch_record p{1, 8 * block_bytes + 100, 0, 4, 6, 0, false, {{4, {at(0, 5), 2}}}, {}};
    p.tail.resize(100);
    return p;
  }
  static format::move_record move() {
    format::move_record m;
    m.runs = {{at(0, 5), {at(1, 1), 2}, {{1, 4}}}};
    m.sums = {0, 0};
    return m;
  }
  void put(const format::short_key& key, std::span<const std::byte> value) {
    context.hold_trees(true);
    context.objects->put(key, value);
    context.hold_trees(false);
  }
};

template <class Record, class Change>
Record changed(Record r, Change change) {
  change(r);
  return r;
}

void expect_refused(world& w, const format::record_body& body, const std::string& why) {
  CAPTURE(body.index());
  const cells objects = all_of(*w.context.objects), zone_pages = all_of(*w.context.zone_pages);
  const readiness done = w.apply.prepare(body);
  CHECK_FALSE(done.need);
  CHECK(std::string{done.fault != nullptr ? done.fault : "nothing"} == why);
  CHECK((all_of(*w.context.objects) == objects));
  CHECK((all_of(*w.context.zone_pages) == zone_pages));
}

void expect_taken(world& w, const format::record_body& body) {
  CAPTURE(body.index());
  const readiness done = w.apply.prepare(body);
  CHECK(std::string{done.fault != nullptr ? done.fault : "nothing"} == "nothing");
}

}  // namespace

TEST_CASE("bytes are published where they can be, and in the place of those that are there") {
  world w;
  const auto good = world::write(4, {world::at(1, 1), 2}, {{world::at(0, 5), 2}});
  const auto refuse = [&](const auto& change, const std::string& why) {
    expect_refused(w, changed(good, change), why);
  };
  expect_taken(w, good);
  refuse([](auto& r) { r.sums.clear(); }, "blocks with sums in a store without, or without in one that has them");
  refuse([](auto& r) { r.object = 9; }, "bytes published for an object that does not exist");
  refuse([](auto& r) { r.tail.pop_back(); }, "a tail that is not as long as the object's end says");
  refuse([](auto& r) { r.extents[0].where.address = other_device; }, "an extent outside the device");
  refuse([](auto& r) { r.extents[0].where.address = behind_the_device; }, "an extent outside the device");
  refuse([](auto& r) { r.extents[0].where.address = {0, 1}; }, "an extent outside the data zones");
  refuse([](auto& r) { r.extents[0].where.address = world::at(1, 0); }, "an extent outside the data zones");
  refuse([](auto& r) { r.extents[0].where.address = world::at(1, world::zone_blocks - 1); },
         "an extent outside the data zones");
  refuse([](auto& r) { r.dropped[0].address = world::at(0, 6); },
         "bytes that replace others than those that are there");
  refuse([](auto& r) { r.dropped.clear(); }, "bytes that replace others than those that are there");
  refuse([](auto& r) { r.dropped.push_back(r.dropped[0]); },
         "bytes published that replace others than those that are there");
  refuse(
      [](auto& r) {
        r.extents[0].object_block = 7, r.dropped = {{world::at(0, 8), 1}};
      },
      "an extent behind the object's end");
  w.context.zones.restore_live(w.context.zones.of(world::at(0, 1)), 1);
  refuse([](auto&) {}, "more blocks dropped than live in a zone");
}

TEST_CASE("a tail goes on where the object ends") {
  world w;
  format::tail_record good;
  good.object = 2;
  good.from = 3000;
  good.bytes.resize(1000);
  const auto refuse = [&](const auto& change, const std::string& why) {
    expect_refused(w, changed(good, change), why);
  };
  expect_taken(w, good);
  refuse([](auto& r) { r.object = 9; }, "a tail for an object that does not exist");
  for (const auto change : std::vector<void (*)(format::tail_record&)>{
           [](format::tail_record& r) { ++r.tail_epoch; }, [](format::tail_record& r) { --r.from; },
           [](format::tail_record& r) { r.bytes.resize(block_bytes - 3000); }})
    refuse(change, "a tail that does not follow the object's end");
  w.put(format::tail_key(2, 2), filled(900));
  refuse([](auto&) {}, "an object's tail is not as long as its end says");
  w.context.objects->erase(format::tail_key(2, 2));
  refuse([](auto&) {}, "an object's tail is not as long as its end says");
  std::vector<std::byte> tail;
  CHECK(std::string{w.apply.load_tail(2, 2 * block_bytes + 3000, tail).fault} ==
        "an object's tail is not as long as its end says");
}

TEST_CASE("objects are created once, under names of their own, and only those that are there change") {
  world w;
  const std::string removed = "an object removed that does not exist";
  expect_taken(w, format::create_record{3, default_collection, "three", {}});
  expect_taken(w, format::create_record{3, default_collection, "", {}});
  expect_refused(w, format::create_record{1, default_collection, "three", {}}, "an object created twice");
  expect_refused(w, format::create_record{3, default_collection, "two", {}}, "a name given twice");
  expect_refused(w, format::remove_record{9}, removed);
  expect_taken(w, format::rename_record{1, default_collection, "two", 2});
  expect_refused(w, format::rename_record{1, default_collection, "two", 1}, "an object that replaces itself");
  expect_refused(w, format::rename_record{9, default_collection, "two", 2}, removed);
  expect_refused(w, format::rename_record{1, default_collection, "two", 9}, removed);
  expect_refused(w, format::attributes_record{9, {}}, "attributes for an object that does not exist");
  expect_refused(w, format::collection_record{5, format::collection_action::drop, 0, "c", 0}, "a collection dropped");
}

TEST_CASE("zones get a role or are freed if the device has them, and nothing lives in what is freed") {
  world w;
  const auto role = [](std::uint16_t device, std::uint32_t zone) {
    return format::zone_role_record{device, {zone}, format::zone_role::data, format::zone_class::unhinted, 1, 0};
  };
  expect_taken(w, role(0, 3));
  for (const auto& r : {role(1, 3), role(0, no_such_zone), role(0, 1), role(0, no_such_zone - 1)})
    expect_refused(w, r, "a role for a zone that the device does not have");
  expect_taken(w, format::zone_free_record{0, {3}, 1});
  for (const auto& r : {format::zone_free_record{1, {3}, 1}, format::zone_free_record{0, {no_such_zone}, 1}})
    expect_refused(w, r, "a zone freed that the device does not have");
  expect_refused(w, format::zone_free_record{0, {world::first_data_zone}, 1}, "a zone freed that holds live blocks");
}

TEST_CASE("what is dropped or punched is exactly what is there") {
  world w;
  const format::drop_record drop{1, format::drop_end::more, {{0, {world::at(0, 1), 8}}}};
  const std::string dropped = "an extent dropped that does not exist",
                    hole = "a hole made of other blocks than those that are there";
  expect_taken(w, drop);
  expect_refused(w, changed(drop, [](auto& r) { r.object = 9; }), "extents dropped of an object that does not exist");
  expect_refused(w, changed(drop, [](auto& r) { ++r.extents[0].object_block; }), dropped);
  expect_refused(w, changed(drop, [](auto& r) { r.extents[0].object_block = 20; }), dropped);
  expect_refused(w, changed(drop, [](auto& r) { r.extents[0].where.address = world::at(0, 2); }), dropped);
  expect_refused(w, changed(drop, [](auto& r) { r.extents[0].where.blocks = 9; }), dropped);
  expect_taken(w, world::punch());
  const auto refuse = [&w](const auto& change, const std::string& why) {
    expect_refused(w, changed(world::punch(), change), why);
  };
  refuse([](auto& r) { r.object = 9; }, "blocks changed of an object that does not exist");
  refuse([](auto& r) { r.tail.clear(); }, "a tail that is not as long as the object's end says");
  refuse([](auto& r) { r.more = true; }, "blocks both gone and doomed");
  refuse([](auto& r) { r.extents.clear(); }, hole);
  refuse([](auto& r) { r.extents.push_back({6, {world::at(0, 7), 1}}); }, hole);
  refuse([](auto& r) { ++r.extents[0].object_block; }, hole);
  refuse([](auto& r) { ++r.extents[0].where.blocks; }, hole);
  w.context.zones.restore_live(w.context.zones.of(world::at(0, 1)), 1);
  refuse([](auto&) {}, "more blocks dropped than live in a zone");
  expect_refused(w, drop, "more blocks dropped than live in a zone");
}

TEST_CASE("a clone is of blocks that are there, in the place of those that are") {
  world w;
  auto good = world::clone();
  good.object_bytes += 3000;
  good.tail = filled(3000);
  good.source_block = 4;
  good.extents[0].where.address = world::at(0, 5);
  good.dropped = {{world::at(0, 1), 2}};
  expect_taken(w, good);
  const auto refuse = [&](const auto& change, const std::string& why) {
    expect_refused(w, changed(good, change), why);
  };
  const std::string others = "a clone of other blocks than those that are there";
  refuse([](auto& r) { r.object = 9; }, "blocks changed of an object that does not exist");
  refuse([](auto& r) { r.first_block = 1; }, "a clone behind the object's end");
  refuse([](auto& r) { r.extents.clear(); }, others);
  refuse([](auto& r) { r.extents[0].object_block = 1; }, others);
  refuse([](auto& r) { r.extents[0].where.address = world::at(0, 6); }, others);
  refuse([](auto& r) { r.dropped.clear(); }, "bytes that replace others than those that are there");
  refuse([](auto& r) { r.dropped[0].blocks = 1; }, "bytes that replace others than those that are there");
  refuse([](auto& r) { r.dropped.push_back(r.dropped[0]); }, "a clone that replaces others than those that are there");
}

TEST_CASE("blocks are moved from where they are") {
  world w;
  expect_taken(w, world::move());
  const auto refuse = [&w](const auto& change, const std::string& why) {
    expect_refused(w, changed(world::move(), change), why);
  };
  refuse([](auto& r) { r.sums.clear(); }, "blocks with sums in a store without, or without in one that has them");
  refuse([](auto& r) { r.runs[0].to.address = {0, 1}; }, "an extent outside the data zones");
  refuse([](auto& r) { r.runs[0].names[0].object = 9; }, "blocks moved of an object that does not exist");
  refuse([](auto& r) { r.runs[0].from = world::at(0, 6); }, "blocks moved that are not where the record says");
  refuse([](auto& r) { r.runs[0].names[0].block = 20; }, "blocks moved that are a hole");
  refuse([](auto& r) { r.runs[0].names[0].block = 7, r.runs[0].from = world::at(0, 8); },
         "blocks moved that are a hole");
  w.context.zones.restore_live(w.context.zones.of(world::at(0, 1)), 1);
  refuse([](auto&) {}, "more blocks dropped than live in a zone");
}

TEST_CASE("entries that cannot be read are told of by who needs them") {
  world w;
  const std::vector<std::byte> garbage = filled(5);
  const auto fault = [](const readiness& done) { return std::string{done.fault != nullptr ? done.fault : "nothing"}; };
  std::optional<format::object_value> v;
  std::optional<format::doomed_value> doomed;
  attributes a;
  w.put(format::orphan_key(2), garbage);
  CHECK(fault(w.apply.load_doomed(2, doomed)) == "an object's doomed blocks cannot be read");
  CHECK(fault(w.apply.load_doomed(1, doomed)) == "nothing");
  REQUIRE(w.apply.load(2, v).ready());
  v->attribute_bytes = 10;
  CHECK(fault(w.apply.load_attributes(2, *v, a)) == "an object's attributes are not as long as its entry says");
  w.put(format::attributes_key(2, 0), {});
  CHECK(fault(w.apply.load_attributes(2, *v, a)) == "an object's attributes are not as long as its entry says");
  w.put(format::attributes_key(2, 0), filled(10));
  CHECK(fault(w.apply.load_attributes(2, *v, a)) == "an object's attributes cannot be read");
  w.put(format::object_key(1), garbage);
  CHECK(fault(w.apply.load(1, v)) == "an object's entry cannot be read");
  for (const format::record_body& r : std::vector<format::record_body>{
           world::write(8, {world::at(1, 1), 1}, {}), format::tail_record{.object = 1}, format::remove_record{1},
           format::rename_record{2, 0, "three", 1}, format::attributes_record{1, {}}, format::drop_record{.object = 1},
           world::punch(), world::move()})
    expect_refused(w, r, "an object's entry cannot be read");
  world with_damage;
  with_damage.put(format::extent_key(1, 0), garbage);
  for (const format::record_body& r : std::vector<format::record_body>{
           world::write(4, {world::at(1, 1), 2}, {{world::at(0, 5), 2}}), world::punch(), world::move(),
           format::drop_record{1, format::drop_end::more, {{0, {world::at(0, 1), 8}}}},
           changed(world::clone(), [](auto& k) {
             k.dropped = {{world::at(0, 1), 2}};
           })})
    expect_refused(with_damage, r, "an extent cannot be read");
}
