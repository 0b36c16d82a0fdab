#include <charconv>

#include "furrow/engine/scrub.hpp"

namespace furrow {

std::string to_string(const scrub_position& p) {
  switch (p.at) {
    case scrub_position::part::data:
      return "data:" + std::to_string(p.object) + ":" + std::to_string(p.block);
    case scrub_position::part::pages:
      return "pages:" + std::to_string(p.block);
    case scrub_position::part::end:
      break;
  }
  return "end";
}

std::optional<scrub_position> parse_scrub_position(std::string_view text) {
  scrub_position p;
  const auto number = [&text](std::uint64_t& to) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
    if (error != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
  };
  const auto skip = [&text](std::string_view what) {
    if (!text.starts_with(what)) return false;
    text.remove_prefix(what.size());
    return true;
  };
  bool good = false;
  if (skip("data:")) {
    good = number(p.object) && skip(":") && number(p.block);
  } else if (skip("pages:")) {
    p.at = scrub_position::part::pages;
    good = number(p.block);
  } else if (skip("end")) {
    p.at = scrub_position::part::end;
    good = true;
  }
  return good && text.empty() ? std::optional{p} : std::nullopt;
}

}  // namespace furrow
