// What a check says of trees that are sound, and of each way in which they are not.
#include "core/checker.hpp"

#include <doctest/doctest.h>

#include "edit_world.hpp"

using namespace furrow;
using namespace furrow::core;
using namespace furrow::test;

namespace {

/// A store with all that an object may have:
///   1 "plain"    [0,4) at 1 and [4,8) at 20 of data zone 0, three bytes of tail
///   2 "holes"    blocks 1 and 2 are those of 1; holes around them and at its end
///   3 "doomed"   cut to two blocks; [2,6) at 11 of data zone 1 are still to be dropped
///   4            removed; [0,3) at 30 of data zone 1
class sound_store : public edit_world {
 public:
  sound_store() {
    create(1, "plain");
    put(1, {{0, {at(0, 1), 4}}, {4, {at(0, 20), 4}}}, 8 * block_bytes + 3);
    create(2, "holes");
    put(2, {{5, {at(0, 40), 1}}}, 10 * block_bytes);
    publish(format::clone_record{2, 1, 10 * block_bytes, 1, 1, 1, 2, 1, {{1, {at(0, 2), 2}}}, {}, {}});
    publish(hole(2, 10 * block_bytes, 5, 6, {{5, {at(0, 40), 1}}}));
    create(3, "doomed");
    put(3, {{0, {at(1, 1), 2}}, {2, {at(1, 11), 4}}}, 6 * block_bytes);
    format::punch_record r = hole(3, 2 * block_bytes, 2, 6, {});
    r.more = true;
    publish(r);
    create(4, "removed");
    put(4, {{0, {at(1, 30), 3}}}, 3 * block_bytes);
    publish(format::remove_record{4});
  }

  void create(std::uint64_t id, const std::string& name) {
    publish(format::create_record{id, default_collection, name, {}});
  }
  void put(std::uint64_t id, std::vector<format::object_extent> extents, std::uint64_t bytes) {
    format::publish_record r;
    r.object = id;
    r.object_bytes = bytes;
    for (const format::object_extent& e : extents) r.sums.resize(r.sums.size() + e.where.blocks);
    r.extents = std::move(extents);
    r.tail.resize(bytes % block_bytes);
    publish(r);
  }
  static format::punch_record hole(std::uint64_t id, std::uint64_t bytes, std::uint64_t first, std::uint64_t end,
                                   std::vector<format::object_extent> extents) {
    format::punch_record r;
    r.object = id;
    r.object_bytes = bytes;
    r.first_block = first;
    r.end_block = end;
    r.extents = std::move(extents);
    return r;
  }

  // Damage.
  void put_extent(std::uint64_t id, std::uint64_t block, zoned::device_address where, std::uint32_t blocks,
                  bool shared = false) {
    const format::extent_value x{where, blocks, blocks, format::extent_kind::data, shared};
    context.objects->put(format::extent_key(id, block), format::encode(x));
  }
  void erase_extent(std::uint64_t id, std::uint64_t block) {
    REQUIRE(context.objects->erase(format::extent_key(id, block)));
  }
  template <class Change>
  void change_object(std::uint64_t id, Change change) {
    auto v = format::decode_object(context.objects->find(format::object_key(id)).cell().value);
    REQUIRE(v);
    change(*v);
    context.objects->put(format::object_key(id), format::encode(*v));
  }
  void put_shared(std::uint32_t zone, std::uint32_t block, format::shared_value v) {
    context.zone_pages->put(format::shared_key(0, {first_data_zone + zone}, block), format::encode(v));
  }
  void change_live(std::uint32_t zone, int by) {
    zone_state& z = context.zones[{first_data_zone + zone}];
    context.zones.restore_live(z, z.live_blocks + static_cast<std::uint32_t>(by));
  }

  /// All findings in their order.
  [[nodiscard]] std::string findings() {
    const check_result r = check();
    CHECK(r.damage == r.findings.size());
    std::string to;
    for (const check_finding& f : r.findings) {
      to += f.what + " (object " + std::to_string(f.detail.object.value_or(0));
      if (f.detail.offset_bytes) to += " block " + std::to_string(*f.detail.offset_bytes / block_bytes);
      to += "); ";
    }
    return to;
  }
};

}  // namespace

