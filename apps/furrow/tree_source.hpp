// What put stores: the files, links and directories below the paths it is given, with the names they get.
//
//   PATH            names of objects
//   dir/file        file
//   dir             dir/ (the directory itself), dir/...          as with cp -r: the last component begins the name
//   dir/. . ..      the names below it alone
// A directory's name ends with '/'. Links are stored as links, also where PATH itself is one.
//
// Invariants
//   I1  Entries come in the order of their names within each PATH, a directory before what is in it.
//
// Not here: reading the files (cmd_put.cpp).
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

namespace furrow::cli {

struct source_entry {
  std::string path;  ///< To be opened. "-": standard input.
  std::string name;  ///< Of the object.
  std::uint32_t mode = 0;
  std::uint64_t bytes = 0;  ///< When it was found; files may grow and shrink.
  std::int64_t modified_ns = 0;
  std::string link_target;

  [[nodiscard]] bool is_file() const { return S_ISREG(mode); }
};

struct source_tree {
  std::vector<source_entry> entries;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> errors;    ///< One line each: what could not be listed.
  std::vector<std::string> warnings;  ///< What is neither file, link nor directory.
};

/// Adds all that is below `path`, with `prefix` before each name. `as`, if not empty, replaces the last component.
void collect(source_tree& to, const std::string& path, const std::string& prefix, const std::string& as);

}  // namespace furrow::cli
