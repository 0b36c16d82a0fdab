// Records of a replay that each put one extent in the place of a whole one, many at a time: their cells are changed in the
// order of keys, so that a leaf is looked at once for all of them, and what else they do in their own order. Between them
// may be some others, which are applied in that order too.
//
// States
//   gathering   add()                                             -> applying (apply)
//   applying    apply(), while it asks for pages: give_up() may end it  -> the rest (apply returned true)
//   the rest    front(), pop(): records that the caller applies one by one -> gathering (the last pop, or none left)
//
// Invariants
//   B1  apply() leaves the trees, the zone table and the kept values as the first applied() records would one by one, and
//       changes nothing for the others.
//   B2  What is applied together changes no cell that another record of the batch looks at, but the one of its own key: a
//       record whose extent may go on the one before it, as that is at any time of the batch, is not taken.
//   B3  An extent that a record of the others puts is no neighbour of one that a later record replaces, but of the others
//       again: what is changed too early is nothing that it looks at. Of others there are only kinds for which that can be said.
//   B4  At most records_max are held, of a short journal records_enough, and sums_max; a fourth as many others, or a few,
//       with others_bytes_max.
//
// Not here: what such a record does beside its cell (apply), reading the journal (recovery).
#pragma once

#include <algorithm>
#include <array>
#include <boost/icl/interval_set.hpp>
#include <unordered_map>

#include "core/apply.hpp"

namespace furrow::core {

class replay_batch {
 public:
  explicit replay_batch(context& c) : c_{c} {}

  static constexpr std::size_t records_max = std::size_t{1} << 19;
  static constexpr std::size_t records_enough = records_max / 2;  ///< If no more than four times as many are expected.
  static constexpr std::size_t sums_max = std::size_t{1} << 23;
  static constexpr std::size_t others_min = 4;
  static constexpr std::size_t others_bytes_max = std::size_t{32} << 20;  ///< Of their extents, sums and tails.
  static constexpr std::size_t limit_min = 64;                            ///< Fewer are not worth sorting.

  /// Takes the record of that group, perhaps with its memory. False: the batch has to be applied first, or the record is none
  /// for it; it is as it was then.
  [[nodiscard]] bool add(format::record&& r, std::size_t group);
  /// No more than so many are still to come: memory is asked for no more.
  void expect(std::size_t records) {
    expected_ = records;
    longest_ = std::max(longest_, records);
  }
  [[nodiscard]] bool empty() const { return records_.empty() && others_.empty(); }
  /// Most records go this way.
  [[nodiscard]] bool thrives() const { return std::max(records_.size(), went_) > limit_min; }

  /// False: these pages are to be read first. True: what could be applied together is.
  [[nodiscard]] bool apply(std::vector<page_need>& needs);
  /// A page that was asked for cannot be read: nothing more is applied together.
  void give_up();
  /// So many were, and front() says what is left.
  [[nodiscard]] std::size_t applied() const { return end_ + other_; }
  [[nodiscard]] bool is_done() const { return state_ == state::done; }

  /// The first record that is left; none: the batch is empty now. Holds until the next call, as the batch's record does.
  struct left {
    std::size_t group = 0;
    const format::record* record = nullptr;
  };
  [[nodiscard]] std::optional<left> front();
  void pop() { ++(is_other_due() ? other_ : end_); }
  /// Nothing more is replayed: all memory is given back, and what was left is forgotten.
  void release();

 private:
  struct entry : replacement {
    std::uint32_t group = 0;
    bool written = false;  ///< The first one of its key, whose cell was changed; then what was there before:
    format::zone_class was_cls = format::zone_class::unhinted;
    std::size_t first_sum = 0;
  };
  using block_set = boost::icl::interval_set<std::uint64_t>;
  /// The blocks of an extent, and the one behind it.
  [[nodiscard]] static block_set::interval_type reach_of(const format::object_extent& e) {
    return block_set::interval_type::right_open(e.object_block, e.object_block + e.where.blocks + 1);
  }
  /// What records of the batch do to an object, as far as later ones must know.
  struct touched {
    std::uint64_t bytes = 0;  ///< Its end.
    block_set put;            ///< With the one behind each extent, so that neighbours meet.
  };
  /// Comes before that entry.
  struct other {
    std::size_t before = 0;
    std::size_t group = 0;
    format::record record;
  };
  struct place {
    std::uint64_t object, block;
    std::uint32_t number;  ///< Of its entry.
  };
  /// Those of one key, in order_.
  struct key_range {
    std::size_t first = 0, end = 0;
  };

