// The journal as recovery would follow it, and a metadata zone as it lies there.
#pragma once

#include "dump_store.hpp"

namespace furrow::cli {

/// Groups from the superblock's journal head on, along the chain of zones, each with its records.
void dump_journal(const dump_context& c, const format::superblock& s);
/// All groups and pages of one zone, with no regard to who names them.
void dump_metadata_zone(const dump_context& c, zoned::zone_index zone, const format::uuid& store);

}  // namespace furrow::cli
