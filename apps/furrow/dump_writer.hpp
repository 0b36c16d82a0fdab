// What dump prints: a sequence of structures, each with its place and its fields, or with what is wrong there.
//
// Layout of the text       zone/block  STRUCTURE NAME=VALUE ...      indented by depth; or one field a line
//                          zone/block  ! what cannot be read or does not verify
// Layout of the JSON       one object a line: what, zone, block, fields {}, fault
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "format/describe.hpp"
#include "furrow/zoned/units.hpp"
#include "output.hpp"

namespace furrow::cli {

struct dump_place {
  zoned::zone_index zone;
  std::uint64_t block = 0;
};

enum class dump_layout { line, field_a_line };

class dump_writer {
 public:
  dump_writer(output& out, bool json) : out_{out}, json_{json} {}

  /// A line of the text that is no structure; nothing in JSON.
  void heading(const std::string& text);
  void structure(std::optional<dump_place> at, const format::description& d, unsigned depth = 0,
                 dump_layout layout = dump_layout::line);
  /// Bytes that are no structure, and need not be one.
  void note(std::optional<dump_place> at, const std::string& text, unsigned depth = 0);
  /// Something that should be there and is not, or does not verify. Counted.
  void fault(std::optional<dump_place> at, const std::string& text, unsigned depth = 0);

  [[nodiscard]] std::uint64_t faults() const { return faults_; }

 private:
  [[nodiscard]] static std::string margin(std::optional<dump_place> at, unsigned depth);
  void json(std::optional<dump_place> at, const char* kind, const std::string& text);

  output& out_;
  bool json_;
  std::uint64_t faults_ = 0;
};

}  // namespace furrow::cli
