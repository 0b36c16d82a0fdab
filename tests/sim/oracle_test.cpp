// The oracle and the flush rule themselves: each breach that they are for is found, and none is found where none is.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "core/messages.hpp"
#include "sim/content.hpp"
#include "sim/failure.hpp"
#include "sim/flush_rule.hpp"
#include "sim/model.hpp"
#include "sim/random.hpp"

namespace {

using namespace furrow;
using namespace furrow::sim;
using zoned::opcode;

constexpr std::uint64_t block = 4096;
constexpr std::uint64_t ordered_extent_bytes_max = 2 * block;

/// A model with two objects, and what a store would give back of it.
struct history {
  model truth{7, 8, 0, ordered_extent_bytes_max};
  furrow::sequence next = 1;
  std::uint64_t operations = 0;
  object_index a = make(1, 0);
  object_index b = make(2, 1);

  object_index make(object_id id, name_index name) {
    const object_index i = truth.add_object();
    model_object& o = truth.at(i);
    const publication_id p = truth.ask();
    o.created_by = p;
    o.names.push_back({p, name});
    o.attributes.push_back({p, static_cast<std::uint32_t>(id)});
    o.id = id;
    truth.answer(p, next++);
    truth.created(i);
    return i;
  }
  furrow::sequence append(object_index i, std::uint64_t bytes, publication_id by = 0) {
    model_object& o = truth.at(i);
    const publication_id p = by != 0 ? by : truth.ask();
    const std::uint64_t end = o.asked_end + bytes;
    step(i, p, {{o.asked_end, end, stuff::data, o.tag, o.asked_end}}, end).is_append = true;
    if (by == 0) truth.answer(p, next);
    truth.changed(i, operations);
    return next++;
  }
  /// Asked for, in as many publications as it has ordered extents. Returns the operation.
  std::uint64_t ask_append(object_index i, std::uint64_t bytes) {
    model_object& o = truth.at(i);
    const std::uint64_t serial = operations + 1;
    for (const std::uint64_t end : extent_ends(o.asked_end, bytes, ordered_extent_bytes_max)) {
      content_step& s = step(i, truth.ask(), {{o.asked_end, end, stuff::data, o.tag, o.asked_end}}, end);
      s.is_append = s.is_cut = true;
      s.operation = operations = serial;
    }
    return serial;
  }
  /// Other bytes, or another end, asked for and not answered.
  publication_id change(object_index i, std::vector<content_span> holds, std::uint64_t end) {
    const publication_id p = truth.ask();
    step(i, p, std::move(holds), end);
    return p;
  }
  furrow::sequence answer(object_index i, publication_id p) {
    truth.answer(p, next);
    truth.changed(i, std::ranges::find(truth.at(i).steps, p, &content_step::by)->operation);
    return next++;
  }
  content_step& step(object_index i, publication_id p, std::vector<content_span> holds, std::uint64_t end) {
    model_object& o = truth.at(i);
    content_step& s = o.steps.emplace_back();
    s.by = p;
    s.operation = ++operations;
    s.begin_bytes = holds.front().begin_bytes;
    s.end_bytes = holds.back().end_bytes;
    s.holds = std::move(holds);
    s.sets_end = end != o.asked_end;
    s.object_bytes = o.asked_end = end;
    return s;
  }
  [[nodiscard]] content_span data(object_index i, std::uint64_t begin, std::uint64_t end, std::uint64_t stream) const {
    return {begin, end, stuff::data, truth.at(i).tag, stream};
  }
  /// With what is in it after the first `steps` steps.
  [[nodiscard]] recovered_object found(object_index i, std::uint64_t bytes, std::size_t steps = 99) const {
    const model_object& o = truth.at(i);
    recovered_object r{o.id, o.tag, {true, bytes, 0, o.now.name, o.now.version}};
    r.was_read = true;
    r.bytes.resize(bytes);
    const std::span first{o.steps.data(), std::min(steps, o.steps.size())};
    fill_spans(newest_content(o.content, first, 0, bytes), 0, r.bytes);
    return r;
  }
  /// Of object a's 100 bytes two stretches are asked to be others, and of these is there what the bits of `there` say.
  recovered_object after_two_attempts(int there) {
    append(a, 100);
    const recovered_object before = found(a, 100);
    change(a, {data(a, 20, 60, 1 << 20)}, 100);
    change(a, {data(a, 60, 90, 2 << 20)}, 100);
    recovered_object r = found(a, 100);
    if (there % 2 == 0) std::copy_n(before.bytes.begin() + 20, 40, r.bytes.begin() + 20);
    if (there < 2) std::copy_n(before.bytes.begin() + 60, 30, r.bytes.begin() + 60);
    return r;
  }
  void settle(std::vector<recovered_object> all, bool whole = false) { truth.settle(all, whole); }
};

}  // namespace

