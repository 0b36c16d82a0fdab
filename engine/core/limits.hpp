// Every bound of the core that is not an option, and how they hang together.
#pragma once

#include <cstddef>
#include <cstdint>

#include "format/group.hpp"
#include "format/keys.hpp"

namespace furrow::core {

inline constexpr std::uint64_t block_bytes = zoned::store_block_bytes;

inline constexpr std::uint32_t ring_zones = 4;           ///< Two copies of the superblock, two zones each.
inline constexpr std::uint32_t report_zones_max = 4096;  ///< Zones of one report command.
inline constexpr std::uint32_t bio_attempts_max = 2;     ///< A bio that fails is sent again once.
inline constexpr std::uint32_t zone_failures_max = 2;    ///< Then the zone is not written until it is reset.
inline constexpr std::uint32_t zone_trials_max = 4;      ///< Uses in a row that end so; then the zone is retired.
inline constexpr std::uint32_t finish_trials_max = 2;    ///< Finishes that fail in a row; then the zone is left.
inline constexpr std::uint32_t report_trials_max =
    4;  ///< Reports of a suspect zone that fail in a row; then it is given up.
inline constexpr std::uint32_t reset_trials_max = 4;  ///< Resets that fail in a row; then the zone is retired.
inline constexpr std::uint32_t headers_failed_max =
    4;                                            ///< In a row; then what waits for a zone fails, not one zone more.
inline constexpr std::uint32_t refusals_max = 8;  ///< In a row, over a limit, when nothing of ours can be given up.
inline constexpr std::uint64_t refusal_memory =
    4096;                                            ///< Commands after which others may have given up what they hold.
inline constexpr std::uint32_t page_batch_max = 32;  ///< Pages of one command.
inline constexpr std::uint32_t page_commands_max = 4;    ///< Page commands in flight, a copy.
inline constexpr std::uint32_t drop_extents_max = 1024;  ///< Extents of one drop record.
inline constexpr std::uint32_t resets_in_flight_max = 4;
inline constexpr std::uint64_t replay_chunk_bytes = 1 << 20;
inline constexpr std::size_t replay_loads_max = 64;        ///< Pages that a replay reads at a time.
inline constexpr std::size_t replay_values_max = 1 << 16;  ///< Objects that it keeps, beside those of one group.
inline constexpr std::uint32_t batch_members_max = 1024;
inline constexpr std::uint32_t list_entries_max = 65536;
inline constexpr std::size_t findings_max = 1000;
/// Names of blocks with a wrong number of references that a check keeps to weigh them.
inline constexpr std::size_t weighed_names_max = 1 << 20;
inline constexpr std::uint64_t group_bytes_aim = 1 << 20;  ///< Of a group; one publication may need more.
/// One of them the user's, the others the cleaner's.
constexpr std::uint32_t data_zones_min(std::uint32_t page_copies) { return 2 + page_copies; }
/// Zones that a store needs at the least: four for the journal at its smallest cap, three for each page copy, and data's.
/// As many conventional ones do for metadata that is to keep to them.
constexpr std::uint32_t zones_min(std::uint32_t page_copies) {
  return 4 + 3 * page_copies + data_zones_min(page_copies);
}
/// Worst journal bytes of one published block: a sum and an extent of its own, doubled for slack.
inline constexpr std::uint64_t record_bytes_per_block = 48;
/// Extents that one clone record names, replaced ones included: so that it fits half a zone of so many blocks.
constexpr std::size_t clone_extents_max(std::uint64_t zone_blocks) { return zone_blocks / 2 * block_bytes / 64; }
/// Names that one move record has.
constexpr std::size_t names_max(std::uint64_t zone_blocks) { return clone_extents_max(zone_blocks) / 2; }
inline constexpr std::uint64_t zone_blocks_min = 16;  ///< Below it the largest record has no room in a zone.

static_assert(zone_blocks_min * block_bytes > 2 * (format::name_bytes_max + format::attribute_blob_bytes_max));

}  // namespace furrow::core
