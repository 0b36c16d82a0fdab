// What a store tells unasked.
#pragma once

#include <cstdint>
#include <optional>

#include "furrow/engine/error.hpp"
#include "furrow/zoned/zone.hpp"

namespace furrow {

/// What became of a zone without the store's doing, or over a write that failed.
struct zone_change {
  enum class kind : std::uint8_t {
    write_failed = 1,  ///< A write of data or pages failed; the zone is looked at.
    read_only,         ///< It takes no more writes; what is in it can be read.
    offline,           ///< What is in it is lost: reads of it fail with zoned::errc::zone_offline.
    full_early,        ///< It is full before it was filled. Nothing is lost.
    pointer_ahead,     ///< Its write pointer is behind what the store wrote: what lies between is nobody's.
    pointer_behind,    ///< Its write pointer is before what had landed: that is lost.
    unreported,        ///< So many reports of it failed; it is not written to any more.
    unwritable,        ///< Its header failed, or so many resets of it; it is not used any more.
    retired,           ///< Writes to it failed in several uses in a row; it is not used any more.
    unfinished,        ///< It cannot be finished, and the device goes on counting it as active.
    evacuated          ///< It was read-only or offline, and nothing lives in it any more. It is not used any more.
  };
  struct state {
    zoned::zone_condition condition{};
    std::uint64_t write_pointer_bytes = 0;
  };
  kind what{};
  zoned::zone_index zone;
  state expected;  ///< As the store believed.
  state found;     ///< As the device says; as expected where nothing was reported.
};

struct event {
  enum class kind : std::uint8_t {
    degraded = 1,  ///< It goes on with less: see store_health.
    low_space,  ///< Appends will soon be refused with no_space: less than 1/32 of the capacity may still be written, or
    ///< less than a zone; detail.bytes say how much. Told again when there was a zone's worth more meanwhile.
    zone_changed,  ///< A zone is not what it was: see `zone`.
    needs_reopen,  ///< Writing has ended; see errc::needs_reopen.
    checkpoint_begun,
    checkpoint_ended,
    zone_opened,
    damage,          ///< Something on the device does not verify, or is gone. With `zone` if a zone lost it.
    limit_exceeded,  ///< The device refuses one more open or active zone, though the store has fewer than it may.
    restored         ///< It is not degraded any more.
  };
  kind what{};
  error_detail detail;
  std::optional<zone_change> zone{};
};

}  // namespace furrow
