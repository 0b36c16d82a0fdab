// Cutting, putting and sharing extents, against a model that knows each block by itself and counts who names it.
#include "core/extent_edit.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "edit_world.hpp"
#include "sim/random.hpp"

using namespace furrow;
using namespace furrow::core;
using namespace furrow::test;

namespace {

/// Where each block of each object lies.
class block_model {
 public:
  void write(std::uint64_t object, std::uint64_t first, std::uint64_t address, std::uint64_t blocks) {
    for (std::uint64_t b = 0; b < blocks; ++b) objects_[object][first + b] = address + b;
  }
  void cut(std::uint64_t object, std::uint64_t first, std::uint64_t end) {
    auto& o = objects_[object];
    o.erase(o.lower_bound(first), o.lower_bound(end));
  }
  void clone(std::uint64_t source, std::uint64_t source_first, std::uint64_t blocks, std::uint64_t object,
             std::uint64_t first) {
    cut(object, first, first + blocks);
    const auto from = objects_[source];
    for (auto b = from.lower_bound(source_first); b != from.end() && b->first < source_first + blocks; ++b)
      objects_[object][b->first - source_first + first] = b->second;
  }

  /// The first difference; empty if there is none.
  [[nodiscard]] std::string compare(edit_world& w) const {
    std::map<std::uint64_t, std::uint32_t> named;
    for (const auto& [object, blocks] : objects_)
      for (const auto& [block, address] : blocks) ++named[address];
    const auto references = w.references();
    for (const auto& [address, count] : named)
      if (const auto at = references.find(address); (at == references.end() ? 1 : at->second) != count)
        return "references of block " + std::to_string(address);
    for (const auto& [address, count] : references)
      if (!named.contains(address)) return "references of dead block " + std::to_string(address);
    std::map<std::uint32_t, std::uint32_t> live;
    for (const auto& [address, count] : named) ++live[static_cast<std::uint32_t>(address / edit_world::zone_blocks)];
    for (std::uint32_t zone = 0; zone < edit_world::data_zones; ++zone)
      if (w.live(zone) != live[edit_world::first_data_zone + zone])
        return "live blocks of data zone " + std::to_string(zone);
    for (const auto& [object, blocks] : objects_)
      if (const std::string what = compare(w, object, blocks, named); !what.empty())
        return "object " + std::to_string(object) + ": " + what + "; " + text(w.extents(object));
    return {};
  }

 private:
  static std::string compare(edit_world& w, std::uint64_t object, const std::map<std::uint64_t, std::uint64_t>& blocks,
                             const std::map<std::uint64_t, std::uint32_t>& named) {
    std::map<std::uint64_t, std::uint64_t> is;
    const auto cells = w.extents(object);
    for (const extent_cell& x : cells) {
      for (std::uint32_t b = 0; b < x.blocks; ++b) {
        if (!is.emplace(x.first + b, x.address + b).second) return "extents overlap";
        if (const auto n = named.find(x.address + b); !x.shared && n != named.end() && n->second > 1)
          return "shared blocks in an extent without the flag";
      }
    }
    if (is != blocks) return "other blocks";
    const format::object_value& v = w.values[object];
    if (v.blocks != blocks.size()) return "counts " + std::to_string(v.blocks) + " blocks";
    if (v.extent_count != cells.size()) return "counts " + std::to_string(v.extent_count) + " extents";
    return {};
  }

  std::map<std::uint64_t, std::map<std::uint64_t, std::uint64_t>> objects_;
};

/// The table in the header: what is left of each extent.
std::vector<extent_cell> after_cut(const std::vector<extent_cell>& before, std::uint64_t first, std::uint64_t end) {
  std::vector<extent_cell> to;
  for (const extent_cell& x : before) {
    const std::uint64_t x_end = x.first + x.blocks;
    if (x_end <= first || x.first >= end || first >= end) {
      to.push_back(x);
      continue;
    }
    if (x.first < first) to.push_back({x.first, x.address, static_cast<std::uint32_t>(first - x.first), x.shared});
    if (x_end > end)
      to.push_back({end, x.address + (end - x.first), static_cast<std::uint32_t>(x_end - end), x.shared});
  }
  return to;
}

void expect_cut(edit_world& w, block_model& m, std::uint64_t first, std::uint64_t end) {
  const auto expected = after_cut(w.extents(1), first, end);
  w.cut(1, first, end);
  m.cut(1, first, end);
  CAPTURE(first);
  CAPTURE(end);
  REQUIRE(m.compare(w) == "");
  REQUIRE(text(w.extents(1)) == text(expected));
}

}  // namespace

