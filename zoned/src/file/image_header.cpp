// Header of a zone image <-> parameters.
#include "file/image_header.hpp"

#include <isa-l/crc.h>

#include <bit>
#include <cstring>

namespace furrow::zoned {
namespace {

static_assert(std::endian::native == std::endian::little, "the image is written as the processor has it");

constexpr std::uint64_t magic = 0x697a776f72727566;  // "furrowzi"
constexpr std::uint32_t version = 1;
constexpr std::size_t version_offset = 8;
constexpr std::size_t count_offset = 12;
constexpr std::size_t parameters_offset = 16;
constexpr std::size_t checksum_offset = 508;
constexpr std::uint32_t parameter_count = sizeof(emulation) / sizeof(std::uint64_t);

static_assert(parameter_count == 11, "a new parameter is a new version");
static_assert(parameters_offset + sizeof(emulation) <= checksum_offset);
static_assert(checksum_offset + sizeof(std::uint32_t) == image_session_offset);

std::uint32_t checksum(const std::byte* header) {
  std::array<unsigned char, checksum_offset> copy;
  std::memcpy(copy.data(), header, copy.size());
  return ::crc32_iscsi(copy.data(), static_cast<int>(copy.size()), 0xFFFFFFFFU) ^ 0xFFFFFFFFU;
}

template <class T>
T get(std::span<const std::byte> from, std::size_t offset) {
  T value{};
  std::memcpy(&value, from.subspan(offset, sizeof value).data(), sizeof value);
  return value;
}

}  // namespace

std::array<std::byte, image_header_bytes> encode_image_header(const emulation& parameters) {
  std::array<std::byte, image_header_bytes> header{};
  const auto put = [&](std::size_t offset, const auto& value) {
    std::memcpy(header.data() + offset, &value, sizeof value);
  };
  put(0, magic);
  put(version_offset, version);
  put(count_offset, parameter_count);
  put(parameters_offset, parameters);
  put(checksum_offset, checksum(header.data()));
  return header;
}

boost::system::result<emulation, std::string> decode_image_header(std::span<const std::byte, image_header_bytes> from) {
  if (get<std::uint64_t>(from, 0) != magic) return std::string{"it does not begin with the mark of a zone image"};
  if (get<std::uint32_t>(from, checksum_offset) != checksum(from.data())) {
    return std::string{"the checksum of its header does not match"};
  }
  if (const auto v = get<std::uint32_t>(from, version_offset); v != version) {
    return "it has version " + std::to_string(v) + ", this program reads version " + std::to_string(version);
  }
  if (get<std::uint32_t>(from, count_offset) != parameter_count) {
    return std::string{"its header has another number of parameters"};
  }
  const auto parameters = get<emulation>(from, parameters_offset);
  if (const std::string flaw = parameters.flaw(); !flaw.empty()) return "its header makes no device: " + flaw;
  return parameters;
}

std::uint64_t image_data_offset(std::uint32_t zone_count) {
  const std::uint64_t end = image_header_bytes + std::uint64_t{zone_count} * 2 * sizeof(std::uint64_t);
  return (end + image_header_bytes - 1) / image_header_bytes * image_header_bytes;
}

}  // namespace furrow::zoned
