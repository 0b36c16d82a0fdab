// Bytes of the NVMe structures that a zoned namespace needs, into this layer's values.
//
// Sources: NVM Express Base Specification 2.0 (Identify, figures 275 and 276; status codes, figures 94 to 98), NVM Command
// Set 1.0 (Identify namespace), Zoned Namespace Command Set 1.1 (Identify, figures 48 to 50; zone descriptor, figure 37;
// Zone Management Send and Receive; status values, figure 23).
//
// Invariants
//   I1  Nothing read is believed: what does not fit together is nullopt, never an assertion.
//
// Not here: how the structures are got (admin_calls.hpp, command_ring.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "furrow/zoned/error.hpp"
#include "furrow/zoned/geometry.hpp"
#include "furrow/zoned/zone.hpp"

namespace furrow::zoned::nvme {

inline constexpr std::size_t identify_bytes = 4096;
inline constexpr std::size_t report_header_bytes = 64;
inline constexpr std::size_t descriptor_bytes = 64;

enum class io_opcode : std::uint8_t {
  flush = 0x00,
  write = 0x01,
  read = 0x02,
  zone_management_send = 0x79,
  zone_management_receive = 0x7a,
  zone_append = 0x7d,
};

enum class send_action : std::uint8_t { close = 1, finish = 2, open = 3, reset = 4 };

struct controller_limits {
  std::uint64_t transfer_bytes_max = 0;  ///< 0: no limit.
  std::uint64_t append_bytes_max = 0;    ///< 0: as transfer_bytes_max.
  bool volatile_cache = false;
};

/// Identify with CNS 01h, and with CNS 06h and CSI 02h.
[[nodiscard]] controller_limits parse_controller(std::span<const std::byte> identify, std::span<const std::byte> zoned);

/// Identify with CNS 00h, and with CNS 05h and CSI 02h. None for formats that a store cannot be on: blocks that are neither
/// 512 nor 4096 bytes, metadata beside the blocks, a size that is no multiple of the zones'.
[[nodiscard]] std::optional<geometry> parse_namespace(std::span<const std::byte> identify,
                                                      std::span<const std::byte> zoned);

/// Of a report that begins at zone `first`, the descriptor `index`.
[[nodiscard]] std::optional<zone_info> parse_descriptor(std::span<const std::byte> report, std::size_t index,
                                                        zone_index first, const geometry& shape);
/// Zones that the report says it has, at most as many as it has room for.
[[nodiscard]] std::size_t zones_in_report(std::span<const std::byte> report);

/// What a completion says: status code type and status code, the rest masked out. 0 is success.
[[nodiscard]] error_code error_of_status(unsigned status);

}  // namespace furrow::zoned::nvme
