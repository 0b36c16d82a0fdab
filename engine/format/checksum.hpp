// CRC32C (Castagnoli, reflected 0x82F63B78, initial and final inversion; RFC 3720 B.4 has test vectors), and the
// checksum field of headers and references.
//
// Layout of a checksum field, 24 bytes
//   | kind u8 | zeros 7 | value 16, the rest of it zero |
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "format/codec.hpp"

namespace furrow::format {

[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes);
/// Continues a checksum: crc32c(a ++ b) == crc32c_continue(crc32c(a), b).
[[nodiscard]] std::uint32_t crc32c_continue(std::uint32_t crc, std::span<const std::byte> bytes);

/// The implementations to choose from; the choice is process-wide and may be made at any time before first use.
enum class crc32c_kind : std::uint8_t { isal, table };
void select_crc32c(crc32c_kind kind) noexcept;
[[nodiscard]] crc32c_kind selected_crc32c() noexcept;

/// DO NOT CHANGE: on disk. keyed_mac is reserved.
enum class checksum_kind : std::uint8_t { crc32c = 1, none = 2, keyed_mac = 3 };

struct checksum_field {
  static constexpr std::size_t encoded_bytes = 24;
  checksum_kind kind = checksum_kind::crc32c;
  std::array<std::byte, 16> value{};

  [[nodiscard]] static checksum_field of(std::span<const std::byte> bytes);
  void encode(std::byte* to) const;
  /// Fails the reader on an unknown kind or padding that is not zero.
  [[nodiscard]] static checksum_field decode(reader& from);
  friend bool operator==(const checksum_field&, const checksum_field&) = default;
};

/// Computes the field over `block` with the field itself (at `field_at`) taken as zeros, and puts it there.
checksum_field seal(std::span<std::byte> block, std::size_t field_at);
/// Whether the field at `field_at` is the checksum of `block`.
[[nodiscard]] bool verify(std::span<const std::byte> block, std::size_t field_at);

}  // namespace furrow::format