TEST_CASE("Any prefix that holds what is durable is accepted") {
  for (int cut = 0; cut <= 3; ++cut) {
    history h;
    h.truth.make_durable(2);
    h.append(h.a, 10);
    h.append(h.b, 20);
    h.append(h.a, 30);
    const std::uint64_t a = cut == 0 ? 0 : cut < 3 ? 10 : 40;
    h.settle({h.found(h.a, a), h.found(h.b, cut < 2 ? 0 : 20)});
    CHECK(h.truth.at(h.a).now.bytes == a);
  }
}

TEST_CASE("A publication before one that is there may not be missing") {
  history h;
  h.append(h.a, 10);
  h.append(h.b, 20);
  CHECK_THROWS_AS(h.settle({h.found(h.a, 0), h.found(h.b, 20)}), broken_promise);
}

TEST_CASE("What was durable may not be missing") {
  history h;
  const furrow::sequence s = h.append(h.a, 10);
  h.truth.make_durable(s);
  CHECK_THROWS_AS(h.settle({h.found(h.a, 0), h.found(h.b, 0)}), broken_promise);
  history other;
  other.truth.make_durable(2);
  CHECK_THROWS_AS(other.settle({other.found(other.a, 0)}), broken_promise);
}

TEST_CASE("What was never written may not be there") {
  history h;
  h.append(h.a, 10);
  CHECK_THROWS_AS(h.settle({h.found(h.a, 5), h.found(h.b, 0)}), broken_promise);
  history stranger;
  recovered_object r = stranger.found(stranger.a, 0);
  r.tag ^= 2;
  CHECK_THROWS_AS(stranger.settle({stranger.found(stranger.a, 0), r}), broken_promise);
}

TEST_CASE("A group is there whole or not at all, also if it was never answered") {
  for (const bool whole : {true, false}) {
    history h;
    h.truth.make_durable(2);
    const publication_id p = h.truth.ask();
    h.append(h.a, 10, p);
    h.append(h.b, 20, p);
    if (whole) {
      h.settle({h.found(h.a, 10), h.found(h.b, 20)});
    } else {
      CHECK_THROWS_AS(h.settle({h.found(h.a, 10), h.found(h.b, 0)}), broken_promise);
    }
  }
}

TEST_CASE("A removed object stays removed, and one that was not stays") {
  history h;
  h.truth.make_durable(2);
  const publication_id p = h.truth.ask();
  h.truth.at(h.a).removed_by = p;
  h.truth.answer(p, h.next++);
  h.truth.removed(h.a);
  SUBCASE("not durable: either way") { h.settle({h.found(h.b, 0)}); }
  SUBCASE("durable") {
    h.truth.make_durable(h.next - 1);
    recovered_object back = h.found(h.a, 0);
    back.state.name = 0;
    CHECK_THROWS_AS(h.settle({back, h.found(h.b, 0)}), broken_promise);
  }
  SUBCASE("another one is gone") {
    recovered_object back = h.found(h.a, 0);
    back.state.name = 0;
    CHECK_THROWS_AS(h.settle({back}), broken_promise);
  }
}

TEST_CASE("What came before a durable publication is durable, also where its sequence is not known") {
  history h;
  const object_index c = h.truth.add_object();
  model_object& o = h.truth.at(c);
  const publication_id made = h.truth.ask();
  o.created_by = made;
  o.attributes.push_back({made, 3});
  h.next++;
  h.truth.answer(made, 0);
  h.truth.created(c);
  const publication_id removed = h.truth.ask();
  o.removed_by = removed;
  h.truth.answer(removed, h.next);
  h.truth.removed(c);
  h.truth.make_durable(h.next++);
  h.truth.fold();
  h.settle({h.found(h.a, 0), h.found(h.b, 0)}, true);
}

