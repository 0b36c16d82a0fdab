// Mends what a check has found and knows how to mend, and copies of metadata of which one is bad.
//
// States of a repair
//   checking   the checker walks all, and plans                      -> mending (there is something, and the store may be
//                                                                       written) | copies
//   mending    the trees and the numbers beside them are changed, one mend after the other; then another check
//              plans again, until nothing is left that can be mended                                          -> saving
//   saving     one checkpoint makes all of it durable                                                          -> copies
//   copies     every copy of every page is read; bad ones are written anew, with a checkpoint of their own  -> answered
//
// Invariants
//   M1  Nothing else is published, freed, moved or written meanwhile, by nobody and not by itself (store_options::for_repair):
//       no record is ever replayed on trees that a repair had changed and that were lost.
//   M2  After a crash the store is as it was, or all that was mended is: no checkpoint begins but the one that ends it.
//   M3  A store that is opened read-only is not changed; what would be is told.
//   M4  Where a check finds nothing and all copies are good, nothing is changed.
//
// Not here: what can be mended, and why not (checker).
#pragma once

#include <vector>

#include "core/checker.hpp"
#include "core/scrub.hpp"

namespace furrow::core {

class repairer {
 public:
  repairer(context& c, checker& check, scrubber& scrub) : c_{c}, checker_{check}, scrub_{scrub} {}

  void accept(operation_id id);
  void step(bool settled);
  [[nodiscard]] bool idle() const { return state_ == state::idle && asked_.empty(); }
  /// Changes with all that it does.
  [[nodiscard]] std::uint64_t progress() const { return progress_; }

 private:
  enum class state : std::uint8_t { idle, to_check, checking, mending, saving, copies };

  void check();
  void checked(check_result r);
  void mend_next();
  [[nodiscard]] readiness carry_out(const mend& m);
  void carry_out_beside(const mend& m);
  void save();
  void look_at_copies();
  void copies_done(scrub_result r);
  void answer(error_code ec);

  context& c_;
  checker& checker_;
  scrubber& scrub_;
  state state_ = state::idle;
  std::vector<operation_id> asked_;
  std::uint64_t progress_ = 0;
  operation_id id_;
  repair_result out_;
  bool writes_ = false;
  std::uint32_t rounds_ = 0;
  std::vector<mend> mends_;
  std::size_t at_ = 0;
  scrub_position position_;
};

}  // namespace furrow::core
