#include "format/page.hpp"

#include <doctest/doctest.h>

#include "random.hpp"
#include "samples.hpp"

namespace furrow::format::test {
namespace {

constexpr std::size_t checksum_at = 48;
constexpr std::size_t cells_begin_at = 72;
constexpr std::size_t cells_bytes_at = 74;

page_view view_of(const bytes& page) {
  return page_view{std::span<const std::byte, page_bytes>{page.data(), page_bytes}};
}

page_identity identity_of(page_kind kind, std::uint8_t level) { return {kind, level, sample_store(), 41, 7, 1000}; }

/// A leaf of two cells: "a" -> "12" and "bc" -> nothing.
bytes small_leaf() {
  bytes page(page_bytes);
  page_editor editor{std::span<std::byte, page_bytes>{page.data(), page_bytes}};
  editor.init();
  CHECK(editor.put("a", of_text("12")));
  CHECK(editor.put("bc", {}));
  seal_page(page, identity_of(page_kind::object, 0));
  return page;
}

TEST_CASE("page: golden bytes") {
  bytes golden = padded(hex({
                            "46 52 47 50",                                      // magic "FRGP"
                            "01",                                               // kind object
                            "00",                                               // level: a leaf
                            "02 00",                                            // count
                            "10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f",  // store
                            "29 00 00 00 00 00 00 00",                          // generation
                            "07 00 00 00 00 00 00 00",                          // epoch
                            "e8 03 00 00 00 00 00 00",                          // sequence
                            "01 00 00 00 00 00 00 00",                          // checksum kind crc32c, zeros
                            "33 6f b5 61 00 00 00 00 00 00 00 00 00 00 00 00",  // crc32c, zeros
                            "f3 0f",                                            // cells_begin
                            "0d 00",                                            // cells_bytes
                            "00 00 00 00 00 00 00 00 00 00",                    // zeros
                            "00 00 00 00 00 00 00 00 00 00",                    //
                            "f9 0f",                                            // slot 0: the cell at 0x0ff9
                            "f3 0f",                                            // slot 1: the cell at 0x0ff3
                        }),
                        0x0ff3);
  const bytes cells = hex({
      "02 00 00 00",  // 0x0ff3: key_bytes, value_bytes
      "62 63",        //   key "bc"
      "01 00 02 00",  // 0x0ff9: key_bytes, value_bytes
      "61",           //   key "a"
      "31 32",        //   value "12"
  });
  golden.insert(golden.end(), cells.begin(), cells.end());
  CHECK(to_hex(small_leaf()) == to_hex(golden));
  const auto identity = check_page(golden, sample_store());
  REQUIRE(identity.has_value());
  CHECK(identity->kind == page_kind::object);
  CHECK(identity->level == 0);
  CHECK(identity->generation == 41);
  CHECK(identity->epoch == 7);
  CHECK(identity->sequence == 1000);
  REQUIRE(view_of(golden).count() == 2);
  CHECK(view_of(golden).key(0) == "a");
  CHECK(to_hex(view_of(golden).value(0)) == "3132");
  CHECK(view_of(golden).key(1) == "bc");
  CHECK(view_of(golden).value(1).empty());
}

TEST_CASE("reference: golden bytes, with and without a second copy, and none") {
  page_ref ref;
  ref.copies = {zoned::device_address{1, 2}, zoned::device_address{3, 4}};
  ref.generation = 5;
  store_le<std::uint32_t>(ref.checksum.value.data(), 0x0a0b'0c0d);
  const auto encode = [](const page_ref& r) {
    bytes out(page_ref::encoded_bytes);
    r.encode(out.data());
    return out;
  };
  const std::string rest =
      "0500000000000000"                   // generation
      "0100000000000000"                   // checksum kind crc32c, zeros
      "0d0c0b0a000000000000000000000000";  // crc32c, zeros
  CHECK(to_hex(encode(ref)) ==
        "0200000000000100"
        "0400000000000300" +
            rest);
  ref.copies[1] = page_ref::no_copy;
  CHECK(to_hex(encode(ref)) ==
        "0200000000000100"
        "ffffffffffffffff" +
            rest);
  page_ref half_empty;
  half_empty.generation = 9;
  CHECK(encode(half_empty) == encode(page_ref{}));

  const auto decode = [](const bytes& raw) {
    reader from{raw};
    const page_ref r = page_ref::decode(from);
    return from.failed() ? std::optional<page_ref>{} : r;
  };
  CHECK(decode(encode(ref)) == ref);
  CHECK(decode(encode(page_ref{})) == page_ref{});
  page_ref twice = ref;
  bytes raw = encode(twice);
  std::copy_n(raw.begin(), 8, raw.begin() + 8);
  CHECK_FALSE(decode(raw));  // both copies at one place
  raw = encode(page_ref{});
  raw[16] = std::byte{1};
  CHECK_FALSE(decode(raw));  // an empty one with a generation
  raw = encode(page_ref{});
  raw[8] = std::byte{0};
  CHECK_FALSE(decode(raw));  // a second copy alone
  raw = encode(ref);
  raw[24] = std::byte{0};
  CHECK_FALSE(decode(raw));  // no kind of checksum
}

TEST_CASE("page: the samples are whole") {
  for (const bytes& page : {sample_object_leaf(), sample_zone_leaf(), sample_index(), small_leaf()}) {
    CHECK(check_page(page, sample_store()).has_value());
    CHECK(check_page(page, counting_uuid(0)).error() == make_error_code(fault::store));
  }
}

TEST_CASE("page: every flipped bit and every truncation is refused") {
  const bytes good = sample_object_leaf();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    bytes bad = good;
    flip(bad, bit);
    const auto checked = check_page(bad, sample_store());
    REQUIRE(checked.has_error());
    REQUIRE(checked.error() == make_error_code(bit < 32 ? fault::magic : fault::checksum));
  }
  for (std::size_t length = 0; length < good.size(); ++length) {
    REQUIRE(check_page(exact(std::span{good}.first(length)), sample_store()).has_error());
  }
}

/// small_leaf() with bytes put at a place, sealed again.
boost::system::error_code after(std::size_t at, std::initializer_list<std::string_view> spoiled,
                                bytes page = small_leaf()) {
  const bytes with = hex(spoiled);
  std::copy(with.begin(), with.end(), page.begin() + static_cast<std::ptrdiff_t>(at));
  seal(page, checksum_at);
  const auto checked = check_page(page, sample_store());
  return checked.has_value() ? boost::system::error_code{} : checked.error();
}

TEST_CASE("page: sealed but against the format") {
  const auto malformed = make_error_code(fault::malformed);
  CHECK_FALSE(after(0, {}).failed());
  CHECK(after(4, {"00"}) == malformed);                  // kinds
  CHECK(after(4, {"03"}) == malformed);                  //
  CHECK(after(5, {"20"}) == malformed);                  // level above the most
  CHECK(after(5, {"01"}) == malformed);                  // an index page without references
  CHECK(after(6, {"03 00"}) == malformed);               // a third slot, in zeros
  CHECK(after(6, {"01 00"}) == malformed);               // a slot too few: its bytes are no zeros, nor is the sum right
  CHECK(after(6, {"ff ff"}) == malformed);               // slots to behind the page
  CHECK(after(76, {"01"}) == malformed);                 // padding
  CHECK(after(95, {"01"}) == malformed);                 //
  CHECK(after(100, {"01"}) == malformed);                // between slots and cells
  CHECK(after(0x0ff2, {"01"}) == malformed);             //
  CHECK(after(cells_begin_at, {"f4 0f"}) == malformed);  // a cell begins before
  CHECK(after(cells_begin_at, {"01 10"}) == malformed);  // behind the page
  CHECK(after(cells_begin_at, {"60 00"}) == malformed);  // among the slots
  CHECK(after(cells_bytes_at, {"0c 00"}) == malformed);  // not the sum
  CHECK(after(96, {"f3 0f f9 0f"}) == malformed);        // keys descend
  CHECK(after(96, {"f9 0f f9 0f"}) == malformed);        // one cell twice
  CHECK(after(96, {"fd 0f"}) == malformed);              // a cell whose lengths would lie behind the page
  CHECK(after(96, {"ff ff"}) == malformed);              // a slot that points behind the page
  CHECK(after(0x0ff3, {"03 00"}) == malformed);          // cells overlap
  CHECK(after(0x0ff9, {"ff ff"}) == malformed);          // a key longer than the page
  CHECK(after(0x0ffd, {"63"}) == malformed);             // "c" before "bc"
  CHECK_FALSE(after(0x0ffd, {"62"}).failed());           // "b" before "bc"
}

TEST_CASE("page: a cell within another's value is refused though the sum is right") {
  const auto valid = [](std::size_t inner_at) {
    bytes page(page_bytes);
    const auto put = [&page](std::size_t at, const bytes& with) {
      std::copy(with.begin(), with.end(), page.begin() + static_cast<std::ptrdiff_t>(at));
    };
    put(6, hex({"02 00"}));                                            // count
    put(cells_begin_at, hex({"e0 0f 1b 00"}));                         // cells_begin, cells_bytes: 22 and 5
    put(page_header_bytes, hex({"e0 0f"}));                            // the cell "a", of 17 bytes of value
    put(0x0fe0, hex({"01 00 11 00 61"}));                              //
    store_le(page.data() + 98, static_cast<std::uint16_t>(inner_at));  // the cell "b", without a value
    put(inner_at, hex({"01 00 00 00 62"}));
    seal_page(page, identity_of(page_kind::object, 0));
    return check_page(page, sample_store()).has_value();
  };
  CHECK(valid(0x0ff6));
  for (const std::size_t inner_at : {0x0fe5u, 0x0fe8u, 0x0ff1u, 0x0ff5u}) {
    CHECK_FALSE(valid(inner_at));
  }
}

TEST_CASE("page: a leaf cell over cell_bytes_max is refused") {
  const auto with_cell = [](std::size_t key_bytes, std::size_t value_bytes) {
    bytes page(page_bytes);
    const std::size_t cell_bytes = 4 + key_bytes + value_bytes;
    const std::size_t cell = page_bytes - cell_bytes;
    store_le<std::uint16_t>(page.data() + 6, 1);
    store_le(page.data() + cells_begin_at, static_cast<std::uint16_t>(cell));
    store_le(page.data() + cells_bytes_at, static_cast<std::uint16_t>(cell_bytes));
    store_le(page.data() + page_header_bytes, static_cast<std::uint16_t>(cell));
    store_le(page.data() + cell, static_cast<std::uint16_t>(key_bytes));
    store_le(page.data() + cell + 2, static_cast<std::uint16_t>(value_bytes));
    seal_page(page, identity_of(page_kind::object, 0));
    return check_page(page, sample_store()).has_value();
  };
  CHECK(with_cell(10, cell_bytes_max - 10));
  CHECK_FALSE(with_cell(10, cell_bytes_max - 9));
}

TEST_CASE("page: an index page begins with the empty key and holds references only") {
  bytes page(page_bytes);
  page_editor editor{std::span<std::byte, page_bytes>{page.data(), page_bytes}};
  std::array<std::byte, page_ref::encoded_bytes> ref{};
  page_ref somewhere;
  somewhere.copies[0] = zoned::device_address{0, 77};
  somewhere.encode(ref.data());
  const auto valid = [&page] {
    seal_page(page, identity_of(page_kind::zone, 2));
    return check_page(page, sample_store()).has_value();
  };
  editor.init();
  CHECK_FALSE(valid());  // no child
  CHECK(editor.put("", ref));
  CHECK(valid());
  CHECK(editor.put("k", ref));
  CHECK(valid());
  CHECK(editor.put("l", std::span{ref}.first(47)));
  CHECK_FALSE(valid());
  page_ref{}.encode(ref.data());
  CHECK(editor.put("l", ref));
  CHECK_FALSE(valid());  // a reference to nothing
  editor.erase(2);
  editor.erase(0);
  CHECK_FALSE(valid());  // the first key is not empty
}

TEST_CASE("page: garbage between cells may stand, and is not read") {
  bytes page = small_leaf();
  page_editor editor{std::span<std::byte, page_bytes>{page.data(), page_bytes}};
  editor.erase(0);
  seal_page(page, identity_of(page_kind::object, 0));
  REQUIRE(check_page(page, sample_store()).has_value());
  CHECK(view_of(page).count() == 1);
  CHECK(view_of(page).key(0) == "bc");
  CHECK(view_of(page).used_bytes() == page_header_bytes + 2 + 6);
}

}  // namespace
}  // namespace furrow::format::test
