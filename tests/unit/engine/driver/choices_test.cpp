#include "driver/choices.hpp"

#include <doctest/doctest.h>

#include <set>

#include "format/checksum.hpp"

using furrow::format_options;
using furrow::store_options;
using furrow::driver::refusal;

TEST_CASE("choices: UUIDs are of version 4, variant 1, and differ") {
  std::set<furrow::uuid> seen;
  for (int i = 0; i < 100; ++i) {
    const furrow::uuid u = furrow::driver::random_uuid();
    CHECK((u[6] & std::byte{0xf0}) == std::byte{0x40});
    CHECK((u[8] & std::byte{0xc0}) == std::byte{0x80});
    CHECK(seen.insert(u).second);
  }
}

TEST_CASE("choices: whichever checksum is chosen, it is CRC32C") {
  furrow::driver::choose_crc32c();
  const char digits[] = {'1', '2', '3', '4', '5', '6', '7', '8', '9'};
  CHECK(furrow::format::crc32c(std::as_bytes(std::span(digits))) == 0xe3069283);
}

TEST_CASE("choices: each option out of its range is refused by name") {
  CHECK_FALSE(refusal(store_options{}));
  CHECK_FALSE(refusal(format_options{}));
  const auto refused = [](auto change) {
    store_options o;
    change(o);
    return refusal(o).value_or("");
  };
  CHECK(refused([](auto& o) { o.page_cache_bytes = 1; }) ==
        "page_cache_bytes is 1; it can be 1048576 to 1099511627776");
  CHECK(refused([](auto& o) { o.in_flight_bytes_max = 0; }).starts_with("in_flight_bytes_max is 0"));
  CHECK(refused([](auto& o) { o.operations_max = 0; }).starts_with("operations_max is 0"));
  CHECK(refused([](auto& o) { o.handles_max = 2u << 20; }).starts_with("handles_max is 2097152"));
  CHECK(refused([](auto& o) { o.ordered_extent_bytes_max = 32u << 20; }).starts_with("ordered_extent_bytes_max is"));
  CHECK(refused([](auto& o) { o.ordered_extent_bytes_max = 5000; }).ends_with("a multiple of 4096"));
  CHECK(refused([](auto& o) { o.journal_group_bytes = 1; }).starts_with("journal_group_bytes is 1"));
  CHECK(refused([](auto& o) { o.checkpoint_journal_bytes_min = 2ull << 30; }).starts_with("checkpoint_journal_bytes"));
  CHECK(refusal(format_options{.page_copies = 3}) == "page_copies is 3; it can be 0, 1 or 2");
}
