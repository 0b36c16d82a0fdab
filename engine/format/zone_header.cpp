#include "format/zone_header.hpp"

#include <algorithm>

namespace furrow::format {
namespace {

constexpr std::size_t checksum_at = 16;

bool in_range(const zone_header& h) {
  const bool role_has_header = h.role == zone_role::metadata || h.role == zone_role::data;
  const bool has_next = h.next.value != zone_header::no_next;
  return role_has_header && known(h.cls) && (h.ordinal == 0 || h.role == zone_role::metadata) &&
         (h.ordinal != 0 || !has_next) && (has_next || h.next_generation == 0);
}

}  // namespace

void encode(const zone_header& h, std::span<std::byte> block) {
  FURROW_ASSERT(block.size() == zone_header_bytes);
  FURROW_ASSERT(in_range(h));
  fixed_writer to{block};
  to.u64(zone_header_magic);
  to.u32(zone_header_bytes);
  to.zeros(4 + checksum_field::encoded_bytes);
  to.bytes(h.store);
  to.u16(h.device);
  to.u8(static_cast<std::uint8_t>(h.role));
  to.u8(static_cast<std::uint8_t>(h.cls));
  to.u32(h.zone.value);
  to.u64(h.generation);
  to.u64(h.epoch);
  to.u64(h.ordinal);
  to.u32(h.next.value);
  to.zeros(4);
  to.u64(h.next_generation);
  to.zeros(to.left());
  seal(block, checksum_at);
}

boost::system::result<zone_header> decode_zone_header(std::span<const std::byte> from) {
  if (from.size() < zone_header_bytes) {
    return make_error_code(fault::magic);
  }
  const auto block = from.first(zone_header_bytes);
  reader in{block};
  if (in.u64() != zone_header_magic) {
    return make_error_code(fault::magic);
  }
  if (!verify(block, checksum_at)) {
    return make_error_code(fault::checksum);
  }
  if (in.u32() != zone_header_bytes) {
    in.fail();
  }
  in.zeros(4);
  in.skip(checksum_field::encoded_bytes);
  zone_header h;
  std::ranges::copy(in.bytes(h.store.size()), h.store.begin());
  h.device = in.u16();
  h.role = static_cast<zone_role>(in.u8());
  h.cls = static_cast<zone_class>(in.u8());
  h.zone.value = in.u32();
  h.generation = in.u64();
  h.epoch = in.u64();
  h.ordinal = in.u64();
  h.next.value = in.u32();
  in.zeros(4);
  h.next_generation = in.u64();
  in.zeros(in.left());
  if (in.failed() || !in_range(h)) {
    return make_error_code(fault::malformed);
  }
  return h;
}

}  // namespace furrow::format
