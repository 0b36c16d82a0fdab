#include "format/codec.hpp"

#include <doctest/doctest.h>

#include "bytes.hpp"

namespace furrow::format::test {
namespace {

TEST_CASE("numbers are little-endian at any alignment") {
  bytes out;
  writer to{out};
  to.u8(0x01);
  to.u16(0x0302);
  to.u32(0x0706'0504);
  to.u64(0x0f0e'0d0c'0b0a'0908);
  to.zeros(2);
  to.text("AB");
  CHECK(to_hex(out) == "0102030405060708090a0b0c0d0e0f00004142");
  reader from{out};
  CHECK(from.u8() == 0x01);
  CHECK(from.u16() == 0x0302);
  CHECK(from.u32() == 0x0706'0504);
  CHECK(from.u64() == 0x0f0e'0d0c'0b0a'0908);
  from.zeros(2);
  CHECK(from.text(2) == "AB");
  CHECK(from.left() == 0);
  CHECK_FALSE(from.failed());
}

TEST_CASE("fixed_writer writes the same and leaves nothing unwritten") {
  bytes out(12, std::byte{0xee});
  fixed_writer to{out};
  to.u16(0x0201);
  to.zeros(2);
  to.u32(0x0605'0403);
  to.bytes(of_text("Z"));
  to.zeros(to.left());
  CHECK(to_hex(out) == "01020000030405065a000000");
  CHECK(to.written() == 12);
}

TEST_CASE("a reader that was asked too much gives zeros for ever") {
  const bytes in = hex({"01 02 03"});
  reader from{in};
  CHECK(from.u32() == 0);
  CHECK(from.failed());
  CHECK(from.u8() == 0);
  CHECK(from.bytes(1).empty());
  CHECK(from.text(1).empty());
  CHECK(from.left() == 3);
}

TEST_CASE("a reader takes no length that is longer than its input, not even one that overflows") {
  const bytes in(16);
  for (const std::size_t count : {std::size_t{17}, ~std::size_t{0}, ~std::size_t{0} - 15}) {
    reader from{in};
    from.skip(8);
    CHECK(from.bytes(count).empty());
    CHECK(from.failed());
  }
}

TEST_CASE("padding that is not zero fails the reader, wherever it is not") {
  for (std::size_t length = 0; length < 20; ++length) {
    for (std::size_t at = 0; at <= length; ++at) {
      bytes in(length);
      if (at < length) {
        in[at] = std::byte{0x80};
      }
      reader from{in};
      from.zeros(length);
      CHECK(from.failed() == (at < length));
    }
  }
}

}  // namespace
}  // namespace furrow::format::test
