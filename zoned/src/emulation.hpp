// The parameters of an emulated zoned device, as its URI names them, and the shape and promises that follow from them.
//
// Invariants
//   I1  flaw() is empty <=> shape(), promises() and zones() satisfy geometry.hpp, guarantees.hpp and zone.hpp.
//
// Not here: where the bytes are kept (memory/, file/).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "furrow/zoned/geometry.hpp"
#include "furrow/zoned/guarantees.hpp"
#include "furrow/zoned/zone.hpp"
#include "uri.hpp"

namespace furrow::zoned {

/// Every member is a u64 so that one table (emulation.cpp) reads, checks, stores and compares them all.
struct emulation {
  std::uint64_t size_bytes = 64 << 20;
  std::uint64_t zone_bytes = 1 << 20;
  std::uint64_t zone_capacity_bytes = 0;  ///< 0: as large as the zone.
  std::uint64_t lba_bytes = 4096;
  std::uint64_t open_max = 0;    ///< 0: no limit.
  std::uint64_t active_max = 0;  ///< 0: no limit.
  std::uint64_t conventional_zones = 0;
  std::uint64_t volatile_cache = 0;
  std::uint64_t append_bytes_max = 128 << 10;
  std::uint64_t appends_per_zone_max = 8;
  std::uint64_t native_append = 1;
  friend bool operator==(const emulation&, const emulation&) = default;

  /// What is wrong with these parameters, in words; empty if nothing is.
  [[nodiscard]] std::string flaw() const;

  [[nodiscard]] geometry shape() const;
  [[nodiscard]] guarantees promises() const;
  /// All zones as they are when the device is new.
  [[nodiscard]] std::vector<zone_info> zones() const;
};

/// How an emulated device writes, for people.
[[nodiscard]] std::string emulated_writing(const guarantees& promises);

/// Reads the parameters of a URI over the defaults.
[[nodiscard]] boost::system::result<emulation, failure> parse_emulation(const uri& from);

/// The first parameter given in `from` that `image` does not agree with, in words; empty if all agree.
[[nodiscard]] std::string disagreement(const uri& from, const emulation& given, const emulation& image);

}  // namespace furrow::zoned
