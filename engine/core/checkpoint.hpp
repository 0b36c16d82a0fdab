// Writes what changed in the trees since the last checkpoint to pages, then a superblock that names them, so that the
// log can be cut.
//
// States
//   idle         -> preparing (there is journal enough, or somebody asks)
//   preparing    zone entries go into the zone tree, live pages of the emptiest page zones are marked for rewriting; then, in
//                one turn: the sequence is noted, both trees are frozen, the journal is asked to cut behind it -> pages
//   pages        dirty nodes of the snapshot are written, level by level, leaves first, every copy -> settling
//   settling     the cut is durable, so are the roles of the zones that the pages lie in, and the pages are flushed
//                -> superblock
//   superblock   both copies -> idle: superseded pages die, journal zones before the cut may go
//
// Invariants
//   C1  The superblock is written after everything it names is durable.
//   C2  A superseded page is counted as live until a root that does not name it is durable.
//   C3  Foreground work goes on meanwhile, on clones of the frozen nodes; it never waits for a checkpoint.
//   C4  Data leave more clean zones than a checkpoint may take: to be without room for data is not to be without room for
//       names. Only moves may take one of those, as they bring it back.
//   C5  A page that is cut off inside a block of the zone shared with the journal is padded there to the block's end, while
//       nobody else writes to it, one at a time: a small store would lose a zone with each.
//   C6  Of the zones left to the journal one goes to pages when else the checkpoint could not end: it brings back more
//       (a repair's does not).
//   C7  Pages of a checkpoint that is cut by a loss of power keep the journal's zone until one ends, and each that is cut
//       takes more. So where zones are scarce the first one that ends after an open without a clean mark writes its first
//       copies to a zone of their own, which the next open frees at once; the credit for it is given up by data that nobody
//       has room promised in. It shares the journal's zone as ever if there is no credit, or no zone, for it or for second
//       copies.
//   C8  The two copies of a page lie in two zones: a zone that one copy was written to is taken up again for the other by a
//       later checkpoint only; by this one if it could not end otherwise.
//
// Not here: freeing zones (reclaimer).
#pragma once

#include <functional>
#include <list>
#include <unordered_map>

#include "core/zone_opener.hpp"

namespace furrow::core {

class checkpointer final : public io_client {
 public:
  explicit checkpointer(context& c) : c_{c} {}

  /// Bounds that follow from the device and the options; to be called once zones and trees are known.
  void configure();
  void step();
  /// Calls once a checkpoint of everything published until now is durable. clean: the superblock carries the clean
  /// mark.
  void request(bool clean, std::function<void(error_code)> call);
  /// Between checkpoints: gives up a page zone that is open; false if there is none.
  bool close_idle();
  [[nodiscard]] bool idle() const { return state_ == state::idle; }
  [[nodiscard]] bool writing() const { return !sent_.empty() || padded_ != nullptr; }
  /// Nobody may write to the zone now (C5).
  [[nodiscard]] bool pads(const zone_state& z) const { return padded_ == &z; }
  /// Changes with whatever it does; added to counters below 2^40, no change is hidden by theirs.
  [[nodiscard]] std::uint64_t progress() const {
    return static_cast<std::uint64_t>(state_) << 56 | std::uint64_t{asked_.size()} << 40;
  }
  [[nodiscard]] bool served() const { return asked_.empty() && serving_.empty(); }
  void io_done(std::uint64_t tag, const zoned::completion& c) override;

  /// Clean zones kept back from data: for the journal up to its cap, and for rewriting pages.
  [[nodiscard]] std::uint32_t reserve_zones() const;
  /// Whether there may be more metadata: what is dropped always may.
  [[nodiscard]] bool room() const;
  /// The same for records of moves, which bring back more than they take: they may take the last zone before it.
  [[nodiscard]] bool room_for_moves() const;
  /// Where there is no room: whether a checkpoint that may make some is running, or begins now. Not for ever.
  [[nodiscard]] bool relieve();
  /// Clean zones that the next checkpoint may take, with the journal's.
  [[nodiscard]] std::uint32_t rewrite_zones() const;
  /// Those, and what removing takes while sparse page zones are being emptied.
  [[nodiscard]] std::uint32_t kept_zones() const;
  [[nodiscard]] std::uint64_t head_ordinal() const { return c_.super.journal.zone_ordinal; }

