// Brings space back: drops the extents of removed objects, frees zones in which nothing lives, resets them, and decides
// what a zone is after a write to it failed.
//
// Invariants
//   F1  A zone is reset only after the record that frees it is durable, and when nothing reads it or holds it.
//   F2  A removal is dropped in records of at most drop_extents_max extents, its last one ending the object.
//   F3  Resets and finishes are never in the path of an append: at most resets_in_flight_max resets, from step().
//   F4  An empty zone is not reset, nor a conventional one.
//   F5  A zone whose write pointer is inside a block is padded to the block's end and used again; but not one of the
//       journal's, where what is padded could make a whole group of one that was cut off and written anew elsewhere: there
//       only who knows what was cut off pads it.
//   F6  A zone becomes bad without a command to it only when it was reported so, or when nothing lives in it.
//   F7  One that was read-only or offline is freed like others when nothing lives in it, and is bad then.
//
// Not here: what makes blocks dead (apply), moving live ones.
#pragma once

#include <deque>
#include <functional>
#include <unordered_map>

#include "core/context.hpp"

namespace furrow::core {

class reclaimer final : public io_client {
 public:
  explicit reclaimer(context& c) : c_{c} {}

  /// The object was removed and nobody has it open any more.
  void drop_object(object_id id, collection_id collection);
  /// Something that kept the zone from being freed is gone, perhaps the last thing.
  void consider(zone_state& z);
  /// Journal zones before the new head, and pages that died, may go.
  void checkpoint_done();
  /// A zone that has become bad may still be active: it is finished.
  void give_credit_back(zone_state& z);
  /// Whether the device may have one active zone less without anybody's doing: something is on its way, and that does
  /// not wait for the journal, if it is that which asks.
  [[nodiscard]] bool credit_coming(bool for_journal) const;
  /// A zone that keeps its credit because it cannot be finished, if there is one.
  [[nodiscard]] std::optional<zoned::zone_index> unfinished() const;
  /// Metadata needs an active credit and there is none: a partly written zone that nobody writes to is finished for it;
  /// if there is none, one is closed. False: there is nothing to give up. `awaited`: operations of users wait for it.
  bool give_up_closed(bool awaited);
  /// For the journal, which has no zone for the record that a freed zone waits for: it is finished first, if one may be.
  bool give_up_freeing();
  /// A command to the zone failed: looks whether the device has made it read-only or offline, then calls.
  void inquire(zone_state& z, std::function<void()> then);
  /// `awaited`: while it closes, somebody still waits for what was removed.
  void step(bool awaited);
  /// Extents of removed objects and doomed ranges are still to be dropped.
  [[nodiscard]] bool dropping() const { return !drops_.empty(); }
  [[nodiscard]] bool busy() const { return !drops_.empty() || freeing_ > 0 || resets_ > 0; }
  /// Whether a zone in which nothing is left waits only for reads to end; not those that a view keeps.
  [[nodiscard]] bool waits_for_reads() const;
  /// Whether somebody's hold of a zone or an object may keep it from going on.
  [[nodiscard]] bool waits_for_zones() const {
    return !candidates_.empty() || c_.zones.returning_count() > 0 || busy();
  }
  [[nodiscard]] std::uint64_t closed_data_room() const;
  void io_done(std::uint64_t tag, const zoned::completion& c) override;

 private:
  void drop_some();
  void forget_drops();
  void end_drop();
  readiness collect(object_id id, format::drop_record& to);
  [[nodiscard]] bool freeable(const zone_state& z) const;
  void free_zone(zone_state& z);
  void reset_some();
  void reset_done(zone_state& z, error_code ec);
  void resolve_suspects();
  void finish_remainders();
  void finish_remainder(zone_state& z);
  void report_done(zone_state& z, const zoned::completion& c);
  void inquiry_done(zone_state& z, const zoned::completion& c);
  void retire_or(zone_state& z, zone_life life);
  void align(zone_state& z);
  void align_done(zone_state& z, const zoned::completion& c);
  void finish(zone_state& z);
  void submit_finish(zone_state& z, std::uint64_t tag);
  void finish_ended();
  void finish_done(zone_state& z, error_code ec);
  void remainder_done(zone_state& z, error_code ec);
  void note_unfinished(zone_state& z, error_code ec);

  context& c_;
  struct drop {
    object_id object = 0;
    collection_id collection = default_collection;
  };
  std::deque<drop> drops_;
  bool dropping_ = false;
  std::vector<std::uint32_t> candidates_;
  std::uint32_t freeing_ = 0;
  std::uint32_t resets_ = 0;
  std::uint32_t remainders_ = 0;  // finishes of full zones, of bad ones, and of those that are to be freed
  std::uint32_t finishes_ = 0;    // all that are under way
  bool awaited_ = false;          // somebody waits for them
  std::optional<zoned::zone_index> unfinished_;
  struct inquiry {
    zoned::zone_info info;
    buffer padding;  ///< While the write pointer is moved to the end of its block.
  };
  std::unordered_map<std::uint32_t, inquiry> reports_;  // by zone; of suspects
  struct question {
    zoned::zone_info info;
    std::vector<std::function<void()>> then;
  };
  std::unordered_map<std::uint32_t, question> questions_;  // by zone; of others
  mutable std::uint64_t closed_seen_ = ~std::uint64_t{0};
  mutable std::uint64_t closed_room_ = 0;
};

}  // namespace furrow::core
