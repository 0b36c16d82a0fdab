#include "dump_writer.hpp"

#include <fmt/format.h>

#include "text.hpp"

namespace furrow::cli {

namespace {

void set_place(nlohmann::json& to, std::optional<dump_place> at) {
  if (!at) return;
  to["zone"] = at->zone.value;
  to["block"] = at->block;
}

nlohmann::json fields_json(const format::field_list& fields) {
  nlohmann::json to = nlohmann::json::object();
  for (const auto& [name, value] : fields) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      set_bytes(to, name, *text);
    } else if (const auto* number = std::get_if<std::uint64_t>(&value)) {
      to[name] = *number;
    } else {
      to[name] = std::get<std::int64_t>(value);
    }
  }
  return to;
}

}  // namespace

std::string dump_writer::margin(std::optional<dump_place> at, unsigned depth) {
  const std::string place = at ? fmt::format("{}/{}", at->zone.value, at->block) : "";
  return fmt::format("{:>12}  {}", place, std::string(std::size_t{2} * depth, ' '));
}

void dump_writer::json(std::optional<dump_place> at, const char* kind, const std::string& text) {
  nlohmann::json to{{kind, text}};
  set_place(to, at);
  out_.json_line(to);
}

void dump_writer::heading(const std::string& text) {
  if (!json_) out_.line(text);
}

void dump_writer::structure(std::optional<dump_place> at, const format::description& d, unsigned depth,
                            dump_layout layout) {
  if (json_) {
    nlohmann::json to{{"what", d.what}, {"fields", fields_json(d.fields)}};
    set_place(to, at);
    out_.json_line(to);
  } else if (layout == dump_layout::line) {
    out_.line(margin(at, depth) + format::to_line(d));
  } else {
    out_.line(margin(at, depth) + d.what);
    for (const auto& field : d.fields) {
      out_.line(margin({}, depth + 1) + format::to_line({.what = "", .fields = {field}}).substr(1));
    }
  }
}

void dump_writer::note(std::optional<dump_place> at, const std::string& text, unsigned depth) {
  if (json_) return json(at, "note", text);
  out_.line(margin(at, depth) + text);
}

void dump_writer::fault(std::optional<dump_place> at, const std::string& text, unsigned depth) {
  ++faults_;
  if (json_) return json(at, "fault", text);
  out_.line(margin(at, depth) + "! " + text);
}

}  // namespace furrow::cli
