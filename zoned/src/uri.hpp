// Device URIs taken apart: scheme, path, and parameters in the order given.
//
//   SCHEME:PATH?name=value&name=value      a text that begins with '/' is a path without a scheme
//
// Not here: which schemes and parameters exist (registry.cpp, emulation.cpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "furrow/zoned/error.hpp"

namespace furrow::zoned {

struct uri_parameter {
  std::string_view name;
  std::string_view value;
};

/// Views into the text it was parsed from.
struct uri {
  std::string_view text;
  std::string_view scheme;
  std::string_view path;
  std::vector<uri_parameter> parameters;
};

[[nodiscard]] boost::system::result<uri, failure> parse_uri(std::string_view text);

/// A decimal number with an optional suffix K, M, G, T (powers of 1024); nothing if it is not one or does not fit.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

/// The shortest text that parse_size reads as `bytes`.
[[nodiscard]] std::string format_size(std::uint64_t bytes);

}  // namespace furrow::zoned
