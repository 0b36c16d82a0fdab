// Reading everything that lives and verifying it, at a pace, in parts: what is asked and what is found.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "furrow/engine/check.hpp"

namespace furrow {

/// How far a scrub has come. What changes meanwhile moves no position: data are read in the order of objects and their blocks,
/// then pages in the order of their places.
struct scrub_position {
  enum class part : std::uint8_t { data, pages, end };
  part at = part::data;
  std::uint64_t object = 0;  ///< Of data.
  std::uint64_t block = 0;   ///< Of data: the object's, the first that was not read. Of pages: a device address.
  friend bool operator==(const scrub_position&, const scrub_position&) = default;
};
/// "data:OBJECT:BLOCK", "pages:ADDRESS" or "end"; and back, if it is one of these.
[[nodiscard]] std::string to_string(const scrub_position& p);
[[nodiscard]] std::optional<scrub_position> parse_scrub_position(std::string_view text);

struct scrub_options {
  scrub_position from{};
  /// On average, of what is read; 0: as fast as it can be done.
  std::uint64_t bytes_per_second = 0;
  /// About so much is read, and then the scrub ends where it is.
  std::uint64_t bytes_max = std::numeric_limits<std::uint64_t>::max();
  /// Nothing is read: only what lay in zones that are offline now is told, all of it.
  bool lost_only = false;
};

/// A scrub with more findings than fit an answer (1,000) ends early; who goes on has them all.
struct scrub_result {
  scrub_position next{};  ///< Where to go on; `end`: all was read.
  std::uint64_t bytes_read = 0;
  std::uint64_t blocks_verified = 0;
  std::uint64_t pages_verified = 0;  ///< Copies.
  std::uint64_t pages_mended = 0;    ///< Pages with a bad copy that were written anew from the good one.
  /// Ranges of objects that are wrong or lost, and copies of pages.
  std::vector<check_finding> findings{};
};

}  // namespace furrow
