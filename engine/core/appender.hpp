// Accepts appends: gives each its place at the object's end, cuts it into ordered extents, waits for space in order.
//
// Invariants
//   A1  Appends that wait for space are taken in the order of their arrival; none overtakes. Those that wait for the quota of
//       a collection are overtaken by appends and creations in others alone, and never by what may move an object.
//   A2  The source is read (sums, tail, copies) when the append is accepted; the caller's memory goes to the device
//   uncopied where
//       it begins on a block boundary of the object, is aligned as the device asks, and no block of it is in more pieces than
//       a command may have.
//   A3  An append of one object and at most ordered_extent_blocks_max blocks is in one publication: whole or absent.
//   A5  An append waits while somebody changes the object's end (direct_writer), in the order of coming.
//   A4  Appends of whole blocks that follow each other in an object join in one ordered extent until it is begun, as far as
//       one command takes them: they land, are published, fail, and get their sequence together.
//   A6  A run is appends of one handle that join one behind the other while nothing else comes to the core: what held for
//       the first holds for all.
//
// Not here: cutting for the device (splitter), publishing (publisher).
#pragma once

#include <deque>
#include <list>
#include <memory>

#include "core/publisher.hpp"

namespace furrow::core {

class appender {
 public:
  explicit appender(context& c) : c_{c} {}
  appender(const appender&) = delete;
  appender& operator=(const appender&) = delete;
  ~appender();

  void accept(operation_id id, append_request& r);
  /// A6: whether it was one more of a run, and is accepted. False: nothing changed.
  [[nodiscard]] bool accept_next(const request& q, const append_request& r);
  /// After accept(): if it has joined another, those that come next for that handle may be a run with it.
  void begin_run(const append_request& last);
  void end_run() {
    run_.handle = no_run;
    joined_ = nullptr;
  }
  void accept(operation_id id, batch_request r);
  /// Tries those that wait for space; to be called when there may be more.
  void step();
  /// True if the operation was waiting and is answered now.
  bool cancel(operation_id id, error_code reason);
  /// Whether something that waits names the handle.
  [[nodiscard]] bool uses(handle_id h) const;
  [[nodiscard]] bool idle() const { return waiting_.empty() && blocked_.empty(); }

  /// The longest ordered extent, in blocks: so that its record fits a journal zone.
  [[nodiscard]] std::uint64_t extent_blocks_max() const;

 private:
  using arrival = std::uint64_t;  ///< Ascends; of those that wait.
  struct waiting {
    operation_id id;
    std::variant<append_request, batch_request> what;
    arrival arrived;
  };
  struct blocked {  // A5
    operation_id id;
    append_request what;
    arrival arrived = 0;
    object_state* object = nullptr;
    range_lock::ticket ticket;
  };
  void wait(operation_id id, append_request& r, arrival arrived);
  /// What it adds to. False if it does more than that: nothing passes it then, and it passes nothing.
  bool list_accounts(const waiting& w, std::vector<const collection_account*>& to) const;
  void block(operation_id id, append_request& r, object_state& o, arrival arrived);
  void unblock(std::list<blocked>::iterator it);
  /// False: not enough space now; nothing changed. `o`: the handle's object, if any; nobody else changes its end now.
  bool try_append(operation_id id, append_request& r, object_state* o);
  /// True: it is, and is answered.
  bool refused(operation_id id, const append_request& r, const object_state* o);
  bool no_space(operation_id id, const object_state& o, std::uint64_t blocks);
  bool no_quota(operation_id id, const object_state& o, std::uint64_t blocks);
  bool retry(operation_id id, append_request& r, arrival arrived);
  bool retry(operation_id id, batch_request& r, arrival) { return try_batch(id, r); }
  bool try_batch(operation_id id, batch_request& r);
  struct batch_needs {
    error_code error;
    error_detail detail;
    std::uint64_t blocks = 0;
    std::uint64_t record_bytes = 0;
  };
  /// Whether what the batch adds is within the quotas; blocks are its own to the last one.
  [[nodiscard]] claim_answer ask_quotas(const batch_request& r, error_detail& detail) const;
  /// What the batch takes as a whole, or why it cannot be; nothing is changed.
  [[nodiscard]] batch_needs check_batch(const batch_request& r) const;
  void take_member(batch_request& r, std::size_t index, publication& p, batch_result& result,
                   std::vector<object_state*>& made);
  [[nodiscard]] error_code check(const object_state& o, const append_options& options) const;
  [[nodiscard]] std::uint64_t blocks_for(const object_end& end, std::uint64_t bytes) const;
  /// A4: the publication that the append may become part of, if there is one.
  [[nodiscard]] publication* joinable(const object_state& o, const append_request& r, std::uint64_t bytes) const;
  void join(publication& p, operation_id id, const append_request& r, std::uint64_t blocks);
  void answer_all(publication& p, error_code failed, std::uint64_t sequence, const error_detail& detail);
  /// The next ordered extent of an append of which `blocks` are left, and at its end the tail.
  void next_step(object_state& o, class segment_cursor& from, std::uint64_t& blocks, const append_options& options,
                 std::vector<publication_step>& to);
  ordered_extent_ptr make_extent(const object_end& base, segment_cursor& from, std::uint64_t blocks);
  void submit(publication& p);
  void answer_when(operation_id id, durability level, std::uint64_t sequence, const append_result& result);
  void start(object_state& o, operation_id id, const append_request& r, std::uint64_t blocks);

  static constexpr handle_id no_run{~std::uint64_t{0}};
  struct run {  // A6
    handle_id handle = no_run;
    publication* to = nullptr;
    append_step* step = nullptr;
    std::uint64_t blocks_left = 0;  ///< That may still join it, and in so many segments:
    std::uint64_t segments_left = 0;
    lifetime hint{};
    furrow::priority priority{};
  };

  context& c_;
  run run_;
  publication* joined_ = nullptr;  // by the last one that was accepted
  std::deque<waiting> waiting_;    // by their arrival
  arrival arrivals_ = 0;
  std::list<blocked> blocked_;
  std::vector<publication*> entered_;  // those of one append, while it is accepted
  std::uint64_t reservation_ = 0;
  bool claims_ = false;                  // of a quota, for what is being accepted
  bool lacks_quota_ = false;             // what was tried last and was not taken
  std::uint64_t joined_blocks_max_ = 0;  // A4; told when there is somebody to be joined
};

}  // namespace furrow::core