TEST_CASE("a range cut out of one extent of up to eight blocks, any part of which another object shares") {
  constexpr std::uint64_t begin = 2;
  for (std::uint32_t blocks = 1; blocks <= 8; ++blocks)
    for (std::uint64_t shared_first = 0; shared_first < blocks; ++shared_first)
      for (std::uint64_t shared_end = shared_first; shared_end <= blocks; ++shared_end) {
        if (shared_end == shared_first && shared_first > 0) continue;  // not shared: once
        for (std::uint64_t first = 0; first <= begin + blocks; ++first)
          for (std::uint64_t end = first; end <= begin + blocks + 1; ++end) {
            edit_world w;
            block_model m;
            w.write(1, begin, {edit_world::at(0, 5), blocks});
            m.write(1, begin, edit_world::at(0, 5).block(), blocks);
            if (shared_end > shared_first) {
              w.clone(1, begin + shared_first, shared_end - shared_first, 2, 20);
              m.clone(1, begin + shared_first, shared_end - shared_first, 2, 20);
            }
            CAPTURE(blocks);
            CAPTURE(shared_first);
            CAPTURE(shared_end);
            expect_cut(w, m, first, end);
          }
      }
}

TEST_CASE("a range cut out of any layout of six blocks, shared or not") {
  constexpr std::uint64_t blocks = 6;
  for (int shape = 0; shape < 729; ++shape) {
    for (const bool shared : {false, true}) {
      for (std::uint64_t first = 0; first < blocks; ++first) {
        for (std::uint64_t end = first + 1; end <= blocks; ++end) {
          edit_world w;
          block_model m;
          std::uint32_t place = 1;
          // Of each block: a hole, the next of an extent, or the first of one. Extents lie apart from one another.
          for (std::uint64_t b = 0, left = static_cast<std::uint64_t>(shape), was = 0; b < blocks; ++b, left /= 3) {
            const std::uint64_t is = left % 3;
            if (is == 0 || was == 0 || is == 2) place += 2;
            if (is != 0) {
              w.write(1, b, {edit_world::at(1, place), 1});
              m.write(1, b, edit_world::at(1, place).block(), 1);
              ++place;
            }
            was = is;
          }
          if (shared) {
            w.clone(1, 0, blocks, 2, 7);
            m.clone(1, 0, blocks, 2, 7);
          }
          CAPTURE(shape);
          CAPTURE(shared);
          expect_cut(w, m, first, end);
        }
      }
    }
  }
}

TEST_CASE("neighbours in object and zone, of one class and not flagged, are one extent") {
  edit_world w;
  w.write(1, 0, {edit_world::at(0, 1), 2});
  w.write(1, 2, {edit_world::at(0, 3), 1});
  CHECK(text(w.extents(1)) == "[0,3)>129 ");
  CHECK(w.values[1].extent_count == 1);
  SUBCASE("of another class") {
    w.write(1, 3, {edit_world::at(0, 4), 1}, format::zone_class::short_lived);
    CHECK(text(w.extents(1)) == "[0,3)>129 [3,4)>132 ");
  }
  SUBCASE("elsewhere in the zone") {
    w.write(1, 3, {edit_world::at(0, 5), 1});
    CHECK(text(w.extents(1)) == "[0,3)>129 [3,4)>133 ");
  }
  SUBCASE("behind a hole") {
    w.write(1, 4, {edit_world::at(0, 4), 1});
    CHECK(text(w.extents(1)) == "[0,3)>129 [4,5)>132 ");
  }
  SUBCASE("of another object") {
    w.write(2, 3, {edit_world::at(0, 4), 1});
    CHECK(text(w.extents(1)) == "[0,3)>129 ");
    CHECK(text(w.extents(2)) == "[3,4)>132 ");
  }
  SUBCASE("flagged") {
    w.clone(1, 0, 1, 2, 0);
    w.write(1, 3, {edit_world::at(0, 4), 1});
    CHECK(text(w.extents(1)) == "[0,3)>129s [3,4)>132 ");
    CHECK(text(w.extents(2)) == "[0,1)>129s ");
  }
  SUBCASE("in the next zone") {
    w.write(2, 0, {edit_world::at(0, 63), 1});
    w.write(2, 1, {edit_world::at(1, 0), 1});
    CHECK(text(w.extents(2)) == "[0,1)>191 [1,2)>192 ");
  }
}