  /// The extent in front, as its cell is now.
  struct neighbour {
    std::uint64_t block = 0;
    format::extent_value x;
  };

  [[nodiscard]] bool add_other(format::record& r, std::size_t group);
  [[nodiscard]] bool is_replacement(const format::publish_record& r) const;
  [[nodiscard]] bool touch(const format::record_body& body);
  [[nodiscard]] const touched* find_touched(std::uint64_t object) const;
  /// An object's end, if it is known here.
  [[nodiscard]] static std::optional<std::uint64_t> end_of(const touched* by_others, const kept_value* kept);
  [[nodiscard]] bool is_other_due() const { return other_ < others_.size() && others_[other_].before == end_; }
  [[nodiscard]] std::uint64_t last_sequence() const;
  [[nodiscard]] format::record record_of(const entry& e) const;
  [[nodiscard]] std::span<const std::uint32_t> sums_of(const entry& e) const;
  [[nodiscard]] format::short_key key_at(std::size_t at) const;
  [[nodiscard]] key_range range_at(std::size_t first) const;
  void sort();
  [[nodiscard]] bool sort_by_digits();
  [[nodiscard]] bool change_cells(std::vector<page_need>& needs);
  void fetch_ahead();
  [[nodiscard]] page_tree::leaf_hint& ahead_of(std::size_t at) { return ahead_[at % ahead_.size()]; }
  void change_cell(const page_tree::spot& at, const key_range& of, const std::optional<tree_cell>& before);
  [[nodiscard]] bool may_go_on(const entry& e, const neighbour& before) const;
  void write(const page_tree::spot& at, const entry& e, zoned::device_address address, format::zone_class cls);
  [[nodiscard]] bool change_rest(std::vector<page_need>& needs);
  [[nodiscard]] readiness change_next();
  void collect_needs(std::vector<page_need>& needs);
  [[nodiscard]] std::size_t first_from(format::key_view key, std::size_t from, std::size_t end) const;
  /// Entries from this one on are not applied together.
  void stop_at(std::size_t number) { stop_ = std::min(stop_, number); }
  /// Those from stop_ on that have their cells. The cell of a key none of whose entries is taken back is the others' too by then.
  void undo();
  void end();

  context& c_;
  std::vector<entry> records_;
  std::vector<other> others_;
  std::size_t others_bytes_ = 0;
  std::unordered_map<std::uint64_t, touched> touched_;  ///< By others.
  std::vector<std::uint32_t> sums_;
  std::vector<place> order_;   ///< By key, and then as they came.
  std::vector<place> sorted_;  ///< Memory for the next step of sorting, kept as what is made anew is dear.
  std::size_t limit_ = limit_min;
  std::size_t growth_ =
      records_max;        ///< Each batch looks at nearly every leaf; but what is left of one goes one by one.
  std::size_t went_ = 0;  ///< Of the last batch, together.
  std::size_t expected_ = records_max;
  std::size_t longest_ = 0;  ///< What was ever expected.
  enum class state : std::uint8_t { gathering, cells, rest, done } state_ = state::gathering;
  std::size_t at_ = 0;                         ///< In order_: what is before has its cells.
  key_range before_;                           ///< The key before.
  page_tree::spot near_;                       ///< And where it was.
  std::array<page_tree::leaf_hint, 8> ahead_;  ///< Of keys in order_ from at_ on, by their number.
  std::size_t fetched_ = 0;                    ///< In order_: what is before has its hint.
  std::size_t stop_ = 0;                       ///< The first entry that is not applied together.
  std::size_t undone_ = 0;                     ///< Entries from this one on have been undone already.
  std::size_t end_ = 0;                        ///< Entries before it are applied,
  std::size_t other_ = 0;                      ///< and others before this one.
  format::record left_;                        ///< An entry that is left, as a record.
};

}  // namespace furrow::core
