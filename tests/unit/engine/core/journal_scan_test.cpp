// Finding the journal: each row of the decision table, and what lies between groups and between zones.
#include "core/journal_scan.hpp"

#include <doctest/doctest.h>

#include "handwritten_journal.hpp"

using namespace furrow;
using namespace furrow::test;

TEST_CASE("groups that fit one another are the chain, and pages and what other stores and uses left are passed over") {
  handwritten_journal j, of_another_store;
  of_another_store.super.store[0] = std::byte{8};
  j.begin_zone(2);
  expect_whole(j, {});
  const group one = j.put(j.start(), 1);
  j.put_pages(2);
  const group two = j.put(one, 1, 3);
  j.append(of_another_store.make(two, 1).bytes);
  j.append(j.make(two, 1, 1, 3).bytes);
  const group three = j.put(two, 1);
  j.put_pages(1);
  expect_whole(j, {one, two, three});
}

TEST_CASE("groups before the head are old") {
  handwritten_journal j;
  j.begin_zone(2);
  const group one = j.put(j.start(), 1), two = j.put(one, 1), three = j.put(two, 1);
  j.cut_behind(two);
  j.append(two.bytes);
  j.append(j.make(one, 1, 2).bytes);
  expect_whole(j, {three});
}

TEST_CASE("an open disowns what comes to light of its predecessors, from the number on that it begins at") {
  handwritten_journal j;
  j.begin_zone(2);
  const group one = j.put(j.start(), 1), two = j.put(one, 1), late = j.put(two, 1);
  expect_whole(j, {one, two, late});
  j.opened(2, 4);
  expect_whole(j, {one, two, late});
  j.opened(2, 3);
  expect_whole(j, {one, two});
  j.put(late, 1);
  expect_whole(j, {one, two});
  const group three = j.put(two, 2);
  expect_whole(j, {one, two, three});
}

TEST_CASE("the chain forks to a higher epoch, and what it had from that number on is void") {
  handwritten_journal j;
  j.opened(3, 4);
  j.begin_zone(2);
  const group one = j.put(j.start(), 1), two = j.put(one, 1);
  j.put(two, 1);
  const group again = j.put(one, 2);
  SUBCASE("and goes on") {
    const group three = j.put(again, 2), four = j.put(three, 3);
    expect_whole(j, {one, again, three, four});
  }
  SUBCASE("and forks once more") {
    const group third = j.put(one, 3), three = j.put(third, 3);
    expect_whole(j, {one, third, three});
  }
  SUBCASE("at its first group") {
    const group first = j.put(j.start(), 3), second = j.put(first, 3), three = j.put(second, 3);
    expect_whole(j, {first, second, three});
  }
}

TEST_CASE("a lower epoch is void beside and behind the chain, and what the chain has is not taken twice") {
  handwritten_journal j;
  j.opened(3, 4);
  j.begin_zone(2);
  const group one = j.put(j.start(), 1), void_two = j.make(one, 1), two = j.put(one, 2);
  SUBCASE("at the number of one that the chain has, and fits") { j.put(one, 1); }
  SUBCASE("the same once more") { j.append(two.bytes); }
  SUBCASE("at the next number") { j.put(void_two, 1); }
  SUBCASE("at the next number, though it fits") { j.put(two, 1); }
  SUBCASE("at a later number") { j.put(j.put(void_two, 1), 1); }
  expect_chain(j, *j.scan(), {one, two});
  const group three = j.put(two, 2);
  expect_whole(j, {one, two, three});
}

TEST_CASE("a group whose predecessor is missing is damage behind the chain") {
  handwritten_journal j;
  j.opened(2, 3);
  j.begin_zone(2);
  const group one = j.put(j.start(), 1), two = j.put(one, 1);
  std::uint64_t number = 3;
  SUBCASE("there is none of the number before") { number = j.put(j.make(two, 2), 2).number; }
  SUBCASE("the one of the number before is another") { j.put(j.make(one, 2), 2); }
  SUBCASE("a fork is without its first") { number = j.put(j.make(j.start(), 2), 2).number; }
  SUBCASE("the open that wrote it is not known") { j.put(two, 3); }
  SUBCASE("the open that wrote it is not known, and it would be a fork") { number = j.put(one, 3).number; }
  j.put_pages(1);
  expect_damage(j, {one, two}, "the journal has a gap before group " + std::to_string(number));
}

