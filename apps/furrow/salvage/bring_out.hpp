// Objects as files below one directory that was absent or empty, and the report of what is missing in them.
//
// Invariants
//   B1  Every object that a source finds is in the report: whole, or with each range that is missing; the file has a hole there.
//   B2  No file takes another one's place (file_names.hpp): an object whose places are all taken is named as missing.
//   B3  One object's failure ends nothing; that the target has no room does.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "furrow/command.hpp"
#include "furrow/output.hpp"
#include "furrow/output_tree.hpp"
#include "furrow/progress.hpp"
#include "furrow/salvage/object_source.hpp"

namespace furrow::cli {

/// What is missing: a range of an object, an object, or, with neither, something of the store.
struct missing_part {
  std::optional<object_id> object;
  std::string name;
  std::optional<std::uint64_t> offset_bytes;
  std::uint64_t bytes = 0;
  std::optional<zoned::zone_index> zone;
  std::string why;
};

/// What an object comes from.
enum class brought_from {
  store,
  metadata,   ///< What is left of its own.
  zone_pages  ///< They alone.
};

/// Throws failure if it is there and not an empty directory.
void check_target(const std::string& directory);

class bring_out {
 public:
  /// Makes the directory, if check_target() does not mind.
  bring_out(const std::string& directory, progress& shown);

  /// Answers false, and has done nothing, if the source cannot tell what the object is.
  bool add(object_source& from, object_id id, brought_from what);
  void missing(missing_part part);
  /// To be called once, when all objects were added.
  void finish();

  [[nodiscard]] exit_status status() const;
  [[nodiscard]] nlohmann::json report() const;
  void print(output& out, const std::string& uri) const;

 private:
  struct brought {
    object_id object;
    std::uint32_t collection;
    std::string name;
    std::string place;
    std::uint64_t bytes;
    std::uint64_t lost_bytes;
    brought_from from;
    [[nodiscard]] bool rebuilt() const { return from != brought_from::store; }
  };

  bool write(object_source& from, const object_status& object, const std::string& place, brought& to);
  void write_content(object_source& from, const object_status& object, new_file& to, brought& told);

  output_tree tree_;
  progress& shown_;
  std::uint64_t objects_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t lost_bytes_ = 0;
  bool rebuilt_ = false;
  std::uint64_t of_zone_pages_ = 0;
  std::vector<brought>
      told_;  ///< Those that are not simply whole in objects/NAME: rebuilt, with a part missing, or elsewhere.
  std::vector<missing_part> missing_;
};

}  // namespace furrow::cli
