// The header block of a zone image as bytes; layout in image.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>

#include "emulation.hpp"

namespace furrow::zoned {

inline constexpr std::size_t image_header_bytes = 4096;
inline constexpr std::size_t image_session_offset = 512;

[[nodiscard]] std::array<std::byte, image_header_bytes> encode_image_header(const emulation& parameters);

/// The parameters, or in words what is wrong with the header.
[[nodiscard]] boost::system::result<emulation, std::string> decode_image_header(
    std::span<const std::byte, image_header_bytes> from);

/// Where the zone table ends and the first zone begins.
[[nodiscard]] std::uint64_t image_data_offset(std::uint32_t zone_count);

}  // namespace furrow::zoned
