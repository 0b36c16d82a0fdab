// How to write the sequential zones of a device: by its own append or at the write pointer, how many at a time, and from
// which length on a command is worth sending while another is in flight. By what the device is good at, not by its name.
//
// The rule
//   the device has append, for 16 KiB or more    append, 32 in flight in each zone. Drives complete few appends a second
//                                                more with more in flight, and so many that 8 to 16 KiB each fill them
//   ... for less, and writes may be 4 times      write at the write pointer: one large write at a time outdoes many
//       as large                                 appends that are limited by their number
//   ... for less, otherwise                      append
//   no append, the order of a zone's writes      write at the write pointer, 4 in flight in each zone: one at the
//       is kept, and no test disagrees           device, the others next to it, so that it need not wait for the caller.
//                                                A device that changes the order all the same is found out at the first
//                                                write that overtakes another (adapt/ordered_append.hpp)
//   otherwise                                    write at the write pointer, one at a time
//
// Coalescing: a command costs a drive about as much as the 16 KiB (append) or 64 KiB (write) that it could carry, so
// shorter ones are better gathered as long as the zone has some in flight.
//
// Not here: how the facts are found (zbd/queue_limits.hpp, nvme/admin_calls.hpp, adapt/order_test.hpp).
#pragma once

#include <cstdint>
#include <string>

namespace furrow::zoned {

/// Who keeps the writes of one zone in the order of their submission.
enum class kept_order : std::uint8_t {
  nobody,
  scheduler,   ///< mq-deadline, up to Linux 6.9: it locks a zone for each write.
  zone_plugs,  ///< Linux 6.10 and later: writes of a zone are held back until the one before has completed.
  emulation,   ///< The device is ours.
};

enum class order_test : std::uint8_t {
  not_made,  ///< The device is open for reading, or holds something.
  agrees,
  disagrees,
};

struct write_facts {
  std::uint64_t append_bytes_max = 0;  ///< Of the device's own append; 0 if it has none.
  std::uint64_t write_bytes_max = 0;   ///< Of a write that stays one.
  kept_order order = kept_order::nobody;
  order_test test = order_test::not_made;
};

struct write_choice {
  bool append = false;
  std::uint32_t depth = 1;
  std::uint64_t command_bytes_max = 0;
  std::uint64_t coalesce_bytes = 0;
  std::string because;  ///< What and why, in one line for people.
};

[[nodiscard]] write_choice choose_writing(const write_facts& facts);

}  // namespace furrow::zoned
