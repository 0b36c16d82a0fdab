// What the store knows of each zone: condition, use, live blocks; which may be opened, and who holds an active credit.
//
// States of a zone (`life`) and what moves it
//   superblock   one of the ring zones; never leaves
//   dirty        free, but not empty: to be reset           -> resetting (reclaimer); a conventional zone -> clean
//   resetting    a reset is on its way                      -> clean; if it fails, dirty, and after so many bad
//   clean        free and empty                             -> open (zone_writer), reserved
//   reserved     clean, promised to the journal as its next -> open
//   open         written to                                 -> full | closed | suspect
//   closed       written in part, nobody writes to it       -> open (refilled), freeing
//   suspect      a write failed: drained, reported, padded   -> closed | full | bad (zone_condition.hpp)
//   full         no room left                               -> freeing
//   freeing      nothing lives in it; the free record is on its way to the journal -> dirty when durable
//   bad          not to be written to                       -> freeing never; stays
//
// Conventional zones hold metadata only, which goes there first. They have no write pointer: `next_block` is ours alone,
// and what is behind it is whatever was there before. None of them is ever suspect, resetting, or active.
//
// Invariants
//   I1  live_blocks counts data blocks named by extents at the last publication; live_pages those named by the last
//       durable root or by a running checkpoint.
//   I2  A zone becomes freeing only with live_blocks, live_pages, holds and readers 0, and no journal group before the
//       head in it.
//   I3  active() <= what the device allows, by our own doing. A zone gives its credit back when the device does: full,
//       when its last write has landed and it fills up, else when it is finished; with data in it, when it was reset.
//       Where open zones are fewer than active ones, these are kept within their number too, as far as a store can do
//       with it: a device may refuse to open a closed zone again though another could be closed for it.
//   I4  Those that cleaning may gain from are in victims(): full sequential data zones, dead in part, that no view keeps
//       and that were not set aside. Nothing has to be told of them but what is told of every zone.
//   I5  Nothing here but init() takes longer the more zones there are: zones are linked with those of their life, and what
//       is asked often is counted as it changes.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "core/assert.hpp"
#include "core/limits.hpp"
#include "core/victim_index.hpp"
#include "core/zone_budget.hpp"
#include "format/keys.hpp"
#include "furrow/zoned/geometry.hpp"
#include "furrow/zoned/zone.hpp"

namespace furrow::core {

enum class zone_life : std::uint8_t {
  superblock,
  dirty,
  resetting,
  clean,
  reserved,
  open,
  closed,
  suspect,
  full,
  freeing,
  bad
};
inline constexpr std::size_t zone_lives = 11;

struct zone_state {
  zoned::zone_info device;
  zone_life life = zone_life::clean;
  format::zone_role role = format::zone_role::free;
  format::zone_class cls = format::zone_class::unhinted;
  std::uint8_t failures = 0;         ///< Of writes, since its reset.
  std::uint8_t finishes_failed = 0;  ///< In a row, since its reset.
  std::uint8_t resets_failed = 0;    ///< In a row.
  std::uint8_t reports_failed = 0;   ///< In a row, of a suspect zone.
  std::uint8_t spoiled_uses = 0;     ///< In a row, that ended with zone_failures_max.
  bool considered = false;           ///< Among those that the reclaimer looks at.
  bool credit = false;               ///< The device counts it as active.
  bool entry_changed = false;  ///< The zone tree's entry is to be rewritten by the next checkpoint; by entry_changed().

  std::uint32_t capacity_blocks = 0;
  std::uint32_t next_block = 0;     ///< First block not yet submitted for writing.
  std::uint32_t landed_blocks = 0;  ///< Behind the last block known to have landed.
  std::uint32_t live_blocks = 0;
  std::uint32_t live_pages = 0;
  std::uint32_t holds = 0;    ///< Unpublished ordered extents with a piece here, and commands in flight.
  std::uint32_t readers = 0;  ///< Reads in flight, and runs of views.
  std::uint32_t views = 0;    ///< Runs of views alone.
  std::uint32_t writes = 0;   ///< Appends of data or pages in flight.
  std::uint64_t generation = 0;
  std::uint64_t ordinal = 0;  ///< Of a journal zone; else 0.
  std::uint64_t fill_sequence = 0;
  std::uint64_t write_sequence = 0;

