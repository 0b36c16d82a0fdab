// What a trace would cost on the same zones with the simplest cleaner there is: all blocks, written or moved, share one
// stream, and the zone with the fewest live blocks is cleaned when hardly any is free.
//
// Not here: the engine; this is what its figure is put beside.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace furrow::wa {

struct geometry {
  std::uint32_t live_blocks = 0;
  std::uint32_t zone_blocks = 0;  ///< The first is its header.
  std::uint32_t zones = 0;        ///< For data.
};

class greedy_model {
 public:
  explicit greedy_model(const geometry& g);

  void write(std::uint32_t block);
  /// Blocks written to zones, headers too.
  [[nodiscard]] std::uint64_t written() const { return written_; }

 private:
  static constexpr std::uint32_t nothing = ~std::uint32_t{0};
  struct zone {
    std::vector<std::uint32_t> blocks;  ///< In the order of writing.
    std::uint32_t live = 0;
    bool free = true;
  };
  void put(std::uint32_t block);
  void clean();

  geometry g_;
  std::vector<zone> zones_;
  std::vector<std::uint32_t> zone_of_;
  std::vector<std::uint32_t> place_of_;
  std::vector<std::uint32_t> free_;
  std::uint32_t open_ = nothing;
  std::uint64_t written_ = 0;
};

/// Blocks written for each of the trace's second half, after all blocks were written once.
[[nodiscard]] double greedy_amplification(const geometry& g, std::span<const std::uint32_t> trace);

}  // namespace furrow::wa
