// The rule of how to write, as a table of devices.
#include "write_choice.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace furrow::zoned;

namespace {

constexpr std::uint64_t k = 1024;

struct row {
  const char* description;
  write_facts facts;
  bool append;
  std::uint32_t depth;
  std::uint64_t command_bytes_max;
  std::uint64_t coalesce_bytes;
  const char* says;
};

const row rows[] = {
    {"a ZNS drive whose appends are as large as its transfers",
     {.append_bytes_max = 512 * k, .write_bytes_max = 512 * k},
     true,
     32,
     512 * k,
     16 * k,
     "the device has it, for up to 512K"},
    {"appends of 32 KiB fill a drive, however large its writes",
     {.append_bytes_max = 32 * k, .write_bytes_max = 1024 * k},
     true,
     32,
     32 * k,
     16 * k,
     "zone append"},
    {"appends of 16 KiB are the least that do",
     {.append_bytes_max = 16 * k, .write_bytes_max = 1024 * k},
     true,
     32,
     16 * k,
     16 * k,
     "zone append"},
    {"appends of 8 KiB do not, large writes do",
     {.append_bytes_max = 8 * k, .write_bytes_max = 512 * k},
     false,
     1,
     512 * k,
     64 * k,
     "its zone append takes 8K at most"},
    {"small appends where writes are hardly larger",
     {.append_bytes_max = 8 * k, .write_bytes_max = 16 * k},
     true,
     32,
     8 * k,
     8 * k,
     "zone append"},
    {"a kernel without order", {.write_bytes_max = 124 * k}, false, 1, 124 * k, 64 * k, "nothing keeps the order"},
    {"a kernel that keeps it, a test that agrees",
     {.write_bytes_max = 124 * k, .order = kept_order::zone_plugs, .test = order_test::agrees},
     false,
     4,
     124 * k,
     64 * k,
     "zone write plugs keep their order, and a test has agreed"},
    {"a scheduler that keeps it, with something on the device",
     {.write_bytes_max = 32 * k, .order = kept_order::scheduler, .test = order_test::not_made},
     false,
     4,
     32 * k,
     32 * k,
     "mq-deadline keeps their order; one that overtakes another will end it"},
    {"a test that does not agree",
     {.write_bytes_max = 124 * k, .order = kept_order::scheduler, .test = order_test::disagrees},
     false,
     1,
     124 * k,
     64 * k,
     "but a test has not agreed"},
    {"a device of ours",
     {.write_bytes_max = 124 * k, .order = kept_order::emulation},
     false,
     4,
     124 * k,
     64 * k,
     "their order is kept"},
};

}  // namespace

TEST_CASE("each device is written by what it is good at") {
  for (const row& r : rows) {
    CAPTURE(r.description);
    const write_choice c = choose_writing(r.facts);
    CHECK(c.append == r.append);
    CHECK(c.depth == r.depth);
    CHECK(c.command_bytes_max == r.command_bytes_max);
    CHECK(c.coalesce_bytes == r.coalesce_bytes);
    CHECK_MESSAGE(c.because.find(r.says) != std::string::npos, c.because);
  }
}

TEST_CASE("whatever the facts, the choice is one that a device can keep") {
  for (std::uint64_t append = 0; append <= 1024 * k; append = append == 0 ? 4 * k : 2 * append) {
    for (std::uint64_t write = 4 * k; write <= 4096 * k; write *= 2) {
      for (const kept_order order :
           {kept_order::nobody, kept_order::scheduler, kept_order::zone_plugs, kept_order::emulation}) {
        for (const order_test test : {order_test::not_made, order_test::agrees, order_test::disagrees}) {
          const write_choice c = choose_writing({append, write, order, test});
          CHECK(c.command_bytes_max == (c.append ? append : write));
          CHECK(c.command_bytes_max > 0);
          CHECK(c.coalesce_bytes <= c.command_bytes_max);
          CHECK(c.coalesce_bytes >= 4 * k);
          CHECK(c.depth >= 1);
          if (!c.append && order == kept_order::nobody) CHECK(c.depth == 1);
          if (c.append) CHECK(append > 0);
        }
      }
    }
  }
}
