// The zones of a device as a picture for people and as a list for programs.
//
// Pictures
//   lines   one zone a line: a bar of the write pointer and the live share, condition, use, class    few zones
//   map     one zone a character, rows as wide as the terminal, and a legend with counts             many zones
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "furrow/engine/types.hpp"
#include "output.hpp"

namespace furrow::cli {

struct zone_list {
  std::vector<zone_status> zones;
  bool of_a_store = false;  ///< Else only what the device says is known.
};

void draw_lines(output& out, const zone_list& list);
void draw_map(output& out, const zone_list& list);
[[nodiscard]] nlohmann::json to_json(const zone_list& list);

}  // namespace furrow::cli
