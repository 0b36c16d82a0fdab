// The syntax of uri.hpp.
#include "uri.hpp"

#include <array>
#include <charconv>

namespace furrow::zoned {
namespace {

constexpr std::string_view suffixes = "KMGT";

failure bad_uri(std::string_view text, std::string why) {
  return {errc::bad_uri, "device URI \"" + std::string{text} + "\": " + std::move(why)};
}

}  // namespace

boost::system::result<uri, failure> parse_uri(std::string_view text) {
  uri parsed{.text = text, .scheme = {}, .path = text, .parameters = {}};
  if (!text.starts_with('/')) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return bad_uri(text, "it begins with neither a scheme (\"memory:\") nor '/'");
    parsed.scheme = text.substr(0, colon);
    parsed.path = text.substr(colon + 1);
  }
  const std::size_t question = parsed.path.find('?');
  if (question == std::string_view::npos) return parsed;
  std::string_view rest = parsed.path.substr(question + 1);
  parsed.path = parsed.path.substr(0, question);
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find('&'));
    rest = item.size() == rest.size() ? std::string_view{} : rest.substr(item.size() + 1);
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return bad_uri(text, "parameter \"" + std::string{item} + "\" is not of the form name=value");
    }
    const std::string_view name = item.substr(0, equals);
    for (const uri_parameter& earlier : parsed.parameters) {
      if (earlier.name == name) return bad_uri(text, "parameter \"" + std::string{name} + "\" is given twice");
    }
    parsed.parameters.push_back({name, item.substr(equals + 1)});
  }
  return parsed;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t number = 0;
  const auto [rest, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc{}) return std::nullopt;
  const std::string_view suffix{rest, static_cast<std::size_t>(text.data() + text.size() - rest)};
  if (suffix.empty()) return number;
  const std::size_t power = suffix.size() == 1 ? suffixes.find(suffix[0]) : std::string_view::npos;
  if (power == std::string_view::npos) return std::nullopt;
  const std::uint64_t factor = std::uint64_t{1} << (10 * (power + 1));
  if (number > UINT64_MAX / factor) return std::nullopt;
  return number * factor;
}

std::string format_size(std::uint64_t bytes) {
  std::size_t power = 0;
  while (power < suffixes.size() && bytes != 0 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++power;
  }
  return std::to_string(bytes) + (power == 0 ? std::string{} : std::string{suffixes[power - 1]});
}

}  // namespace furrow::zoned
