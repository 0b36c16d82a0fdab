// Opens a store: superblock, trees, zone table, journal, write pointers, in this order.
//
// Decision table for a zone (what the table says x what the device reports)
//   read-only, offline           bad, and for ever
//   was so once x not empty      the same
//   free x empty                 clean
//   free x anything else         dirty: written after the last durable record, so nothing durable is in it
//   used x empty                 clean if nothing lives in it, else damage: the device lost it
//   used x full                  full
//   used x write pointer         closed there: bytes behind what is known are dead; suspect if the pointer is inside
//                                a block
//
// Conventional zones (they hold metadata, and the device tells nothing of them)
//   free                         clean, whatever is in it: nothing durable names it
//   used                         closed behind the last group of the chain and the last page that the trees name; full if
//                                there is no room. What is behind was never durable, or is dead, and may be written over
//
// A zone of the journal that is offline ends the replay: the store is opened read-only as it was before, and it is told from
// which sequence on publications are lost, and up to which they were in that zone.
//
// Invariants
//   V1  Until the superblock of the new epoch is written nothing is changed on the device, but that the journal's next
//       zone and free ones are reset and partly written ones finished; so an interrupted recovery is repeated with the
//       same outcome.
//       What they are made from is flushed before: what an open found, later opens find.
//   V2  The state reached is that after a prefix of the publications which contains every durable one.
//
// Not here: finding the journal (journal_scan), what a record does (apply), formatting (formatter).
#pragma once

#include <array>
#include <functional>

#include "core/journal_scan.hpp"
#include "core/lost_journal.hpp"
#include "core/replay_batch.hpp"
#include "core/survey.hpp"
#include "core/tree_node.hpp"

namespace furrow::core {

class recovery final : public io_client {
 public:
  explicit recovery(context& c) : c_{c}, survey_{c}, scan_{c}, lost_{c}, blocks_{c}, batch_{c} {}

  struct outcome {
    error_code error;
    error_detail detail;
    std::uint64_t groups = 0;
    std::uint64_t records = 0;
  };
  void start(std::function<void(const outcome&)> call);
  void io_done(std::uint64_t tag, const zoned::completion& c) override;

 private:
  void surveyed(error_code ec, const std::string& why);
  [[nodiscard]] bool lies_outside(const format::page_ref& page) const;
  void load_index();
  void load_collections();
  void load_zones();
  [[nodiscard]] bool load_zone(zoned::zone_index zone, format::value_view value);
  void count_pages();
  void replay();
  void replay_group();
  void replay_records();
  void count_groups(std::size_t groups);
  [[nodiscard]] bool replay_one(std::uint64_t sequence, const format::record_body& body, std::size_t group);
  [[nodiscard]] bool drained(void (recovery::*then)());
  void drain(void (recovery::*then)());
  [[nodiscard]] bool drain_more();
  void go_on_draining();
  void load_ahead(const page_need& first);
  void load(const std::vector<page_need>& needs, std::function<void(error_code)> call);
  void fetch_ahead();
  void contradiction(std::string what, std::size_t group);
  void contradicted();
  void unreadable();
  void tell_lost();
  void reconcile();
  void look_behind_pointers(std::size_t first);
  void reconcile_zone(zone_state& z);
  void reconcile_conventional(zone_state& z);
  void start_journal();
  void load_orphans();
  void add_orphan(object_id id, collection_id collection);
  [[nodiscard]] bool make_room();
  void write_epoch();
  void flushed();
  void damage(std::string what, zoned::zone_index zone);
  void fail(error_code ec, std::string what, std::optional<zoned::zone_index> zone = {});

  context& c_;
  survey survey_;
  journal_scan scan_;
  lost_journal lost_;
  std::optional<std::uint64_t> behind_lost_;  ///< The first sequence behind a zone of the journal that is lost.
  block_reader blocks_;
  std::function<void(const outcome&)> call_;
  outcome out_;
  zone_state* room_ = nullptr;
  std::size_t pages_left_ = 0;
  format::key from_;

  std::size_t group_ = 0, group_end_ = 0;  // of the chain: the next one, and behind what bytes_ holds
  std::size_t groups_read_ = 0;            ///< Of which the records were decoded, and perhaps only gathered.
  std::span<const std::byte> bytes_;       ///< As blocks_ has them until its next read.
  std::size_t at_ = 0;
  std::uint64_t record_bytes_left_ = 0;  ///< Of groups from group_ on.
  std::vector<format::record> records_;  ///< Of a group, with memory of groups before.
  std::size_t record_ = 0, record_end_ = 0;
  replay_batch batch_;
  void (recovery::*after_drain_)() = nullptr;  ///< Set: what was gathered is being applied.
  struct {
    std::string what;
    std::size_t group = 0;
  } contradicts_;
  std::function<void(error_code)> loaded_;
  error_code load_error_, journal_error_;
  std::array<page_tree::leaf_hint, 16> ahead_;  ///< Of the records from record_ on, at their number.
};

}  // namespace furrow::core
