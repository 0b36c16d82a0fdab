#include "format/keys.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>

#include "random.hpp"

namespace furrow::format::test {
namespace {

std::string key_hex(const key& k) { return to_hex(of_text(k)); }

TEST_CASE("keys: golden bytes") {
  CHECK(key_hex(collection_key(0x0102'0304)) ==
        "01"
        "01020304");
  CHECK(key_hex(name_key(0x0102'0304, "AB")) ==
        "02"
        "01020304"
        "4142");
  CHECK(key_hex(object_key(0x0102'0304'0506'0708)) ==
        "03"
        "0102030405060708"
        "00");
  CHECK(key_hex(tail_key(0x0102'0304'0506'0708, 3)) ==
        "03"
        "0102030405060708"
        "01"
        "03");
  CHECK(key_hex(attributes_key(0x0102'0304'0506'0708, 4)) ==
        "03"
        "0102030405060708"
        "02"
        "04");
  CHECK(key_hex(extent_key(0x0102'0304'0506'0708, 0x1112'1314'1516)) ==
        "03"
        "0102030405060708"
        "03"
        "111213141516");
  CHECK(key_hex(orphan_key(0x0102'0304'0506'0708)) ==
        "04"
        "0102030405060708");
  CHECK(key_hex(zone_key(0x0102, zoned::zone_index{0x0304'0506})) ==
        "01"
        "0102"
        "03040506");
  CHECK(key_hex(run_key(0x0102, zoned::zone_index{0x0304'0506}, 0x0708'090a)) ==
        "02"
        "0102"
        "03040506"
        "0708090a");
  CHECK(key_hex(shared_key(0x0102, zoned::zone_index{0x0304'0506}, 0x0708'090a)) ==
        "03"
        "0102"
        "03040506"
        "0708090a");
}

// Small numbers and those around each byte's end: enough to show any byte or sign that is out of place.
template <class T>
std::vector<T> edges(std::uint64_t max = std::numeric_limits<T>::max()) {
  std::vector<T> out;
  for (std::uint64_t n = 0; n <= 3; ++n) {
    out.push_back(static_cast<T>(n));
  }
  for (unsigned shift = 7; shift < 64; ++shift) {
    const std::uint64_t edge = std::uint64_t{1} << shift;
    for (const std::uint64_t n : {edge - 1, edge, edge + 1}) {
      if (n <= max) {
        out.push_back(static_cast<T>(n));
      }
    }
  }
  out.push_back(static_cast<T>(max));
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

/// For all pairs: the order of the keys is the order of what they mean.
template <class Meaning>
void check_order(std::vector<std::pair<Meaning, key>> all) {
  for (const auto& [a_means, a] : all) {
    for (const auto& [b_means, b] : all) {
      const int by_bytes = std::clamp(to_hex(of_text(a)).compare(to_hex(of_text(b))), -1, 1);
      const int by_compare = std::clamp(a.compare(b), -1, 1);
      const int by_meaning = a_means < b_means ? -1 : b_means < a_means ? 1 : 0;
      REQUIRE(by_bytes == by_meaning);
      REQUIRE(by_compare == by_meaning);
    }
  }
}

TEST_CASE("keys: order of bytes is order of meaning, in the object tree") {
  // (tag, number, part, number within): names are compared after their collection.
  using meaning = std::tuple<int, std::uint64_t, int, std::uint64_t, std::string>;
  std::vector<std::pair<meaning, key>> all;
  const std::vector<std::string> names = {"", std::string(1, '\0'), "A", "A\x01", "AB", "B", "\x7f", "\x80", "\xff"};
  for (const auto n : edges<std::uint32_t>()) {
    if (n < 0x200 || n > 0xffff'fff0) {
      all.push_back({{1, n, 0, 0, ""}, collection_key(n)});
      for (const std::string& name : names) {
        all.push_back({{2, n, 0, 0, name}, name_key(n, name)});
      }
    }
  }
  for (const std::uint64_t object : {0ull, 1ull, 0xffull, 0x100ull, 0x8000'0000'0000'0000ull, ~0ull}) {
    all.push_back({{3, object, 0, 0, ""}, object_key(object)});
    all.push_back({{4, object, 0, 0, ""}, orphan_key(object)});
    for (const std::uint8_t chunk : std::to_array<std::uint8_t>({0, 1, 127, 128, 255})) {
      all.push_back({{3, object, 1, chunk, ""}, tail_key(object, chunk)});
      all.push_back({{3, object, 2, chunk, ""}, attributes_key(object, chunk)});
    }
    for (const auto block : {0ull, 1ull, 0xffull, 0x100ull, 0xffff'ffffull, 0x1'0000'0000ull, 0xffff'ffff'ffffull}) {
      all.push_back({{3, object, 3, block, ""}, extent_key(object, block)});
    }
  }
  check_order(std::move(all));
}

TEST_CASE("keys: order of bytes is order of meaning, for all small and all edge numbers") {
  std::vector<std::pair<std::uint64_t, key>> extents;
  for (const auto n : edges<std::uint64_t>(object_blocks_max - 1)) {
    extents.push_back({n, extent_key(7, n)});
  }
  check_order(std::move(extents));
  std::vector<std::pair<std::uint64_t, key>> objects;
  for (const auto n : edges<std::uint64_t>()) {
    objects.push_back({n, object_key(n)});
  }
  check_order(std::move(objects));
}

TEST_CASE("keys: order of bytes is order of meaning, in the zone tree") {
  using meaning = std::tuple<int, std::uint16_t, std::uint32_t, std::uint32_t>;
  std::vector<std::pair<meaning, key>> all;
  for (const std::uint16_t device : std::to_array<std::uint16_t>({0, 1, 255, 256, 65535})) {
    for (const std::uint32_t zone : {0u, 1u, 255u, 256u, 0x8000'0000u, ~0u}) {
      all.push_back({{1, device, zone, 0}, zone_key(device, zoned::zone_index{zone})});
      for (const std::uint32_t block : {0u, 1u, 255u, 256u, 0x8000'0000u, ~0u}) {
        all.push_back({{2, device, zone, block}, run_key(device, zoned::zone_index{zone}, block)});
        all.push_back({{3, device, zone, block}, shared_key(device, zoned::zone_index{zone}, block)});
      }
    }
  }
  check_order(std::move(all));
}

TEST_CASE("keys: golden bytes of a hint") {
  const key k = hint_key(0x0102, zoned::zone_index{0x0304'0506}, 0x0708'090a, 0x0b0c'0d0e'0f10'1112, 0x1314'1516'1718);
  CHECK(key_hex(k) == "040102030405060708090a0b0c0d0e0f101112131415161718");
  CHECK(k.starts_with(key{hints_from(0x0102, zoned::zone_index{0x0304'0506}, 0x0708'090a)}));
  CHECK(to_hex(encode(hint_value{256})) == to_hex(hex({"00 01 00 00"})));
  CHECK_FALSE(decode_hint(hex({"01 01 00 00"})));  // more than a hint may be of
  CHECK_FALSE(parse_hint_key(k + '\0'));
  for (std::size_t length = 0; length < k.size(); ++length) CHECK_FALSE(parse_hint_key(k.substr(0, length)));
}

TEST_CASE("keys: each parses as what it is and as nothing else") {
  const key object_tree[] = {collection_key(7),    name_key(7, "x"), object_key(7), tail_key(7, 1),
                             attributes_key(7, 1), extent_key(7, 7), orphan_key(7)};
  for (std::size_t i = 0; i < std::size(object_tree); ++i) {
    CAPTURE(i);
    const key& k = object_tree[i];
    CHECK(parse_collection_key(k).has_value() == (i == 0));
    CHECK(parse_name_key(k).has_value() == (i == 1));
    CHECK(parse_object_key(k).has_value() == (i == 2));
    CHECK(parse_tail_key(k).has_value() == (i == 3));
    CHECK(parse_attributes_key(k).has_value() == (i == 4));
    CHECK(parse_extent_key(k).has_value() == (i == 5));
    CHECK(parse_orphan_key(k).has_value() == (i == 6));
  }
  const key zone_tree[] = {zone_key(1, zoned::zone_index{2}), run_key(1, zoned::zone_index{2}, 3),
                           shared_key(1, zoned::zone_index{2}, 3), hint_key(1, zoned::zone_index{2}, 3, 4, 5)};
  for (std::size_t i = 0; i < std::size(zone_tree); ++i) {
    CAPTURE(i);
    CHECK(parse_zone_key(zone_tree[i]).has_value() == (i == 0));
    CHECK(parse_run_key(zone_tree[i]).has_value() == (i == 1));
    CHECK(parse_shared_key(zone_tree[i]).has_value() == (i == 2));
    CHECK(parse_hint_key(zone_tree[i]).has_value() == (i == 3));
  }
}

TEST_CASE("keys: what was built parses back") {
  random_source random;
  CAPTURE(random.seed());
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t number = random.hostile_number();
    const auto number32 = static_cast<std::uint32_t>(random.hostile_number());
    const auto device = static_cast<std::uint16_t>(random.any());
    CHECK(parse_collection_key(collection_key(number32)) == number32);
    CHECK(parse_object_key(object_key(number)) == number);
    CHECK(parse_orphan_key(orphan_key(number)) == number);
    const auto extent = parse_extent_key(extent_key(number, number % object_blocks_max));
    REQUIRE(extent);
    CHECK(extent->object == number);
    CHECK(extent->block == number % object_blocks_max);
    const std::string name = random.text(random.between(1, name_bytes_max));
    const key k = name_key(number32, name);
    const auto parts = parse_name_key(k);
    REQUIRE(parts);
    CHECK(parts->collection == number32);
    CHECK(parts->name == name);
    const auto zone = parse_zone_key_parts(zone_key(device, zoned::zone_index{number32}));
    REQUIRE(zone);
    CHECK(zone->device == device);
    CHECK(zone->zone.value == number32);
    const auto run = parse_run_key(run_key(device, zoned::zone_index{number32}, number32 ^ 5));
    REQUIRE(run);
    CHECK(run->device == device);
    CHECK(run->zone.value == number32);
    CHECK(run->block == (number32 ^ 5));
    const auto shared = parse_shared_key(shared_key(device, zoned::zone_index{number32}, number32 ^ 5));
    REQUIRE(shared);
    CHECK(shared->device == device);
    CHECK(shared->zone.value == number32);
    CHECK(shared->block == (number32 ^ 5));
    const short_key hint =
        hint_key(device, zoned::zone_index{number32}, number32 ^ 5, number, number % object_blocks_max);
    CHECK(key_view{hint} >= key_view{hints_from(device, zoned::zone_index{number32}, number32 ^ 5)});
    const auto named = parse_hint_key(hint);
    REQUIRE(named);
    CHECK(named->device == device);
    CHECK(named->zone.value == number32);
    CHECK(named->block == (number32 ^ 5));
    CHECK(named->object == number);
    CHECK(named->object_block == number % object_blocks_max);
  }
}

TEST_CASE("keys: one byte less or more is not the key") {
  const auto parses = [](key_view k) {
    return parse_collection_key(k) || parse_object_key(k) || parse_tail_key(k) || parse_attributes_key(k) ||
           parse_extent_key(k) || parse_orphan_key(k) || parse_zone_key(k) || parse_run_key(k);
  };
  // An object tree's key may parse as one of the zone tree; these are long enough not to.
  const key keys[] = {object_key(7), tail_key(7, 1), attributes_key(7, 1), extent_key(7, 7), orphan_key(7)};
  for (const key& k : keys) {
    CHECK(parses(k));
    CHECK_FALSE(parses(k + '\0'));
    for (std::size_t length = 0; length < k.size(); ++length) {
      CHECK_FALSE(parses(k.substr(0, length)));
    }
  }
  const key shared = shared_key(1, zoned::zone_index{2}, 3);
  CHECK_FALSE(parse_shared_key(shared + '\0'));
  for (std::size_t length = 0; length < shared.size(); ++length) {
    CHECK_FALSE(parse_shared_key(shared.substr(0, length)));
  }
  CHECK_FALSE(parse_name_key(name_key(7, "")));
  CHECK_FALSE(parse_name_key(key("\x02\0\0\0\0", 5) + std::string(name_bytes_max + 1, 'x')));
  CHECK_FALSE(parse_tail_key(tail_key(7, 4)));  // four chunks hold any tail
  CHECK_FALSE(parse_attributes_key(attributes_key(7, 6)));
}

TEST_CASE("after_prefix: the least key above all with the prefix, by exhaustion") {
  // All strings of up to 3 letters of a small alphabet that has both ends of a byte.
  const std::string alphabet{"\0\x01\xfe\xff", 4};
  std::vector<key> all = {""};
  for (std::size_t i = 0; i < all.size() && all[i].size() < 3; ++i) {
    for (const char c : alphabet) {
      all.push_back(all[i] + c);
    }
  }
  for (const key& prefix : all) {
    const key after = after_prefix(prefix);
    for (const key& k : all) {
      const bool behind_all = k > prefix && k.substr(0, prefix.size()) != prefix;
      REQUIRE((!after.empty() && k >= after) == behind_all);
    }
  }
}

TEST_CASE("values: golden bytes") {
  collection_value collection;
  collection.name = "AB";
  collection.quota_bytes = 0x0102;
  collection.used_blocks = 0x0304;
  collection.created_ns = -2;
  CHECK(to_hex(encode(collection)) == to_hex(hex({"02 01 00 00 00 00 00 00",  // quota
                                                  "04 03 00 00 00 00 00 00",  // used
                                                  "fe ff ff ff ff ff ff ff",  // created
                                                  "02 00",                    // name_bytes
                                                  "41 42"})));                // name
  object_value object;
  object.collection = 1;
  object.bytes = 3;
  object.tail_epoch = 9;
  object.fence_epoch = 4;
  object.extent_count = 5;
  object.blocks = 6;
  object.mode = 2;
  object.created_ns = 7;
  object.modified_ns = 8;
  object.attribute_bytes = 0x0102;
  object.cls = zone_class::long_lived;
  object.name = "AB";
  CHECK(to_hex(encode(object)) == to_hex(hex({"01 00 00 00",              // collection
                                              "02 00 00 00",              // mode
                                              "03 00 00 00 00 00 00 00",  // bytes
                                              "04 00 00 00 00 00 00 00",  // fence epoch
                                              "05 00 00 00 00 00 00 00",  // extent count
                                              "06 00 00 00 00 00 00 00",  // blocks
                                              "07 00 00 00 00 00 00 00",  // created
                                              "08 00 00 00 00 00 00 00",  // modified
                                              "09 00 00 00",              // tail epoch
                                              "02 01",                    // attribute_bytes
                                              "02 00",                    // name_bytes
                                              "05",                       // class
                                              "00 00 00 00 00 00 00",     // zeros
                                              "41 42"})));                // name
  extent_value extent;
  extent.address = zoned::device_address{0x0102, 0x0304'0506'0708};
  extent.blocks = 0x0a0b;
  extent.logical_blocks = 0x0a0b;
  extent.shared = true;
  extent.cls = zone_class::unhinted;
  CHECK(to_hex(encode(extent)) == to_hex(hex({"08 07 06 05 04 03 02 01",  // address: block, device
                                              "0b 0a 00 00",              // blocks
                                              "0b 0a 00 00",              // logical blocks
                                              "01",                       // kind data
                                              "01",                       // shared
                                              "02",                       // class
                                              "00"})));                   // zero
  zone_value zone{zone_role::metadata, zone_class::metadata, zone_flag_bad | zone_flag_retired, 2, 3, 4, 5, 6};
  CHECK(to_hex(encode(zone)) == to_hex(hex({"03",                           // role
                                            "01",                           // class
                                            "03",                           // flags
                                            "00",                           // zero
                                            "05 00 00 00",                  // live blocks
                                            "02 00 00 00 00 00 00 00",      // generation
                                            "03 00 00 00 00 00 00 00",      // fill sequence
                                            "04 00 00 00 00 00 00 00",      // write sequence
                                            "06 00 00 00 00 00 00 00"})));  // ordinal
  CHECK(to_hex(encode(run_value{7, 0x0102'0304'0506, {0xaabb'ccdd, 1}})) ==
        to_hex(hex({"07 00 00 00 00 00 00 00",  // object
                    "06 05 04 03 02 01",        // object_block
                    "02 00",                    // count
                    "dd cc bb aa",              // sums
                    "01 00 00 00"})));
  CHECK(to_hex(encode(doomed_value{0x0102'0304'0506, 0x0102'0304'0507})) ==
        to_hex(hex({"06 05 04 03 02 01 00 00",                                                    // first_block
                    "07 05 04 03 02 01 00 00"})));                                                // end_block
  CHECK(to_hex(encode(shared_value{0x0102'0304, 0x0506'0708})) == to_hex(hex({"04 03 02 01",      // blocks
                                                                              "08 07 06 05"})));  // references
}

TEST_CASE("values: the forms without allocation give the same bytes and see the same") {
  const run_value run{7, 9, {1, 2, 3}};
  bytes into(run_value_bytes(3));
  encode_run(run.object, run.object_block, run.blocks(), run.sums, into);
  CHECK(into == encode(run));
  const auto view = run_view::of(into);
  REQUIRE(view);
  CHECK(view->object() == 7);
  CHECK(view->object_block() == 9);
  REQUIRE(view->blocks() == 3);
  CHECK(view->sum(2) == 3);
}

TEST_CASE("values: a run without sums says so, and takes none for its blocks") {
  const run_value run{7, 9, {}, 256};
  const bytes into = encode(run);
  CHECK(to_hex(into) == to_hex(hex({"07 00 00 00 00 00 00 00",  // object
                                    "09 00 00 00 00 00",        // object_block
                                    "00 81"})));                // count, and that there are no sums
  CHECK(decode_run(into) == run);
  const auto view = run_view::of(into);
  REQUIRE(view);
  CHECK(view->blocks() == 256);
  CHECK_FALSE(view->has_sums());
  bytes wrong = into;
  wrong.resize(into.size() + 4 * 256);
  CHECK_FALSE(run_view::of(wrong));  // with sums all the same
  wrong = into;
  wrong[15] = std::byte{0x01};
  CHECK_FALSE(run_view::of(wrong));  // sums are missing
  wrong[14] = std::byte{0x01};
  wrong[15] = std::byte{0x81};
  CHECK_FALSE(run_view::of(wrong));  // more blocks than a run has
  wrong[14] = std::byte{0};
  wrong[15] = std::byte{0x80};
  CHECK_FALSE(run_view::of(wrong));  // none
}

TEST_CASE("values: the longest of each fit a cell with their keys") {
  const std::string name(name_bytes_max, 'x');
  object_value object;
  object.name = name;
  collection_value collection;
  collection.name = name;
  const run_value run{1, 0, std::vector<std::uint32_t>(run_blocks_max)};
  CHECK(object_key(1).size() + encode(object).size() <= cell_bytes_max);
  CHECK(collection_key(1).size() + encode(collection).size() <= cell_bytes_max);
  CHECK(name_key(1, name).size() + 8 <= cell_bytes_max);
  CHECK(run_key(0, {}, 0).size() + encode(run).size() <= cell_bytes_max);
  CHECK(tail_key(1, 0).size() + chunk_bytes <= cell_bytes_max);
}

// Decoding each value of `at` (one byte) in `good` must succeed exactly for `legal`.
template <class Decode, class Legal>
void check_byte(const bytes& good, std::size_t at, Decode decode, Legal legal) {
  for (unsigned value = 0; value < 256; ++value) {
    bytes changed = good;
    changed[at] = static_cast<std::byte>(value);
    CAPTURE(at);
    CAPTURE(value);
    REQUIRE(decode(value_view{changed}).has_value() == legal(value));
  }
}

TEST_CASE("values: enums, flags and padding decode iff legal") {
  const auto is_zero = [](unsigned v) { return v == 0; };
  const auto is_class = [](unsigned v) { return v >= 1 && v <= zone_class_max; };
  const bytes object = encode(object_value{});
  check_byte(object, 64, decode_object, is_class);
  for (std::size_t at = 65; at < 72; ++at) {
    check_byte(object, at, decode_object, is_zero);
  }
  check_byte(object, 62, decode_object, is_zero);  // name_bytes without a name
  check_byte(object, 61, decode_object, [](unsigned v) { return std::size_t{v} * 256 <= attribute_blob_bytes_max; });

  extent_value data;
  data.blocks = data.logical_blocks = 1;
  const bytes extent = encode(data);
  check_byte(extent, 8, decode_extent, [](unsigned v) { return v == 1; });   // blocks are the logical blocks
  check_byte(extent, 16, decode_extent, [](unsigned v) { return v == 1; });  // other kinds store no blocks
  check_byte(extent, 17, decode_extent, [](unsigned v) { return v <= 1; });
  check_byte(extent, 18, decode_extent, is_class);
  check_byte(extent, 19, decode_extent, is_zero);

  extent_value promised;
  promised.kind = extent_kind::unwritten;
  promised.logical_blocks = 1;
  check_byte(encode(promised), 16, decode_extent, [](unsigned v) { return v == 2 || v == 3; });
  check_byte(encode(promised), 0, decode_extent, is_zero);
  check_byte(encode(promised), 8, decode_extent, is_zero);

  zone_value metadata;
  metadata.role = zone_role::metadata;
  metadata.ordinal = 1;
  check_byte(encode(metadata), 0, decode_zone, [](unsigned v) { return v == 3; });
  check_byte(encode(zone_value{}), 0, decode_zone, [](unsigned v) { return v >= 1 && v <= 4; });
  check_byte(encode(zone_value{}), 1, decode_zone, is_class);
  check_byte(encode(zone_value{}), 2, decode_zone, [](unsigned v) { return v <= 3; });
  check_byte(encode(zone_value{}), 3, decode_zone, is_zero);

  check_byte(encode(doomed_value{5, 7}), 0, decode_doomed, [](unsigned v) { return v < 7; });
  check_byte(encode(doomed_value{5, 7}), 8, decode_doomed, [](unsigned v) { return v > 5; });
  check_byte(encode(shared_value{1, 2}), 0, decode_shared, [](unsigned v) { return v >= 1; });
  check_byte(encode(shared_value{1, 2}), 4, decode_shared, [](unsigned v) { return v >= 2; });
  check_byte(encode(hint_value{1}), 0, decode_hint, [](unsigned v) { return v >= 1; });
  check_byte(encode(hint_value{1}), 1, decode_hint, [](unsigned v) { return v == 0; });

  check_byte(encode(run_value{1, 0, {1, 2}}), 14, decode_run, [](unsigned v) { return v == 2; });
}

TEST_CASE("values: at their limits and one behind") {
  extent_value extent;
  extent.blocks = extent.logical_blocks = extent_blocks_max;
  bytes raw = encode(extent);
  CHECK(decode_extent(raw) == extent);
  store_le<std::uint32_t>(raw.data() + 8, extent_blocks_max + 1);
  store_le<std::uint32_t>(raw.data() + 12, extent_blocks_max + 1);
  CHECK_FALSE(decode_extent(raw));

  extent.blocks = extent.logical_blocks = 2;
  extent.address = zoned::device_address{3, zoned::device_address::block_max - 2};
  raw = encode(extent);
  CHECK(decode_extent(raw) == extent);
  raw[0] = std::byte{0xfe};  // its second block would have no address
  CHECK_FALSE(decode_extent(raw));

  const run_value longest{1, object_blocks_max - run_blocks_max, std::vector<std::uint32_t>(run_blocks_max)};
  CHECK(decode_run(encode(longest)) == longest);
  raw = encode(longest);
  raw[8] = std::byte{1};
  CHECK_FALSE(decode_run(raw));
  raw = encode(longest);
  raw.resize(raw.size() + 4);
  store_le<std::uint16_t>(raw.data() + 14, run_blocks_max + 1);
  CHECK_FALSE(decode_run(raw));
  CHECK_FALSE(decode_run(bytes(16)));  // no blocks

  const doomed_value all{0, object_blocks_max};
  raw = encode(all);
  CHECK(decode_doomed(raw) == all);
  raw[8] = std::byte{1};
  CHECK_FALSE(decode_doomed(raw));
  const shared_value most{std::numeric_limits<std::uint32_t>::max(), std::numeric_limits<std::uint32_t>::max()};
  CHECK(decode_shared(encode(most)) == most);

  object_value object;
  object.bytes = object_bytes_max;
  object.name = std::string(name_bytes_max, 'x');
  raw = encode(object);
  CHECK(decode_object(raw) == object);
  raw[8] = std::byte{1};
  CHECK_FALSE(decode_object(raw));
  raw = encode(object);
  raw.push_back(std::byte{'x'});
  store_le<std::uint16_t>(raw.data() + 62, name_bytes_max + 1);
  CHECK_FALSE(decode_object(raw));
}

TEST_CASE("values: every truncation, and every byte too many, is refused") {
  object_value object;
  object.name = "name";
  collection_value collection;
  collection.name = "name";
  extent_value extent;
  extent.blocks = extent.logical_blocks = 1;
  const auto check = [](const bytes& good, auto decode) {
    CHECK(decode(value_view{good}).has_value());
    for (std::size_t length = 0; length < good.size(); ++length) {
      const bytes cut = exact(std::span{good}.first(length));
      REQUIRE_FALSE(decode(value_view{cut}).has_value());
    }
    bytes longer = good;
    longer.push_back(std::byte{0});
    REQUIRE_FALSE(decode(value_view{longer}).has_value());
  };
  check(encode(collection), decode_collection);
  check(encode(object), decode_object);
  check(encode(extent), decode_extent);
  check(encode(zone_value{}), decode_zone);
  check(encode(run_value{1, 2, {3, 4, 5}}), decode_run);
  check(encode(doomed_value{1, 2}), decode_doomed);
  check(encode(shared_value{1, 2}), decode_shared);
}

}  // namespace
}  // namespace furrow::format::test