TEST_CASE("A clean close loses nothing that was answered") {
  history h;
  h.append(h.a, 10);
  CHECK_THROWS_AS(h.settle({h.found(h.a, 0), h.found(h.b, 0)}, true), broken_promise);
}

TEST_CASE("A change in the middle is there, or it is not") {
  for (const int what : {0, 1, 2}) {
    history h;
    h.append(h.a, 100);
    h.change(h.a, {h.data(h.a, 20, 60, 1 << 20)}, 100);
    recovered_object r = h.found(h.a, 100, what == 0 ? 1 : 99);
    if (what == 2) {
      r.bytes[59] ^= std::byte{1};
      CHECK_THROWS_AS(h.settle({r, h.found(h.b, 0)}), broken_promise);
      continue;
    }
    h.settle({r, h.found(h.b, 0)});
    CHECK(h.truth.find_wrong_byte(h.a, 0, r.bytes) == std::nullopt);
  }
}

TEST_CASE("A change that is half there is found, wherever the other half is") {
  history h;
  h.truth.make_durable(h.append(h.a, 100));
  h.change(h.a, {h.data(h.a, 20, 60, 1 << 20)}, 100);
  recovered_object r = h.found(h.a, 100);
  const recovered_object old = h.found(h.a, 100, 1);
  h.change(h.a, {h.data(h.a, 30, 40, 2 << 20)}, 100);  // which was not done
  std::copy_n(old.bytes.begin() + 50, 10, r.bytes.begin() + 50);
  CHECK_THROWS_AS(h.settle({r, h.found(h.b, 0)}), broken_promise);
}

TEST_CASE("A change may not be missing where a later one is there, of the same object or of another") {
  for (const bool same : {true, false}) {
    history h;
    h.truth.make_durable(h.append(h.a, 100));
    h.answer(h.a, h.change(h.a, {h.data(h.a, 20, 60, 1 << 20)}, 100));
    recovered_object r = h.found(h.a, 100, 1);
    const object_index other = same ? h.a : h.b;
    if (same)
      h.answer(h.a, h.change(h.a, {h.data(h.a, 50, 70, 2 << 20)}, 100));
    else
      h.append(h.b, 20);
    const recovered_object all = h.found(other, same ? 100 : 20);
    if (same) std::copy_n(all.bytes.begin() + 50, 20, r.bytes.begin() + 50);
    CHECK_THROWS_AS(h.settle({r, same ? h.found(h.b, 0) : all}), broken_promise);
  }
}

TEST_CASE("A durable change may not be missing") {
  history h;
  h.append(h.a, 100);
  h.truth.make_durable(h.answer(h.a, h.change(h.a, {zeros(20, 60)}, 100)));
  recovered_object r = h.found(h.a, 100, 1);
  CHECK_THROWS_AS(h.settle({r, h.found(h.b, 0)}), broken_promise);
}

TEST_CASE("Bytes behind a truncation may not come back") {
  history h;
  h.append(h.a, 100);
  const recovered_object before = h.found(h.a, 100);
  h.truth.make_durable(h.answer(h.a, h.change(h.a, {nothing_from(40)}, 40)));
  SUBCASE("with the end") { CHECK_THROWS_AS(h.settle({before, h.found(h.b, 0)}), broken_promise); }
  SUBCASE("when it grows again") {
    h.truth.make_durable(h.answer(h.a, h.change(h.a, {zeros(40, 100)}, 100)));
    recovered_object r = before;
    CHECK_THROWS_AS(h.settle({r, h.found(h.b, 0)}), broken_promise);
    h.truth.fold();
    CHECK(h.truth.find_wrong_byte(h.a, 0, before.bytes) == 40);
  }
}

TEST_CASE("Who reads after an answer does not see what was before") {
  history h;
  h.append(h.a, 100);
  const recovered_object before = h.found(h.a, 100);
  const publication_id p = h.change(h.a, {h.data(h.a, 20, 60, 1 << 20)}, 100);
  const moment early = h.truth.tick();
  CHECK(!h.truth.find_wrong_byte(h.a, 0, before.bytes, early));
  h.answer(h.a, p);
  CHECK(!h.truth.find_wrong_byte(h.a, 0, before.bytes, early));
  CHECK(h.truth.find_wrong_byte(h.a, 0, before.bytes, h.truth.tick()) == 20);
  CHECK(!h.truth.find_wrong_byte(h.a, 0, h.found(h.a, 100).bytes, h.truth.tick()));
}

