// A device read directly and synchronously, below any store: for dump and for drawing zones without a store.
//
// Invariants
//   I1  Nothing is ever written.
//   I2  A read error is an answer, not an exception: damaged devices are what this is for.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "furrow/zoned/device.hpp"
#include "session.hpp"

namespace furrow::cli {

class raw_device {
 public:
  /// Throws failure if the device cannot be opened or its zones cannot be listed.
  explicit raw_device(const std::string& uri, access how = access::read_only);

  [[nodiscard]] const zoned::geometry& shape() const { return device_->shape(); }
  [[nodiscard]] const zoned::guarantees& promises() const { return device_->promises(); }
  [[nodiscard]] std::string name() const { return device_->name(); }
  [[nodiscard]] std::string writing() const { return device_->writing(); }
  [[nodiscard]] const std::vector<zoned::zone_info>& zones() const { return zones_; }
  [[nodiscard]] const zoned::zone_info& zone(zoned::zone_index index) const { return zones_[index.value]; }

  /// Whole store blocks of one zone.
  [[nodiscard]] result<std::vector<std::byte>> read(zoned::zone_index zone, std::uint64_t block, std::uint64_t blocks);
  /// Store blocks of the zone that may hold something: below the write pointer, or all of a full or conventional one.
  [[nodiscard]] std::uint64_t written_blocks(zoned::zone_index zone) const;

 private:
  zoned::completion execute(zoned::command c);
  void list_zones(const std::string& uri);

  std::unique_ptr<zoned::device> device_;
  std::vector<zoned::zone_info> zones_;
  std::uint64_t next_command_ = 1;
};

}  // namespace furrow::cli
