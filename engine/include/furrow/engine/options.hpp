// Every option of a store: default, range and why it exists. A value out of its range is refused with invalid_argument.
#pragma once

#include <cstdint>

namespace furrow {

struct format_options {
  bool force = false;            ///< Format even if the device holds a store.
  std::uint8_t page_copies = 0;  ///< 1 or 2; 0: two from 8 active zones on, else one.
  bool checksums = true;         ///< false: data blocks carry no sums (for measuring).
};

struct store_options {
  bool read_only = false;
  /// With read_only: another process may be writing to the store, which is read as it is durable at this moment. What the
  /// writer has since moved or reset cannot be read any more: errc::moved_on, never wrong bytes; open it again then. A store
  /// without sums of data is refused.
  bool live = false;
  /// Opens the store to be repaired (store::async_repair): nothing else changes it, not even what would go on by itself.
  bool for_repair = false;
  /// 1 MiB .. 1 TiB. Clean pages kept in memory; dirty ones come on top until the next checkpoint.
  std::uint64_t page_cache_bytes = 64u << 20;
  /// 64 KiB .. 1 TiB. Appended bytes accepted and not yet written; more wait their turn.
  std::uint64_t in_flight_bytes_max = 64u << 20;
  /// 1 .. 1,048,576. Operations accepted and not yet completed; more are refused with busy.
  std::uint32_t operations_max = 65536;
  /// 4 KiB .. 1 TiB. Bytes of all views together; a view over it is refused with busy.
  std::uint64_t view_bytes_max = 256u << 20;
  /// 1 .. 1,048,576. Objects open at a time.
  std::uint32_t handles_max = 1u << 20;
  /// 4 KiB .. 16 MiB, whole store blocks. Longer requests become several ordered extents, each whole or absent after a
  /// crash.
  std::uint64_t ordered_extent_bytes_max = 16u << 20;
  /// 4 KiB .. 4 MiB. Published records waiting for a group beyond this are written without waiting for a sync.
  std::uint64_t journal_group_bytes = 256u << 10;
  /// 0: min(768 MiB, capacity / 16); never more than a quarter of the capacity. Replay at open is bounded by it; a checkpoint begins at
  /// half of it at the latest.
  std::uint64_t recovery_journal_bytes_max = 0;
  /// 0 .. 1 GiB. A checkpoint does not begin for fewer bytes of journal than this; with more, when what it writes is not
  /// much more than they are.
  std::uint64_t checkpoint_journal_bytes_min = 32u << 20;
  /// false: zones that are dead in part are cleaned on demand only, and who has no room is not made to wait for it.
  bool background_cleaning = true;
};

}  // namespace furrow
