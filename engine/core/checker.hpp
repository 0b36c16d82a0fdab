// Recomputes from the trees what the store believes, and on demand reads every block.
//
// What is compared
//   object entry      its blocks, extent count and end == those of its extents and tail; there may be holes
//   name              leads to an object that bears it; an object's name leads back
//   extent            lies in a data zone, below its write pointer, has sums; overlaps no other of its object; ends with
//                     the object, but if its blocks are doomed or the object is removed; its blocks were written for it,
//                     or it is flagged and hints say that it names them
//   to be dropped     of an object that is there; without a name, if all of it is
//   shared blocks     as many extents name them as their entry says, and all of these are flagged; one names others
//   zone              live blocks == those that extents name, each counted once
//   collection        its blocks == those of its objects; of each object it exists
//   block (data)      its sum
//
// Invariants
//   K1  Nothing is published while it runs, so it sees one state; what is accepted meanwhile waits.
//   K2  At most findings_max findings are kept; all are counted.
//   K3  Extents are compared with one another, with shared blocks and zones in one walk up the addresses: sweep_to().
//   K4  A finding has a mend only if something else says what must be there, and nothing contradicts it; else it says why
//       it has none. What names of blocks are worth is weighed when all of them are known (checker_weigh.cpp).
//   K5  Memory and time grow with the entries of the trees, not with how often they contradict one another: of wrong pieces
//       at most weighed_names_max names are kept in all, and one that has more than are left of these is not weighed.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "core/hint_grid.hpp"
#include "core/mend.hpp"
#include "core/reader.hpp"

namespace furrow::core {

class checker {
 public:
  checker(context& c, reader& r) : c_{c}, reader_{r} {}
  void start(bool data, std::function<void(error_code, check_result)> call);
  [[nodiscard]] bool running() const { return call_ != nullptr; }
  /// What would mend what the last one has found, as far as it can be mended; if that one was told to plan.
  [[nodiscard]] std::vector<mend> take_mends() { return std::exchange(mends_, {}); }
  void plan(bool on) { plans_ = on; }
  /// False: it ended at a page that cannot be read.
  [[nodiscard]] bool saw_all() const { return saw_all_; }
  /// Whether the last one has seen all extents, each in a zone that holds data.
  [[nodiscard]] bool knows_extents() const { return !extents_unread_; }

 private:
  /// A name whose entry leads to no object that bears it; an object that its name does not lead to.
  struct stray {
    collection_id collection = default_collection;
    std::string name;
    object_id object = 0;  ///< 0: the entry cannot be read.
    bool mended = false;
  };
  /// Blocks with another number of references than extents that name them, or with an extent that is not flagged.
  struct piece {
    std::uint64_t first = 0, end = 0;
    std::size_t named = 0;
    bool wrong = false;
    std::vector<std::size_t> names{};  ///< Of runs_, if it is wrong and they are not too many (K5).
  };
  struct suspect {
    std::optional<format::block_run> entry{};  ///< Of the number of references.
    std::uint32_t references = 0;
    std::vector<piece> pieces{};
  };
  /// An extent's part that lacks a hint.
  struct unhinted {
    std::size_t run = 0;
    hint_grid::part part;
  };

