// What a run gave, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "furrow_full/run.hpp"

namespace furrow::full {

[[nodiscard]] nlohmann::ordered_json to_json(const std::string& place, const plan& how, const outcome& o);
[[nodiscard]] std::string to_text(const std::string& place, const outcome& o);

}  // namespace furrow::full