TEST_CASE("slices are the parts of extents in a range, in order and not more than asked for") {
  edit_world w;
  w.write(1, 2, {edit_world::at(0, 1), 3});
  w.write(1, 7, {edit_world::at(0, 9), 2});
  w.write(2, 0, {edit_world::at(0, 20), 9});
  const auto slices = [&w](std::uint64_t first, std::uint64_t end, std::size_t max) {
    std::vector<extent_slice> found;
    REQUIRE(w.editor.slices(1, first, end, max, found).ready());
    std::string to;
    for (const extent_slice& s : found)
      to += std::to_string(s.object_block) + "+" + std::to_string(s.where.blocks) + ">" +
            std::to_string(s.where.address.block()) + " of " + std::to_string(s.cell_block) + ";";
    return to;
  };
  CHECK(slices(0, 100, 9) == "2+3>129 of 2;7+2>137 of 7;");
  CHECK(slices(0, 100, 1) == "2+3>129 of 2;");
  CHECK(slices(3, 8, 9) == "3+2>130 of 2;7+1>137 of 7;");
  CHECK(slices(4, 5, 9) == "4+1>131 of 2;");
  CHECK(slices(5, 7, 9) == "");
  CHECK(slices(0, 2, 9) == "");
  CHECK(slices(9, 100, 9) == "");
  CHECK(slices(4, 4, 9) == "");
}

TEST_CASE("what cannot be is refused before anything has changed") {
  edit_world w;
  w.write(1, 0, {edit_world::at(0, 1), 4});
  std::vector<extent_slice> found;
  const auto fault_of_cut = [&] {
    const readiness done = w.editor.slices(1, 0, 4, 9, found);
    if (done.fault != nullptr) return std::string{done.fault};
    const readiness cut = w.editor.prepare_cut(1, found);
    return std::string{cut.fault != nullptr ? cut.fault : ""};
  };
  CHECK(fault_of_cut() == "");
  SUBCASE("more dead blocks than live ones") {
    w.context.zones.restore_live(w.context.zones.of(edit_world::at(0, 1)), 3);
    CHECK(fault_of_cut() == "more blocks dropped than live in a zone");
  }
  SUBCASE("the same of blocks that were shared") {
    w.clone(1, 0, 1, 2, 0);
    w.context.zones.restore_live(w.context.zones.of(edit_world::at(0, 1)), 2);
    CHECK(fault_of_cut() == "more blocks dropped than live in a zone");
    w.context.zones.restore_live(w.context.zones.of(edit_world::at(0, 1)), 3);
    CHECK(fault_of_cut() == "");
  }
  SUBCASE("a number of references that is none") {
    w.clone(1, 0, 4, 2, 0);
    w.context.zone_pages->put(format::shared_key(0, {2}, 1), std::vector<std::byte>(7));
    CHECK(fault_of_cut() == "a number of references cannot be read");
  }
  SUBCASE("references beyond count") {
    w.clone(1, 0, 4, 2, 0);
    w.context.zone_pages->put(format::shared_key(0, {2}, 1), format::encode(format::shared_value{4, ~0u}));
    CHECK(fault_of_cut() == "");
    const readiness done = w.editor.prepare_share(1, found);
    CHECK(std::string{done.fault != nullptr ? done.fault : ""} == "a number of references cannot be read");
  }
  SUBCASE("an extent that is none") {
    w.context.objects->put(format::extent_key(1, 0), std::vector<std::byte>(19));
    CHECK(fault_of_cut() == "an extent cannot be read");
  }
  SUBCASE("an extent outside the device") {
    const format::extent_value x{zoned::device_address{0, 10 * edit_world::zone_blocks}, 4, 4};
    w.context.objects->put(format::extent_key(1, 0), format::encode(x));
    CHECK(fault_of_cut() == "an extent outside the device");
  }
  SUBCASE("an extent behind the end of its zone") {
    const format::extent_value x{edit_world::at(0, edit_world::zone_blocks - 3), 4, 4};
    w.context.objects->put(format::extent_key(1, 0), format::encode(x));
    CHECK(fault_of_cut() == "an extent behind the end of its zone");
  }
  CHECK(w.values[1].blocks == 4);
}

