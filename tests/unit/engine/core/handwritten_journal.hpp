// A journal in zones written by hand, and a journal_scan over it: groups in any order, of any epoch, behind any other, spoiled or
// cut off, as no journal writes them but a device may show them.
//
// Not here: what the chain ought to be; the tests say so.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "core/journal_scan.hpp"
#include "support/core_runner.hpp"

namespace furrow::test {

using core::block_bytes;
inline constexpr device_shape small_device{.zones = 9, .zone_bytes = 128 << 10, .capacity_bytes = 96 << 10};
inline constexpr device_shape conventional_device{
    .zones = 9, .zone_bytes = 128 << 10, .capacity_bytes = 96 << 10, .conventional = 4};
inline constexpr device_shape large_device{.zones = 7, .zone_bytes = 4 << 20, .capacity_bytes = 4 << 20};

struct group {
  core::journal_scan::entry at;
  std::uint64_t number = 0;
  std::vector<std::byte> bytes;
};
using groups = std::vector<group>;

inline std::string text(const core::journal_scan::entry& e) {
  return "zone " + std::to_string(e.zone.value) + " block " + std::to_string(e.block) + "+" + std::to_string(e.blocks) +
         " epoch " + std::to_string(e.epoch) + " sum " +
         std::to_string(format::load_le<std::uint32_t>(e.checksum.value.data())) + "; ";
}

/// One run over a journal: with what it found, and the context that it found it for.
struct found {
  core::context context;
  core::journal_scan scan{context};
  bool done = false;
  error_code error;
  core::journal_scan::finding why;
};

/// The journal begins in zone 2, with ordinal 5; the header of each zone names the one behind it as the next.
class handwritten_journal {
 public:
  static constexpr std::uint32_t first_zone = 2;

  format::superblock super;
  zoned::memory_zones device;
  std::uint32_t failing_reads = 0;  ///< The first ones fail.

  explicit handwritten_journal(const device_shape& shape = small_device) : device{shape.make()} {
    super.store[0] = std::byte{7};
    super.journal = {{first_zone}, generation(first_zone), 5, 1, 1, format::checksum_field::of(super.store)};
    opened(1, 1);
  }
  /// The superblock is that of this open, which found the groups before `next_group`.
  void opened(std::uint64_t epoch, std::uint64_t next_group) {
    super.epoch = epoch;
    super.epoch_group = next_group;
  }
  void cut_behind(const group& g) {
    const std::uint32_t zone = g.at.zone.value;
    super.journal = {g.at.zone,    generation(zone), header_of(zone).ordinal, g.at.block + g.at.blocks,
                     g.number + 1, g.at.checksum};
  }

  [[nodiscard]] format::zone_header header_of(std::uint32_t zone) const {
    format::zone_header h;
    h.store = super.store;
    h.role = format::zone_role::metadata;
    h.cls = format::zone_class::metadata;
    h.zone = {zone};
    h.generation = generation(zone);
    h.epoch = 1;
    h.ordinal = zone + 3;
    h.next = {zone + 1};
    h.next_generation = generation(zone + 1);
    return h;
  }
  void begin_zone(std::uint32_t zone) { begin_zone(zone, header_of(zone)); }
  void begin_zone(std::uint32_t zone, const format::zone_header& h) {
    zone_ = zone;
    std::vector<std::byte> block(block_bytes);
    format::encode(h, block);
    append(block);
  }

