#include "content.hpp"

#include <algorithm>
#include <cmath>

namespace furrow::torture {

namespace {

/// Finalizer of splitmix64.
std::uint64_t mix(std::uint64_t v) {
  v = (v ^ v >> 30) * 0xbf58'476d'1ce4'e5b9;
  v = (v ^ v >> 27) * 0x94d0'49bb'1331'11eb;
  return v ^ v >> 31;
}

std::uint64_t key_of(std::uint64_t seed, const std::string& name) {
  std::uint64_t key = mix(seed + 0x9e37'79b9'7f4a'7c15);
  for (const char c : name) key = mix(key ^ static_cast<unsigned char>(c));
  return key;
}

std::byte byte_at(std::uint64_t key, std::uint64_t offset_bytes) {
  return static_cast<std::byte>(mix(key + offset_bytes / 8) >> (offset_bytes % 8 * 8));
}

}  // namespace

std::uint64_t next_random(std::uint64_t& state) { return mix(state += 0x9e37'79b9'7f4a'7c15); }

std::uint64_t append_bytes_at(std::uint64_t seed, const std::string& name, std::uint64_t offset_bytes) {
  const std::uint64_t random = mix(key_of(seed ^ 0x7369'7a65, name) + offset_bytes);
  const double share = static_cast<double>(random >> 11) / static_cast<double>(std::uint64_t{1} << 53);
  const double bytes = std::exp(share * std::log(static_cast<double>(append_bytes_max)));
  return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(bytes), 1, append_bytes_max);
}

void fill(std::span<std::byte> to, std::uint64_t seed, const std::string& name, std::uint64_t offset_bytes) {
  const std::uint64_t key = key_of(seed, name);
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < to.size(); ++i) {
    const std::uint64_t at = offset_bytes + i;
    if (i == 0 || at % 8 == 0) word = mix(key + at / 8);
    to[i] = static_cast<std::byte>(word >> (at % 8 * 8));
  }
}

std::size_t matching(std::span<const std::byte> bytes, std::uint64_t seed, const std::string& name,
                     std::uint64_t offset_bytes) {
  const std::uint64_t key = key_of(seed, name);
  std::size_t same = 0;
  while (same < bytes.size() && bytes[same] == byte_at(key, offset_bytes + same)) ++same;
  return same;
}

}  // namespace furrow::torture
