// Makes finished work visible, in order: the unit is a publication, which is one sequence and one or more records.
//
// Steps of a publication, each becoming one record
//   append       the blocks of one ordered extent and the tail behind them, or tail bytes alone
//   edit         blocks in place of others, or a hole, or another end
//   clone        blocks of another object, or of this one
//   move         blocks that lie elsewhere from now on, in whatever objects: in no queue, as it changes what no other step
//                builds on; it moves what it still finds at the old place when it is published
//   create remove rename attributes      checked when it is published, not before
//
// Invariants
//   P1  A publication stands in the queue of each object that it concerns, in the order of acceptance; it is published
//   when it is
//       the front of all of them and its ordered extents have landed.
//   P2  All steps are published, or none is. A step that cannot be fails the whole publication.
//   P3  When a publication that sets an object's end fails, the appends behind it in that queue fail with
//   predecessor_failed, and the
//       object's reserved end is the one that the failed one built on. An edit that does not set the end fails with
//       predecessor_failed if the published end does not reach as far as it needs.
//   P4  Its operation is answered once: at publication (written), when its sequence is durable (durable), or with its
//   failure.
//
// Not here: accepting work (appender, namespace requests in requests.cpp), cutting and sending (data_writer).
#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>
#include <variant>

#include "core/objects.hpp"
#include "core/ordered_extent.hpp"

namespace furrow::core {

struct append_step {
  object_state* object = nullptr;
  ordered_extent_ptr extent;  ///< None: tail bytes alone.
  object_end before;          ///< What it builds on (P3).
  object_end after;
  std::uint64_t fence_epoch = 0;
  std::int64_t modified_ns = 0;
};
struct edit_step {
  object_state* object = nullptr;
  ordered_extent_ptr extent;     ///< None: a hole, or an end alone.
  std::uint64_t hole_first = 0;  ///< Blocks that become a hole; none if extent.
  std::uint64_t hole_end = 0;
  bool sets_end = false;          ///< Else the end stays the published one, which
  std::uint64_t needs_bytes = 0;  ///< must be at least this.
  object_end before;              ///< What it builds on, if it sets the end (P3).
  object_end after;
  std::uint64_t fence_epoch = 0;
  std::int64_t modified_ns = 0;
};
struct clone_step {
  object_state* object = nullptr;
  object_state* source = nullptr;
  std::uint64_t first_block = 0;
  std::uint64_t source_block = 0;
  std::uint64_t blocks = 0;
  bool sets_end = false;
  std::uint64_t needs_bytes = 0;
  object_end before;
  object_end after;
  std::uint64_t fence_epoch = 0;
  std::int64_t modified_ns = 0;
};
struct move_step {
  struct part {
    format::block_run from;
    std::uint64_t first = 0;  ///< Block of the ordered extent.
  };
  ordered_extent_ptr extent;
  std::vector<part> parts;       ///< All of one zone, which is held until the step is published.
  std::uint64_t generation = 0;  ///< Of that zone.
  std::size_t names_max = 0;     ///< That all of them together may have.
};
struct create_step {
  object_id id = 0;
  create_options options;
};
struct rename_step {
  rename_request what;
};
struct remove_step {
  remove_request what;
};
struct attributes_step {
  object_state* object = nullptr;
  attributes to;
};
struct collection_step {
  collection_id id = 0;
  format::collection_action action = format::collection_action::create;
  collection_request what;
  bool limits = false;  ///< What had no quota; known when it is built.
};
using publication_step = std::variant<append_step, edit_step, clone_step, create_step, rename_step, remove_step,
                                      attributes_step, collection_step, move_step>;

struct long_append;

/// An append that is answered by a publication, alone, with others that joined it, or with the rest of its own.
struct append_part {
  operation_id id;
  append_result result;
  durability level = durability::written;
  std::shared_ptr<long_append> of;  ///< None: this is all of it.
};

struct publication : boost::intrusive::list_base_hook<> {
  std::vector<publication_step> steps;
  std::vector<object_state*> objects;
  std::vector<append_part> appends;
  std::uint32_t extents_left = 0;
  std::uint64_t record_bytes = 0;  ///< About what those with ordered extents take of the journal.
  error_code error;
  error_detail detail;
  bool parked = false;
  bool followers_doomed = false;
  std::uint64_t* claim_blocks = nullptr;  ///< What it adds to its first object is taken from it.
  bool is_next = false;                   ///< It stands among those to be attempted.
  /// Called once, with the sequence or the failure; the publication is gone afterwards.
  std::function<void(error_code, std::uint64_t, const error_detail&)> done;
};

class publisher {
 public:
  explicit publisher(context& c) : c_{c} {}
  publisher(const publisher&) = delete;
  publisher& operator=(const publisher&) = delete;
  ~publisher() { live_.clear_and_dispose(std::default_delete<publication>{}); }

