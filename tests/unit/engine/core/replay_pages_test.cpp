// A replay of many records at a time over trees of which no leaf is in memory, and of which one leaf cannot be read: it asks for
// pages, and where one is missing for good it ends at the record that one by one ends it.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <vector>

#include "core/replay_batch.hpp"
#include "edit_world.hpp"
#include "page_shelf.hpp"
#include "sim/random.hpp"

using namespace furrow;
using namespace furrow::core;
using namespace furrow::test;

namespace {

using world = edit_world_of<1024>;
constexpr std::uint64_t objects = 5, extents = 200;

format::publish_record write_of(std::uint64_t object, std::uint64_t sequence) {
  format::publish_record r;
  r.object = object;
  r.object_bytes = extents * 2 * block_bytes;
  r.modified_ns = static_cast<std::int64_t>(sequence);
  return r;
}

/// A store of some objects, every other block of which is an extent, and whole extents of them written over.
class written_over {
 public:
  explicit written_over(std::uint64_t seed, bool batched) : batched_{batched}, chance_{seed} {
    for (std::uint64_t id = 1; id <= objects; ++id) {
      w.publish(format::create_record{id, 0, "n" + std::to_string(id), {}});
      for (std::uint64_t i = 0; i < extents; ++i) {
        format::publish_record r = write_of(id, 0);
        replace(r, i);
        w.publish(r);
      }
    }
    while (records_.size() < 1150) {
      if (records_.size() == 700) place_ = 0;  // whose sums are in other leaves
      const std::uint64_t sequence = records_.size() + 1;
      format::publish_record r = write_of(chance_.within(1, objects), sequence);
      const std::uint64_t first = chance_.below(extents - 1);
      replace(r, first);
      if (chance_.chance(3)) replace(r, first + 1);  // of two: none that a batch takes as a replacement
      records_.push_back({sequence, std::move(r)});
    }
    w.context.objects = shelf.put_down(*w.context.objects);
    w.context.zone_pages = shelf.put_down(*w.context.zone_pages);
    w.apply.keep_values();
  }

  void replay() {
    for (std::size_t i = 0; i < records_.size() && !ended; ++i) {
      format::record copy = records_[i];
      if (batched_ && batch_.add(std::move(copy), i)) continue;
      drain();
      if (batched_ && !ended && batch_.add(std::move(copy), i)) continue;
      if (!ended) one(records_[i]);
    }
    drain();
  }

  world w;
  page_shelf shelf;
  bool ended = false;
  std::size_t waits = 0, given_up = 0, given_up_late = 0;

 private:
  void replace(format::publish_record& r, std::uint64_t extent) {
    const zoned::device_address to = world::at(place_ / 1022, 1 + place_ % 1022);
    place_ += 2;  // no two of them are one
    r.extents.push_back({extent * 2, {to, 1}});
    r.sums.push_back(place_);
    if (const auto was = lies_.find({r.object, extent}); was != lies_.end()) r.dropped.push_back({was->second, 1});
    lies_.insert_or_assign({r.object, extent}, to);
  }
  void one(const format::record& r) {
    readiness done = w.apply.prepare(r.body);
    for (; done.need && !ended; done = w.apply.prepare(r.body))
      ended = !shelf.supply(w.context.tree(done.need->kind), *done.need);
    if (ended) return;
    REQUIRE(done.fault == nullptr);
    w.context.hold_trees(true);
    w.apply.apply(r.sequence, r.body);
    w.context.hold_trees(false);
    w.context.sequence = r.sequence;
  }
  void drain() {
    if (ended || batch_.empty()) return;
    for (std::vector<page_need> needs; !batch_.is_done() && !batch_.apply(needs); needs.clear()) {
      REQUIRE_FALSE(needs.empty());
      CHECK(needs.size() <= replay_loads_max);
      ++waits;
      if (chance_.chance(3)) static_cast<void>(w.context.objects->evict(0, 1));  // what was looked up ahead too
      bool first = true;
      for (const page_need& n : needs) {
        const bool read = shelf.supply(w.context.tree(n.kind), n);
        if (first && !read) {
          batch_.give_up();
          ++(batch_.applied() > 0 ? given_up_late : given_up);
        }
        first = false;
      }
    }
    while (const auto left = ended ? std::nullopt : batch_.front()) {
      one(*left->record);
      if (!ended) batch_.pop();
    }
  }

  bool batched_;
  sim::prng chance_;
  std::vector<format::record> records_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, zoned::device_address> lies_;
  std::uint32_t place_ = 1022;
  replay_batch batch_{w.context};
};

void expect_same(written_over& one_by_one, written_over& batched) {
  CHECK(one_by_one.ended == batched.ended);
  CHECK(one_by_one.w.context.sequence == batched.w.context.sequence);
  for (written_over* x : {&one_by_one, &batched}) {
    x->shelf.unreadable.clear();
    x->w.apply.settle_values();
  }
  CHECK((one_by_one.shelf.all_of(*one_by_one.w.context.objects) == batched.shelf.all_of(*batched.w.context.objects)));
  CHECK((one_by_one.shelf.all_of(*one_by_one.w.context.zone_pages) ==
         batched.shelf.all_of(*batched.w.context.zone_pages)));
  for (std::uint32_t z = 0; z < world::data_zones; ++z) CHECK(one_by_one.w.live(z) == batched.w.live(z));
}

}  // namespace

TEST_CASE("records applied many at a time wait for the pages that they need, some at once") {
  written_over one_by_one{1, false}, batched{1, true};
  one_by_one.replay();
  batched.replay();
  CHECK_FALSE(batched.ended);
  CHECK(batched.waits > 0);
  CHECK(batched.waits < batched.shelf.leaves.size());
  expect_same(one_by_one, batched);
}

TEST_CASE("where a page cannot be read, records applied many at a time end at the one that needs it") {
  std::size_t ended = 0, given_up = 0, given_up_late = 0;
  const std::size_t leaves = written_over{1, false}.shelf.leaves.size();
  REQUIRE(leaves > 8);
  for (std::size_t i = 0; i < leaves; ++i) {
    CAPTURE(i);
    written_over one_by_one{i, false}, batched{i, true};
    for (written_over* x : {&one_by_one, &batched}) {
      if (i < x->shelf.leaves.size()) x->shelf.unreadable = {x->shelf.leaves[i]};
      x->replay();
    }
    ended += one_by_one.ended ? 1u : 0u;
    given_up += batched.given_up;
    given_up_late += batched.given_up_late;
    expect_same(one_by_one, batched);
  }
  CHECK(ended > leaves / 2);
  CHECK(given_up > 0);
  CHECK(given_up_late > 0);
}
