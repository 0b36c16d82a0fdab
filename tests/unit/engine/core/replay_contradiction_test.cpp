// A journal that contradicts itself in mid-course, with whole groups behind: what is told of it ends there, however many groups
// were read and gathered by then.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "format/group.hpp"
#include "format/record.hpp"
#include "support/core_runner.hpp"

namespace furrow::test {
namespace {

constexpr std::uint64_t block = 4096;
constexpr device_shape shape{.zones = 24, .zone_bytes = 4 << 20, .capacity_bytes = 4 << 20};

struct group {
  zoned::place at;
  format::group_header header;
};

/// By number.
std::map<std::uint64_t, group> groups_of(zoned::memory_zones& device) {
  uuid store{};
  store[0] = std::byte{7};
  std::map<std::uint64_t, group> all;
  std::vector<std::byte> bytes(block);
  for (std::uint32_t z = 2; z + 2 < shape.zones; ++z)
    for (std::uint64_t at = 0; at < device.machine().at({z}).write_pointer_bytes; at += block) {
      device.peek({{z}, at}, bytes);
      if (const auto h = format::peek_group(bytes, store)) all[h->number] = {{{z}, at}, *h};
    }
  return all;
}

/// The first extent of its first publication replaces another one; what follows in the chain follows.
void contradict(zoned::memory_zones& device, std::map<std::uint64_t, group>& all, std::uint64_t number) {
  std::optional<format::checksum_field> previous;
  for (auto it = all.find(number); it != all.end(); ++it) {
    group& g = it->second;
    std::vector<std::byte> bytes(g.header.bytes);
    device.peek(g.at, bytes);
    if (previous) {
      g.header.previous = *previous;
    } else {
      std::vector<std::byte> records;
      format::reader from{std::span{bytes}.subspan(format::group_header_bytes, g.header.record_bytes)};
      while (from.left() > 0) {
        auto r = format::decode_record(from);
        REQUIRE((r && *r));
        if (auto* const publish = std::get_if<format::publish_record>(&(**r).body))
          publish->dropped.at(0).address = publish->dropped[0].address.advanced(1);
        format::encode(**r, records);
      }
      REQUIRE(records.size() == g.header.record_bytes);
      std::copy(records.begin(), records.end(), bytes.begin() + format::group_header_bytes);
    }
    previous = format::seal_group(g.header, bytes);
    device.poke(g.at, bytes);
  }
}

}  // namespace

TEST_CASE("of a journal that contradicts itself the groups up to there are counted, though more were read") {
  zoned::memory_zones device = shape.make();
  {
    core_runner r{device};
    r.format_and_open();
    const core::handle_id a = r.create("a"), b = r.create("b");
    std::vector<std::byte> bytes = pattern(1, block);
    for (int i = 0; i < 16; ++i) r.append(i % 2 == 0 ? a : b, bytes);  // none of them goes on the one before it
    core_runner::good(r.ask(core::checkpoint_request{}));
    for (std::uint64_t i = 0; i < 150; ++i) {
      core_runner::good(r.ask(core::write_request{a, i % 4 * 2 * block, block, {{bytes.data(), block}}, {}}));
      core_runner::good(r.ask(core::sync_request{}));
    }
  }
  std::uint64_t whole = 0;
  {
    core_runner r{device};
    whole = std::get<open_result>(core_runner::good(r.open()).result).groups_replayed;
    REQUIRE(whole >= 150);
  }
  auto all = groups_of(device);
  const std::uint64_t first = all.rbegin()->first + 1 - whole, at = 120;
  contradict(device, all, first + at);
  std::uint64_t live_bytes = 0;
  for (std::uint64_t i = 0; i <= at; ++i) live_bytes += all.at(first + i).header.bytes;
  core_runner r{device};
  const auto opened = std::get<open_result>(core_runner::good(r.open()).result);
  CHECK(opened.info.read_only);
  CHECK(opened.groups_replayed == at + 1);
  CHECK(opened.records_replayed < whole);
  CHECK(r.stats().journal_live_bytes == live_bytes);
}

}  // namespace furrow::test
