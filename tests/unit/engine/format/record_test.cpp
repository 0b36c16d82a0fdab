#include "format/record.hpp"

#include <doctest/doctest.h>

#include "random.hpp"
#include "samples.hpp"

namespace furrow::format::test {
namespace {

struct golden_record {
  record_type type;
  bytes raw;
};

bytes golden_attributes() {
  return hex({
      "a4 01 00 00",              // mode
      "08 00",                    // link_bytes
      "03 00",                    // user_bytes
      "01 00 2a 36 fe 9c 97 17",  // created
      "fe ff ff ff ff ff ff ff",  // modified
  });
}

bytes join(std::initializer_list<bytes> parts) {
  bytes out;
  for (const bytes& part : parts) {
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

bytes golden_link_and_user() { return hex({"2e 2e 2f 6f 74 68 65 72", "00 ff 07"}); }

std::vector<golden_record> golden_data_records() {
  return {
      {record_type::publish, hex({
                                 "01 00 00 00",              // type, flags, zeros
                                 "7b 00 00 00",              // bytes of the body
                                 "65 00 00 00 00 00 00 00",  // sequence
                                 "05 00 00 00 00 00 00 00",  // object
                                 "03 30 00 00 00 00 00 00",  // object bytes
                                 "02 00 00 00 00 00 00 00",  // fence epoch
                                 "02 00 2a 36 fe 9c 97 17",  // modified
                                 "04 00 00 00",              // tail epoch
                                 "03",                       // class
                                 "00",                       // zero
                                 "03 00",                    // tail_bytes
                                 "02 00 00 00",              // extent_count
                                 "03 00 00 00",              // sum_count
                                 "01 00 00 00",              // dropped_count
                                 "00 00 00 00",              // zeros
                                 "00 00 00 00 00 00 00 00",  // extent 0: object_block
                                 "01 00 03 00 00 00 00 00",  //   address
                                 "02 00 00 00",              //   blocks
                                 "02 00 00 00 00 00 00 00",  // extent 1: object_block
                                 "01 00 04 00 00 00 00 00",  //   address
                                 "01 00 00 00",              //   blocks
                                 "01 00 aa aa",              // sums
                                 "02 00 aa aa",              //
                                 "03 00 aa aa",              //
                                 "07 00 02 00 00 00 00 00",  // dropped run: address
                                 "03 00 00 00",              //   blocks
                                 "65 6e 64",                 // tail "end"
                                 "00 00 00 00 00",           // zeros
                             })},
      {record_type::tail, hex({
                              "02 00 00 00",              // type, flags, zeros
                              "23 00 00 00",              // bytes of the body
                              "66 00 00 00 00 00 00 00",  // sequence
                              "05 00 00 00 00 00 00 00",  // object
                              "02 00 00 00 00 00 00 00",  // fence epoch
                              "03 00 00 00 00 00 00 00",  // modified
                              "04 00 00 00",              // tail epoch
                              "03 00",                    // from
                              "03 00",                    // count
                              "69 6e 67",                 // "ing"
                              "00 00 00 00 00",           // zeros
                          })},
  };
}

std::vector<golden_record> golden_object_records() {
  return {
      {record_type::create, join({hex({
                                      "03 00 00 00",              // type, flags, zeros
                                      "37 00 00 00",              // bytes of the body
                                      "67 00 00 00 00 00 00 00",  // sequence
                                      "08 00 00 00 00 00 00 00",  // object
                                      "09 00 00 00",              // collection
                                      "04 00",                    // name_bytes
                                      "00 00",                    // zeros
                                  }),
                                  golden_attributes(), hex({"6e 61 6d 65"}), golden_link_and_user(), hex({"00"})})},
      {record_type::remove, hex({
                                "04 00 00 00",              // type, flags, zeros
                                "08 00 00 00",              // bytes of the body
                                "68 00 00 00 00 00 00 00",  // sequence
                                "06 00 00 00 00 00 00 00",  // object
                            })},
      {record_type::rename, hex({
                                "05 00 00 00",              // type, flags, zeros
                                "20 00 00 00",              // bytes of the body
                                "69 00 00 00 00 00 00 00",  // sequence
                                "08 00 00 00 00 00 00 00",  // object
                                "07 00 00 00 00 00 00 00",  // replaced
                                "09 00 00 00",              // collection
                                "08 00",                    // name_bytes
                                "00 00",                    // zeros
                                "6e 65 77 20 6e 61 6d 65",  // "new name"
                            })},
      {record_type::attributes, join({hex({
                                          "0d 00 00 00",              // type, flags, zeros
                                          "2b 00 00 00",              // bytes of the body
                                          "6a 00 00 00 00 00 00 00",  // sequence
                                          "08 00 00 00 00 00 00 00",  // object
                                      }),
                                      golden_attributes(), golden_link_and_user(), hex({"00 00 00 00 00"})})},
  };
}

std::vector<golden_record> golden_store_records() {
  return {
      {record_type::zone_role, hex({
                                   "0a 00 00 00",              // type, flags, zeros
                                   "18 00 00 00",              // bytes of the body
                                   "6b 00 00 00 00 00 00 00",  // sequence
                                   "00 00",                    // device
                                   "03",                       // role metadata
                                   "01",                       // class metadata
                                   "06 00 00 00",              // zone
                                   "03 00 00 00 00 00 00 00",  // generation
                                   "02 00 00 00 00 00 00 00",  // ordinal
                               })},
      {record_type::zone_free, hex({
                                   "0b 00 00 00",              // type, flags, zeros
                                   "10 00 00 00",              // bytes of the body
                                   "6c 00 00 00 00 00 00 00",  // sequence
                                   "00 00",                    // device
                                   "00 00",                    // zeros
                                   "0b 00 00 00",              // zone
                                   "04 00 00 00 00 00 00 00",  // generation
                               })},
      {record_type::batch_begin, hex({
                                     "0e 00 00 00",              // type, flags, zeros
                                     "08 00 00 00",              // bytes of the body
                                     "6d 00 00 00 00 00 00 00",  // sequence
                                     "03 00 00 00",              // records
                                     "00 00 00 00",              // zeros
                                 })},
      {record_type::batch_end, hex({
                                   "0f 00 00 00",              // type, flags, zeros
                                   "00 00 00 00",              // bytes of the body
                                   "6e 00 00 00 00 00 00 00",  // sequence
                               })},
      {record_type::collection, hex({
                                    "10 00 00 00",              // type, flags, zeros
                                    "1e 00 00 00",              // bytes of the body
                                    "6f 00 00 00 00 00 00 00",  // sequence
                                    "09 00 00 00",              // collection
                                    "02",                       // action quota
                                    "00",                       // zero
                                    "06 00",                    // name_bytes
                                    "00 00 00 40 00 00 00 00",  // quota
                                    "04 00 00 00 00 00 00 00",  // created
                                    "74 65 6e 61 6e 74",        // "tenant"
                                    "00 00",                    // zeros
                                })},
      {record_type::drop, hex({
                              "11 00 00 00",              // type, flags, zeros
                              "24 00 00 00",              // bytes of the body
                              "70 00 00 00 00 00 00 00",  // sequence
                              "06 00 00 00 00 00 00 00",  // object
                              "01 00 00 00",              // extent_count
                              "01",                       // ends object
                              "00 00 00",                 // zeros
                              "07 00 00 00 00 00 00 00",  // extent 0: object_block
                              "02 00 05 00 00 00 00 00",  //   address
                              "08 00 00 00",              //   blocks
                              "00 00 00 00",              // zeros
                          })},
  };
}

std::vector<golden_record> golden_edit_records() {
  return {
      {record_type::punch, hex({
                               "06 00 00 00",              // type, flags, zeros
                               "4d 00 00 00",              // bytes of the body
                               "71 00 00 00 00 00 00 00",  // sequence
                               "05 00 00 00 00 00 00 00",  // object
                               "01 20 00 00 00 00 00 00",  // object bytes
                               "06 00 00 00 00 00 00 00",  // modified
                               "02 00 00 00 00 00 00 00",  // first_block
                               "00 00 00 00 00 00 01 00",  // end_block
                               "05 00 00 00",              // tail epoch
                               "01 00 00 00",              // extent_count
                               "01 00",                    // tail_bytes
                               "00",                       // more
                               "00 00 00 00 00",           // zeros
                               "02 00 00 00 00 00 00 00",  // extent 0: object_block
                               "01 00 04 00 00 00 00 00",  //   address
                               "01 00 00 00",              //   blocks
                               "65",                       // tail "e"
                               "00 00 00",                 // zeros
                           })},
      {record_type::clone, hex({
                               "08 00 00 00",              // type, flags, zeros
                               "68 00 00 00",              // bytes of the body
                               "72 00 00 00 00 00 00 00",  // sequence
                               "08 00 00 00 00 00 00 00",  // object
                               "05 00 00 00 00 00 00 00",  // source
                               "00 c0 00 00 00 00 00 00",  // object bytes
                               "07 00 00 00 00 00 00 00",  // modified
                               "0a 00 00 00 00 00 00 00",  // first_block
                               "00 00 00 00 00 00 00 00",  // source_block
                               "02 00 00 00 00 00 00 00",  // blocks
                               "06 00 00 00",              // tail epoch
                               "01 00 00 00",              // extent_count
                               "01 00 00 00",              // dropped_count
                               "00 00",                    // tail_bytes
                               "00 00",                    // zeros
                               "0a 00 00 00 00 00 00 00",  // extent 0: object_block
                               "01 00 03 00 00 00 00 00",  //   address
                               "02 00 00 00",              //   blocks
                               "07 00 02 00 00 00 00 00",  // dropped run: address
                               "01 00 00 00",              //   blocks
                           })},
  };
}

std::vector<golden_record> golden_move_records() {
  return {
      {record_type::move, hex({
                              "09 00 00 00",              // type, flags, zeros
                              "7c 00 00 00",              // bytes of the body
                              "73 00 00 00 00 00 00 00",  // sequence
                              "07",                       // class cleaner
                              "00 00 00",                 // zeros
                              "02 00 00 00",              // run_count
                              "03 00 00 00",              // name_count
                              "03 00 00 00",              // sum_count
                              "01 00 03 00 00 00 00 00",  // run 0: from
                              "09 00 06 00 00 00 00 00",  //   to
                              "02 00 00 00",              //   blocks
                              "02 00 00 00",              //   names
                              "04 00 03 00 00 00 00 00",  // run 1: from
                              "0b 00 06 00 00 00 00 00",  //   to
                              "01 00 00 00",              //   blocks
                              "01 00 00 00",              //   names
                              "05 00 00 00 00 00 00 00",  // name 0 of run 0: object
                              "00 00 00 00 00 00 00 00",  //   object_block
                              "08 00 00 00 00 00 00 00",  // name 1
                              "0a 00 00 00 00 00 00 00",  //
                              "07 00 00 00 00 00 00 00",  // name 0 of run 1
                              "03 00 00 00 00 00 00 00",  //
                              "01 00 aa aa",              // sums
                              "02 00 aa aa",              //
                              "04 00 aa aa",              //
                              "00 00 00 00",              // zeros
                          })},
  };
}

/// The bytes of sample_records(), in their order.
std::vector<golden_record> golden_records() {
  std::vector<golden_record> all = golden_data_records();
  for (const auto& more :
       {golden_object_records(), golden_store_records(), golden_edit_records(), golden_move_records()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

TEST_CASE("records: golden bytes of each type") {
  const auto golden = golden_records();
  const auto samples = sample_records();
  REQUIRE(golden.size() == samples.size());
  REQUIRE(golden.size() == std::variant_size_v<record_body>);
  for (std::size_t i = 0; i < golden.size(); ++i) {
    CAPTURE(i);
    CHECK(type_of(samples[i].body) == golden[i].type);
    CHECK(samples[i].body.index() == i);  // one of each alternative
    CHECK(to_hex(encoded(samples[i])) == to_hex(golden[i].raw));
    CHECK(decode_only(golden[i].raw) == samples[i]);
  }
}

TEST_CASE("records: one behind another, as a group holds them") {
  bytes raw;
  for (const record& r : sample_records()) {
    encode(r, raw);
    CHECK(raw.size() % 8 == 0);
  }
  reader from{raw};
  std::vector<record> decoded;
  while (from.left() > 0) {
    auto next = decode_record(from);
    REQUIRE(next.has_value());
    REQUIRE(next->has_value());
    decoded.push_back(**next);
  }
  CHECK(decoded == sample_records());
}

TEST_CASE("records: every truncation is refused") {
  for (const golden_record& golden : golden_records()) {
    for (std::size_t length = 0; length < golden.raw.size(); ++length) {
      const bytes cut = exact(std::span{golden.raw}.first(length));
      reader from{cut};
      REQUIRE(decode_record(from).has_error());
    }
  }
}

TEST_CASE("records: a body that is longer or shorter than its fields is refused") {
  for (const golden_record& golden : golden_records()) {
    const std::uint32_t body_bytes = load_le<std::uint32_t>(golden.raw.data() + 4);
    for (std::uint32_t claimed = 0; claimed < body_bytes + 24; ++claimed) {
      bytes raw = golden.raw;
      raw.resize(16 + (claimed + 7) / 8 * 8);
      std::fill(raw.begin() + 16 + std::min(claimed, body_bytes), raw.end(), std::byte{0});
      store_le(raw.data() + 4, claimed);
      CAPTURE(static_cast<int>(golden.type));
      CAPTURE(claimed);
      REQUIRE(decode_only(raw).has_value() == (claimed == body_bytes));
    }
  }
}

/// What decoding the golden record of `type` says after bytes were put at a place.
struct verdict {
  bool valid = false;
  bool skipped = false;
};
verdict after(record_type type, std::size_t at, std::initializer_list<std::string_view> spoiled) {
  for (golden_record& golden : golden_records()) {
    if (golden.type == type) {
      const bytes with = hex(spoiled);
      std::copy(with.begin(), with.end(), golden.raw.begin() + static_cast<std::ptrdiff_t>(at));
      reader from{golden.raw};
      const auto decoded = decode_record(from);
      return {decoded.has_value() && decoded->has_value(), decoded.has_value() && !decoded->has_value()};
    }
  }
  FAIL("no golden record of the type");
  return {};
}

TEST_CASE("records: types and flags") {
  for (unsigned type = 0; type < 256; ++type) {
    const bool known =
        (type >= 1 && type <= 6) || (type >= 8 && type <= 10) || type == 11 || (type >= 13 && type <= 17);
    for (unsigned flags = 0; flags < 256; ++flags) {
      bytes raw(16);
      raw[0] = static_cast<std::byte>(type);
      raw[1] = static_cast<std::byte>(flags);
      reader from{raw};
      const auto decoded = decode_record(from);
      CAPTURE(type);
      CAPTURE(flags);
      const bool skipped = decoded.has_value() && !decoded->has_value();
      const bool valid = decoded.has_value() && decoded->has_value();
      REQUIRE(skipped == (!known && type != 0 && flags == 1));
      REQUIRE(valid == (type == 15 && flags == 0));  // the only one with an empty body
      if (decoded.has_error()) {
        REQUIRE(decoded.error().type == static_cast<record_type>(type));
        REQUIRE(std::string_view{decoded.error().why} != "");
      }
    }
  }
}

TEST_CASE("records: a skipped one leaves the reader at the next") {
  bytes raw(16 + 8);
  raw[0] = std::byte{200};
  raw[1] = std::byte{record_flag_skippable};
  raw[4] = std::byte{3};
  encode(record{7, remove_record{9}}, raw);
  reader from{raw};
  const auto skipped = decode_record(from);
  REQUIRE(skipped.has_value());
  CHECK_FALSE(skipped->has_value());
  const auto next = decode_record(from);
  REQUIRE(next.has_value());
  CHECK(**next == record{7, remove_record{9}});
}

TEST_CASE("records: padding, enums and limits, field by field") {
  using enum record_type;
  CHECK(after(publish, 0, {}).valid);
  CHECK_FALSE(after(publish, 2, {"01"}).valid);                        // zeros of the header
  CHECK_FALSE(after(publish, 143, {"01"}).valid);                      // zeros behind the body
  CHECK_FALSE(after(publish, 16, {"00"}).valid);                       // object 0
  CHECK_FALSE(after(publish, 24, {"01 00 00 00 00 00 00 10"}).valid);  // longer than an object can be
  CHECK_FALSE(after(publish, 52, {"00"}).valid);                       // class
  CHECK_FALSE(after(publish, 52, {"10"}).valid);                       //
  CHECK_FALSE(after(publish, 53, {"01"}).valid);                       // zero
  CHECK_FALSE(after(publish, 54, {"00 10"}).valid);                    // a tail of a whole block
  CHECK_FALSE(after(publish, 56, {"ff ff ff ff"}).valid);              // counts without their elements
  CHECK_FALSE(after(publish, 60, {"ff ff ff ff"}).valid);              //
  CHECK_FALSE(after(publish, 64, {"ff ff ff ff"}).valid);              //
  CHECK_FALSE(after(publish, 68, {"01"}).valid);                       // zeros
  CHECK_FALSE(after(publish, 72, {"01"}).valid);                       // extents overlap
  CHECK_FALSE(after(publish, 72, {"03"}).valid);                       // and descend
  CHECK_FALSE(after(publish, 88, {"01"}).valid);                       // more sums than blocks
  CHECK_FALSE(after(publish, 88, {"03"}).valid);                       // fewer, and an overlap
  CHECK_FALSE(after(publish, 88, {"00"}).valid);                       // an empty extent
  CHECK_FALSE(after(publish, 80, {"fe ff ff ff ff ff"}).valid);        // an extent off its device
  CHECK(after(publish, 80, {"fd ff ff ff ff ff"}).valid);              // the last place for it
  CHECK(after(publish, 92, {"ff ff ff ff ff ff 00 00"}).valid);        // the last block of an object
  CHECK_FALSE(after(publish, 92, {"00 00 00 00 00 00 01 00"}).valid);  // and one behind
  CHECK_FALSE(after(publish, 132, {"00"}).valid);                      // an empty dropped run
  CHECK_FALSE(after(publish, 132, {"ff ff ff ff"}).valid);             // a dropped run off its device
  CHECK_FALSE(after(tail, 16, {"00"}).valid);                          // object 0
  CHECK(after(tail, 44, {"fc 0f"}).valid);                             // ends with the last byte of a tail
  CHECK_FALSE(after(tail, 44, {"fd 0f"}).valid);                       // and one behind
  CHECK_FALSE(after(tail, 46, {"ff ff"}).valid);                       // more bytes than there are
  CHECK_FALSE(after(create, 16, {"00"}).valid);                        // object 0
  CHECK_FALSE(after(create, 28, {"ff ff"}).valid);                     // more name than there is
  CHECK_FALSE(after(create, 30, {"01"}).valid);                        // zeros
  CHECK_FALSE(after(create, 36, {"ff ff"}).valid);                     // more link than there is
  CHECK_FALSE(after(create, 38, {"ff ff"}).valid);                     // more attributes than there are
  CHECK_FALSE(after(remove, 16, {"00"}).valid);                        // object 0
  CHECK_FALSE(after(rename, 16, {"00"}).valid);                        // object 0
  CHECK_FALSE(after(rename, 16, {"07"}).valid);                        // an object that replaces itself
  CHECK_FALSE(after(attributes, 16, {"00"}).valid);                    // object 0
  CHECK_FALSE(after(zone_role, 18, {"00"}).valid);                     // role
  CHECK_FALSE(after(zone_role, 18, {"05"}).valid);                     //
  CHECK_FALSE(after(zone_role, 18, {"04"}).valid);                     // data, with an ordinal
  CHECK_FALSE(after(zone_role, 19, {"00"}).valid);                     // class
  CHECK_FALSE(after(zone_free, 18, {"01"}).valid);                     // zeros
  CHECK_FALSE(after(batch_begin, 16, {"00"}).valid);                   // no records
  CHECK_FALSE(after(batch_begin, 20, {"01"}).valid);                   // zeros
  CHECK_FALSE(after(collection, 20, {"00"}).valid);                    // action
  CHECK_FALSE(after(collection, 20, {"04"}).valid);                    //
  CHECK_FALSE(after(collection, 21, {"01"}).valid);                    // zero
  CHECK_FALSE(after(drop, 16, {"00"}).valid);                          // object 0
  CHECK(after(drop, 28, {"00"}).valid);                                // ends nothing
  CHECK(after(drop, 28, {"02"}).valid);                                // ends a range
  CHECK_FALSE(after(drop, 28, {"03"}).valid);                          // no such end
  CHECK_FALSE(after(drop, 29, {"01"}).valid);                          // zeros
  CHECK_FALSE(after(drop, 48, {"00"}).valid);                          // an empty extent
}

TEST_CASE("records: holes, field by field") {
  using enum record_type;
  CHECK(after(punch, 0, {}).valid);
  CHECK_FALSE(after(punch, 16, {"00"}).valid);                       // object 0
  CHECK(after(punch, 24, {"00 00 00 00 00 00 00 10"}).valid);        // as long as an object can be
  CHECK_FALSE(after(punch, 24, {"01 00 00 00 00 00 00 10"}).valid);  // and longer
  CHECK(after(punch, 48, {"03 00 00 00 00 00 00 00"}).valid);        // a range of one block
  CHECK_FALSE(after(punch, 48, {"02 00 00 00 00 00 00 00"}).valid);  // an empty one
  CHECK_FALSE(after(punch, 48, {"01 00 00 00 00 00 00 00"}).valid);  // one that ends before it begins
  CHECK_FALSE(after(punch, 48, {"01 00 00 00 00 00 01 00"}).valid);  // one behind the last block of an object
  CHECK(after(punch, 40, {"00"}).valid);                             // extents begin behind the range's begin
  CHECK_FALSE(after(punch, 40, {"03"}).valid);                       // an extent before the range
  CHECK_FALSE(after(punch, 72, {"01"}).valid);                       //
  CHECK(after(punch, 72, {"ff ff ff ff ff ff"}).valid);              // its last block
  CHECK_FALSE(after(punch, 88, {"00"}).valid);                       // an empty extent
  CHECK_FALSE(after(punch, 60, {"ff ff ff ff"}).valid);              // counts without their elements
  CHECK_FALSE(after(punch, 64, {"00 10"}).valid);                    //
  CHECK_FALSE(after(punch, 66, {"01"}).valid);                       // both gone and doomed
  CHECK_FALSE(after(punch, 66, {"02"}).valid);                       // neither yes nor no
  for (std::size_t at = 67; at < 72; ++at) {
    CHECK_FALSE(after(punch, at, {"01"}).valid);  // zeros
  }
  CHECK_FALSE(after(punch, 93, {"01"}).valid);  // zeros behind the body

  punch_record r;
  r.object = 1;
  r.end_block = 8;
  r.more = true;
  bytes raw = encoded({1, r});
  CHECK(decode_only(raw) == record{1, r});
  CHECK(to_hex(std::span{raw}.subspan(66, 1)) == "01");
  raw[66] = std::byte{2};
  CHECK_FALSE(decode_only(raw));
  for (const unsigned more : {0u, 1u}) {
    raw[66] = static_cast<std::byte>(more);
    raw[48] = std::byte{1};
    CHECK(decode_only(raw));
    raw[48] = std::byte{0};  // an empty range, of which nothing is listed
    CHECK_FALSE(decode_only(raw));
  }
  r.more = false;
  r.end_block = 9;
  r.extents = {{7, {zoned::device_address{0, 1}, 2}}};
  raw = encoded({1, r});
  CHECK(decode_only(raw) == record{1, r});
  raw[48] = std::byte{8};  // an extent that begins in the range and ends behind it
  CHECK_FALSE(decode_only(raw));
  r.extents.clear();
  r.tail = bytes(tail_bytes_max);
  raw = encoded({1, r});
  CHECK(decode_only(raw) == record{1, r});
  raw.resize(16 + 56 + 4096);  // a whole block of tail
  store_le<std::uint32_t>(raw.data() + 4, 56 + 4096);
  store_le<std::uint16_t>(raw.data() + 64, 4096);
  CHECK_FALSE(decode_only(raw));
}

TEST_CASE("records: clones, field by field") {
  using enum record_type;
  CHECK(after(clone, 0, {}).valid);
  CHECK_FALSE(after(clone, 16, {"00"}).valid);                       // object 0
  CHECK_FALSE(after(clone, 24, {"00"}).valid);                       // source 0
  CHECK_FALSE(after(clone, 32, {"01 00 00 00 00 00 00 10"}).valid);  // longer than an object can be
  CHECK(after(clone, 56, {"fe ff ff ff ff ff 00 00"}).valid);        // the source's last blocks
  CHECK_FALSE(after(clone, 56, {"ff ff ff ff ff ff 00 00"}).valid);  // and one behind
  CHECK_FALSE(after(clone, 56, {"ff ff ff ff ff ff ff ff"}).valid);  //
  CHECK_FALSE(after(clone, 48, {"fe ff ff ff ff ff 00 00"}).valid);  // an extent before the range
  CHECK_FALSE(after(clone, 48, {"ff ff ff ff ff ff ff ff"}).valid);  // a range behind the last block of an object
  CHECK_FALSE(after(clone, 48, {"09"}).valid);                       // an extent that ends behind the range
  CHECK(after(clone, 64, {"03"}).valid);                             // the range ends with a hole
  CHECK_FALSE(after(clone, 64, {"01"}).valid);                       // an extent that ends behind the range
  CHECK_FALSE(after(clone, 64, {"00"}).valid);                       //
  CHECK_FALSE(after(clone, 64, {"01 00 00 00 00 00 01 00"}).valid);  // more blocks than an object can have
  CHECK(after(clone, 24, {"08"}).valid);                             // of the object itself
  CHECK_FALSE(after(clone, 76, {"ff ff ff ff"}).valid);              // counts without their elements
  CHECK_FALSE(after(clone, 80, {"ff ff ff ff"}).valid);              //
  CHECK_FALSE(after(clone, 84, {"01"}).valid);                       //
  CHECK_FALSE(after(clone, 86, {"01"}).valid);                       // zeros
  CHECK_FALSE(after(clone, 87, {"01"}).valid);                       //
  CHECK_FALSE(after(clone, 104, {"00"}).valid);                      // an empty extent
  CHECK_FALSE(after(clone, 116, {"00"}).valid);                      // an empty dropped run
  CHECK_FALSE(after(clone, 116, {"ff ff ff ff"}).valid);             // a dropped run off its device

  // Within one object: [4, 6) to any place.
  for (std::uint64_t first = 0; first < 10; ++first) {
    clone_record r;
    r.object = r.source = 1;
    r.source_block = 4;
    r.blocks = 2;
    r.first_block = 8;
    bytes raw = encoded({1, r});
    raw[48] = static_cast<std::byte>(first);
    CAPTURE(first);
    CHECK(decode_only(raw).has_value() == (first <= 2 || first >= 6));
  }
}

TEST_CASE("records: moves, field by field") {
  using enum record_type;
  CHECK(after(move, 0, {}).valid);
  CHECK_FALSE(after(move, 16, {"00"}).valid);                          // no class
  CHECK_FALSE(after(move, 16, {"10"}).valid);                          // one behind the last
  CHECK_FALSE(after(move, 17, {"01"}).valid);                          // zeros
  CHECK_FALSE(after(move, 20, {"ff ff ff ff"}).valid);                 // counts without their elements
  CHECK_FALSE(after(move, 24, {"ff ff ff ff"}).valid);                 //
  CHECK_FALSE(after(move, 28, {"ff ff ff ff"}).valid);                 //
  CHECK_FALSE(after(move, 24, {"02 00 00 00"}).valid);                 // fewer names than the runs have
  CHECK_FALSE(after(move, 48, {"00"}).valid);                          // an empty run
  CHECK_FALSE(after(move, 48, {"03"}).valid);                          // not one sum a block
  CHECK_FALSE(after(move, 52, {"03"}).valid);                          // more names than there are
  CHECK_FALSE(after(move, 76, {"00"}).valid);                          // a run that nothing names
  CHECK_FALSE(after(move, 80, {"00"}).valid);                          // object 0
  CHECK_FALSE(after(move, 80, {"09"}).valid);                          // names that do not ascend
  CHECK_FALSE(after(move, 96, {"05 00 00 00 00 00 00 00 00"}).valid);  // the same name twice
  CHECK(after(move, 120, {"ff ff ff ff ff ff 00 00"}).valid);          // an object's last block
  CHECK_FALSE(after(move, 120, {"00 00 00 00 00 00 01 00"}).valid);    // and one behind
  CHECK_FALSE(after(move, 32, {"ff ff ff ff ff ff"}).valid);           // blocks off the device
  CHECK_FALSE(after(move, 40, {"ff ff ff ff ff ff"}).valid);           //
}

}  // namespace
}  // namespace furrow::format::test
