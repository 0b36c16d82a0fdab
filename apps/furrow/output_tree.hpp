// What get writes: files, links and directories below one directory, and nothing outside of it.
//
// Invariants
//   I1  Nothing is made or followed outside the target directory: names with an empty component, '.', '..', a leading
//       '/' or a NUL are refused, and no component is a symbolic link.
//   I2  A file appears under its name with all its bytes, its mode and its time, or not at all: bytes go to a file with
//       a temporary name beside it, which is renamed, or removed.
//   I3  Modes and times of directories are set last, since making files in them changes both.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace furrow::cli {

/// Owns a file descriptor.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int value) : value_{value} {}
  descriptor(descriptor&& other) noexcept : value_{std::exchange(other.value_, -1)} {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~descriptor();
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_ = -1;
};

/// A file in the making. Destroyed before commit(): as if it had never been.
class new_file {
 public:
  new_file(std::shared_ptr<const descriptor> directory, std::string name, std::string thing);
  new_file(const new_file&) = delete;
  new_file& operator=(const new_file&) = delete;
  ~new_file();

  void write_at(std::uint64_t offset_bytes, std::span<const std::byte> bytes);
  /// How long the file is to be; what is not written to is a hole.
  void set_bytes(std::uint64_t bytes);
  void commit(std::uint32_t mode, std::int64_t modified_ns);

 private:
  std::shared_ptr<const descriptor> directory_;
  std::string name_;
  std::string thing_;
  std::string temporary_name_;
  descriptor file_;
  bool committed_ = false;
};

class output_tree {
 public:
  /// Makes the directory `path` if it is absent.
  explicit output_tree(const std::string& path);

  /// Whether something has the name.
  [[nodiscard]] bool taken(const std::string& name) const;
  /// All throw failure, naming the object.
  [[nodiscard]] std::unique_ptr<new_file> make_file(std::string_view name);
  void make_link(std::string_view name, const std::string& target, std::int64_t modified_ns);
  void make_directory(std::string_view name, std::uint32_t mode, std::int64_t modified_ns);
  /// To be called once, when everything else was made.
  void finish_directories();

 private:
  struct made_directory {
    std::string name;
    std::uint32_t mode;
    std::int64_t modified_ns;
  };
  struct opened_directory {
    std::string name;
    std::shared_ptr<const descriptor> directory;
  };

  /// The directory called `name` ("" is the top), made with all above it where absent.
  std::shared_ptr<const descriptor> directory(const std::string& name, std::string_view thing);

  std::shared_ptr<const descriptor> top_;
  std::list<opened_directory> opened_;  ///< Most recently used first.
  std::vector<made_directory> made_;
};

}  // namespace furrow::cli
