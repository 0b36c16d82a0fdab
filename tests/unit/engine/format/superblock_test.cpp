#include "format/superblock.hpp"

#include <doctest/doctest.h>

#include "random.hpp"
#include "samples.hpp"

namespace furrow::format::test {
namespace {

constexpr std::size_t checksum_at = 16;

TEST_CASE("superblock: golden bytes") {
  const bytes golden = padded(hex({
                                  "46 55 52 52 4f 57 53 30",                          // magic "FURROWS0"
                                  "01 00 00 00",                                      // format_version
                                  "00 10 00 00",                                      // bytes
                                  "01 00 00 00 00 00 00 00",                          // checksum kind crc32c, zeros
                                  "57 67 ba be 00 00 00 00 00 00 00 00 00 00 00 00",  // crc32c, zeros
                                  "10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f",  // store
                                  "20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f",  // set
                                  "01 00",                                            // device_index
                                  "02 00",                                            // device_count
                                  "00 10 00 00",                                      // block_bytes
                                  "00 10 00 00",                                      // page_bytes
                                  "00 02 00 00",                                      // lba_bytes
                                  "00 00 00 10 00 00 00 00",                          // zone_bytes
                                  "40 00 00 00",                                      // zone_count
                                  "00 00 00 00",                                      // zeros
                                  "00 00 00 08 00 00 00 00",                          // last_zone_bytes
                                  "01 00 00 00 00 00 00 80",                          // features compat
                                  "40 00 00 00 00 00 00 00",                          // features ro_compat
                                  "00 00 00 00 00 00 00 00",                          // features incompat
                                  "07 00 00 00 00 00 00 00",                          // epoch
                                  "63 00 00 00 00 00 00 00",                          // serial
                                  "01",                                               // clean
                                  "02",                                               // page_copies
                                  "01",                                               // journal_copies
                                  "01",                                               // data_checksum crc32c
                                  "00 00 00 00",                                      // zeros
                                  "e8 03 00 00 00 00 00 00",                          // sequence
                                  "37 00 00 00 00 00 00 00",                          // next_object
                                  "2b 00 00 00 00 00 00 00",                          // next_page_generation
                                  "11 00 00 00 00 00 00 00",                          // object_count
                                  "00 00 2a 36 fe 9c 97 17",                          // formatted
                                  "05 00 06 00 00 00 00 00",  // object tree: device 0, block 0x60005
                                  "01 00 07 00 00 00 01 00",  //   second copy: device 1, block 0x70001
                                  "2a 00 00 00 00 00 00 00",  //   generation
                                  "01 00 00 00 00 00 00 00",  //   checksum kind
                                  "22 22 11 11 00 00 00 00 00 00 00 00 00 00 00 00",  //   crc32c of the page
                                  "01 00 00 00 00 00 00 00",                          //   level, zeros
                                  "03 00 00 00 00 00 00 00",                          //   pages
                                  "06 00 06 00 00 00 00 00",  // zone tree: device 0, block 0x60006
                                  "ff ff ff ff ff ff ff ff",  //   no second copy
                                  "28 00 00 00 00 00 00 00",  //   generation
                                  "01 00 00 00 00 00 00 00",  //   checksum kind
                                  "44 44 33 33 00 00 00 00 00 00 00 00 00 00 00 00",  //   crc32c of the page
                                  "00 00 00 00 00 00 00 00",                          //   level, zeros
                                  "01 00 00 00 00 00 00 00",                          //   pages
                                  "06 00 00 00",                                      // journal: zone
                                  "00 00 00 00",                                      //   zeros
                                  "03 00 00 00 00 00 00 00",                          //   zone generation
                                  "02 00 00 00 00 00 00 00",                          //   zone ordinal
                                  "09 00 00 00 00 00 00 00",                          //   block in the zone
                                  "f4 01 00 00 00 00 00 00",                          //   group
                                  "01 00 00 00 00 00 00 00",  //   checksum kind of the group before
                                  "66 66 55 55 00 00 00 00 00 00 00 00 00 00 00 00",  //   its crc32c
                                  "f2 01 00 00 00 00 00 00",                          // epoch_group
                                  "81 96 98 00 00 00 00 00",                          // written: user bytes
                                  "02 2d 31 01 00 00 00 00",                          //   data bytes
                                  "c3 c6 2d 00 00 00 00 00",                          //   journal bytes
                                  "84 1a 06 00 00 00 00 00",                          //   page bytes
                                  "55 c3 00 00 00 00 00 00",                          //   cleaner bytes
                                  "76 17 00 00 00 00 00 00",                          // default collection's blocks
                              }),
                              4096);
  CHECK(to_hex(encoded(sample_superblock())) == to_hex(golden));
  const auto decoded = decode_superblock(golden);
  REQUIRE(decoded.has_value());
  CHECK(*decoded == sample_superblock());
}

TEST_CASE("superblock: of empty trees, as format writes it") {
  superblock s;
  s.lba_bytes = 4096;
  s.zone_bytes = 1 << 20;
  s.zone_count = 1;
  s.last_zone_bytes = 1 << 20;
  s.journal.zone_ordinal = 1;
  const auto decoded = decode_superblock(encoded(s));
  REQUIRE(decoded.has_value());
  CHECK(*decoded == s);
  CHECK(decoded->objects.ref.empty());
}

TEST_CASE("superblock: every flipped bit is refused") {
  const bytes good = encoded(sample_superblock());
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    bytes bad = good;
    flip(bad, bit);
    const auto decoded = decode_superblock(bad);
    REQUIRE(decoded.has_error());
    REQUIRE(decoded.error() == (bit < 64 ? superblock_fault::not_a_superblock : superblock_fault::damaged));
  }
}

TEST_CASE("superblock: every truncation is refused") {
  const bytes good = encoded(sample_superblock());
  for (std::size_t length = 0; length < good.size(); ++length) {
    REQUIRE(decode_superblock(exact(std::span{good}.first(length))).has_error());
  }
}

TEST_CASE("superblock: a newer format is told from damage") {
  bytes newer = encoded(sample_superblock());
  newer[8] = std::byte{2};
  CHECK(decode_superblock(newer).error() == superblock_fault::damaged);  // a flipped bit must not pass for it
  seal(newer, checksum_at);
  CHECK(decode_superblock(newer).error() == superblock_fault::newer_version);

  superblock s = sample_superblock();
  s.features_incompat = 1;
  CHECK(decode_superblock(encoded(s)).error() == superblock_fault::newer_version);
}

TEST_CASE("superblock: format version 0, of before the format was declared, is told from damage") {
  bytes older = encoded(sample_superblock());
  older[8] = std::byte{0};
  CHECK(decode_superblock(older).error() == superblock_fault::damaged);
  seal(older, checksum_at);
  CHECK(decode_superblock(older).error() == superblock_fault::older_version);
}

TEST_CASE("superblock: a sealed one with a field out of range is damaged") {
  struct row {
    const char* what;
    void (*spoil)(superblock&);
  };
  // Each is put into a valid one behind encode()'s back: as the bytes that differ.
  const row rows[] = {
      {"block_bytes", [](superblock& s) { s.block_bytes = 8192; }},
      {"page_bytes", [](superblock& s) { s.page_bytes = 0; }},
      {"lba_bytes not a power of two", [](superblock& s) { s.lba_bytes = 520; }},
      {"lba_bytes too small", [](superblock& s) { s.lba_bytes = 256; }},
      {"lba_bytes too large", [](superblock& s) { s.lba_bytes = 8192; }},
      {"no zone bytes", [](superblock& s) { s.zone_bytes = 0; }},
      {"zone bytes unaligned", [](superblock& s) { s.zone_bytes += 1; }},
      {"no zones", [](superblock& s) { s.zone_count = 0; }},
      {"no last zone", [](superblock& s) { s.last_zone_bytes = 0; }},
      {"last zone larger than others", [](superblock& s) { s.last_zone_bytes = s.zone_bytes + 512; }},
      {"last zone unaligned", [](superblock& s) { s.last_zone_bytes -= 1; }},
      {"device index", [](superblock& s) { s.device_index = s.device_count; }},
      {"no page copies", [](superblock& s) { s.page_copies = 0; }},
      {"three page copies", [](superblock& s) { s.page_copies = 3; }},
      {"no journal copies", [](superblock& s) { s.journal_copies = 0; }},
      {"three journal copies", [](superblock& s) { s.journal_copies = 3; }},
      {"reserved data checksum", [](superblock& s) { s.data_checksum = checksum_kind::keyed_mac; }},
      {"next object", [](superblock& s) { s.next_object = 0; }},
      {"next page generation", [](superblock& s) { s.next_page_generation = 0; }},
      {"too deep", [](superblock& s) { s.objects.level = page_level_max + 1; }},
      {"fewer pages than levels", [](superblock& s) { s.objects.pages = s.objects.level; }},
      {"an empty tree with pages",
       [](superblock& s) {
         s.zones = {page_ref{}, 0, 1};
       }},
      {"an empty tree with levels",
       [](superblock& s) {
         s.zones = {page_ref{}, 1, 0};
       }},
      {"journal zone", [](superblock& s) { s.journal.zone.value = s.zone_count; }},
      {"journal ordinal", [](superblock& s) { s.journal.zone_ordinal = 0; }},
  };
  for (const row& r : rows) {
    CAPTURE(r.what);
    superblock s = sample_superblock();
    REQUIRE(in_range(s));
    r.spoil(s);
    CHECK_FALSE(in_range(s));
  }
}

TEST_CASE("superblock: sealed, its bytes decode iff in range, and padding counts") {
  const bytes good = encoded(sample_superblock());
  const auto with_byte = [&good](std::size_t at, unsigned value) {
    bytes out = good;
    out[at] = static_cast<std::byte>(value);
    seal(out, checksum_at);
    return decode_superblock(out);
  };
  for (const std::size_t padding : {100u, 103u, 156u, 159u, 249u, 255u, 313u, 332u, 448u, 4095u}) {
    CAPTURE(padding);
    CHECK(with_byte(padding, 0).has_value());
    CHECK(with_byte(padding, 1).has_error());
  }
  CHECK(with_byte(12, 1).error() == superblock_fault::damaged);   // bytes
  CHECK(with_byte(152, 2).error() == superblock_fault::damaged);  // clean
  CHECK(with_byte(153, 0).error() == superblock_fault::damaged);  // page_copies
  CHECK(with_byte(155, 3).error() == superblock_fault::damaged);  // data_checksum
}

}  // namespace
}  // namespace furrow::format::test
