// The states that workloads start from: images of stores, and what these hold.
//
//   fresh       formatted, opened and closed; one copy of pages
//   objects     closed: "a" with a tail, "b" of blocks that it shares with "a" and "c", "c", and one made by a batch; two
//               copies of pages; the ring of superblocks is about to go round
//   full        not closed: filled until there was no space; of each zone something was removed or written over since, so that
//               cleaning, resets and the reuse of zones are under way from its open on; six zones may be active, LBAs are 4 KiB
//   read_only   "objects" without that of the ring, with a zone that the device has made read-only, in which the most lives
//
// LBAs are 512 bytes but for those of "full"; the write cache is volatile, but with `no_cache`; appends are of at most 16 KiB, one for a zone
// at a time, in "objects" four; zones are of 64 KiB, ordered extents of 8 KiB, and a checkpoint begins when 16 KiB of journal have gathered.
#pragma once

#include <optional>
#include <string_view>

#include "crash/operations.hpp"

namespace furrow::crash {

enum class start : std::uint8_t { fresh, objects, full, read_only, count };
inline constexpr std::size_t start_count = static_cast<std::size_t>(start::count);
[[nodiscard]] const char* name_of(start s);
[[nodiscard]] std::optional<start> start_named(std::string_view name);

struct start_state {
  start which{};
  zoned::memory_zones image;
  zoned::guarantees promises;
  store_options options;
  contents holds;
};
[[nodiscard]] start_state make_start(start s, std::uint64_t seed, bool no_cache);

}  // namespace furrow::crash
