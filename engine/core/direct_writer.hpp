// Changes in the middle of objects: write at any offset, zero and punch, truncate, clone. The direct path of the splitter.
//
// States of a direct_io
//   locking    its range is not held yet                                        -> planning
//   planning   what it comes to is found out from the object's end as it is now -> draining | reading | room | submitted
//   draining   blocks are needed whose last change is not published yet         -> planning
//   reading    those blocks are being read                                      -> planning
//   room       there is no space for it now, or perhaps no quota                -> planning
//   submitted  one attempt is on its way                                        -> planning | fetching | ended
//   fetching   the source's rest is being made resident by the driver           -> planning | ended
//   ended      the last attempt has ended: the range is let go, the request answered
//
// An attempt is one publication of at most one ordered extent of the request:
//   1  an ordered extent, with its pinned entry, for all that is left of the request (up to one ordered extent), stashed
//   2  of the held source a bio is made; if it is shorter than the stash, the stash is cut: the bio owns the front
//   3  what is left of the stash is cancelled, its room given back, before anybody is asked to make memory resident
//
// Invariants
//   W1  (R1) While the rest of a source is being made resident, there is no ordered extent for bytes that were not
//       submitted. (R2) Every submitted byte has one that ends with exactly that byte. (R3) Each ends once.
//   W2  Nothing is looked up to see that a bio is shorter than its ordered extent, or to cut it.
//   W3  Overlapping requests of an object follow one another (range_lock); one that may move the end holds all behind it,
//       and appends wait for that.
//   W4  Old bytes are read after all that was accepted before is published or has failed.
//   W5  An attempt is whole or absent after a crash. A request of more attempts is published in the order of the object.
//   W6  Who needs more room than the object was promised waits behind those that wait for room; so none is overtaken.
//   W7  While records for half a zone of the journal are on their way, a request with an attempt in flight makes no other:
//       each may take as much of the journal as of the data, for the tail that it repeats, and only its data have had room.
//
// Not here: what a change comes to (direct_plan), its records (publisher_edit), making memory resident (driver).
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <deque>
#include <memory>

#include "core/direct_plan.hpp"
#include "core/extent_edit.hpp"
#include "core/publisher.hpp"
#include "core/reader.hpp"

namespace furrow::core {

struct direct_io : boost::intrusive::list_base_hook<> {
  enum class kind : std::uint8_t { write, zero, truncate, clone };
  enum class state : std::uint8_t { locking, planning, draining, reading, room, submitted, fetching };

  operation_id id;
  kind what = kind::write;
  state now = state::locking;
  object_state* object = nullptr;
  object_state* source = nullptr;  ///< Of a clone.
  std::uint64_t source_byte = 0;
  std::uint64_t first_byte = 0;
  std::uint64_t end_byte = 0;
  std::uint64_t position = 0;  ///< All before it is submitted.
  bool extends = false;
  write_options options;

  segment_list held;  ///< Memory of the bytes from held_from on, as far as it is resident.
  std::uint64_t held_from = 0;
  ordered_extent_ptr stash;  ///< All that is left, while an attempt is made.

  struct hold {
    object_state* of = nullptr;
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    range_lock::ticket ticket;
  };
  std::array<hold, 2> holds;  ///< Of the object, and of another that is cloned.
  std::size_t holds_wanted = 0;
  std::size_t holds_asked = 0;
  std::size_t holds_left = 0;        ///< That are not granted yet.
  std::uint64_t barrier = 0;         ///< Publications of the object that are to be finished,
  std::uint64_t source_barrier = 0;  ///< and of the cloned one.
  bool drained = false;
  bool fresh = true;  ///< Of what is held, no attempt was made yet.
  bool made = false;  ///< The attempt, of what has only one.
  struct old_block {
    std::uint64_t block = 0;
    buffer bytes;
  };
  std::vector<old_block> old;
  std::uint32_t in_flight = 0;   ///< Attempts.
  std::uint64_t of_promise = 0;  ///< Of the room that the attempt being made has taken.
  bool weighed = false;          ///< Its claim is taken, or it needs none.
  std::uint64_t claim_blocks = 0;
  collection_account* loose_in = nullptr;  ///< Where it counts as one whose claim may be too much.
  struct tally {
    std::uint64_t at = 0;
    std::uint64_t blocks = 0;  ///< That the object names before `at`.
  };
  tally replaced, shared;  ///< Of the object, and of another that is cloned.
  error_code error;
  error_detail detail;
  append_result result;
};

class direct_writer {
 public:
  explicit direct_writer(context& c, reader& r) : c_{c}, reader_{r} {}
  ~direct_writer();

