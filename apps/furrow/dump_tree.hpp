// The page trees as the superblock names them.
#pragma once

#include "dump_store.hpp"
#include "format/page.hpp"

namespace furrow::cli {

/// Every page from the root on, with its cells.
void dump_tree(const dump_context& c, const format::superblock& s, format::page_kind kind);
/// Runs of one data zone, with their sums compared with what lies there.
void dump_runs_of_zone(const dump_context& c, const format::superblock& s, zoned::zone_index zone);

}  // namespace furrow::cli
