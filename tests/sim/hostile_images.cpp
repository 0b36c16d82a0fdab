// Images with damage: a small store, ten thousand flipped bytes, each in process. What opens and what reads is either
// unharmed or says that it is not: never wrong bytes, never a durable object that is silently gone.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "sim/content.hpp"
#include "sim/failure.hpp"
#include "sim/sim_store.hpp"

namespace {

using namespace furrow;
using namespace furrow::sim;

struct known_object {
  std::string name;
  std::uint64_t tag = 0;
  std::uint64_t bytes = 0;
  std::uint64_t durable_bytes = 0;  ///< Less than `bytes` if the last group alone tells of the rest.
};

/// A store made by the core on zones in memory, and what it holds.
struct image {
  zoned::geometry shape;
  zoned::guarantees promises;
  store_options options;
  std::vector<known_object> objects;
  std::unique_ptr<zoned::memory_zones> zones;
};

struct outcome {
  std::uint64_t opens_refused = 0;
  std::uint64_t damage_reported = 0;
  std::uint64_t reads_refused = 0;
  std::uint64_t unharmed = 0;
  std::map<std::string, std::uint64_t> errors;
};

zoned::geometry image_shape() {
  zoned::geometry g;
  g.lba_bytes = 4096;
  g.zone_bytes = 256 << 10;
  g.zone_count = 22;
  g.last_zone_bytes = g.zone_bytes;
  return g;
}

core::notification must(sim_store& store, core::request_body body) {
  core::notification n = store.ask(std::move(body));
  if (n.error) throw broken_promise{n.error.message() + " " + n.detail.what};
  return n;
}

void append(sim_store& store, known_object& o, std::uint64_t bytes, durability level) {
  core::create_request create;
  create.options.name = o.name;
  const auto opened = std::get<core::opened_object>(must(store, create).result);
  std::vector<std::byte> memory(bytes);
  fill_content(memory, o.tag, o.bytes);
  core::append_request append;
  append.handle = opened.handle;
  append.segments = {{memory.data(), memory.size()}};
  append.options.level = level;
  static_cast<void>(must(store, append));
  static_cast<void>(must(store, core::release_request{opened.handle}));
  o.bytes += bytes;
}

/// `clean`: closed; else the process ended with a journal to replay, whose last group tells of the end of object 0
/// alone.
image make_image(bool clean, std::uint8_t page_copies) {
  image made;
  made.shape = image_shape();
  made.promises.native_append = true;
  made.promises.appends_per_zone_max = 4;
  made.options.checkpoint_journal_bytes_min = 0;
  made.options.page_cache_bytes = 1 << 20;
  std::vector<zoned::zone_info> zones;
  for (std::uint32_t i = 0; i < made.shape.zone_count; ++i) {
    zones.push_back({.index = {i},
                     .type = zoned::zone_type::sequential,
                     .condition = zoned::zone_condition::empty,
                     .bytes = made.shape.zone_bytes,
                     .capacity_bytes = made.shape.zone_bytes,
                     .write_pointer_bytes = 0});
  }
  sim_device device{zoned::memory_zones{made.shape, made.promises, zones}, made.promises, 1};
  sim_store store{device, made.options, 1};
  store.start();
  static_cast<void>(must(store, core::format_request{{.force = false, .page_copies = page_copies, .checksums = true},
                                                     uuid{std::byte{1}}}));
  store.end();
  store.start();
  static_cast<void>(must(store, core::open_request{}));
  constexpr std::array<std::uint64_t, 6> lengths{10, 3000, 4096, 20'000, 65'536, 100'001};
  for (std::size_t i = 0; i < 24; ++i) {
    known_object& o = made.objects.emplace_back();
    o.name = fmt::format("object-{:02}", i);
    o.tag = mix(i + 1);
    append(store, o, lengths[i % lengths.size()], durability::written);
    if (i == 11) static_cast<void>(must(store, core::checkpoint_request{}));
  }
  for (std::size_t i = 1; i < 24; i += 3) append(store, made.objects[i], 777, durability::durable);
  for (known_object& o : made.objects) o.durable_bytes = o.bytes;
  if (clean) {
    static_cast<void>(must(store, core::close_request{}));
    store.end();
  } else {
    append(store, made.objects[0], 50, durability::durable);
    store.interrupt(interruption::process_end);
  }
  made.zones = std::make_unique<zoned::memory_zones>(device.zones());
  return made;
}

/// Places whose bytes an open or a read may look at: below the write pointers.
std::vector<zoned::place> written_blocks(const zoned::memory_zones& zones) {
  std::vector<zoned::place> all;
  for (const zoned::zone_info& z : zones.machine().all()) {
    for (std::uint64_t at = 0; at < z.write_pointer_bytes; at += zoned::store_block_bytes) all.push_back({z.index, at});
  }
  return all;
}

void flip(zoned::memory_zones& zones, zoned::place at, prng& chance) {
  at.offset_bytes += chance.below(zoned::store_block_bytes);
  std::array<std::byte, 1> byte;
  zones.peek(at, byte);
  byte[0] ^= static_cast<std::byte>(chance.within(1, 255));
  zones.poke(at, byte);
}

/// Reads one object whole. A typed error is fine; so is all of it. Anything else is not.
void read_object(sim_store& store, const known_object& o, bool damage_told, outcome& to) {
  core::notification n = store.ask(core::open_object_request{default_collection, o.name, 0});
  if (n.error) {
    const bool silent = n.error == errc::not_found && !damage_told;
    if (silent) throw broken_promise{o.name + " is silently gone"};
    ++to.reads_refused;
    ++to.errors[n.error.message()];
    return;
  }
  const core::handle_id handle = std::get<core::opened_object>(n.result).handle;
  n = store.ask(core::stat_request{handle});
  const std::uint64_t bytes = n.error ? o.bytes : std::get<object_status>(n.result).bytes;
  if (bytes > o.bytes || (bytes < o.durable_bytes && !damage_told)) {
    throw broken_promise{fmt::format("{} has {} bytes, not {}", o.name, bytes, o.bytes)};
  }
  if (bytes == 0) return;
  std::vector<std::byte> memory(bytes);
  core::read_request read;
  read.handle = handle;
  read.ranges = {{0, memory}};
  n = store.ask(std::move(read));
  if (n.error) {
    ++to.reads_refused;
    ++to.errors[n.error.message()];
  } else if (const auto wrong = find_foreign_byte(memory, o.tag, 0)) {
    throw broken_promise{fmt::format("{} has a wrong byte at {}", o.name, *wrong)};
  }
}

void try_image(const image& from, zoned::memory_zones damaged, outcome& to) {
  sim_device device{std::move(damaged), from.promises, 2};
  sim_store store{device, from.options, 2};
  store.start();
  const core::notification opened = store.ask(core::open_request{});
  if (opened.error) {
    const bool typed =
        opened.error.category() == furrow::error_category() || opened.error.category() == zoned::error_category();
    if (!typed) throw broken_promise{"an error of no kind: " + opened.error.message()};
    ++to.opens_refused;
    ++to.errors[opened.error.message()];
    return;
  }
  const bool told = std::get<core::open_result>(opened.result).info.read_only;
  if (told) ++to.damage_reported;
  const std::uint64_t refused = to.reads_refused;
  for (const known_object& o : from.objects) read_object(store, o, told, to);
  if (!told && refused == to.reads_refused) ++to.unharmed;
  store.interrupt(interruption::process_end);
}

void flip_many(const image& from, std::uint64_t first_seed, std::uint64_t count) {
  const std::vector<zoned::place> blocks = written_blocks(*from.zones);
  REQUIRE(blocks.size() > 100);
  outcome sum;
  for (std::uint64_t seed = first_seed; seed < first_seed + count; ++seed) {
    prng chance{seed};
    zoned::memory_zones damaged = *from.zones;
    const zoned::place at = blocks[chance.below(blocks.size())];
    flip(damaged, at, chance);
    try {
      try_image(from, std::move(damaged), sum);
    } catch (const broken_promise& e) {
      FAIL_CHECK("seed ", seed, ": a byte of zone ", at.zone.value, " block ", at.offset_bytes / 4096, ": ", e.what());
    }
  }
  std::string errors;
  for (const auto& [what, times] : sum.errors) errors += fmt::format("; {} x '{}'", times, what);
  MESSAGE(count, " flips: ", sum.unharmed, " unharmed, ", sum.opens_refused, " opens refused, ", sum.damage_reported,
          " opened for reading, ", sum.reads_refused, " reads refused", errors);
  CHECK(sum.unharmed > 0);
  CHECK(sum.reads_refused > 0);
}

}  // namespace

TEST_CASE("The images are whole before they are damaged") {
  for (const bool clean : {true, false}) {
    const image made = make_image(clean, 1);
    outcome o;
    try_image(made, *made.zones, o);
    CHECK(o.unharmed == 1);
  }
}

TEST_CASE("5,000 flipped bytes of a store that was closed") { flip_many(make_image(true, 1), 1, 5000); }

TEST_CASE("3,000 flipped bytes of a store with a journal to replay") { flip_many(make_image(false, 1), 10'001, 3000); }

TEST_CASE("2,000 flipped bytes of a store with two copies of its pages") {
  flip_many(make_image(true, 2), 20'001, 2000);
}
