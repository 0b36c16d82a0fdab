// Random journals of all kinds of records, replayed one by one and through replay_batch: the same trees, counts and values, and
// where the journal contradicts itself, the same end.
#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "core/replay_batch.hpp"
#include "edit_world.hpp"
#include "sim/random.hpp"

using namespace furrow;
using namespace furrow::core;
using namespace furrow::test;

namespace {

using world = edit_world_of<1024>;

/// Replays, and says where it ended.
class replayer {
 public:
  explicit replayer(bool batched) : batched_{batched} { w.apply.keep_values(); }

  /// Each is a group of its own.
  void replay(const std::vector<format::record>& records) {
    for (std::size_t i = 0; i < records.size() && fault.empty(); ++i) {
      format::record copy = records[i];  // an added one may be emptied
      if (batched_ && batch_.add(std::move(copy), i)) continue;
      drain();
      if (batched_ && fault.empty() && batch_.add(std::move(copy), i)) continue;
      one(records[i].sequence, records[i].body, i);
    }
    drain();
    w.apply.settle_values();
  }

  world w;
  std::string fault;
  std::size_t fault_at = 0, together = 0;

 private:
  void one(std::uint64_t sequence, const format::record_body& body, std::size_t at) {
    if (!fault.empty()) return;
    const readiness done = w.apply.prepare(body);
    REQUIRE_FALSE(done.need);
    if (done.fault != nullptr || sequence < w.context.sequence) {
      fault = done.fault != nullptr ? done.fault : "sequences go back";
      fault_at = at;
      return;
    }
    w.context.hold_trees(true);
    w.apply.apply(sequence, body);
    w.context.hold_trees(false);
    w.context.sequence = sequence;
  }
  void drain() {
    if (batch_.empty() || !fault.empty()) return;
    std::vector<page_need> needs;
    REQUIRE(batch_.apply(needs));
    together += batch_.applied();
    while (const auto left = fault.empty() ? batch_.front() : std::nullopt) {
      one(left->record->sequence, left->record->body, left->group);
      batch_.pop();
    }
  }

  bool batched_;
  replay_batch batch_{w.context};
};

/// What a store's user and its cleaner do to some objects, as records; made with a world that has all records before.
class random_journal {
 public:
  /// `near`: all within few blocks, so that extents often go on one another, and are written over in part.
  explicit random_journal(std::uint64_t seed, bool near = false) : chance_{seed}, near_{near} {
    for (std::uint64_t id = 1; id <= objects; ++id) add(format::create_record{id, 0, "n" + std::to_string(id), {}});
    for (std::uint64_t id = 1; id <= objects; ++id)
      for (std::uint64_t i = 0; i < 30; ++i) add(write_of(id, i * 4, 4));
    while (records.size() < 2000 && step()) {
    }
  }
  std::vector<format::record> records;
  static constexpr std::uint64_t objects = 5;

