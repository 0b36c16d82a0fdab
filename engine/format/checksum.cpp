#include "format/checksum.hpp"

#include <algorithm>
#include <atomic>

#include <isa-l/crc.h>

namespace furrow::format {
namespace {

constexpr std::uint32_t polynomial_reflected = 0x82F6'3B78;
constexpr std::size_t slices = 8;
using slicing_tables = std::array<std::array<std::uint32_t, 256>, slices>;

/// tables[s][b]: the remainder of byte b followed by s zero bytes.
constexpr slicing_tables make_tables() {
  slicing_tables tables{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t remainder = b;
    for (int bit = 0; bit < 8; ++bit) {
      remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? polynomial_reflected : 0);
    }
    tables[0][b] = remainder;
  }
  for (std::size_t s = 1; s < slices; ++s) {
    for (std::size_t b = 0; b < 256; ++b) {
      const std::uint32_t shorter = tables[s - 1][b];
      tables[s][b] = (shorter >> 8) ^ tables[0][shorter & 0xff];
    }
  }
  return tables;
}
constexpr slicing_tables tables = make_tables();

/// The register of the division goes in and out, without the inversions.
std::uint32_t divide_by_tables(std::uint32_t state, std::span<const std::byte> bytes) {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= slices; left -= slices, at += slices) {
    const std::uint32_t low = state ^ load_le<std::uint32_t>(at);
    const std::uint32_t high = load_le<std::uint32_t>(at + 4);
    state = tables[7][low & 0xff] ^ tables[6][(low >> 8) & 0xff] ^ tables[5][(low >> 16) & 0xff] ^
            tables[4][low >> 24] ^ tables[3][high & 0xff] ^ tables[2][(high >> 8) & 0xff] ^
            tables[1][(high >> 16) & 0xff] ^ tables[0][high >> 24];
  }
  for (; left > 0; --left, ++at) {
    state = (state >> 8) ^ tables[0][(state ^ std::to_integer<std::uint32_t>(*at)) & 0xff];
  }
  return state;
}

std::uint32_t divide_by_isal(std::uint32_t state, std::span<const std::byte> bytes) {
  constexpr std::size_t piece_bytes_max = std::size_t{1} << 30;  // its length is an int
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(bytes.size(), piece_bytes_max));
    // The library does not write to the buffer that it takes as non-const.
    auto* const data = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(piece.data()));
    state = crc32_iscsi(data, static_cast<int>(piece.size()), state);
    bytes = bytes.subspan(piece.size());
  }
  return state;
}

std::atomic<crc32c_kind> selected{crc32c_kind::isal};

constexpr std::array<std::byte, checksum_field::encoded_bytes> field_of_zeros{};

checksum_field compute(std::span<const std::byte> block, std::size_t field_at) {
  FURROW_ASSERT(field_at <= block.size());
  FURROW_ASSERT(block.size() - field_at >= checksum_field::encoded_bytes);
  std::uint32_t crc = crc32c(block.first(field_at));
  crc = crc32c_continue(crc, field_of_zeros);
  crc = crc32c_continue(crc, block.subspan(field_at + checksum_field::encoded_bytes));
  checksum_field field;
  store_le(field.value.data(), crc);
  return field;
}

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes) { return crc32c_continue(0, bytes); }

std::uint32_t crc32c_continue(std::uint32_t crc, std::span<const std::byte> bytes) {
  switch (selected.load(std::memory_order_relaxed)) {
    case crc32c_kind::isal:
      return ~divide_by_isal(~crc, bytes);
    case crc32c_kind::table:
      return ~divide_by_tables(~crc, bytes);
  }
  FURROW_UNREACHABLE();
}

void select_crc32c(crc32c_kind kind) noexcept { selected.store(kind, std::memory_order_relaxed); }

crc32c_kind selected_crc32c() noexcept { return selected.load(std::memory_order_relaxed); }

checksum_field checksum_field::of(std::span<const std::byte> bytes) {
  checksum_field field;
  store_le(field.value.data(), crc32c(bytes));
  return field;
}

void checksum_field::encode(std::byte* to) const {
  std::memset(to, 0, encoded_bytes);
  store_le(to, static_cast<std::uint8_t>(kind));
  std::memcpy(to + 8, value.data(), value.size());
}

checksum_field checksum_field::decode(reader& from) {
  checksum_field field;
  const auto bytes = from.bytes(encoded_bytes);
  if (from.failed()) return {};
  const auto head = load_le<std::uint64_t>(bytes.data());  // the kind and its padding
  const auto low = load_le<std::uint64_t>(bytes.data() + 8), high = load_le<std::uint64_t>(bytes.data() + 16);
  const bool sound = (head == static_cast<std::uint64_t>(checksum_kind::crc32c) && low >> 32 == 0 && high == 0) ||
                     (head == static_cast<std::uint64_t>(checksum_kind::none) && low == 0 && high == 0);
  if (!sound) {
    from.fail();
    return {};
  }
  field.kind = static_cast<checksum_kind>(head);
  std::memcpy(field.value.data(), bytes.data() + 8, field.value.size());
  return field;
}

checksum_field seal(std::span<std::byte> block, std::size_t field_at) {
  const checksum_field field = compute(block, field_at);
  field.encode(block.data() + field_at);
  return field;
}

bool verify(std::span<const std::byte> block, std::size_t field_at) {
  if (field_at > block.size() || block.size() - field_at < checksum_field::encoded_bytes) {
    return false;
  }
  std::array<std::byte, checksum_field::encoded_bytes> expected{};
  compute(block, field_at).encode(expected.data());
  return std::memcmp(expected.data(), block.data() + field_at, expected.size()) == 0;
}

}  // namespace furrow::format
