// Bytes that anybody may have written, sealed with a checksum that holds: decoding never crashes, and what it accepts
// is within the limits that the headers state and encodes to the very bytes it came from.
#include <doctest/doctest.h>

#include <algorithm>

#include "format/group.hpp"
#include "random.hpp"
#include "samples.hpp"

namespace furrow::format::test {
namespace {

constexpr std::size_t checksum_at = 16;
constexpr std::size_t page_checksum_at = 48;

/// Counts both outcomes, to show that the mutations reach both sides of the decoder.
struct tally {
  int accepted = 0;
  int refused = 0;
  void count(bool was_accepted) { ++(was_accepted ? accepted : refused); }
  void check_both() const {
    CHECK(accepted > 50);
    CHECK(refused > 50);
  }
};

TEST_CASE("hostile: superblocks") {
  random_source random;
  CAPTURE(random.seed());
  const bytes good = encoded(sample_superblock());
  tally t;
  for (int i = 0; i < 20000; ++i) {
    bytes raw = good;
    mutate(std::span{raw}.first(random.one_in(4) ? raw.size() : 400), random);
    if (random.one_in(20)) {
      raw.resize(random.below(raw.size()));
    } else {
      seal(raw, checksum_at);
    }
    const auto decoded = decode_superblock(exact(raw));
    t.count(decoded.has_value());
    if (decoded.has_value()) {
      REQUIRE(in_range(*decoded));
      REQUIRE(encoded(*decoded) == raw);
    }
  }
  t.check_both();
}

TEST_CASE("hostile: zone headers") {
  random_source random;
  CAPTURE(random.seed());
  const bytes good = encoded(sample_zone_header());
  tally t;
  for (int i = 0; i < 20000; ++i) {
    bytes raw = good;
    mutate(std::span{raw}.first(random.one_in(4) ? raw.size() : 92), random);
    seal(raw, checksum_at);
    const auto decoded = decode_zone_header(raw);
    t.count(decoded.has_value());
    if (decoded.has_value()) {
      REQUIRE(encoded(*decoded) == raw);
    }
  }
  t.check_both();
}

void check_limits(const std::vector<object_extent>& extents) {
  std::uint64_t end = 0;
  for (const object_extent& e : extents) {
    REQUIRE(e.object_block >= end);
    REQUIRE(well_formed(e.where));
    end = e.object_block + e.where.blocks;
    REQUIRE(end <= object_blocks_max);
  }
}

void check_within(const std::vector<object_extent>& extents, std::uint64_t first, std::uint64_t end) {
  for (const object_extent& e : extents) {
    REQUIRE(e.object_block >= first);
    REQUIRE(e.object_block + e.where.blocks <= end);
  }
}

void check_limits(const record& r) {
  if (const auto* const publish = std::get_if<publish_record>(&r.body)) {
    check_limits(publish->extents);
    std::uint64_t blocks = 0;
    for (const object_extent& e : publish->extents) {
      blocks += e.where.blocks;
    }
    REQUIRE((publish->sums.empty() || blocks == publish->sums.size()));
    REQUIRE(publish->tail.size() <= tail_bytes_max);
    REQUIRE(publish->object_bytes <= object_bytes_max);
  } else if (const auto* const tail = std::get_if<tail_record>(&r.body)) {
    REQUIRE(tail->from + tail->bytes.size() <= tail_bytes_max);
  } else if (const auto* const drop = std::get_if<drop_record>(&r.body)) {
    check_limits(drop->extents);
  } else if (const auto* const punch = std::get_if<punch_record>(&r.body)) {
    check_limits(punch->extents);
    check_within(punch->extents, punch->first_block, punch->end_block);
    REQUIRE(punch->first_block < punch->end_block);
    REQUIRE(punch->end_block <= object_blocks_max);
    REQUIRE((!punch->more || punch->extents.empty()));
    REQUIRE(punch->object_bytes <= object_bytes_max);
    REQUIRE(punch->tail.size() <= tail_bytes_max);
  } else if (const auto* const clone = std::get_if<clone_record>(&r.body)) {
    check_limits(clone->extents);
    check_within(clone->extents, clone->first_block, clone->first_block + clone->blocks);
    REQUIRE(clone->blocks <= object_blocks_max);
    REQUIRE(std::max(clone->first_block, clone->source_block) <= object_blocks_max - clone->blocks);
    REQUIRE(std::ranges::all_of(clone->dropped, well_formed));
    REQUIRE(clone->object_bytes <= object_bytes_max);
    REQUIRE(clone->tail.size() <= tail_bytes_max);
  } else if (const auto* const move = std::get_if<move_record>(&r.body)) {
    std::uint64_t blocks = 0;
    for (const moved_run& run : move->runs) {
      blocks += run.to.blocks;
      REQUIRE(well_formed(run.to));
      REQUIRE(well_formed(block_run{run.from, run.to.blocks}));
      REQUIRE_FALSE(run.names.empty());
      for (const object_block& name : run.names) {
        REQUIRE(name.object != 0);
        REQUIRE(name.block + run.to.blocks <= object_blocks_max);
      }
    }
    REQUIRE((move->sums.empty() || blocks == move->sums.size()));
  } else if (const auto* const create = std::get_if<create_record>(&r.body)) {
    REQUIRE(create->name.size() <= name_bytes_max);
  }
}

/// Decodes records to the end or the first fault; what was decoded, again encoded, is what was there.
bool walk_records(std::span<const std::byte> raw) {
  reader from{raw};
  while (from.left() > 0) {
    const std::size_t begin = raw.size() - from.left();
    const auto decoded = decode_record(from);
    if (decoded.has_error()) {
      return false;
    }
    if (decoded->has_value()) {
      check_limits(**decoded);
      const bytes again = encoded(**decoded);
      REQUIRE(std::ranges::equal(again, raw.subspan(begin, raw.size() - from.left() - begin)));
    }
  }
  return true;
}

TEST_CASE("hostile: each record alone") {
  random_source random;
  CAPTURE(random.seed());
  for (const record& sample : sample_records()) {
    const bytes good = encoded(sample);
    CAPTURE(static_cast<int>(type_of(sample.body)));
    tally t;
    for (int i = 0; i < 10000; ++i) {
      bytes raw = good;
      mutate(raw, random);
      if (random.one_in(20)) {
        raw.resize(random.below(raw.size()));
      }
      t.count(walk_records(exact(raw)));
    }
    t.check_both();
  }
}

TEST_CASE("hostile: groups") {
  random_source random;
  CAPTURE(random.seed());
  const std::vector<record> records = sample_records();
  const bytes good = sample_group(records);
  tally groups;
  tally walks;
  for (int i = 0; i < 20000; ++i) {
    bytes raw = good;
    mutate(std::span{raw}.first(random.one_in(2) ? group_header_bytes : 1200), random);
    seal(raw, checksum_at);
    const auto header = peek_group(exact(std::span{raw}.first(group_header_bytes)), sample_store());
    const bool verified = verify_group(exact(raw));
    groups.count(header && verified);
    if (!header) {
      continue;
    }
    REQUIRE(header->bytes <= group_bytes_max);
    REQUIRE(header->bytes % 4096 == 0);
    REQUIRE(group_header_bytes + std::size_t{header->record_bytes} <= header->bytes);
    if (verified) {
      REQUIRE(header->bytes == raw.size());
      bytes again = raw;
      seal_group(*header, again);
      REQUIRE(again == raw);
      walks.count(walk_records(std::span{raw}.subspan(group_header_bytes, header->record_bytes)));
    }
  }
  groups.check_both();
  walks.check_both();
}

/// Reads everything that can be asked of a page.
void read_all(const page_view& page, int level) {
  std::string previous;
  for (std::size_t i = 0; i < page.count(); ++i) {
    const std::string k{page.key(i)};
    const bytes v = exact(page.value(i));
    REQUIRE((i == 0 || k > previous));
    REQUIRE(k.size() + v.size() <= (level == 0 ? cell_bytes_max : index_cell_bytes_max));
    REQUIRE(page.lower_bound(k) == i);
    previous = k;
  }
  REQUIRE(page.used_bytes() <= page_bytes);
  REQUIRE(page.free_bytes() <= page_bytes);
}

/// Edits until the page is full and then empty: a page that passed check_page() is as good as one that was made here.
void edit_all(bytes page, random_source& random) {
  page_editor editor{std::span<std::byte, page_bytes>{page.data(), page_bytes}};
  while (editor.put(random.text(random.between(1, 200)), random.some_bytes(random.below(500)))) {
  }
  while (editor.count() > 0) {
    editor.erase(random.below(editor.count()));
  }
  REQUIRE(editor.used_bytes() == page_header_bytes);
}

void attack_page(const bytes& good, random_source& random) {
  tally t;
  for (int i = 0; i < 15000; ++i) {
    bytes raw = good;
    const std::size_t cells_begin = load_le<std::uint16_t>(raw.data() + 72);
    // Headers and slots, the cells, or anywhere.
    switch (random.below(3)) {
      case 0:
        mutate(std::span{raw}.first(112), random);
        break;
      case 1:
        mutate(std::span{raw}.subspan(cells_begin), random);
        break;
      default:
        mutate(raw, random);
        break;
    }
    seal(raw, page_checksum_at);
    const auto checked = check_page(raw, sample_store());
    t.count(checked.has_value());
    if (checked.has_value()) {
      read_all(page_view{std::span<const std::byte, page_bytes>{raw.data(), page_bytes}}, checked->level);
      bytes again = raw;
      seal_page(again, *checked);
      REQUIRE(again == raw);
      if (random.one_in(10)) {
        edit_all(raw, random);
      }
    }
  }
  t.check_both();
}

TEST_CASE("hostile: pages") {
  random_source random;
  CAPTURE(random.seed());
  attack_page(sample_object_leaf(), random);
  attack_page(sample_zone_leaf(), random);
  attack_page(sample_index(), random);
}

TEST_CASE("hostile: keys and values") {
  random_source random;
  CAPTURE(random.seed());
  for (const bytes& page : {sample_object_leaf(), sample_zone_leaf()}) {
    const page_view cells{std::span<const std::byte, page_bytes>{page.data(), page_bytes}};
    for (int i = 0; i < 20000; ++i) {
      const std::size_t index = random.below(cells.count());
      bytes k = of_text(cells.key(index));
      bytes v = exact(cells.value(index));
      mutate(k, random);
      mutate(v, random);
      if (random.one_in(5)) {
        v.resize(random.below(v.size() + 1));
      }
      const bytes value = exact(v);
      const key_view text{reinterpret_cast<const char*>(k.data()), k.size()};
      if (const auto parts = parse_name_key(text)) {
        REQUIRE(name_key(parts->collection, parts->name) == text);
      }
      if (const auto parts = parse_extent_key(text)) {
        REQUIRE(extent_key(parts->object, parts->block) == text);
      }
      if (const auto parts = parse_run_key(text)) {
        REQUIRE(run_key(parts->device, parts->zone, parts->block) == text);
      }
      if (const auto parts = parse_shared_key(text)) {
        REQUIRE(shared_key(parts->device, parts->zone, parts->block) == text);
      }
      if (const auto parts = parse_hint_key(text)) {
        REQUIRE(hint_key(parts->device, parts->zone, parts->block, parts->object, parts->object_block) == text);
      }
      const auto encodes_back = [&value](const auto& decoded) { return !decoded || encode(*decoded) == value; };
      REQUIRE(encodes_back(decode_collection(value)));
      REQUIRE(encodes_back(decode_object(value)));
      REQUIRE(encodes_back(decode_extent(value)));
      REQUIRE(encodes_back(decode_zone(value)));
      REQUIRE(encodes_back(decode_run(value)));
      REQUIRE(encodes_back(decode_doomed(value)));
      REQUIRE(encodes_back(decode_shared(value)));
      REQUIRE(encodes_back(decode_hint(value)));
    }
  }
}

TEST_CASE("hostile: bytes of no structure at all") {
  random_source random;
  CAPTURE(random.seed());
  for (int i = 0; i < 20000; ++i) {
    const bytes raw = random.some_bytes(random.below(200));
    CHECK(decode_superblock(raw).has_error());
    CHECK(decode_zone_header(raw).has_error());
    CHECK(check_page(raw, sample_store()).has_error());
    CHECK_FALSE(peek_group(raw, sample_store()));
    CHECK_FALSE(verify_group(raw));
    static_cast<void>(walk_records(raw));
    static_cast<void>(decode_run(raw));
    static_cast<void>(decode_object(raw));
  }
}

}  // namespace
}  // namespace furrow::format::test
