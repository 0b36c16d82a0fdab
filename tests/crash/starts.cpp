#include "crash/starts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "format/codec.hpp"
#include "sim/failure.hpp"
#include "sim/random.hpp"
#include "support/empty_zones.hpp"

namespace furrow::crash {
namespace {

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t block_bytes = zoned::store_block_bytes;
constexpr std::uint64_t zone_bytes = 64 * kib;

constexpr std::array<const char*, start_count> names = {"fresh", "objects", "full", "read_only"};

zoned::geometry shape_of(start s) {
  zoned::geometry g;
  g.lba_bytes = s == start::full ? 4096 : 512;
  g.zone_bytes = g.last_zone_bytes = zone_bytes;
  g.zone_count = s == start::fresh || s == start::full ? 24 : 36;
  if (s == start::full) g.active_max = g.open_max = 6;
  return g;
}

zoned::guarantees promises_of(start s, bool no_cache) {
  zoned::guarantees p;
  p.volatile_cache = !no_cache;
  p.native_append = true;
  p.append_bytes_max = 16 * kib;
  p.transfer_bytes_max = 64 * kib;
  p.appends_per_zone_max = s == start::objects ? 4 : 1;
  return p;
}

store_options options_of(start) {
  store_options o;
  o.page_cache_bytes = 1 << 20;
  o.ordered_extent_bytes_max = 8 * kib;
  o.checkpoint_journal_bytes_min = 16 * kib;
  return o;
}

zoned::memory_zones format(start s, std::uint64_t seed, bool no_cache) {
  const zoned::geometry g = shape_of(s);
  recorder device{make_zones(g, promises_of(s, no_cache), test::empty_zones(g)), promises_of(s, no_cache), false};
  session store{device, options_of(s), 1'600'000'000'000'000'000};
  format_options o;
  o.page_copies = s == start::fresh || s == start::full ? 1 : 2;
  uuid id{};
  format::store_le(id.data(), sim::mix(seed + static_cast<std::uint64_t>(s)));
  store.must(core::format_request{o, id}, "format");
  return device.image();
}

void fill(performer& p) {
  constexpr std::uint64_t object_blocks = 5;
  std::uint64_t made = 0;
  for (; p.refused() == 0; ++made) {
    const object_id id = p.find_or_make(made == 0 ? "a" : fmt::format("f{}", made));
    p.append_to(id, object_blocks * block_bytes + 100 * (made % 2), durability::written);
  }
  // Of each zone something dies: an object in three is removed, another in three is written over in its middle.
  for (std::uint64_t i = 1; i < made; i += 3) p.remove(fmt::format("f{}", i));
  p.settle();
  for (std::uint64_t i = 2; i < made; i += 3)
    if (const object_id id = p.states().back().id_of(fmt::format("f{}", i)); id != 0)
      p.write_to(id, block_bytes, 2 * block_bytes);
}

void make_objects(performer& p) {
  constexpr kind all[] = {kind::append_many, kind::append_small, kind::clone, kind::rename,      kind::append_many,
                          kind::clone,       kind::batch,        kind::clone, kind::append_small};
  for (std::size_t i = 0; i < std::size(all); ++i) p.perform(all[i], 100 + i);
}

/// That in which the most lives.
zoned::zone_index pick_victim(session& store) {
  const core::notification n = store.must(core::zones_request{}, "zones");
  const zone_status* best = nullptr;
  for (const zone_status& z : std::get<std::vector<zone_status>>(n.result))
    if (z.use == zone_use::data && (best == nullptr || z.live_blocks > best->live_blocks)) best = &z;
  if (best == nullptr) throw sim::broken_promise{"no zone of data to be made read-only"};
  return best->device.index;
}

}  // namespace

const char* name_of(start s) { return s < start::count ? names[static_cast<std::size_t>(s)] : "?"; }

std::optional<start> start_named(std::string_view name) {
  const auto at = std::ranges::find(names, name);
  if (at == names.end()) return std::nullopt;
  return static_cast<start>(at - names.begin());
}

start_state make_start(start s, std::uint64_t seed, bool no_cache) {
  recorder device{format(s, seed, no_cache), promises_of(s, no_cache), false};
  performer p{device, options_of(s), seed, {}};
  p.open();
  if (s == start::objects || s == start::read_only) make_objects(p);
  if (s == start::full) fill(p);
  p.sync();
  // The next but one superblock goes to the first zone of the ring again, which is reset for it.
  const auto ring_bytes = [&] { return device.image().machine().at({1}).write_pointer_bytes; };
  while (s == start::objects && ring_bytes() + 2 * block_bytes < zone_bytes) p.perform(kind::reopen, 0);
  std::optional<zoned::zone_index> victim;
  if (s == start::read_only) victim = pick_victim(p.store());
  if (s != start::full) p.store().must(core::close_request{}, "close");
  zoned::memory_zones image = device.image();
  image.lose_power();
  if (victim) {
    zoned::zone_info z = image.machine().at(*victim);
    z.condition = zoned::zone_condition::read_only;
    image.force(z);
  }
  return {s, std::move(image), promises_of(s, no_cache), options_of(s), p.states().back()};
}

}  // namespace furrow::crash