TEST_CASE("bytes of an extent that lies outside the device or its zone are damage to a read") {
  for (const std::uint64_t block : {edit_world::at(0, edit_world::zone_blocks - 3).block(),
                                    std::uint64_t{edit_world::zones} * edit_world::zone_blocks}) {
    CAPTURE(block);
    edit_world w;
    w.context.super.data_checksum = format::checksum_kind::none;  // there are no sums that could be missing
    const format::extent_value x{zoned::device_address{0, block}, 4, 4};
    w.context.objects->put(format::extent_key(1, 0), format::encode(x));
    object_state o;
    o.id = 1;
    o.loaded = true;
    o.users = 1;
    o.value.bytes = 4 * block_bytes;
    std::vector<std::byte> to(block_bytes);
    error_code why;
    w.reader.read(o, {{3 * block_bytes, to}}, [&why](error_code ec, const error_detail&) { why = ec; });
    CHECK(why == errc::damaged);
    zoned::command c;
    CHECK_FALSE(w.context.io.poll(c));
  }
}

TEST_CASE("random writes, holes and clones leave every block named as often as it is") {
  const char* const given = std::getenv("FURROW_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 0) : 4711;
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  CAPTURE(seed);
  sim::prng chance{seed};
  for (int round = 0; round < 150; ++round) {
    CAPTURE(round);
    edit_world w;
    block_model m;
    std::uint32_t zone = 0, place = 1;
    for (int step = 0; step < 120; ++step) {
      CAPTURE(step);
      const std::uint64_t object = chance.within(1, 3), first = chance.below(16), blocks = chance.within(1, 8);
      const std::uint64_t what = chance.below(5);
      if (what < 2) {
        if (place + blocks > edit_world::zone_blocks) {
          if (++zone == edit_world::data_zones) break;
          place = 1;
        }
        w.write(object, first, {edit_world::at(zone, place), static_cast<std::uint32_t>(blocks)});
        m.write(object, first, edit_world::at(zone, place).block(), blocks);
        place += static_cast<std::uint32_t>(blocks);
      } else if (what < 3) {
        w.cut(object, first, first + blocks);
        m.cut(object, first, first + blocks);
      } else {
        const std::uint64_t source = chance.within(1, 3), source_first = chance.below(16);
        if (source == object && source_first < first + blocks && first < source_first + blocks) continue;
        w.clone(source, source_first, blocks, object, first);
        m.clone(source, source_first, blocks, object, first);
      }
      REQUIRE(m.compare(w) == "");
    }
    for (std::uint64_t object = 1; object <= 3; ++object) {
      w.cut(object, 0, 100);
      m.cut(object, 0, 100);
      REQUIRE(m.compare(w) == "");
    }
    REQUIRE(w.references().empty());
    for (std::uint32_t z = 0; z < edit_world::data_zones; ++z) REQUIRE(w.live(z) == 0);
  }
}
