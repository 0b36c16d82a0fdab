// Counters of a store since it was opened, and its space, as plain values.
#pragma once

#include <cstdint>

namespace furrow {

struct statistics {
  // Operations.
  std::uint64_t appends = 0;
  std::uint64_t append_bytes = 0;
  std::uint64_t reads = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t fills = 0;  ///< Of views.
  std::uint64_t fill_bytes = 0;
  std::uint64_t copied_bytes = 0;  ///< Appended or read bytes that went through a buffer of the store.

  // The write path.
  std::uint64_t ordered_extents = 0;
  std::uint64_t bios = 0;
  std::uint64_t data_commands = 0;
  std::uint64_t coalesced_bios = 0;  ///< Bios beyond the first of their command.
  std::uint64_t splits = 0;          ///< Ordered extents cut because their pieces landed apart.
  std::uint64_t merges = 0;          ///< Neighbouring pieces that landed together.
  std::uint64_t short_completions = 0;
  std::uint64_t retries = 0;          ///< Bios sent again after a failure.
  std::uint64_t failed_appends = 0;   ///< Commands that wrote data and failed.
  std::uint64_t salvaged_blocks = 0;  ///< Blocks of those that had landed all the same.

  // The direct path.
  std::uint64_t writes = 0;
  std::uint64_t write_bytes = 0;
  std::uint64_t attempts = 0;          ///< Of writes; one that was whole at once has one.
  std::uint64_t extracted = 0;         ///< Ordered extents cut off for a part of a write.
  std::uint64_t cancelled_blocks = 0;  ///< Of ordered extents, because the rest of a source was not resident.
  std::uint64_t bounced_bytes = 0;     ///< Written from a copy of a source that could not be made resident.
  std::uint64_t edge_reads = 0;        ///< Blocks read because a part of them was to stay.

  // Bytes written to the device.
  std::uint64_t data_bytes = 0;
  std::uint64_t journal_bytes = 0;
  std::uint64_t page_bytes = 0;
  std::uint64_t superblock_bytes = 0;
  std::uint64_t zone_header_bytes = 0;

  // The same since the store was formatted; without what a process that ended wrote after its last checkpoint.
  std::uint64_t total_user_bytes = 0;  ///< Appended and written, as users gave them.
  std::uint64_t total_data_bytes = 0;
  std::uint64_t total_journal_bytes = 0;
  std::uint64_t total_page_bytes = 0;
  std::uint64_t total_cleaner_bytes = 0;  ///< Of total_data_bytes, written to move what lived.

  // Durability.
  std::uint64_t flushes = 0;
  std::uint64_t groups = 0;
  std::uint64_t records = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t journal_live_bytes = 0;  ///< To be replayed if the process ended now.

  // Pages.
  std::uint64_t page_reads = 0;
  std::uint64_t pages_resident = 0;
  std::uint64_t page_waits = 0;  ///< Times that something waited for a page.

  // Zones.
  std::uint64_t zone_resets = 0;
  std::uint64_t resets_skipped = 0;  ///< Zones that were clean without one: conventional, or empty.
  std::uint32_t resets_queued = 0;   ///< Zones that wait for theirs, or are being reset; a few at a time are.
  std::uint64_t zone_finishes = 0;
  std::uint64_t finishes_waited = 0;  ///< Of those, that were under way while an operation of a user lacked a zone.
  std::uint64_t zones_opened = 0;
  std::uint64_t zones_prepared = 0;    ///< Of data, before the zone that they follow was full.
  std::uint64_t zones_refilled = 0;    ///< Partly filled zones taken up again.
  std::uint64_t limit_refusals = 0;    ///< Writes refused over the device's limits, by others' use of them.
  std::uint64_t zones_read_only = 0;   ///< Found read-only, in an open too.
  std::uint64_t zones_offline = 0;     ///< Found offline, in an open too.
  std::uint64_t zones_full_early = 0;  ///< Found full before they were filled.
  std::uint64_t zones_misplaced = 0;   ///< Found with another write pointer than the store had made.
  std::uint64_t zones_retired = 0;     ///< Given up for good because commands to them failed.
  std::uint64_t zones_evacuated = 0;   ///< Read-only or offline, and nothing lives in them any more.

  // The cleaner.
  std::uint64_t cleaner_blocks_moved = 0;
  std::uint64_t cleaner_bytes = 0;  ///< Of data_bytes, written to move what lived.
  std::uint64_t zones_cleaned = 0;  ///< Of which all that lived was moved.
  std::uint64_t zones_left = 0;     ///< Times that something was left in a zone: damaged, or changed meanwhile.

  // Space, in bytes.
  std::uint64_t objects = 0;
  std::uint64_t capacity_bytes = 0;  ///< As in store_info.
  std::uint64_t live_bytes = 0;      ///< Data blocks that objects point at.
  std::uint64_t dead_bytes = 0;      ///< Written, and nobody points at them.
  std::uint64_t metadata_bytes = 0;  ///< Zones used for metadata.
  std::uint64_t free_bytes = 0;      ///< What appends may take now: nothing while metadata may not grow.
  std::uint64_t reserved_bytes = 0;  ///< Held back for metadata and for cleaning.
  std::uint32_t zones_free = 0;
  std::uint32_t zones_active = 0;
  std::uint64_t sequence = 0;  ///< Of the last publication.
  std::uint64_t durable_sequence = 0;
};

}  // namespace furrow
