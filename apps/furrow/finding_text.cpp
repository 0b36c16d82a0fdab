#include "finding_text.hpp"

#include <fmt/format.h>

namespace furrow::cli {

nlohmann::json to_json(const check_finding& f) {
  const error_detail& d = f.detail;
  nlohmann::json to{{"what", f.what}};
  if (d.object) to["object"] = *d.object;
  if (d.offset_bytes) to["offset_bytes"] = *d.offset_bytes;
  if (d.bytes) to["bytes"] = *d.bytes;
  if (d.zone) to["zone"] = d.zone->value;
  return to;
}

std::string place_text(const error_detail& d) {
  std::string text;
  if (d.object) text += fmt::format(" object {}", *d.object);
  if (d.offset_bytes) text += fmt::format(" bytes {}..{}", *d.offset_bytes, *d.offset_bytes + d.bytes.value_or(0));
  if (d.zone) text += fmt::format(" zone {}", d.zone->value);
  return text;
}

void print_findings(output& out, const std::vector<check_finding>& findings, const char* word) {
  for (const check_finding& f : findings) {
    const std::string place = place_text(f.detail);
    out.line(fmt::format("{}:{}{} {}", word, place, place.empty() ? "" : ":", out.shown(f.what)));
  }
}

}  // namespace furrow::cli
