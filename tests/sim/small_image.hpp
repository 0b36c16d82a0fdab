// Small stores, made by the core on zones in memory, for what looks at damaged images: less than 6 MB, a few dozen pages.
//
// Not here: the damage (hostile_images.cpp, sim/forgery.hpp).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "furrow/engine/options.hpp"
#include "memory/memory_zones.hpp"

namespace furrow::sim {

/// Its bytes are content of `tag` (content.hpp).
struct known_object {
  std::string name;
  std::uint64_t tag = 0;
  std::uint64_t bytes = 0;
  std::uint64_t durable_bytes = 0;  ///< Less than `bytes` if the last group alone tells of the rest.
};

/// A store, and what it holds.
struct image {
  zoned::geometry shape;
  zoned::guarantees promises;
  store_options options;
  std::vector<known_object> objects;
  std::unique_ptr<zoned::memory_zones> zones;
};

/// How its life so far has ended.
enum class image_end : std::uint8_t { closed, journal_to_replay };
/// With journal_to_replay, the last group tells of the end of object 0 alone.
[[nodiscard]] image make_image(image_end end, std::uint8_t page_copies);
/// The same with all else that a store may hold: clones, holes, what has been moved, attributes, a link, a collection, an
/// object removed while it was open. What is known of the objects does not hold for those that were edited.
[[nodiscard]] image make_edited_image(image_end end, std::uint8_t page_copies);

/// A few objects, whole blocks and tails, a clone, pages of two levels and a journal to replay, and all metadata
/// in no more than 16 blocks: for damage that is done to every bit. The last group tells of the end of object 0 alone.
[[nodiscard]] image make_smallest_image();
/// Blocks of it that are metadata: headers, superblocks but the first ones, which two later ones stand in for, groups, pages.
[[nodiscard]] std::vector<zoned::place> metadata_blocks(const image& from);

/// Places whose bytes an open or a read may look at: below the write pointers.
[[nodiscard]] std::vector<zoned::place> written_blocks(const zoned::memory_zones& zones);

}  // namespace furrow::sim
