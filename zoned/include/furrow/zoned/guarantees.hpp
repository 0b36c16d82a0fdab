// What a device promises. The engine uses exactly these; a simulated device grants exactly these.
//
// Invariants
//   I1  All lengths are multiples of the LBA and at least one store block; coalesce_bytes <= append_bytes_max.
//   I2  A completed append or write survives the end of the process. It survives the loss of power only if
//       volatile_cache is false, or if a flush that began after its completion has completed.
//   I3  A command within the limits here is never refused for its length or its number of segments.
#pragma once

#include <cstddef>
#include <cstdint>

namespace furrow::zoned {

struct guarantees {
  bool volatile_cache = false;
  bool native_append = false;  ///< The device has zone append itself; else `ordered_append` supplies it.
  std::uint64_t append_bytes_max = 128 << 10;  ///< Largest append, or largest write of a device without append.
  std::uint64_t transfer_bytes_max = 1 << 20;  ///< Largest read, and largest write of a conventional zone.
  std::uint32_t segments_max = 256;            ///< Memory segments of one command.
  std::uint32_t memory_alignment_bytes = 1;    ///< Of the address of each segment; its length is a multiple of the LBA.
  std::uint32_t in_flight_max = 256;           ///< Commands accepted and not yet completed.
  std::uint32_t appends_per_zone_max = 1;      ///< Appends (or ordered writes) that one zone may have in flight.
  /// A shorter append costs the device about as much as one of this length. So while the zone has some in flight, waiting
  /// until so much has gathered beats sending at once; store_block_bytes where nothing is gained.
  std::uint64_t coalesce_bytes = 4096;
  friend bool operator==(const guarantees&, const guarantees&) = default;
};

}  // namespace furrow::zoned
