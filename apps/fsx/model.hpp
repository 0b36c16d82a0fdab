// What an object is to hold: an array of bytes, and which of its blocks are a hole.
//
// Invariants
//   M1  A block that was never written, or whose last change was a zeroing of all of it, is a hole; all others below the
//       last, partial block are data, also those that a zeroing met in part. What is behind the last whole block is the
//       tail.
//
// Not here: the store (run), what is drawn (draw).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "furrow/engine/types.hpp"

namespace furrow::fsx {

inline constexpr std::uint64_t block_bytes = 4096;

class model {
 public:
  [[nodiscard]] std::uint64_t size() const { return bytes_.size(); }
  [[nodiscard]] std::span<const std::byte> bytes(std::uint64_t from, std::uint64_t count) const {
    return std::span{bytes_}.subspan(from, count);
  }

  void write(std::uint64_t at, std::span<const std::byte> from);
  /// With `extends`, the object reaches at least to the range's end.
  void zero(std::uint64_t at, std::uint64_t count, bool extends);
  void truncate(std::uint64_t to);
  /// `source` may be this one, where the ranges do not overlap.
  void clone(std::uint64_t at, const model& source, std::uint64_t from, std::uint64_t count);

  /// The first difference to the bytes read from there, in a line; nothing if there is none.
  [[nodiscard]] std::optional<std::string> compare(std::uint64_t from, std::span<const std::byte> read) const;
  /// What is wrong with a list of extents of this range; nothing if it is right.
  [[nodiscard]] std::optional<std::string> compare(std::uint64_t from, std::uint64_t count,
                                                   const extent_list& list) const;

 private:
  /// Makes it longer, with zeros; the block of the old tail is data from then on.
  void grow(std::uint64_t to);
  void mark(std::uint64_t first_block, std::uint64_t end_block, bool data);

  std::vector<std::byte> bytes_;
  std::vector<bool> data_;  ///< Of the blocks below the tail.
};

}  // namespace furrow::fsx
