// What a store holds, as its users see it: a plain value, changed by what is asked of a store and told of one that was
// opened.
//
// Invariants
//   I1  Two contents are the same if and only if their digests are, but for chance.
//   I2  Everything a user can ask for is in it but what only times and places tell.
//
// Not here: how a store's contents are read (inspector.hpp), what operations make of them (operations.hpp).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "furrow/engine/types.hpp"

namespace furrow::crash {

struct held_object {
  std::string name;  ///< Empty: none.
  collection_id collection = default_collection;
  std::uint32_t mode = 0;
  std::uint64_t fence_epoch = 0;
  std::vector<std::byte> bytes;

  [[nodiscard]] std::uint64_t digest() const;
};

struct contents {
  std::map<object_id, held_object> objects;

  [[nodiscard]] std::uint64_t digest() const;
  [[nodiscard]] held_object* named(std::string_view name, collection_id in = default_collection);
  [[nodiscard]] object_id id_of(std::string_view name, collection_id in = default_collection) const;  ///< 0: none.
};

/// In which the two differ, for people.
[[nodiscard]] std::string difference(const contents& expected, const contents& found);

}  // namespace furrow::crash
