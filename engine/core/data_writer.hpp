// Sends ordered extents to data zones: queues their bios, gathers small ones into commands, deals completions back.
//
// Decision table for a completed append of a command
//   whole, in place            each bio gets its place, front to back
//   short                      the front bios (and a part of one, in whole blocks) get theirs; the rest is queued again,
//                              first
//   misaligned to the block    nothing landed; all is queued again; the zone is left as suspect
//   failed                     the zone is suspect. What landed is found out if it can be (salvager); else nothing
//                              did. Each bio, or its rest, is queued again once, then its ordered extent fails. Not
//                              counted is a failure by the zone's fault, or of what never came to the device
//   refused over a limit       nothing landed; all is queued again; after refusals_max in a row it is as failed
//
// Invariants
//   D1  A zone is chosen when a command is made, never before. No command passes the room left in the zone.
//   D2  `holds` of a zone counts its commands in flight and the ordered extents with a piece in it that are not
//       published.
//   D3  Reserved blocks plus what is queued never exceed what may be written without the reserve, so dispatch finds
//       room unless a device eats more than it was given, or others hold the active zones; then the ordered extent fails
//       with no_space, or too_many_active.
//   D4  While the zone has a command in flight, less than coalesce_bytes waits for more, or for that one.
//   D5  The zone that a stream takes next is opened before the one that it writes to is full, where that takes nobody's
//       share: neither the credit of a stream that has no zone, nor room of the cleaner's.
//
// Not here: what an ordered extent is for (publisher), why a zone is suspect and what then (reclaimer).
#pragma once

#include <array>
#include <deque>
#include <memory>

#include "core/salvager.hpp"
#include "core/zone_opener.hpp"

namespace furrow::core {

class data_writer final : public io_client {
 public:
  explicit data_writer(context& c) : c_{c} {}

  /// Takes room for so many blocks, or says no. To be given back by release() when published or failed.
  [[nodiscard]] bool reserve(std::uint64_t blocks);
  /// The same of what is known to be there. That it is known holds until the machines are asked to go on.
  [[nodiscard]] bool reserve_known(std::uint64_t blocks) {
    if (blocks > room_) return false;
    room_ -= blocks;
    reserved_ += blocks;
    given_ += blocks;
    return true;
  }
  [[nodiscard]] bool room_is_known() const {
    return room_known_at_ == c_.turn_settled && room_changes_ == c_.zones.changes();
  }
  void release(std::uint64_t blocks) { reserved_ -= blocks; }
  /// Blocks of room that somebody has now.
  [[nodiscard]] std::uint64_t reserved() const { return reserved_; }
  /// Blocks that users were given room for, ever.
  [[nodiscard]] std::uint64_t given() const { return given_; }
  /// Blocks that could be reserved now.
  [[nodiscard]] std::uint64_t available() const;
  /// The same, were there room for more metadata.
  [[nodiscard]] std::uint64_t room_for_users() const;
  /// What objects may have in all, with overwriting going on for ever: not what metadata has and keeps, nor the cleaner's.
  [[nodiscard]] std::uint64_t capacity_blocks() const;
  /// What may still be written before somebody is refused: what is free, and what cleaning wins.
  [[nodiscard]] std::uint64_t blocks_left() const;
  /// Whether more may come without anybody deleting: a zone is on its way back.
  [[nodiscard]] bool more_coming() const;
  /// The same, or cleaning may bring so many blocks.
  [[nodiscard]] bool more_coming_for(std::uint64_t blocks);
  /// Zones' worth of room that is for the cleaner alone.
  [[nodiscard]] std::uint32_t cleaner_zones() const;
  /// What the cleaner may take: so much more than anybody else, and a part of what is kept for metadata.
  [[nodiscard]] std::uint64_t room_for_cleaner() const;
  [[nodiscard]] bool reserve_for_cleaner(std::uint64_t blocks);

  /// The extent stays where it is until extent_done.
  void submit(ordered_extent& extent);
  void step();
  /// Gives up a zone that is open and not being written to just now, one that is only prepared first; false if there is
  /// none.
  bool close_idle();
  /// Zones lose their hold of a published or dropped extent.
  void unhold(std::span<const landed_piece> pieces);
  /// It is known now that the first blocks of a failed append have landed.
  void settle_failed(failed_append f, std::uint64_t landed);
  void io_done(std::uint64_t tag, const zoned::completion& c) override;

  [[nodiscard]] bool idle() const { return queued_ == 0 && in_flight_ == 0 && !opening(); }
  [[nodiscard]] bool writing() const { return in_flight_ > 0; }
  /// Clean zones that data must leave to metadata.
  [[nodiscard]] std::uint32_t reserve_zones() const;

 private:
  static constexpr std::size_t streams = placement::streams_max;  // by class, from unhinted on
  struct stream {
    open_zone zones[2];  ///< The one that is written to, and perhaps the next.
    bool second = false;
    std::uint64_t prepared_beside = ~std::uint64_t{0};  ///< The zone, and its use, for which the next was asked once.
    fifo<bio> queue;
    [[nodiscard]] open_zone& now() { return zones[second ? 1 : 0]; }
    [[nodiscard]] open_zone& next() { return zones[second ? 0 : 1]; }
  };
  struct sent {
    stream* from = nullptr;
    zone_state* zone = nullptr;
    std::uint64_t blocks = 0;
    std::vector<bio> bios;
  };

  [[nodiscard]] stream& stream_of(format::zone_class cls);
  [[nodiscard]] open_zone* zone_for(stream& s);
  [[nodiscard]] format::zone_class class_of(const stream& s) const;
  void prepare_next(stream& s);
  [[nodiscard]] bool opening() const;
  [[nodiscard]] std::uint64_t open_room() const;
  [[nodiscard]] std::uint64_t room_with(std::uint32_t kept_zones) const;
  [[nodiscard]] std::uint32_t move_reserve_zones() const;
  bool close_dead();
  [[nodiscard]] bool gathers(const stream& s, const zone_state& zone) const;
  void send(stream& s, open_zone& to);
  void deal(stream& s, std::vector<bio>& bios, zoned::place at, std::uint64_t landed, bool failed, error_code why);
  void land(bio b, zoned::place at);
  void failed(failed_append f, zoned::place at);
  void refused_by_limit(failed_append f);
  void suspect(zone_state& z);
  void overtaken(zone_state& z);
  void again(stream& s, std::vector<bio> bios, bool failed, error_code why);
  void give_up(bio b, error_code why);
  void give_up_front(stream& s, error_code why);
  void settle(ordered_extent& e);

  context& c_;
  std::array<stream, streams> streams_;
  std::deque<sent> sent_;
  std::vector<std::size_t> free_sent_;
  std::vector<zoned::segment> segments_;  // of the command that is being made
  std::uint64_t reserved_ = 0;
  std::uint64_t given_ = 0;
  std::uint64_t room_ = 0;  // what reserve() may still give, as of:
  std::uint64_t room_known_at_ = ~std::uint64_t{0};
  std::uint64_t room_changes_ = 0;
  std::uint64_t queued_ = 0;
  std::uint64_t in_flight_ = 0;  ///< Commands, and failed ones of which it is not known what landed.
  std::uint32_t refusals_ = 0;   ///< In a row.
  std::uint64_t refused_at_bytes_ = 0;
};

}  // namespace furrow::core