TEST_CASE("holes, clones, doomed ranges and what is left of removed objects are sound") {
  sound_store s;
  CHECK(s.findings() == "");
  const check_result r = s.check();
  CHECK(r.objects == 4);
  CHECK(r.extents == 6);
  CHECK(s.live(0) == 8);  // what two name counts once
  CHECK(s.live(1) == 9);
  s.publish(format::drop_record{3, format::drop_end::more, {{2, {edit_world::at(1, 11), 1}}}});
  CHECK(s.findings() == "");
  s.publish(format::drop_record{3, format::drop_end::range, {{3, {edit_world::at(1, 12), 3}}}});
  CHECK(s.findings() == "");
  s.publish(format::drop_record{4, format::drop_end::object, {{0, {edit_world::at(1, 30), 3}}}});
  CHECK(s.findings() == "");
  CHECK(s.live(1) == 2);
  // The object whose blocks they were lets go of those it shares.
  s.publish(sound_store::hole(1, 8 * block_bytes, 0, 4, {{0, {edit_world::at(0, 1), 4}}}));
  CHECK(s.findings() == "");
  CHECK(s.live(0) == 6);
}

TEST_CASE("a removed object's extents behind its end are sound") {
  sound_store s;
  s.publish(format::remove_record{3});
  CHECK(s.findings() == "");
}

TEST_CASE("a removed object stays removed when a range of it is doomed") {
  sound_store s;
  format::punch_record r = sound_store::hole(4, block_bytes, 1, 3, {});
  r.more = true;
  s.publish(r);
  const tree_lookup l = s.context.objects->find(format::orphan_key(4));
  REQUIRE(l.has_cell());
  CHECK(l.cell().value.empty());
  CHECK(s.findings() == "");
}

TEST_CASE("an object's extents overlap") {
  sound_store s;
  s.put_extent(1, 3, edit_world::at(0, 50), 1);
  s.change_object(1, [](format::object_value& v) { ++v.blocks, ++v.extent_count; });
  s.change_live(0, 1);
  s.context.collections.add(default_collection, 1);
  CHECK(s.findings() ==
        "an extent's blocks have no sums (object 1 block 3); "
        "an object's extents overlap (object 1 block 3); ");
}

TEST_CASE("an extent whose run says that it has no sums") {
  sound_store s;
  const auto at = format::run_key(0, {edit_world::first_data_zone}, 1);
  const tree_lookup was = s.context.zone_pages->find(at);
  REQUIRE(was.has_cell());
  auto v = format::decode_run(was.cell().value);
  REQUIRE(v);
  v->blocks_without_sums = static_cast<std::uint32_t>(v->sums.size());
  v->sums.clear();
  s.context.zone_pages->put(at, format::encode(*v));
  CHECK(s.findings() ==
        "an extent's blocks have no sums (object 1 block 0); "
        "an extent's blocks have no sums (object 2 block 1); ");
}

TEST_CASE("an extent behind the object's end") {
  sound_store s;
  SUBCASE("of an object of which nothing is to be dropped") {
    s.change_object(1, [](format::object_value& v) { v.bytes -= block_bytes; });
    CHECK(s.findings() == "an extent behind the object's end (object 1 block 4); ");
  }
  SUBCASE("its doomed blocks end before it does") {
    s.context.objects->put(format::orphan_key(3), format::encode(format::doomed_value{2, 5}));
    CHECK(s.findings() == "an extent behind the object's end (object 3 block 2); ");
  }
  SUBCASE("its doomed blocks begin behind its begin") {
    s.context.objects->put(format::orphan_key(3), format::encode(format::doomed_value{3, 6}));
    CHECK(s.findings() == "an extent behind the object's end (object 3 block 2); ");
  }
  SUBCASE("only what is behind the end is asked for") {
    s.change_object(3, [](format::object_value& v) { v.bytes += block_bytes; });
    s.context.objects->put(format::orphan_key(3), format::encode(format::doomed_value{3, 6}));
    CHECK(s.findings() == "");
  }
}

TEST_CASE("what is to be dropped") {
  sound_store s;
  SUBCASE("cannot be read") {
    s.context.objects->put(format::orphan_key(3), std::vector<std::byte>(16));
    CHECK(s.findings() ==
          "an extent behind the object's end (object 3 block 2); "
          "an object's doomed blocks cannot be read (object 3); ");
  }
  SUBCASE("is of no object") {
    s.context.objects->put(format::orphan_key(9), {});
    CHECK(s.findings() == "blocks to be dropped of no object (object 9); ");
  }
  SUBCASE("is all of an object that has a name") {
    s.context.objects->put(format::orphan_key(1), {});
    CHECK(s.findings() == "a removed object that has a name (object 1); ");
  }
}

