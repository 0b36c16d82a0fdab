// How a simulation says that a promise was broken.
#pragma once

#include <stdexcept>

namespace furrow::sim {

/// What was promised and what came, in one line.
struct broken_promise : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace furrow::sim
