// One pass over all zones that may hold metadata: which pages and groups verify on their own, whoever refers to them.
//
// Invariants
//   V1  A page or group is listed only if it verifies and is of the store; the store is that of the newest superblock, else
//       the one of most zone headers.
//   V2  Of a page some 200 bytes are kept, of a group or zone 100; what they hold is read again when it is asked for.
//   V3  Zones whose header says that they hold data are passed over; those whose header does not verify are looked through.
//   V4  What cannot be read is counted and named; it never ends the pass.
//
// Not here: which pages speak for which keys (rebuilt_tree.hpp), what the journal says (rebuilt_journal.hpp).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "format/group.hpp"
#include "format/record.hpp"
#include "format/superblock.hpp"
#include "format/zone_header.hpp"
#include "furrow/progress.hpp"
#include "furrow/raw_device.hpp"

namespace furrow::cli {

struct block_place {
  zoned::zone_index zone;
  std::uint64_t block = 0;
};

struct surveyed_page {
  format::page_kind kind{};
  std::uint8_t level = 0;
  std::uint64_t epoch = 0;
  std::uint64_t generation = 0;
  std::uint64_t sequence = 0;  ///< Of the checkpoint that wrote it.
  format::checksum_field checksum;
  block_place at;
  format::key first;  ///< The least and the greatest key of a leaf.
  format::key last;
};

struct surveyed_group {
  std::uint64_t number = 0;
  std::uint64_t epoch = 0;
  std::uint64_t last_sequence = 0;
  format::checksum_field checksum;
  format::checksum_field previous;
  std::uint64_t blocks = 0;
  block_place at;
};

/// What could not be read on the way, as a line and its zone.
struct survey_fault {
  std::string why;
  zoned::zone_index zone;
};

struct survey {
  std::optional<format::uuid> store;
  std::optional<format::superblock> newest;
  std::vector<std::optional<format::zone_header>> headers;  ///< Of each zone; of whatever store it is.
  std::vector<surveyed_page> pages;
  std::vector<surveyed_group> groups;
  std::vector<survey_fault> faults;
};

[[nodiscard]] survey survey_device(raw_device& device, progress& shown);

/// The page's bytes, if they are still what was surveyed.
[[nodiscard]] std::optional<std::vector<std::byte>> read_again(raw_device& device, const format::uuid& store,
                                                               const surveyed_page& page);
[[nodiscard]] std::optional<std::vector<std::byte>> read_again(raw_device& device, const surveyed_group& group);
/// The records of a group, up to the first that is against the format.
void for_each_record(std::span<const std::byte> group, const format::uuid& store,
                     const std::function<void(const format::record&)>& call);

}  // namespace furrow::cli
