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
#include "sim/small_image.hpp"

namespace {

using namespace furrow;
using namespace furrow::sim;

struct outcome {
  std::uint64_t opens_refused = 0;
  std::uint64_t damage_reported = 0;
  std::uint64_t reads_refused = 0;
  std::uint64_t unharmed = 0;
  std::map<std::string, std::uint64_t> errors;
};

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
  for (const image_end end : {image_end::closed, image_end::journal_to_replay}) {
    const image made = make_image(end, 1);
    outcome o;
    try_image(made, *made.zones, o);
    CHECK(o.unharmed == 1);
  }
}

TEST_CASE("5,000 flipped bytes of a store that was closed") { flip_many(make_image(image_end::closed, 1), 1, 5000); }

TEST_CASE("3,000 flipped bytes of a store with a journal to replay") {
  flip_many(make_image(image_end::journal_to_replay, 1), 10'001, 3000);
}

TEST_CASE("2,000 flipped bytes of a store with two copies of its pages") {
  flip_many(make_image(image_end::closed, 2), 20'001, 2000);
}
