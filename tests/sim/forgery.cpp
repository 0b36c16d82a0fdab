#include "sim/forgery.hpp"

#include <algorithm>

#include "format/group.hpp"
#include "format/page.hpp"
#include "format/superblock.hpp"
#include "format/zone_header.hpp"
#include "sim/small_image.hpp"

namespace furrow::sim {
namespace {

constexpr std::size_t block_bytes = zoned::store_block_bytes;
constexpr std::size_t field_bytes = format::checksum_field::encoded_bytes;
constexpr std::size_t page_field_at = 48, other_field_at = 16;
/// Groups whose chain ends in themselves cannot be made; each change goes up to the roots or along the chain.
constexpr std::size_t follows_max = 10'000;

}  // namespace

forgery::forgery(zoned::memory_zones& of) : zones_{of} {
  const auto blocks = written_blocks(of);
  std::vector<std::byte> block(block_bytes);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    of.peek(blocks[i], block);
    const auto magic = format::load_le<std::uint64_t>(block.data());
    if (magic == format::superblock_magic || magic == format::zone_header_magic) {
      add(blocks[i], block_bytes, other_field_at);
    } else if (magic == format::group_magic) {
      const std::size_t bytes = format::load_le<std::uint32_t>(block.data() + 12);
      if (bytes == 0 || bytes % block_bytes != 0 || bytes > of.shape().zone_bytes - blocks[i].offset_bytes) continue;
      add(blocks[i], bytes, other_field_at);
      i += bytes / block_bytes - 1;
    } else if (format::load_le<std::uint32_t>(block.data()) == format::page_magic) {
      add(blocks[i], block_bytes, page_field_at);
    }
  }
}

void forgery::add(zoned::place at, std::size_t bytes, std::size_t field_at) {
  structure s{at, field_at, std::vector<std::byte>(bytes)};
  zones_.peek(at, s.bytes);
  if (format::verify(s.bytes, field_at)) structures_.push_back(std::move(s));
}

forgery::field forgery::field_of(const structure& s) {
  const auto at = s.bytes.begin() + static_cast<std::ptrdiff_t>(s.field_at);
  return {at, at + field_bytes};
}

void forgery::reseal(structure& s) {
  format::seal(s.bytes, s.field_at);
  zones_.poke(s.at, s.bytes);
}

std::size_t forgery::said(std::size_t index, std::size_t n) const {
  std::vector<std::size_t> all;
  const std::vector<std::byte>& bytes = structures_[index].bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] != std::byte{0}) all.push_back(i);
  return all[n % all.size()];
}

void forgery::forge(std::size_t index, std::size_t offset, std::span<const std::byte> bytes) {
  const field was = field_of(structures_[index]);
  field is;
  for (structure& s : structures_) {  // I2
    if (field_of(s) != was) continue;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const std::size_t at = offset % s.bytes.size() + i;
      if (at < s.bytes.size() && (at < s.field_at || at >= s.field_at + field_bytes)) s.bytes[at] = bytes[i];
    }
    reseal(s);
    is = field_of(s);
  }
  if (is != was) follow(was, is);
}

void forgery::follow(const field& first_was, const field& first_is) {
  std::vector<std::pair<field, field>> changed{{first_was, first_is}};
  for (std::size_t n = 0; n < changed.size() && n < follows_max; ++n) {
    const auto [was, is] = changed[n];
    for (structure& s : structures_) {
      const field own = field_of(s);
      bool names_it = false;
      for (auto at = s.bytes.begin();;) {
        at = std::search(at, s.bytes.end(), was.begin(), was.end());
        if (at == s.bytes.end()) break;
        std::ranges::copy(is, at);
        at += field_bytes;
        names_it = true;
      }
      if (!names_it) continue;
      reseal(s);
      changed.emplace_back(own, field_of(s));
    }
  }
}

}  // namespace furrow::sim
