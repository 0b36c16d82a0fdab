#include "format/describe.hpp"

#include <doctest/doctest.h>

#include <map>

#include "format/names.hpp"
#include "samples.hpp"

namespace furrow::format::test {
namespace {

TEST_CASE("to_line: numbers, plain text and text that needs quotes") {
  const description d{"what",
                      {{"n", std::uint64_t{18446744073709551615u}},
                       {"t", std::int64_t{-1}},
                       {"plain", std::string{"a-b_c+d.e,f:g/[0,1)>9"}},
                       {"empty", std::string{}},
                       {"blank", std::string{"a b"}},
                       {"equals", std::string{"a=b"}},
                       {"quotes", std::string{"a\"\\b"}},
                       {"binary", std::string{"\0\n\x7f\xff", 4}}}};
  CHECK(to_line(d) ==
        "what n=18446744073709551615 t=-1 plain=a-b_c+d.e,f:g/[0,1)>9 empty=\"\" blank=\"a b\" equals=\"a=b\" "
        "quotes=\"a\\\"\\\\b\" binary=\"\\x00\\x0a\\x7f\\xff\"");
}

TEST_CASE("describe: a publication, in full") {
  CHECK(to_line(describe(sample_records()[0])) ==
        "publish sequence=101 object=5 object_bytes=12291 fence_epoch=2 modified_ns=1700000000000000002 tail_epoch=4 "
        "class=short extents=\"[0,2)>0:196609 [2,3)>0:262145\" sums=\"aaaa0001 aaaa0002 aaaa0003\" "
        "dropped=0:131079+3 tail=656e64");
}

TEST_CASE("describe: a hole, a clone and a step of a removal, in full") {
  const std::vector<record> samples = sample_records();
  CHECK(to_line(describe(samples[11])) == "drop sequence=112 object=6 ends=object extents=[7,15)>0:327682");
  CHECK(to_line(describe(samples[12])) ==
        "punch sequence=113 object=5 object_bytes=8193 modified_ns=6 first_block=2 end_block=281474976710656 "
        "tail_epoch=5 more=0 extents=[2,3)>0:262145 tail=65");
  CHECK(to_line(describe(samples[13])) ==
        "clone sequence=114 object=8 source=5 object_bytes=49152 modified_ns=7 first_block=10 source_block=0 blocks=2 "
        "tail_epoch=6 extents=[10,12)>0:196609 dropped=0:131079+1 tail=\"\"");
}

TEST_CASE("describe: long lists and bytes are cut, and say by how much") {
  publish_record r;
  r.object = 1;
  for (std::uint32_t i = 0; i < 18; ++i) {
    r.dropped.push_back({zoned::device_address{0, i}, 1});
  }
  r.tail = bytes(bytes_shown_max + 3);
  const description d = describe(record{1, r});
  std::map<std::string, field_value> fields{d.fields.begin(), d.fields.end()};
  CHECK(std::get<std::string>(fields["dropped"]).ends_with(" 0:14+1 0:15+1 (+2)"));
  CHECK(std::get<std::string>(fields["tail"]) == std::string(2 * bytes_shown_max, '0') + "(+3)");
}

std::vector<std::string> names_of(const description& d) {
  std::vector<std::string> names = {d.what};
  for (const auto& [name, value] : d.fields) {
    names.push_back(name);
  }
  return names;
}

TEST_CASE("describe: each structure's fields are there whatever their values, and no name stands twice") {
  CHECK(names_of(describe(sample_superblock())) == names_of(describe(superblock{})));
  CHECK(names_of(describe(sample_zone_header())) == names_of(describe(zone_header{})));
  for (const record& r : sample_records()) {
    const record empty{0, [&r] { return std::visit([]<class T>(const T&) { return record_body{T{}}; }, r.body); }()};
    CHECK(names_of(describe(r)) == names_of(describe(empty)));
  }
  for (const description& d : {describe(sample_superblock()), describe(sample_records()[0])}) {
    const std::map<std::string, field_value> fields{d.fields.begin(), d.fields.end()};
    CHECK(fields.size() == d.fields.size());
  }
}

page_identity identity_of(page_kind kind, std::uint8_t level) { return {kind, level, sample_store(), 1, 1, 1}; }

TEST_CASE("describe_cell: what is not of its tree's forms is shown raw") {
  const bytes two = hex({"01 02"});
  const auto line = [&two](page_kind kind, std::uint8_t level, key_view k) {
    return to_line(describe_cell(identity_of(kind, level), k, two));
  };
  CHECK(line(page_kind::object, 0, object_key(1)) == "unknown key=03000000000000000100 value=0102");
  CHECK(line(page_kind::zone, 0, zone_key(0, zoned::zone_index{1})) == "unknown key=01000000000001 value=0102");
  CHECK(line(page_kind::object, 1, "k") == "unknown key=6b value=0102");
  CHECK(line(page_kind::object, 0, orphan_key(1)) == "unknown key=040000000000000001 value=0102");
  CHECK(line(page_kind::zone, 0, shared_key(0, zoned::zone_index{1}, 2)) ==
        "unknown key=0300000000000100000002 value=0102");
  CHECK(line(page_kind::object, 0, tail_key(1, 2)) == "tail object=1 chunk=2 count=2 bytes=0102");
  const auto of_orphan = [](const bytes& value) {
    return to_line(describe_cell(identity_of(page_kind::object, 0), orphan_key(1), value));
  };
  CHECK(of_orphan({}) == "orphan object=1");
  CHECK(of_orphan(encode(doomed_value{3, 7})) == "doomed object=1 first_block=3 end_block=7");
  // A zone's key is none of the object tree, though its bytes begin as a collection's.
  CHECK(line(page_kind::object, 0, zone_key(0, zoned::zone_index{1})).starts_with("unknown "));
}

TEST_CASE("names: every number that decodes has a word of its own") {
  std::map<std::string, unsigned> classes;
  for (unsigned i = 0; i < 256; ++i) {
    const auto cls = static_cast<zone_class>(i);
    CHECK((name_of(cls) != "unknown") == known(cls));
    ++classes[name_of(cls)];
    const auto role = static_cast<zone_role>(i);
    CHECK((name_of(role) != "unknown") == known(role));
    CHECK((name_of(static_cast<record_type>(i)) != "unknown") == (i >= 1 && i <= 17));
    CHECK((name_of(static_cast<drop_end>(i)) != "unknown") == (i <= 2));
  }
  CHECK(classes.size() == zone_class_max + 1u);
  CHECK(name_of(static_cast<zone_class>(zone_class_max)) == "cleaner+8");
}

}  // namespace
}  // namespace furrow::format::test
