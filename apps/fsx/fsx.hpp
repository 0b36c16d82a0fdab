// Random changes of a few objects, compared with arrays of bytes.
//
// Invariants
//   I1  All that is done follows from the options: the seed, the depth and the bounds. With one operation at a time and
//       without views, for which the store needs a thread of its own, all that the store does on a memory: device does too.
//   I2  With several in flight, changes of one object follow one another in the order of the calls, which is what the
//       model does; a read, a list of extents, or the making of a view, is in flight with none of the changes that it would
//       see.
//   I3  A store that has no space is no failure: all objects are made empty, and it goes on.
//
// Not here: loss of power, which is the simulator's.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "furrow/command.hpp"
#include "furrow/engine/statistics.hpp"

namespace furrow::fsx {

enum class op_kind : std::uint8_t {
  append,
  write,
  read,
  punch,
  write_zeroes,
  truncate,
  trim_front,
  clone,
  extents,
  map,         ///< A view is made, read in parts, compared as a whole, and unmapped.
  write_view,  ///< A view is written into its own object.
  sync,
  recreate,  ///< The object is removed, and another one gets its name.
  reopen,
};
inline constexpr std::size_t op_kinds = 14;
[[nodiscard]] const char* name_of(op_kind k);

struct run_options {
  std::string uri;
  std::uint64_t ops = 10'000;
  std::uint64_t seed = 1;
  std::uint64_t object_bytes_max = 1 << 20;
  std::size_t objects = 3;
  std::size_t depth = 1;
  std::uint64_t verify_every = 1000;  ///< 0: only at reopens and at the end.
  bool reopens = true;
  bool maps = true;  ///< Else what would be of views is without, and the store runs on the caller's thread.
  bool force = false;
  bool json = false;
};

struct totals {
  std::array<std::uint64_t, op_kinds> ops{};
  std::uint64_t bytes_written = 0;
  std::uint64_t bytes_compared = 0;
  std::uint64_t verifications = 0;
  std::uint64_t checks = 0;
  std::uint64_t no_space = 0;
  std::uint64_t copied_views = 0;  ///< Where userfaultfd is not permitted.
  statistics store;                ///< Of all openings together, as far as it is told.
};

/// Throws cli::failure, with exit_status::damage_found for a difference.
[[nodiscard]] totals run(const run_options& options);

[[nodiscard]] std::string to_text(const run_options& options, const totals& t);
[[nodiscard]] std::string to_json(const run_options& options, const totals& t);

}  // namespace furrow::fsx