 private:
  void add(format::record_body body) {
    const readiness done = w_.apply.prepare(body);
    CAPTURE(body.index());
    CAPTURE(std::string{done.fault != nullptr ? done.fault : ""});
    REQUIRE(done.ready());
    w_.publish(body);
    records.push_back({records.size() + 1, std::move(body)});
  }
  format::object_value value_of(std::uint64_t object) {
    std::optional<format::object_value> v;
    REQUIRE(w_.apply.load(object, v).ready());
    return *v;
  }
  /// A place for so many blocks, in the zone in use or the next one in which nothing lives any more.
  std::optional<zoned::device_address> place(std::uint32_t blocks) {
    if (next_ + blocks > world::zone_blocks) {
      std::uint32_t z = 0;
      while (z < world::data_zones && (z == zone_ || w_.live(z) > 0)) ++z;
      if (z == world::data_zones) return {};
      zone_ = z;
      next_ = 1;
      const zoned::zone_index index{world::first_data_zone + z};
      add(format::zone_free_record{0, index, ++generation_});
      add(format::zone_role_record{0, index, format::zone_role::data, format::zone_class::unhinted, generation_, 0});
    }
    next_ += blocks;
    return world::at(zone_, next_ - blocks);
  }
  std::vector<extent_slice> slices(std::uint64_t object, std::uint64_t first, std::uint64_t end) {
    std::vector<extent_slice> found;
    REQUIRE(w_.editor.slices(object, first, end, 1000, found).ready());
    return found;
  }
  format::publish_record write_of(std::uint64_t object, std::uint64_t first, std::uint32_t blocks) {
    format::publish_record r;
    const auto at = place(blocks);
    if (!at) return r;
    const format::object_value v = value_of(object);
    r.object = object;
    r.object_bytes = std::max(v.bytes, (first + blocks) * block_bytes);
    if (r.object_bytes == v.bytes) REQUIRE(w_.apply.load_tail(object, v.bytes, r.tail).ready());
    r.tail_epoch = v.tail_epoch;
    r.fence_epoch = chance_.below(4);
    r.modified_ns = static_cast<std::int64_t>(records.size());
    r.cls = chance_.chance(100) ? format::zone_class::extreme : format::zone_class::unhinted;
    const std::uint32_t front = blocks > 1 && chance_.chance(50) ? blocks / 2 : blocks;  // in two extents of one place
    r.extents.push_back({first, {*at, front}});
    if (front < blocks) r.extents.push_back({first + front, {at->advanced(front), blocks - front}});
    for (std::uint32_t b = 0; b < blocks; ++b) r.sums.push_back(static_cast<std::uint32_t>(records.size() * 16 + b));
    for (const format::object_extent& e : r.extents)
      for (const extent_slice& x : slices(object, e.object_block, e.object_block + e.where.blocks))
        r.dropped.push_back(x.where);
    return r;
  }
  bool write(std::uint64_t object, std::uint64_t first, std::uint32_t blocks) {
    format::publish_record r = write_of(object, first, blocks);
    if (r.extents.empty()) return false;
    add(std::move(r));
    return true;
  }
  /// Mostly whole extents, in the place of such.
  bool overwrite(std::uint64_t object) {
    const auto cells = w_.extents(object);
    if (cells.empty()) return write(object, 0, 4);
    const extent_cell& x = cells[chance_.below(cells.size())];
    return write(object, x.first, x.blocks);
  }
  void put_tail(std::uint64_t object) {
    const format::object_value v = value_of(object);
    const std::size_t from = v.bytes % block_bytes, bytes = chance_.within(1, 300);
    if (from + bytes >= block_bytes) return;
    add(format::tail_record{object, 1, 5, v.tail_epoch, static_cast<std::uint16_t>(from),
                            std::vector<std::byte>(bytes, std::byte{7})});
  }
  void clone(std::uint64_t source, std::uint64_t object) {
    const format::object_value from = value_of(source), to = value_of(object);
    const std::uint64_t first = chance_.below(100), blocks = chance_.within(1, 8);
    if ((first + blocks) * block_bytes > from.bytes || (first + blocks) * block_bytes > to.bytes) return;
    format::clone_record r{object, source, to.bytes, 1, first, first, blocks, to.tail_epoch, {}, {}, {}};
    REQUIRE(w_.apply.load_tail(object, to.bytes, r.tail).ready());
    for (const extent_slice& s : slices(source, first, first + blocks)) r.extents.push_back({s.object_block, s.where});
    for (const extent_slice& s : slices(object, first, first + blocks)) r.dropped.push_back(s.where);
    add(std::move(r));
  }
  void punch(std::uint64_t object) {
    const format::object_value v = value_of(object);
    const std::uint64_t first = chance_.below(100);
    format::punch_record r{object, v.bytes, 1, first, first + 5, v.tail_epoch, false, {}, {}};
    REQUIRE(w_.apply.load_tail(object, v.bytes, r.tail).ready());
    for (const extent_slice& s : slices(object, first, first + 5)) r.extents.push_back({s.object_block, s.where});
    if ((first + 5) * block_bytes <= v.bytes) add(std::move(r));
  }
  void move(std::uint64_t object) {
    const auto cells = w_.extents(object);
    if (cells.empty()) return;
    const extent_cell& x = cells[chance_.below(cells.size())];
    if (x.shared) return;
    const auto at = place(x.blocks);
    if (!at) return;
    format::move_record r;
    r.runs = {{zoned::device_address{0, x.address}, {*at, x.blocks}, {{object, x.first}}}};
    r.sums.assign(x.blocks, static_cast<std::uint32_t>(records.size()));
    add(std::move(r));
  }
  void remove_and_drop() {
    const std::uint64_t id = next_object_++;
    add(format::create_record{id, 0, "t" + std::to_string(id), {}});
    if (!write(id, 0, 3)) return;
    add(format::remove_record{id});
    format::drop_record r{id, format::drop_end::object, {}};
    for (const extent_slice& s : slices(id, 0, 10)) r.extents.push_back({s.object_block, s.where});
    add(std::move(r));
  }
  /// An extent goes on another one for a moment, until that is written over.
  bool follow(std::uint64_t object) {
    const auto cells = w_.extents(object);
    if (cells.size() < 2) return true;
    const std::size_t at = chance_.below(cells.size() - 1);
    const extent_cell front = cells[at], behind = cells[at + 1];
    return write(object, front.first, front.blocks) && write(object, behind.first, behind.blocks) &&
           write(object, front.first, front.blocks);
  }
  bool step_near() {
    const std::uint64_t object = chance_.chance(200) ? 2 : 1;
    const auto cells = w_.extents(object);
    const extent_cell& x = cells[chance_.below(std::min<std::size_t>(cells.size(), 6))];
    std::uint64_t first = x.first, blocks = x.blocks;
    const std::uint64_t how = chance_.below(100);
    if (how < 40 && last_end_ < 24) first = last_end_, blocks = chance_.within(1, 4);
    if (how >= 92) first = chance_.below(20), blocks = chance_.within(1, 3);
    last_end_ = first + blocks;
    return write(object, first, static_cast<std::uint32_t>(std::min<std::uint64_t>(blocks, 8)));
  }
  bool step() {
    if (near_ && !chance_.chance(300)) return step_near();
    if (near_) return overwrite(chance_.within(3, objects));
    const std::uint64_t object = chance_.within(1, objects), what = chance_.below(4000) % 3100;
    if (what >= 1000 && what < 1100) return follow(object);
    if (what < 900 || what >= 1000) return overwrite(object);
    if (what < 930) return write(object, chance_.below(100), static_cast<std::uint32_t>(chance_.within(1, 9)));
    if (what < 945) return write(object, value_of(object).bytes / block_bytes, 3);
    if (what < 955) put_tail(object);
    if (what >= 955 && what < 962) clone(object, chance_.within(1, objects));
    if (what >= 962 && what < 968) punch(object);
    if (what >= 968 && what < 976) move(object);
    if (what >= 976 && what < 980) remove_and_drop();
    if (what >= 980 && what < 984) add(format::rename_record{object, 0, "r" + std::to_string(records.size()), 0});
    if (what >= 984 && what < 988) add(format::attributes_record{object, {}});
    if (what >= 988 && what < 992)
      add(format::collection_record{2, format::collection_action::quota, records.size(), "c", 1});
    if (what >= 992) {
      add(format::batch_begin_record{2});
      if (!overwrite(object)) return false;
      add(format::batch_end_record{});
    }
    return true;
  }