  /// What the first group is written behind.
  [[nodiscard]] group start() const {
    group g;
    g.number = super.journal.group - 1;
    g.at.checksum = super.journal.previous;
    return g;
  }
  /// The group that an open writes into `zone` behind `after`; not on the device yet.
  [[nodiscard]] group make(const group& after, std::uint64_t epoch, std::uint32_t blocks, std::uint32_t zone) const {
    group g;
    g.number = after.number + 1;
    g.bytes = pattern(g.number * 100 + epoch, blocks * block_bytes);
    format::group_header h;
    h.bytes = static_cast<std::uint32_t>(g.bytes.size());
    h.store = super.store;
    h.epoch = epoch;
    h.number = g.number;
    h.zone_generation = generation(zone);
    h.record_bytes = static_cast<std::uint32_t>(h.bytes - format::group_header_bytes);
    h.record_count = 1;
    h.previous = after.at.checksum;
    g.at.blocks = blocks;
    g.at.epoch = epoch;
    g.at.checksum = format::seal_group(h, g.bytes);
    return g;
  }
  [[nodiscard]] group make(const group& after, std::uint64_t epoch, std::uint32_t blocks = 1) const {
    return make(after, epoch, blocks, zone_);
  }
  void write(group& g) {
    g.at.zone = {zone_};
    g.at.block = end_bytes() / block_bytes;
    append(g.bytes);
  }
  group put(const group& after, std::uint64_t epoch, std::uint32_t blocks = 1) {
    group g = make(after, epoch, blocks);
    write(g);
    return g;
  }
  void put_pages(std::uint32_t blocks) { append(pattern(blocks, blocks * block_bytes)); }
  void append(std::span<const std::byte> bytes) {
    if (conventional()) {
      device.poke({{zone_}, end_bytes()}, bytes);
      ends_[zone_] += bytes.size();
      return;
    }
    std::vector<std::byte> copy(bytes.begin(), bytes.end());
    for (std::size_t at = 0; at < copy.size();) {
      const zoned::segment part{copy.data() + at, std::min(copy.size() - at, device.promises().append_bytes_max)};
      zoned::command c;
      c.op = zoned::opcode::append;
      c.zone = {zone_};
      c.segments = {&part, 1};
      REQUIRE_FALSE(device.execute(c).error);
      at += part.bytes;
    }
  }
  /// Changes the last byte of a group on the device; a second time, back again.
  void spoil(const group& g) { spoil_block(g.at.zone, g.at.block + g.at.blocks - 1); }
  void spoil_block(zoned::zone_index zone, std::uint64_t block) {
    const zoned::place at{zone, (block + 1) * block_bytes - 1};
    std::byte b;
    device.peek(at, {&b, 1});
    b = ~b;
    device.poke(at, {&b, 1});
  }

  [[nodiscard]] std::unique_ptr<found> scan() {
    auto f = std::make_unique<found>();
    core::context& c = f->context;
    c.shape = device.shape();
    c.promises = device.promises();
    c.super = super;
    c.zones.init(c.shape, {device.machine().all().begin(), device.machine().all().end()});
    f->scan.start([&](error_code ec, core::journal_scan::finding why) {
      REQUIRE_FALSE(f->done);
      f->done = true;
      f->error = ec;
      f->why = std::move(why);
    });
    zoned::command command;
    while (c.io.poll(command)) {
      REQUIRE(command.op == zoned::opcode::read);  // N3
      zoned::completion answer = device.execute(command);
      if (failing_reads > 0) {
        --failing_reads;
        answer.error = zoned::errc::io;
      }
      c.io.complete(answer);
    }
    REQUIRE(f->done);
    return f;
  }
  [[nodiscard]] static std::uint64_t generation(std::uint32_t zone) { return 10 * zone; }

 private:
  [[nodiscard]] bool conventional() const {
    return device.machine().at({zone_}).type == zoned::zone_type::conventional;
  }
  [[nodiscard]] std::uint64_t end_bytes() {
    return conventional() ? ends_[zone_] : device.machine().at({zone_}).write_pointer_bytes;
  }

  std::uint32_t zone_ = first_zone;
  std::map<std::uint32_t, std::uint64_t> ends_;  ///< Of what was written to conventional zones.
};

/// All that a scan says of the chain. `zone`: the last one of the chain.
inline void expect_chain(const handwritten_journal& j, const found& f, const groups& expected, std::uint32_t zone = 2) {
  std::string is, should;
  for (const auto& e : f.scan.chain()) is += text(e);
  for (const group& g : expected) should += text(g.at);
  REQUIRE_FALSE(f.error);
  CHECK(is == should);
  const group last = expected.empty() ? j.start() : expected.back();
  CHECK(f.scan.next_number() == last.number + 1);
  CHECK((f.scan.previous() == last.at.checksum));
  CHECK(f.scan.zone()->device.index.value == zone);
  CHECK((f.scan.header() == j.header_of(zone)));
  CHECK(f.scan.ordinal() == zone + 3);
}

inline void expect_whole(handwritten_journal& j, const groups& expected, std::uint32_t zone = 2) {
  const auto f = j.scan();
  expect_chain(j, *f, expected, zone);
  CHECK(!f->scan.damage());
}

inline void expect_damage(handwritten_journal& j, const groups& expected, const std::string& what,
                          std::uint32_t in_zone = 2) {
  const auto f = j.scan();
  expect_chain(j, *f, expected);
  REQUIRE(f->scan.damage());
  CHECK(f->scan.damage()->what == what);
  CHECK(f->scan.damage()->zone.value == in_zone);
}

}  // namespace furrow::test
