// The trees and zones of a store without a device, all of them resident: changed by an extent_editor or by records, and
// looked at block by block.
//
// Not here: what ought to be there; the tests say so.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/apply.hpp"
#include "core/checker.hpp"
#include "core/objects.hpp"
#include "core/publisher.hpp"
#include "core/reader.hpp"
#include "support/empty_zones.hpp"

namespace furrow::test {

/// An extent as it lies in the tree.
struct extent_cell {
  std::uint64_t first = 0;
  std::uint64_t address = 0;
  std::uint32_t blocks = 0;
  bool shared = false;
  friend bool operator==(const extent_cell&, const extent_cell&) = default;
};

inline std::string text(const std::vector<extent_cell>& cells) {
  std::string to;
  for (const extent_cell& x : cells)
    to += "[" + std::to_string(x.first) + "," + std::to_string(x.first + x.blocks) + ")>" + std::to_string(x.address) +
          (x.shared ? "s " : " ");
  return to;
}

/// All cells of a tree.
using cells = std::map<std::string, std::string>;
inline cells all_of(core::page_tree& tree) {
  cells to;
  for (auto l = tree.find_from({}); l.has_cell();) {
    const format::key key{l.cell().key};
    const auto value = l.cell().value;
    to[key] = std::string{reinterpret_cast<const char*>(value.data()), value.size()};
    l = tree.find_from(key + '\0');
  }
  return to;
}

template <std::uint32_t ZoneBlocks>
class edit_world_of {
 public:
  static constexpr std::uint32_t zones = 10;
  static constexpr std::uint32_t zone_blocks = ZoneBlocks;
  static constexpr std::uint32_t first_data_zone = 2;
  static constexpr std::uint32_t data_zones = 6;

  core::context context;
  core::applier apply{context};
  core::object_table table{context};
  core::publisher publisher{context};
  core::reader reader{context};
  core::checker checker{context, reader};
  core::extent_editor editor{context};

  edit_world_of() {
    const zoned::geometry shape{.zone_bytes = zone_blocks * core::block_bytes,
                                .zone_count = zones,
                                .last_zone_bytes = zone_blocks * core::block_bytes};
    context.shape = shape;
    context.apply = &apply;
    context.table = &table;
    context.publish_queue = &publisher;
    context.zones.init(shape, test::empty_zones(shape));
    context.objects = std::make_unique<core::page_tree>(format::page_kind::object, uuid{});
    context.zone_pages = std::make_unique<core::page_tree>(format::page_kind::zone, uuid{});
    for (std::uint32_t i = 0; i < data_zones; ++i) {
      core::zone_state& z = context.zones[{first_data_zone + i}];
      z.role = format::zone_role::data;
      z.next_block = z.capacity_blocks;
    }
  }

  /// The place of a block in the data zones; a zone's first block is its header's.
  [[nodiscard]] static zoned::device_address at(std::uint32_t zone, std::uint32_t block) {
    return {0, (first_data_zone + zone) * zone_blocks + block};
  }
  [[nodiscard]] std::uint32_t live(std::uint32_t zone) { return context.zones[{first_data_zone + zone}].live_blocks; }

  /// As a publication does.
  void publish(const format::record_body& body) {
    const core::readiness done = apply.prepare(body);
    INFO((done.fault != nullptr ? done.fault : ""));
    REQUIRE(done.ready());
    context.hold_trees(true);
    apply.apply(++sequence_, body);
    context.hold_trees(false);
  }

  // What the editor does for records, with its preparation.
  void write(std::uint64_t object, std::uint64_t first, format::block_run where,
             format::zone_class cls = format::zone_class::unhinted) {
    cut(object, first, first + where.blocks);
    REQUIRE(editor.prepare_put(object, first).ready());
    held([&] { editor.put(values[object], object, {first, where}, cls, false); });
    context.zones.add_live(context.zones.of(where.address), where.blocks);
  }
  void cut(std::uint64_t object, std::uint64_t first, std::uint64_t end) {
    std::vector<core::extent_slice> found;
    REQUIRE(editor.slices(object, first, end, 1000, found).ready());
    REQUIRE(editor.prepare_cut(object, found).ready());
    held([&] { editor.cut(values[object], object, first, end); });
  }
  void clone(std::uint64_t source, std::uint64_t source_first, std::uint64_t blocks, std::uint64_t object,
             std::uint64_t first) {
    std::vector<core::extent_slice> found, replaced;
    REQUIRE(editor.slices(source, source_first, source_first + blocks, 1000, found).ready());
    REQUIRE(editor.prepare_share(source, found).ready());
    REQUIRE(editor.slices(object, first, first + blocks, 1000, replaced).ready());
    REQUIRE(editor.prepare_cut(object, replaced).ready());
    held([&] {
      editor.share(source, found);
      editor.cut(values[object], object, first, first + blocks);
      for (const core::extent_slice& s : found)
        editor.put(values[object], object, {s.object_block - source_first + first, s.where}, s.cell.cls, true);
    });
  }

  [[nodiscard]] std::vector<extent_cell> extents(std::uint64_t object) {
    std::vector<extent_cell> to;
    for (auto l = context.objects->find_from(format::extent_key(object, 0)); l.has_cell();) {
      const auto parts = format::parse_extent_key(l.cell().key);
      if (!parts || parts->object != object) break;
      const auto x = format::decode_extent(l.cell().value);
      REQUIRE(x);
      to.push_back({parts->block, x->address.block(), x->blocks, x->shared});
      l = context.objects->find_from(format::extent_key(object, parts->block + 1));
    }
    return to;
  }
  /// References by block; of those that have a number.
  [[nodiscard]] std::map<std::uint64_t, std::uint32_t> references() {
    std::map<std::uint64_t, std::uint32_t> to;
    for (auto l = context.zone_pages->find_from(format::shared_key(0, {0}, 0)); l.has_cell();) {
      const auto parts = format::parse_shared_key(l.cell().key);
      const auto v = format::decode_shared(l.cell().value);
      REQUIRE((parts && v));
      for (std::uint32_t b = 0; b < v->blocks; ++b)
        REQUIRE(to.emplace(context.shape.address_of(parts->zone, parts->block + b).block(), v->references).second);
      l = context.zone_pages->find_from(format::shared_key(0, parts->zone, parts->block + 1));
    }
    return to;
  }
  [[nodiscard]] core::check_result check() {
    core::check_result to;
    bool called = false;
    checker.start(false, [&](error_code ec, core::check_result r) {
      REQUIRE_FALSE(ec);
      called = true;
      to = std::move(r);
    });
    REQUIRE(called);
    return to;
  }

  std::map<std::uint64_t, format::object_value> values;  ///< Of what the editor changes.

 private:
  template <class Call>
  void held(Call call) {
    context.hold_trees(true);
    call();
    context.hold_trees(false);
  }
  std::uint64_t sequence_ = 0;
};

using edit_world = edit_world_of<64>;

}  // namespace furrow::test
