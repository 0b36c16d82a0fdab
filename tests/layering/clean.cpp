// What a sans-IO object may do: memory, containers, text made in memory.
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace furrow::layering {

std::string describe(const std::map<int, std::vector<int>>& extents) {
  auto text = std::make_shared<std::string>();
  for (const auto& [key, blocks] : extents) *text += std::to_string(key) + ":" + std::to_string(blocks.size()) + " ";
  return *text;
}

}  // namespace furrow::layering
