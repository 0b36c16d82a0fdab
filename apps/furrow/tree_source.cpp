#include "tree_source.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "text.hpp"

namespace furrow::cli {

namespace {

struct close_directory {
  void operator()(DIR* d) const { ::closedir(d); }
};

std::string error_line(const std::string& path, int error_number) {
  return escaped(path) + ": " + std::strerror(error_number);
}

/// "dir" of "/a/dir//"; empty for "/", "." and "..".
std::string last_component(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::string_view last = path.substr(path.rfind('/') + 1);
  return last == "." || last == ".." ? std::string{} : std::string{last};
}

bool read_link(const std::string& path, std::string& to) {
  std::array<char, 4097> target{};
  const ssize_t bytes = ::readlink(path.c_str(), target.data(), target.size());
  if (bytes < 0) return false;
  to.assign(target.data(), static_cast<std::size_t>(bytes));
  return true;
}

std::vector<std::string> children_of(source_tree& to, const std::string& path) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, close_directory> directory{::opendir(path.c_str())};
  if (!directory) {
    to.errors.push_back(error_line(path, errno));
    return names;
  }
  errno = 0;
  while (const dirent* e = ::readdir(directory.get())) {
    const std::string_view name = e->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) to.errors.push_back(error_line(path, errno));
  std::sort(names.begin(), names.end());
  return names;
}

/// One path; true if it is a directory whose children follow.
bool add(source_tree& to, const std::string& path, const std::string& name) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    to.errors.push_back(error_line(path, errno));
    return false;
  }
  source_entry e;
  e.path = path;
  e.name = name;
  e.mode = found.st_mode;
  e.modified_ns = std::int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec;
  if (S_ISDIR(found.st_mode)) {
    e.name += '/';
    if (!name.empty()) to.entries.push_back(std::move(e));
    return true;
  }
  if (S_ISLNK(found.st_mode)) {
    if (!read_link(path, e.link_target)) {
      to.errors.push_back(error_line(path, errno));
      return false;
    }
  } else if (S_ISREG(found.st_mode)) {
    e.bytes = static_cast<std::uint64_t>(found.st_size);
    ++to.files;
    to.bytes += e.bytes;
  } else {
    to.warnings.push_back(escaped(path) + ": neither a file nor a directory nor a link; left out");
    return false;
  }
  to.entries.push_back(std::move(e));
  return false;
}

}  // namespace

void collect(source_tree& to, const std::string& path, const std::string& prefix, const std::string& as) {
  struct pending {
    std::string path;
    std::string name;  ///< Without the prefix.
  };
  std::vector<pending> stack{{path, as.empty() ? last_component(path) : as}};
  while (!stack.empty()) {
    const pending next = std::move(stack.back());
    stack.pop_back();
    // The top's name may be empty (its children stand alone); nobody else's is.
    const bool top_alone = next.name.empty();
    if (!add(to, next.path, top_alone ? std::string{} : prefix + next.name)) continue;
    const std::vector<std::string> names = children_of(to, next.path);
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
      const bool slash = next.path.ends_with('/');
      stack.push_back({next.path + (slash ? "" : "/") + *name, top_alone ? *name : next.name + "/" + *name});
    }
  }
}

}  // namespace furrow::cli
