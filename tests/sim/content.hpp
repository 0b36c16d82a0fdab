// What the bytes of an object are, so that any byte can be checked without having been kept: a function of the object's
// tag and of the position in the object's stream.
//
// Invariants
//   I1  Two different tags agree in a byte no more often than chance has it; nor do two positions of one stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace furrow::sim {

void fill_content(std::span<std::byte> to, std::uint64_t tag, std::uint64_t stream_offset);
/// The position in `from` of the first byte that is not as it should be.
[[nodiscard]] std::optional<std::size_t> find_foreign_byte(std::span<const std::byte> from, std::uint64_t tag,
                                                           std::uint64_t stream_offset);

/// The position of the first byte that is not zero.
[[nodiscard]] std::optional<std::size_t> find_nonzero_byte(std::span<const std::byte> from);

}  // namespace furrow::sim
