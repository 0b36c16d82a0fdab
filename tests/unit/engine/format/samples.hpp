// One of each structure, every field with a value of its own: for round trips, golden bytes and mutation.
#pragma once

#include <optional>
#include <span>

#include "bytes.hpp"
#include "format/group.hpp"
#include "format/record.hpp"
#include "format/superblock.hpp"
#include "format/zone_header.hpp"

namespace furrow::format::test {

/// The bytes first, first + 1, ...
uuid counting_uuid(unsigned first);
inline uuid sample_store() { return counting_uuid(0x10); }

superblock sample_superblock();
zone_header sample_zone_header();
/// One of each type, of sequences from 101.
std::vector<record> sample_records();
/// Those of them that have sums, as of data that have none.
std::vector<record> sample_records_without_sums();
/// A sealed group of these records.
bytes sample_group(const std::vector<record>& records);
group_header sample_group_header(const std::vector<record>& records, std::size_t record_bytes);
/// Sealed pages: an object's leaf, a leaf of the zone tree and an index page.
bytes sample_object_leaf();
bytes sample_zone_leaf();
bytes sample_zone_leaf_without_sums();
bytes sample_index();

bytes encoded(const superblock& s);
bytes encoded(const zone_header& h);
bytes encoded(const record& r);

/// Decodes one record that is all of `raw`; none if it is refused or skipped.
std::optional<record> decode_only(std::span<const std::byte> raw);

}  // namespace furrow::format::test
