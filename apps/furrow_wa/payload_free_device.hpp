// A zoned device that keeps what is metadata, and forgets what data zones hold: a store of any size in little memory.
//
//   zones [0, metadata_zones)   conventional: the store's metadata go there first, and are kept
//   zones behind them           sequential: for data, but for the last two, which hold a superblock's copy
//
// Invariants
//   I1  What was written to a conventional zone, to one of the last two, or to the first block of a zone reads back. A read
//       of all else leaves the memory as it is.
//   I2  Commands are checked and counted as a real device would: by zone_machine.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "furrow/zoned/command.hpp"
#include "furrow/zoned/geometry.hpp"
#include "furrow/zoned/guarantees.hpp"
#include "furrow/zoned/zone_machine.hpp"

namespace furrow::wa {

class payload_free_device {
 public:
  struct plan {
    std::uint32_t zone_blocks = 0;
    std::uint32_t metadata_zones = 0;
    std::uint32_t data_zones = 0;
  };
  explicit payload_free_device(const plan& p);

  [[nodiscard]] static zoned::geometry shape_of(const plan& p);
  [[nodiscard]] static zoned::guarantees promises();
  [[nodiscard]] zoned::completion execute(const zoned::command& c);

  [[nodiscard]] std::uint64_t zone_bytes() const { return p_.zone_blocks * zoned::store_block_bytes; }
  /// Bytes written since it was made, by kind of zone.
  [[nodiscard]] std::uint64_t data_bytes() const { return data_bytes_; }
  [[nodiscard]] std::uint64_t metadata_bytes() const { return metadata_bytes_; }
  /// Processor time that copying what was read has taken: of a block that nobody has read or written before, most
  /// of it is the system's, which makes its memory. Asking for the time is part of it.
  [[nodiscard]] double reading_s() const { return reading_s_; }
  /// Memory of what is kept.
  [[nodiscard]] std::size_t kept_bytes() const;

 private:
  using block = std::array<std::byte, zoned::store_block_bytes>;

  void put(std::uint64_t number, std::span<const std::byte> bytes);
  void get(std::uint64_t number, std::span<std::byte> to) const;
  void keep(zoned::place at, const zoned::command& c);
  void fetch(zoned::place at, const zoned::command& c);
  [[nodiscard]] bool is_data(zoned::place at) const;
  void count(zoned::place at, std::uint64_t bytes);

  plan p_;
  zoned::zone_machine machine_;
  std::unique_ptr<block[]> metadata_;
  std::unordered_map<std::uint64_t, std::vector<std::byte>> others_;  ///< Without the zeros at their ends.
  std::size_t others_bytes_ = 0;
  std::uint64_t data_bytes_ = 0, metadata_bytes_ = 0;
  double reading_s_ = 0;
  double clock_s_;
};

}  // namespace furrow::wa
