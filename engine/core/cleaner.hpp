// Makes whole zones free of those that are dead in part: moves what lives in a zone elsewhere, and leaves the zone to the
// reclaimer.
//
// States of a zone being cleaned
//   scanning   its runs are read in block order, and who names them is found                       -> moving
//   moving     batches of live blocks are read, verified and written as ordered extents, of which each publishes a move
//                                                                                                   -> done
//   done       nothing lives in it: the reclaimer frees it; or something was left: it is left alone until more of it dies
//
// Invariants
//   C1  One zone at a time, a full one, held from beginning to end: it is not freed, and what its blocks are does not change.
//   C2  At most batches_max batches are in flight, each of at most one command; their room is taken before they are read.
//   C3  A block whose sum does not hold is not moved: it is told as damage, and its zone is left.
//   C4  A zone is begun only if it has dead blocks, no view keeps it, and what lives in it fits in the room that there is,
//       of which the last zone's worth is for nobody else. So each zone that is cleaned brings more than it took.
//   C5  Nothing waits for a move but who has no room: it is in no object's queue.
//   C6  A zone that was left with something in it is not begun again before more of it has died, or, if the cause may pass,
//       before other zones have changed. For want of room none is left.
//
// Not here: which names a block has (back_references), the record (publisher), freeing and resetting (reclaimer).
#pragma once

#include <deque>
#include <memory>
#include <unordered_map>

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
  void step();
  [[nodiscard]] bool busy() const { return victim_ != nullptr; }
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
  [[nodiscard]] need wanted();
  [[nodiscard]] std::uint64_t dead_blocks() const;
  [[nodiscard]] std::uint64_t free_bytes(bool soon) const;
  [[nodiscard]] bool reached(const waiting& w, bool soon) const;
  void answer_reached(bool hopeless);
  [[nodiscard]] bool gains(const zone_state& z, std::uint64_t room) const;
  [[nodiscard]] bool any_gains(std::uint64_t room) const;
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
  void read(batch_ptr b);
  void read_failed(const batch& b, error_code ec);
  void write(batch& b);
  void moved(error_code ec);
  void end();
  [[nodiscard]] std::uint64_t batch_blocks_max() const;
  [[nodiscard]] static batch_ptr batch_of(parts from);

  context& c_;
  reader& reader_;
  back_references who_;
  std::deque<waiting> requests_;
  bool asked_ = false;  ///< Somebody has no room.
  std::uint64_t progress_ = 0;
  std::uint64_t looked_at_ =
      ~std::uint64_t{0};      ///< Changes of zones when it was seen whether there are few clean ones.
  std::uint32_t relief_ = 0;  ///< Checkpoints asked for since a zone was cleaned.

  zone_state* victim_ = nullptr;
  std::uint64_t generation_ = 0;
  std::uint32_t next_block_ = 0;  ///< Of the zone: not scanned yet.
  bool scanning_ = false;         ///< It waits for a page.
  bool stopping_ = false;
  bool starved_ = false;  ///< For want of room.
  bool damaged_ = false;  ///< A sum did not hold.
  bool unread_ = false;
  std::uint32_t in_flight_ = 0;
  parts gathered_;
  std::uint64_t gathered_blocks_ = 0;
  std::uint64_t gathered_names_ = 0;
  std::vector<named_run> found_;
  batch_ptr held_;           ///< For want of room.
  std::deque<parts> again_;  ///< Halves of what could not be read.

  struct left_zone {
    std::uint64_t generation = 0;
    std::uint32_t live_blocks = 0;
    std::uint64_t until_changes = 0;  ///< Of the zone table.
  };
  std::unordered_map<std::uint32_t, left_zone> left_;  // C6
};

}  // namespace furrow::core
