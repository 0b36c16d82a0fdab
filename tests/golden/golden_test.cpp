// Images of each structure as format version 1 has it, checked in beside the lines that describe them. What a store
// wrote must decode for ever: a change that fails here changes the format, and needs a new version or a feature bit.
//
// FURROW_UPDATE_GOLDEN=1 writes the images and lines anew from today's encoders.
#include <doctest/doctest.h>

#include <set>

#include "format/describe.hpp"
#include "golden/files.hpp"
#include "unit/engine/format/samples.hpp"

namespace furrow::format::test {
namespace {

using golden::file_of, golden::read_file, golden::write_file, golden::updating;

/// What a program that dumps the image prints.
std::string lines_of_superblock(const bytes& image) {
  const auto s = decode_superblock(image);
  REQUIRE(s.has_value());
  CHECK(encoded(*s) == image);
  return to_line(describe(*s)) + "\n";
}

std::string lines_of_zone_header(const bytes& image) {
  const auto h = decode_zone_header(image);
  REQUIRE(h.has_value());
  CHECK(encoded(*h) == image);
  return to_line(describe(*h)) + "\n";
}

std::string lines_of_group(const bytes& image) {
  const auto h = peek_group(image, sample_store());
  REQUIRE(h);
  REQUIRE(verify_group(image));
  std::string lines = to_line(describe(*h)) + "\n";
  reader from{std::span{image}.subspan(group_header_bytes, h->record_bytes)};
  while (from.left() > 0) {
    const auto r = decode_record(from);
    REQUIRE(r.has_value());
    REQUIRE(r->has_value());
    lines += to_line(describe(**r)) + "\n";
  }
  return lines;
}

std::string lines_of_page(const bytes& image) {
  const auto identity = check_page(image, sample_store());
  REQUIRE(identity.has_value());
  const page_view page{std::span<const std::byte, page_bytes>{image.data(), page_bytes}};
  std::string lines = to_line(describe(*identity, page)) + "\n";
  for (std::size_t i = 0; i < page.count(); ++i) {
    lines += to_line(describe_cell(*identity, page.key(i), page.value(i))) + "\n";
  }
  return lines;
}

bytes group_of_samples() { return sample_group(sample_records()); }
bytes group_without_sums() { return sample_group(sample_records_without_sums()); }
bytes group_of_one_removal() { return sample_group({{101, remove_record{6}}}); }
bytes superblock_of_samples() { return encoded(sample_superblock()); }
bytes zone_header_of_samples() { return encoded(sample_zone_header()); }

struct golden_image {
  const char* name;
  bytes (*encode)();
  std::string (*lines_of)(const bytes&);
};

constexpr golden_image images[] = {
    {"superblock", superblock_of_samples, lines_of_superblock},
    {"zone_header", zone_header_of_samples, lines_of_zone_header},
    {"group", group_of_samples, lines_of_group},
    {"group_of_one_record", group_of_one_removal, lines_of_group},
    {"group_without_sums", group_without_sums, lines_of_group},
    {"object_leaf", sample_object_leaf, lines_of_page},
    {"zone_leaf", sample_zone_leaf, lines_of_page},
    {"zone_leaf_without_sums", sample_zone_leaf_without_sums, lines_of_page},
    {"index", sample_index, lines_of_page},
};

TEST_CASE("golden images decode to the lines beside them") {
  for (const golden_image& image : images) {
    CAPTURE(image.name);
    if (updating()) {
      const bytes raw = image.encode();
      write_file(file_of(image.name, ".bin"), {reinterpret_cast<const char*>(raw.data()), raw.size()});
      write_file(file_of(image.name, ".txt"), image.lines_of(raw));
    }
    const bytes raw = of_text(read_file(file_of(image.name, ".bin")));
    CHECK(image.lines_of(raw) == read_file(file_of(image.name, ".txt")));
  }
}

TEST_CASE("golden images are what today's encoders write") {
  for (const golden_image& image : images) {
    CAPTURE(image.name);
    CHECK(to_hex(of_text(read_file(file_of(image.name, ".bin")))) == to_hex(image.encode()));
  }
}

TEST_CASE("the golden folder holds these images, and whole stores, and nothing else") {
  std::set<std::string> expected;
  for (const golden_image& image : images) {
    expected.insert(file_of(image.name, ".bin").filename());
    expected.insert(file_of(image.name, ".txt").filename());
  }
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator{FURROW_GOLDEN_FOLDER}) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("store_")) found.insert(name);  // whole ones: store_images_test
  }
  CHECK(found == expected);
}

}  // namespace
}  // namespace furrow::format::test
