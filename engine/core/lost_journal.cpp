#include "core/lost_journal.hpp"

#include <algorithm>

#include "format/group.hpp"
#include "format/zone_header.hpp"

namespace furrow::core {

void lost_journal::find(std::uint64_t ordinal, std::function<void(std::optional<std::uint64_t>)> call) {
  call_ = std::move(call);
  ordinal_ = ordinal;
  zone_ = 0;
  look();
}

bool lost_journal::may_be(const zone_state& z) const {
  const bool data = z.role == format::zone_role::data && z.live_blocks > 0;
  return !c_.zones.is_ring(z.device.index) && !data && z.written_blocks() > 1;
}

void lost_journal::look() {
  while (zone_ < c_.zones.count() && !may_be(c_.zones[{zone_}])) ++zone_;
  if (zone_ == c_.zones.count()) return std::exchange(call_, nullptr)(std::nullopt);
  zone_state& z = c_.zones[{zone_++}];
  blocks_.read(z.device.index, 0, 1, [this, &z](error_code ec, std::span<const std::byte> bytes) {
    if (ec) return look();
    const auto h = format::decode_zone_header(bytes);
    const bool ours = h && h->store == c_.super.store && h->zone == z.device.index &&
                      h->role == format::zone_role::metadata && h->ordinal == ordinal_;
    ours ? look_for_group(z, h->generation) : look();
  });
}

/// Pages may stand in front of it.
void lost_journal::look_for_group(zone_state& z, std::uint64_t generation) {
  const std::uint64_t blocks = std::min<std::uint64_t>(z.written_blocks() - 1, replay_chunk_bytes / block_bytes);
  blocks_.read(z.device.index, 1, blocks, [this, generation](error_code ec, std::span<const std::byte> bytes) {
    for (; !ec && !bytes.empty(); bytes = bytes.subspan(block_bytes)) {
      const auto g = format::peek_group(bytes.first(block_bytes), c_.super.store);
      if (g && g->zone_generation == generation && g->record_count > 0)
        return std::exchange(call_, nullptr)(g->first_sequence);
    }
    std::exchange(call_, nullptr)(std::nullopt);
  });
}

}  // namespace furrow::core