  // The table's own.
  std::uint32_t next = no_zone, previous = no_zone;  ///< Of the same life.
  std::uint32_t settled_blocks = 0;                  ///< What it was counted for when it became full or bad.
  format::zone_role settled_role = format::zone_role::free;
  bool in_metadata = false;
  bool retired = false;   ///< It was read-only or offline once: bad for ever.
  bool draining = false;  ///< Full but for writes on their way, whose end gives its credit back.
  static constexpr std::uint32_t no_zone = ~std::uint32_t{0};

  [[nodiscard]] bool conventional() const { return device.type == zoned::zone_type::conventional; }
  /// Whole blocks in which something may have been written, as the device says; all of a conventional zone.
  [[nodiscard]] std::uint32_t written_blocks() const;
  [[nodiscard]] std::uint32_t room_blocks() const { return capacity_blocks - next_block; }
  /// The device makes it full when its last block is written; else a remainder keeps it active until it is finished.
  [[nodiscard]] bool fills_up() const { return device.capacity_bytes % block_bytes == 0; }
  [[nodiscard]] bool may_finish() const { return finishes_failed < finish_trials_max; }
};

class zone_table {
 public:
  void init(const zoned::geometry& shape, std::vector<zoned::zone_info> report);

  [[nodiscard]] zone_state& operator[](zoned::zone_index z) { return zones_[z.value]; }
  [[nodiscard]] const zone_state& operator[](zoned::zone_index z) const { return zones_[z.value]; }
  [[nodiscard]] zone_state& of(zoned::device_address a) { return zones_[shape_.zone_of(a).value]; }
  [[nodiscard]] std::uint32_t count() const { return shape_.zone_count; }
  [[nodiscard]] std::vector<zone_state>& all() { return zones_; }
  [[nodiscard]] const zoned::geometry& shape() const { return shape_; }

  /// The four ring zones: A's two, then B's two.
  [[nodiscard]] zoned::zone_index ring(std::uint32_t copy, std::uint32_t half) const;
  [[nodiscard]] bool is_ring(zoned::zone_index z) const {
    return z.value < 2 || (z.value + 2 >= full_size_zones_ && z.value < full_size_zones_);
  }

  void set_life(zone_state& z, zone_life life);
  /// One of its writes has come back.
  void drained(zone_state& z);
  /// The device says that it is not active any more.
  void inactive(zone_state& z);
  /// Sequential zones beside the rings that init() found active.
  [[nodiscard]] const std::vector<std::uint32_t>& found_active() const { return found_active_; }
  /// Of a zone as init() left it and the zone tree's entry says: the same as set_life() if it is full and something
  /// lives in it, which is the common case. Else false, and nothing is changed.
  bool restore_full(zone_state& z) {
    const bool lives = z.role == format::zone_role::data && z.live_blocks > 0;
    if (!lives || z.device.condition != zoned::zone_condition::full || z.life != zone_life::bad || z.in_metadata ||
        z.retired || z.settled_role != format::zone_role::free)
      return false;
    z.next_block = z.landed_blocks = z.capacity_blocks;
    z.life = zone_life::full;
    z.settled_role = format::zone_role::data;  // settle(), with what is known
    z.settled_blocks = z.capacity_blocks;
    settled_.data_blocks += z.capacity_blocks - 1;
    ++changes_;
    if (z.live_blocks + 1 < z.capacity_blocks) tell_victims(z);
    return true;
  }
  /// A ring zone has become active, or ceased to be. A pair with a sequential zone always counts for one at least.
  void set_ring_credit(zone_state& z, bool credit);
  /// Full zones that stay active for their remainder, since the last call: to be finished.
  [[nodiscard]] std::vector<zoned::zone_index> take_unfinished() { return std::exchange(unfinished_, {}); }
  /// There are some: they are finished with the next step.
  [[nodiscard]] bool has_unfinished() const { return !unfinished_.empty(); }
  /// To be tried once more.
  void still_unfinished(const zone_state& z) { unfinished_.push_back(z.device.index); }
  /// A clean sequential zone, the one that has been clean for longest; none if there is none.
  [[nodiscard]] zone_state* pick_clean();
  /// A clean zone for metadata: conventional where there is one.
  [[nodiscard]] zone_state* pick_metadata();
  /// A partly written zone of that role and class (any class if none is of it) that may be written on: where no write
  /// has failed, or, if `failed`, where one has; none of `but`.
  [[nodiscard]] zone_state* pick_closed(format::zone_role role, format::zone_class cls, bool failed,
                                        std::span<const std::uint32_t> but = {});
  /// Of the closed zones that can be finished the one to be given up first: where a write has failed. None if there is
  /// none.
  [[nodiscard]] zone_state* pick_to_give_up();