TEST_CASE("an object's counts are those of its extents, whether it has holes or not") {
  sound_store s;
  SUBCASE("extents") {
    s.change_object(2, [](format::object_value& v) { ++v.extent_count; });
  }
  SUBCASE("blocks") {
    s.change_object(2, [](format::object_value& v) { ++v.blocks; });
  }
  CHECK(s.findings() == "an object's counts are not those of its extents (object 2); ");
}

TEST_CASE("a collection's blocks are those of its objects, and the store's objects are those that there are") {
  sound_store s;
  SUBCASE("blocks") {
    s.context.collections.add(default_collection, 1);
    CHECK(s.findings() == "collection 0 has 19 blocks, not 20 as its account says (object 0); ");
  }
  SUBCASE("objects") {
    ++s.context.super.object_count;
    CHECK(s.findings() == "the store's count of objects is not that of its objects (object 0); ");
  }
}

TEST_CASE("an object in a collection that does not exist") {
  sound_store s;
  s.change_object(4, [](format::object_value& v) { v.collection = 7; });
  s.context.collections.drop(default_collection, 3);
  s.context.collections.add(7, 3);
  CHECK(s.findings() == "objects are in collection 7, which does not exist (object 0); ");
}

TEST_CASE("blocks that several extents name without a number of references") {
  sound_store s;
  SUBCASE("none at all") {
    REQUIRE(s.context.zone_pages->erase(format::shared_key(0, {2}, 2)));
    CHECK(s.findings() == "blocks that several extents name have no number of references (object 2 block 1); ");
  }
  SUBCASE("not for their first block") {
    REQUIRE(s.context.zone_pages->erase(format::shared_key(0, {2}, 2)));
    s.put_shared(0, 3, {1, 2});
    CHECK(s.findings() == "blocks that several extents name have no number of references (object 2 block 1); ");
  }
  SUBCASE("not for their last block") {
    s.put_shared(0, 2, {1, 2});
    CHECK(s.findings() == "blocks that several extents name have no number of references (object 2 block 2); ");
  }
}

