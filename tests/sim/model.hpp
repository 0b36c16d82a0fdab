// The reference: what a store that was asked all this must hold, and what it may hold after an interruption.
//
// Every change that readers can see belongs to one publication. Of each object four histories are kept since its base,
// the state that is known to be durable: its existence, its content (with the end and the fence epoch), its name and its
// attributes.
// A recovered store must be the state after some prefix of the publications: each value found says that one publication
// is in the prefix and the next one is not, and all these statements must leave room for at least one place to cut,
// behind every durable publication.
//
// States of a publication
//   asked       may be in the store or not, whole; its sequence is above `after`     -> answered, void
//   answered    its sequence is known, or lies between those of its neighbours in time
//   void        answered with an error that says that nothing was done: not in the store
//
// Invariants
//   I1  Publications of one history are in the order in which they were asked; of content, those that touch one byte, and
//       those that set the end (history.hpp).
//   I2  A durable publication is folded into the base before it is forgotten, and after the reads that may see what was
//       before it.
//   I3  No two changes of one object that the base does not hold yet write the same bytes at the same place, but zeros.
//
// Not here: what is asked, and whether an answer is right (workload.hpp).
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "furrow/engine/types.hpp"
#include "sim/history.hpp"
#include "sim/raw_bytes.hpp"

namespace furrow::sim {

using moment = std::uint64_t;      ///< Counts questions and answers.
using object_index = std::size_t;  ///< Of the model; never reused.
using name_index = std::size_t;    ///< In the pool of names.
using publication_id = std::uint64_t;
inline constexpr std::size_t none = ~std::size_t{0};

struct publication {
  furrow::sequence sequence = 0;  ///< 0: not known.
  furrow::sequence after = 0;
  moment asked = 0;
  moment answered = 0;  ///< 0: not yet.
  bool is_void = false;
  bool flagged_durable = false;
  bool found = false;
  bool missed = false;
};

struct name_step {
  publication_id by = 0;
  name_index name = none;
};
struct attributes_step {
  publication_id by = 0;
  std::uint32_t version = 0;
};

struct object_state {
  bool exists = false;
  std::uint64_t bytes = 0;
  std::uint64_t fence_epoch = 0;
  name_index name = none;
  std::uint32_t version = 0;  ///< Of the attributes.
};

/// Blocks of an object that an operation in flight changes, or clones from.
struct busy_blocks {
  std::uint64_t operation = 0;
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  bool at_end = false;         ///< It may move the end,
  bool holds_appends = false;  ///< and, being a write of several attempts, leave it at any of several places.
};

struct model_object {
  std::uint64_t tag = 0;
  object_id id = 0;   ///< 0: not known yet.
  object_state base;  ///< Durable.
  object_state now;   ///< As answered.
  publication_id created_by = 0;
  publication_id removed_by = 0;
  std::vector<content_step> steps;
  std::vector<name_step> names;
  std::vector<attributes_step> attributes;
  canvas content;                  ///< Of the base.
  std::uint64_t epoch = 0;         ///< Upper half of positions in the stream, so that no content comes twice;
  std::uint64_t append_epoch = 0;  ///< of those of appends.
  std::uint64_t asked_end = 0;     ///< Where the next append begins if all before it succeed.
  bool forgotten = false;          ///< No history, nobody holds it.

  // Locks of the workload: what may be asked now so that its answer can be foretold.
  std::uint32_t appends = 0;
  std::uint32_t long_appends = 0;  ///< Of more than one ordered extent.
  std::vector<busy_blocks> edits;
  std::vector<moment> reads;          ///< When those in flight were asked.
  std::uint64_t promised_blocks = 0;  ///< By a reserve.
  std::uint64_t asked_blocks = 0;     ///< All that reserves promised since it was opened.
  collection_id collection = default_collection;
  std::uint32_t handles = 0;
  std::uint32_t other_users = 0;  ///< Operations in flight that name it.
  bool name_busy = false;
  bool attributes_busy = false;
  bool exclusive = false;  ///< An append of a batch.
  bool removing = false;
  bool unresolved = false;  ///< A long append failed: how much of it is there must be asked,
  bool must_look = false;   ///< or, of a write: what is there.
  moment failed_at = 0;     ///< When an append of it last failed.
  moment content_changed = 0;
  moment name_changed = 0;
  moment attributes_changed = 0;
};

struct recovered_object {
  object_id id = 0;
  std::uint64_t tag = 0;
  object_state state;
  collection_id collection = default_collection;
  std::uint64_t blocks = 0;  ///< Of its extents.
  bool was_read = false;
  raw_bytes bytes{};                                            ///< If it was read.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> lost{};  ///< Ranges of it that could not be read.
};

class model {
 public:
  model(std::uint64_t seed, std::size_t names, std::uint32_t collections = 0,
        std::uint64_t ordered_extent_bytes_max = std::uint64_t{1} << 40);

  [[nodiscard]] moment tick() { return ++now_; }
  [[nodiscard]] moment now() const { return now_; }
  [[nodiscard]] furrow::sequence newest() const { return newest_; }
  [[nodiscard]] furrow::sequence durable() const { return durable_; }

  // Objects.
  [[nodiscard]] object_index add_object();
  [[nodiscard]] model_object& at(object_index i) { return objects_[i]; }
  [[nodiscard]] const model_object& at(object_index i) const { return objects_[i]; }
  /// What the object is has been changed, as far as is known, or it is not known at all.
  [[nodiscard]] bool changed_since(object_id id, moment then) const;
  [[nodiscard]] std::size_t object_count() const { return objects_.size(); }
  [[nodiscard]] object_index with_tag(std::uint64_t tag) const;  ///< Or none.
  /// Objects that may still be of interest, in the order of their making.
  [[nodiscard]] const std::vector<object_index>& remembered() const { return remembered_; }

