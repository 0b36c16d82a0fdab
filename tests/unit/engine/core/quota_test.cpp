// The quota of a collection: who is refused and who is not, what counts, and that an open knows it.
#include <doctest/doctest.h>

#include <algorithm>
#include <list>

#include "support/core_runner.hpp"

namespace furrow::test {
namespace {

constexpr std::uint64_t block = 4096;

class tenants {
 public:
  explicit tenants(const device_shape& shape = {.zones = 64}) : zones{shape.make()} { runner.format_and_open(); }

  collection_id make(const std::string& name, std::uint64_t quota_blocks) {
    const auto n = core_runner::good(runner.ask(core::collection_request{name, quota_blocks * block}));
    return static_cast<collection_id>(std::get<core::opened_object>(n.result).id);
  }
  core::handle_id object(collection_id in, const std::string& name) {
    create_options o;
    o.name = name;
    o.collection = in;
    return std::get<core::opened_object>(core_runner::good(runner.ask(core::create_request{o})).result).handle;
  }
  core::handle_id find(collection_id in, const std::string& name) {
    return std::get<core::opened_object>(core_runner::good(runner.ask(core::open_object_request{in, name, 0})).result)
        .handle;
  }
  collection_status status(collection_id id) {
    const auto n = core_runner::good(runner.ask(core::collections_request{}));
    const auto& all = std::get<std::vector<collection_status>>(n.result);
    const auto at = std::ranges::find(all, id, &collection_status::id);
    REQUIRE(at != all.end());
    return *at;
  }
  std::uint64_t used(collection_id id) {
    const collection_status s = status(id);
    CHECK(s.claimed_bytes == 0);
    return s.used_bytes / block;
  }
  /// Bytes that live until the end.
  std::vector<std::byte>& bytes(std::uint64_t blocks, std::uint64_t more = 0) {
    return kept.emplace_back(pattern(kept.size() + 1, blocks * block + more));
  }
  core::append_request appending(core::handle_id h, std::uint64_t blocks, std::uint64_t more = 0) {
    auto& b = bytes(blocks, more);
    return {h, {{b.data(), b.size()}}, {}};
  }
  core::write_request writing(core::handle_id h, std::uint64_t at, std::uint64_t blocks) {
    auto& b = bytes(blocks);
    return {h, at * block, b.size(), {{b.data(), b.size()}}, {}};
  }
  error_code append(core::handle_id h, std::uint64_t blocks) { return runner.ask(appending(h, blocks)).error; }
  error_code write(core::handle_id h, std::uint64_t at, std::uint64_t blocks) {
    return runner.ask(writing(h, at, blocks)).error;
  }
  error_code punch(core::handle_id h, std::uint64_t at, std::uint64_t blocks) {
    return runner.ask(core::zero_request{h, at * block, blocks * block, false, {}}).error;
  }
  error_code remove(collection_id in, const std::string& name) {
    return runner.ask(core::remove_request{.collection = in, .name = name, .id = 0}).error;
  }
  error_code set_quota(collection_id id, std::uint64_t blocks) {
    return runner.ask(core::quota_request{id, blocks * block}).error;
  }
  void reopen(bool closed) {
    if (closed) core_runner::good(runner.ask(core::close_request{}));
    core_runner::good(runner.open());
  }
  error_code later(std::uint64_t id) { return runner.answers.at(id).error; }

