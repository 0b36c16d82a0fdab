// What all machines of one store share: the device's shape, the trees, the zones, the order of publications, the way
// out.
//
// Invariants
//   I1  `sequence` is the last publication's; only publish() raises it, and applies and journals what it numbers.
//   I2  Once `latch` is set nothing more is written; reads go on.
//
// Not here: any decision. Each machine owns its own.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "core/assert.hpp"
#include "core/buffer.hpp"
#include "core/io.hpp"
#include "core/messages.hpp"
#include "core/page_tree.hpp"
#include "core/zone_table.hpp"
#include "format/record.hpp"
#include "format/superblock.hpp"
#include "furrow/zoned/guarantees.hpp"

namespace furrow::core {

class applier;
class checkpointer;
class data_writer;
class journal;
class object_table;
class page_reader;
class publisher;
class reclaimer;
class salvager;
class superblock_ring;
class zone_opener;

struct context {
  zoned::geometry shape;
  zoned::guarantees promises;
  store_options options;

  zone_table zones;
  std::unique_ptr<page_tree> objects;
  std::unique_ptr<page_tree> zone_pages;
  format::superblock super;  ///< As last written, or about to be.
  io_table io;
  buffer_pool buffers;
  statistics stats;
  std::deque<notification> out;

  std::uint64_t sequence = 0;
  std::uint64_t turn = 0;  ///< Counts calls into the core: the time of the page cache.
  std::int64_t now_ns = 0;
  bool closing = false;
  bool read_only = false;
  error_code latch;

  applier* apply = nullptr;
  checkpointer* checkpoint = nullptr;
  data_writer* data = nullptr;
  journal* log = nullptr;
  object_table* table = nullptr;
  page_reader* pages = nullptr;
  publisher* publish_queue = nullptr;
  reclaimer* reclaim = nullptr;
  salvager* salvage = nullptr;
  superblock_ring* ring = nullptr;
  zone_opener* opener = nullptr;

  [[nodiscard]] page_tree& tree(format::page_kind kind) {
    return kind == format::page_kind::object ? *objects : *zone_pages;
  }
  void answer(operation_id id, error_code error, result_body result = {}, error_detail detail = {}) {
    out.push_back({id, error, std::move(detail), std::move(result)});
  }
  void emit(event::kind what, error_detail detail = {}) {
    out.push_back({operation_id{}, {}, {}, event{what, std::move(detail)}});
  }
  /// Tells that a zone is not what it was; as damage if it lost what something points at.
  void emit_zone(zone_change change, error_code cause = {}, bool damage = false);
  /// Gives one publication its sequence, applies it and journals it. Its pages were prepared in this turn.
  std::uint64_t publish(const std::vector<format::record_body>& bodies);
  /// The outcome of something is unknown: nothing more is written, all that waits for durability fails. The way out is
  /// reopening.
  void set_latch(const char* why, std::optional<zoned::zone_index> zone = {});

  [[nodiscard]] std::uint64_t append_blocks_max() const { return promises.append_bytes_max / block_bytes; }
  [[nodiscard]] std::uint64_t transfer_blocks_max() const { return promises.transfer_bytes_max / block_bytes; }
};

/// Whether something could be done now: done, to be asked again when a page has come, or never.
struct readiness {
  std::optional<page_need> need;
  const char* fault = nullptr;
  [[nodiscard]] bool ready() const { return !need && fault == nullptr; }
  static readiness yes() { return {}; }
  static readiness wait(page_need n) { return {std::move(n), nullptr}; }
  static readiness no(const char* why) { return {std::nullopt, why}; }
};

}  // namespace furrow::core
