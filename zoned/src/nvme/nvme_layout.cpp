// The parsing of nvme_layout.hpp.
#include "nvme/nvme_layout.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "ensure.hpp"

namespace furrow::zoned::nvme {
namespace {

static_assert(std::endian::native == std::endian::little, "NVMe's integers are little-endian");

constexpr std::uint64_t page_bytes_min = 4096;  // CAP.MPSMIN of every controller that Linux drives on x86 and arm64
constexpr std::size_t formats_max = 64;

template <class Number>
Number load(std::span<const std::byte> from, std::size_t at) {
  ensure(at + sizeof(Number) <= from.size());
  Number value{};
  std::memcpy(&value, from.data() + at, sizeof value);
  return value;
}

/// A limit as 2^n pages; 0 is none.
std::uint64_t pages(std::uint8_t exponent) { return exponent == 0 || exponent > 40 ? 0 : page_bytes_min << exponent; }

std::optional<std::uint32_t> limit(std::uint32_t stated, std::uint32_t zone_count) {
  if (stated == UINT32_MAX || stated + 1 >= zone_count) return std::nullopt;
  return stated + 1;  // it counts from 0
}

zone_condition condition_of(unsigned state) {
  switch (state) {
    case 0x1:
      return zone_condition::empty;
    case 0x2:
      return zone_condition::implicit_open;
    case 0x3:
      return zone_condition::explicit_open;
    case 0x4:
      return zone_condition::closed;
    case 0xd:
      return zone_condition::read_only;
    case 0xe:
      return zone_condition::full;
    default:
      return zone_condition::offline;  // and what later standards add: nothing may be done with it
  }
}

}  // namespace

controller_limits parse_controller(std::span<const std::byte> identify, std::span<const std::byte> zoned) {
  controller_limits l;
  l.transfer_bytes_max = pages(load<std::uint8_t>(identify, 77));   // MDTS
  l.append_bytes_max = pages(load<std::uint8_t>(zoned, 0));         // ZASL
  l.volatile_cache = (load<std::uint8_t>(identify, 525) & 1) != 0;  // VWC
  return l;
}

std::optional<geometry> parse_namespace(std::span<const std::byte> identify, std::span<const std::byte> zoned) {
  const auto selected = load<std::uint8_t>(identify, 26);  // FLBAS: bits 0 to 3, and 5 and 6 above them
  const std::size_t format = (selected & 0xfu) | ((selected >> 1) & 0x30u);
  if (format >= formats_max) return std::nullopt;
  const auto lba_format = load<std::uint32_t>(identify, 128 + 4 * format);
  const unsigned shift = (lba_format >> 16) & 0xff;
  const bool has_metadata = (lba_format & 0xffff) != 0;
  if (has_metadata || (shift != 9 && shift != 12)) return std::nullopt;
  geometry g;
  g.lba_bytes = 1u << shift;
  const auto blocks = load<std::uint64_t>(identify, 0);
  const auto zone_blocks = load<std::uint64_t>(zoned, 2816 + 16 * format);
  if (zone_blocks == 0 || zone_blocks > (std::uint64_t{1} << 48) || blocks % zone_blocks != 0) return std::nullopt;
  const std::uint64_t zones = blocks / zone_blocks;
  if (zones == 0 || zones > UINT32_MAX) return std::nullopt;
  g.zone_bytes = g.last_zone_bytes = zone_blocks << shift;
  g.zone_count = static_cast<std::uint32_t>(zones);
  g.active_max = limit(load<std::uint32_t>(zoned, 4), g.zone_count);
  g.open_max = limit(load<std::uint32_t>(zoned, 8), g.zone_count);
  return g;
}

std::size_t zones_in_report(std::span<const std::byte> report) {
  const std::size_t room = (report.size() - report_header_bytes) / descriptor_bytes;
  return static_cast<std::size_t>(std::min<std::uint64_t>(load<std::uint64_t>(report, 0), room));
}

std::optional<zone_info> parse_descriptor(std::span<const std::byte> report, std::size_t index, zone_index first,
                                          const geometry& shape) {
  const auto d = report.subspan(report_header_bytes + index * descriptor_bytes, descriptor_bytes);
  const zone_index zone{first.value + static_cast<std::uint32_t>(index)};
  const std::uint64_t start = load<std::uint64_t>(d, 16) * shape.lba_bytes;
  const std::uint64_t capacity = load<std::uint64_t>(d, 8) * shape.lba_bytes;
  constexpr unsigned sequential = 2;
  if (zone.value >= shape.zone_count || start != zone.value * shape.zone_bytes) return std::nullopt;
  if ((load<std::uint8_t>(d, 0) & 0xfu) != sequential || capacity == 0 || capacity > shape.zone_bytes)
    return std::nullopt;
  zone_info z{.index = zone,
              .type = zone_type::sequential,
              .condition = condition_of(load<std::uint8_t>(d, 1) >> 4),
              .bytes = shape.zone_bytes,
              .capacity_bytes = capacity,
              .write_pointer_bytes = 0};
  if (z.condition == zone_condition::full) {
    z.write_pointer_bytes = capacity;
  } else if (is_active(z.condition)) {  // else it says nothing
    const std::uint64_t pointer = load<std::uint64_t>(d, 24) * shape.lba_bytes;
    if (pointer < start || pointer - start > capacity) return std::nullopt;
    z.write_pointer_bytes = pointer - start;
  }
  return z;
}

error_code error_of_status(unsigned status) {
  constexpr unsigned type_and_code = 0x7ff;
  switch (status & type_and_code) {
    case 0x000:
      return {};
    case 0x001:  // invalid opcode
      return errc::unsupported;
    case 0x007:  // abort requested
      return errc::cancelled;
    case 0x002:  // invalid field
      return errc::unaligned;
    case 0x00b:  // invalid namespace
      return errc::device_gone;
    case 0x080:
      return errc::out_of_range;
    case 0x1b8:
      return errc::zone_boundary;
    case 0x1b9:
      return errc::zone_full;
    case 0x1ba:
      return errc::zone_read_only;
    case 0x1bb:
      return errc::zone_offline;
    case 0x1bc:
      return errc::not_sequential;
    case 0x1bd:
      return errc::too_many_active;
    case 0x1be:
      return errc::too_many_open;
    case 0x1bf:
      return errc::invalid_transition;
    default:
      return errc::io;
  }
}

}  // namespace furrow::zoned::nvme
