#include "file_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace furrow::cli {

namespace {

std::string escaped_byte(char c) { return fmt::format("%{:02X}", static_cast<unsigned char>(c)); }

/// Appends pieces that stay whole, and breaks the component before one that would make it too long (N1).
class path_writer {
 public:
  void add(std::string_view piece) {
    constexpr std::string_view broken = "%/";
    if (component_bytes_ + piece.size() + broken.size() > component_bytes_max) {
      path_ += broken;
      component_bytes_ = 0;
      if (piece == ".") piece = "%2E";
    }
    path_ += piece;
    component_bytes_ += piece.size();
  }
  void slash() {
    path_ += '/';
    component_bytes_ = 0;
  }
  [[nodiscard]] bool at_component() const { return component_bytes_ == 0; }
  [[nodiscard]] std::string take() { return std::move(path_); }

 private:
  std::string path_;
  std::size_t component_bytes_ = 0;
};

void add_component(path_writer& to, std::string_view component) {
  const bool dots = component == "." || component == "..";
  for (const char c : component) {
    if (c == '%' || c == '\0' || dots) {
      to.add(escaped_byte(c));
    } else {
      to.add({&c, 1});
    }
  }
}

}  // namespace

std::string escaped_path(std::string_view name, bool folder) {
  path_writer to;
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t end = std::min(name.find('/', at), name.size());
    add_component(to, name.substr(at, end - at));
    if (end == name.size()) break;
    const bool last = end + 1 == name.size();
    if (to.at_component() || (last && !folder)) {
      to.add(escaped_byte('/'));
    } else {
      to.slash();
    }
    at = end + 1;
  }
  return to.take();
}

std::string escaped_flat(std::string_view name) {
  path_writer to;
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t end = std::min(name.find('/', at), name.size());
    add_component(to, name.substr(at, end - at));
    if (end < name.size()) to.add(escaped_byte('/'));
    at = end + 1;
  }
  return to.take();
}

std::vector<std::string> places_for(std::uint64_t id, std::uint32_t collection, std::string_view name, bool folder) {
  std::vector<std::string> places;
  if (!name.empty()) {
    const std::string above = collection == 0 ? "objects/" : fmt::format("collections/{}/", collection);
    places.push_back(above + escaped_path(name, folder));
    if (!folder) {
      places.push_back(places.front() + "%_");
      places.push_back(above + escaped_flat(name));
    }
  }
  places.push_back(fmt::format("by-id/{}", id));
  return places;
}

}  // namespace furrow::cli