TEST_CASE("What a failed change has left is the attempts of it that are there, each whole") {
  for (const int there : {0, 1, 2, 3}) {
    history h;
    const recovered_object r = h.after_two_attempts(there);
    h.truth.resolve_content(h.a, r.bytes);
    CHECK(h.truth.at(h.a).steps.size() == 1 + (there % 2 == 0 ? 0u : 1u) + (there < 2 ? 0u : 1u));
    CHECK(!h.truth.find_wrong_byte(h.a, 0, r.bytes));
  }
  history h;
  h.append(h.a, 100);
  h.change(h.a, {h.data(h.a, 20, 60, 1 << 20)}, 100);
  recovered_object r = h.found(h.a, 100);
  r.bytes[40] ^= std::byte{1};
  CHECK_THROWS_AS(h.truth.resolve_content(h.a, r.bytes), broken_promise);
}

TEST_CASE("A failed change is not there because a later one left the same bytes in a part of it") {
  for (const bool power_is_lost : {false, true}) {
    history h;
    h.append(h.a, 100);
    recovered_object r = h.found(h.a, 100);
    const publication_id failed = h.change(h.a, {h.data(h.a, 20, 60, 1 << 20)}, 100);
    h.answer(h.a, h.change(h.a, {h.data(h.a, 20, 21, 1 << 20)}, 100));
    r.bytes[20] = h.found(h.a, 100).bytes[20];
    std::ranges::find(h.truth.at(h.a).steps, failed, &content_step::by)->failed = true;
    if (power_is_lost) {
      h.settle({r, h.found(h.b, 0)});
    } else {
      h.truth.resolve_content(h.a, r.bytes);
      CHECK(h.truth.of(failed).is_void);
    }
    CHECK(!h.truth.find_wrong_byte(h.a, 0, r.bytes));
  }
}

TEST_CASE("A fence is raised by each attempt of a write, of which some may be missing, but not all") {
  for (const int there : {0, 1, 2, 3}) {
    history h;
    recovered_object r = h.after_two_attempts(there);
    for (content_step& s : std::span{h.truth.at(h.a).steps}.last(2)) {
      s.operation = h.operations;
      s.raise_fence_to = 3;
    }
    r.state.fence_epoch = 3;
    if (there == 0) {
      CHECK_THROWS_AS(h.settle({r, h.found(h.b, 0)}), broken_promise);
      continue;
    }
    h.settle({r, h.found(h.b, 0)});
    CHECK(h.truth.at(h.a).base.fence_epoch == 3);
  }
}

TEST_CASE("A long append is of the ordered extents from where it begins when one before it was cancelled") {
  struct row {
    std::uint64_t there, cancelled, bytes;
    std::size_t asked, cut;  // ordered extents
  };
  for (const row& r : {row{0, 100, 5 * block, 3, 3}, row{0, 100, 3 * block - 50, 2, 1},
                       row{100, block - 100, 3 * block - 50, 1, 2}, row{100, 3 * block, 7 * block, 4, 4}})
    for (std::size_t left = 0; left <= r.cut; ++left) {
      CAPTURE(r.cancelled);
      CAPTURE(left);
      history h;
      if (r.there > 0) h.append(h.a, r.there);
      h.truth.make_durable(h.next - 1);
      const std::uint64_t first = h.ask_append(h.a, r.cancelled), last = h.ask_append(h.a, r.bytes);
      CHECK(h.truth.publications_of(h.a, last).size() == r.asked);
      const std::uint64_t stream = h.truth.at(h.a).asked_end - r.bytes;  // what its memory holds
      h.truth.drop_steps(h.a, first);
      CHECK(h.truth.publications_of(h.a, first).empty());
      CHECK(h.truth.publications_of(h.a, last).size() == r.cut);
      CHECK(h.truth.at(h.a).asked_end == r.there + r.bytes);
      const std::vector<std::uint64_t> ends = extent_ends(r.there, r.bytes, ordered_extent_bytes_max);
      const std::uint64_t end = left == 0 ? r.there : ends[left - 1];
      recovered_object found = h.found(h.a, end);
      if (end > r.there) {
        std::vector<std::byte> sent(end - r.there);
        fill_content(sent, h.truth.at(h.a).tag, stream);
        CHECK(std::ranges::equal(sent, std::span{found.bytes}.subspan(r.there)));
      }
      if (left > 0) {
        history other = h;
        const recovered_object less = other.found(other.a, end - 1);
        CHECK_THROWS_AS(other.settle({less, other.found(other.b, 0)}), broken_promise);
      }
      h.settle({found, h.found(h.b, 0)});
      CHECK(h.truth.at(h.a).now.bytes == end);
    }
}

