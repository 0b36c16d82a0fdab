// Device URIs: what parses, and that each refusal names the thing and the way out.
#include "uri.hpp"

#include <doctest/doctest.h>

#include "emulation.hpp"
#include "furrow/zoned/registry.hpp"

using namespace furrow::zoned;

namespace {

std::string refusal(std::string_view text) {
  const open_result opened = open(text);
  REQUIRE(opened.has_error());
  CHECK(opened.error().code == errc::bad_uri);
  CHECK(opened.error().what.find(text) != std::string::npos);
  return opened.error().what;
}

bool mentions(const std::string& line, std::string_view word) { return line.find(word) != std::string::npos; }

}  // namespace

TEST_CASE("a URI falls apart into scheme, path and parameters") {
  const uri file = parse_uri("file:/a/b.img?size=1G&max_open=3").value();
  CHECK(file.scheme == "file");
  CHECK(file.path == "/a/b.img");
  REQUIRE(file.parameters.size() == 2);
  CHECK(file.parameters[0].name == "size");
  CHECK(file.parameters[0].value == "1G");
  CHECK(file.parameters[1].name == "max_open");
  const uri block = parse_uri("/dev/nvme0n1").value();
  CHECK(block.scheme.empty());
  CHECK(block.path == "/dev/nvme0n1");
  CHECK(block.parameters.empty());
}

TEST_CASE("sizes are read and written with suffixes") {
  struct row {
    std::string_view text;
    std::optional<std::uint64_t> bytes;
  };
  const row rows[] = {{"0", 0},
                      {"1", 1},
                      {"4K", 4096},
                      {"3M", 3 << 20},
                      {"2G", 2ULL << 30},
                      {"1T", 1ULL << 40},
                      {"16777215T", 16777215ULL << 40},
                      {"16777216T", {}},
                      {"", {}},
                      {"K", {}},
                      {"1k", {}},
                      {"1KB", {}},
                      {"-1", {}},
                      {" 1", {}},
                      {"0x10", {}},
                      {"18446744073709551616", {}}};
  for (const row& r : rows) {
    CAPTURE(r.text);
    CHECK(parse_size(r.text) == r.bytes);
    if (r.bytes) CHECK(parse_size(format_size(*r.bytes)) == r.bytes);
  }
  CHECK(format_size(768 << 10) == "768K");
  CHECK(format_size(1000) == "1000");
}

TEST_CASE("a URI that cannot be understood is refused with the way out") {
  CHECK(mentions(refusal("memory"), "memory:"));
  CHECK(mentions(refusal("tape:x"), "memory:?"));
  CHECK(mentions(refusal("memory:?colour=red"), "\"colour\""));
  CHECK(mentions(refusal("memory:?colour=red"), "zone_capacity"));
  CHECK(mentions(refusal("memory:?size=big"), "\"big\""));
  CHECK(mentions(refusal("memory:?size"), "name=value"));
  CHECK(mentions(refusal("memory:?size=1M&size=2M"), "twice"));
  CHECK(mentions(refusal("memory:here"), "no path"));
  CHECK(mentions(refusal("memory:?volatile_cache=2"), "up to 1"));
}

TEST_CASE("parameters that make no device are refused by name") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"memory:?block_size=1024", "block_size"},
      {"memory:?size=1", "size"},
      {"memory:?size=0", "size"},
      {"memory:?zone_size=1000", "zone_size"},
      {"memory:?zone_size=512&block_size=512", "zone_size"},
      {"memory:?zone_capacity=1000", "zone_capacity"},
      {"memory:?zone_size=1M&zone_capacity=2M", "zone_capacity"},
      {"memory:?size=8M&conventional=9", "conventional"},
      {"memory:?max_open=4&max_active=3", "max_open"},
      {"memory:?append_max=512", "append_max"},
      {"memory:?append_max=0", "append_max"},
      {"memory:?appends_per_zone=0", "appends_per_zone"},
      {"memory:?size=1024T&zone_size=4K", "2^32"},
  };
  for (const auto& [text, word] : rows) CHECK(mentions(refusal(text), word));
}

TEST_CASE("a memory device has the shape and the promises its URI names") {
  const auto opened = open(
      "memory:?size=10M&zone_size=3M&zone_capacity=2M&block_size=512&max_open=2&max_active=3&conventional=1"
      "&volatile_cache=1&append_max=64K&appends_per_zone=5");
  REQUIRE(opened.has_value());
  const geometry expected{.lba_bytes = 512,
                          .zone_bytes = 3 << 20,
                          .zone_count = 4,
                          .last_zone_bytes = 1 << 20,
                          .open_max = 2,
                          .active_max = 3};
  CHECK((*opened)->shape() == expected);
  CHECK((*opened)->shape().bytes() == 10 << 20);
  const guarantees& p = (*opened)->promises();
  CHECK(p.volatile_cache);
  CHECK(p.native_append);
  CHECK(p.append_bytes_max == 64 << 10);
  CHECK(p.appends_per_zone_max == 5);
  CHECK((*opened)->name() == "memory");
}

TEST_CASE("parameters that differ from an image are named with both values") {
  const uri where = parse_uri("file:x?size=8M&zone_size=2M").value();
  const emulation given = parse_emulation(where).value();
  emulation image = given;
  image.append_bytes_max = 4096;
  CHECK(disagreement(where, given, image).empty());
  image.zone_bytes = 1 << 20;
  CHECK(disagreement(where, given, image) == "zone_size is 1M in the image, not 2M");
}