 private:
  enum class state : std::uint8_t { idle, preparing, pages, settling, superblock };
  /// Pages on their way to all their places.
  struct job {
    format::page_kind kind{};
    std::vector<node_ptr> nodes;
    std::vector<format::page_ref> refs;
    buffer pages;
    std::size_t landed[2] = {0, 0};  ///< By copy, from the front.
    std::uint32_t attempts = 0;
  };
  struct part {
    std::list<job>::iterator of;
    std::uint32_t copy = 0;
    std::size_t from = 0;
    std::size_t count = 0;
    zone_state* zone = nullptr;
    bool waiting = true;  ///< For a zone with room and a free slot.
  };
  struct frozen {
    tree_snapshot snapshot;
    bool frozen = false;
    std::vector<format::page_ref> dying;
    std::uint8_t level = 0;
    bool done = false;
    std::vector<node_ptr> nodes;
    std::size_t next = 0;
  };

  /// Whether there is journal enough for one.
  [[nodiscard]] bool due() const;
  void prepare();
  readiness prepare_entries();
  readiness prepare_accounts();
  void choose_rewrites();
  readiness rewrite_chosen();
  void freeze();
  void write_pages();
  bool make_job(frozen& f, page_tree& tree);
  void send_parts();
  bool send(part& p, std::uint64_t tag);
  zone_state* zone_for(std::uint32_t copy);
  bool leave_apart_zone();
  [[nodiscard]] std::uint64_t room_in_need(std::uint64_t dirty, std::uint64_t clean) const;
  /// The first copies of pages go to the journal's zone.
  [[nodiscard]] bool shares_zone() const { return !apart_ && !c_.zones.budget().journal_apart; }
  /// `beside_other`: perhaps a zone that holds the other copy (C8).
  [[nodiscard]] bool open_for_pages(std::uint32_t copy, bool beside_other);
  void tell_hopeless(bool refused);
  /// None is clean but those left to the journal, and none is on its way to be.
  [[nodiscard]] bool is_short_of_zones() const;
  void part_done(part p, const zoned::completion& c);
  void wear_out(zone_state& z);
  void cut_off(zone_state& z, const zoned::completion& c);
  void pad(zone_state& z, std::uint64_t written_bytes);
  void padding_done(const zoned::completion& c);
  void job_done(std::list<job>::iterator it);
  void settle();
  void write_superblock();
  void finish(error_code ec);

  context& c_;
  state state_ = state::idle;
  std::uint64_t cap_bytes_ = 0;
  std::uint32_t relief_ = 0;
  bool unclean_ = false;  ///< The open found no clean mark, and no checkpoint has ended since.
  bool apart_ = false;    ///< C7, by the one that runs.
  open_zone streams_[2];
  std::vector<std::uint32_t> taken_[2];  ///< Zones in which pages of the copy have landed in this checkpoint (C8).

  bool chosen_ = false;
  std::vector<page_need> to_rewrite_;  ///< One that has changed since it was chosen lies elsewhere already.

  frozen trees_[2];
  std::list<job> jobs_;
  std::list<part> parts_;
  std::uint64_t next_tag_ = 1;
  std::unordered_map<std::uint64_t, part> sent_;
  zone_state* padded_ = nullptr;
  buffer padding_;

  std::optional<format::journal_head> cut_;
  std::uint64_t cut_bytes_ = 0;
  bool roles_durable_ = false;
  format::superblock next_;
  struct waiter {
    bool clean = false;
    std::function<void(error_code)> call;
  };
  std::vector<waiter> asked_;    // for the next one
  std::vector<waiter> serving_;  // by the one that runs
};

}  // namespace furrow::core
