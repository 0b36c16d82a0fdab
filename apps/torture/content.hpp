// What the torture's appends hold: all of it follows from the seed, the object's name and the offset.
//
// Invariants
//   I1  The append that a run with seed S makes at an offset of an object has one length and one content, so that an
//       append that nobody acknowledged can be recognised too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace furrow::torture {

inline constexpr std::uint64_t append_bytes_max = 200 << 10;

/// From 1 byte to append_bytes_max; small ones are as frequent as large ones.
[[nodiscard]] std::uint64_t append_bytes_at(std::uint64_t seed, const std::string& name, std::uint64_t offset_bytes);
void fill(std::span<std::byte> to, std::uint64_t seed, const std::string& name, std::uint64_t offset_bytes);
/// Bytes from the front that are as fill() makes them.
[[nodiscard]] std::size_t matching(std::span<const std::byte> bytes, std::uint64_t seed, const std::string& name,
                                   std::uint64_t offset_bytes);
/// A step of a sequence of pseudo-random numbers.
[[nodiscard]] std::uint64_t next_random(std::uint64_t& state);

}  // namespace furrow::torture
