#include "format/group.hpp"

#include <doctest/doctest.h>

#include "format/record.hpp"
#include "random.hpp"
#include "samples.hpp"

namespace furrow::format::test {
namespace {

constexpr std::size_t checksum_at = 16;

/// The smallest group that holds something: one record that removes object 6.
std::vector<record> one_removal() { return {{101, remove_record{6}}}; }

bool accepted(std::span<const std::byte> group) { return peek_group(group, sample_store()) && verify_group(group); }

TEST_CASE("group: golden bytes") {
  const bytes golden = padded(hex({
                                  "46 55 52 52 4f 57 4a 30",                          // magic "FURROWJ0"
                                  "a0 00 00 00",                                      // header_bytes
                                  "00 10 00 00",                                      // bytes
                                  "01 00 00 00 00 00 00 00",                          // checksum kind crc32c, zeros
                                  "65 d4 2a 36 00 00 00 00 00 00 00 00 00 00 00 00",  // crc32c, zeros
                                  "10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f",  // store
                                  "07 00 00 00 00 00 00 00",                          // epoch
                                  "f4 01 00 00 00 00 00 00",                          // number
                                  "03 00 00 00 00 00 00 00",                          // zone generation
                                  "65 00 00 00 00 00 00 00",                          // first sequence
                                  "65 00 00 00 00 00 00 00",                          // last sequence
                                  "64 00 00 00 00 00 00 00",                          // acknowledged sequence
                                  "63 00 00 00 00 00 00 00",                          // flushed sequence
                                  "18 00 00 00",                                      // record_bytes
                                  "01 00 00 00",                                      // record_count
                                  "01 00 00 00 00 00 00 00",                          // previous group's checksum kind
                                  "66 66 55 55 00 00 00 00 00 00 00 00 00 00 00 00",  //   and crc32c
                                  "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",  // zeros
                                  "04 00 00 00",              // record: type remove, flags, zeros
                                  "08 00 00 00",              //   bytes of its body
                                  "65 00 00 00 00 00 00 00",  //   sequence
                                  "06 00 00 00 00 00 00 00",  //   object
                              }),
                              4096);
  CHECK(to_hex(sample_group(one_removal())) == to_hex(golden));
  CHECK(verify_group(golden));
  const auto header = peek_group(golden, sample_store());
  REQUIRE(header);
  group_header expected = sample_group_header(one_removal(), 24);
  store_le<std::uint32_t>(expected.checksum.value.data(), load_le<std::uint32_t>(golden.data() + 24));
  CHECK(*header == expected);
}

TEST_CASE("group: sealing clears what is behind the records, and returns the field it wrote") {
  bytes group = sample_group(one_removal());
  std::fill(group.begin() + 200, group.end(), std::byte{0xee});
  const checksum_field field = seal_group(sample_group_header(one_removal(), 24), group);
  CHECK(group == sample_group(one_removal()));
  CHECK(peek_group(group, sample_store())->checksum == field);
}

TEST_CASE("group: an empty one, and one of several blocks") {
  CHECK(accepted(sample_group({})));
  std::vector<record> records = sample_records();
  while (records.size() < 100) {
    records.push_back(records[0]);
    records.back().sequence = 101 + records.size();
  }
  const bytes group = sample_group(records);
  REQUIRE(group.size() > 2 * 4096);
  CHECK(accepted(group));
  const auto from_first_block = peek_group(std::span{group}.first(4096), sample_store());
  REQUIRE(from_first_block);
  CHECK(from_first_block->bytes == group.size());
}

TEST_CASE("group: longer than its records, to fill a zone") {
  group_header h = sample_group_header({}, 0);
  for (const std::uint32_t blocks : {2u, 7u}) {
    h.bytes = blocks * 4096;
    bytes group(h.bytes, std::byte{0xee});
    h.checksum = seal_group(h, group);
    CHECK(accepted(group));
    CHECK(peek_group(group, sample_store()) == h);
    CHECK_FALSE(verify_group(std::span{group}.first(4096)));
    group.back() = std::byte{1};
    seal(group, checksum_at);
    CHECK_FALSE(verify_group(group));
  }
}

TEST_CASE("group_blocks: at the edges of a block") {
  CHECK(group_blocks(0) == 1);
  CHECK(group_blocks(4096 - group_header_bytes) == 1);
  CHECK(group_blocks(4096 - group_header_bytes + 1) == 2);
}

TEST_CASE("group: every flipped bit and every truncation is refused") {
  const bytes good = sample_group(sample_records());
  REQUIRE(accepted(good));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    bytes bad = good;
    flip(bad, bit);
    REQUIRE_FALSE(accepted(bad));
  }
  for (std::size_t length = 0; length < good.size(); ++length) {
    const bytes cut = exact(std::span{good}.first(length));
    REQUIRE_FALSE(verify_group(cut));
    REQUIRE(peek_group(cut, sample_store()).has_value() == (length >= group_header_bytes));
  }
}

TEST_CASE("group: a stranger's is not ours") {
  const bytes group = sample_group(one_removal());
  CHECK_FALSE(peek_group(group, counting_uuid(0x11)));
  CHECK(verify_group(group));
}

TEST_CASE("group: lengths that do not agree are refused before anybody allocates for them") {
  struct row {
    const char* what;
    std::size_t at;
    std::uint32_t value;
  };
  const row rows[] = {
      {"header_bytes", 8, 168},
      {"bytes not of whole blocks", 12, 4097},
      {"bytes less than the header", 12, 0},
      {"bytes over the most", 12, group_bytes_max + 4096},
      {"bytes of 4 GiB", 12, 0xffff'f000},
      {"record_bytes unaligned", 112, 25},
      {"record_bytes more than bytes", 112, 4096},
      {"record_bytes of 4 GiB", 112, 0xffff'fff8},
      {"more records than fit", 116, 2},
      {"no records in some bytes", 116, 0},
      {"padding", 144, 1},
      {"first above last", 80, 0x66},
      {"unknown kind of checksum", 120, 9},
  };
  const bytes good = sample_group(one_removal());
  for (const row& r : rows) {
    CAPTURE(r.what);
    bytes bad = good;
    store_le(bad.data() + r.at, r.value);
    seal(bad, checksum_at);
    CHECK_FALSE(peek_group(bad, sample_store()));
    CHECK_FALSE(verify_group(bad));
  }
}

TEST_CASE("group: bytes behind the records are refused, even sealed") {
  bytes group = sample_group(one_removal());
  group[group_header_bytes + 24] = std::byte{1};
  seal(group, checksum_at);
  CHECK_FALSE(verify_group(group));
}

}  // namespace
}  // namespace furrow::format::test