  /// Divides the active zones for a store of so many copies of pages.
  void divide(std::uint32_t page_copies);
  [[nodiscard]] const zone_budget& budget() const { return budget_; }
  /// Metadata keeps to conventional zones: the device has not the active zones to let it have sequential ones as well.
  [[nodiscard]] bool confined() const { return confined_; }
  /// Active zones that a store needs: the rings', one for data, and for metadata if it is not confined.
  [[nodiscard]] std::uint32_t credits_min() const { return zone_budget::least(question()); }

  /// Clean sequential zones.
  [[nodiscard]] std::uint32_t clean_count() const { return lists_[list_of(zone_life::clean)].count; }
  [[nodiscard]] std::uint32_t clean_conventional() const { return lists_[clean_conventional_list].count; }
  /// Zones on their way to be clean.
  [[nodiscard]] std::uint32_t returning_count() const {
    return count_of(zone_life::dirty) + count_of(zone_life::resetting) + count_of(zone_life::freeing);
  }
  [[nodiscard]] std::uint32_t resetting_count() const {
    return count_of(zone_life::dirty) + count_of(zone_life::resetting);
  }
  [[nodiscard]] std::uint32_t metadata_clean() const { return clean_conventional() + (confined_ ? 0 : clean_count()); }
  [[nodiscard]] std::uint32_t metadata_resetting() const {
    return confined_ ? resetting_conventional_ : resetting_count();
  }
  [[nodiscard]] std::uint32_t metadata_returning() const {
    return confined_ ? returning_conventional_ : returning_count();
  }
  [[nodiscard]] std::uint32_t suspect_count() const { return count_of(zone_life::suspect); }
  /// Changes whenever a zone becomes or ceases to be closed, or one that is closed changes its room.
  [[nodiscard]] std::uint64_t closed_changes() const { return closed_changes_; }
  /// Changes whenever a zone's life does.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  [[nodiscard]] std::uint32_t active() const { return active_; }
  /// Zones give their credit back without anybody's doing: writes, or resets, are on their way.
  [[nodiscard]] bool credits_coming() const;
  /// Whether one more zone may become active, and then as many as are kept for others.
  [[nodiscard]] bool may_activate(std::uint32_t kept) const {
    return (!budget_.limit || active_ + kept < *budget_.limit) && (!cap_ || active_ + kept < *cap_);
  }
  /// The device refused one more active zone: others hold what is left. Holds until lift_cap().
  void cap_active();
  void lift_cap();
  [[nodiscard]] bool capped() const { return cap_.has_value(); }
  /// Blocks for content in a zone that is yet to be opened.
  [[nodiscard]] std::uint64_t typical_blocks() const { return typical_blocks_; }
  /// Sequential zones that a store can use, and conventional ones.
  [[nodiscard]] std::uint32_t usable_count() const { return usable_; }
  [[nodiscard]] std::uint32_t usable_conventional() const { return usable_conventional_; }
  /// Beside the rings, and as large as each zone is counted. A last zone that is smaller than the others is not.
  [[nodiscard]] bool is_usable(const zone_state& z) const {
    return !is_ring(z.device.index) && typical_blocks_ > 0 && z.capacity_blocks > typical_blocks_;
  }

  /// Calls for the zones of one life (not superblock, full or bad) until `call` returns false. It may change the life of
  /// the zone it is called for.
  template <class Call>
  void for_life(zone_life life, Call call) {
    FURROW_ASSERT(is_linked(life));
    for (std::uint32_t i = lists_[list_of(life)].first; i != zone_state::no_zone;) {
      zone_state& z = zones_[i];
      i = z.next;
      if (!call(z)) return;
    }
  }
  /// Zones that metadata has, and those kept for the journal.
  [[nodiscard]] const std::set<std::uint32_t>& metadata() const { return metadata_; }
  /// Sequential ones of them.
  [[nodiscard]] std::uint32_t metadata_sequential() const { return metadata_sequential_; }