  sim::prng chance_;
  bool near_;
  std::uint64_t last_end_ = 0;
  world w_;
  std::uint32_t zone_ = 0, next_ = 1;
  std::uint64_t generation_ = 1, next_object_ = objects + 1;
};

void expect_same(replayer& one_by_one, replayer& batched) {
  CHECK(one_by_one.fault == batched.fault);
  CHECK(one_by_one.fault_at == batched.fault_at);
  core::context &a = one_by_one.w.context, &b = batched.w.context;
  CHECK(a.sequence == b.sequence);
  CHECK((all_of(*a.objects) == all_of(*b.objects)));
  CHECK((all_of(*a.zone_pages) == all_of(*b.zone_pages)));
  for (std::uint32_t z = 0; z < world::zones; ++z) {
    const zone_state &x = a.zones[{z}], &y = b.zones[{z}];
    CHECK(x.live_blocks == y.live_blocks);
    CHECK(x.role == y.role);
    CHECK(x.generation == y.generation);
    CHECK(x.fill_sequence == y.fill_sequence);
    CHECK(x.write_sequence == y.write_sequence);
  }
  CHECK(a.collections.of(0).used_blocks == b.collections.of(0).used_blocks);
  CHECK(a.super.object_count == b.super.object_count);
}

}  // namespace

TEST_CASE("records applied many at a time leave what they leave one by one") {
  std::size_t together = 0, records = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    const random_journal j{seed};
    replayer one_by_one{false}, batched{true};
    one_by_one.replay(j.records);
    batched.replay(j.records);
    CHECK(batched.fault.empty());
    expect_same(one_by_one, batched);
    CHECK(batched.w.check().findings.empty());
    together += batched.together;
    records += j.records.size();
  }
  CHECK(together * 4 > records);
}

