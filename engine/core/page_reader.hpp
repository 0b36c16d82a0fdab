// Reads pages that a tree needs, once for all who wait, trying the second copy when the first is not the page.
//
// Invariants
//   I1  Each waiter is called once: with no error when the page is resident, in the same turn; with damaged when no
//       copy is the page.
//   I2  A page of which one copy is not what was written is written anew by the next checkpoint.
//       One that an open has read before it has counted the pages of each zone waits until then.
//   I3  evict() leaves what a waiter may have used already.
//
// Not here: which pages are needed (page_tree).
#pragma once

#include <functional>
#include <unordered_map>

#include "core/context.hpp"

namespace furrow::core {

class page_reader final : public io_client {
 public:
  explicit page_reader(context& c) : c_{c} {}

  void wait(const page_need& need, std::function<void(error_code)> again);
  /// By an open, once: what is written anew from now on is not missed in the zones' numbers of pages.
  void pages_are_counted();
  /// Keeps the cache at its bound; to be called between turns.
  void evict();
  void io_done(std::uint64_t tag, const zoned::completion& c) override;
  [[nodiscard]] bool idle() const { return loads_.empty(); }

 private:
  struct load {
    page_need need;
    std::uint32_t copy = 0;
    std::uint32_t attempts = 0;
    bool spoiled = false;  ///< A copy was read, and is not the page.
    std::uint64_t since = 0;
    buffer page;
    std::vector<std::function<void(error_code)>> waiters;
  };
  void submit(std::uint64_t key, load& l);
  void mend(const page_need& page);

  context& c_;
  std::unordered_map<std::uint64_t, load> loads_;  // by the first copy's address
  std::vector<page_need> to_mend_;
  bool counted_ = false;
};

}  // namespace furrow::core
