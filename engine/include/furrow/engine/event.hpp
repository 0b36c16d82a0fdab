// What a store tells unasked.
#pragma once

#include <cstdint>

#include "furrow/engine/error.hpp"

namespace furrow {

struct event {
  enum class kind : std::uint8_t {
    degraded = 1,  ///< It goes on with less: a zone is gone, or one of two copies.
    low_space,     ///< Appends will soon be refused with no_space.
    zone_changed,  ///< The device has made a zone read-only or offline.
    needs_reopen,  ///< Writing has ended; see errc::needs_reopen.
    checkpoint_begun,
    checkpoint_ended,
    zone_opened,
    damage  ///< Something on the device does not verify.
  };
  kind what{};
  error_detail detail;
};

}  // namespace furrow
