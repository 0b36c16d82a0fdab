// What a check or a scrub has found, as a line and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "furrow/engine/check.hpp"
#include "output.hpp"

namespace furrow::cli {

[[nodiscard]] nlohmann::json to_json(const check_finding& f);
/// " object 7 bytes 0..4096 zone 5": what there is of it, each part with a blank before it.
[[nodiscard]] std::string place_text(const error_detail& d);
/// A line for each: "WORD: PLACE: WHAT".
void print_findings(output& out, const std::vector<check_finding>& findings, const char* word);

}  // namespace furrow::cli