TEST_CASE("a fork explains what was lost before it, if that is of a lower epoch and not before it in the chain") {
  handwritten_journal j;
  j.opened(3, 4);
  j.begin_zone(2);
  const group one = j.put(j.start(), 1);
  SUBCASE("at a lower number") {
    j.put(j.make(one, 1), 1);
    const group two = j.put(one, 2), three = j.put(two, 2);
    expect_whole(j, {one, two, three});
  }
  SUBCASE("at its number") {
    j.put(j.make(j.start(), 1, 2), 1);
    const group two = j.put(one, 2), three = j.put(two, 2);
    expect_whole(j, {one, two, three});
  }
  SUBCASE("not at a higher number") {
    const group two = j.put(one, 1);
    j.put(j.make(j.start(), 2), 2);
    const group three = j.put(two, 3);
    expect_damage(j, {one, two, three}, "the journal has a gap before group 2");
  }
  SUBCASE("not in the same epoch") {
    j.put(j.make(one, 2), 2);
    const group two = j.put(one, 2), three = j.put(two, 2, 2);
    expect_damage(j, {one, two, three}, "the journal has a gap before group 3");
  }
}

TEST_CASE("a group that was cut off is not there") {
  handwritten_journal j;
  j.begin_zone(2);
  const group one = j.put(j.start(), 1), two = j.put(one, 1, 3);
  SUBCASE("the journal ends before it") {
    j.spoil(two);
    expect_whole(j, {one});
  }
  SUBCASE("one behind it is damage") {
    const group three = j.put(two, 1);
    j.put(three, 1);
    j.spoil(two);
    expect_damage(j, {one}, "the journal has a gap before group 3");
  }
  SUBCASE("it was written again where it was cut off, or behind other blocks") {
    const group cut = j.make(two, 1, 3);
    j.append(std::span{cut.bytes}.first(2 * block_bytes));
    const group three = j.put(two, 1);
    j.append(std::span{cut.bytes}.first(block_bytes));
    j.put_pages(2);
    const group four = j.put(three, 1);
    j.append(std::span{cut.bytes}.first(block_bytes));
    const group five = j.put(four, 1);  // less than what was cut off would have been
    expect_whole(j, {one, two, three, four, five});
  }
}

TEST_CASE("groups of every length lie across the ends of what is read at a time") {
  constexpr std::uint32_t chunk_blocks = core::replay_chunk_bytes / block_bytes;
  for (std::uint32_t lead = chunk_blocks - 3; lead <= chunk_blocks; ++lead) {
    for (std::uint32_t blocks : {1u, 2u, 3u, chunk_blocks, chunk_blocks + 1, 2 * chunk_blocks + 5}) {
      CAPTURE(lead);
      CAPTURE(blocks);
      handwritten_journal j{large_device};
      j.begin_zone(2);
      j.put_pages(lead - 1);
      const group one = j.put(j.start(), 1), two = j.put(one, 1, blocks), three = j.put(two, 1);
      expect_whole(j, {one, two, three});
    }
  }
}

