// Reads the structures of a store off its device, below the engine, and hands them to a dump_writer.
//
// Invariants
//   I1  Nothing is assumed of the device: what does not verify is named, and the walk goes on behind it.
//   I2  Only what is named is judged: bytes that nothing refers to are never a fault.
//
// Not here: how structures look on the device (engine/format), how they are printed (dump_writer.hpp), the journal's
// chain (dump_journal.hpp), the trees (dump_tree.hpp).
#pragma once

#include <optional>

#include "dump_writer.hpp"
#include "format/superblock.hpp"
#include "raw_device.hpp"

namespace furrow::cli {

/// What the parts of a dump share.
struct dump_context {
  raw_device& device;
  dump_writer& to;
};

struct found_superblock {
  format::superblock block;
  dump_place at;
};

/// The newest one of both rings; every copy is printed if asked for.
[[nodiscard]] std::optional<found_superblock> dump_superblocks(const dump_context& c, bool print);
/// The zones of both rings, in their order.
[[nodiscard]] std::vector<zoned::zone_index> ring_zones(const zoned::geometry& shape);

/// The header of the zone, if it has one that verifies.
[[nodiscard]] std::optional<format::zone_header> read_zone_header(const dump_context& c, zoned::zone_index zone);
/// Headers of all zones but the rings'.
void dump_zone_headers(const dump_context& c, const std::optional<format::uuid>& store);
/// Every block of one zone, whatever refers to it.
void dump_zone(const dump_context& c, const std::optional<found_superblock>& newest, zoned::zone_index zone);

}  // namespace furrow::cli
