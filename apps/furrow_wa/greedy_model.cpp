#include "furrow_wa/greedy_model.hpp"

#include <algorithm>
#include <stdexcept>

namespace furrow::wa {

namespace {
constexpr std::size_t free_zones_min = 2;
}

greedy_model::greedy_model(const geometry& g)
    : g_{g}, zones_(g.zones), zone_of_(g.live_blocks, nothing), place_of_(g.live_blocks) {
  for (std::uint32_t z = g.zones; z > 0; --z) free_.push_back(z - 1);
}

void greedy_model::put(std::uint32_t block) {
  if (open_ == nothing || zones_[open_].blocks.size() + 1 == g_.zone_blocks) {
    if (free_.empty()) throw std::runtime_error("the model has no zone left");
    open_ = free_.back();
    free_.pop_back();
    zones_[open_] = {{}, 0, false};
    ++written_;
  }
  zone& z = zones_[open_];
  zone_of_[block] = open_;
  place_of_[block] = static_cast<std::uint32_t>(z.blocks.size());
  z.blocks.push_back(block);
  ++z.live;
  ++written_;
}

void greedy_model::write(std::uint32_t block) {
  if (zone_of_[block] != nothing) --zones_[zone_of_[block]].live;
  put(block);
  while (free_.size() < free_zones_min) clean();
}

void greedy_model::clean() {
  std::uint32_t victim = nothing;
  for (std::uint32_t i = 0; i < zones_.size(); ++i)
    if (!zones_[i].free && i != open_ && (victim == nothing || zones_[i].live < zones_[victim].live)) victim = i;
  if (victim == nothing || zones_[victim].live + 1 == g_.zone_blocks)
    throw std::runtime_error("the model has nothing to clean");
  const std::vector<std::uint32_t> blocks = std::move(zones_[victim].blocks);
  for (std::uint32_t place = 0; place < blocks.size(); ++place)
    if (zone_of_[blocks[place]] == victim && place_of_[blocks[place]] == place) put(blocks[place]);
  zones_[victim] = {};
  free_.push_back(victim);
}

double greedy_amplification(const geometry& g, std::span<const std::uint32_t> trace) {
  greedy_model model{g};
  for (std::uint32_t block = 0; block < g.live_blocks; ++block) model.write(block);
  const std::size_t half = trace.size() / 2;
  for (const std::uint32_t block : trace.first(half)) model.write(block);
  const std::uint64_t before = model.written();
  for (const std::uint32_t block : trace.subspan(half)) model.write(block);
  return static_cast<double>(model.written() - before) / static_cast<double>(trace.size() - half);
}

}  // namespace furrow::wa
