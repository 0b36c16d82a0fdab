#include "format/zone_header.hpp"

#include <doctest/doctest.h>

#include "random.hpp"
#include "samples.hpp"

namespace furrow::format::test {
namespace {

constexpr std::size_t checksum_at = 16;

TEST_CASE("zone header: golden bytes") {
  const bytes golden = padded(hex({
                                  "46 55 52 52 4f 57 5a 30",                          // magic "FURROWZ0"
                                  "00 10 00 00",                                      // bytes
                                  "00 00 00 00",                                      // zeros
                                  "01 00 00 00 00 00 00 00",                          // checksum kind crc32c, zeros
                                  "75 0b a5 ce 00 00 00 00 00 00 00 00 00 00 00 00",  // crc32c, zeros
                                  "10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f",  // store
                                  "01 00",                                            // device
                                  "03",                                               // role metadata
                                  "01",                                               // class metadata
                                  "06 00 00 00",                                      // zone
                                  "03 00 00 00 00 00 00 00",                          // generation
                                  "07 00 00 00 00 00 00 00",                          // epoch
                                  "02 00 00 00 00 00 00 00",                          // ordinal
                                  "08 00 00 00",                                      // next zone
                                  "00 00 00 00",                                      // zeros
                                  "05 00 00 00 00 00 00 00",                          // next generation
                              }),
                              4096);
  CHECK(to_hex(encoded(sample_zone_header())) == to_hex(golden));
  const auto decoded = decode_zone_header(golden);
  REQUIRE(decoded.has_value());
  CHECK(*decoded == sample_zone_header());
}

TEST_CASE("zone header: every flipped bit and every truncation is refused") {
  const bytes good = encoded(sample_zone_header());
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    bytes bad = good;
    flip(bad, bit);
    const auto decoded = decode_zone_header(bad);
    REQUIRE(decoded.has_error());
    REQUIRE(decoded.error() == make_error_code(bit < 64 ? fault::magic : fault::checksum));
  }
  for (std::size_t length = 0; length < good.size(); ++length) {
    REQUIRE(decode_zone_header(exact(std::span{good}.first(length))).has_error());
  }
}

TEST_CASE("zone header: sealed, each value of role, class, ordinal and padding decodes iff it is legal") {
  const bytes good = encoded(sample_zone_header());
  const auto legal = [&good](std::size_t at, unsigned value) {
    bytes out = good;
    out[at] = static_cast<std::byte>(value);
    seal(out, checksum_at);
    const auto decoded = decode_zone_header(out);
    REQUIRE((decoded.has_value() || decoded.error() == make_error_code(fault::malformed)));
    return decoded.has_value();
  };
  for (unsigned value = 0; value < 256; ++value) {
    CAPTURE(value);
    CHECK(legal(58, value) == (value == 3));  // role; the ordinal forbids data
    CHECK(legal(59, value) == (value >= 1 && value <= 15));
    for (const std::size_t padding : {12u, 15u, 92u, 95u, 104u, 4095u}) {
      CHECK(legal(padding, value) == (value == 0));
    }
  }
}

TEST_CASE("zone header: of zones that the journal does not go through, or not yet on from") {
  zone_header last = sample_zone_header();
  last.next.value = zone_header::no_next;
  last.next_generation = 0;
  CHECK(*decode_zone_header(encoded(last)) == last);
  zone_header pages = last;
  pages.ordinal = 0;
  CHECK(*decode_zone_header(encoded(pages)) == pages);
  zone_header data = pages;
  data.role = zone_role::data;
  data.cls = zone_class::short_lived;
  CHECK(*decode_zone_header(encoded(data)) == data);

  const auto legal = [](const zone_header& h, std::size_t at, unsigned value) {
    bytes out = encoded(h);
    out[at] = static_cast<std::byte>(value);
    seal(out, checksum_at);
    return decode_zone_header(out).has_value();
  };
  CHECK_FALSE(legal(data, 80, 1));   // data with an ordinal
  CHECK_FALSE(legal(pages, 88, 1));  // a next zone without an ordinal
  CHECK_FALSE(legal(last, 96, 1));   // a next generation without a next zone
}

}  // namespace
}  // namespace furrow::format::test
