// What can go wrong with a store, one code for each cause a caller can act on, and what it concerned.
//
// Not here: errors of a device (furrow/zoned/error.hpp); they reach the caller unchanged where the device's word is the
// cause.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "furrow/zoned/error.hpp"
#include "furrow/zoned/units.hpp"

namespace furrow {

enum class errc {
  not_found = 1,         ///< No object of that name or id.
  exists,                ///< The name is taken.
  name_empty,            ///< A name has at least one byte.
  name_too_long,         ///< A name has at most 1,024 bytes.
  attributes_too_large,  ///< Link target or user attributes over their limit.
  invalid_argument,      ///< An option or argument is out of its range.
  collection_not_found,  ///< No collection of that number.
  no_space,              ///< Nothing left for this class of bytes; deleting still works.
  out_of_range,          ///< The range ends behind the object's end.
  offset_mismatch,       ///< The object's end is not where the caller expected it.
  fenced,                ///< A higher fence epoch has been stated for the object.
  predecessor_failed,    ///< An earlier append of the object failed, so this one has no place to go.
  checksum_mismatch,     ///< The device returned other bytes than were written.
  needs_reopen,  ///< A flush or a journal write failed: what is durable is decided by the next open. Reads go on.
  read_only,     ///< The store is open for reading.
  damaged,       ///< Metadata on the device is damaged; the store opens read-only at best.
  not_a_store,   ///< No superblock: the device was never formatted, or by something else.
  formatted,     ///< The device holds a store already.
  newer_format,  ///< Written by a newer version of this program.
  unsupported_feature,   ///< The store uses a feature that this version does not know.
  wrong_device,          ///< The store was formatted for a device of another shape.
  too_small,             ///< The device has too few zones for a store.
  too_few_active_zones,  ///< The device's limit of active zones is below what a store needs.
  superseded,            ///< Another open of the store has taken over.
  busy,                  ///< A bound of the store is reached: operations, handles or bytes waiting.
  closed,                ///< The store, or the handle, is closed or closing.
  cancelled,             ///< Cancelled before anything was done.
  timed_out,             ///< The deadline passed before anything was done.
  needs_own_thread,      ///< Only a store with a thread of its own can do this.
  unsupported,           ///< Not supported.
  too_fragmented,        ///< The range has more extents than one record takes; work on it in parts.
  source_failed,         ///< The memory to be written cannot be read.
  quota_exceeded,        ///< The collection would have more than its quota; nothing was done. Deleting helps.
  older_format,          ///< Written by a version of this program from before the format was declared.
  moved_on,              ///< Of a store opened live: who writes to it has moved on, or it is damaged. Open it again.
};

const boost::system::error_category& error_category() noexcept;
inline error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), error_category()}; }

/// Goes with no_space, and with zoned::errc::too_many_active: what there is of the store's space, and which kind is short.
struct space_shortage {
  enum class kind : std::uint8_t {
    free = 1,     ///< All that objects may have is live: deleting helps, and nothing else.
    reclaimable,  ///< Enough is dead, but it cannot be won now: views hold it, it is damaged, or cleaning is off.
    reserved,     ///< What is free is kept for metadata and for cleaning.
    active_zones  ///< Zones are free, but the device lets no more of them be written to.
  };
  kind what = kind::free;
  std::uint64_t wanted_bytes = 0;       ///< 0: an object or a name, which takes metadata alone.
  std::uint64_t free_bytes = 0;         ///< What others, who want less, may still take.
  std::uint64_t reclaimable_bytes = 0;  ///< Written, and nobody points at them.
  std::uint64_t reserved_bytes = 0;     ///< Kept for metadata and for cleaning.
  std::uint32_t zones_free = 0;
  std::uint32_t zones_active = 0;
  std::uint32_t zones_active_max = 0;  ///< 0: the device has no limit.
};

/// What an error concerns, as far as it is known.
struct error_detail {
  std::optional<std::uint64_t> object{};
  std::optional<std::uint64_t> offset_bytes{};  ///< In the object.
  std::optional<std::uint64_t> bytes{};
  std::optional<zoned::zone_index> zone{};
  std::string what{};                     ///< One line for people, naming the thing and the way out. May be empty.
  std::optional<space_shortage> space{};  ///< If it was refused for want of it.
};

}  // namespace furrow

template <>
struct boost::system::is_error_code_enum<furrow::errc> : std::true_type {};
