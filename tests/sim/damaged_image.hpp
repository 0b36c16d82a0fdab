// A store on an image that may be damaged: what opens and what reads is either unharmed or says that it is not; never wrong
// bytes, never a durable object that is silently gone, never a hang.
//
// Not here: the images (small_image.hpp), the damage.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "sim/small_image.hpp"

namespace furrow::sim {

struct outcome {
  std::uint64_t opens_refused = 0;
  std::uint64_t damage_reported = 0;
  std::uint64_t reads_refused = 0;
  std::uint64_t found_by_check = 0;  ///< Images, where nothing else said so.
  std::uint64_t unharmed = 0;
  std::map<std::string, std::uint64_t> errors;

  void add(const outcome& other);
  [[nodiscard]] std::string describe() const;
};

/// Opens it, reads each object whole and, if `checks`, has all of it checked. Throws broken_promise.
void try_image(const image& from, zoned::memory_zones damaged, bool checks, outcome& to);

}  // namespace furrow::sim
