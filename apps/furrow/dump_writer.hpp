// What dump prints: a sequence of structures, each with its place, its fields, and what is wrong with it.
//
// Layout of the text
//   STRUCTURE at zone Z block B: NAME=VALUE ...      fields on the line, or one a line where there are many
//   ! what cannot be read or does not verify
// Layout of the JSON       one object a line: structure, zone, block, fields {}, fault
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

struct dump_item {
  std::string structure;
  std::optional<dump_place> place{};
  format::fields fields{};
  std::string fault{};       ///< Empty: none.
  std::uint8_t depth = 0;    ///< Of indentation.
  bool field_a_line = false;
};

class dump_writer {
 public:
  dump_writer(output& out, bool json) : out_{out}, json_{json} {}

  void add(const dump_item& item);
  /// A heading of the text; nothing in JSON.
  void heading(const std::string& text);
  /// What dump could not print: remembered for the exit status.
  [[nodiscard]] std::uint64_t faults() const { return faults_; }

 private:
  output& out_;
  bool json_;
  std::uint64_t faults_ = 0;
};

}  // namespace furrow::cli
