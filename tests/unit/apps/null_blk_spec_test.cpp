// Parameters of a null_blk as people write them against what configfs gets, and what is refused with which words.
#include "bench/null_blk_spec.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace furrow::bench {
namespace {

std::string value_of(const null_blk_attributes& attributes, const char* name) {
  const auto found = std::ranges::find(attributes, name, &null_blk_attributes::value_type::first);
  return found == attributes.end() ? "absent" : found->second;
}

std::string refusal_of(const char* text) {
  try {
    static_cast<void>(parse_null_blk(text));
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "accepted";
}

TEST_CASE("null_blk parameters: the defaults make a zoned device in memory") {
  const null_blk_attributes made = parse_null_blk("");
  CHECK(made.front() == std::pair<std::string, std::string>{"zoned", "1"});
  CHECK(value_of(made, "size") == "1024");
  CHECK(value_of(made, "zone_size") == "16");
  CHECK(value_of(made, "zone_capacity") == "absent");
  CHECK(value_of(made, "blocksize") == "4096");
  CHECK(value_of(made, "memory_backed") == "1");
}

TEST_CASE("null_blk parameters: sizes are in MiB for the kernel, counts as they are") {
  const null_blk_attributes made = parse_null_blk(
      "size=2G,zone_size=8192K,zone_capacity=6M,conventional=4,max_open=6,max_active=8,block_size=512,memory_backed=0,"
      "queues=2,queue_depth=128");
  CHECK(value_of(made, "size") == "2048");
  CHECK(value_of(made, "zone_size") == "8");
  CHECK(value_of(made, "zone_capacity") == "6");
  CHECK(value_of(made, "zone_nr_conv") == "4");
  CHECK(value_of(made, "zone_max_open") == "6");
  CHECK(value_of(made, "zone_max_active") == "8");
  CHECK(value_of(made, "blocksize") == "512");
  CHECK(value_of(made, "memory_backed") == "0");
  CHECK(value_of(made, "submit_queues") == "2");
  CHECK(value_of(made, "hw_queue_depth") == "128");
}

TEST_CASE("null_blk parameters: what is wrong is named, with the reason") {
  struct refused {
    const char* text;
    const char* says;
  };
  for (const refused& r : {
           refused{"speed=1", "--null-blk speed=1: not KEY=VALUE with one of size, zone_size"},
           refused{"size", "--null-blk size: not KEY=VALUE"},
           refused{"size=", "--null-blk size=: not a number"},
           refused{"size=many", "--null-blk size=many: not a number"},
           refused{"size=1GB", "--null-blk size=1GB: not a number"},
           refused{"size=1T", "--null-blk size=1T: not a number"},
           refused{"size=-1M", "--null-blk size=-1M: not a number"},
           refused{"size=1536K", "whole MiB"},
           refused{"size=1024", "whole MiB"},
           refused{"size=0", "it can be"},
           refused{"size=99999999999999999999G", "not a number"},
           refused{"size=18014398509481984G", "too large"},
           refused{"max_open=1K", "takes no suffix"},
           refused{"memory_backed=2", "it can be 0 to 1"},
           refused{"zone_size=12M", "powers of two"},
           refused{"block_size=768", "powers of two"},
           refused{"block_size=8192", "it can be 512 to 4096"},
           refused{"zone_capacity=17M", "more than the zone's size"},
           refused{"size=100M", "not a whole number of zones"},
           refused{"size=64M,conventional=4", "leaves no sequential zone"},
           refused{"max_open=9,max_active=8", "more than max_active"},
       }) {
    CAPTURE(r.text);
    const std::string said = refusal_of(r.text);
    CAPTURE(said);
    CHECK(said.find(r.says) != std::string::npos);
  }
  CHECK(refusal_of("max_open=9,max_active=0") == "accepted");
  CHECK(refusal_of("size=64M,conventional=3") == "accepted");
}

}  // namespace
}  // namespace furrow::bench