  /// An empty one, with the memory of one that has ended.
  [[nodiscard]] std::unique_ptr<publication> make();
  /// Takes over a publication whose ordered extents are already submitted or about to be; it enters its objects' queues
  /// now.
  publication& enter(std::unique_ptr<publication> p);
  /// Publishes it if it is ready (P1); to be called once after enter().
  void start(publication& p) { attempt(p); }
  void extent_done(ordered_extent& e);
  /// What kept the object from being published to is gone.
  void wake(object_state& o);
  [[nodiscard]] bool idle() const { return live_.empty(); }
  /// Nothing is being prepared or published in this moment.
  [[nodiscard]] bool settled() const { return !draining_; }
  /// While paused nothing is published (a check is running).
  void pause(bool on);
  [[nodiscard]] bool paused() const { return paused_; }

 private:
  struct names;  // names changed by earlier steps of the same publication
  void attempt(publication& p);
  [[nodiscard]] bool ready(const publication& p) const;
  /// The records of all steps; need: to be tried again; fault is not used. Errors are in `p`.
  readiness build(publication& p, std::vector<format::record_body>& to);
  readiness build_step(publication& p, append_step& s, names& n, std::vector<format::record_body>& to);
  readiness build_step(publication& p, edit_step& s, names& n, std::vector<format::record_body>& to);
  readiness build_step(publication& p, clone_step& s, names& n, std::vector<format::record_body>& to);
  readiness build_blocks(const edit_step& s, const object_end& end, std::vector<format::record_body>& to);
  void build_fence(const object_state& o, std::uint64_t fence_epoch, std::vector<format::record_body>& to);
  readiness build_hole(const edit_step& s, const object_end& end, std::vector<format::record_body>& to);
  readiness build_step(publication& p, move_step& s, names& n, std::vector<format::record_body>& to);
  void publish_dropped(const format::record_body& b);
  readiness build_step(publication& p, create_step& s, names& n, std::vector<format::record_body>& to);
  readiness build_step(publication& p, rename_step& s, names& n, std::vector<format::record_body>& to);
  readiness build_step(publication& p, remove_step& s, names& n, std::vector<format::record_body>& to);
  readiness build_step(publication& p, attributes_step& s, names& n, std::vector<format::record_body>& to);
  readiness build_step(publication& p, collection_step& s, names& n, std::vector<format::record_body>& to);
  readiness lookup(names& n, collection_id collection, std::string_view name, object_id& to);
  readiness resolve(names& n, object_id id, collection_id collection, std::string_view name, object_id& to);
  readiness collection_exists(collection_id id, bool& to);
  void publish(publication& p, std::vector<format::record_body> bodies);
  void let_go(const publication_step& s, ordered_extent& e);
  std::uint64_t claim_in_flight(object_state& o, const publication* but, bool claims);
  void claim_in_flight(collection_id in, const publication* but);
  void fail(publication& p);
  void doom_followers(publication& p);
  void finish(publication& p, error_code ec, std::uint64_t sequence);
  void take_back(publication& p, std::vector<format::record_body> bodies);
  void recycle(std::unique_ptr<publication> p);
  void queue(publication& p);
  void drain();

  context& c_;
  boost::intrusive::list<publication> live_;
  bool paused_ = false;
  std::vector<publication*> next_;  // to be attempted: publishing one may free many; none: it has ended
  bool draining_ = false;

  // Memory to be used again.
  std::vector<std::unique_ptr<publication>> spare_;
  std::vector<format::record_body> spare_bodies_;
  std::vector<format::object_extent> spare_runs_;
  std::vector<std::uint32_t> spare_sums_;
};

}  // namespace furrow::core