  void next();
  readiness look(const tree_cell& cell);
  readiness look_name(const format::name_parts& name, format::value_view value);
  void begin_object(object_id id, format::value_view value);
  void end_object();
  readiness look_extent(const format::extent_parts& parts, format::value_view value);
  readiness look_sums(const format::extent_parts& parts, const format::extent_value& x);
  readiness look_dropped(object_id id, format::value_view value);
  /// Whether the blocks [first, end) behind the object's end may have extents.
  readiness may_be_behind(object_id id, std::uint64_t first, std::uint64_t end, bool& to);
  void wait(const page_need& need, void (checker::*then)());
  void begin_sweep();
  void look_at_shared();
  void look_shared(const tree_cell& cell);
  /// Looks at all blocks below `until` that were not looked at yet: `references` extents name each of them; of blocks
  /// that are not shared, at most one.
  void sweep_to(std::uint64_t until, std::optional<std::uint32_t> references);
  void look_piece(std::uint64_t first, std::uint64_t end, std::optional<std::uint32_t> references);
  /// Whether its blocks were written for others, and then what it lacks of hints that it names them.
  struct owner_look {
    bool other = false;
    std::vector<hint_grid::part> unhinted{};
  };
  readiness look_owner(const format::extent_parts& parts, const format::extent_value& x, owner_look& to);
  void look_for_names();
  void weigh_names();
  readiness weigh_entry(const stray& entry);
  readiness weigh_object(stray& object);
  void index_names();
  void weigh_blocks();
  readiness weigh(const suspect& s);
  readiness weigh(const unhinted& u);
  [[nodiscard]] readiness is_counted(const unhinted& u, bool& yes);
  [[nodiscard]] readiness is_witnessed(const piece& p, bool& yes);
  [[nodiscard]] readiness is_witnessed(std::size_t run, std::uint64_t first, std::uint64_t end, bool& yes);
  [[nodiscard]] readiness flags_of(const suspect& s, std::vector<mend::cell>& to);
  void tell(const suspect& s, std::optional<mend> m);
  [[nodiscard]] error_detail place_of(const piece& p) const;
  void begin_run(std::size_t run);
  void end_runs();
  [[nodiscard]] std::uint64_t end_of(std::size_t run) const { return runs_[run].address.block() + runs_[run].blocks; }
  void verify();
  void zones();
  void collections();
  /// Of something that is not mended, and why.
  void found(std::string what, error_detail detail, const char* left_because);
  void found(std::string what, error_detail detail, mend m);

  context& c_;
  reader& reader_;
  std::function<void(error_code, check_result)> call_;
  check_result out_;
  bool data_ = false;
  bool plans_ = false;
  bool saw_all_ = true;
  std::vector<mend> mends_;
  format::key from_;
  std::vector<std::uint64_t> live_;              // by zone
  std::map<collection_id, std::uint64_t> used_;  // blocks
  std::vector<format::block_run> runs_;          // all extents, to be compared and read
  std::vector<object_id> owners_;                // of runs_, and where in the object each begins, in blocks
  std::vector<std::uint64_t> owner_blocks_;
  std::vector<bool> flagged_;       // of runs_: shared
  std::vector<std::size_t> order_;  // of runs_ by address: they are read in it
  std::size_t run_ = 0;
  // The sweep: extents of order_ that were begun, and of these, as a heap by their ends, those that have not ended.
  std::uint64_t removed_ = 0;  // objects that are gone but for their extents
  std::uint64_t swept_ = 0;
  std::size_t begun_ = 0;
  std::vector<std::size_t> named_by_;
  std::size_t unflagged_ = 0;  // of named_by_
  std::vector<piece> entry_pieces_;
  std::vector<suspect> suspects_;
  std::size_t names_kept_ = 0;  // of all pieces
  std::vector<unhinted> unhinted_;
  std::size_t weighed_ = 0;
  // Names that lead to their object, and objects that have one: as many, if all is well.
  std::uint64_t names_good_ = 0, names_borne_ = 0;
  std::vector<stray> stray_names_, unnamed_;
  using full_name = std::pair<collection_id, std::string_view>;
  std::map<full_name, std::vector<stray*>> bearers_;  // of unnamed_
  std::set<full_name> stray_entries_;                 // stray_names_
  std::set<object_id> led_to_, nameless_;             // by those; of unnamed_
  // What is not known, and so nothing that is counted from it.
  bool entries_unread_ = false;  // of objects
  bool extents_unread_ = false;  // or without an object
  bool removed_doubtful_ = false;
  bool numbers_doubtful_ = false;  // of references
  std::set<object_id> homeless_;   // objects that are not there, but extents of them
  // The object that is being looked at.
  bool object_unread_ = false, object_extents_unread_ = false;
  object_id object_ = 0;
  format::object_value value_;
  std::uint64_t blocks_ = 0, extents_ = 0, end_block_ = 0, tail_bytes_ = 0;
};

}  // namespace furrow::core