  void accept(operation_id id, write_request& r);
  void accept(operation_id id, zero_request& r);
  void accept(operation_id id, truncate_request& r);
  void accept(operation_id id, clone_request& r);
  /// More of a source is resident, or cannot be.
  void accept(source_request& r);
  /// True if it was ended: nothing of it is on its way.
  bool cancel(operation_id id, error_code reason);
  /// Calls when all from `first_byte` of the object on is held for the ticket, which is the caller's to release. True:
  /// it is held now.
  bool hold_end(object_state& o, range_lock::ticket& t, std::function<void()> call);
  void release(object_state& o, range_lock::ticket& t);
  /// Blocks of what is on its way to the object and has claimed none of its quota; with `claims`, it has now.
  std::uint64_t claim_in_flight(object_state& o, bool claims);
  void step();
  [[nodiscard]] bool idle() const { return live_.empty(); }
  [[nodiscard]] std::uint64_t progress() const { return progress_; }

 private:
  direct_io& start(operation_id id, direct_io::kind what, object_state& o, std::uint64_t first, std::uint64_t end,
                   const write_options& options);
  [[nodiscard]] error_code check(handle_id h, std::uint64_t first, std::uint64_t bytes, const write_options& options,
                                 object_state*& to) const;
  void refuse(operation_id id, error_code ec, const object_state* o, const char* what = "");
  void lock(direct_io& io);
  void held(direct_io& io);
  void unlock(direct_io& io);
  void advance(direct_io& io);
  /// What the next attempt comes to, and how far it goes.
  [[nodiscard]] direct_plan plan(const direct_io& io, std::uint64_t& end_byte) const;
  [[nodiscard]] static bool holds_end(const direct_io& io);
  /// False: it waits for old bytes.
  bool have_old(direct_io& io, const direct_plan& p);
  [[nodiscard]] static bool is_drained(const direct_io& io);
  void read_old(direct_io& io, const std::vector<std::uint64_t>& blocks);
  bool drain(direct_io& io);
  bool take_room(direct_io& io, const direct_plan& p);
  [[nodiscard]] bool journal_lags() const;
  void wait_for_room(direct_io& io);
  // Its quota (direct_quota.cpp); false: it waits, or has ended.
  bool take_claim(direct_io& io, const direct_plan& p);
  bool weigh(direct_io& io, const direct_plan& p, std::uint64_t& blocks);
  bool count_named(direct_io& io, const object_state& o, direct_io::tally& t, std::uint64_t first, std::uint64_t end);
  static void set_loose(direct_io& io, bool on);
  static void end_claim(direct_io& io);
  void fetch(direct_io& io);
  void give_back(direct_io& io, std::uint64_t blocks);

  // An attempt of each kind (direct_attempt.cpp).
  [[nodiscard]] static std::uint64_t held_end(const direct_io& io, std::uint64_t end_byte);
  void attempt_write(direct_io& io, const direct_plan& whole, std::uint64_t whole_end);
  [[nodiscard]] ordered_extent_ptr cut_stash(direct_io& io, std::uint64_t blocks);
  void attempt_zero(direct_io& io, const direct_plan& p, std::uint64_t first_byte);
  void attempt_truncate(direct_io& io, const direct_plan& p);
  void attempt_clone(direct_io& io, const direct_plan& p);
  [[nodiscard]] error_code check_clone(const direct_io& io) const;
  [[nodiscard]] ordered_extent_ptr make_extent(const direct_io& io, std::uint64_t first, std::uint64_t blocks);
  [[nodiscard]] format::zone_class class_for(const direct_io& io, std::uint64_t block);
  void fill(const direct_io& io, ordered_extent& e, std::uint64_t end_byte);
  void fill_copied(const direct_io& io, ordered_extent& e, std::uint64_t end_byte);
  void fill_edge(const direct_io& io, std::uint64_t block, std::uint64_t end_byte, std::span<std::byte> to);
  /// A step of one block, which is its old bytes with zeros from `zero_first` to `zero_end`.
  void add_block(const direct_io& io, publication& p, const edit_step& like, std::uint64_t block,
                 std::uint64_t zero_first, std::uint64_t zero_end);
  void old_bytes(const direct_io& io, std::uint64_t block, std::span<std::byte> to) const;
  [[nodiscard]] std::vector<std::byte> tail_of(const direct_io& io, const direct_plan& p) const;
  [[nodiscard]] edit_step step_of(const direct_io& io, const direct_plan& p, std::vector<std::byte> tail,
                                  std::uint64_t needs_bytes) const;

  void submit(direct_io& io, std::unique_ptr<publication> p, std::uint64_t bytes);
  void attempt_done(direct_io& io, error_code ec, std::uint64_t sequence, const error_detail& d);
  void end(direct_io& io);
  void later(std::function<void()> call);

  context& c_;
  reader& reader_;
  boost::intrusive::list<direct_io> live_;
  std::deque<std::function<void()>> ready_;
  std::vector<direct_io*> draining_;
  std::deque<direct_io*> rooms_;         ///< Wait for space, in the order of coming (W6).
  const direct_io* roomless_ = nullptr;  ///< The first of them, while it is tried again.
  std::vector<extent_slice> written_over_;
  std::uint64_t reservation_ = std::uint64_t{1} << 62;
  std::uint64_t progress_ = 0;
};

}  // namespace furrow::core
