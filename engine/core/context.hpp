// What all machines of one store share: the device's shape, the trees, the zones, the order of publications, the way
// out.
//
// Invariants
//   I1  `sequence` is the last publication's; only publish() raises it, and applies and journals what it numbers.
//   I2  Once `latch` is set nothing more is written; reads go on.
//
// Not here: any decision. Each machine owns its own.
#pragma once

#include <functional>
#include <memory>

#include "core/assert.hpp"
#include "core/buffer.hpp"
#include "core/collections.hpp"
#include "core/fifo.hpp"
#include "core/io.hpp"
#include "core/messages.hpp"
#include "core/ordered_extent.hpp"
#include "core/page_tree.hpp"
#include "core/placement.hpp"
#include "core/zone_table.hpp"
#include "format/record.hpp"
#include "format/superblock.hpp"
#include "furrow/zoned/guarantees.hpp"

namespace furrow::core {

class appender;
class applier;
class checkpointer;
class cleaner;
class data_writer;
class direct_writer;
class evacuation;
class journal;
class object_table;
class page_reader;
class publisher;
class reclaimer;
class salvager;
class superblock_ring;
class zone_opener;

/// Notifications on their way out, in the order of their making; of appends and reads that succeeded, in lots. Who has
/// gone is used again as it is: its result is assigned to; one that failed or held memory is made empty when it goes.
class outbox {
 public:
  /// Without a detail, and with what result there was. Holds until the next call.
  notification& add(operation_id id, error_code error) {
    if (count_ == all_.size()) all_.emplace_back();
    notification& n = all_[count_++];
    n.id = id;
    n.error = error;
    return n;
  }
  /// Those that follow one another are one notification.
  void add(const io_answer& a) {
    ios_.push_back(a);
    if (first_ < count_ && std::holds_alternative<io_answers>(all_[count_ - 1].result)) return;
    add({}, {}).result = io_answers{ios_.size() - 1, {}};
  }
  /// The oldest, or none.
  [[nodiscard]] notification* front() {
    if (first_ == count_) return nullptr;
    notification& n = all_[first_];
    if (auto* const several = std::get_if<io_answers>(&n.result)) several->all = waiting(*several);
    return &n;
  }
  void pop() {
    notification& gone = all_[first_++];
    const bool plain = std::holds_alternative<append_result>(gone.result) ||
                       std::holds_alternative<read_result>(gone.result) ||
                       std::holds_alternative<io_answers>(gone.result);
    if (gone.error || !plain) gone = {};
    if (first_ < count_) return;
    added_before_ += count_ + ios_.size();
    first_ = count_ = 0;
    ios_.clear();
  }
  /// The oldest answer, by itself; false if there is none.
  [[nodiscard]] bool take_one(notification& to) {
    notification* const n = front();
    if (n == nullptr) return false;
    auto* const several = std::get_if<io_answers>(&n->result);
    if (several == nullptr) {
      to = std::move(*n);
      pop();
      return true;
    }
    const io_answer a = several->all.front();
    ++several->first;
    if (several->all.size() == 1) pop();
    to = {a.id, {}, {}, a.is_read ? result_body{read_result{a.result.bytes}} : result_body{a.result}};
    return true;
  }
  /// Grows with each.
  [[nodiscard]] std::uint64_t added() const { return added_before_ + count_ + ios_.size(); }

 private:
  /// Up to those of the next notification of that kind, which begins where this one ends.
  [[nodiscard]] std::span<const io_answer> waiting(const io_answers& n) const {
    std::size_t end = ios_.size();
    for (std::size_t i = first_ + 1; i < count_; ++i)
      if (const auto* const next = std::get_if<io_answers>(&all_[i].result)) {
        end = next->first;
        break;
      }
    return std::span{ios_}.subspan(n.first, end - n.first);
  }

  std::vector<notification> all_;
  std::vector<io_answer> ios_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::uint64_t added_before_ = 0;
};

struct context {
  zoned::geometry shape;
  zoned::guarantees promises;
  store_options options;

  zone_table zones;
  collection_table collections;
  placement place;
  std::unique_ptr<page_tree> objects;
  std::unique_ptr<page_tree> zone_pages;
  format::superblock super;  ///< As last written, or about to be; `written` is as of the open.
  io_table io;
  buffer_pool buffers;
  extent_pool extents{buffers};
  statistics stats;
  outbox out;