  // Names.
  [[nodiscard]] const std::string& name(name_index i) const { return names_[i].text; }
  /// Each name is given in one collection only.
  [[nodiscard]] collection_id collection_of(name_index i) const {
    return static_cast<collection_id>(i % (std::uint64_t{collections_} + 1));
  }
  [[nodiscard]] std::uint32_t collections() const { return collections_; }
  [[nodiscard]] std::size_t name_count() const { return names_.size(); }
  [[nodiscard]] name_index find_name(std::string_view text) const;
  struct name_entry {
    std::string text;
    object_index holder = none;
    bool busy = false;
    moment changed = 0;
  };
  [[nodiscard]] name_entry& entry(name_index i) { return names_[i]; }

  // Publications.
  [[nodiscard]] publication_id ask();
  void answer(publication_id p, furrow::sequence sequence);
  void make_void(publication_id p);
  [[nodiscard]] publication& of(publication_id p) { return publications_[p - first_]; }
  /// All up to this sequence is durable; so is all that was answered before `asked`, if given.
  void make_durable(furrow::sequence up_to, moment asked = 0);
  void make_object_durable(object_index i, moment asked);

  // Effects, as answered.
  void created(object_index i);
  void removed(object_index i);
  /// Those of the operation's steps that stand in the history are published.
  void changed(object_index i, std::uint64_t operation);
  /// Takes the steps of a failed operation that are not published out, and moves the appends that were to follow, whose
  /// ordered extents are others then.
  void drop_steps(object_index i, std::uint64_t operation);
  /// Of the operation's steps that are not published yet.
  [[nodiscard]] std::vector<publication_id> publications_of(object_index i, std::uint64_t operation) const;
  /// The least and the most end that somebody may see.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> ends_of(object_index i) const;
  /// The object's end is known again after a long append failed.
  [[nodiscard]] bool resolve_end(object_index i, std::uint64_t bytes);
  /// Of the steps of which it is not known whether they are there, which are? The end is known, and all bytes.
  void resolve_content(object_index i, std::span<const std::byte> bytes);
  /// What the object's bytes are when all that was asked has been done.
  [[nodiscard]] std::vector<content_span> newest(object_index i, std::uint64_t begin, std::uint64_t end) const;
  void renamed(object_index i, name_index to);
  void attributes_set(object_index i, std::uint32_t version);

  /// The first byte of `bytes`, which are said to be the object's from `offset_bytes` on, that is of no version which
  /// somebody may see who asked at `since`; 0: of none at all.
  [[nodiscard]] std::optional<std::uint64_t> find_wrong_byte(object_index i, std::uint64_t offset_bytes,
                                                             std::span<const std::byte> bytes, moment since = 0) const;

  /// Compares what was recovered with what may be, and goes on from there. `all`: nothing may be missing. Throws
  /// broken_promise.
  void settle(std::span<recovered_object> found, bool all);
  /// The same for a store that says that it is as of this sequence, which has lost some that were durable; or, `whole`, none.
  /// History must have been kept.
  void settle_at(std::span<recovered_object> found, furrow::sequence sequence, bool whole);
  /// What is durable is not forgotten.
  void keep_history(bool on) { keeps_history_ = on; }

  /// Forgets what is durable. Called now and then.
  void fold();

 private:
  struct reason {  // what of which object is there, or is not
    const char* what = nullptr;
    const model_object* of = nullptr;
    publication_id by = 0;
    furrow::sequence sequence = 0;
  };
  struct cut {  // the places that are left for the end of the prefix, and who said so
    furrow::sequence least = 0;
    furrow::sequence most = ~furrow::sequence{0};
    reason least_because;
    reason most_because;
    bool all = false;
  };
  [[nodiscard]] bool is_durable(const publication& p) const;
  void fold_object(model_object& o);
  void cut_again(model_object& o, std::uint64_t behind);
  [[nodiscard]] publication_id ask_beside(publication_id other);
  void judge(model_object& o, recovered_object* found, cut& c);
  void judge_existence(model_object& o, const recovered_object* found, cut& c);
  /// Returns the attempts of which one at least must be there, as the fence is where they raise it; or nothing.
  [[nodiscard]] std::vector<publication_id> judge_end(model_object& o, const object_state& found, cut& c);
  void judge_content(model_object& o, recovered_object& found, cut& c);
  void judge_stretch(model_object& o, const stretch& s, std::size_t least, std::size_t most, cut& c);
  void judge_name(model_object& o, const object_state& found, cut& c);
  void judge_attributes(model_object& o, const object_state& found, cut& c);
  void must_have(publication_id p, const model_object& o, cut& c, const char* what);
  void must_lack(publication_id p, const model_object& o, cut& c, const char* what);
  [[nodiscard]] furrow::sequence latest(const publication& p) const;
  void restart_from(std::span<recovered_object> found);
  void settle_in(std::span<recovered_object> found, cut c);

  std::uint64_t seed_;
  std::uint32_t collections_;
  std::uint64_t ordered_extent_bytes_max_;
  moment now_ = 0;
  furrow::sequence newest_ = 0;
  furrow::sequence durable_ = 0;
  moment durable_asked_ = 0;
  std::deque<model_object> objects_;
  std::unordered_map<std::uint64_t, object_index> tags_;
  std::vector<object_index> remembered_;
  std::vector<name_entry> names_;
  std::deque<publication> publications_;
  publication_id first_ = 1;
  bool keeps_history_ = false;
  bool has_losses_ = false;
};

}  // namespace furrow::sim
