// Records and attribute blobs as long as the format allows.
#include <doctest/doctest.h>

#include "format/record.hpp"
#include "samples.hpp"

namespace furrow::format::test {
namespace {

TEST_CASE("records: names, links and attributes at their limits and one behind") {
  create_record r{8, 9, std::string(name_bytes_max, 'n'), {}};
  r.attributes.link_target = std::string(link_target_bytes_max, 'l');
  r.attributes.user = bytes(user_attribute_bytes_max);
  bytes raw = encoded({1, r});
  CHECK(decode_only(raw) == record{1, r});
  // One byte more of one and one less of another keeps the body's length.
  const auto moved = [&raw](std::size_t more_at, std::size_t less_at) {
    bytes out = raw;
    store_le(out.data() + more_at, static_cast<std::uint16_t>(load_le<std::uint16_t>(out.data() + more_at) + 1));
    store_le(out.data() + less_at, static_cast<std::uint16_t>(load_le<std::uint16_t>(out.data() + less_at) - 1));
    return decode_only(out).has_value();
  };
  constexpr std::size_t name_at = 28;
  constexpr std::size_t link_at = 36;
  constexpr std::size_t user_at = 38;
  CHECK_FALSE(moved(name_at, link_at));
  CHECK_FALSE(moved(link_at, user_at));
  CHECK_FALSE(moved(user_at, name_at));
}

TEST_CASE("records: extents that the format allows most of") {
  publish_record r;
  r.object = 1;
  r.extents = {{0, {zoned::device_address{0, 0}, extent_blocks_max}}};
  bytes raw;
  r.extents[0].where.blocks = 4096;
  r.sums.assign(4096, 7);
  for (std::uint64_t i = 0; i < 4096; ++i) {
    r.dropped.push_back({zoned::device_address{0, i * 2}, 1});
  }
  r.tail = bytes(tail_bytes_max);
  encode({1, r}, raw);
  CHECK(decode_only(raw) == record{1, r});
}

TEST_CASE("attribute blob: round trips, and nothing else decodes") {
  attribute_set a;
  CHECK(encode_attribute_blob(a).empty());
  CHECK(decode_attribute_blob({}, a));
  a.link_target = "AB";
  a.user = hex({"07"});
  a.mode = 5;
  const bytes blob = encode_attribute_blob(a);
  CHECK(to_hex(blob) ==
        "0200"
        "0100"
        "4142"
        "07");
  attribute_set b;
  b.mode = 5;
  REQUIRE(decode_attribute_blob(blob, b));
  CHECK(a == b);
  for (std::size_t length = 1; length < blob.size(); ++length) {
    CHECK_FALSE(decode_attribute_blob(exact(std::span{blob}.first(length)), b));
    CHECK(a == b);
  }
  CHECK_FALSE(decode_attribute_blob(bytes(4), b));  // none is no bytes
  a.link_target = std::string(link_target_bytes_max, 'l');
  a.user = bytes(user_attribute_bytes_max);
  CHECK(encode_attribute_blob(a).size() == attribute_blob_bytes_max);
}

}  // namespace
}  // namespace furrow::format::test
