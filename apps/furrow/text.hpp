// Values as text for people, and names, which are any bytes, as text for terminals and JSON.
//
// Invariants
//   I1  escaped() gives printable UTF-8 on one line whatever it is given, and different bytes give different text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "furrow/zoned/zone.hpp"

namespace furrow::cli {

/// Backslash escapes for control characters, invalid UTF-8 and the backslash itself.
[[nodiscard]] std::string escaped(std::string_view bytes);
[[nodiscard]] bool valid_utf8(std::string_view bytes);
/// Sets `key` to the bytes if they are UTF-8, else `key`_hex to their hexadecimal digits.
void set_bytes(nlohmann::json& to, const std::string& key, std::string_view bytes);
[[nodiscard]] std::string hexadecimal(std::string_view bytes);

/// "12.3 MiB"
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);
/// "1,234,567"
[[nodiscard]] std::string grouped(std::uint64_t number);
/// "1:02:03", "0:07"
[[nodiscard]] std::string human_seconds(double seconds);
/// Local time, to the second: "2026-02-03 04:05:06"
[[nodiscard]] std::string local_time(std::int64_t ns);
/// "drwxr-xr-x"
[[nodiscard]] std::string mode_text(std::uint32_t mode);
[[nodiscard]] std::string uuid_text(const std::array<std::byte, 16>& value);

[[nodiscard]] const char* name_of(zoned::zone_type type);
[[nodiscard]] const char* name_of(zoned::zone_condition condition);

}  // namespace furrow::cli
