// Cleaning: what lives is moved whole, whatever happens meanwhile; a store that is nearly full goes on.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "cleaned_world.hpp"
#include "core/limits.hpp"

namespace furrow::test {

using world = cleaned_world;

TEST_CASE("on demand all zones that are dead in part are cleaned, and nothing else has changed") {
  world w{device_shape{.zones = 48}};
  const core::handle_id h = half_dead(w);
  const auto before = std::get<object_status>(core_runner::good(w.store.ask(core::stat_request{h})).result);
  const statistics was = w.store.stats();
  REQUIRE(was.dead_bytes > 0);
  const clean_result r = w.clean();
  CHECK_FALSE(r.reached);
  CHECK(r.zones_cleaned >= 8);
  CHECK(r.blocks_moved > 0);
  const statistics is = w.store.stats();
  CHECK(is.live_bytes == was.live_bytes);
  CHECK(is.dead_bytes < was.dead_bytes / 4);
  CHECK(is.free_bytes > was.free_bytes);
  CHECK(is.cleaner_blocks_moved == r.blocks_moved);
  CHECK(w.clean().blocks_moved == 0);  // nothing more can be won
  w.compare(h);
  w.check();
  const auto after = std::get<object_status>(core_runner::good(w.store.ask(core::stat_request{h})).result);
  CHECK(after.bytes == before.bytes);
  CHECK(after.attributes.modified_ns == before.attributes.modified_ns);
  core_runner::good(w.store.ask(core::sync_request{}));
  const core::handle_id again = w.reopen("a");
  w.compare(again, w.is[h.value]);
  w.check();
}

TEST_CASE("cleaning ends when the share asked for is free") {
  world w{device_shape{.zones = 48}};
  half_dead(w);
  const statistics was = w.store.stats();
  const clean_result r =
      w.clean(static_cast<double>(was.free_bytes + 50 * block) / static_cast<double>(was.capacity_bytes));
  CHECK(r.reached);
  CHECK(r.zones_cleaned >= 1);
  CHECK(r.zones_cleaned < 6);
  CHECK(w.clean(0).zones_cleaned == 0);
  CHECK(w.store.ask(core::clean_request{-0.1}).error == errc::invalid_argument);
  CHECK(w.store.ask(core::clean_request{1.1}).error == errc::invalid_argument);
}

TEST_CASE("what is changed while it is being moved stays changed, at whatever step") {
  for (std::uint64_t step = 1; step < 160; step += step < 40 ? 1 : 7) {
    CAPTURE(step);
    world w{device_shape{.zones = 48}};
    const core::handle_id h = half_dead(w);
    at_command(w, step, [&] { w.store.ask_later(w.overwrite(h, step % 60, 120)); });
    core_runner::good(w.store.ask(core::clean_request{1}));
    w.store.watch = nullptr;
    w.compare(h);
    w.check();
  }
}

TEST_CASE("a power loss at any step of cleaning loses nothing") {
  for (std::uint64_t step = 1; step < 200; step += step < 40 ? 1 : 9) {
    CAPTURE(step);
    world w{device_shape{.zones = 48}};
    const core::handle_id h = half_dead(w);
    core_runner::good(w.store.ask(core::sync_request{}));
    w.store.ask_later(core::clean_request{1});
    w.store.run_commands(step);
    const core::handle_id again = w.reopen("a");
    w.compare(again, w.is[h.value]);
    w.check();
  }
}

TEST_CASE("blocks that several objects name are moved once, for all of them") {
  world w{device_shape{.zones = 48}};
  const core::handle_id a = w.make("a", many);
  const core::handle_id b = w.store.create("b");
  core::clone_request k;
  k.handle = b;
  k.source = a;
  k.bytes = many * block;
  core_runner::good(w.store.ask(k));
  const auto cloned = w.is[a.value];
  const core::handle_id c = w.make("c", many);
  for (std::uint64_t at = 0; at < many; at += 6) w.write(c, at, 3);
  core::zero_request z;  // of both, so that their blocks die
  z.offset_bytes = 100 * block;
  z.bytes = 60 * block;
  for (const auto h : {a, b}) {
    z.handle = h;
    core_runner::good(w.store.ask(z));
  }
  w.write(a, 0, 20);  // only b names them now
  const std::uint64_t live = w.store.stats().live_bytes;
  CHECK(w.clean().blocks_moved > 0);
  CHECK(w.store.stats().live_bytes == live);  // still shared
  w.check();
  w.compare(c);
  const bytes of_b = w.store.read(b, 0, many * block);
  for (std::size_t at = 0; at < many; ++at) {
    CAPTURE(at);
    const bytes one = at >= 100 && at < 160 ? bytes(block) : pattern(cloned[at], block);
    REQUIRE(std::equal(one.begin(), one.end(), of_b.begin() + static_cast<std::ptrdiff_t>(at * block)));
  }
}

TEST_CASE("a block that is not what was written is told, its zone left, and the others moved") {
  world w{device_shape{.zones = 48}};
  const core::handle_id h = half_dead(w);
  core::extents_request x;
  x.handle = h;
  x.offset_bytes = 4 * block;  // one that was not written again
  x.bytes = block;
  const auto list = std::get<extent_list>(core_runner::good(w.store.ask(x)).result);
  const zoned::place at = *list.extents.at(0).where;
  w.store.spoil = [&](const zoned::command& c, zoned::completion&) {
    if (c.op != zoned::opcode::read || c.zone != at.zone || at.offset_bytes < c.offset_bytes) return;
    std::uint64_t skip = at.offset_bytes - c.offset_bytes;
    for (const zoned::segment& s : c.segments) {
      if (skip < s.bytes) {
        static_cast<std::byte*>(s.data)[skip] ^= std::byte{1};
        return;
      }
      skip -= s.bytes;
    }
  };
  const clean_result r = w.clean();
  CHECK(r.zones_cleaned >= 7);
  std::size_t told = 0;
  for (const core::event& e : w.store.events) {
    if (e.what != core::event::kind::damage) continue;
    ++told;
    CHECK(e.detail.object.has_value());
    CHECK(e.detail.offset_bytes == 4 * block);
    CHECK(e.detail.zone == at.zone);
  }
  CHECK(told == 1);
  CHECK(w.store.stats().zones_left == 1);
  CHECK(w.clean().blocks_moved == 0);  // it is not tried again and again
  w.store.spoil = nullptr;
  w.compare(h);
  w.check();
}

TEST_CASE("a store can be closed in the middle of cleaning") {
  for (std::uint64_t step = 1; step < 60; ++step) {
    CAPTURE(step);
    world w{device_shape{.zones = 48}};
    const core::handle_id h = half_dead(w);
    std::uint64_t closing = 0;
    at_command(w, step, [&] { closing = w.store.ask_later(core::close_request{}); });
    core_runner::good(w.store.ask(core::clean_request{1}));
    w.store.watch = nullptr;
    REQUIRE(w.store.answers.contains(closing));
    CHECK_FALSE(w.store.answers.at(closing).error);
    const core::handle_id again = w.reopen("a");
    w.compare(again, w.is[h.value]);
    w.check();
  }
}

TEST_CASE("without cleaning a store of dead blocks is full, and with it there is room for as many as are dead") {
  for (const bool cleans : {false, true}) {
    CAPTURE(cleans);
    store_options o = by_hand();
    o.background_cleaning = cleans;
    world w{device_shape{.zones = 48}, o};
    const core::handle_id h = w.make("a", w.store.stats().free_bytes / block * 3 / 4);
    const std::uint64_t blocks = w.is[h.value].size();
    std::mt19937_64 random{4};
    bool full = false;
    for (std::uint64_t i = 0; i < 2 * blocks && !full; ++i) {
      const std::uint64_t at = random() % blocks, was = w.is[h.value][at];
      const auto n = w.store.ask(w.overwrite(h, at, 1));
      if (n.error) w.is[h.value][at] = was;
      full = static_cast<bool>(n.error);
      if (full) CHECK(n.error == errc::no_space);
    }
    CHECK(full == !cleans);
    CHECK((w.store.stats().zones_cleaned > 0) == cleans);
    w.compare(h);
    w.check();
  }
}

TEST_CASE("80 % full, written over at random three times its size, a store goes on") {
  const char* const given = std::getenv("FURROW_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  CAPTURE(seed);
  std::mt19937_64 random{seed};
  store_options o;
  o.checkpoint_journal_bytes_min = 0;
  o.recovery_journal_bytes_max = 1;  // as little as there can be
  world w{device_shape{.zones = 160}, o};
  const std::uint64_t capacity = w.store.stats().capacity_bytes / block;
  const core::handle_id h = w.make("a", capacity * 8 / 10);
  const std::uint64_t blocks = w.is[h.value].size();
  for (std::uint64_t written = 0; written < 3 * capacity;) {
    const std::uint64_t count = 1 + random() % 4, at = random() % (blocks - count);
    w.write(h, at, count);
    written += count;
  }
  w.compare(h);
  w.check();
  const statistics s = w.store.stats();
  MESSAGE("amplification ", static_cast<double>(s.data_bytes) / static_cast<double>((3 * capacity + blocks) * block),
          ", ", s.zones_cleaned, " zones cleaned, ", s.zones_left, " left");
  CHECK(s.zone_finishes == 0);
  core_runner::good(w.store.ask(core::close_request{}));
  const core::handle_id again = w.reopen("a");
  w.compare(again, w.is[h.value]);
}

TEST_CASE("zones that a view keeps are not cleaned: nothing would come of it") {
  world w{device_shape{.zones = 48}};
  const core::handle_id h = w.make("a", many * 2);
  core::map_request m;
  m.handle = h;
  m.bytes = many * 2 * block;
  core_runner::good(w.store.ask(m));
  for (std::uint64_t b = 0; b < many * 2; b += 6) w.write(h, b, 2);
  const std::uint64_t before = w.store.stats().free_bytes;
  CHECK_FALSE(w.clean(1).reached);
  CHECK(w.store.stats().free_bytes >= before);
  w.compare(h);
}

TEST_CASE("blocks of more names than one record has are moved in several") {
  world w{device_shape{.zones = 64}};
  const core::handle_id a = w.make("a", many);
  const core::handle_id b = w.store.create("b");
  constexpr std::uint64_t names = 60, blocks = 47;
  for (std::uint64_t i = 0; i < names * blocks; ++i) {
    core::clone_request k;
    k.handle = b, k.source = a, k.bytes = block;
    k.offset_bytes = i * block;
    k.source_offset_bytes = (blocks - 1 - i % blocks) * block;
    core_runner::good(w.store.ask(k));
  }
  core::zero_request z;
  z.handle = a, z.bytes = 5 * block;
  core_runner::good(w.store.ask(z));
  z.handle = b, z.bytes = block;
  for (std::uint64_t i = 0; i < names; ++i) {
    for (std::uint64_t x = blocks - 5; x < blocks; ++x) {
      z.offset_bytes = (i * blocks + x) * block;
      core_runner::good(w.store.ask(z));
    }
  }
  static_cast<void>(w.clean(1));
  CHECK(w.store.stats().zones_left == 0);
  CHECK(w.store.stats().cleaner_blocks_moved >= blocks - 5);
  CHECK(w.store.check().damage == 0);
}

TEST_CASE("a block that more extents name than one record has is moved, to as many copies as it takes") {
  world w{device_shape{.zones = 64}};
  constexpr std::uint64_t names = 2000, at = 3;
  REQUIRE(core::names_max(47) < names / 2);
  const core::handle_id a = w.make("a", many);
  const core::handle_id b = w.store.create("b");
  core::clone_request k;
  k.handle = b, k.source = a, k.bytes = block;
  k.source_offset_bytes = at * block;
  for (std::uint64_t i = 0; i < names; ++i) {
    k.offset_bytes = i * block;
    core_runner::good(w.store.ask(k));
  }
  core::zero_request z;
  z.handle = a, z.offset_bytes = (at + 2) * block, z.bytes = 20 * block;
  core_runner::good(w.store.ask(z));
  const std::uint64_t live = w.store.stats().live_bytes;
  CHECK(w.clean().zones_cleaned > 0);
  CHECK(w.store.stats().zones_left == 0);
  CHECK(w.store.stats().live_bytes == live + names / core::names_max(47) * block);
  w.check();
  w.compare(b, std::vector<std::uint64_t>(names, w.is[a.value][at]));
  core_runner::good(w.store.ask(core::sync_request{}));
  w.compare(w.reopen("b"), std::vector<std::uint64_t>(names, w.is[a.value][at]));
  w.check();
}

TEST_CASE("zones that a view keeps, however many, do not keep others from being cleaned in the background") {
  store_options o = by_hand();
  o.background_cleaning = true;
  world w{device_shape{.zones = 120}, o};
  const core::handle_id kept = w.make("kept", 47 * 45);
  const core::handle_id h = w.make("a", 47 * 40);
  core::map_request m;
  m.handle = kept;
  m.bytes = 47 * 45 * block;
  core_runner::good(w.store.ask(m));
  core::zero_request z;
  z.handle = kept, z.bytes = 30 * block;
  for (z.offset_bytes = 0; z.offset_bytes < m.bytes; z.offset_bytes += 47 * block) core_runner::good(w.store.ask(z));
  std::mt19937_64 random{1};
  for (int i = 0; i < 4000; ++i) w.write(h, random() % (47 * 40), 1);
  CHECK(w.store.stats().zones_cleaned > 0);
  w.compare(h);
}

TEST_CASE("a zone that could not be read once is cleaned when it can be read") {
  world w{device_shape{.zones = 56}};
  const core::handle_id h = half_dead(w);
  w.store.fail = [](const zoned::command& c) {
    return c.op == zoned::opcode::read ? error_code{zoned::errc::io} : error_code{};
  };
  CHECK(w.clean().zones_cleaned == 0);
  w.store.fail = nullptr;
  const core::handle_id other = w.make("other", many);
  for (int i = 0; i < 4; ++i) w.write(other, 0, many);  // zones change meanwhile
  CHECK(w.clean(1).zones_cleaned > 0);
  w.compare(h);
}

TEST_CASE("a store of many small objects has room for its user as long as something is dead") {
  store_options o;
  o.background_cleaning = true;
  world w{device_shape{.zones = 60}, o};
  std::vector<core::handle_id> objects;
  std::mt19937_64 random{1};
  for (int i = 0; i < 300; ++i) objects.push_back(w.make(std::string(250, 'x') + std::to_string(i), 4));
  for (int i = 0; i < 20000; ++i) {
    const auto n = w.store.ask(w.overwrite(objects[random() % objects.size()], random() % 4, 1));
    if (n.error) {
      CHECK(n.error == errc::no_space);
      CHECK(w.store.stats().dead_bytes < 47 * block);  // of less, no zone is won
      break;
    }
    if (i % 40 > 0 || i >= 8000) continue;
    create_options more;  // metadata grow, and what is left for data with them
    more.name = std::string(250, 'y') + std::to_string(i);
    static_cast<void>(w.store.ask(core::create_request{more}));
    core_runner::good(w.store.ask(core::sync_request{}));
  }
  CHECK(w.store.check().damage == 0);
}

}  // namespace furrow::test
