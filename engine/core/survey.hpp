// The first look at a device: reports its zones, and finds the newest superblock of each ring zone.
//
// Decision table for the end of what a ring zone holds
//   empty or offline    nothing
//   full or read-only   its capacity
//   open or closed      its write pointer, rounded down to a block
//   conventional        one block
// From there it is searched backwards for a valid superblock.
//
// Not here: what to make of it (recovery, formatter).
#pragma once

#include <array>
#include <functional>

#include "core/block_reader.hpp"

namespace furrow::core {

class survey final : public io_client {
 public:
  struct ring_zone {
    std::optional<format::superblock> newest;
    std::uint32_t end_block = 0;  ///< Behind what it holds.
    bool partial = false;         ///< Its write pointer is inside a block.
    bool active = false;
    error_code unread;     ///< Why it could not be read, if it could not.
    bool damaged = false;  ///< Something of ours that is not whole stands behind the newest one.
    bool older = false;    ///< Something of an older version, which is not read any more, stands there.
    bool newer = false;    ///< Something of a newer version stands there.
  };

  explicit survey(context& c) : c_{c}, blocks_{c} {}
  /// Calls when zones() of the context are known and the ring zones are searched.
  void start(std::function<void(error_code, std::string)> call);
  /// By copy and half: copy * 2 + half.
  [[nodiscard]] const std::array<ring_zone, ring_zones>& rings() const { return rings_; }
  [[nodiscard]] const ring_zone* newest() const;
  /// Tells the ring where to go on, from what was found.
  void place_ring() const;
  void io_done(std::uint64_t tag, const zoned::completion& c) override;

 private:
  void report_next();
  void search(std::uint32_t index);
  void search_back(std::uint32_t index, std::uint32_t end_block);

  context& c_;
  block_reader blocks_;
  std::function<void(error_code, std::string)> call_;
  std::vector<zoned::zone_info> zones_;
  std::uint32_t reported_ = 0;
  std::array<ring_zone, ring_zones> rings_;
};

}  // namespace furrow::core
