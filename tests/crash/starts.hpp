// The states that workloads start from: images of stores, and what these hold.
//
//   fresh       formatted, and closed cleanly. Zones of LBAs of 512 bytes, one copy of pages
//   objects     closed cleanly: "a" with a tail, "b" of blocks that it shares with "a" and "c", "c"; two copies of pages
//   full        not closed: no space left but what objects that were removed, and blocks that were written over, give when
//               zones are cleaned and reset; few zones may be active
//   read_only   "objects", with a zone that the device has made read-only, in which much lives
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
[[nodiscard]] start_state make_start(start s, std::uint64_t seed);

}  // namespace furrow::crash