TEST_CASE("Spans painted over each other are what bytes would be") {
  prng chance{5};
  canvas c;
  std::vector<std::byte> bytes(1000);
  c.paint(std::array{zeros(0, bytes.size())});
  for (int n = 0; n < 2000; ++n) {
    const std::uint64_t begin = chance.below(bytes.size()), end = chance.within(begin + 1, bytes.size());
    std::vector<content_span> spans;
    const std::uint64_t cut = chance.within(begin, end);
    add_span(spans, {begin, cut, stuff::data, chance.below(3), begin});
    add_span(spans, chance.chance(500) ? zeros(cut, end) : content_span{cut, end, stuff::data, chance.below(3), cut});
    c.paint(spans);
    fill_spans(spans, begin, std::span{bytes}.subspan(begin, end - begin));
    std::vector<std::byte> painted(bytes.size());
    fill_spans(c.spans(), 0, painted);
    REQUIRE(painted == bytes);
    std::uint64_t at = 0;
    for (const content_span& s : c.spans()) REQUIRE(std::exchange(at, s.end_bytes) == s.begin_bytes);
    REQUIRE(at == endless);
  }
}

TEST_CASE("A wrong byte is found wherever it is") {
  history h;
  h.append(h.a, 5000);
  std::vector<std::byte> bytes(3000);
  const std::uint64_t begin = 1003;
  fill_content(bytes, h.truth.at(h.a).tag, begin);
  CHECK(!h.truth.find_wrong_byte(h.a, begin, bytes));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= std::byte{0x10};
    REQUIRE(h.truth.find_wrong_byte(h.a, begin, bytes) == begin + i);
    bytes[i] ^= std::byte{0x10};
  }
  CHECK(h.truth.find_wrong_byte(h.b, 0, bytes) == 0);
}

namespace {

/// A trace made by hand: a data append, flushes, and a group that names the data.
struct hand_made_trace {
  zoned::geometry shape;
  zoned::guarantees promises;
  uuid store{std::byte{9}};
  std::unique_ptr<zoned::memory_zones> zones;
  std::unique_ptr<flush_rule> rule;
  std::vector<std::byte> data = std::vector<std::byte>(2 * block, std::byte{3});
  std::vector<std::byte> group = std::vector<std::byte>(block);
  std::array<zoned::segment, 2> segments{};
  std::array<zoned::command, 8> commands{};
  std::uint64_t ids = 0;

  explicit hand_made_trace(bool is_volatile, bool clones = false) {
    shape = {.lba_bytes = 4096,
             .zone_bytes = 64 << 10,
             .zone_count = 2,
             .last_zone_bytes = 64 << 10,
             .open_max = {},
             .active_max = {}};
    promises.native_append = true;
    std::vector<zoned::zone_info> infos;
    for (std::uint32_t i = 0; i < 2; ++i) {
      infos.push_back({.index = {i},
                       .type = zoned::zone_type::sequential,
                       .condition = zoned::zone_condition::empty,
                       .bytes = 64 << 10,
                       .capacity_bytes = 64 << 10,
                       .write_pointer_bytes = 0});
    }
    zones = std::make_unique<zoned::memory_zones>(shape, promises, infos);
    rule = std::make_unique<flush_rule>(*zones, is_volatile, store);
    format::publish_record r;
    r.object = 1;
    r.object_bytes = 2 * block;
    r.extents = {{0, {shape.address_of({0}, 0), 2}}};
    r.sums = {1, 2};
    std::vector<std::byte> records;
    format::clone_record clone;
    clone.object = 2;
    clone.source = 1;
    clone.blocks = 2;
    clone.object_bytes = 2 * block;
    clone.extents = r.extents;
    if (clones)
      format::encode({5, clone}, records);
    else
      format::encode({5, r}, records);
    std::ranges::copy(records, group.begin() + format::group_header_bytes);
    format::group_header header;
    header.bytes = block;
    header.store = store;
    header.number = 1;
    header.first_sequence = header.last_sequence = 5;
    header.record_bytes = static_cast<std::uint32_t>(records.size());
    header.record_count = 1;
    static_cast<void>(format::seal_group(header, group));
  }
  std::size_t submit(opcode op, std::uint32_t zone = 0, std::span<std::byte> bytes = {}) {
    zoned::command& c = commands[ids];
    c.id = {++ids};
    c.op = op;
    c.zone = {zone};
    if (!bytes.empty()) {
      segments[zone] = {bytes.data(), bytes.size()};
      c.segments = {&segments[zone], 1};
    }
    rule->submitted(c);
    return ids - 1;
  }
  void complete(std::size_t i) { rule->completed(commands[i], zones->execute(commands[i]), *zones); }
  void run(opcode op, std::uint32_t zone = 0, std::span<std::byte> bytes = {}) { complete(submit(op, zone, bytes)); }
};

}  // namespace

