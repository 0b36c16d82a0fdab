#include "format/checksum.hpp"

#include <doctest/doctest.h>

#include "bytes.hpp"
#include "random.hpp"

namespace furrow::format::test {
namespace {

/// Runs with one implementation and puts the other back.
class with_crc32c {
 public:
  explicit with_crc32c(crc32c_kind kind) : before_{selected_crc32c()} { select_crc32c(kind); }
  ~with_crc32c() { select_crc32c(before_); }
  with_crc32c(const with_crc32c&) = delete;
  with_crc32c& operator=(const with_crc32c&) = delete;

 private:
  crc32c_kind before_;
};

constexpr std::array kinds{crc32c_kind::isal, crc32c_kind::table};

TEST_CASE("crc32c: the vectors of RFC 3720 B.4 and the check value of the polynomial") {
  bytes rising(32);
  for (std::size_t i = 0; i < rising.size(); ++i) {
    rising[i] = static_cast<std::byte>(i);
  }
  const bytes falling{rising.rbegin(), rising.rend()};
  const bytes scsi_read = hex({"01 c0 00 00 00 00 00 00 00 00 00 00 00 00 00 00 14 00 00 00 00 00 04 00",
                               "00 00 00 14 00 00 00 18 28 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00"});
  for (const crc32c_kind kind : kinds) {
    const with_crc32c chosen{kind};
    CAPTURE(static_cast<int>(kind));
    CHECK(crc32c({}) == 0);
    CHECK(crc32c(bytes(32)) == 0x8a91'36aa);
    CHECK(crc32c(bytes(32, std::byte{0xff})) == 0x62a8'ab43);
    CHECK(crc32c(rising) == 0x46dd'794e);
    CHECK(crc32c(falling) == 0x113f'db5c);
    CHECK(crc32c(scsi_read) == 0xd996'3a56);
    CHECK(crc32c(of_text("123456789")) == 0xe306'9283);
  }
}

TEST_CASE("crc32c: both implementations agree for every length to 300 from every alignment to 16") {
  random_source random;
  CAPTURE(random.seed());
  const bytes data = random.some_bytes(320);
  for (std::size_t from = 0; from < 16; ++from) {
    for (std::size_t length = 0; length <= 300; ++length) {
      const auto part = std::span{data}.subspan(from, length);
      std::array<std::uint32_t, 2> sums{};
      for (std::size_t i = 0; i < kinds.size(); ++i) {
        const with_crc32c chosen{kinds[i]};
        sums[i] = crc32c(part);
      }
      REQUIRE(sums[0] == sums[1]);
    }
  }
}

TEST_CASE("crc32c_continue: any cut gives the checksum of the whole") {
  random_source random;
  CAPTURE(random.seed());
  const bytes data = random.some_bytes(100);
  for (const crc32c_kind kind : kinds) {
    const with_crc32c chosen{kind};
    for (std::size_t cut = 0; cut <= data.size(); ++cut) {
      REQUIRE(crc32c_continue(crc32c(std::span{data}.first(cut)), std::span{data}.subspan(cut)) == crc32c(data));
    }
  }
}

TEST_CASE("checksum field: golden bytes") {
  std::array<std::byte, 24> field{};
  checksum_field::of(of_text("123456789")).encode(field.data());
  CHECK(to_hex(field) == to_hex(hex({"01 00 00 00 00 00 00 00",                              // kind, zeros
                                     "83 92 06 e3 00 00 00 00 00 00 00 00 00 00 00 00"})));  // crc32c u32, zeros
}

TEST_CASE("checksum field: only the known kinds with zero padding decode, and to themselves") {
  for (unsigned kind = 0; kind < 256; ++kind) {
    for (std::size_t at = 1; at < checksum_field::encoded_bytes + 1; ++at) {
      bytes raw(checksum_field::encoded_bytes);
      raw[0] = static_cast<std::byte>(kind);
      if (at < raw.size()) {
        raw[at] = std::byte{1};  // else: no byte but the kind
      }
      const bool in_padding = at < 8 || (at >= 12 && at < raw.size());
      const bool in_value = at >= 8 && at < 12;
      const bool valid = !in_padding && (kind == 1 || (kind == 2 && !in_value));
      CAPTURE(kind);
      CAPTURE(at);
      reader from{raw};
      const checksum_field field = checksum_field::decode(from);
      REQUIRE(from.failed() == !valid);
      if (valid) {
        bytes again(raw.size());
        field.encode(again.data());
        REQUIRE(again == raw);
      }
    }
  }
}

TEST_CASE("seal and verify: the field counts as zeros wherever it lies, and every flipped bit shows") {
  random_source random;
  CAPTURE(random.seed());
  for (std::size_t length = checksum_field::encoded_bytes; length < 60; ++length) {
    for (std::size_t at = 0; at + checksum_field::encoded_bytes <= length; ++at) {
      bytes block = random.some_bytes(length);
      const checksum_field field = seal(block, at);
      REQUIRE(verify(block, at));
      bytes zeroed = block;
      std::fill_n(zeroed.begin() + static_cast<std::ptrdiff_t>(at), checksum_field::encoded_bytes, std::byte{0});
      REQUIRE(field == checksum_field::of(zeroed));
      const std::size_t bit = random.below(length * 8);
      flip(block, bit);
      CAPTURE(bit);
      REQUIRE_FALSE(verify(block, at));
    }
  }
}

TEST_CASE("verify: a block that cannot hold the field is refused") {
  const bytes block(30);
  CHECK_FALSE(verify(block, 7));
  CHECK_FALSE(verify(block, 31));
  CHECK_FALSE(verify({}, 0));
}

}  // namespace
}  // namespace furrow::format::test
