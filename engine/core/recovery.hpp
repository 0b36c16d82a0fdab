// Opens a store: superblock, trees, zone table, journal, write pointers, in this order.
//
// Decision table for bytes of the journal that are no valid group
//   a valid group follows that names the last accepted one as its previous    void: a torn write, skipped
//   a valid group with a later number follows that names another              damage: the store opens read-only at what
//   was accepted none follows                                                              a torn tail: the journal
//   ends here
//
// Decision table for a zone (what the table says x what the device reports)
//   read-only, offline           bad
//   free x empty                 clean
//   free x anything else         dirty: written after the last durable record, so nothing durable is in it
//   used x empty                 clean if nothing lives in it, else damage: the device lost it
//   used x full                  full
//   used x write pointer         closed there: bytes behind what is known are dead; suspect if the pointer is inside a
//   block
//
// Invariants
//   V1  Until the superblock of the new epoch is written nothing on the device is changed but resets of the journal's
//   next zone, so
//       an interrupted recovery is repeated with the same outcome.
//   V2  The state reached is that after a prefix of the publications which contains every durable one.
//
// Not here: what a record does (apply), formatting (formatter).
#pragma once

#include <functional>

#include "core/survey.hpp"
#include "core/tree_node.hpp"
#include "format/group.hpp"
#include "format/zone_header.hpp"

namespace furrow::core {

class recovery final : public io_client {
 public:
  explicit recovery(context& c) : c_{c}, survey_{c}, blocks_{c} {}

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
  void load_index();
  void load_zones();
  void count_pages();
  void enter_zone(zoned::zone_index zone, std::uint64_t generation, std::uint64_t ordinal, std::uint64_t block);
  void read_log();
  void scan();
  bool accept_or_skip(std::span<const std::byte> bytes, std::size_t& used);
  void replay();
  void zone_ended();
  void log_ended();
  void reconcile();
  void reconcile_zone(zone_state& z);
  void start_journal();
  void load_orphans();
  [[nodiscard]] bool make_room();
  void write_epoch();
  void damage(std::string what, zoned::zone_index zone);
  void fail(error_code ec, std::string what, std::optional<zoned::zone_index> zone = {});
  [[nodiscard]] std::uint32_t end_block(const zone_state& z) const;

  context& c_;
  survey survey_;
  block_reader blocks_;
  std::function<void(const outcome&)> call_;
  outcome out_;
  zone_state* room_ = nullptr;
  std::size_t pages_left_ = 0;
  format::key from_;

  // Where the journal is read, and what was read and not yet used.
  zone_state* zone_ = nullptr;
  format::zone_header header_;
  std::uint64_t ordinal_ = 0;
  std::uint64_t read_block_ = 0;
  std::vector<std::byte> bytes_;
  std::size_t at_ = 0;
  bool more_wanted_ = false;
  std::uint64_t number_ = 0;
  std::uint64_t epoch_ = 0;
  format::checksum_field previous_;
  bool gap_ = false;
  std::vector<format::record> records_;
  std::size_t record_ = 0;
};

}  // namespace furrow::core