TEST_CASE("the chain goes on in the zone that a header names, and the zone table is told") {
  handwritten_journal j;
  groups all;
  const auto put = [&](std::uint64_t epoch) { all.push_back(j.put(all.empty() ? j.start() : all.back(), epoch)); };
  j.begin_zone(2);
  put(1), put(1);
  j.begin_zone(3);
  expect_whole(j, all, 3);
  put(1);
  j.begin_zone(4);
  j.opened(2, 4);
  put(2), put(2);
  const auto f = j.scan();
  expect_chain(j, *f, all, 4);
  CHECK(!f->scan.damage());
  f->scan.claim_zones();
  for (std::uint32_t zone : {2u, 3u, 4u}) {
    const core::zone_state& z = f->context.zones[{zone}];
    CHECK(z.role == format::zone_role::metadata);
    CHECK(z.cls == format::zone_class::metadata);
    CHECK(z.generation == j.generation(zone));
    CHECK(z.ordinal == zone + 3);
    CHECK(z.entry_changed);
  }
  CHECK(f->context.zones[{5}].ordinal == 0);
  j.cut_behind(all[2]);
  all.erase(all.begin(), all.begin() + 3);
  expect_whole(j, all, 4);
}

namespace {
using spoil_header = void (*)(format::zone_header&);
constexpr spoil_header other_headers[] = {
    [](format::zone_header& h) { h.store[0] = std::byte{8}; },
    [](format::zone_header& h) { ++h.zone.value; },
    [](format::zone_header& h) { --h.generation; },
    [](format::zone_header& h) { ++h.ordinal; },
    [](format::zone_header& h) {
      h.role = format::zone_role::data;
      h.ordinal = h.next_generation = 0;
      h.next = {format::zone_header::no_next};
    },
};
TEST_CASE("a group that the last open found is missed, though none is behind it") {
  handwritten_journal j;
  j.begin_zone(2);
  const group one = j.put(j.start(), 1), two = j.put(one, 1);
  SUBCASE("it is spoiled") {
    const group three = j.put(two, 1);
    j.opened(2, 4);
    j.spoil(three);
  }
  SUBCASE("its zone is empty") {
    j.begin_zone(3);
    j.put(two, 1);
    j.opened(2, 4);
    j.device.force({{3}, zoned::zone_type::sequential, zoned::zone_condition::empty, 128 << 10, 96 << 10, 0});
  }
  SUBCASE("its zone is offline") {
    j.begin_zone(3);
    j.put(two, 1);
    j.opened(2, 4);
    j.device.force({{3}, zoned::zone_type::sequential, zoned::zone_condition::offline, 128 << 10, 96 << 10, 0});
  }
  SUBCASE("its zone has an older header") {
    format::zone_header h = j.header_of(3);
    --h.generation;
    j.begin_zone(3, h);
    j.opened(2, 4);
  }
  const auto f = j.scan();
  expect_chain(j, *f, {one, two});
  CHECK(f->scan.damage());
}

}  // namespace

TEST_CASE("the chain ends before a zone that it does not go on in") {
  for (const spoil_header change : other_headers) {
    CAPTURE(std::find(std::begin(other_headers), std::end(other_headers), change) - std::begin(other_headers));
    handwritten_journal j;
    j.begin_zone(2);
    const group one = j.put(j.start(), 1);
    format::zone_header h = j.header_of(3);
    change(h);
    j.begin_zone(3, h);
    j.append(j.make(one, 1, 1, 4).bytes);  // of another use
    expect_whole(j, {one});
  }
  for (const std::uint32_t next : {1u, 8u, 9u, format::zone_header::no_next}) {  // ring zones, and none
    CAPTURE(next);
    handwritten_journal j;
    format::zone_header h = j.header_of(2);
    h.next = {next};
    h.next_generation = next == format::zone_header::no_next ? 0 : j.generation(next);
    j.begin_zone(2, h);
    const group one = j.put(j.start(), 1);
    if (next < small_device.zones) {
      format::zone_header behind = j.header_of(next);
      behind.ordinal = 6;
      j.begin_zone(next, behind);
      j.put(one, 1);
    }
    const auto f = j.scan();
    CHECK(!f->error);
    CHECK(f->scan.next_number() == 2);
    CHECK(f->scan.ordinal() == 5);
    CHECK(!f->scan.damage());
  }
}

