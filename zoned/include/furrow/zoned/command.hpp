// The whole vocabulary between the engine and a device.
//
// Layout of a command by opcode (fields not named are ignored)
//   append   zone, segments                 the device chooses the place and tells it; sequential zones only
//   write    zone, offset_bytes, segments   conventional zones anywhere; sequential zones at the write pointer only
//   read     zone, offset_bytes, segments   below the zone's size; beyond the write pointer the bytes are unspecified
//   report   zone, zones                    fills `zones` from `zone` on; the completion's `bytes` is the COUNT filled
//   open close finish reset    zone
//   flush    -                              covers every command whose completion was reaped before it was submitted
//
// Invariants
//   I1  The segments' array and the memory they name belong to the submitter and stay valid until the completion.
//   I2  Each accepted command completes exactly once.
//   I3  On success of an append or write, `bytes` of the completion may be less than asked (a short completion): the
//       first `bytes` landed at `at`, the rest did not land. On failure nothing is said about the length; where the
//       device has no append of its own (guarantees::native_append), `at` is where it would have begun, and the zone's
//       end if it never came to the device. Of a failed native append, `at` means nothing.
//   I4  An append or write that fails with errc::cancelled wrote nothing.
#pragma once

#include <cstdint>
#include <span>

#include "furrow/zoned/error.hpp"
#include "furrow/zoned/units.hpp"
#include "furrow/zoned/zone.hpp"

namespace furrow::zoned {

enum class opcode : std::uint8_t { append = 1, write, read, flush, report, open, close, finish, reset };

/// Chosen by the submitter; unique among its commands in flight.
struct command_id {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(command_id, command_id) = default;
};

/// A piece of memory that a command reads from or writes to.
struct segment {
  std::byte* data = nullptr;
  std::size_t bytes = 0;
};

struct command {
  command_id id;
  opcode op = opcode::flush;
  zone_index zone;
  std::uint64_t offset_bytes = 0;
  std::span<const segment> segments;
  std::span<zone_info> zones;
};

struct completion {
  command_id id;
  error_code error;
  place at;                 ///< append and write: where the first byte landed; on failure see I3.
  std::uint64_t bytes = 0;  ///< append, write, read: bytes transferred. report: zones filled.
};

[[nodiscard]] constexpr std::uint64_t total_bytes(std::span<const segment> segments) {
  std::uint64_t sum = 0;
  for (const segment& s : segments) sum += s.bytes;
  return sum;
}

}  // namespace furrow::zoned
