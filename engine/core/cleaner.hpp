// Makes whole zones free of those that are dead in part: moves what lives in a zone elsewhere, and leaves the zone to the
// reclaimer.
//
// States of a zone being cleaned
//   scanning   its runs are read in block order, and who names them is found                       -> moving
//   moving     batches of live blocks are read, verified and written as ordered extents, of which each publishes a move
//                                              -> done; scanning again, if blocks with more names than one record has are left
//   done       nothing lives in it: the reclaimer frees it; or something was left: it is left alone until more of it dies
//
// Invariants
//   C1  One zone at a time, a full one, or one that takes no more writes (evacuation), held from beginning to end: it is not freed, and what its blocks are does not change.
//   C2  At most batches_max batches are in flight, each of at most one command; their room is taken before they are read.
//   C3  A block whose sum does not hold is not moved: it is told as damage, and its zone is left.
//   C4  A full zone is begun only if it has dead blocks, no view keeps it, and what lives in it fits in the room that there is,
//       of which the last zone's worth is for nobody else. So each zone that is cleaned brings more than it took.
//   C5  Nothing waits for a move but who has no room: it is in no object's queue.
//   C6  A zone that was left with something in it is not begun again before more of it has died, a view of it has ended, or,
//       if the cause may pass, before other zones have changed. For want of room none is left.
//   C7  Looking for a zone takes no longer the more there are: the index of victims has those alone of which something may
//       be gained, and a look that found only such as somebody holds is begun anew with the next step().
//   C8  While users write, and zones are left for them, one short batch is in flight, begun when no data are on their way to the
//       device, or when users have written some times as much.
//   C9  It ends: where cleaning brings nothing, as of zones that all fail early, who waits for room is refused, and nothing more
//       is cleaned for want of room. Who is refused, and who asks for cleaning, leaves one round for the next.
//
// Not here: which names a block has (back_references), the record (publisher), freeing and resetting (reclaimer).
#pragma once

#include <deque>
#include <memory>

#include "core/back_references.hpp"
#include "core/publisher.hpp"
#include "core/reader.hpp"

namespace furrow::core {

class cleaner {
 public:
  cleaner(context& c, reader& r) : c_{c}, reader_{r}, who_{c} {}

  /// Cleans until so large a share of the capacity is free, or nothing can be won any more.
  void accept(operation_id id, const clean_request& r);
  /// True if it was waiting.
  bool cancel(operation_id id, error_code reason);
  /// Somebody lacks room for so many blocks: whether cleaning may bring it; then it begins with the next step().
  [[nodiscard]] bool could_bring(std::uint64_t blocks);
  /// Somebody was refused for want of room.
  void refused();
  void step();
  [[nodiscard]] bool busy() const { return victim_ != nullptr; }
  [[nodiscard]] bool cleans(const zone_state& z) const { return victim_ == &z; }
  [[nodiscard]] bool idle() const { return victim_ == nullptr && requests_.empty(); }
  /// Changes with all that it does.
  [[nodiscard]] std::uint64_t progress() const { return progress_; }

 private:
  using parts = std::vector<move_step::part>;
  struct batch {
    parts from;
    std::uint64_t blocks = 0;
    buffer memory;
  };
  using batch_ptr = std::shared_ptr<batch>;
  enum class need : std::uint8_t { none, background, asked };
  struct waiting {
    operation_id id;
    clean_request what;
    clean_result result;
  };

  [[nodiscard]] bool may_work() const;
  [[nodiscard]] bool in_vain();
  void note_users();
  [[nodiscard]] need wanted();
  [[nodiscard]] std::uint64_t free_bytes(bool soon) const;
  [[nodiscard]] bool reached(const waiting& w, bool soon) const;
  void answer_reached(bool hopeless);
  [[nodiscard]] bool any_gains(std::uint64_t room) const;
  void reconsider_left();
  /// For moves, which metadata must have room for too.
  [[nodiscard]] std::uint64_t room() const;
  /// With fewer changed pages metadata is to have less left: whether a checkpoint is running that may bring room for what
  /// could be won with it. Not for ever.
  [[nodiscard]] bool relieve();
  [[nodiscard]] zone_state* pick(need why);
  void begin(zone_state& z);
  void advance();
  /// The next batch; none if there is nothing more, or it waits for a page.
  [[nodiscard]] batch_ptr next_batch();
  void scan(std::size_t names_most);
  [[nodiscard]] std::size_t names_most() const;
  /// Of blocks that more extents name than one record has, those that are left are moved to a copy of their own, and so on:
  /// whether to begin again with the first of these blocks.
  [[nodiscard]] bool goes_round();
  [[nodiscard]] bool may_copy() const;
  void read(batch_ptr b);
  void read_failed(const batch& b, error_code ec);
  void write(batch& b);
  void moved(error_code ec);
  void end();
  [[nodiscard]] std::uint32_t zones_kept() const;
  [[nodiscard]] std::uint32_t zones_ahead() const;
  [[nodiscard]] std::uint32_t zones_to_come() const;
  [[nodiscard]] bool gives_way();
  [[nodiscard]] std::uint64_t batch_blocks_max() const;
  [[nodiscard]] static batch_ptr batch_of(parts from);

  context& c_;
  reader& reader_;
  back_references who_;
  std::deque<waiting> requests_;
  bool asked_ = false;  ///< Somebody has no room.
  std::uint64_t progress_ = 0;
  std::uint64_t looked_at_ =
      ~std::uint64_t{0};           ///< Changes of zones when it was seen whether there are few clean ones.
  std::uint32_t relief_ = 0;       ///< Checkpoints asked for since a zone was cleaned.
  std::uint64_t relief_dead_ = 0;  ///< Dead blocks when the first of them was.

  struct {
    std::uint64_t given = 0, live_blocks = 0;
    std::uint64_t zones_cleaned = 0;  ///< Since these have changed.
  } vain_;

  zone_state* victim_ = nullptr;
  std::uint64_t generation_ = 0;
  std::uint32_t next_block_ = 0;    ///< Of the zone: not scanned yet.
  std::uint32_t again_block_ = 0;   ///< The first one of which not all names are being moved; 0: none.
  std::uint64_t moved_before_ = 0;  ///< This round.
  bool scanning_ = false;           ///< It waits for a page.
  bool stopping_ = false;
  bool starved_ = false;  ///< For want of room.
  bool damaged_ = false;  ///< A sum did not hold.
  bool unread_ = false;   ///< Something was left that may be moved later.
  std::uint32_t in_flight_ = 0;
  std::uint64_t users_bytes_ = 0;  ///< Accepted when the last batch began.
  bool gentle_ = false;            ///< C8
  parts gathered_;
  std::uint64_t gathered_blocks_ = 0;
  std::uint64_t gathered_names_ = 0;
  std::vector<named_run> found_;
  batch_ptr held_;           ///< For want of room.
  std::deque<parts> again_;  ///< Halves of what could not be read.

  struct left_zone {
    zoned::zone_index zone;
    std::uint64_t until_changes = 0;  ///< Of the zone table.
  };
  std::deque<left_zone> left_;  // C6: those whose cause may pass, in their order
};

}  // namespace furrow::core
