#include "core/placement.hpp"

#include <algorithm>
#include <array>

#include "core/assert.hpp"

namespace furrow::core {

namespace {

using format::zone_class;

constexpr std::uint64_t medium_from = 1, long_from = 4, extreme_from = 16;  // lifespans
constexpr std::uint64_t weight = 16;  // of the mean lifespan against that of one more zone

constexpr auto unhinted = zone_class::unhinted, brief = zone_class::short_lived, medium = zone_class::medium_lived,
               lasting = zone_class::long_lived, extreme = zone_class::extreme, moved = zone_class::cleaner;
constexpr auto moved_1 = static_cast<zone_class>(static_cast<std::uint8_t>(moved) + 1);
constexpr auto moved_2 = static_cast<zone_class>(static_cast<std::uint8_t>(moved) + 2);

using row = std::array<zone_class, placement::streams_max>;
constexpr std::array<row, placement::streams_max> folds{{
    {unhinted, unhinted, unhinted, unhinted, unhinted, unhinted, unhinted, unhinted},
    {unhinted, brief, unhinted, unhinted, unhinted, unhinted, unhinted, unhinted},
    {unhinted, brief, unhinted, unhinted, unhinted, moved, moved, moved},
    {unhinted, brief, unhinted, unhinted, unhinted, moved, moved_1, moved_1},
    {unhinted, brief, unhinted, unhinted, unhinted, moved, moved_1, moved_2},
    {unhinted, brief, medium, medium, unhinted, moved, moved_1, moved_2},
    {unhinted, brief, medium, lasting, unhinted, moved, moved_1, moved_2},
    {unhinted, brief, medium, lasting, extreme, moved, moved_1, moved_2},
}};

std::size_t index_of(zone_class cls) {
  const auto index = static_cast<std::size_t>(cls) - static_cast<std::size_t>(unhinted);
  return std::min(index, placement::streams_max - 1);
}

}  // namespace

zone_class placement::folded(zone_class cls, std::size_t streams) {
  FURROW_ASSERT(format::known(cls) && cls != zone_class::metadata && streams > 0);
  return folds[std::min(streams, streams_max) - 1][index_of(cls)];
}

/// Zones of one lifespan, met at any time of it, are half as old in the mean.
void placement::zone_found(zone_class cls, std::uint64_t fill_sequence, std::uint64_t now) {
  if (cls != brief || now < fill_sequence) return;
  found_sum_ += now - fill_sequence;
  set_lifespan(2 * found_sum_ / ++found_ * weight);
}

void placement::zone_ended(zone_class cls, std::uint64_t fill_sequence, std::uint64_t now) {
  if (cls != brief || now < fill_sequence) return;
  const std::uint64_t lived = now - fill_sequence;
  set_lifespan(lifespan_ == 0 ? lived * weight : weighed_ - weighed_ / weight + lived);
}

void placement::set_lifespan(std::uint64_t weighed) {
  weighed_ = weighed;
  lifespan_ = std::max<std::uint64_t>(weighed / weight, 1);
}

std::uint64_t placement::age_at_move(zone_class cls) const {
  if (cls < moved_1) return 0;
  return lifespan_ * (cls == moved_1 ? long_from : extreme_from);
}

std::uint64_t placement::age_of(const written_place& p, std::uint64_t now) const {
  const std::uint64_t filling = p.write_sequence > p.fill_sequence ? p.write_sequence - p.fill_sequence : 0;
  const std::uint64_t blocks = p.next_block > 2 ? p.next_block - 2 : 1;
  const std::uint64_t before = std::min<std::uint64_t>(p.block > 0 ? p.block - 1 : 0, blocks);
  const double share = static_cast<double>(before) / static_cast<double>(blocks);
  const std::uint64_t written = p.fill_sequence + static_cast<std::uint64_t>(static_cast<double>(filling) * share);
  return (now > written ? now - written : 0) + age_at_move(p.cls);
}

zone_class placement::of_overwrite(const written_place& old, std::uint64_t now) const {
  const std::uint64_t lived = age_of(old, now);
  if (lifespan_ == 0 || lived < medium_from * lifespan_) return brief;
  if (lived < long_from * lifespan_) return medium;
  return lived < extreme_from * lifespan_ ? lasting : extreme;
}

zone_class placement::of_move(const written_place& from, std::uint64_t now) const {
  const std::uint64_t age = age_of(from, now);
  if (lifespan_ == 0 || age < long_from * lifespan_) return moved;
  return age < extreme_from * lifespan_ ? moved_1 : moved_2;
}

}  // namespace furrow::core
