// The files of the golden folder: read whole, or written anew where FURROW_UPDATE_GOLDEN=1 says so.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace furrow::golden {

inline std::filesystem::path file_of(std::string_view name, std::string_view extension) {
  return std::filesystem::path{FURROW_GOLDEN_FOLDER} / (std::string{name} + std::string{extension});
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  REQUIRE_MESSAGE(in.is_open(), path.string());
  return {std::istreambuf_iterator<char>{in}, {}};
}

inline void write_file(const std::filesystem::path& path, std::string_view text) {
  std::ofstream out{path, std::ios::binary};
  out << text;
  REQUIRE_MESSAGE(out.flush().good(), path.string());
}

inline bool updating() {
  const char* const text = std::getenv("FURROW_UPDATE_GOLDEN");
  return text != nullptr && std::string_view{text} == "1";
}

}  // namespace furrow::golden
