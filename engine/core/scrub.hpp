// Reads everything that lives, part by part, and verifies it: data by their sums, every copy of every page by its reference.
//
// States of a part (one request; others wait for it)
//   data     extents in the order of objects and blocks, at most window_blocks_max each                  -> pages
//   pages    copies of pages in the order of their places                                                -> end
//   settling pages were mended: a checkpoint that writes them anew is on its way                         -> answered
// A part ends when the bytes asked for were read, too; the answer says where the next one begins.
//
// Invariants
//   S1  A finding is of what is wrong now: a block that does not verify is looked up again, and read again, before it is told;
//       of a run the blocks that are wrong are found by halving.
//   S2  Nothing waits for a scrub, and nothing is paused for it; zones that are read are not reset (readers).
//   S3  The position moves over what was begun, and is answered when all of that has ended.
//   S4  A page with a bad copy is written anew if it can be read at all, in all its copies.
//
// Not here: the pace (driver/scrub), what the store's entries say of one another (checker).
#pragma once

#include <deque>
#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/extent_edit.hpp"
#include "core/reader.hpp"

namespace furrow::core {

class scrubber final : public io_client {
 public:
  scrubber(context& c, reader& r) : c_{c}, reader_{r} {}

  void accept(operation_id id, const scrub_request& r);
  /// The same for somebody in the core.
  void start(const scrub_request& r, std::function<void(scrub_result)> call);
  /// True if it was waiting, or ends now where it is.
  bool cancel(operation_id id, error_code reason);
  void step();
  [[nodiscard]] bool idle() const { return !running_ && waiting_.empty(); }
  /// Changes with all that it does.
  [[nodiscard]] std::uint64_t progress() const { return progress_; }
  void io_done(std::uint64_t tag, const zoned::completion& c) override;

 private:
  struct run {
    std::uint64_t object = 0;
    std::uint64_t block = 0;  ///< Of the object.
    format::block_run where;
    std::uint32_t tries = 0;
  };
  struct copy {
    zoned::device_address at;
    page_need page;
  };
  struct page_read {
    copy what;
    buffer bytes;
  };
  struct request {
    operation_id id;
    scrub_request what;
    std::function<void(scrub_result)> call{};
  };

  void begin();
  void advance();
  void end();
  void answer(error_code ec);
  void wait(const page_need& need);
  void take_extent();
  [[nodiscard]] readiness find_extent(std::optional<format::extent_value>& x, std::uint64_t& first);
  void verify(run r);
  void verified(const run& r, error_code ec);
  void confirm(const run& r, error_code ec);
  [[nodiscard]] readiness still_named(const run& r, std::optional<extent_slice>& now);
  void look_at(zoned::zone_index zone);
  void collect_copies();
  void take_page();
  void judge(const copy& what, bool good);
  /// Goes into the last finding if it continues that.
  void found(std::string what, const error_detail& detail);
  [[nodiscard]] bool is_offline(zoned::zone_index zone) const {
    return c_.zones[zone].device.condition == zoned::zone_condition::offline;
  }

  context& c_;
  reader& reader_;
  std::deque<request> waiting_;
  std::uint64_t progress_ = 0;

  bool running_ = false;
  bool settling_ = false;
  bool lacks_page_ = false;
  operation_id id_;
  std::function<void(scrub_result)> call_;  ///< Else the operation is answered.
  scrub_position at_;
  std::uint64_t left_bytes_ = 0;
  bool lost_only_ = false;
  scrub_result out_;
  std::uint32_t in_flight_ = 0;
  std::vector<run> again_;
  std::uint64_t mended_ = 0;
  std::unordered_set<std::uint32_t> looked_at_;  ///< Zones whose condition was asked for.

  std::vector<copy> copies_;  ///< The next ones, the last first.
  bool collected_ = false;
  std::unordered_map<std::uint64_t, page_read> reads_;  ///< By tag.
  std::uint64_t next_tag_ = 1;
};

}  // namespace furrow::core