TEST_CASE("a journal that contradicts itself ends at the same record when many are applied at a time") {
  std::size_t ended = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    sim::prng chance{seed};
    random_journal j{seed % 6 + 100};
    const std::size_t at = chance.within(200, j.records.size() - 1);
    CAPTURE(at);
    auto* const r = std::get_if<format::publish_record>(&j.records[at].body);
    const std::uint64_t how = chance.below(4);
    if (how == 0 || r == nullptr || r->dropped.empty())
      j.records.erase(j.records.begin() + static_cast<std::ptrdiff_t>(at));
    else if (how == 1)
      r->dropped[0].address = r->dropped[0].address.advanced(1);
    else if (how == 2)
      r->extents[0].where.address = zoned::device_address{0, 1};  // a ring's
    else
      j.records[at].sequence = 1;
    replayer one_by_one{false}, batched{true};
    one_by_one.replay(j.records);
    batched.replay(j.records);
    ended += one_by_one.fault.empty() ? 0u : 1u;
    expect_same(one_by_one, batched);
  }
  CHECK(ended > 40);
}

TEST_CASE("what goes on what is before it for a while only, applied many at a time and cut off anywhere") {
  std::size_t ended = 0, together = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    sim::prng chance{seed};
    const random_journal j{seed, true};
    for (int turn = 0; turn < 12; ++turn) {
      std::vector<format::record> records = j.records;
      const std::size_t at = chance.within(170, records.size() - 1);
      CAPTURE(at);
      auto* const r = std::get_if<format::publish_record>(&records[at].body);
      if (turn % 3 == 0)
        records.resize(at);
      else if (r != nullptr && !r->dropped.empty())
        r->dropped[0].address = zoned::device_address{0, 77};
      replayer one_by_one{false}, batched{true};
      one_by_one.replay(records);
      batched.replay(records);
      ended += one_by_one.fault.empty() ? 0u : 1u;
      together += batched.together;
      expect_same(one_by_one, batched);
    }
  }
  CHECK(ended > 200);
  CHECK(together > 5000);
}

namespace {
format::record whole(std::uint64_t sequence, std::uint64_t object, std::uint64_t object_blocks, std::uint64_t first,
                     std::uint32_t blocks, zoned::device_address to, std::optional<zoned::device_address> was) {
  format::publish_record r;
  r.object = object;
  r.object_bytes = object_blocks * block_bytes;
  r.extents = {{first, {to, blocks}}};
  r.sums.assign(blocks, static_cast<std::uint32_t>(sequence));
  if (was) r.dropped = {{*was, blocks}};
  return {sequence, std::move(r)};
}
}  // namespace

TEST_CASE(
    "an extent that went on one that is replaced later, with a record in between whose key lies between the two") {
  std::vector<format::record> records;
  const auto next = [&] { return records.size() + 1; };
  for (std::uint64_t id = 1; id <= 2; ++id)
    records.push_back({next(), format::create_record{id, 0, "n" + std::to_string(id), {}}});
  records.push_back(whole(next(), 1, 4, 0, 4, world::at(0, 1), {}));
  records.push_back(whole(next(), 1, 8, 4, 4, world::at(0, 101), {}));
  for (std::uint32_t i = 0; i < 20; ++i) records.push_back(whole(next(), 2, i + 1, i, 1, world::at(1, 1 + 2 * i), {}));
  records.push_back(whole(next(), 1, 8, 4, 4, world::at(0, 5), world::at(0, 101)));  // goes on [0, 4)
  records.push_back(whole(next(), 2, 20, 0, 1, world::at(2, 1), world::at(3, 1)));   // contradicts
  records.push_back(whole(next(), 1, 8, 0, 4, world::at(0, 201), world::at(0, 1)));
  records.push_back(whole(next(), 1, 8, 2, 1, world::at(0, 301), world::at(0, 203)));
  for (std::uint32_t i = 1; i < 20; ++i)
    records.push_back(whole(next(), 2, 20, i, 1, world::at(2, 1 + 2 * i), world::at(1, 1 + 2 * i)));
  replayer one_by_one{false}, batched{true};
  one_by_one.replay(records);
  batched.replay(records);
  CHECK(text(one_by_one.w.extents(1)) == text(batched.w.extents(1)));
  expect_same(one_by_one, batched);
}