TEST_CASE("The flush rule accepts what obeys it") {
  hand_made_trace t{true};
  t.run(opcode::append, 0, t.data);
  t.run(opcode::flush);
  t.run(opcode::append, 1, t.group);
  t.run(opcode::flush);
  t.rule->acknowledged(5);
  CHECK(t.rule->groups_proven() == 1);
  CHECK(t.rule->blocks_proven() == 2);
}

TEST_CASE("The flush rule finds a group that was submitted before its data was flushed") {
  SUBCASE("no flush") {
    hand_made_trace t{true};
    t.run(opcode::append, 0, t.data);
    CHECK_THROWS_AS(t.run(opcode::append, 1, t.group), broken_promise);
  }
  SUBCASE("a flush that began too early") {
    hand_made_trace t{true};
    const std::size_t data = t.submit(opcode::append, 0, t.data);
    const std::size_t flush = t.submit(opcode::flush);
    t.complete(data);
    t.complete(flush);
    CHECK_THROWS_AS(t.run(opcode::append, 1, t.group), broken_promise);
  }
  SUBCASE("a flush that had not completed") {
    hand_made_trace t{true};
    t.run(opcode::append, 0, t.data);
    const std::size_t flush = t.submit(opcode::flush);
    const std::size_t group = t.submit(opcode::append, 1, t.group);
    t.complete(flush);
    CHECK_THROWS_AS(t.complete(group), broken_promise);
  }
  SUBCASE("data that had not landed, without a cache") {
    hand_made_trace t{false};
    const std::size_t data = t.submit(opcode::append, 0, t.data);
    const std::size_t group = t.submit(opcode::append, 1, t.group);
    t.complete(data);
    CHECK_THROWS_AS(t.complete(group), broken_promise);
  }
}

TEST_CASE("The flush rule holds for blocks that a clone names") {
  hand_made_trace t{true, true};
  t.run(opcode::append, 0, t.data);
  SUBCASE("no flush") { CHECK_THROWS_AS(t.run(opcode::append, 1, t.group), broken_promise); }
  SUBCASE("flushed") {
    t.run(opcode::flush);
    t.run(opcode::append, 1, t.group);
    CHECK(t.rule->blocks_proven() == 2);
  }
}

TEST_CASE("The flush rule finds an acknowledgement that came too early") {
  hand_made_trace t{true};
  t.run(opcode::append, 0, t.data);
  t.run(opcode::flush);
  SUBCASE("no group") { CHECK_THROWS_AS(t.rule->acknowledged(5), broken_promise); }
  SUBCASE("the group has not landed") {
    static_cast<void>(t.submit(opcode::append, 1, t.group));
    CHECK_THROWS_AS(t.rule->acknowledged(5), broken_promise);
  }
  SUBCASE("the group was not flushed") {
    t.run(opcode::append, 1, t.group);
    CHECK_THROWS_AS(t.rule->acknowledged(5), broken_promise);
  }
  SUBCASE("another sequence") {
    t.run(opcode::append, 1, t.group);
    t.run(opcode::flush);
    CHECK_THROWS_AS(t.rule->acknowledged(6), broken_promise);
  }
}
