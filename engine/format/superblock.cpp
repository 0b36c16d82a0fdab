#include "format/superblock.hpp"

#include <algorithm>
#include <bit>

namespace furrow::format {
namespace {

constexpr std::size_t checksum_at = 16;
constexpr std::size_t root_bytes = 64;
constexpr std::size_t journal_head_bytes = 64;
constexpr std::uint32_t lba_bytes_min = 512;

bool in_range(const tree_root& root) {
  if (root.ref.empty()) {
    return root == tree_root{};
  }
  return root.level <= page_level_max && root.pages > root.level;
}

void encode(const tree_root& root, fixed_writer& to) {
  root.ref.encode(to.room(page_ref::encoded_bytes));
  to.u8(root.level);
  to.zeros(7);
  to.u64(root.pages);
}

tree_root decode_root(reader& from) {
  tree_root root;
  root.ref = page_ref::decode(from);
  root.level = from.u8();
  from.zeros(7);
  root.pages = from.u64();
  return root;
}

void encode(const journal_head& head, fixed_writer& to) {
  to.u32(head.zone.value);
  to.zeros(4);
  to.u64(head.zone_generation);
  to.u64(head.zone_ordinal);
  to.u64(head.block);
  to.u64(head.group);
  head.previous.encode(to.room(checksum_field::encoded_bytes));
}

journal_head decode_journal_head(reader& from) {
  journal_head head;
  head.zone.value = from.u32();
  from.zeros(4);
  head.zone_generation = from.u64();
  head.zone_ordinal = from.u64();
  head.block = from.u64();
  head.group = from.u64();
  head.previous = checksum_field::decode(from);
  return head;
}

/// Everything behind the checksum field but the roots and the journal head.
void encode_fields(const superblock& s, fixed_writer& to) {
  to.bytes(s.store);
  to.bytes(s.set);
  to.u16(s.device_index);
  to.u16(s.device_count);
  to.u32(s.block_bytes);
  to.u32(s.page_bytes);
  to.u32(s.lba_bytes);
  to.u64(s.zone_bytes);
  to.u32(s.zone_count);
  to.zeros(4);
  to.u64(s.last_zone_bytes);
  to.u64(s.features_compat);
  to.u64(s.features_ro_compat);
  to.u64(s.features_incompat);
  to.u64(s.epoch);
  to.u64(s.serial);
  to.u8(s.clean ? 1 : 0);
  to.u8(s.page_copies);
  to.u8(s.journal_copies);
  to.u8(static_cast<std::uint8_t>(s.data_checksum));
  to.zeros(4);
  to.u64(s.sequence);
  to.u64(s.next_object);
  to.u64(s.next_page_generation);
  to.u64(s.object_count);
  to.number(s.formatted_ns);
}

superblock decode_fields(reader& from) {
  superblock s;
  std::ranges::copy(from.bytes(s.store.size()), s.store.begin());
  std::ranges::copy(from.bytes(s.set.size()), s.set.begin());
  s.device_index = from.u16();
  s.device_count = from.u16();
  s.block_bytes = from.u32();
  s.page_bytes = from.u32();
  s.lba_bytes = from.u32();
  s.zone_bytes = from.u64();
  s.zone_count = from.u32();
  from.zeros(4);
  s.last_zone_bytes = from.u64();
  s.features_compat = from.u64();
  s.features_ro_compat = from.u64();
  s.features_incompat = from.u64();
  s.epoch = from.u64();
  s.serial = from.u64();
  const std::uint8_t clean = from.u8();
  s.clean = clean == 1;
  if (clean > 1) {
    from.fail();
  }
  s.page_copies = from.u8();
  s.journal_copies = from.u8();
  s.data_checksum = static_cast<checksum_kind>(from.u8());
  from.zeros(4);
  s.sequence = from.u64();
  s.next_object = from.u64();
  s.next_page_generation = from.u64();
  s.object_count = from.u64();
  s.formatted_ns = from.number<std::int64_t>();
  return s;
}

bool shape_in_range(const superblock& s) {
  return std::has_single_bit(s.lba_bytes) && s.lba_bytes >= lba_bytes_min && s.lba_bytes <= s.block_bytes &&
         s.zone_bytes > 0 && s.zone_bytes % s.lba_bytes == 0 && s.zone_count > 0 && s.last_zone_bytes > 0 &&
         s.last_zone_bytes <= s.zone_bytes && s.last_zone_bytes % s.lba_bytes == 0;
}

}  // namespace

bool in_range(const superblock& s) {
  return s.block_bytes == zoned::store_block_bytes && s.page_bytes == zoned::store_block_bytes && shape_in_range(s) &&
         s.device_index < s.device_count && s.page_copies >= 1 && s.page_copies <= 2 && s.journal_copies >= 1 &&
         s.journal_copies <= 2 &&
         (s.data_checksum == checksum_kind::crc32c || s.data_checksum == checksum_kind::none) && s.next_object > 0 &&
         s.next_page_generation > 0 && in_range(s.objects) && in_range(s.zones) &&
         s.journal.zone.value < s.zone_count && s.journal.zone_ordinal > 0;
}

void encode(const superblock& s, std::span<std::byte> block) {
  FURROW_ASSERT(block.size() == superblock_bytes);
  FURROW_ASSERT(in_range(s));
  fixed_writer to{block};
  to.u64(superblock_magic);
  to.u32(format_version);
  to.u32(superblock_bytes);
  to.zeros(checksum_field::encoded_bytes);
  encode_fields(s, to);
  const std::size_t fields_end = to.written();
  encode(s.objects, to);
  encode(s.zones, to);
  encode(s.journal, to);
  FURROW_ASSERT(to.written() == fields_end + 2 * root_bytes + journal_head_bytes);
  to.u64(s.epoch_group);
  for (const std::uint64_t bytes : {s.written.user_bytes, s.written.data_bytes, s.written.journal_bytes,
                                    s.written.page_bytes, s.written.cleaner_bytes})
    to.u64(bytes);
  to.u64(s.default_collection_blocks);
  to.zeros(to.left());
  seal(block, checksum_at);
}

boost::system::result<superblock, superblock_fault> decode_superblock(std::span<const std::byte> from) {
  if (from.size() < superblock_bytes) {
    return superblock_fault::not_a_superblock;
  }
  const auto block = from.first(superblock_bytes);
  reader in{block};
  if (in.u64() != superblock_magic) {
    return superblock_fault::not_a_superblock;
  }
  if (!verify(block, checksum_at)) {
    return superblock_fault::damaged;
  }
  if (const std::uint32_t version = in.u32(); version != format_version) {
    return version < format_version ? superblock_fault::older_version : superblock_fault::newer_version;
  }
  if (in.u32() != superblock_bytes) {
    in.fail();
  }
  in.skip(checksum_field::encoded_bytes);
  superblock s = decode_fields(in);
  if ((s.features_incompat & ~features_incompat_known) != 0) {
    return superblock_fault::newer_version;
  }
  s.objects = decode_root(in);
  s.zones = decode_root(in);
  s.journal = decode_journal_head(in);
  s.epoch_group = in.u64();
  for (std::uint64_t* const bytes : {&s.written.user_bytes, &s.written.data_bytes, &s.written.journal_bytes,
                                     &s.written.page_bytes, &s.written.cleaner_bytes})
    *bytes = in.u64();
  s.default_collection_blocks = in.u64();
  in.zeros(in.left());
  if (in.failed() || !in_range(s)) {
    return superblock_fault::damaged;
  }
  return s;
}

}  // namespace furrow::format