TEST_CASE("blocks that more extents name than can be weighed") {
  sound_store s;
  s.create(5, "named");
  s.put(5, {{0, {edit_world::at(2, 1), 40}}}, 40 * block_bytes);
  std::uint64_t block = 10;
  for (std::uint32_t blocks = 1; blocks <= 40; ++blocks)
    for (int i = 0; i < 1500; ++i, block += 64) s.put_extent(2, block, edit_world::at(2, 1), blocks, true);
  s.change_object(2, [&](format::object_value& v) { v.bytes = block * block_bytes; });
  const check_result r = s.check();
  const auto is_left = [](const check_finding& f) {
    return f.left_because == "more extents name the blocks than are weighed";
  };
  CHECK(std::count_if(r.findings.begin(), r.findings.end(), is_left) > 0);
  CHECK(r.damage > 60'000);  // every hint that lacks, too
}

TEST_CASE("numbers of references other than those of the extents") {
  sound_store s;
  SUBCASE("more") {
    s.put_shared(0, 2, {2, 3});
    CHECK(s.findings() == "blocks have 3 references, but 2 extents name them (object 2 block 1); ");
  }
  SUBCASE("for more blocks") {
    s.put_shared(0, 2, {3, 2});
    CHECK(s.findings() == "blocks have 2 references, but 1 extents name them (object 1 block 3); ");
  }
  SUBCASE("for blocks that are dead") {
    s.put_shared(1, 50, {2, 2});
    CHECK(s.findings() == "blocks have 2 references, but 0 extents name them (object 0); ");
  }
  SUBCASE("fewer") {
    s.put_extent(2, 3, edit_world::at(0, 2), 2, true);
    s.change_object(2, [](format::object_value& v) { v.blocks += 2, ++v.extent_count; });
    s.context.collections.add(default_collection, 2);
    CHECK(s.findings() ==
          "blocks have 2 references, but 3 extents name them (object 2 block 1); "
          "no hint says that an extent names shared blocks (object 2 block 3); ");
  }
  SUBCASE("as many in two entries") {
    s.put_shared(0, 2, {1, 2});
    s.put_shared(0, 3, {1, 2});
    CHECK(s.findings() == "");
  }
  SUBCASE("two for the same block") {
    s.put_shared(0, 3, {1, 2});
    CHECK(s.findings() == "blocks that have two numbers of references (object 0); ");
  }
}

TEST_CASE("a number of references that is none, or of no blocks of the device") {
  sound_store s;
  SUBCASE("not of its form") { s.context.zone_pages->put(format::shared_key(0, {3}, 50), std::vector<std::byte>(8)); }
  SUBCASE("of a zone that is not there") {
    s.context.zone_pages->put(format::shared_key(0, {edit_world::zones}, 1),
                              format::encode(format::shared_value{1, 2}));
  }
  SUBCASE("of a device that is not there") {
    s.context.zone_pages->put(format::shared_key(1, {3}, 50), format::encode(format::shared_value{1, 2}));
  }
  SUBCASE("of blocks behind the zone's end") { s.put_shared(1, 63, {2, 2}); }
  CHECK(s.findings() == "a number of references cannot be read, or is of blocks outside the device (object 0); ");
}

TEST_CASE("an extent of shared blocks that is not flagged") {
  sound_store s;
  s.put_extent(2, 1, edit_world::at(0, 2), 2, false);
  CHECK(s.findings().starts_with("an extent does not say that its blocks are shared (object "));
}

TEST_CASE("an extent of blocks that were written for another") {
  sound_store s;
  s.put_extent(1, 4, edit_world::at(0, 40), 4);
  CHECK(s.findings().find("an extent names blocks that were not written for it (object 1 block 4); ") !=
        std::string::npos);
}

TEST_CASE("a hint that is not there") {
  sound_store s;
  s.context.zone_pages->erase(format::hint_key(0, s.context.shape.zone_of(edit_world::at(0, 2)), 2, 2, 1));
  CHECK(s.findings() == "no hint says that an extent names shared blocks (object 2 block 1); ");
}

TEST_CASE("a flagged extent whose blocks nobody shares any more is sound") {
  sound_store s;
  s.publish(sound_store::hole(2, 10 * block_bytes, 1, 3, {{1, {edit_world::at(0, 2), 2}}}));
  CHECK(s.findings() == "");
  CHECK(s.references().empty());
}

TEST_CASE("a zone's live blocks count each block once") {
  sound_store s;
  s.change_live(0, 2);  // as if the shared ones counted twice
  CHECK(s.findings() == "a zone's live blocks are 10, its extents have 8 (object 0); ");
  s.change_live(0, -3);
  CHECK(s.findings() == "a zone's live blocks are 7, its extents have 8 (object 0); ");
}

TEST_CASE("extents outside what their zones hold") {
  sound_store s;
  SUBCASE("behind what was written") {
    s.context.zones[{3}].next_block = 32;
    CHECK(s.findings() == "an extent outside what its zone holds (object 4 block 0); ");
  }
  SUBCASE("in a zone of another role") {
    s.context.zones[{2}].role = format::zone_role::metadata;
    CHECK(s.findings() ==
          "an extent outside what its zone holds (object 1 block 0); "
          "an extent outside what its zone holds (object 1 block 4); "
          "an extent outside what its zone holds (object 2 block 1); ");
  }
  SUBCASE("over the zone's end") {
    s.put_extent(4, 0, edit_world::at(1, 62), 3);
    CHECK(s.findings() ==
          "an extent's blocks have no sums (object 4 block 0); "
          "an extent outside what its zone holds (object 4 block 0); "
          "a zone's live blocks are 9, its extents have 6 (object 0); ");
  }
  SUBCASE("that the device has lost") {
    s.context.zones[{3}].device.condition = zoned::zone_condition::offline;
    CHECK(s.findings() ==
          "lost: the device has taken its zone offline (object 3 block 0); "
          "lost: the device has taken its zone offline (object 3 block 2); "
          "lost: the device has taken its zone offline (object 4 block 0); ");
  }
}

TEST_CASE("extents and tails without their object, and tails of another length than the end says") {
  sound_store s;
  SUBCASE("an extent") {
    s.put_extent(9, 0, edit_world::at(1, 1), 1);
    CHECK(s.findings().find("an extent without its object (object 9 block 0); ") != std::string::npos);
  }
  SUBCASE("a tail") {
    s.context.objects->put(format::tail_key(9, 0), std::vector<std::byte>(1));
    CHECK(s.findings().find("a tail without its object (object 9); ") != std::string::npos);
  }
  SUBCASE("a longer end") {
    s.change_object(1, [](format::object_value& v) { ++v.bytes; });
    CHECK(s.findings() == "an object's tail is not as long as its end says (object 1); ");
  }
  SUBCASE("an object that cannot be read") {
    s.context.objects->put(format::object_key(1), std::vector<std::byte>(5));
    CHECK(s.findings().find("an object's entry cannot be read (object 1); ") != std::string::npos);
  }
  SUBCASE("a name that leads nowhere") {
    s.change_object(1, [](format::object_value& v) { v.name = "other"; });
    CHECK(s.findings() ==
          "an object's name does not lead to it (object 1); a name that leads to no object of that name (object 1); ");
  }
}
