// Forgeries whose structures are each as they may be, and that together cannot be.
//
// Not here: single fields that are forged (malformed_images.cpp).
#pragma once

#include <functional>
#include <vector>

#include "sim/forgery.hpp"

namespace furrow::sim {

struct contradiction {
  const char* name;
  std::function<void(forgery&)> forge;
};

/// For a store with a clone, whose trees have pages of two levels.
[[nodiscard]] std::vector<contradiction> contradictions();

}  // namespace furrow::sim
