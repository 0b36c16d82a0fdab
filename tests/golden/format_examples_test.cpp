// The examples of engine/format/FORMAT_EXAMPLES.md are the golden images and the lines beside them.
//
// Fences of the page
//   ```hexdump NAME   lines "offset  up to eight bytes  words"; every byte of NAME.bin that is not shown is zero
//   ```excerpt NAME   the same for a part of it
//   ```               lines of the texts beside the images
#include <doctest/doctest.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "unit/engine/format/bytes.hpp"

namespace furrow::format::test {
namespace {

struct fence {
  std::string info;
  std::vector<std::string> lines;
};

std::vector<fence> fences_of_page() {
  std::ifstream in{FURROW_FORMAT_EXAMPLES};
  REQUIRE(in.is_open());
  std::vector<fence> fences;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      inside = !inside;
      if (inside) {
        fences.push_back({line.substr(3), {}});
      }
    } else if (inside) {
      fences.back().lines.push_back(line);
    }
  }
  REQUIRE_FALSE(inside);
  return fences;
}

bytes image(const std::string& name) {
  std::ifstream in{std::filesystem::path{FURROW_GOLDEN_FOLDER} / (name + ".bin"), std::ios::binary};
  REQUIRE_MESSAGE(in.is_open(), name);
  const std::string raw{std::istreambuf_iterator<char>{in}, {}};
  return of_text(raw);
}

struct hex_line {
  std::size_t at = 0;
  bytes shown;
};

hex_line parse(const std::string& line) {
  hex_line parsed;
  const auto [end, error] = std::from_chars(line.data(), line.data() + 4, parsed.at, 16);
  REQUIRE(error == std::errc{});
  REQUIRE(end == line.data() + 4);
  REQUIRE(line.substr(4, 2) == "  ");
  parsed.shown = hex({line.substr(6, line.find("  ", 6) - 6)});
  return parsed;
}

TEST_CASE("format examples: the bytes of its examples are those of the images") {
  std::set<std::string> whole;
  for (const fence& f : fences_of_page()) {
    std::istringstream info{f.info};
    std::string kind;
    std::string name;
    info >> kind >> name;
    if (kind != "hexdump" && kind != "excerpt") {
      continue;
    }
    bytes left = image(name);
    for (const std::string& line : f.lines) {
      CAPTURE(name);
      CAPTURE(line);
      const hex_line parsed = parse(line);
      REQUIRE(parsed.at + parsed.shown.size() <= left.size());
      const auto place = left.begin() + static_cast<std::ptrdiff_t>(parsed.at);
      CHECK(std::equal(parsed.shown.begin(), parsed.shown.end(), place));
      std::fill_n(place, parsed.shown.size(), std::byte{0});
    }
    if (kind == "hexdump") {
      CAPTURE(name);
      CHECK(std::ranges::all_of(left, [](std::byte b) { return b == std::byte{0}; }));
      whole.insert(name);
    }
  }
  CHECK(whole == std::set<std::string>{"group_of_one_record", "superblock", "zone_header", "zone_leaf"});
}

TEST_CASE("format examples: the lines of its examples are those beside the images") {
  std::set<std::string> golden;
  for (const auto& entry : std::filesystem::directory_iterator{FURROW_GOLDEN_FOLDER}) {
    if (entry.path().extension() == ".txt") {
      std::ifstream in{entry.path()};
      for (std::string line; std::getline(in, line);) {
        golden.insert(line);
      }
    }
  }
  std::size_t lines = 0;
  for (const fence& f : fences_of_page()) {
    if (f.info.empty()) {
      for (const std::string& line : f.lines) {
        CAPTURE(line);
        CHECK(golden.contains(line));
        ++lines;
      }
    }
  }
  CHECK(lines >= 8);
}

}  // namespace
}  // namespace furrow::format::test
