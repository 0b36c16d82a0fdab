#include "core/survey.hpp"

#include "core/superblock_ring.hpp"

namespace furrow::core {

void survey::start(std::function<void(error_code, std::string)> call) {
  call_ = std::move(call);
  const std::uint32_t smaller_last = c_.shape.last_zone_bytes == c_.shape.zone_bytes ? 0 : 1;
  if (c_.shape.zone_count < ring_zones + smaller_last)
    return std::exchange(call_, nullptr)(errc::too_small, "the device has " + std::to_string(c_.shape.zone_count) +
                                                              " zones; the superblocks alone need " +
                                                              std::to_string(ring_zones));
  zones_.resize(c_.shape.zone_count);
  report_next();
}

void survey::report_next() {
  const std::uint32_t count = std::min(report_zones_max, c_.shape.zone_count - reported_);
  c_.io.submit({.op = zoned::opcode::report, .zone = {reported_}, .zones = std::span{zones_}.subspan(reported_, count)},
               *this, 0);
}

void survey::io_done(std::uint64_t, const zoned::completion& c) {
  if (c.error || c.bytes == 0)
    return std::exchange(call_, nullptr)(c.error ? c.error : error_code{zoned::errc::io},
                                         "the zones of the device cannot be reported");
  reported_ += static_cast<std::uint32_t>(c.bytes);
  if (reported_ < c_.shape.zone_count) return report_next();
  c_.zones.init(c_.shape, std::move(zones_));
  search(0);
}

void survey::search(std::uint32_t index) {
  if (index == ring_zones) return std::exchange(call_, nullptr)({}, {});
  const zone_state& z = c_.zones[c_.zones.ring(index / 2, index % 2)];
  ring_zone& r = rings_[index];
  switch (z.device.condition) {
    case zoned::zone_condition::empty:
    case zoned::zone_condition::offline:
      r.end_block = 0;
      break;
    case zoned::zone_condition::full:
    case zoned::zone_condition::read_only:
      r.end_block = z.capacity_blocks;
      break;
    case zoned::zone_condition::not_write_pointer:
      r.end_block = 1;
      break;
    case zoned::zone_condition::implicit_open:
    case zoned::zone_condition::explicit_open:
    case zoned::zone_condition::closed:
      r.end_block = static_cast<std::uint32_t>(z.device.write_pointer_bytes / block_bytes);
      r.active = true;
      r.partial =
          z.device.write_pointer_bytes % block_bytes != 0 || (r.end_block == z.capacity_blocks && !z.fills_up());
      break;
  }
  search_back(index, r.end_block);
}

/// The last block is the newest superblock but where something went wrong; only then more are read, many at a time.
void survey::search_back(std::uint32_t index, std::uint32_t end_block) {
  constexpr std::uint32_t blocks_at_once = 16;
  if (end_block == 0) return search(index + 1);
  const std::uint32_t step = end_block == rings_[index].end_block ? 1 : blocks_at_once;
  const std::uint32_t begin = end_block > step ? end_block - step : 0;
  blocks_.read(c_.zones.ring(index / 2, index % 2), begin, end_block - begin,
               [=, this](error_code ec, std::span<const std::byte> bytes) {
                 ring_zone& r = rings_[index];
                 if (ec) {
                   r.unread = ec;  // the other zones may do
                   return search(index + 1);
                 }
                 for (std::size_t at = bytes.size(); at > 0; at -= block_bytes) {
                   auto s = format::decode_superblock(bytes.subspan(at - block_bytes, block_bytes));
                   if (s) {
                     r.newest = *s;
                     return search(index + 1);
                   }
                   r.damaged |= s.error() == format::superblock_fault::damaged;
                   r.older |= s.error() == format::superblock_fault::older_version;
                   r.newer |= s.error() == format::superblock_fault::newer_version;
                 }
                 search_back(index, begin);
               });
}

const survey::ring_zone* survey::newest() const {
  const ring_zone* best = nullptr;
  for (const ring_zone& r : rings_) {
    if (!r.newest) continue;
    if (best == nullptr ||
        std::pair{r.newest->epoch, r.newest->serial} > std::pair{best->newest->epoch, best->newest->serial})
      best = &r;
  }
  return best;
}

void survey::place_ring() const {
  for (std::uint32_t copy = 0; copy < 2; ++copy) {
    const ring_zone& a = rings_[copy * 2];
    const ring_zone& b = rings_[copy * 2 + 1];
    const bool second = b.newest && (!a.newest || std::pair{b.newest->epoch, b.newest->serial} >
                                                      std::pair{a.newest->epoch, a.newest->serial});
    const auto half = [&](const ring_zone& r, std::uint32_t index) {
      const zone_state& z = c_.zones[c_.zones.ring(copy, index)];
      const bool left = index != (second ? 1u : 0u);
      const bool partial = r.partial || (r.active && left);  // it could not be written on, nor finished then
      const bool writable = zoned::is_writable(z.device.condition) && !partial;
      return superblock_ring::half_state{writable ? r.end_block : z.capacity_blocks, r.end_block > 0 || partial,
                                         partial};
    };
    c_.ring->set_lost(copy, !a.newest && !b.newest);
    c_.ring->place(copy, second ? 1 : 0, half(a, 0), half(b, 1));
  }
}

}  // namespace furrow::core