  zoned::memory_zones zones;
  core_runner runner{zones};
  std::list<std::vector<std::byte>> kept;
};

TEST_CASE("an append over the quota is refused whole, and says what there is") {
  tenants t;
  const collection_id c = t.make("tenant", 10);
  const core::handle_id h = t.object(c, "a");
  CHECK_FALSE(t.append(h, 8));
  const core::notification n = t.runner.ask(t.appending(h, 3));
  CHECK(n.error == errc::quota_exceeded);
  CHECK(n.detail.what == "quota exceeded: collection 1 may have 40960 bytes, has 32768, and 12288 are wanted");
  CHECK(t.used(c) == 8);
  const auto s = core_runner::good(t.runner.ask(core::stat_request{h}));
  CHECK(std::get<object_status>(s.result).bytes == 8 * block);
  CHECK_FALSE(t.append(h, 2));
  CHECK(t.used(c) == 10);
  CHECK_FALSE(t.runner.ask(t.appending(h, 0, 4095)).error);  // a tail is no block
  CHECK(t.runner.ask(t.appending(h, 0, 1)).error == errc::quota_exceeded);
  const core::handle_id other = t.object(default_collection, "others are not concerned");
  CHECK_FALSE(t.append(other, 20));
  CHECK(t.used(default_collection) == 20);
  CHECK(t.runner.check().damage == 0);
}

TEST_CASE("what is in flight counts") {
  tenants t;
  const collection_id c = t.make("tenant", 10);
  const core::handle_id a = t.object(c, "a"), b = t.object(c, "b");
  const auto first = t.runner.ask_later(t.appending(a, 6));
  const auto joins = t.runner.ask_later(t.appending(a, 1));
  const auto too_much = t.runner.ask_later(t.appending(b, 4));
  const auto fits = t.runner.ask_later(t.appending(b, 3));
  t.runner.run();
  CHECK_FALSE(t.later(first));
  CHECK_FALSE(t.later(joins));
  CHECK(t.later(too_much) == errc::quota_exceeded);
  CHECK_FALSE(t.later(fits));
  CHECK(t.used(c) == 10);
}

TEST_CASE("an append that waits for the quota of its collection holds up those of the same collection alone") {
  tenants t;
  const collection_id c = t.make("tenant", 10);
  const core::handle_id a = t.object(c, "a"), b = t.object(c, "b"), other = t.object(default_collection, "other");
  CHECK_FALSE(t.append(a, 8));
  const auto over = t.runner.ask_later(t.writing(a, 0, 2));
  const auto waits = t.runner.ask_later(t.appending(b, 1));
  const auto behind = t.runner.ask_later(t.appending(b, 1));
  const auto passes = t.runner.ask_later(t.appending(other, 3));
  bool passed = false;
  t.runner.watch = [&](const zoned::command&) {
    const auto& done = t.runner.answers;
    passed = passed || (done.contains(passes) && !done.contains(waits) && !done.contains(behind));
  };
  t.runner.run();
  t.runner.watch = nullptr;
  CHECK(passed);
  for (const std::uint64_t id : {over, waits, behind, passes}) CHECK_FALSE(t.later(id));
  CHECK(t.used(c) == 10);
  CHECK(t.runner.check().damage == 0);
}

TEST_CASE("what moves an object does not pass what waits for a quota, and appends to the object keep their order") {
  tenants t;
  const collection_id c = t.make("tenant", 10);
  const core::handle_id a = t.object(c, "a"), b = t.object(c, "b");
  CHECK_FALSE(t.append(a, 8));
  const auto over = t.runner.ask_later(t.writing(a, 0, 2));
  const auto first = t.runner.ask_later(t.appending(b, 1));
  core::batch_request moves;
  moves.members.emplace_back(core::rename_request{0, c, "b", "b", false, default_collection});
  const auto moved = t.runner.ask_later(std::move(moves));
  const auto second = t.runner.ask_later(t.appending(b, 1));
  t.runner.run();
  const auto offset = [&t](std::uint64_t id) {
    return std::get<append_result>(core_runner::good(t.runner.answers.at(id)).result).offset_bytes;
  };
  CHECK(offset(first) == 0);
  CHECK(offset(second) == block);
  for (const std::uint64_t id : {over, moved}) CHECK_FALSE(t.later(id));
  CHECK(t.runner.check().damage == 0);
}

TEST_CASE("an append that fails claims nothing any more") {
  tenants t;
  const collection_id c = t.make("tenant", 10);
  const core::handle_id h = t.object(c, "a");
  t.runner.fail = [](const zoned::command& x) {
    return x.op == zoned::opcode::append && zoned::total_bytes(x.segments) >= 6 * block ? zoned::errc::io
                                                                                        : error_code{};
  };
  CHECK(t.append(h, 6) == zoned::errc::io);
  t.runner.fail = nullptr;
  CHECK(t.used(c) == 0);
  CHECK_FALSE(t.append(h, 10));
}

TEST_CASE("writing over what is there needs no quota, into holes and behind the end it does") {
  tenants t;
  const collection_id c = t.make("tenant", 10);
  const core::handle_id h = t.object(c, "a");
  CHECK_FALSE(t.append(h, 10));
  CHECK_FALSE(t.write(h, 2, 6));
  CHECK_FALSE(t.write(h, 0, 10));
  CHECK(t.write(h, 8, 3) == errc::quota_exceeded);
  CHECK_FALSE(t.punch(h, 3, 4));
  CHECK(t.used(c) == 6);
  CHECK_FALSE(t.write(h, 2, 3));
  CHECK(t.used(c) == 8);
  CHECK_FALSE(t.write(h, 9, 3));
  CHECK(t.used(c) == 10);
  CHECK(t.write(h, 0, 10) == errc::quota_exceeded);  // two of them are holes
  CHECK(t.used(c) == 10);
  CHECK(t.runner.check().damage == 0);
}

TEST_CASE(
    "at the quota, many writes at once over what is there are all taken, and an append beside them waits for them") {
  tenants t;
  const collection_id c = t.make("tenant", 20);
  const core::handle_id h = t.object(c, "a"), other = t.object(c, "b");
  CHECK_FALSE(t.append(h, 16));
  std::vector<std::uint64_t> ids;
  for (std::uint64_t i = 0; i < 12; ++i) ids.push_back(t.runner.ask_later(t.writing(h, i, 1)));
  const auto grows = t.runner.ask_later(t.appending(other, 4));
  for (std::uint64_t i = 0; i < 4; ++i) ids.push_back(t.runner.ask_later(t.writing(h, i, 2)));
  const auto over = t.runner.ask_later(t.appending(other, 1));
  t.runner.run();
  for (const std::uint64_t id : ids) CHECK_FALSE(t.later(id));
  CHECK_FALSE(t.later(grows));
  CHECK(t.later(over) == errc::quota_exceeded);
  CHECK(t.used(c) == 20);
}

TEST_CASE("removing, punching and truncating give back") {
  tenants t;
  const collection_id c = t.make("tenant", 10);
  const core::handle_id h = t.object(c, "a"), kept = t.object(c, "kept");
  CHECK_FALSE(t.append(h, 5));
  CHECK_FALSE(t.append(kept, 5));
  CHECK_FALSE(t.runner.ask(core::truncate_request{h, 3 * block, {}}).error);
  CHECK(t.used(c) == 8);
  CHECK_FALSE(t.punch(h, 0, 1));
  CHECK_FALSE(t.append(h, 3));
  CHECK_FALSE(t.remove(c, "kept"));
  CHECK(t.append(h, 1) == errc::quota_exceeded);  // somebody has it open
  core_runner::good(t.runner.ask(core::release_request{kept}));
  CHECK(t.used(c) == 5);
  CHECK_FALSE(t.append(h, 5));
  core_runner::good(t.runner.ask(core::release_request{h}));
  const auto gone = t.runner.ask_later(core::remove_request{.collection = c, .name = "a", .id = 0});
  const core::handle_id next = t.object(c, "next");
  CHECK_FALSE(t.append(next, 10));
  CHECK_FALSE(t.later(gone));
  CHECK(t.runner.check().damage == 0);
}

TEST_CASE("at the quota, a name that changes while what is there is written over claims nothing") {
  for (std::uint64_t commands = 0; commands < 4; ++commands) {
    CAPTURE(commands);
    tenants t;
    const collection_id c = t.make("c", 4);
    const core::handle_id h = t.object(c, "a");
    REQUIRE_FALSE(t.append(h, 4));
    std::uint64_t seen = 0, renamed = 0, told = 0;
    t.runner.watch = [&](const zoned::command&) {
      if (seen++ != commands) return;
      renamed = t.runner.ask_later(core::rename_request{.collection = c, .from = "a", .to = "b", .to_collection = c});
      told = t.runner.ask_later(core::collections_request{});
    };
    CHECK_FALSE(t.write(h, 0, 4));
    core_runner::good(t.runner.ask(core::sync_request{}));
    if (told == 0) continue;  // fewer commands than that
    CHECK_FALSE(t.later(renamed));
    const auto& all = std::get<std::vector<collection_status>>(t.runner.answers.at(told).result);
    const auto& is = *std::ranges::find(all, c, &collection_status::id);
    CHECK(is.used_bytes + is.claimed_bytes <= is.quota_bytes);
  }
}

TEST_CASE("a clone counts in full") {
  tenants t;
  const collection_id c = t.make("tenant", 10);
  const core::handle_id a = t.object(c, "a"), b = t.object(c, "b");
  CHECK_FALSE(t.append(a, 6));
  CHECK_FALSE(t.punch(a, 1, 1));
  const auto clone = [&](std::uint64_t to, std::uint64_t from, std::uint64_t blocks) {
    return t.runner.ask(core::clone_request{b, to * block, a, from * block, blocks * block, {}}).error;
  };
  CHECK_FALSE(clone(0, 0, 6));
  CHECK(t.used(c) == 10);
  CHECK_FALSE(clone(0, 0, 6));  // in place of the same
  CHECK(clone(6, 0, 2) == errc::quota_exceeded);
  CHECK_FALSE(clone(6, 1, 1));  // a hole
  CHECK(t.used(c) == 10);
  CHECK(t.runner.check().damage == 0);
}

TEST_CASE("a quota counts what was on its way when it was set") {
  tenants t;
  const collection_id c = t.make("tenant", 0);
  const core::handle_id a = t.object(c, "a"), b = t.object(c, "b");
  CHECK_FALSE(t.append(b, 1));
  std::vector<std::uint64_t> before;
  for (int i = 0; i < 4; ++i) before.push_back(t.runner.ask_later(t.appending(a, 1)));
  before.push_back(t.runner.ask_later(t.writing(b, 0, 1)));
  const auto limits = t.runner.ask_later(core::quota_request{c, 6 * block});
  const auto fits = t.runner.ask_later(t.appending(a, 1));
  const auto too_much = t.runner.ask_later(t.appending(a, 1));
  t.runner.run();
  for (const std::uint64_t id : before) CHECK_FALSE(t.later(id));
  CHECK_FALSE(t.later(limits));
  CHECK_FALSE(t.later(fits));
  CHECK(t.later(too_much) == errc::quota_exceeded);
  CHECK(t.used(c) == 6);
}

TEST_CASE("of an ordered extent that grew when there was no quota all counts when there is one again") {
  tenants t;
  const collection_id c = t.make("tenant", 8), to = t.make("to", 4);
  const core::handle_id a = t.object(c, "a");
  t.runner.ask_later(t.appending(a, 1));
  t.runner.ask_later(core::quota_request{c, 0});
  for (int i = 0; i < 4; ++i) t.runner.ask_later(t.appending(a, 1));
  const auto goes =
      t.runner.ask_later(core::rename_request{.collection = c, .from = "a", .to = "a", .to_collection = to});
  t.runner.run();
  CHECK(t.later(goes) == errc::quota_exceeded);
  CHECK(t.used(c) == 5);
}

TEST_CASE("a promise claims, and what was promised is not refused") {
  tenants t;
  const collection_id c = t.make("tenant", 10);
  const core::handle_id a = t.object(c, "a"), b = t.object(c, "b");
  CHECK_FALSE(t.runner.ask(core::reserve_request{a, 6 * block}).error);
  CHECK(t.runner.ask(core::reserve_request{b, 5 * block}).error == errc::quota_exceeded);
  CHECK(t.append(b, 5) == errc::quota_exceeded);
  CHECK_FALSE(t.append(b, 4));
  CHECK_FALSE(t.append(a, 2));
  CHECK_FALSE(t.write(a, 2, 3));
  CHECK(t.status(c).claimed_bytes == block);
  CHECK(t.append(b, 1) == errc::quota_exceeded);
  core_runner::good(t.runner.ask(core::release_request{a}));
  CHECK_FALSE(t.append(b, 1));
  CHECK(t.used(c) == 10);
}

TEST_CASE("a promise that is taken while there is no quota claims nothing when there is one again") {
  tenants t;
  const collection_id c = t.make("tenant", 10);
  const core::handle_id a = t.object(c, "a"), b = t.object(c, "b");
  CHECK_FALSE(t.runner.ask(core::reserve_request{a, 6 * block}).error);
  CHECK_FALSE(t.set_quota(c, 0));
  CHECK_FALSE(t.append(a, 3));
  const auto on_its_way = t.runner.ask_later(t.appending(a, 1));
  t.runner.ask_later(core::quota_request{c, 10 * block});
  t.runner.run();
  CHECK_FALSE(t.later(on_its_way));
  CHECK(t.status(c).claimed_bytes == 2 * block);
  CHECK_FALSE(t.append(b, 4));
  CHECK_FALSE(t.append(a, 2));
  CHECK(t.used(c) == 10);
}

TEST_CASE("a batch is within all quotas, or is not done") {
  tenants t;
  const collection_id c = t.make("tenant", 4);
  const core::handle_id h = t.object(c, "a");
  const auto batch = [&](std::uint64_t blocks) {
    core::batch_request r;
    r.members.emplace_back(core::batch_request::create{{.collection = c, .name = "made"}});
    auto& b = t.bytes(blocks);
    r.members.emplace_back(core::batch_request::append{{}, 0, {{b.data(), b.size()}}, {}});
    auto& small = t.bytes(0, 2500);
    for (int i = 0; i < 2; ++i)
      r.members.emplace_back(core::batch_request::append{h, 0, {{small.data(), small.size()}}, {}});
    return r;
  };
  CHECK(t.runner.ask(batch(4)).error == errc::quota_exceeded);
  CHECK(t.runner.ask(core::open_object_request{c, "made", 0}).error == errc::not_found);
  CHECK_FALSE(t.runner.ask(batch(3)).error);
  CHECK(t.used(c) == 4);
}

TEST_CASE("a batch takes nothing of what was promised") {
  tenants t;
  const collection_id c = t.make("tenant", 8);
  const core::handle_id a = t.object(c, "a"), b = t.object(c, "b");
  CHECK_FALSE(t.runner.ask(core::reserve_request{a, 4 * block}).error);
  core::batch_request r;
  auto& bytes = t.bytes(4);
  r.members.emplace_back(core::batch_request::append{a, 0, {{bytes.data(), bytes.size()}}, {}});
  CHECK_FALSE(t.runner.ask(r).error);
  CHECK(t.status(c).claimed_bytes == 4 * block);
  CHECK(t.append(b, 1) == errc::quota_exceeded);
  CHECK_FALSE(t.append(a, 4));
  CHECK(t.used(c) == 8);
}

TEST_CASE("an object takes what it has along to another collection, if that may have it") {
  tenants t;
  const collection_id from = t.make("from", 10), to = t.make("to", 5);
  const core::handle_id h = t.object(from, "a");
  CHECK_FALSE(t.append(h, 4));
  core::rename_request r{.collection = from, .from = "a", .to = "b", .to_collection = to};
  const auto more = t.runner.ask_later(t.appending(h, 2));
  CHECK(t.runner.ask(r).error == errc::quota_exceeded);  // four, and two on their way
  CHECK_FALSE(t.later(more));
  CHECK_FALSE(t.runner.ask(core::truncate_request{h, 5 * block, {}}).error);
  CHECK_FALSE(t.runner.ask(r).error);
  CHECK(t.used(from) == 0);
  CHECK(t.used(to) == 5);
  CHECK(t.append(h, 1) == errc::quota_exceeded);
  CHECK(t.runner.check().damage == 0);
}

TEST_CASE("what is on its way to an object counts where the object goes") {
  tenants t;
  const collection_id from = t.make("from", 0), to = t.make("to", 5);
  const core::handle_id a = t.object(from, "a"), b = t.object(from, "b"), other = t.object(to, "other");
  const auto first = t.runner.ask_later(t.appending(a, 3));
  const auto more = t.runner.ask_later(t.appending(b, 6));
  const auto goes =
      t.runner.ask_later(core::rename_request{.collection = from, .from = "a", .to = "a", .to_collection = to});
  const auto stays =
      t.runner.ask_later(core::rename_request{.collection = from, .from = "b", .to = "b", .to_collection = to});
  const auto beside = t.runner.ask_later(t.appending(other, 3));
  t.runner.run();
  CHECK_FALSE(t.later(first));
  CHECK_FALSE(t.later(more));
  CHECK_FALSE(t.later(goes));
  CHECK(t.later(stays) == errc::quota_exceeded);
  CHECK(t.later(beside) == errc::quota_exceeded);
  CHECK(t.used(to) == 3);
  CHECK(t.used(from) == 6);
  CHECK_FALSE(t.append(other, 2));
}

TEST_CASE("of a write that its object takes along to a quota, what is there is claimed no more") {
  tenants t;
  constexpr std::uint64_t told = 12 + 3;  // blocks at most: of the write, and at its ends
  const collection_id from = t.make("from", 0), to = t.make("to", told);
  const core::handle_id h = t.object(from, "a");
  auto& b = t.bytes(12);
  const auto write = t.runner.ask_later(core::write_request{h, 0, b.size(), {{b.data(), 2 * block}}, {}});
  const auto goes =
      t.runner.ask_later(core::rename_request{.collection = from, .from = "a", .to = "a", .to_collection = to});
  t.runner.run();
  CHECK_FALSE(t.later(goes));
  const auto need = t.runner.answers.extract(write);
  REQUIRE(std::get<core::source_need>(need.mapped().result).position_bytes == 2 * block);
  CHECK(t.status(to).used_bytes == 2 * block);
  CHECK(t.status(to).claimed_bytes == (told - 2) * block);
  core_runner::good(t.runner.ask(core::source_request{{write}, {{b.data() + 2 * block, 10 * block}}, {}, false}));
  CHECK_FALSE(t.later(write));
  CHECK(t.used(to) == 12);
  CHECK(t.used(from) == 0);
}

TEST_CASE("a quota can be changed, and who has more keeps it") {
  tenants t;
  const collection_id c = t.make("tenant", 0);
  const core::handle_id h = t.object(c, "a");
  CHECK_FALSE(t.append(h, 9));
  CHECK_FALSE(t.set_quota(c, 5));
  CHECK(t.append(h, 1) == errc::quota_exceeded);
  CHECK_FALSE(t.write(h, 0, 9));
  CHECK_FALSE(t.runner.ask(core::truncate_request{h, 4 * block, {}}).error);
  CHECK_FALSE(t.append(h, 1));
  CHECK_FALSE(t.set_quota(default_collection, 3));
  const core::handle_id d = t.object(default_collection, "d");
  CHECK(t.append(d, 4) == errc::quota_exceeded);
  CHECK(t.set_quota(77, 5) == errc::collection_not_found);
  for (const bool closed : {false, true}) {
    core_runner::good(t.runner.ask(core::sync_request{}));
    t.reopen(closed);
    CHECK(t.status(c).quota_bytes == 5 * block);
    CHECK(t.status(c).name == "tenant");
    CHECK(t.status(default_collection).quota_bytes == 3 * block);
    CHECK(t.used(c) == 5);
  }
}

TEST_CASE("an open knows what each collection has, after a close and after a crash, with and without a checkpoint") {
  tenants t;
  const collection_id c = t.make("tenant", 20), other = t.make("other", 0);
  std::uint64_t has = 0;
  for (int round = 0; round < 6; ++round) {
    const std::string name = std::to_string(round);
    const core::handle_id h = t.object(c, name);
    CHECK_FALSE(t.append(h, 3));
    CHECK_FALSE(t.append(t.object(other, name), 2));
    if (round % 2 == 0) core_runner::good(t.runner.ask(core::checkpoint_request{}));
    CHECK_FALSE(t.punch(h, 1, 1));
    has += 2;
    core_runner::good(t.runner.ask(core::sync_request{}));
    t.reopen(round % 3 == 0);
    CHECK(t.used(c) == has);
    CHECK(t.used(other) == static_cast<std::uint64_t>(2 * (round + 1)));
    CHECK(t.runner.check().damage == 0);
  }
  const core::handle_id last = t.object(c, "last");
  CHECK(t.append(last, 9) == errc::quota_exceeded);
  CHECK_FALSE(t.append(last, 8));
  core_runner::good(t.runner.ask(core::sync_request{}));
  CHECK_FALSE(t.remove(c, "last"));
  core_runner::good(t.runner.ask(core::sync_request{}));
  t.reopen(false);  // it was open
  CHECK(t.used(c) == 12);
}

TEST_CASE("a write of many attempts over the quota is refused before the first") {
  tenants t;
  const collection_id c = t.make("tenant", 10);
  const core::handle_id h = t.object(c, "a");
  auto& b = t.bytes(12);
  core::write_request r{h, 0, b.size(), {{b.data(), 2 * block}}, {}};
  CHECK(t.runner.ask(r).error == errc::quota_exceeded);
  CHECK(t.used(c) == 0);
  r.bytes = 10 * block;
  const auto id = t.runner.ask_later(r);
  t.runner.run();
  const auto need = t.runner.answers.extract(id);
  REQUIRE(std::get<core::source_need>(need.mapped().result).position_bytes == 2 * block);
  CHECK(t.status(c).used_bytes == 2 * block);
  CHECK(t.status(c).claimed_bytes == 8 * block);
  CHECK(t.append(t.object(c, "b"), 1) == errc::quota_exceeded);
  core_runner::good(t.runner.ask(core::source_request{{id}, {{b.data() + 2 * block, 8 * block}}, {}, false}));
  CHECK_FALSE(t.later(id));
  CHECK(t.used(c) == 10);
}

}  // namespace
}  // namespace furrow::test
