#include "text.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cmath>
#include <ctime>

namespace furrow::cli {

namespace {

struct utf8_character {
  std::size_t bytes = 0;  ///< 0: the bytes at this place are not UTF-8.
  std::uint32_t code = 0;
};

utf8_character character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {1, first};
  const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() - at < bytes) return {};
  std::uint32_t code = first & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fU);
  }
  const std::uint32_t least = bytes == 2 ? 0x80 : bytes == 3 ? 0x800 : 0x10000;
  if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {bytes, code};
}

/// Controls, and what changes the direction or place of the text around it.
bool unprintable(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad || (code >= 0x200b && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
         (code >= 0xe000 && code <= 0xf8ff) || (code & 0xfffe) == 0xfffe;
}

}  // namespace

std::string escaped(std::string_view bytes) {
  std::string to;
  to.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const utf8_character c = character_at(bytes, at);
    const std::size_t length = c.bytes == 0 ? 1 : c.bytes;
    if (c.bytes != 0 && c.code == '\\') {
      to += "\\\\";
    } else if (c.bytes != 0 && c.code == '\n') {
      to += "\\n";
    } else if (c.bytes != 0 && c.code == '\t') {
      to += "\\t";
    } else if (c.bytes == 0 || unprintable(c.code)) {
      for (std::size_t i = 0; i < length; ++i) {
        to += fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes[at + i]));
      }
    } else {
      to.append(bytes.substr(at, length));
    }
    at += length;
  }
  return to;
}

bool valid_utf8(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const utf8_character c = character_at(bytes, at);
    if (c.bytes == 0) return false;
    at += c.bytes;
  }
  return true;
}

std::string hexadecimal(std::string_view bytes) {
  std::string to;
  for (const char c : bytes) to += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return to;
}

void set_bytes(nlohmann::json& to, const std::string& key, std::string_view bytes) {
  if (valid_utf8(bytes)) {
    to[key] = std::string{bytes};
  } else {
    to[key + "_hex"] = hexadecimal(bytes);
  }
}

std::string human_bytes(std::uint64_t bytes) {
  static constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string grouped(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string human_seconds(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::max(0.0, std::ceil(seconds)));
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string local_time(std::int64_t ns) {
  constexpr std::int64_t second = 1'000'000'000;
  const std::time_t seconds = ns / second - (ns % second < 0 ? 1 : 0);
  std::tm parts{};
  std::array<char, 64> text{};
  if (::localtime_r(&seconds, &parts) == nullptr ||
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts) == 0) {
    return fmt::format("@{}", seconds);
  }
  return text.data();
}

std::string mode_text(std::uint32_t mode) {
  std::string text = "?rwxrwxrwx";
  if (S_ISREG(mode) || (mode & S_IFMT) == 0) text[0] = '-';
  if (S_ISDIR(mode)) text[0] = 'd';
  if (S_ISLNK(mode)) text[0] = 'l';
  for (std::size_t bit = 0; bit < 9; ++bit) {
    if ((mode >> (8 - bit) & 1) == 0) text[1 + bit] = '-';
  }
  if ((mode & S_ISUID) != 0) text[3] = text[3] == 'x' ? 's' : 'S';
  if ((mode & S_ISGID) != 0) text[6] = text[6] == 'x' ? 's' : 'S';
  if ((mode & S_ISVTX) != 0) text[9] = text[9] == 'x' ? 't' : 'T';
  return text;
}

std::string uuid_text(const std::array<std::byte, 16>& value) {
  std::string text;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", std::to_integer<unsigned>(value[i]));
  }
  return text;
}

const char* name_of(zoned::zone_type type) {
  return type == zoned::zone_type::conventional ? "conventional" : "sequential";
}

const char* name_of(zoned::zone_condition condition) {
  switch (condition) {
    case zoned::zone_condition::not_write_pointer:
      return "not write pointer";
    case zoned::zone_condition::empty:
      return "empty";
    case zoned::zone_condition::implicit_open:
      return "implicit open";
    case zoned::zone_condition::explicit_open:
      return "explicit open";
    case zoned::zone_condition::closed:
      return "closed";
    case zoned::zone_condition::full:
      return "full";
    case zoned::zone_condition::read_only:
      return "read only";
    case zoned::zone_condition::offline:
      return "offline";
  }
  return "unknown";
}

}  // namespace furrow::cli