  /// Blocks of the zone became live, or died: its entry is to be rewritten.
  void add_live(zone_state& z, std::uint32_t blocks);
  void drop_live(zone_state& z, std::uint32_t blocks);
  /// What the zone's entry says.
  void restore_live(zone_state& z, std::uint32_t blocks) {
    live_blocks_ += std::uint64_t{blocks} - std::exchange(z.live_blocks, blocks);
  }
  void entry_changed(zone_state& z);

  /// What may be cleaned (I4).
  [[nodiscard]] const victim_index& victims() const { return victims_; }
  /// Cleaning it gains nothing now: not in victims() until a block of it becomes live or dies.
  void set_aside(const zone_state& z) {
    if (victims_.contains(z.device.index)) victims_.remove(z.device.index);
  }
  void reconsider(const zone_state& z) { tell_victims(z); }
  /// A view begins or ends to keep a run of the zone.
  void add_view(zone_state& z) {
    ++z.readers;
    if (++z.views == 1) set_aside(z);
  }
  void drop_view(zone_state& z) {
    --z.readers;
    if (--z.views == 0) tell_victims(z);
  }
  /// Zones whose entry is to be rewritten, since take_changed().
  [[nodiscard]] const std::vector<std::uint32_t>& changed() const { return changed_; }
  [[nodiscard]] std::vector<std::uint32_t> take_changed();

  struct use {
    std::uint64_t live_blocks = 0;      ///< Of data.
    std::uint64_t data_blocks = 0;      ///< Written to data zones, but for their headers.
    std::uint64_t metadata_blocks = 0;  ///< Written to metadata zones.
    [[nodiscard]] std::uint64_t dead_blocks() const { return data_blocks - std::min(data_blocks, live_blocks); }
  };
  [[nodiscard]] use count_use() const;

 private:
  struct zone_list {
    std::uint32_t first = zone_state::no_zone, last = zone_state::no_zone;
    std::uint32_t count = 0;
  };
  static constexpr std::size_t clean_conventional_list = zone_lives;
  [[nodiscard]] static constexpr std::size_t list_of(zone_life life) { return static_cast<std::size_t>(life); }
  [[nodiscard]] static std::size_t list_of(const zone_state& z) {
    return z.life == zone_life::clean && z.conventional() ? clean_conventional_list : list_of(z.life);
  }
  [[nodiscard]] std::uint32_t count_of(zone_life life) const { return lists_[list_of(life)].count; }
  [[nodiscard]] static bool is_linked(zone_life life) {
    return life != zone_life::superblock && life != zone_life::full && life != zone_life::bad;
  }
  void link(zone_state& z);
  void unlink(zone_state& z);
  void settle(zone_state& z) {
    z.settled_role = z.role;
    z.settled_blocks = z.next_block;
    add_use(settled_, z.settled_role, z.settled_blocks);
  }
  void unsettle(zone_state& z);
  void tell_victims(const zone_state& z);
  void note_metadata(const zone_state& z);
  static void add_use(use& to, format::zone_role role, std::uint32_t next_block) {
    if (role == format::zone_role::data) to.data_blocks += next_block > 0 ? next_block - 1 : 0;
    if (role == format::zone_role::metadata) to.metadata_blocks += next_block;
  }
  void set_credit(zone_state& z, bool credit);
  void note_draining(zone_state& z);
  [[nodiscard]] budget_question question() const;
  [[nodiscard]] std::uint32_t ring_credits(std::uint32_t copy) const;

  zoned::geometry shape_;
  zone_budget budget_;
  std::optional<std::uint32_t> cap_;
  std::vector<zone_state> zones_;
  std::uint32_t full_size_zones_ = 0;
  std::array<zone_list, zone_lives + 1> lists_;
  std::uint32_t returning_conventional_ = 0, resetting_conventional_ = 0, active_ = 0, draining_ = 0, usable_ = 0,
                usable_conventional_ = 0;
  std::uint32_t page_copies_ = 1;
  bool confined_ = false;
  std::set<std::uint32_t> metadata_;
  std::uint32_t metadata_sequential_ = 0;  // of metadata_
  std::vector<std::uint32_t> changed_, found_active_;
  victim_index victims_;
  use settled_;  ///< Of full and bad zones.
  std::uint64_t live_blocks_ = 0;
  std::vector<zoned::zone_index> unfinished_;
  std::uint64_t closed_changes_ = 0;
  std::uint64_t changes_ = 0;
  std::uint64_t typical_blocks_ = 0;
};

}  // namespace furrow::core
