// What a decoded structure says, as a list of named fields: dumps print it as one line or as JSON, tests compare it.
//
// Line          what name=value name=value ...
//   number      decimal
//   text        as it is if it is made of letters, digits and "_-+.,:/[)(>" only; else in double quotes, with \" \\ and
//               \xNN for bytes that are not printable ASCII
//   address     device:block, or "none"
//   extent      [first block,end block)>device:block
//   run         device:block+blocks
//   checksum    kind:hex, the value as a number for crc32c
//   bytes       hex
//   list        elements with blanks between; behind the first list_shown_max of them "(+n)" for the n that follow
//
// Invariants
//   I1  Names of fields are stable: scripts read them. A field is there whatever its value, so that all lines of one
//   kind
//       have the same fields; but a cell that does not decode has only its raw bytes.
//
// Not here: reading the structures from a device (apps).
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "format/group.hpp"
#include "format/record.hpp"
#include "format/superblock.hpp"
#include "format/zone_header.hpp"

namespace furrow::format {

using field_value = std::variant<std::uint64_t, std::int64_t, std::string>;
using field_list = std::vector<std::pair<std::string, field_value>>;

struct description {
  std::string what;  ///< The structure, or the type of the record or cell.
  field_list fields;
};

inline constexpr std::size_t list_shown_max = 16;
inline constexpr std::size_t bytes_shown_max = 64;

[[nodiscard]] description describe(const superblock& s);
[[nodiscard]] description describe(const zone_header& h);
[[nodiscard]] description describe(const group_header& h);
[[nodiscard]] description describe(const record& r);
/// The header of a page that check_page() has passed.
[[nodiscard]] description describe(const page_identity& identity, const page_view& page);
/// A cell of such a page. One that is against its tree's forms is "unknown" and shown raw.
[[nodiscard]] description describe_cell(const page_identity& identity, key_view key, value_view value);

[[nodiscard]] std::string to_line(const description& d);

}  // namespace furrow::format