  std::uint64_t sequence = 0;
  std::uint64_t turn = 0;  ///< Counts calls into the core: the time of the page cache.
  /// About what the records take that are not yet in the journal: of what is published, and of what is written to be.
  std::uint64_t to_journal_bytes = 0;
  std::uint64_t turn_settled = 0;  ///< Raised whenever the machines were asked to go on.
  std::int64_t now_ns = 0;
  bool closing = false;
  bool read_only = false;
  bool damaged = false;                 ///< Something that was told of as damage.
  bool damaged_at_open = false;         ///< The same when it was opened: of the journal, or a zone.
  std::uint64_t journal_lost_from = 0;  ///< Sequence from which on publications are lost with a zone of the journal.
  bool keeps_zones = false;             ///< What lives is not known (for_repair): no zone may be reset.
  bool debug_no_split = false;
  error_code latch;

  appender* append = nullptr;
  applier* apply = nullptr;
  checkpointer* checkpoint = nullptr;
  cleaner* clean = nullptr;
  data_writer* data = nullptr;
  direct_writer* direct = nullptr;
  evacuation* evacuate = nullptr;
  journal* log = nullptr;
  object_table* table = nullptr;
  page_reader* pages = nullptr;
  publisher* publish_queue = nullptr;
  reclaimer* reclaim = nullptr;
  salvager* salvage = nullptr;
  superblock_ring* ring = nullptr;
  zone_opener* opener = nullptr;

  /// Whether nobody may change what the store holds.
  [[nodiscard]] bool refuses_changes() const { return read_only || options.for_repair; }
  /// Whether data have sums.
  [[nodiscard]] bool keeps_sums() const { return super.data_checksum != format::checksum_kind::none; }
  /// Whether it can be found out what of a failed append has landed: its place is known, and its sums.
  [[nodiscard]] bool can_compare_landed() const { return !promises.native_append && keeps_sums(); }
  [[nodiscard]] page_tree& tree(format::page_kind kind) {
    return kind == format::page_kind::object ? *objects : *zone_pages;
  }
  void hold_trees(bool on) {
    objects->hold(on);
    zone_pages->hold(on);
  }
  void answer(operation_id id, error_code error) { out.add(id, told(error)).result = std::monostate{}; }
  template <class Result>
  void answer(operation_id id, error_code error, Result&& result) {
    out.add(id, told(error)).result = std::forward<Result>(result);
  }
  void answer(operation_id id, error_code error, result_body result, error_detail detail) {
    notification& n = out.add(id, told(error));
    n.result = std::move(result);
    n.detail = std::move(detail);
  }
  /// Of a store that another process is writing, what does not verify says that it has moved on.
  [[nodiscard]] error_code told(error_code error) const {
    return error && options.live && does_not_verify(error) ? error_code{errc::moved_on} : error;
  }
  [[nodiscard]] static bool does_not_verify(error_code error);
  void emit(event::kind what, error_detail detail = {}) {
    damaged = damaged || what == event::kind::damage;
    out.add({}, {}).result = event{what, std::move(detail)};
  }
  /// Tells that a zone is not what it was; as damage if it lost what something points at.
  void emit_zone(zone_change change, error_code cause = {}, bool damage = false);
  /// Gives one publication its sequence, applies it and journals it. Its pages were prepared in this turn.
  std::uint64_t publish(const std::vector<format::record_body>& bodies);
  /// The outcome of something is unknown: nothing more is written, all that waits for durability fails. The way out is
  /// reopening.
  void set_latch(const char* why, std::optional<zoned::zone_index> zone = {});

  /// What the zone of a written block tells of it.
  [[nodiscard]] written_place written_at(zoned::device_address a) const;
  /// A command that puts `segments` at `offset_bytes` of a zone; where there is a write pointer, at that.
  [[nodiscard]] static io_table::ask put(const zone_state& z, std::uint64_t offset_bytes, memory_of_command segments);
  /// Whether the zone takes one more of them now.
  [[nodiscard]] bool takes_write(const zone_state& z) const {
    return z.conventional() || z.writes < promises.appends_per_zone_max;
  }

  /// What was written since the store was formatted.
  [[nodiscard]] format::written_totals written() const;

  [[nodiscard]] std::uint64_t append_blocks_max() const { return promises.append_bytes_max / block_bytes; }
  [[nodiscard]] std::uint64_t transfer_blocks_max() const { return promises.transfer_bytes_max / block_bytes; }
};

/// Whether something could be done now: done, to be asked again when a page has come, or never.
struct readiness {
  maybe_need need;
  const char* fault = nullptr;
  [[nodiscard]] bool ready() const { return !need && fault == nullptr; }
  static readiness yes() { return {}; }
  static readiness wait(page_need n) { return {std::move(n), nullptr}; }
  static readiness no(const char* why) { return {std::nullopt, why}; }
};

}  // namespace furrow::core
