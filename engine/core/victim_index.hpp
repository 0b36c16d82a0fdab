// Which zone to clean next: the one that gains most for what it costs, of those that were told of.
//
// A zone's worth is (1 - u) / u * age: u is the live share of its blocks, age how many sequences ago it was last
// written. Zones are kept in buckets by live share, each a heap with the oldest zone on top; a pick looks at the tops
// alone. Buckets are 1/64 wide, and where less than 1/64 is dead each is half as wide as the one before: so nobody
// moves a zone of 65,536 blocks for the sake of one.
//
// Invariants
//   V1  A zone is in the bucket of its live share as last told; in none if nothing in it is dead.
//   V2  No zone in a bucket is older than the one on top.
//   V3  pick() depends on nothing but what is in the index, and on `now`. Of equals the bucket with more dead blocks
//       wins, then the zone with the lower number.
//   V4  A pick looks at `buckets` zones at most, however many there are. As blocks die, a zone changes its bucket at most
//       once for each, and the change is a step through one heap.
//
// Not here: which zones may be cleaned, and whether it is worth while (cleaner).
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "furrow/zoned/units.hpp"

namespace furrow::core {

class victim_index {
 public:
  static constexpr std::uint32_t linear_buckets = 64;
  static constexpr std::uint32_t buckets = linear_buckets - 1 + 11;  ///< The last: at most 2^-16 dead.

  /// An empty index of zones below `zone_count`.
  void init(std::uint32_t zone_count);

  /// The zone was last written at that sequence.
  void add(zoned::zone_index zone, std::uint32_t live_blocks, std::uint32_t capacity_blocks,
           std::uint64_t age_sequence);
  /// Of a zone that was added.
  void update(zoned::zone_index zone, std::uint32_t live_blocks, std::uint32_t capacity_blocks,
              std::uint64_t age_sequence);
  void remove(zoned::zone_index zone);
  [[nodiscard]] bool contains(zoned::zone_index zone) const { return bucket_of_zone_[zone.value] != absent; }
  [[nodiscard]] std::uint32_t size() const { return size_; }

  /// The best victim at that sequence, of those in the first buckets; none if nothing is dead in any of them. It stays in
  /// the index.
  [[nodiscard]] std::optional<zoned::zone_index> pick(std::uint64_t now, std::uint32_t first_buckets = buckets) const;

  /// Of the emptiest, whatever their age, the first that serves, of those in the first buckets; `looks_max` of them are
  /// looked at.
  template <class Serves>
  [[nodiscard]] std::optional<zoned::zone_index> find_emptiest(Serves serves, std::size_t looks_max,
                                                               std::uint32_t first_buckets = buckets) const {
    for (std::uint32_t b = 0; b < first_buckets; ++b)
      for (const std::uint32_t zone : heaps_[b]) {
        if (serves(zoned::zone_index{zone})) return zoned::zone_index{zone};
        if (--looks_max == 0) return std::nullopt;
      }
    return std::nullopt;
  }

  /// `buckets` if all are live.
  [[nodiscard]] static std::uint32_t bucket_of(std::uint32_t live_blocks, std::uint32_t capacity_blocks);
  /// What a zone in the middle of that bucket gains for each block to be moved.
  [[nodiscard]] static double gain_of(std::uint32_t bucket);

 private:
  static constexpr std::uint8_t absent = 0xff;
  static constexpr double nothing = std::numeric_limits<double>::infinity();
  struct node {
    std::uint64_t age_sequence;
    std::uint32_t position;  ///< In its bucket's heap.
  };
  using heap = std::vector<std::uint32_t>;

  [[nodiscard]] bool before(std::uint32_t a, std::uint32_t b) const {
    const std::uint64_t of_a = nodes_[a].age_sequence, of_b = nodes_[b].age_sequence;
    return of_a != of_b ? of_a < of_b : a < b;
  }
  void put(heap& h, std::size_t position, std::uint32_t zone) {
    h[position] = zone;
    node& n = nodes_[zone];
    n.position = static_cast<std::uint32_t>(position);
    if (position == 0) tops_[bucket_of_zone_[zone]] = static_cast<double>(n.age_sequence);
  }
  void enter(std::uint32_t zone);
  void leave(std::uint32_t zone);
  void rise(heap& h, std::size_t position, std::uint32_t zone);
  void sink(heap& h, std::size_t position, std::uint32_t zone);

  std::vector<std::uint8_t> bucket_of_zone_;
  std::unique_ptr<node[]> nodes_;  ///< Of zones in the index; what others have was never written.
  std::array<heap, buckets> heaps_;
  std::array<double, buckets> tops_{};  ///< Sequence of the zone on top; `nothing` if the bucket is empty.
  std::uint32_t size_ = 0;
};

}  // namespace furrow::core
