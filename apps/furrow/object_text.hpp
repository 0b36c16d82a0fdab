// What is known of an object, and what a store counts, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "furrow/engine/statistics.hpp"
#include "furrow/engine/types.hpp"

namespace furrow::cli {

[[nodiscard]] nlohmann::json to_json(const object_status& o);

struct counter {
  const char* group;
  const char* name;
  std::uint64_t value;
};
/// Every counter of a store, in the order of its declaration.
[[nodiscard]] std::vector<counter> counters_of(const statistics& s);

}  // namespace furrow::cli
