// Makes an empty store on a device: every used zone is reset, the first journal zone gets its header, both superblock
// copies are written and read back.
//
// Invariants
//   M1  A device that holds a store, damaged or of a newer version too, is left untouched without `force`.
//   M2  A device too small, or with too few active zones, is refused before anything is changed, with the number it
//       would need.
//   M3  The superblocks are the last thing written: an interrupted format leaves no store.
#pragma once

#include <functional>

#include "core/survey.hpp"

namespace furrow::core {

class formatter final : public io_client {
 public:
  explicit formatter(context& c) : c_{c}, survey_{c}, blocks_{c} {}
  void start(const format_request& r, std::function<void(error_code, error_detail)> call);
  void io_done(std::uint64_t tag, const zoned::completion& c) override;

 private:
  void surveyed(error_code ec, const std::string& why);
  [[nodiscard]] bool fits();
  void reset_next();
  void wipe_next();
  void write_header();
  void write_superblocks();
  void read_back();
  void fail(error_code ec, std::string what, std::optional<zoned::zone_index> zone = {});

  context& c_;
  survey survey_;
  block_reader blocks_;
  format_request request_;
  std::function<void(error_code, error_detail)> call_;
  std::uint32_t next_reset_ = 0;
  std::uint32_t next_wipe_ = 0;
  std::uint32_t resets_ = 0;
  buffer header_;
};

}  // namespace furrow::core