TEST_CASE("a damaged header of the next zone is a torn one if nothing is behind it, else damage") {
  handwritten_journal j;
  j.begin_zone(2);
  const group one = j.put(j.start(), 1);
  j.begin_zone(3);
  j.spoil_block({3}, 0);
  expect_whole(j, {one});
  j.put(one, 1);
  expect_damage(j, {one}, "the header of a journal zone is damaged", 3);
}

TEST_CASE("groups of its own behind another header of the next zone are damage") {
  for (const device_shape& shape : {small_device, conventional_device})
    for (const spoil_header change : other_headers) {
      CAPTURE(std::find(std::begin(other_headers), std::end(other_headers), change) - std::begin(other_headers));
      handwritten_journal j{shape};
      j.begin_zone(2);
      const group one = j.put(j.start(), 1);
      format::zone_header h = j.header_of(3);
      change(h);
      j.begin_zone(3, h);
      expect_whole(j, {one});
      CHECK_FALSE(j.scan()->scan.foreign());
      j.append(j.make(one, 1, 1, 4).bytes);
      expect_whole(j, {one});
      j.put(one, 1);
      expect_damage(j, {one}, "the header of a journal zone is another", 3);
    }
}

TEST_CASE("what is nobody's in the next zone ends the journal, a group of its own anywhere in it is damage") {
  handwritten_journal j{large_device};
  const auto next = [&j] {
    const auto f = j.scan();
    return f->scan.foreign().value_or(zoned::zone_index{0}).value;
  };
  j.begin_zone(2);
  const group one = j.put(j.start(), 1);
  CHECK(next() == 0);
  j.begin_zone(3);
  CHECK(next() == 0);
  j.spoil_block({3}, 0);
  CHECK(next() == 0);  // a torn header
  j.put_pages(1);
  expect_whole(j, {one});
  CHECK(next() == 3);
  j.append(j.make(one, 1, 1, 4).bytes);  // of another use
  j.put_pages(400);                      // more than is read at once
  expect_whole(j, {one});
  CHECK(next() == 3);
  SUBCASE("a whole group") { j.put(one, 1, 2); }
  SUBCASE("a spoiled one") { j.spoil(j.put(one, 1, 2)); }
  expect_damage(j, {one}, "the header of a journal zone is damaged", 3);
  CHECK(next() == 0);
}

TEST_CASE("without the zone that the journal begins in there is none, and one that is offline is told of as lost") {
  handwritten_journal j;
  const auto expect_none = [&j](const std::string& why) {
    const auto f = j.scan();
    CHECK(f->error == errc::damaged);
    CHECK(f->why.what == why);
    CHECK(f->why.zone.value == 2);
  };
  expect_none("the zone in which the journal begins is empty");
  for (const spoil_header change : other_headers) {
    handwritten_journal other;
    format::zone_header h = j.header_of(2);
    change(h);
    other.begin_zone(2, h);
    other.put(other.start(), 1);
    j.device = other.device;
    expect_none("the zone in which the journal begins has another header");
  }
  j = handwritten_journal{};
  j.begin_zone(2);
  j.spoil_block({2}, 0);
  expect_none("the zone in which the journal begins has another header");
  zoned::zone_info offline = j.device.machine().at({2});
  offline.condition = zoned::zone_condition::offline;
  j.device.force(offline);
  const auto f = j.scan();
  CHECK_FALSE(f->error);
  CHECK(f->scan.zone() == nullptr);
  CHECK(f->scan.chain().empty());
  REQUIRE(f->scan.lost_zone_behind());
  CHECK(f->scan.lost_zone_behind()->zone.value == 2);
}

TEST_CASE("what cannot be read is not taken for an end of the journal") {
  handwritten_journal j;
  j.begin_zone(2);
  const group one = j.put(j.start(), 1);
  j.failing_reads = 2;
  expect_whole(j, {one});
  j.failing_reads = 3;
  const auto f = j.scan();
  CHECK(f->error == zoned::errc::io);
  CHECK(f->why.zone.value == 2);
}