TEST_CASE("a contradiction behind a record that has cut an extent which the batch had replaced whole") {
  std::vector<format::record> records;
  const auto next = [&] { return records.size() + 1; };
  for (std::uint64_t id = 1; id <= 2; ++id)
    records.push_back({next(), format::create_record{id, 0, "n" + std::to_string(id), {}}});
  records.push_back(whole(next(), 1, 8, 0, 8, world::at(0, 1), {}));
  for (std::uint32_t i = 0; i < 20; ++i) records.push_back(whole(next(), 2, i + 1, i, 1, world::at(1, 1 + 2 * i), {}));
  for (std::uint32_t i = 0; i < 16; ++i)
    records.push_back(whole(next(), 2, 20, i, 1, world::at(2, 1 + 2 * i), world::at(1, 1 + 2 * i)));
  records.push_back(whole(next(), 1, 8, 0, 8, world::at(0, 101), world::at(0, 1)));
  format::record cuts = whole(next(), 1, 8, 4, 1, world::at(0, 201), world::at(0, 105));
  auto& r = std::get<format::publish_record>(cuts.body);
  r.extents.push_back({6, {world::at(0, 203), 1}});
  r.sums.push_back(0);
  r.dropped.push_back({world::at(0, 107), 1});
  records.push_back(std::move(cuts));
  records.push_back(whole(next(), 2, 20, 0, 1, zoned::device_address{0, 102400}, world::at(2, 1)));  // outside
  records.push_back(whole(next(), 1, 8, 0, 1, world::at(0, 301), world::at(0, 101)));
  replayer one_by_one{false}, batched{true};
  one_by_one.replay(records);
  batched.replay(records);
  CHECK(one_by_one.fault == "an extent outside the device");
  CHECK(text(one_by_one.w.extents(1)) == text(batched.w.extents(1)));
  expect_same(one_by_one, batched);
}

TEST_CASE("what a batch holds of records that it does not apply together is bounded as the rest is") {
  world w;
  w.apply.keep_values();
  replay_batch batch{w.context};
  for (std::uint64_t id = 1; id <= 2; ++id) w.publish(format::create_record{id, 0, "n" + std::to_string(id), {}});
  w.publish(whole(0, 1, 1, 0, 1, world::at(0, 1), {}).body);
  std::uint64_t sequence = w.context.sequence;
  while (batch.add(whole(++sequence, 1, 1, 0, 1, world::at(0, 2), world::at(0, 1)), 0)) {
    if (sequence > 60) break;
  }
  std::size_t sums = 0;
  for (int i = 0; i < 15; ++i) {
    format::record r = whole(++sequence, 2, 1 << 20, 0, 1 << 20, world::at(1, 1), {});
    if (!batch.add(std::move(r), 0)) break;
    sums += 1 << 20;
  }
  CHECK(sums <= replay_batch::sums_max);
}

TEST_CASE("thousands of records at a time, of objects and blocks near each other or far apart") {
  constexpr std::uint64_t extents = 1000, rounds = 9;
  for (const bool far : {false, true}) {
    CAPTURE(far);
    const std::uint64_t ids[] = {1, far ? std::uint64_t{0x5555'5555'5555'5555} : 2};
    const unsigned apart = far ? 34 : 1;
    std::vector<format::record> records;
    for (const std::uint64_t id : ids)
      records.push_back({records.size() + 1, format::create_record{id, 0, "n" + std::to_string(id), {}}});
    std::map<std::pair<std::uint64_t, std::uint64_t>, zoned::device_address> lies;
    std::uint32_t place = 0;
    for (std::uint64_t round = 0; round < rounds; ++round)
      for (std::uint64_t n = 0; n < 2 * extents; ++n) {
        const std::uint64_t id = ids[n % 2], extent = (n / 2 * 7 + round * 13) % extents;
        const zoned::device_address to = world::at(place / 1022 % world::data_zones, 1 + place % 1022);
        ++place;
        const auto was = lies.find({id, extent});
        records.push_back(whole(records.size() + 1, id, extents << apart, extent << apart, 1, to,
                                was == lies.end() ? std::nullopt : std::optional{was->second}));
        lies.insert_or_assign({id, extent}, to);
      }
    replayer one_by_one{false}, batched{true};
    one_by_one.replay(records);
    batched.replay(records);
    CHECK(batched.fault.empty());
    CHECK(batched.together == (rounds - 1) * 2 * extents);
    expect_same(one_by_one, batched);
  }
}
